"""Sites at random: objects of every kind that refer to each other, with options in every kind of section.

Names and texts are Hypothesis's, which finds the strange ones; how many objects there are and what refers to what is decided
by a seed, which is much faster to draw.
"""
from __future__ import annotations

import random
from typing import Any, Sequence

from hypothesis import strategies as st

from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.enumerations import GroupType
from ocs.configuration.kinds import KINDS
from ocs.configuration.model import ConfigurationObject, Form, Property, Rows
from ocs.dialing.actions import CallAction, TreatmentAction
from ocs.dialing.results import DialingMode
from ocs.passwords import hash_password

_HASH = hash_password("x", cheap=True)
_ACTIONS = (TreatmentAction.NONE, TreatmentAction.UPDATE_CHAIN, TreatmentAction.REDIAL)
_MODES = (DialingMode.PROGRESSIVE, DialingMode.PREVIEW, DialingMode.PREDICTIVE)
# what the server's own tables have rules for
_CHOICES: dict[tuple[str, str], Sequence[Any]] = {
    ("agent_login", "password"): ("", _HASH), ("person", "password"): ("", _HASH),
    ("calling_list", "hours"): ((), ("mon-fri 08:00-20:00", "sat 10:00-14:00")),
    ("calling_list", "time_from"): range(40_000), ("calling_list", "time_until"): range(40_001, 86_400),
    ("holiday_calendar", "country"): ("US", "DE"), ("holiday_calendar", "subdivision"): ("",),
    ("holiday_calendar", "zones"): ((), ("America/*", "Europe/Berlin")),
    ("holiday_calendar", "closed_days"): ((), ("12-24", "2026-12-31")), ("holiday_calendar", "open_days"): ((), ("2026-10-12",)),
    ("http_request", "method"): ("post", "put"), ("http_request", "uri"): ("https://crm.example/{GSW_PHONE}",),
    ("http_request", "body"): ("", '{"phone": "{GSW_PHONE}"}'),
    ("http_request", "header"): ((), (("X-Key", "s3cret", ""), ("X-Other", "", "other.key"))),
    ("sql_statement", "statement"): ("UPDATE crm SET result = :call_result WHERE phone = :contact_info",),
    ("campaign_group", "minimum_buffer"): (0.1, 3.75, 4.0), ("campaign_group", "optimal_buffer"): (4.0, 6.0, 1_000.0),
    ("campaign_group", "optimization_method"): range(3), ("campaign_group", "optimization_goal"): (1.5, 80.0),
    ("campaign_group", "mode"): tuple(map(int, _MODES)), ("treatment", "call_result"): (6, 7),
    ("treatment", "action"): tuple(map(int, _ACTIONS)), ("treatment", "date_time"): ("",), ("treatment", "sequence"): (1,),
    ("treatment", "interval_min"): (0.0,), ("treatment", "increment_min"): (0.0,), ("treatment", "cycle_attempts"): range(1, 9),
    ("treatment", "call_action"): (int(CallAction.NONE),), ("treatment", "destination_dn"): (None,),
}
# known options: (name in files, texts)
_KNOWN: dict[str, Sequence[tuple[str, Sequence[str]]]] = {
    "application": (("stale_clean_timeout_min", ("5.0", "30.0")), ("check_dnc_list", ("true", "false"))),
    "campaign_group": (("multiplier", ("1.5", "2.0")), ("campaign_callback_distr", ("original-agent",)),
                       ("default_general_priority", ("7",)), ("at_start", ("load",)), ("asm_channel_num", ("4",))),
    "calling_list": (("check_dnc_list", ("false",)), ("dial_log_destination", ("spring.log",))),
    "dialing_filter": (("criteria", ("attempt < 3",)), ("order_by1", ("record_id DESC",))),
}
_SECTIONS = ("default", "OCServer", "Outbound", "ocs west", "icon")


