"""Section 15 of docs/wire.md tells the truth: its exchange happens octet by octet, its tables are those of the code."""
from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from twisted.internet.testing import StringTransport

from ocs.database.backend import transaction
from ocs.servers.icon import schema
from ocs.servers.icon.rows import rows_of
from ocs.servers.icon.sources import open_source
from ocs.servers.icon.versions import icon_versions
from protocols.icon.messages import (
    ATTRIBUTES,
    REPORTS,
    VOCABULARY,
    Cause,
    EvtCode,
    GOMessageType,
    MetricType,
    report_from_wire,
)
from protocols.server import MessageServerFactory
from tests.doubles.clock import VirtualClock
from tests.doubles.icon import Icon
from tests.servers.icon.tables import rows

SECTION = (Path(__file__).resolve().parents[3] / "docs" / "wire.md").read_text(encoding="utf-8").split(
    "\n## 15. ICON")[1].split("\n## ")[0]
EXCHANGE = re.findall(r"^(OCS|ICON) sends `(\w+)`:\n\n```hex\n(.*?)```", SECTION, re.S | re.M)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def test_the_exchange_happens_as_written_octet_by_octet(tmp_path: Path) -> None:
    path = tmp_path / "icon.sqlite"
    icon_versions.upgrade(f"sqlite:///{path}")
    shutil.copy(path, tmp_path / "copy.sqlite")
    icon = Icon(f"sqlite:///{path}")
    with transaction(icon.backend) as work:
        open_source(work, "9f1c64a0d7c14f1a8b3a5c0e2d4f6a88", "ocs", 1, 812, 0.0)
    clock = VirtualClock()
    protocol, transport = MessageServerFactory(icon.server, clock).buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    expected = b""
    for who, name, octets in EXCHANGE:
        if who == "OCS":
            protocol.dataReceived(bytes.fromhex(octets))
        else:
            expected += bytes.fromhex(octets)
            assert transport.value() == expected, name
    assert len(EXCHANGE) == 6
    history = rows(icon.backend, schema.chain_history)
    assert [(row["Cause"], row.get("AttemptState")) for row in history] == [(22, None), (26, "open")]
    protocol.connectionLost()
    icon.kill()


def test_every_request_stands_in_the_table() -> None:
    told = dict(re.findall(r"^\| (Request\w+) \| ([^|]*) \|", SECTION, re.M))
    assert {name: tuple(text.strip().split(", ")) for name, text in told.items()} == dict(VOCABULARY.requests)


def test_every_type_of_report_stands_with_what_it_must_have_and_where_it_goes() -> None:
    told = re.findall(r"^\| (\d+) \| (\w+) \| ([^|]*) \| ([^|]*) \|", SECTION, re.M)
    assert {(int(number), name) for number, name, *_ in told} == {(int(kind), kind.name) for kind in GOMessageType}
    every: dict[str, Any] = {
        name: "x" if kind is str else [[1, "a", None, "b", None]] if kind is list else 1 for name, kind in ATTRIBUTES.items()}
    for number, _, needed, tables in told:
        kind = GOMessageType(int(number))
        assert tuple(needed.strip().split(", ")) == (REPORTS[kind].needed or ("-",))
        report = report_from_wire({**every, "GOMessageType": int(kind), "EvtCode": int(EvtCode.CHANGED), "Cause": 2})
        assert {table.name for table, _ in rows_of(report)} == set(tables.strip().split(", ")) - {"-"}, kind


def test_enumerations_and_attributes_are_those_of_the_code() -> None:
    text = " ".join(SECTION.split())
    for title, kind in (("EvtCode: ", EvtCode), ("Cause: ", Cause), ("MetricType: ", MetricType)):
        told = text.split(title)[1]
        listed = re.match(r"((?:\d+ \w+(?:, )?)+)", told)
        assert listed is not None
        assert {(int(number), name) for number, name in re.findall(r"(\d+) (\w+)", listed[1])} == {
            (int(member), member.name) for member in kind}
    strings, rest = text.split("Attributes that are str: ")[1].split(" int: ", 1)
    integers, rest = rest.split(" int or float: ", 1)
    numbers = rest.split(" (those that are times")[0]
    assert words(strings) == {name for name, kind in ATTRIBUTES.items() if kind is str}
    assert words(integers) == {name for name, kind in ATTRIBUTES.items() if kind is int}
    assert words(numbers) == {name for name, kind in ATTRIBUTES.items() if isinstance(kind, tuple)}
