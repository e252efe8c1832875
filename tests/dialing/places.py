"""Where the calls of the call machine's tests are."""
from __future__ import annotations

from ocs.dialing.call import CallOrigin

TRUNK, QUEUE, AGENT, OTHER_AGENT, CUSTOMER = "6800", "6001", "7001", "7002", "+14155550100"
CONN = "0077028a809f7004"
ORIGINS = {CallOrigin.TRUNK_GROUP: TRUNK, CallOrigin.QUEUE: QUEUE, CallOrigin.AGENT: AGENT}     # on whose behalf they are dialed
