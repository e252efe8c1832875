"""What people see of a run: a live board on a terminal, a line now and then elsewhere, and the closing table."""
from __future__ import annotations

import io
import re
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Mapping, Protocol

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ocs.app.demo.figures import Figures
from ocs.app.demo.snapshot import Snapshot

__all__ = ["Board", "LiveBoard", "Picture", "PlainBoard", "board", "closing", "make_board", "verdict"]

AGENT_STATES = ("talk", "wrap", "ready", "ringing", "preview", "dialing", "idle", "break", "logging-in", "away")
PLAIN_EVERY_S = 5.0     # real seconds between plain lines
DIFFERENCES_SHOWN = 20


class Board(Protocol):
    """Shows snapshots while the run goes on."""

    def show(self, snapshot: Snapshot, seconds: float) -> None: ...
    def close(self) -> None: ...


def make_board(console: Console, title: str) -> Board:
    """The board that suits the console."""
    return LiveBoard(console, title) if console.is_terminal else PlainBoard(console)


class LiveBoard:
    """One board, drawn anew in place."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, snapshot: Snapshot, seconds: float) -> None:
        self._live.update(board(snapshot, seconds, self._title), refresh=True)

    def close(self) -> None:
        self._live.stop()


class Picture:
    """What a terminal would have shown, for a page: the board half way and the closing table, as SVG."""

    def __init__(self, title: str) -> None:
        self._title, self._taken = title, False
        self._console = Console(record=True, width=102, file=io.StringIO(), force_terminal=True, color_system="truecolor")

    def show(self, snapshot: Snapshot, seconds: float) -> None:
        """Keep the first board of the second half."""
        if not self._taken and 2 * snapshot.final >= snapshot.records:
            self._taken = True
            self._console.print(board(snapshot, seconds, self._title))

    def save(self, figures: Figures, path: Path) -> None:
        """Add the closing table and write the file."""
        self._console.print(closing(figures), verdict(figures))
        drawing = self._console.export_svg(title=self._title)
        # fonts of the reader's own machine: a page must not fetch any
        path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL), encoding="utf-8")


class PlainBoard:
    """A line every few seconds."""

    def __init__(self, console: Console, every_s: float = PLAIN_EVERY_S) -> None:
        self._console, self._every_s, self._shown_at = console, every_s, -every_s

    def show(self, snapshot: Snapshot, seconds: float) -> None:
        if seconds - self._shown_at < self._every_s:
            return
        self._shown_at = seconds
        results = ", ".join(f"{label} {count}" for label, count in Counter(snapshot.results).most_common(4))
        agents = ", ".join(f"{state} {count}" for state, count in _agents(snapshot.agents))
        self._console.print(
            f"{seconds:5.0f} s  {_clock(snapshot.wall)}  final {snapshot.final}/{snapshot.records}  in progress"
            f" {snapshot.in_progress}  calls {snapshot.calls}  agents: {agents or 'none'}  results: {results or 'none'}",
            highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing is left on the screen."""


def board(snapshot: Snapshot, seconds: float, title: str) -> RenderableType:
    """The live picture of a run."""
    share = snapshot.final / snapshot.records if snapshot.records else 0.0
    head = Table.grid(padding=(0, 2))
    head.add_row("records final", ProgressBar(total=1.0, completed=share, width=36),
                 f"[b]{snapshot.final:,}[/b] of {snapshot.records:,}  ({share:.0%})")
    head.add_row("calls in progress", Text("●" * min(snapshot.in_progress, 36), style="green"), str(snapshot.in_progress))
    agents = Table(title="agents", title_justify="left", box=None, padding=(0, 1), show_header=False, min_width=30)
    for state, count in _agents(snapshot.agents) or [("none", 0)]:
        agents.add_row(state, Text("■" * min(count, 30), style=_STYLES.get(state, "white")), str(count))
    results = _figures(f"results of {snapshot.calls:,} calls", min_width=44)
    for label, count in Counter(snapshot.results).most_common(9) or [("none yet", 0)]:
        results.add_row(label, f"{count:,}", f"{count / max(1, snapshot.calls):.0%}")
    times = Text(f"{_clock(snapshot.wall)} in the laboratory, {seconds:.0f} s since the start; Ctrl-C stops in order",
                 style="dim")
    return Panel(Group(head, Text(), Columns([agents, results], padding=(0, 6)), Text(), times), title=title,
                 title_align="left", width=100)


_STYLES = {"talk": "green", "wrap": "yellow", "ready": "cyan", "ringing": "green", "preview": "cyan", "dialing": "green",
           "break": "magenta", "idle": "white"}


def _agents(states: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(state, states[state]) for state in AGENT_STATES if states.get(state)]


def _clock(wall: float) -> str:
    return datetime.fromtimestamp(wall, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def closing(figures: Figures) -> RenderableType:
    """The closing table: what became of the list, of the calls, of people."""
    outcome = _figures("Records")
    outcome.add_row("final", f"{figures.final:,}", "nothing more is planned for them")
    for text, count in Counter(one.reason.value for one in figures.planned).most_common():
        outcome.add_row("planned", f"{count:,}", text)
    outcome.add_row("all", f"{figures.records:,}", f"numbers of {figures.chains:,} contacts")
    outcome.add_row("not dialed", f"{figures.dnc_blocked:,}", "closed by the do-not-call list before any call")
    results = _figures("Calls by result")
    for label, count in figures.results.items():
        results.add_row(label, f"{count:,}", f"{count / figures.calls:.1%}")
    results.add_row("all", f"{figures.calls:,}", "")
    rates = _figures("People")
    rates.add_row("answered by a person", f"{figures.answered:,}", "")
    rates.add_row("abandoned", f"{figures.abandoned:,}", f"{figures.abandon_rate:.2%} of answered")
    rates.add_row("agents' utilisation", f"{figures.utilisation:.1%}", "talk and wrap-up of paid time")
    return Group(Text(), outcome, Text(), results, Text(), rates, Text())


def _figures(title: str, min_width: int = 0) -> Table:
    """A table of words, numbers and remarks."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 1),
                  min_width=max(min_width, len(title)))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    return table


def verdict(figures: Figures) -> Text:
    """Whether the accounts agree, and where not."""
    if figures.reconciled:
        text = Text(f"The calling list, the T-Server's call log and ICON's tables agree on every one of {figures.calls:,} calls.",
                    style="bold green")
    else:
        text = Text(f"The accounts differ in {len(figures.differences)} places:", style="bold red")
        for difference in figures.differences[:DIFFERENCES_SHOWN]:
            text.append(f"\n  {difference}", style="not bold red")
        if len(figures.differences) > DIFFERENCES_SHOWN:
            text.append(f"\n  ... {len(figures.differences) - DIFFERENCES_SHOWN} more", style="not bold red")
    return text
