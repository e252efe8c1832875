"""Transcripts of the desktop protocol: what a desktop sends, what it gets, what the database has afterwards.

A transcript is a section of a file in `transcripts/`: a title, and indented lines that are played one after the other on the
scheduler's bench. README.md there says what a line may be. Whatever desktops hear must stand in the transcript, with all of
its keys, but for news of campaigns while agents come in.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, Callable, Iterator

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.values import Record
from ocs.scheduler.context import EngineOptions
from protocols.attributes import KVValue
from protocols.desktop import keys
from protocols.desktop.events import BASE, EVENTS, answered_by
from protocols.desktop.index import REQUESTS, kind_of
from protocols.desktop.messages import DesktopEvent
from tests.scheduler.bench import CAMPAIGN, Bench, agent_of, record

__all__ = ["FOLDER", "Player", "Transcript", "pairs_of", "shown", "transcripts"]

FOLDER = Path(__file__).parent / "transcripts"
_PAIR = re.compile(r"([^\s=]+)=('[^']*'|\S+)")
_EVERY = "every request"
# what a request needs besides the campaign, in the transcripts that are played with every request
_USUAL = {keys.RECORD_HANDLE: 1, keys.PHONE: "+12125550199", keys.DATE_TIME: "03/12/2026 10:30", keys.CALLBACK_TYPE: "Campaign"}


@dataclass(frozen=True)
class Transcript:
    """One section: where it stands, and its lines. `request` is what `REQUEST` in it means, "" where it is not used."""

    file: str
    title: str
    lines: tuple[str, ...]
    request: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.title}" + (f" [{self.request}]" if self.request else "")


def transcripts() -> Iterator[Transcript]:
    """All of them; one with the line `every request` once for each request."""
    for path in sorted(FOLDER.glob("*.md")):
        if path.name == "README.md":
            continue
        for section in path.read_text(encoding="utf-8").split("\n## ")[1:]:
            title, _, text = section.partition("\n")
            lines = tuple(line.strip() for line in text.splitlines() if line.startswith("    ") and line.strip())
            if _EVERY in lines:
                rest = tuple(line for line in lines if line != _EVERY)
                yield from (Transcript(path.stem, title, rest, name) for name in REQUESTS)
            else:
                yield Transcript(path.stem, title, lines)


def shown(one: Transcript) -> Iterator[tuple[str, str, int]]:
    """(request, event, error number or 0) of each answer in a transcript, as far as it can be read off."""
    asked: dict[str, str] = {}      # reference id -> request
    for line in one.lines:
        words, pairs = line.split(), dict(pairs_of(line))
        reference = pairs.get(keys.REFERENCE_ID, "")
        if words[1] == ">":
            asked[reference] = one.request if words[2] == "REQUEST" else words[2]
        elif words[1] == "<" and words[2] != "nothing":
            yield asked.get(reference, ""), words[2], int(pairs.get(keys.ERROR_NUMBER, "0"))


def pairs_of(text: str) -> list[tuple[str, str]]:
    """The KEY=VALUE of a line."""
    return [(match[1], match[2]) for match in _PAIR.finditer(text)]


@dataclass
class Player:
    """Plays one transcript."""

    transcript: Transcript

    def play(self) -> None:
        """Every line; AssertionError names the one that does not hold."""
        self._values: dict[str, KVValue] = {}
        self._seen = 0
        self._asked: dict[KVValue | None, str] = {}         # reference id -> request
        self._shown: dict[int, DesktopEvent] = {}
        self._conn_id = ""
        for number, line in enumerate(self.transcript.lines):
            try:
                if number and line.split()[1] != "<":
                    self._nothing_left()
                self._line(line)
            except (AssertionError, KeyError) as error:
                raise AssertionError(f"{self.transcript}\n    {line}\n{error}") from error
        self._nothing_left()

    # -- lines ----------------------------------------------------------------------------------------------------
    def _line(self, line: str) -> None:
        words = line.split()
        if line.startswith("given"):
            self._given(line[5:])
        elif words[0].isdecimal() and words[1] in "<>":
            (self._sends if words[1] == ">" else self._hears)(words[0], line.split(maxsplit=2)[2])
        elif words[0] in ("record", "attempt"):
            self._stands(words[0], int(words[1].rstrip(":")), line.partition(":")[2])
        else:
            for pattern, step in _STEPS:
                match = re.fullmatch(pattern, line)
                if match is not None:
                    step(self, *match.groups())
                    return
            raise AssertionError("nobody knows what this line means")

    def _given(self, text: str) -> None:
        given = dict(pairs_of(text))
        count, phones = int(given.pop("contacts", "1")), int(given.pop("phones", "1"))
        records: list[Record] = []
        for contact in range(count):
            first = contact * phones + 1
            records += [record(first + place, first, chain_n=place) for place in range(phones)]
        options = {one.name for one in fields(EngineOptions)}
        more = tuple(CallingList(f"list {n}", n, table="list") for n in range(2, 1 + int(given.pop("lists", "1"))))
        values: dict[str, Any] = {"mode": DialingMode.PREVIEW, "running": given.pop("running", "yes") == "yes"}
        if "mode" in given:
            word = given.pop("mode")
            values["mode"] = next(one for one in DialingMode if one.word == word)
        if "dns" in given:
            values["dns"] = tuple(given.pop("dns").split(","))
        engine: dict[str, Any] = {}
        for name, text_value in given.items():
            target = engine if name in options else values
            kinds = {one.name: str(one.type) for one in fields(EngineOptions if name in options else CampaignGroup)}
            value: Any = text_value.strip("'")
            if kinds[name].startswith("bool"):
                value = value == "yes"
            elif kinds[name].startswith(("int", "float")):
                value = float(value) if kinds[name].startswith("float") else int(value)
            elif kinds[name].startswith("CallResult"):
                value = CallResult[value]
            target[name] = value
        self._bench = Bench(records, options=EngineOptions(**engine), more_lists=more, **values)
        if not values["running"]:
            self._bench.up()
            self._bench.session.watch_dns()
        self._quiet()

    # -- what desktops send and hear ------------------------------------------------------------------------------
    def _sends(self, dn: str, text: str) -> None:
        name = text.split()[0]
        name = self.transcript.request if name == "REQUEST" else name
        left_out = {word[1:] for word in text.split() if word.startswith("-")}
        given = [(key, self._value(value)) for key, value in pairs_of(text)]
        named = {key for key, _ in given} | left_out
        user_data: list[tuple[str, KVValue]] = [(keys.REQUEST, name)]
        user_data += [(key, value) for key, value in ((keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN))
                      if key not in named]
        if text.split()[0] == "REQUEST":
            kind = REQUESTS[name]
            user_data += [(key, _USUAL[key]) for key in (*kind.mandatory, *kind.one_of[:1]) if key in _USUAL and key not in named]
        self._asked[dict(given).get(keys.REFERENCE_ID)] = name
        self._bench.switch.user_event(dn, (*user_data, *given))
        self._bench.pass_(0)

    def _value(self, text: str) -> KVValue:
        if text.startswith("$"):
            return self._values[text]
        if text.startswith("'$"):
            return str(self._values[text.strip("'")])
        return text.strip("'") if text.startswith("'") else int(text)

    def _hears(self, dn: str, text: str) -> None:
        if text == "nothing":
            self._nothing_left()
            return
        assert self._seen < len(self._bench.heard), "nothing is heard"
        to, event = self._bench.heard[self._seen]
        self._seen += 1
        assert (to, event.name) == (dn, text.split()[0]), f"{to} heard {_shown(event)}"
        heard, expected = dict(event.raw), dict(pairs_of(text))
        for key, value in expected.items():
            if value.startswith("$") and value not in self._values:
                self._values[value] = heard[key]
            assert heard.get(key) == self._value(value), f"{key} of {_shown(event)}"
        if event.reference_id is not None or not EVENTS[event.name].unasked:
            assert event.reference_id in self._asked, f"reference of {_shown(event)}"
            kind = kind_of(self._asked[event.reference_id])
            assert event.name == "Error" or kind is not None and kind.name in answered_by(event.name), _shown(event)
        self._check_keys(event, expected, "..." in text.split())
        if event.record is not None and not event.failed:
            self._shown[event.record.record_handle] = event

    def _check_keys(self, event: DesktopEvent, expected: dict[str, str], more: bool) -> None:
        kind, heard = EVENTS[event.name], {key for key, _ in event.raw}
        assert keys.APPLICATION_ID in heard and dict(event.raw)[keys.APPLICATION_ID] == 1
        assert heard.issuperset(kind.keys), f"{set(kind.keys) - heard} is missing in {_shown(event)}"
        known = {*BASE, *kind.keys, *kind.optional}
        strange = {key for key in heard - known if not kind.fields or key in keys.CONTROL_KEYS}
        assert not strange, f"{strange} in {_shown(event)}"
        unnamed = heard - set(expected) - set(BASE)
        assert more or not unnamed, f"not in the transcript: {unnamed} of {_shown(event)}"

    def _nothing_left(self) -> None:
        left = [f"{dn} < {_shown(event)}" for dn, event in self._bench.heard[self._seen:]]
        assert not left, "heard, and not in the transcript: " + "; ".join(left)

    def _quiet(self) -> None:
        """Agents come in: what they are told of campaigns need not stand there."""
        self._bench.pass_(0)
        self._seen = len(self._bench.heard)

    # -- what the database has ------------------------------------------------------------------------------------
    def _stands(self, what: str, number: int, text: str) -> None:
        if what == "record":
            one: Any = self._bench.record(number)
            values = {**{item.name: getattr(one, item.name) for item in fields(Record)}, **one.fields}
        else:
            one = self._bench.attempts(number)[-1]
            values = {item.name: getattr(one, item.name) for item in fields(one)}
        for name, expected in pairs_of(text):
            value = values[name]
            if isinstance(value, Enum):
                value = value.name
            elif value is None:
                value = "none"
            expected = str(self._values[expected]) if expected.startswith("$") else expected.strip("'")
            assert str(value) == expected, f"{name} is {value}"

    # -- steps ----------------------------------------------------------------------------------------------------
    def _logs_in(self, dn: str) -> None:
        self._bench.login(dn)
        self._quiet()

    def _comes_in(self, dn: str) -> None:
        self._bench.switch.agent(AgentEventKind.LOGIN, dn, agent_of(dn))

    def _is_ready(self, dn: str) -> None:
        if self._bench.agents.agent_at(dn) is None:
            self._logs_in(dn)
        self._bench.switch.agent(AgentEventKind.READY, dn, agent_of(dn))
        self._bench.pass_(0)

    def _logs_out(self, dn: str) -> None:
        self._bench.logout(dn)

    def _talks(self, dn: str) -> None:
        asked = self._bench.talk(dn)
        self._conn_id = asked.conn_id
        event = DesktopEvent("call", raw=asked.user_data)
        assert event.record is not None
        self._values["$call"] = event.record.record_handle
        self._shown[event.record.record_handle] = event

    def _hangs_up(self, dn: str) -> None:
        self._bench.switch.over(self._conn_id, dn)
        self._bench.switch.agent(AgentEventKind.AFTER_CALL_WORK, dn, agent_of(dn))
        self._bench.pass_(0)

    def _dials(self, dn: str, name: str) -> None:
        event = self._shown[int(self._values[name])]        # type: ignore[arg-type]
        assert event.record is not None
        self._conn_id = self._bench.switch.agent_calls(dn, event.record.phone or "", event.raw)
        self._bench.pass_(0)

    def _answered(self, dn: str) -> None:
        self._bench.switch.connected(self._conn_id, dn)
        self._bench.pass_(0)

    def _ends(self, how: str) -> None:
        self._bench.switch.over(self._conn_id, call_state={"is busy": 6, "is not answered": 7}[how])
        self._bench.pass_(0)

    def _waits(self, seconds: str) -> None:
        self._bench.pass_(float(seconds))

    def _session(self, what: str) -> None:
        session = self._bench.session
        if what == "is loaded":
            self._bench.wait(session.load())
        else:
            {"starts": session.start, "stops": session.stop, "is unloaded": session.unload,
             "is unloaded by force": session.force_unload, "is paused": session.pause}[what]()
        self._bench.pass_(0)

    def _database(self, what: str) -> None:
        (self._bench.store.go_away if what == "is away" else self._bench.store.come_back)()

    def _waiting(self, dn: str) -> None:
        self._bench.store.held.add("save")
        for number in range(100):
            self._bench.tell(dn, "DoNotCall", phone=f"+1212777{number:04d}")

    def _fault(self) -> None:
        async def broken(*args: object) -> None:
            raise RuntimeError("a fault of the server")
        self._bench.desktops.reception.operations.perform = broken      # type: ignore[method-assign,assignment]

    def _listed(self, *listed: str) -> None:
        entries = self._bench.wait(self._bench.memory.do_not_call())
        expected = [one.strip("'") for one in " ".join(one or "" for one in listed).split()]
        assert sorted(one.phone or one.customer_id for one in entries) == sorted(expected), entries

    def _other_mode(self, word: str) -> None:
        mode = next(one for one in DialingMode if one.word == word)
        self._bench.wait(self._bench.session.reconfigure(replace(self._bench.session.group, mode=mode)))
        self._bench.pass_(0)

    def _grows(self, dn: str) -> None:
        group = self._bench.session.group
        wider = replace(group, group=replace(group.group, dns=(*group.group.dns, dn)))
        self._bench.wait(self._bench.session.reconfigure(wider))
        self._bench.pass_(0)

    def _dialed(self, number: str) -> None:
        assert self._bench.switch.numbers[-1:] == [number], self._bench.switch.numbers


def _shown(event: DesktopEvent) -> str:
    return " ".join([event.name, *(f"{key}={value!r}" for key, value in event.raw if key != keys.USER_EVENT)])


_STEPS: list[tuple[str, Callable[..., None]]] = [
    (r"(\d+) logs in", Player._logs_in), (r"(\d+) comes in", Player._comes_in), (r"(\d+) is ready", Player._is_ready),
    (r"(\d+) logs out", Player._logs_out),
    (r"(\d+) talks", Player._talks), (r"(\d+) hangs up", Player._hangs_up), (r"(\d+) dials (\$\w+)", Player._dials),
    (r"the call of (\d+) is answered", Player._answered), (r"the call (is busy|is not answered)", Player._ends),
    (r"wait (\d+) s", Player._waits), (r"the campaign (.+)", Player._session),
    (r"the database (is away|is back)", Player._database),
    (r"100 requests of (\d+) are under way", Player._waiting), (r"the server has a fault", Player._fault),
    (r"on the do-not-call list: ?(.*)", Player._listed), (r"the mode becomes (\S+)", Player._other_mode),
    (r"(\d+) joins the group", Player._grows), (r"dialed: (\S+)", Player._dialed),
]
