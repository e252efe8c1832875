"""Messages as text: the shapes that log readers expect, and what must not be in a trace."""
from __future__ import annotations

import re
from typing import Any

from hypothesis import given

from ocs.log import masked
from protocols.message import Message
from protocols.trace import MessageTrace, message_lines
from tests.protocols.tserver.messages import messages

EVENT = Message("EventDialing", 3, {
    "EventSequenceNumber": 0x12A4, "TimeinuSecs": 94_000, "TimeinSecs": 1_262_275_391,
    "Extensions": (("RTargetAgentGroup", "VAG_Skill"),), "OtherDN": "+15550101001", "ThisDN": "7001",
    "ConnID": "0077028a809f7004", "CallType": 3, "UserData": (("GSW_PHONE", "+15550101001"), ("n", 5), ("inner", (("a", "b"),)),
                                                              ("raw", b"\x01\xff"))})


def test_a_message_has_a_head_and_a_line_for_each_attribute() -> None:
    written: list[str] = []
    trace = MessageTrace(written.append, lambda: 1_262_279_010.0123, masked)
    trace.received("tserver", "127.0.0.1:7000", EVENT)
    assert written[0].splitlines() == [
        "@17:03:30.0123 received from 65200(tserver)127.0.0.1:7000 message EventDialing",
        "\tAttributeReferenceID\t3",
        "\tAttributeEventSequenceNumber\t00000000000012a4",
        "\tAttributeTimeinuSecs\t94000",
        "\tAttributeTimeinSecs\t1262275391 (16:03:11)",
        "\tAttributeExtensions\t[33] 00 01 00 00..",
        "\t\t'RTargetAgentGroup'\t'VAG_Skill'",
        "\tAttributeOtherDN\t'+1555*****01'",
        "\tAttributeThisDN\t'7001'",
        "\tAttributeConnID\t0077028a809f7004",
        "\tAttributeCallType\t3",
        "\tAttributeUserData\t[69] 00 04 00 00..",
        "\t\t'GSW_PHONE'\t'+1555*****01'",
        "\t\t'n'\t5",
        "\t\t'inner'(list)",
        "\t\t\t'a'\t'b'",
        "\t\t'raw'\t(bin) 01 ff",
        ""]
    trace.sent("tserver", "127.0.0.1:7000", Message("RequestQueryServer", 4))
    assert written[1] == ("@17:03:30.0123 request to 65200(tserver) message RequestQueryServer\n\tAttributeReferenceID\t4\n"
                          "..sent to 127.0.0.1:7000\n\n")


def test_numbers_are_shown_only_where_wanted_and_passwords_never() -> None:
    login = Message("RequestAgentLogin", 1, {"AgentID": "1001", "AgentPassword": "s3cret", "OtherDN": "15550101001"})
    assert list(message_lines(login, masked))[1:] == [
        "\tAttributeAgentID\t'1001'", "\tAttributeAgentPassword\t'********'", "\tAttributeOtherDN\t'15550****01'"]
    assert list(message_lines(login))[-1] == "\tAttributeOtherDN\t'15550101001'"


@given(messages)
def test_no_message_can_forge_a_line(message: Any) -> None:
    for line in message_lines(message):
        assert re.match(r"\t+(Attribute[^\t]*\t|')", line) and "\n" not in line and "\r" not in line
