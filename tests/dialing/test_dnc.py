"""The do-not-call list: phones and customer ids, for every campaign or for one."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.dnc import DoNotCallList
from ocs.dialing.values import DoNotCallEntry

PHONE, OTHER = "+12125550100", "+12125550101"


@pytest.mark.parametrize("entry, campaign, phone, customer_id, why", [
    (DoNotCallEntry(phone=PHONE), "spring", PHONE, None, "phone"),
    (DoNotCallEntry(phone=PHONE), "autumn", PHONE, "C-1", "phone"),
    (DoNotCallEntry(phone=PHONE), "spring", OTHER, "C-1", None),
    (DoNotCallEntry(phone=PHONE, campaign="spring"), "spring", PHONE, None, "phone"),
    (DoNotCallEntry(phone=PHONE, campaign="spring"), "autumn", PHONE, None, None),
    (DoNotCallEntry(customer_id="C-1"), "autumn", OTHER, "C-1", "customer id"),
    (DoNotCallEntry(customer_id="C-1", campaign="spring"), "spring", OTHER, "C-1", "customer id"),
    (DoNotCallEntry(customer_id="C-1", campaign="spring"), "autumn", OTHER, "C-1", None),
    (DoNotCallEntry(customer_id="C-1"), "spring", OTHER, None, None),
    (DoNotCallEntry(customer_id="C-1"), "spring", OTHER, "", None),
    (DoNotCallEntry(phone=PHONE, customer_id="C-1"), "spring", PHONE, "C-1", "phone"),      # the phone wins
    (DoNotCallEntry(phone=PHONE, customer_id="C-1"), "spring", OTHER, "C-1", "customer id"),
    (DoNotCallEntry(phone=PHONE), "spring", "12125550100", None, None),     # exact: numbers are E.164 everywhere
    (DoNotCallEntry(), "spring", "", "", None),
])
def test_an_entry_blocks_what_it_names_within_its_scope(entry: DoNotCallEntry, campaign: str, phone: str,
                                                        customer_id: str | None, why: str | None) -> None:
    assert DoNotCallList([entry]).blocks(campaign, phone, customer_id) == why


def test_an_entry_counts_from_the_moment_it_is_added() -> None:
    listed = DoNotCallList()
    assert listed.blocks("spring", PHONE) is None
    listed.add(DoNotCallEntry(phone=PHONE))
    assert listed.blocks("spring", PHONE) == "phone"


def test_a_fresh_list_takes_the_place_of_the_old_one() -> None:
    listed = DoNotCallList([DoNotCallEntry(phone=PHONE), DoNotCallEntry(customer_id="C-1")])
    listed.replace(iter([DoNotCallEntry(phone=OTHER)]))
    assert [listed.blocks("spring", PHONE, "C-1"), listed.blocks("spring", OTHER)] == [None, "phone"]
    assert len(listed) == 1


def test_the_length_counts_each_phone_and_customer_id_once() -> None:
    entry = DoNotCallEntry(phone=PHONE, customer_id="C-1")
    assert len(DoNotCallList([entry, entry, DoNotCallEntry(phone=PHONE, campaign="spring")])) == 3


NAMES = st.sampled_from(["a", "b", "c"])
ENTRIES = st.lists(st.builds(DoNotCallEntry, phone=st.none() | NAMES, customer_id=st.none() | NAMES,
                             campaign=st.none() | NAMES))


@given(ENTRIES, ENTRIES, NAMES, NAMES, st.none() | NAMES)
def test_the_list_says_what_looking_at_every_entry_says(first: list[DoNotCallEntry], added: list[DoNotCallEntry],
                                                        campaign: str, phone: str, customer_id: str | None) -> None:
    listed = DoNotCallList(first)
    for entry in added:
        listed.add(entry)
    counting = [entry for entry in first + added if entry.campaign in (None, campaign)]
    by_hand = ("phone" if any(entry.phone == phone for entry in counting) else
               "customer id" if customer_id and any(entry.customer_id == customer_id for entry in counting) else None)
    assert listed.blocks(campaign, phone, customer_id) == by_hand
