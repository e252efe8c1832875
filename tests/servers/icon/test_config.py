"""Options of ICON: the sample is what the code says, and a database that cannot be is refused by name."""
from __future__ import annotations

from pathlib import Path

import pytest

from ocs.errors import ConfigurationError
from ocs.options import load, load_file, sample
from ocs.servers.icon.config import IconOptions

SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "ocs-icon.toml"


def test_the_sample_file_is_that_of_the_options_and_loads_to_the_defaults() -> None:
    title = SAMPLE.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert SAMPLE.read_text(encoding="utf-8") == sample(IconOptions, title)
    assert load_file(IconOptions, SAMPLE) == IconOptions()


@pytest.mark.parametrize("mapping, fault", [
    ({"database": {"url": "mysql://x"}}, "database.url: "), ({"database": {"url": "sqlite://"}}, "database.url: "),
    ({"database": {"create": "yes"}}, "database.create: true or false"), ({"listen": {"port": 70_000}}, "listen.port: "),
    ({"application": [{"name": "ocs", "password_hash": "secret"}]}, "application[1].password_hash: ")])
def test_what_cannot_be_is_refused_by_name(mapping: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(IconOptions, mapping)
    assert refused.value.problems[0].startswith(fault)
