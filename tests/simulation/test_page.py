"""The report and its page: figures that agree with the day, and a page that needs nothing else."""
from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ocs.simulation.charts import Kind, Marker, Series, TimeChart, word_bars
from ocs.simulation.page import page
from tests.simulation.days import reported


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return reported(name="Small <day>", description="For a test.", people={"inbound_per_hour": 60.0},
                    event=[{"at": "09:06", "kind": "hit-ratio", "value": 0.7}])


class _Balanced(HTMLParser):
    """Fails where an element is not closed; collects what a page would fetch."""

    VOID = {"meta", "br"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.seen.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_series_add_up_to_the_day(report: dict[str, Any]) -> None:
    for name in ("calls", "answered", "abandoned", "talked", "inbound"):
        assert sum(one[name] for one in report["series"]) == report[name]
    assert report["answered"] == report["talked"] + report["abandoned"]
    assert sum(report["results"].values()) == report["calls"]
    assert report["abandon_rate"] == pytest.approx(report["abandoned"] / report["answered"], abs=1e-6)
    spent, paid = report["agent_seconds"], ("idle", "ready", "ringing", "talk", "preview", "dialing", "wrap")
    assert report["utilisation"] == pytest.approx(
        (spent["talk"] + spent["wrap"]) / sum(spent[state] for state in paid), abs=1e-6)
    assert [one["at"] for one in report["series"]] == [f"09:{minute:02}:00" for minute in range(0, 12, 2)]
    assert report["idle_waits_s"]["p50"] <= report["idle_waits_s"]["p90"] <= report["idle_waits_s"]["most"]


def test_the_report_is_json(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_only_the_table_wall_depends_on_the_machine() -> None:
    tables = {"hours": 0.05}
    from ocs.simulation.report import report as reported_in
    from tests.simulation.days import played
    account = played(**tables)
    quick, slow = reported_in(account, 1.0), reported_in(account, 60.0)
    assert quick["wall"] != slow["wall"]
    assert {**quick, "wall": None} == {**slow, "wall": None}


def test_the_page_is_whole_and_needs_nothing_else(report: dict[str, Any]) -> None:
    html = page(report)
    parser = _Balanced()
    parser.feed(html)
    assert not parser.open and not parser.fetched
    assert "http" not in html and "@import" not in html and "url(" not in html
    assert not {"script", "link", "img", "iframe"} & set(parser.seen)
    assert parser.seen.count("svg") == 8 and "prefers-color-scheme:dark" in html


def test_the_page_tells_the_figures(report: dict[str, Any]) -> None:
    html = page(report)
    assert f"{100 * report['utilisation']:.2f} %" in html and f"{report['calls']:,}" in html
    assert "Small &lt;day&gt;" in html and "For a test." in html
    assert "<b>09:06</b> a person answers 70 % of the calls" in html
    for words in ("Abandon rate", "limit 3 %", "Hit ratio", "Inbound calls that ended", "Pacing decisions", "No Answer"):
        assert words in html
    for decision in report["decisions"]:
        assert decision["reason"] in html


def test_it_is_told_when_the_list_had_nothing_to_dial(report: dict[str, Any]) -> None:
    assert report["nothing_to_dial"] == {"minutes": 0, "first_at": None} and "Nothing to dial" not in page(report)
    short = reported(calling_list={"contacts": 12})
    dry = short["nothing_to_dial"]
    assert 4 <= dry["minutes"] <= 12 and "09:01:00" <= dry["first_at"] <= "09:06:00"
    assert f"{dry['minutes']} min" in page(short) and f"first at {dry['first_at'][:5]}" in page(short)


def test_an_abandon_rate_above_the_limit_stands_out(report: dict[str, Any]) -> None:
    assert 'class="tile over"' in page({**report, "abandon_rate": 0.031})
    assert 'class="tile over"' not in page({**report, "abandon_rate": 0.029})


def test_accounts_that_differ_are_told(report: dict[str, Any]) -> None:
    assert "call 7 is no attempt" in page({**report, "differences": ["call 7 is no attempt"]})


def test_a_day_on_which_nothing_happened_has_a_page() -> None:
    html = page(reported(calling_list={"contacts": 1}, shift=[{"agents": 1, "begins": "09:11"}], decisions=0))
    parser = _Balanced()
    parser.feed(html)
    assert not parser.open and "–" in html


def _chart(*series: Series, **values: Any) -> str:
    return TimeChart("T", series, ["09:00", "09:15", "09:30"], 900.0, 2_700.0, **values).svg()


def test_bars_stand_on_those_before() -> None:
    svg = _chart(Series("a", [1, 2, None], 0, Kind.BARS), Series("b", [1, 2, 4], 1, Kind.BARS), height=144)
    bars = [(one[0], float(one[1]), float(one[2])) for one in re.findall(
        r'class="(f\d)" x="[\d.]+" width="[\d.]+" y="([\d.]+)" height="([\d.]+)"', svg)]
    assert bars == [("f0", 89.0, 25.0), ("f0", 64.0, 50.0), ("f1", 64.0, 25.0), ("f1", 14.0, 50.0), ("f1", 14.0, 100.0)]


def test_a_line_has_gaps_where_there_is_no_value() -> None:
    svg = _chart(Series("a", [0.5, None, 0.7], 0), percent=True, limit=0.6, markers=[Marker(900.0, "1", "said")])
    assert svg.count("<polyline") == 2 and svg.count("<circle class") == 2
    assert "09:00 a: 50 %" in svg and "09:15" in svg and "limit 60 %" in svg and "<title>said</title>" in svg


def test_words_are_escaped() -> None:
    assert "<b>" not in word_bars("<b>", [("<b>", 1.0, "<b>")])
