"""The report of a simulated day as a page of HTML: one file that needs nothing else, light or dark as its reader likes."""
from __future__ import annotations

from html import escape
from typing import Any, Iterable, Mapping, Sequence

from ocs.simulation.charts import Kind, Marker, Series, TimeChart, word_bars

__all__ = ["page"]

_STATES = (("talk", "talk", 0), ("wrap", "after-call work", 1), ("ringing", "ringing", 4), ("ready", "waiting", 2),
           ("preview", "looking at a record", 5), ("dialing", "dialing", 6), ("idle", "between two things", 3),
           ("break", "break", 7))


def page(report: Mapping[str, Any]) -> str:
    """The page of a report, as `ocs.simulation.report` makes it."""
    title = report["scenario"]["name"] or "Simulated day"
    parts = (_head(report, title), _tiles(report), _charts(report), _waits(report), _results(report), _decisions(report),
             _foot(report))
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
            f"<body><main>{''.join(parts)}</main></body></html>\n")


def _head(report: Mapping[str, Any], title: str) -> str:
    facts = report["scenario"]
    line = (f"{facts['mode']}, {facts['agents']:,} agents, {facts['contacts']:,} contacts, {report['elapsed_s'] / 3600:.4g} h"
            f" from {facts['start']}, seed {facts['seed']}")
    description = f"<p>{escape(facts['description'])}</p>" if facts["description"] else ""
    wrong = "".join(f"<li>{escape(text)}</li>" for text in report["differences"][:20])
    wrong = f'<ul class="wrong">{wrong}</ul>' if wrong else ""
    return f"<h1>{escape(title)}</h1>{description}<p class='facts'>{escape(line)}</p>{wrong}"


def _tiles(report: Mapping[str, Any]) -> str:
    limit, rate = report["scenario"]["abandon_limit"], report["abandon_rate"]
    over = limit is not None and rate is not None and rate > limit
    tiles = [
        ("Utilisation", _percent(report["utilisation"]), "talk and after-call work over paid time", False),
        ("Abandon rate", _percent(rate), "" if limit is None else f"limit {_percent(limit)}", over),
        ("Calls", f"{report['calls']:,}", f"{report['answered']:,} answered by persons", False),
        ("Hit ratio", _percent(report["hit_ratio"]), "answered by persons, of the calls", False),
        ("Talks", f"{report['talked']:,}", f"{report['abandoned']:,} persons found no agent", False),
        ("Agents wait", _seconds(report["idle_waits_s"]["p50"]),
         f"median; one in ten over {_seconds(report['idle_waits_s']['p90'])}", False),
    ]
    if report["nothing_to_dial"]["minutes"]:
        tiles.append(("Nothing to dial", f"{report['nothing_to_dial']['minutes']:,} min",
                      f"first at {report['nothing_to_dial']['first_at'][:5]}: agents waited, the list had no record", False))
    if report["inbound"]:
        tiles.append(("Inbound", f"{report['inbound']:,}", f"{report['inbound_abandoned']:,} gave up waiting", False))
    made = "".join(f'<div class="tile{" over" if bad else ""}"><b>{escape(name)}</b><strong>{escape(figure)}</strong>'
                   f"<small>{escape(text)}</small></div>" for name, figure, text, bad in tiles)
    return f'<section class="tiles">{made}</section>'


def _charts(report: Mapping[str, Any]) -> str:
    series: Sequence[Mapping[str, Any]] = report["series"]
    if not series:
        return "<p>The day ended before it began.</p>"
    events = report["scenario"]["events"]
    common: dict[str, Any] = {
        "times": [one["at"][:5] for one in series], "interval_s": report["scenario"]["interval_s"],
        "length_s": len(series) * report["scenario"]["interval_s"],
        "markers": [Marker(one["elapsed_s"], str(number), f"{one['at']} {one['text']}") for number, one in enumerate(events, 1)]}
    answered, abandoned, so_far = 0, 0, list[float | None]()
    for one in series:
        answered, abandoned = answered + one["answered"], abandoned + one["abandoned"]
        so_far.append(abandoned / answered if answered else None)
    unanswered = [one["calls"] - one["answered"] for one in series]
    charts = [
        TimeChart("Utilisation", [Series("talk and after-call work over paid time", _values(series, "utilisation"), 0)],
                  percent=True, least_top=1.0, **common),
        TimeChart("Abandon rate", [Series("in the interval", _values(series, "abandon_rate"), 3, Kind.BARS),
                                   Series("so far", so_far, 0)],
                  percent=True, limit=report["scenario"]["abandon_limit"], least_top=0.01, **common),
        TimeChart("Calls that ended", [Series("talked with an agent", _values(series, "talked"), 0, Kind.BARS),
                                       Series("abandoned", _values(series, "abandoned"), 3, Kind.BARS),
                                       Series("no person", unanswered, 7, Kind.BARS)], **common),
        TimeChart("Hit ratio", [Series("answered by persons, of the calls", _values(series, "hit_ratio"), 1)], percent=True,
                  **common),
        TimeChart("Agents", [Series(words, [one["states"][state] for one in series], style, Kind.AREA)
                             for state, words, style in _STATES if any(one["states"][state] for one in series)], **common),
        TimeChart("How long agents wait for a call, seconds", [
            Series("median", [one["idle_wait_s"]["p50"] for one in series], 0),
            Series("one in ten waits longer", [one["idle_wait_s"]["p90"] for one in series], 3)], unit="s", **common),
    ]
    if any(one["inbound"] for one in series):
        charts.append(TimeChart("Inbound calls that ended", [
            Series("served", [one["inbound"] - one["inbound_abandoned"] for one in series], 1, Kind.BARS),
            Series("gave up waiting", _values(series, "inbound_abandoned"), 3, Kind.BARS)], **common))
    listed = "".join(f"<li><b>{escape(one['at'])}</b> {escape(one['text'])}</li>" for one in events)
    return (f'<ol class="events">{listed}</ol>' if listed else "") + "".join(chart.svg() for chart in charts)


