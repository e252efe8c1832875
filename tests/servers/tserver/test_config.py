"""Options of the T-Server: the sample is what the code says, and what is named must exist."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocs.errors import ConfigurationError
from ocs.options import load, load_file, sample
from ocs.servers.tserver.config import TServerOptions
from tests.servers.tserver.world import HASH

SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "ocs-tserver.toml"


def test_the_sample_file_is_that_of_the_options_and_loads_to_the_defaults() -> None:
    title = SAMPLE.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert SAMPLE.read_text(encoding="utf-8") == sample(TServerOptions, title)
    loaded = load_file(TServerOptions, SAMPLE)
    assert loaded.switch.call_log == SAMPLE.parent / "calls.jsonl" and loaded.listen.port == 7_000
    assert list(loaded.dns()) == [] and list(loaded.agents()) == []


def test_rows_of_dns_are_counted_with_their_leading_zeros() -> None:
    options = load(TServerOptions, {"dn": [{"number": "0098", "count": 4}, {"number": "6001", "kind": "acd-queue"}]})
    assert [dn.number for dn in options.dns()] == ["0098", "0099", "0100", "0101", "6001"]


@pytest.mark.parametrize("mapping,fault", [
    ({"dn": [{"number": ""}]}, "dn[1].number"),
    ({"dn": [{"number": "7001", "count": 3}, {"number": "7003"}]}, "dn[2].number: 7003 is configured twice"),
    ({"dn": [{"number": "6500", "kind": "routing-point", "default_destination": "1"}]}, "dn[1].default_destination"),
    ({"application": [{"name": "a", "password_hash": HASH}, {"name": "a", "password_hash": HASH}]}, "application[2]"),
    ({"application": [{"name": "a", "password_hash": "secret"}]}, "application[1].password_hash"),
    ({"application": [{"name": "a", "password_hash": ""}]}, "application[1].password_hash"),
    ({"agent": [{"id": "1", "password_hash": HASH, "queue": "6001"}]}, "agent[1].queue"),
    ({"simulator": {"person": 0.9, "busy": 0.5}}, "simulator.person"),
    ({"switch": {"driver": "semaphore"}}, "switch.driver")])
def test_a_fault_is_named(mapping: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(TServerOptions, mapping)
    assert len(caught.value.problems) == 1 and caught.value.problems[0].startswith(fault)
    assert "secret" not in str(caught.value)
