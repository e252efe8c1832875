"""docs/compliance.md is kept true: it names every rule that comes along and every field of a rule file; its example is one."""
from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ocs.dialing.compliance.rule_file import RuleFile, read_rule
from ocs.dialing.compliance.rules import Category
from ocs.options import entries

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")


def test_every_rule_that_comes_along_is_in_the_table() -> None:
    table = TEXT[TEXT.index("| rule | abandoned calls"):TEXT.index("A campaign in the United States")]
    named = set(re.findall(r"`([a-z]{2}-[a-z-]+)`", table))
    assert named == {path.stem for path in (ROOT / "etc" / "rules").glob("*.toml")}


def test_every_standing_is_that_of_the_file() -> None:
    for line in TEXT.splitlines():
        for name in re.findall(r"`([a-z]{2}-[a-z-]+)`", line.split("|")[1] if line.startswith("| `") else ""):
            path = ROOT / "etc" / "rules" / f"{name}.toml"
            if path.exists() and line.count("|") == 7:
                assert tomllib.loads(path.read_text())["standing"] == line.split("|")[-2].strip(), name


def test_every_field_of_a_rule_file_stands_there_with_its_default() -> None:
    for entry in entries(RuleFile):
        default = "required" if entry.required else f"`{entry.default}`"
        assert f"| `{entry.name}` | {entry.type} | {default} |" in TEXT, entry.name


def test_every_category_is_explained() -> None:
    for one in Category:
        assert f"| `{one.value}` | " in TEXT


def test_the_example_is_a_rule() -> None:
    example = next(block for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL) if "limit_percent" in block)
    rule = read_rule(tomllib.loads(example), "own")
    assert rule.abandon is not None and rule.caps and rule.quiet and rule.hours
