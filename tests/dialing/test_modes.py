"""Dialing modes: the public tables, row by row."""
from __future__ import annotations

import pytest

from ocs.dialing.modes import AVAILABLE_MODES, CallFlow, may_share, rules_of, why_not_change
from ocs.dialing.results import DialingMode as M

# rows and columns of the public matrix; each pair of letters stands for modes with the same row
KINDS = {"progressive": (M.PROGRESSIVE, M.PROGRESSIVE_SEIZING), "predictive": (M.PREDICTIVE, M.PREDICTIVE_SEIZING),
         "preview": (M.PREVIEW,), "push": (M.PUSH_PREVIEW,), "power": (M.POWER_GVP,), "progressive gvp": (M.PROGRESSIVE_GVP,),
         "predictive gvp": (M.PREDICTIVE_GVP,)}
MATRIX = {"progressive": "NNYYYYN", "predictive": "NNYYYYN", "preview": "YYYYYYY", "push": "YYYYYYY", "power": "YYYYYYY",
          "progressive gvp": "YYYYYYY", "predictive gvp": "NNYYYYN"}


@pytest.mark.parametrize("row", KINDS)
@pytest.mark.parametrize("place, column", list(enumerate(KINDS)))
def test_modes_share_a_group_as_the_matrix_says(row: str, place: int, column: str) -> None:
    for one in KINDS[row]:
        for other in KINDS[column]:
            assert may_share(one, other) is (MATRIX[row][place] == "Y")


def test_the_modes_that_are_numbers_only_are_refused_by_name() -> None:
    assert set(AVAILABLE_MODES) == set(M) - {M.NO_DIAL_MODE, M.POWER, M.POWER_SEIZING}
    for mode in (M.POWER, M.POWER_SEIZING, M.NO_DIAL_MODE):
        with pytest.raises(ValueError, match=mode.word):
            rules_of(mode)


def test_only_a_change_between_the_paces_of_one_call_flow_is_made_while_running() -> None:
    pairs = {(one, other) for one in AVAILABLE_MODES for other in AVAILABLE_MODES
             if one is not other and not why_not_change(one, other)}
    assert pairs == {(M.PREDICTIVE, M.PROGRESSIVE), (M.PROGRESSIVE, M.PREDICTIVE),
                     (M.PREDICTIVE_SEIZING, M.PROGRESSIVE_SEIZING), (M.PROGRESSIVE_SEIZING, M.PREDICTIVE_SEIZING)}
    assert not why_not_change(M.PREVIEW, M.PREVIEW)
    assert why_not_change(M.PREDICTIVE, M.PREVIEW) == "from predictive to preview a session has to be stopped and started"
    with pytest.raises(ValueError, match="power"):
        why_not_change(M.PREDICTIVE, M.POWER)


def test_every_mode_says_what_it_needs() -> None:
    for mode in AVAILABLE_MODES:
        rules = rules_of(mode)
        assert rules.automatic is (mode not in (M.PREVIEW, M.PUSH_PREVIEW))
        assert ("ivr_profile" in rules.needs) is (rules.flow is CallFlow.IVR)
        assert ("trunk_group_dn" in rules.needs) is (rules.flow in (CallFlow.IVR, CallFlow.SEIZING))
        assert rules.predictive is mode.word.startswith("predictive")
