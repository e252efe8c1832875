"""Messages of the desktop port: which requests of the T-Server protocol a desktop may make there, and the port's own.

`ThisDN` may be left out: a connection is at one DN. Source: docs/desktop-port.md.
"""
from __future__ import annotations

from typing import Mapping

from protocols.message import Vocabulary
from protocols.tserver.messages import ATTRIBUTE_TYPES, KNOWN_REQUESTS

__all__ = ["PASSED_ON", "PATH", "TAKEN_OVER", "VOCABULARY"]

PATH = "/desktop"               # of the WebSocket
TAKEN_OVER = "taken-over"       # pair of Reasons: another desktop of the agent has taken over

# request -> attributes that it cannot do without; the T-Server carries these out
PASSED_ON: Mapping[str, tuple[str, ...]] = {
    name: tuple(attribute for attribute in KNOWN_REQUESTS[name] if attribute != "ThisDN") for name in (
        "RequestAgentLogout", "RequestAgentReady", "RequestAgentNotReady", "RequestRegisterAddress", "RequestMakeCall",
        "RequestAnswerCall", "RequestReleaseCall", "RequestHoldCall", "RequestRetrieveCall", "RequestAlternateCall",
        "RequestReconnectCall", "RequestRedirectCall", "RequestSingleStepTransfer", "RequestMuteTransfer",
        "RequestInitiateTransfer", "RequestCompleteTransfer", "RequestMergeCalls", "RequestSingleStepConference",
        "RequestInitiateConference", "RequestCompleteConference", "RequestDeleteFromConference", "RequestAttachUserData",
        "RequestUpdateUserData", "RequestDeletePair", "RequestQueryCall")}

VOCABULARY = Vocabulary("desktop port", {
    **PASSED_ON, "RequestAgentLogin": ("ThisDN",), "RequestDistributeUserEvent": ("UserData",), "RequestQueryDesktop": (),
    "RequestQueryServer": ()}, ATTRIBUTE_TYPES)
