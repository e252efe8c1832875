"""The tables of requests: name -> rule. Their keys are those of `protocols.tserver.messages.KNOWN_REQUESTS` and, for what only
the other server of a pair may ask for, of `protocols.tserver.pair.PAIR`."""
from __future__ import annotations

from ocs.servers.tserver.directory import DNKind
from ocs.servers.tserver.requests import agents, calls, clients, pair, queries, transfers, user_data, user_events
from ocs.servers.tserver.requests.rules import Rule
from protocols.tserver.pair import PAIR

__all__ = ["PAIR_REQUESTS", "REQUESTS"]

_EXTENSION = frozenset({DNKind.EXTENSION})
_CALLERS = frozenset({DNKind.EXTENSION, DNKind.TRUNK_GROUP})
_PREDICTIVE = frozenset({DNKind.ACD_QUEUE, DNKind.ROUTING_POINT, DNKind.TRUNK_GROUP})
_ROUTING = frozenset({DNKind.ROUTING_POINT})
_TREATED = frozenset({DNKind.ROUTING_POINT, DNKind.TRUNK_GROUP})

REQUESTS: dict[str, Rule] = {
    "RequestRegisterClient": Rule(clients.register_client, this_dn=False, backup=True),
    "RequestRegisterAddress": Rule(clients.register_address, registered=False),
    "RequestUnregisterAddress": Rule(clients.unregister_address),
    "RequestSetInputMask": Rule(clients.set_input_mask, this_dn=False),
    "RequestAgentLogin": Rule(agents.log_in, kinds=_EXTENSION),
    "RequestAgentLogout": Rule(agents.log_out, kinds=_EXTENSION),
    "RequestAgentReady": Rule(agents.ready, kinds=_EXTENSION),
    "RequestAgentNotReady": Rule(agents.not_ready, kinds=_EXTENSION),
    "RequestMakeCall": Rule(calls.make_call, kinds=_CALLERS),
    "RequestMakePredictiveCall": Rule(calls.make_predictive_call, kinds=_PREDICTIVE),
    "RequestAnswerCall": Rule(calls.answer, kinds=_EXTENSION, call=True),
    "RequestReleaseCall": Rule(calls.release, call=True),
    "RequestHoldCall": Rule(calls.hold, kinds=_CALLERS, call=True),
    "RequestRetrieveCall": Rule(calls.retrieve, kinds=_CALLERS, call=True),
    "RequestRouteCall": Rule(calls.route_call, kinds=_ROUTING, call=True),
    "RequestAlternateCall": Rule(calls.alternate, kinds=_CALLERS, call=True),
    "RequestReconnectCall": Rule(calls.reconnect, kinds=_CALLERS, call=True),
    "RequestRedirectCall": Rule(transfers.redirect, kinds=_EXTENSION, call=True),
    "RequestSingleStepTransfer": Rule(transfers.single_step_transfer, kinds=_CALLERS, call=True),
    "RequestMuteTransfer": Rule(transfers.mute_transfer, kinds=_CALLERS, call=True),
    "RequestInitiateTransfer": Rule(transfers.initiate, kinds=_CALLERS, call=True),
    "RequestCompleteTransfer": Rule(transfers.complete_transfer, kinds=_CALLERS, call=True),
    "RequestMergeCalls": Rule(transfers.merge_calls, kinds=_CALLERS, call=True),
    "RequestSingleStepConference": Rule(transfers.single_step_conference, kinds=_CALLERS, call=True),
    "RequestInitiateConference": Rule(transfers.initiate, kinds=_CALLERS, call=True),
    "RequestCompleteConference": Rule(transfers.complete_conference, kinds=_CALLERS, call=True),
    "RequestDeleteFromConference": Rule(transfers.delete_from_conference, kinds=_CALLERS, call=True),
    "RequestApplyTreatment": Rule(calls.apply_treatment, kinds=_TREATED, call=True),
    "RequestAttachUserData": Rule(user_data.attach, call=True),
    "RequestUpdateUserData": Rule(user_data.update, call=True),
    "RequestDeletePair": Rule(user_data.delete_pair, call=True),
    "RequestDeleteUserData": Rule(user_data.delete_all, call=True),
    "RequestDistributeUserEvent": Rule(user_events.distribute, this_dn=False),
    "RequestQueryServer": Rule(queries.query_server, this_dn=False, backup=True),
    "RequestQueryAddress": Rule(queries.query_address, registered=False),
    "RequestQueryCall": Rule(queries.query_call, registered=False),
}

PAIR_REQUESTS: dict[str, Rule] = {
    "RequestServerRole": Rule(pair.server_role, this_dn=False, backup=True, vocabulary=PAIR),
    "RequestOpenMirror": Rule(pair.open_mirror, this_dn=False, backup=True, vocabulary=PAIR),
    "RequestMirrorPage": Rule(pair.mirror_page, this_dn=False, backup=True, vocabulary=PAIR),
}
