"""The examples in docs/calling-lists.md are filters, and its tables name all that filters know."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocs.dialing.custom_fields import FIELD_TYPES
from ocs.store.filter_grammar import FUNCTIONS
from ocs.store.filters import columns_of, parse_filter
from ocs.store.formats import read_field

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "calling-lists.md").read_text(encoding="utf-8")
FIELDS = [read_field(definition) for definition in (
    "region varchar(20)", "balance float", "name varchar", "since datetime", "outcome varchar(20)", "points int", "order int")]


def examples(option: str) -> list[str]:
    return [line for block in re.findall(rf"```{option}\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("criteria", examples("criteria"))
def test_an_example_of_criteria_is_a_filter(criteria: str) -> None:
    assert parse_filter(criteria, "", FIELDS).columns


@pytest.mark.parametrize("order_by", examples("order_by"))
def test_an_example_of_an_order_is_a_filter(order_by: str) -> None:
    assert parse_filter("", order_by, FIELDS).columns


def test_the_examples_of_fields_are_fields() -> None:
    definitions = re.findall(r'--field "([^"]+)"', TEXT)
    assert len(definitions) == 3 and [read_field(definition).name for definition in definitions] == ["balance", "pin", "outcome"]


def test_the_tables_are_complete() -> None:
    assert f"`{' '.join(sorted(FUNCTIONS)).lower()}`" in TEXT
    [listed] = re.findall(r"`(record_id chain_id [a-z_ ]+)`", TEXT)
    assert set(listed.split()) == set(columns_of([]))
    assert all(f"| `{kind}" in TEXT for kind in FIELD_TYPES)
