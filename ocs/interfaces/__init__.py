"""The seams of the engine: what it needs of the systems around it. Each has one contract suite in `tests/contracts/`."""
from ocs.interfaces.agents import IAgentState, IInteractionListener, IInteractions
from ocs.interfaces.configuration import IConfiguration
from ocs.interfaces.http import IContactNotifier, IHttpRequests, INotificationSpool, IPreDialValidation
from ocs.interfaces.peers import IBlockNotice, IPeerRequests, IPeers
from ocs.interfaces.reporting import IHistory, IReportSpool
from ocs.interfaces.store import IReplayStore, IStore
from ocs.interfaces.switch import ICallControl, IDeskLine, IObnLink, ISwitchLink, ISwitchListener

__all__ = [
    "IAgentState", "IBlockNotice", "ICallControl", "IConfiguration", "IContactNotifier", "IDeskLine", "IHistory",
    "IHttpRequests", "IInteractionListener", "IInteractions", "INotificationSpool", "IObnLink", "IPeerRequests", "IPeers",
    "IPreDialValidation", "IReplayStore", "IReportSpool", "IStore", "ISwitchLink", "ISwitchListener",
]
