"""docs/icon.md tells the truth: its table of tables is the schema, its queries run, its options exist."""
from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import String, Table

from ocs.database.backend import transaction
from ocs.links.icon import IconLinkOptions
from ocs.options import load
from ocs.servers.icon import schema
from tests.servers.icon.tables import Tables

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "icon.md").read_text(encoding="utf-8")
MARKS = {"known": ("V",), "assumed": ("A", "M"), "ours": ("ours",)}
QUERIES = re.findall(r"^    (SELECT .*?;)$", TEXT, re.M | re.S)


def described(table: Table, marks: tuple[str, ...]) -> set[str]:
    """The columns with one of these marks as the page writes them."""
    found = set()
    for column in table.columns:
        own = column.name != "ID" and not column.name.startswith("GSYS_") and not column.name.endswith(("_ts", "_tcode"))
        if own and column.info["mark"] in marks:
            text = column.name + ("*" if f"{column.name}_ts" in table.c else "")
            found.add(f"{text} {column.type.length}" if isinstance(column.type, String) else text)
    return found


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.name)
def test_a_tables_row_names_its_columns_with_their_marks(table: Table) -> None:
    row, = re.findall(rf"^\| {table.name} \|(.*)\|(.*)\|(.*)\|$", TEXT, re.M)
    for cell, (mark, marks) in zip(row, MARKS.items(), strict=True):
        assert set(filter(None, cell.strip().split(", "))) == described(table, marks), mark


def test_current_state_stands_before_history() -> None:
    assert re.findall(r"^\| (GOX?_\w+) \|", TEXT, re.M) == [table.name for table in schema.TABLES]
    assert "The first five hold current state" in TEXT and len(schema.CURRENT) == 5


def test_the_columns_of_the_system_and_of_the_time_codes_are_named() -> None:
    system = {column.name for column in schema.chains.columns if column.name.startswith("GSYS_")}
    assert system == set(re.findall(r"GSYS_\w+", TEXT))
    told = TEXT.split("**G_TIMECODE**")[1].split("\n\n")[0]
    assert all(column.name in told for column in schema.time_codes.columns)


@pytest.mark.parametrize("query", QUERIES)
def test_its_queries_run(tables: Tables, query: str) -> None:
    with transaction(tables.backend, write=False) as work:
        assert work.cursor.execute(query.rstrip(";")).fetchall() == []
    assert len(QUERIES) == 2


def test_its_options_of_the_ocs_exist(tmp_path: Path) -> None:
    (tmp_path / "icon.password").write_text("secret\n")
    text = re.search(r"^    (\[icon\]\n.*?)\n\n", TEXT, re.M | re.S)
    assert text is not None
    options = load(IconLinkOptions, tomllib.loads(re.sub(r"^    ", "", text[1], flags=re.M))["icon"], tmp_path)
    assert options.enabled and options.secret == "secret"
