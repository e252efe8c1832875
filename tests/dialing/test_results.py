"""The public enumerations, number by number."""
from __future__ import annotations

import pytest

from ocs.dialing.results import (
    RESULT_LABELS,
    CallResult,
    ContactInfoType,
    DialingMode,
    RecordStatus,
    RecordType,
)

PUBLIC_RESULTS = """
0 Ok
1 Transferred
2 Conferenced
3 General Error
4 System Error
5 Remote Release
6 Busy
7 No Answer
8 SIT Detected
9 Answering Machine Detected
10 All Trunks Busy
11 SIT Invalid Number
12 SIT VC (Vacant Code)
13 SIT IC (Operator Intercept)
14 SIT Unknown Call State
15 SIT NC (No Circuit)
16 SIT RO (Reorder)
17 Fax Detected
18 Queue Full
19 Cleared
20 Overflowed
21 Abandoned
22 Redirected
23 Forwarded
24 Consult
25 Pickedup
26 Dropped
27 Dropped on No Answer
28 Unknown
29 Covered
30 Converse-On
31 Bridged
32 Silence Detected
33 Answer
34 NU Tone
35 No Dial Tone
36 No Progress
37 No RingBack
38 No Established Detected
39 Pager Detected
40 Wrong Party
41 Dial Error
42 Call Drop Error
43 Switch Error
44 No Free Port
45 Transfer Error
46 Stale
47 Agent CallBack Error
48 Group CallBack Error
49 Deafened
50 Held
51 Do Not Call
52 Cancel Record
53 Wrong Number
"""


def test_the_call_results_are_the_public_list() -> None:
    public = [line.split(" ", 1) for line in PUBLIC_RESULTS.strip().splitlines()]
    assert [(int(result), result.label) for result in CallResult] == [(int(number), name) for number, name in public]
    assert len(RESULT_LABELS) == 54 and len(set(RESULT_LABELS.values())) == 54


def test_the_results_bear_the_names_of_their_labels() -> None:
    plain = {result: result.label.partition(" (")[0].upper().replace(" ", "_").replace("-", "_") for result in CallResult}
    different = {result.name: word for result, word in plain.items() if word != result.name}
    assert different == {"SIT_UNKNOWN": "SIT_UNKNOWN_CALL_STATE"}


@pytest.mark.parametrize("kind, names", [
    (RecordType, "NO_RECORD_TYPE UNKNOWN GENERAL CAMPAIGN_RESCHEDULED PERSONAL_RESCHEDULED PERSONAL_CALLBACK"
                 " CAMPAIGN_CALLBACK NO_CALL"),
    (RecordStatus, "NO_RECORD_STATUS READY RETRIEVED UPDATED STALE CANCELLED AGENT_ERROR CHAIN_UPDATED MISSED_CALLBACK"
                   " CHAIN_READY DELEGATED"),
    (ContactInfoType, "NO_CONTACT_TYPE HOME_PHONE DIRECT_BUSINESS_PHONE BUSINESS_WITH_EXT MOBILE VACATION_PHONE PAGER MODEM"
                      " VOICE_MAIL PIN_PAGER EMAIL_ADDRESS INSTANT_MESSAGING"),
    (DialingMode, "NO_DIAL_MODE PREDICTIVE PROGRESSIVE PREVIEW PROGRESSIVE_SEIZING PREDICTIVE_SEIZING POWER POWER_SEIZING"
                  " PUSH_PREVIEW PROGRESSIVE_GVP PREDICTIVE_GVP POWER_GVP"),
])
def test_the_configuration_enumerations_count_from_zero_in_the_public_order(kind: type, names: str) -> None:
    assert [(member.value, member.name) for member in kind] == list(enumerate(names.split()))    # type: ignore[attr-defined]


def test_each_status_is_open_or_final_or_with_somebody_else() -> None:
    S = RecordStatus
    assert {status for status in S if status.open} == {S.READY, S.RETRIEVED, S.CHAIN_READY}
    assert {status for status in S if status.final} == {
        S.UPDATED, S.STALE, S.CANCELLED, S.AGENT_ERROR, S.CHAIN_UPDATED, S.MISSED_CALLBACK}
    assert not any(status.open and status.final for status in S)


def test_a_dialing_mode_has_a_word_for_commands_and_one_for_desktops() -> None:
    assert [(mode.word, mode.desktop) for mode in DialingMode] == [
        ("no-dial-mode", ""), ("predictive", "Predictive"), ("progressive", "Progressive"), ("preview", "Preview"),
        ("progressive-seizing", "EngagedProgressive"), ("predictive-seizing", "EngagedPredictive"), ("power", "Power"),
        ("power-seizing", "EngagedPower"), ("push-preview", "PushPreview"), ("progressive-gvp", "ProgressiveGVP"),
        ("predictive-gvp", "PredictiveGVP"), ("power-gvp", "PowerGVP")]
