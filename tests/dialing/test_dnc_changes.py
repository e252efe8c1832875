"""The list while it changes: requests, what the database tells, and fresh lists, in any order; nothing acknowledged is lost."""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.dnc import (
    ChangeKind,
    DoNotCallBuilder,
    DoNotCallChange,
    DoNotCallList,
    Load,
    Scope,
    checks_off,
    listed,
)
from ocs.dialing.values import DoNotCallEntry

PHONE, OTHER = "+12125550100", "+442079460000"
ADD, REMOVE = ChangeKind.ADD, ChangeKind.REMOVE


@pytest.mark.parametrize("scope, blocked", [
    (Scope(), {("spring", 1), ("spring", 2), ("autumn", 1), ("autumn", 2), ("spring", None), ("autumn", None)}),
    (Scope(1), {("spring", 1), ("autumn", 1), ("spring", None), ("autumn", None)}),
    (Scope(2, "spring"), {("spring", 2), ("spring", None)}),
])
def test_an_entry_counts_for_its_tenant_and_campaign(scope: Scope, blocked: set[tuple[str, int | None]]) -> None:
    made = DoNotCallList()
    made.add(DoNotCallEntry(PHONE, "C7", scope.campaign), scope.tenant)
    asked = [(campaign, tenant) for campaign in ("spring", "autumn") for tenant in (1, 2, None)]
    assert {(campaign, tenant) for campaign, tenant in asked if made.blocks(campaign, PHONE, None, tenant)} == blocked
    assert {one for one in asked if made.blocks(one[0], OTHER, "C7", one[1]) == "customer id"} == blocked


SPELLINGS = [PHONE, OTHER, "12125550100", " +12125550100", "+012125550100", "", "nobody", "+" + "1" * 20]


@given(st.lists(st.tuples(st.sampled_from(SPELLINGS), st.sampled_from([None, "spring", "autumn"]))))
def test_what_blocks_is_in_a_scope_that_counts_and_in_this_spelling(entries: list[tuple[str, str | None]]) -> None:
    made = DoNotCallList()
    assert not any(made.blocks("spring", phone) for phone in SPELLINGS)     # what was looked up before is looked up again
    for place, (phone, campaign) in enumerate(entries):
        made.add(DoNotCallEntry(phone, campaign=campaign))
        listed = {phone for phone, campaign in entries[:place + 1] if phone and campaign != "autumn"}
        assert [phone for phone in SPELLINGS if made.blocks("spring", phone)] == [one for one in SPELLINGS if one in listed]


def test_a_removal_takes_the_phone_out_of_its_scope_or_of_every_one() -> None:
    made = DoNotCallList()
    for number, scope in enumerate((Scope(), Scope(1), Scope(1, "spring"), Scope(2)), 1):
        made.follow(DoNotCallChange(number, ADD, PHONE, "C7", scope))
    made.passed(4)
    made.follow(DoNotCallChange(5, REMOVE, PHONE, None, Scope(1, "spring")))
    assert made.blocks("spring", PHONE, None, 1) == "phone"         # by the entries for every campaign
    made.follow(DoNotCallChange(6, REMOVE, PHONE, None, Scope(1), everywhere=True))
    assert made.blocks("spring", PHONE, None, 1) is None and made.blocks("spring", PHONE, None, 2) == "phone"
    assert made.blocks("spring", OTHER, "C7", 1) == "customer id"   # the phone was removed, not the customer


def test_what_was_told_before_is_not_done_again() -> None:
    made = DoNotCallList()
    made.follow(DoNotCallChange(1, ADD, PHONE))
    made.passed(1)
    made.follow(DoNotCallChange(2, REMOVE, PHONE))
    made.passed(2)
    made.follow(DoNotCallChange(1, ADD, PHONE))
    assert made.blocks("spring", PHONE) is None


def test_an_older_removal_does_not_undo_a_request_that_the_database_does_not_have_yet() -> None:
    made, request = DoNotCallList(followed=True), DoNotCallEntry(PHONE)
    made.add(request)
    made.follow(DoNotCallChange(1, ADD, PHONE, None, Scope(1)))         # somebody else's
    made.follow(DoNotCallChange(2, REMOVE, PHONE, everywhere=True))
    assert made.blocks("spring", PHONE) == "phone"
    made.follow(DoNotCallChange(3, ADD, PHONE, None, Scope(1), request_id=request.request_id))
    made.follow(DoNotCallChange(4, REMOVE, PHONE, None, Scope(1), everywhere=True))
    assert made.blocks("spring", PHONE) is None


def test_a_load_that_cannot_keep_up_is_refused_and_the_present_list_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_JOURNAL_LIMIT", 3)
    made = DoNotCallList([DoNotCallEntry(PHONE)])
    load = made.begin_load()
    for number in range(5):
        made.add(DoNotCallEntry(f"+1212555020{number}"))
    with pytest.raises(OverflowError, match="3 changes"):
        load.finish(DoNotCallList())
    assert len(made) == 6 and made.begin_load().finish(DoNotCallList()).blocks("spring", PHONE)
    load.abandon()                                                  # a second time does nothing
    assert len(made) == 0


def test_an_abandoned_load_changes_nothing() -> None:
    made = DoNotCallList([DoNotCallEntry(PHONE)])
    made.begin_load().abandon()
    assert made.blocks("spring", PHONE) == "phone"


