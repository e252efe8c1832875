"""A third party with a client of its own, beside a whole contact center that runs: the Communication DN through the T-Server, and
the `ocs` command on the same directory."""
from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec
from click.testing import CliRunner

from ocs.app.cli.root import ocs
from protocols.communication import keys
from protocols.communication.index import MessageType
from tests.system.test_demo import runs

__all__ = ["runs"]

DN = "6900"
T = MessageType


class Visitor:
    """Frames on a socket, as docs/wire.md tells."""

    def __init__(self, place: dict[str, Any]) -> None:
        self._socket = socket.create_connection((place["host"], place["port"]), timeout=20)
        self._buffer, self._number, self._references = b"", 0, 40
        self.send("RequestRegisterClient", ApplicationName=place["application"], ApplicationPassword=place["password"],
                  ProtocolVersion="1")
        assert self.receive()[0] == "EventLinkConnected"
        self.send("RequestRegisterAddress", ThisDN=DN)
        assert self.receive()[0] == "EventRegistered"

    def send(self, name: str, **attributes: Any) -> None:
        self._number += 1
        body = msgspec.msgpack.encode([name, self._number, attributes])
        self._socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self) -> Any:
        while len(self._buffer) < 4 or len(self._buffer) < 4 + struct.unpack(">I", self._buffer[:4])[0]:
            more = self._socket.recv(65_536)
            assert more, "the T-Server has left"
            self._buffer += more
        end = 4 + struct.unpack(">I", self._buffer[:4])[0]
        message, self._buffer = msgspec.msgpack.decode(self._buffer[4:end]), self._buffer[end:]
        return message

    def ask(self, kind: MessageType, **values: Any) -> dict[str, Any]:
        """The one answer of the OCS."""
        self._references += 1
        pairs = [[keys.MESSAGE_TYPE, int(kind)], [keys.REFERENCE_ID, self._references], [keys.SESSION_ID, 401],
                 *([getattr(keys, name.upper()), value] for name, value in values.items())]
        self.send("RequestDistributeUserEvent", CommunicationDN=DN, UserEvent=96, UserData=pairs)
        while True:
            name, _, attributes = self.receive()
            if name == "EventUserEvent":
                told = dict(attributes["UserData"])
                sender = dict(attributes["Extensions"])["application"]
                if told.get(keys.REFERENCE_ID) == self._references and sender == "ocs":
                    return told

    def leave(self) -> None:
        self._socket.close()


def command(run: Any, *arguments: str) -> str:
    done = CliRunner().invoke(ocs, [*arguments, "--directory", str(run.folder)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_third_party_and_the_command_operate_a_contact_center(runs: Any) -> None:
    run = runs("serve-lab", "--speed", "20")
    visitor = Visitor(run.endpoints()["servers"]["tserver"])
    assert "demo@agents: running, progressive" in command(run, "campaign", "status")
    data = visitor.ask(T.GET_CAMPAIGN_DATA)
    assert data[keys.CAMPAIGN_GROUP_NAME] == "demo@agents" and data[keys.STATUS] == 5 and data[keys.RECORDS] > 0
    assert visitor.ask(T.STOP_DIALING)[keys.STATUS] == 4
    assert "demo@agents: active" in command(run, "campaign", "status", "demo")
    told = visitor.ask(T.START_DIALING, dial_mode=1, optimize_by=2, optimize_goal=2)
    assert (told[keys.STATUS], told[keys.DIAL_MODE], told[keys.OPTIMIZE_BY]) == (5, 1, 2)
    assert "predictive (overdial-rate 2)" in command(run, "campaign", "status")
    phone = "+12125550199"
    assert visitor.ask(T.DO_NOT_CALL, phone=phone)[keys.MESSAGE_TYPE] == T.DO_NOT_CALL_PROCESSED
    assert "not to be called" in command(run, "dnc", "check", phone)
    assert visitor.ask(T.START_DIALING, dial_mode=1)[keys.ERROR_CODE] == 7
    told = visitor.ask(T.UNLOAD_CAMPAIGN)
    assert (told[keys.MESSAGE_TYPE], told[keys.STATUS]) == (T.CAMPAIGN_UNLOADED, 0)
    visitor.leave()