def _waits(report: Mapping[str, Any]) -> str:
    rows = (("Agents wait for the next call", "idle_waits_s"), ("Customers wait for an agent", "customer_waits_s"),
            ("From the dial to a person's answer", "answer_delays_s"), ("Talks", "talk_s"))
    names = ("mean", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "most")
    head = "".join(f"<th>{name}</th>" for name in ("", "count", *names))
    body = "".join(f"<tr><th>{escape(words)}</th><td>{report[key]['count']:,}</td>"
                   + "".join(f"<td>{_seconds(report[key][name])}</td>" for name in names) + "</tr>" for words, key in rows)
    return (f"<h2>Waits and times</h2><div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            "</div>")


def _results(report: Mapping[str, Any]) -> str:
    total = sum(report["results"].values()) or 1
    rows = [(name, float(count), f"{count:,} ({100 * count / total:.1f} %)") for name, count in report["results"].items()]
    return word_bars("Calls by result, as the engine settled them", rows) if rows else ""


def _decisions(report: Mapping[str, Any]) -> str:
    if not report["decisions"]:
        return ""
    rows = "".join(f"<tr><td>{escape(one['at'])}</td><td>{one['calls']}</td><td>{escape(one['condition'])}</td>"
                   f"<td>{escape(one['reason'])}</td></tr>" for one in report["decisions"])
    return (f"<h2>Pacing decisions</h2><p>A sample of {len(report['decisions'])} over the day: how many calls were dialed, and"
            f" why.</p><div class='wide tall'><table class='log'><thead><tr><th>at</th><th>calls</th><th>condition</th>"
            f"<th>reason</th></tr></thead><tbody>{rows}</tbody></table></div>")


def _foot(report: Mapping[str, Any]) -> str:
    wall = report["wall"]
    speed = "" if wall["calls_per_second"] is None else (
        f", {wall['calls_per_second']:,.0f} calls a second, {wall['times_real_time']:,.0f} times as fast as the day itself")
    records = ", ".join(f"{count:,} {escape(name)}" for name, count in report["records"].items())
    return f"<footer>Records at the end: {records}. Simulated in {wall['seconds']:.1f} s{speed}.</footer>"


def _values(series: Iterable[Mapping[str, Any]], name: str) -> list[float | None]:
    return [one[name] for one in series]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d8dee4;--tile:#f6f8fa;
--c0:#0969da;--c1:#1a7f37;--c2:#bf8700;--c3:#cf222e;--c4:#8250df;--c5:#0a7d8c;--c6:#bc4c00;--c7:#9aa4ae}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9198a1;--line:#30363d;--tile:#161b22;
--c0:#58a6ff;--c1:#3fb950;--c2:#d29922;--c3:#f85149;--c4:#bc8cff;--c5:#39c5cf;--c6:#f0883e;--c7:#6e7681}}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:24px 16px 48px}
h1{margin:0 0 4px;font-size:26px}h2{margin:32px 0 8px;font-size:19px}p{margin:4px 0}
.facts,small,footer,.legend{color:var(--soft)}footer{margin-top:28px;font-size:13px}
.wrong{color:var(--c3)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:18px 0}
.tile{background:var(--tile);border:1px solid var(--line);border-radius:8px;padding:10px 12px;display:flex;flex-direction:column}
.tile b{font-weight:500;color:var(--soft);font-size:13px}.tile strong{font-size:23px;font-weight:600}
.tile.over strong{color:var(--c3)}.tile small{font-size:12px}
.events{margin:8px 0;padding-left:26px}
figure{margin:22px 0 0}figcaption{font-weight:600;display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline;margin-bottom:4px}
.legend{font-weight:400;font-size:13px;display:flex;flex-wrap:wrap;gap:2px 14px}
.key i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:5px;vertical-align:-1px}
svg{width:100%;height:auto;display:block}
.grid{stroke:var(--line);stroke-width:1}.tick,.word{fill:var(--soft);font-size:12px}.word{fill:var(--fg);font-size:13px}
.limit{stroke:var(--c3);stroke-width:1.5;stroke-dasharray:6 4}
.key .klimit{background:var(--c3);height:2px;vertical-align:4px}
.event{stroke:var(--soft);stroke-dasharray:2 3}
.mark circle{fill:var(--fg)}.mark text{fill:var(--bg);font-size:11px;font-weight:600}
polyline{fill:none;stroke-width:2;stroke-linejoin:round}
table{border-collapse:collapse;font-size:13px;width:100%}
th,td{padding:4px 9px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th,td{font-variant-numeric:tabular-nums}tbody th{font-weight:500;text-align:left}
.log td,.log th{text-align:left;white-space:normal}.log td:first-child{white-space:nowrap}
.log thead th{position:sticky;top:0;background:var(--bg)}
.wide{overflow-x:auto}.tall{max-height:420px;overflow-y:auto}
""" + "".join(f".f{n},.k{n}{{fill:var(--c{n});background:var(--c{n})}}.l{n}{{stroke:var(--c{n})}}" for n in range(8))
