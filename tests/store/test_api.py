"""What the HTTP API keeps in the database: tokens, idempotency keys; how it looks for records."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.database.statements import Transaction, insert_ignoring
from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Attempt, CustomField, NewRecord, Record
from ocs.errors import OCSError, UnknownCallingList
from ocs.store import schema
from ocs.store.adding import add_record
from ocs.store.api_additions import Addition, KeyReused, drop_old_additions, once
from ocs.store.api_tokens import Role, add_token, hash_of, revoke_token, tokens
from ocs.store.attempts import attempts_on, insert_attempts
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.searching import Search, search_records

FIELDS = [CustomField("name"), CustomField("age", "int"), CustomField("pin", secure=True)]
NOW = 1_800_000_000.0


def filled(database: str, count: int = 5) -> None:
    with transaction(backend_for(database)) as work:
        catalog = Catalog()
        table = create_list(work, catalog, "spring", FIELDS)
        zone = catalog.zone_dbid(work, "America/New_York")
        insert_records(work, table, [
            Record(n, (n + 1) // 2, (n + 1) % 2, f"+1212555{n:04d}", tz_dbid=zone, tz_name="America/New_York",
                   fields={"name": f"P{n}", "age": 40 + n, "pin": "1"}) for n in range(1, count + 1)])


def test_a_token_is_shown_once_and_kept_as_a_hash(database: str) -> None:
    with transaction(backend_for(database)) as work:
        token = add_token(work, "console", Role.SUPERVISOR, NOW, expires_at=NOW + 10)
        (kept,) = tokens(work)
        assert (kept.name, kept.hash, kept.role, kept.agent_id) == ("console", hash_of(token), Role.SUPERVISOR, None)
        assert token not in repr(kept) and kept.valid(NOW) and not kept.valid(NOW + 10) and len(token) > 40
        assert revoke_token(work, "console") and not revoke_token(work, "console") and tokens(work) == []


@pytest.mark.parametrize("name, role, agent_id, words", [
    ("", Role.SUPERVISOR, None, "1 to 64"), (" a", Role.SUPERVISOR, None, "blanks"), ("a\n", Role.SUPERVISOR, None, "printable"),
    ("a", Role.AGENT, None, "agent's id"), ("there", Role.ADMINISTRATOR, None, "already")])
def test_tokens_that_cannot_be(database: str, name: str, role: Role, agent_id: str | None, words: str) -> None:
    with transaction(backend_for(database)) as work:
        add_token(work, "there", Role.AGENT, NOW, "1001")
        with pytest.raises(OCSError, match=words):
            add_token(work, name, role, NOW, agent_id)


def test_what_is_added_twice_by_one_key_is_added_once_also_after_a_restart(database: str) -> None:
    filled(database)
    addition = Addition("crm", "k1", "f" * 64, NOW)
    answers = []
    for _ in range(3):          # a catalog and a connection of its own each time, as after a restart
        with transaction(backend_for(database)) as work:
            answers.append(once(work, addition, lambda: str(add_record(work, Catalog(), NewRecord(
                "spring", "+12125559999")).record_id)))
    assert answers == [("6", False), ("6", True), ("6", True)]
    with transaction(backend_for(database)) as work:
        with pytest.raises(KeyReused):
            once(work, replace(addition, fingerprint="e" * 64), lambda: "7")
        assert once(work, replace(addition, client="erp"), lambda: "other")[0] == "other"
        assert once(work, None, lambda: "new") == ("new", False)
        assert search_records(work, Catalog(), "spring", Search(phone="+12125559999")).records[0].record_id == 6


def test_a_key_is_not_kept_of_what_was_not_added(database: str) -> None:
    filled(database)
    addition = Addition("crm", "k1", "f" * 64, NOW)
    with pytest.raises(UnknownCallingList), transaction(backend_for(database)) as work:
        once(work, addition, lambda: str(add_record(work, Catalog(), NewRecord("none", "+12125559999")).record_id))
    with transaction(backend_for(database)) as work:
        assert once(work, addition, lambda: "added") == ("added", False)


def test_of_two_at_the_same_time_with_one_key_one_adds(database: str) -> None:
    filled(database)
    addition = Addition("crm", "k1", "f" * 64, NOW)

    def late(work: Transaction) -> str:
        """The other one's row is committed between our look and ours."""
        work.run(insert_ignoring(schema.api_additions), client="crm", idempotency_key="k1", fingerprint="f" * 64, made_at=NOW,
                 answer="first")
        return str(add_record(work, Catalog(), NewRecord("spring", "+12125559999")).record_id)

    with pytest.raises(KeyReused, match="repeat it"), transaction(backend_for(database)) as work:
        once(work, addition, lambda: late(work))
    with transaction(backend_for(database), write=False) as work:
        assert search_records(work, Catalog(), "spring", Search(phone="+12125559999")).records == ()


def test_keys_are_forgotten_after_a_day_and_when_there_are_too_many(database: str) -> None:
    with transaction(backend_for(database)) as work:
        for n in range(10):
            once(work, Addition("crm", f"k{n}", "f", NOW + n), lambda: "1")
        assert drop_old_additions(work, NOW + 86_402.0) == 2
        assert drop_old_additions(work, NOW + 100, most=3) == 5
        assert once(work, Addition("crm", "k7", "f", NOW), lambda: "2") == ("1", True)


@pytest.mark.parametrize("search, found", [
    (Search(), [1, 2, 3, 4, 5]), (Search(phone="+12125550003"), [3]), (Search(record_id=4), [4]), (Search(chain_id=1), [1, 2]),
    (Search(status=int(RecordStatus.READY), limit=2), [1, 2]), (Search(after=(2, 0)), [4, 5]), (Search(status=5), []),
    (Search(field="age", value="42"), [2]), (Search(field="name", value="P5"), [5]), (Search(phone="' OR 1=1 --"), [])])
def test_records_are_found(database: str, search: Search, found: list[int]) -> None:
    filled(database)
    with transaction(backend_for(database), write=False) as work:
        page = search_records(work, Catalog(), "spring", search)
    assert [one.record_id for one in page.records] == found and page.more is (search.limit == 2)


@pytest.mark.parametrize("search, words", [
    (Search(field="none", value="1"), "no user-defined field"), (Search(field="pin", value="1"), "secure"),
    (Search(field="age", value="x"), "whole number")])
def test_what_cannot_be_looked_for_is_named(database: str, search: Search, words: str) -> None:
    filled(database)
    with pytest.raises(OCSError, match=words), transaction(backend_for(database), write=False) as work:
        search_records(work, Catalog(), "spring", search)


def test_the_attempts_on_one_record(database: str) -> None:
    with transaction(backend_for(database)) as work:
        insert_attempts(work, [Attempt(f"G{n}", "spring", n % 2, 1, 0, "+1", n, "c", "g", "S", float(n)) for n in range(4)])
        assert [one.guid for one in attempts_on(work, "spring", 1, 10)] == ["G1", "G3"]
        assert [one.guid for one in attempts_on(work, "spring", 1, 1)] == ["G1"]