def test_a_list_that_was_replaced_is_freed_piece_by_piece() -> None:
    made = DoNotCallList([DoNotCallEntry(PHONE), DoNotCallEntry(customer_id="C7"), DoNotCallEntry("anonymous")])
    old = made.begin_load().finish(DoNotCallList())
    assert len(old) == 3
    old.dismantle()
    assert len(old) == 0 and old.blocks("spring", PHONE) is None


@dataclass
class Database:
    """The plain model: the trail of changes, and what is listed after it. Every phone in one scope."""

    trail: list[DoNotCallChange] = field(default_factory=list)
    phones: set[str] = field(default_factory=set)

    def commit(self, kind: ChangeKind, phone: str, request_id: int = 0) -> None:
        self.trail.append(DoNotCallChange(len(self.trail) + 1, kind, phone, None, Scope(1), kind is REMOVE, request_id))
        (self.phones.add if kind is ADD else self.phones.discard)(phone)

    def read(self) -> DoNotCallList:
        builder = DoNotCallBuilder()
        builder.extend(Scope(1), sorted(self.phones), [])
        return builder.finish(len(self.trail))


PHONES = [f"+1212555010{number}" for number in range(4)]
STEPS = st.lists(st.tuples(st.sampled_from(["request", "commit", "others add", "others remove", "tell", "tell one", "begin",
                                            "read", "finish", "abandon"]), st.integers(0, 3)), max_size=60)


@given(STEPS)
@settings(max_examples=400, deadline=None)
def test_whatever_happens_during_a_load_acknowledged_requests_block_and_the_end_is_what_the_database_has(
        steps: list[tuple[str, int]]) -> None:
    database, made = Database(), DoNotCallList(followed=True)
    uncommitted: list[DoNotCallEntry] = []
    load: Load | None = None
    fresh: DoNotCallList | None = None

    def save(entry: DoNotCallEntry) -> None:
        database.commit(ADD, entry.phone or "", entry.request_id)

    def tell(limit: int) -> None:
        for change in database.trail[made.sequence:][:limit]:
            made.follow(change)
            made.passed(change.sequence)

    for step, number in steps:
        phone = PHONES[number]
        if step == "request":
            uncommitted.append(DoNotCallEntry(phone))
            made.add(uncommitted[-1])
        elif step == "commit" and uncommitted:
            save(uncommitted.pop(0))
        elif step.startswith("others"):
            database.commit(ADD if step == "others add" else REMOVE, phone)
        elif step.startswith("tell"):
            tell(1 if step == "tell one" else 100)
        elif step == "begin" and load is None:
            load, fresh = made.begin_load(), None
        elif step == "read" and load is not None:
            fresh = database.read()
        elif step == "finish" and load is not None and fresh is not None:
            load.finish(fresh).dismantle()
            load = fresh = None
        elif step == "abandon" and load is not None:
            load.abandon()
            load = None
        for promised in uncommitted:
            assert made.blocks("spring", promised.phone or "") == "phone"
        told_removals = {change.phone for change in database.trail[made.sequence:] if change.kind is REMOVE}
        for phone in database.phones - told_removals:               # listed for good; was the server told, or did it ask?
            known = made.sequence >= max(c.sequence for c in database.trail if c.phone == phone)
            assert not known or made.blocks("spring", phone) == "phone"
    for promised in uncommitted:
        save(promised)
    tell(1_000)
    assert {phone for phone in PHONES if made.blocks("spring", phone)} == database.phones


def test_a_fresh_list_of_an_older_database_counts_after_a_rewind() -> None:
    made = DoNotCallList(followed=True)
    made.follow(DoNotCallChange(9, ADD, PHONE))
    made.passed(9)
    made.rewind(3)
    made.begin_load().finish(Database().read())
    assert made.blocks("spring", PHONE) is None
    made.follow(DoNotCallChange(4, ADD, OTHER))
    assert made.blocks("spring", OTHER) == "phone"


def big_lists() -> Iterator[DoNotCallList]:
    rng = random.Random(3)
    phones = [f"+1212{rng.randrange(10**7):07d}" for _ in range(30_000)]
    builder = DoNotCallBuilder()
    for start in range(0, len(phones), 7_000):
        builder.extend(Scope(1), phones[start:start + 7_000], ["77", "C-1"])
    yield builder.finish(5)
    yield DoNotCallList(DoNotCallEntry(phone) for phone in phones)


def test_a_list_built_in_batches_is_the_one_built_one_by_one() -> None:
    batches, singly = big_lists()
    assert len(batches) == len(singly) + 2 and batches.known == batches.sequence == 5
    asked = [f"+1212{number:07d}" for number in range(0, 10**7, 331)]
    blocked = [phone for phone in asked if batches.blocks(None, phone)]
    assert blocked == [phone for phone in asked if singly.blocks(None, phone)] != []
    assert batches.blocks(None, "", "77") == batches.blocks(None, "", "C-1") == "customer id"


def test_checks_that_are_switched_off_are_named_and_others_are_not() -> None:
    assert checks_off({"dialing.check_dnc": True, "dialing.check_dnc_callback": True}) == ()
    assert checks_off({"b": False, "a": False, "c": True}) == ("a", "b")
    assert checks_off({"a": False, "b": False}, {"a": False}) == ("b",)
