"""The `twistd` commands of this project."""
from twisted.application.service import ServiceMaker

ocs = ServiceMaker("ocs", "ocs.app.tap", "Outbound contact server: the dialing engine.", "ocs")
ocs_tserver = ServiceMaker(
    "ocs-tserver", "ocs.servers.tserver.tap", "T-Server: CTI gateway in front of a telephone switch.", "ocs-tserver"
)
ocs_statserver = ServiceMaker(
    "ocs-statserver", "ocs.servers.statserver.tap", "Stat Server: states of agents, places, groups and campaigns.",
    "ocs-statserver"
)
ocs_icon = ServiceMaker(
    "ocs-icon", "ocs.servers.icon.tap", "ICON: writes what OCSs report into an interaction database.", "ocs-icon"
)
ocs_cpdserver = ServiceMaker(
    "ocs-cpdserver", "ocs.servers.cpdserver.tap", "CPD Server: places calls and tells by listening what answers.",
    "ocs-cpdserver"
)
ocs_interaction = ServiceMaker(
    "ocs-interaction", "ocs.servers.interaction.tap", "Interaction Server: previews wait in queues and are pushed to agents.",
    "ocs-interaction"
)
ocs_obn = ServiceMaker(
    "ocs-obn", "ocs.servers.obn.tap", "Outbound Notification Manager: dials what an OCS asks for over HTTP, posts the results.",
    "ocs-obn"
)
