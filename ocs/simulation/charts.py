"""Charts as SVG inside a page: lines, bars, stacked areas over the time of the day; bars beside words.

Colours come from the page's style sheet (classes s0, s1 ...), so that the page decides about light and dark. Each point carries
its figures as a title, which browsers show under the pointer.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Iterator, Sequence

__all__ = ["Kind", "Marker", "Series", "TimeChart", "word_bars"]

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 56, 16, 14, 30
_FONT_WIDTH = 7.0       # of one character, about


class Kind:
    """How a series is drawn."""
    LINE = "line"
    BARS = "bars"           # stacked on the bars before
    AREA = "area"           # stacked on the areas before


@dataclass(frozen=True)
class Series:
    """Values over time, one for each interval; None where there is none. `style` is the number of its colour."""

    name: str
    values: Sequence[float | None]
    style: int
    kind: str = Kind.LINE


@dataclass(frozen=True)
class Marker:
    """A moment to be seen: a line with a number; the page says what it means."""

    elapsed_s: float
    label: str
    text: str


@dataclass(frozen=True)
class TimeChart:
    """Series over a day. `percent`: values are shares and shown as such; `limit` is drawn as a line across."""

    title: str
    series: Sequence[Series]
    times: Sequence[str]            # of the beginning of each interval, HH:MM
    interval_s: float
    length_s: float
    unit: str = ""
    percent: bool = False
    limit: float | None = None
    markers: Sequence[Marker] = field(default_factory=tuple)
    height: int = 230
    least_top: float = 0.0          # the scale goes at least so far

    def svg(self) -> str:
        """The chart with its legend."""
        top = self._top()
        parts = [f'<svg viewBox="0 0 {_WIDTH} {self.height}" role="img" aria-label="{escape(self.title, quote=True)}">']
        parts += self._grid(top)
        base = [0.0] * len(self.times)
        for one in self.series:
            if one.kind == Kind.BARS:
                parts += self._bars(one, base, top)
            elif one.kind == Kind.AREA:
                parts.append(self._area(one, base, top))
        if self.limit is not None:
            y = self._y(self.limit, top)
            parts.append(f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}">'
                         f'<title>limit {self._figure(self.limit)}</title></line>')
        for one in self.series:
            if one.kind == Kind.LINE:
                parts += self._line(one, top)
        parts += self._marks()
        parts.append("</svg>")
        return f'<figure><figcaption>{escape(self.title)}{self._legend()}</figcaption>{"".join(parts)}</figure>'

    # -- scales ---------------------------------------------------------------------------------------------------
    def _top(self) -> float:
        stacked = [0.0] * len(self.times)
        most = max(self.least_top, self.limit or 0.0)
        for one in self.series:
            for place, value in enumerate(one.values):
                if value is not None and one.kind == Kind.LINE:
                    most = max(most, value)
                elif value is not None:
                    stacked[place] += value
        return _round_up(max([most, *stacked]) or 1.0)

    def _x(self, elapsed_s: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(1.0, elapsed_s / self.length_s)

    def _y(self, value: float, top: float) -> float:
        room = self.height - _TOP - _BOTTOM
        return _TOP + room * (1.0 - min(1.0, max(0.0, value / top)))

    def _span(self, place: int) -> tuple[float, float]:
        return self._x(place * self.interval_s), self._x((place + 1) * self.interval_s)

    def _figure(self, value: float) -> str:
        if self.percent:
            return f"{100 * value:.3g} %"
        return f"{value:,.4g}{' ' + self.unit if self.unit else ''}"

    # -- parts ----------------------------------------------------------------------------------------------------
    def _grid(self, top: float) -> Iterator[str]:
        for step in range(5):
            value = top * step / 4
            y = self._y(value, top)
            text = f"{100 * value:.3g} %" if self.percent else f"{value:,.4g}"
            yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        every = max(1, math.ceil(len(self.times) * 48 / (_WIDTH - _LEFT - _RIGHT)))
        for place in range(0, len(self.times), every):
            x = self._x(place * self.interval_s)
            yield f'<text class="tick" x="{x:.1f}" y="{self.height - 10}" text-anchor="middle">{escape(self.times[place])}</text>'

    def _bars(self, one: Series, base: list[float], top: float) -> Iterator[str]:
        for place, value in enumerate(one.values):
            if value:
                left, right = self._span(place)
                low, high = self._y(base[place], top), self._y(base[place] + value, top)
                base[place] += value
                yield (f'<rect class="f{one.style}" x="{left + 1:.1f}" width="{max(1.0, right - left - 2):.1f}" y="{high:.1f}"'
                       f' height="{max(0.0, low - high):.1f}"><title>{self._told(one, place)}</title></rect>')

    def _area(self, one: Series, base: list[float], top: float) -> str:
        upper, lower = [], []
        for place, value in enumerate(one.values):
            low, high = base[place], base[place] + (value or 0.0)
            base[place] = high
            for x in self._span(place):
                upper.append(f"{x:.1f},{self._y(high, top):.1f}")
                lower.append(f"{x:.1f},{self._y(low, top):.1f}")
        return (f'<polygon class="f{one.style}" points="{" ".join([*upper, *reversed(lower)])}">'
                f'<title>{escape(one.name)}</title></polygon>')

    def _line(self, one: Series, top: float) -> Iterator[str]:
        run: list[str] = []
        dots: list[str] = []
        for place, value in enumerate([*one.values, None]):
            if value is not None:
                x = sum(self._span(place)) / 2
                run.append(f"{x:.1f},{self._y(value, top):.1f}")
                dots.append(f'<circle class="f{one.style}" cx="{x:.1f}" cy="{self._y(value, top):.1f}" r="2.6">'
                            f'<title>{self._told(one, place)}</title></circle>')
            elif run:
                yield f'<polyline class="l{one.style}" points="{" ".join(run)}"/>'
                run = []
        yield from dots

    def _told(self, one: Series, place: int) -> str:
        value = one.values[place]
        return escape(f"{self.times[place]} {one.name}: {'' if value is None else self._figure(value)}")

    def _marks(self) -> Iterator[str]:
        for one in self.markers:
            x = self._x(one.elapsed_s)
            yield f'<line class="event" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{self.height - _BOTTOM}"/>'
            yield (f'<g class="mark"><circle cx="{x:.1f}" cy="{_TOP}" r="8"/><text x="{x:.1f}" y="{_TOP + 4}"'
                   f' text-anchor="middle">{escape(one.label)}</text><title>{escape(one.text)}</title></g>')

    def _legend(self) -> str:
        names = [f'<span class="key"><i class="k{one.style}"></i>{escape(one.name)}</span>' for one in self.series]
        if self.limit is not None:
            names.append(f'<span class="key"><i class="klimit"></i>limit {self._figure(self.limit)}</span>')
        return f'<span class="legend">{"".join(names)}</span>'


def word_bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar for each row: its words, its size, and what stands behind the bar."""
    height, most = 24 * len(rows) + 6, max([size for _, size, _ in rows], default=0.0) or 1.0
    left = 24 + _FONT_WIDTH * max([len(words) for words, _, _ in rows], default=0)
    room = _WIDTH - left - 130
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">']
    for place, (words, size, text) in enumerate(rows):
        y, width = 24 * place + 4, max(1.0, room * size / most)
        parts.append(f'<text class="word" x="{left - 8:.0f}" y="{y + 14}" text-anchor="end">{escape(words)}</text>'
                     f'<rect class="f0" x="{left:.0f}" y="{y}" width="{width:.1f}" height="18" rx="2"/>'
                     f'<text class="tick" x="{left + width + 6:.1f}" y="{y + 13}">{escape(text)}</text>')
    parts.append("</svg>")
    return f'<figure><figcaption>{escape(title)}</figcaption>{"".join(parts)}</figure>'


def _round_up(value: float) -> float:
    """The next of 1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
                 if step * power >= value * (1 - 1e-9)), 10.0 * power)
