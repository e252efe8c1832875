"""The `twistd` commands of this project."""
from twisted.application.service import ServiceMaker

ocs = ServiceMaker("ocs", "ocs.app.tap", "Outbound contact server: the dialing engine.", "ocs")
ocs_tserver = ServiceMaker(
    "ocs-tserver", "ocs.servers.tserver.tap", "T-Server: CTI gateway in front of a telephone switch.", "ocs-tserver"
)
ocs_icon = ServiceMaker(
    "ocs-icon", "ocs.servers.icon.tap", "ICON: writes what OCSs report into an interaction database.", "ocs-icon"
)