class World:
    """Objects so far, and what to make more of them from."""

    def __init__(self, seed: int, names: Sequence[str], texts: Sequence[str]) -> None:
        self.rng, self.names, self.texts = random.Random(seed), names, texts
        self.objects: dict[tuple[str, int], ConfigurationObject] = {}
        self._used: set[tuple[Any, ...]] = set()
        self._dbids: dict[str, list[int]] = {}
        self._tenant: int | None = None             # of the object that is being made
        for word in KINDS:
            for _ in range(self.rng.randint(1 if word in ("tenant", "switch", "application") else 0, 3)):
                self._add(word)

    def _some(self, kind: str) -> list[int]:
        """What may be referred to."""
        return sorted(one.dbid for one in self.objects.values() if one.kind == kind and (
            KINDS[kind].shared or one.tenant == self._tenant))

    def _add(self, word: str) -> None:
        kind = KINDS[word]
        self._tenant = self.rng.choice(self._some("tenant")) if kind.has_tenant else None
        values = {one.name: self._tenant if one.name == "tenant" else self._value(word, one) for one in kind.properties}
        if word == "campaign_group" and not self._choose_group(values):
            return
        if any(one.required and values[one.name] in (None, "") for one in kind.plain):
            return
        if word == "switch" and "@" in values["name"]:
            values["name"] = "switch"
        if word == "dn":
            values["number"] = values["number"].replace("@", "at")
        scope = values.get(kind.scope)
        if word == "campaign_group":        # people know it by the names of both
            scope = self.objects["agent_group" if values["group_type"] == GroupType.AGENTS else "place_group", scope]["name"]
        key = (word, values[kind.naming], scope, None if kind.shared else self._tenant)
        if key not in self._used:
            self._used.add(key)
            taken = self._dbids.setdefault("agent_group" if word == "place_group" else word, [])
            taken.append(self.rng.choice([each for each in range(1, 400) if each not in taken]))
            self.objects[word, taken[-1]] = ConfigurationObject(word, taken[-1], values, self._options(word))

    def _value(self, word: str, one: Property | Rows) -> Any:
        if (word, one.name) in _CHOICES:
            return self.rng.choice(_CHOICES[word, one.name])
        if isinstance(one, Property):
            return self._cell(one)
        found = [tuple(map(self._cell, one.columns)) for _ in range(self.rng.randint(0, 3))]
        rows = {row[0]: row for row in found if None not in row}
        return tuple(row[0] if one.single else row for row in rows.values())

    def _cell(self, one: Property) -> Any:
        rng = self.rng
        if one.form is Form.REFERENCE:
            known = self._some(one.refers[0])
            needed = one.required or one.name == "switch"
            return rng.choice(known if needed else [None, *known]) if known else None
        if one.members is not None:
            return int(rng.choice(list(one.members))) if one.name != "state" else 1
        if one.form is Form.FLAG:
            return rng.random() < 0.5
        if one.form is Form.INTEGER:
            return rng.randint(int(one.low or 0), int(one.high or 1_000))
        if one.form is Form.NUMBER:
            return rng.uniform(one.low or 0.0, one.high or 1_000.0)
        return rng.choice(self.names if one.required else self.texts)

    def _choose_group(self, values: dict[str, Any]) -> bool:
        kind = self.rng.choice([GroupType.AGENTS, GroupType.PLACES])
        known, queues = self._some("agent_group" if kind is GroupType.AGENTS else "place_group"), self._some("dn")
        if known and queues:
            values |= {"group_type": int(kind), "group": self.rng.choice(known),
                       "voice_transfer_destination": self.rng.choice(queues)}
        return bool(known and queues)

    def _options(self, word: str) -> dict[tuple[str, str], str]:
        rng = self.rng
        options = {(rng.choice(_SECTIONS), f"unknown {key}"): rng.choice(self.texts) for key in range(rng.randint(0, 2))}
        for name, texts in _KNOWN.get(word, ()):
            if rng.random() < 0.5:
                options[VOCABULARY.place(word, name)] = rng.choice(texts)
        if ("default", "order_by1") in options:
            options["default", "order_by"] = "attempt,"
        return options


_characters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
worlds = st.builds(
    lambda seed, names, texts: World(seed, names, texts).objects, st.integers(0, 2 ** 32),
    st.lists(st.text(st.sampled_from("abX 0-_.'\"\\@#=[]äß€"), min_size=1, max_size=5), min_size=6, max_size=10, unique=True),
    st.lists(st.text(_characters, max_size=8), min_size=3, max_size=5))
