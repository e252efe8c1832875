"""Messages of the Interaction Server: interactions wait in queues, are offered to agents, and end.

Who submits an interaction hears what becomes of it; agents who are ready for its medium are invited, one after the other. User
events go between an agent and whoever submitted the interaction. Names are the public ones; in brackets the public numbers that
logs show. Source: docs/wire.md, section 18.
"""
from __future__ import annotations

from enum import Enum

from protocols.message import Vocabulary

__all__ = ["InteractionState", "MEDIA_TYPE", "StopReason", "VOCABULARY"]

MEDIA_TYPE = "outboundpreview"      # of Push Preview


class InteractionState(Enum):
    """Where an interaction stands: attribute State."""
    QUEUED = "queued"
    INVITED = "invited"             # an agent is asked
    HANDLED = "handled"             # an agent has accepted it


class StopReason(Enum):
    """Why an interaction ended: attribute Reason of EventProcessingStopped."""
    SUBMITTER = "submitter"
    AGENT = "agent"
    SUBMITTER_GONE = "submitter-gone"


VOCABULARY = Vocabulary(
    "Interaction Server",
    {"RequestSubmit": ("Queue", "MediaType", "UserData"),                  # request_submit 101
     "RequestStopProcessing": ("InteractionID",),                          # request_stop_processing 102
     "RequestChangeProperties": ("InteractionID", "UserData"),             # request_change_properties 103
     "RequestQueryInteractions": (),
     "RequestAgentLogin": ("AgentID", "MediaTypes"),                       # 135
     "RequestAgentLogout": ("AgentID",),                                   # 136
     "RequestReadyForMedia": ("AgentID", "MediaType"),                     # 147
     "RequestNotReadyForMedia": ("AgentID", "MediaType"),                  # 149
     "RequestAccept": ("AgentID", "InteractionID"),                        # 128
     "RequestReject": ("AgentID", "InteractionID"),                        # 129
     "RequestDistributeUserEvent": ("UserData",)},                         # user_event 186
    {**dict.fromkeys(("Queue", "MediaType", "InteractionID", "AgentID", "AgentPassword", "PlaceID", "InteractionType",
                      "InteractionSubtype", "Reason", "State"), str),
     "MediaTypes": list, "TenantID": int})
