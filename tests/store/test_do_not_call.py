"""The do-not-call list in the database: scopes, audit trail, imports; on both kinds of database."""
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.database.backend import Backend, backend_for, transaction
from ocs.database.statements import Transaction
from ocs.dialing.dnc import DoNotCallList, Scope
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import OCSError, StoreUnavailable
from ocs.store import do_not_call_import as lists
from ocs.store import plain_numbers as plain
from ocs.store.checks_off import audit_checks
from ocs.store.do_not_call import Act, add_do_not_call, do_not_call_entries, entries_of, remove_entries
from ocs.store.do_not_call_changes import changes_since, head, rows_changed_since
from ocs.store.do_not_call_file import to_e164
from ocs.store.do_not_call_import import DoNotCallOptions, Who

PHONE, OTHER, NOW = "+12125550101", "+442079460000", 1_767_600_000
CAMPAIGNS = {"Spring": 7, "Autumn": 8}
TRAIL = ("SELECT action, who, why, origin, phone, customer_id, tenant_dbid, campaign_dbid, entries FROM dnc_audit"
         " ORDER BY sequence")


@pytest.fixture
def backend(database: str) -> Backend:
    made = backend_for(database)
    with transaction(made) as work:
        for name, dbid in CAMPAIGNS.items():
            work.cursor.execute(f"INSERT INTO ocs_campaign (campaign_dbid, name) VALUES ({dbid}, '{name}')")
    return made


def entry(phone: str | None = None, customer_id: str | None = None, campaign: str | None = None, **more: Any) -> DoNotCallEntry:
    return DoNotCallEntry(phone, customer_id, campaign, time_stamp=NOW, **more)


def add(backend: Backend, *entries: DoNotCallEntry, tenant: int = 1) -> int:
    with transaction(backend) as work:
        return add_do_not_call(work, entries, CAMPAIGNS, tenant)


def read(backend: Backend, question: Callable[[Transaction], Any]) -> Any:
    with transaction(backend, write=False) as work:
        return question(work)


def trail(backend: Backend) -> list[tuple[Any, ...]]:
    def rows(work: Transaction) -> list[tuple[Any, ...]]:
        work.cursor.execute(TRAIL)
        return [tuple(row) for row in work.cursor.fetchall()]
    return [row for row in read(backend, rows) if row[0] != "begin"]


def listed(backend: Backend, tenant: int = 1) -> list[tuple[str | None, str | None, str | None]]:
    found = read(backend, lambda work: do_not_call_entries(work, tenant))
    return sorted(((one.phone, one.customer_id, one.campaign) for one in found), key=str)


def test_an_entry_is_added_once_and_every_request_is_in_the_trail(backend: Backend) -> None:
    asked = entry(PHONE, message="asked", internal=True, requested_by="agent 7", origin="desktop")
    assert add(backend, asked, entry(PHONE), entry(PHONE, campaign="Spring"), entry(), entry("")) == 2
    assert listed(backend) == [(PHONE, None, "Spring"), (PHONE, None, None)]
    assert trail(backend) == [("add", "agent 7", "asked", "desktop", PHONE, None, 1, 0, 1),
                              ("add", "", "", "", PHONE, None, 1, 0, 0), ("add", "", "", "", PHONE, None, 1, 7, 1)]


def test_a_removal_is_audited_with_who_and_why_even_of_nothing(backend: Backend) -> None:
    add(backend, entry(PHONE), entry(PHONE, campaign="Spring"))
    with transaction(backend) as work:
        assert remove_entries(work, Act(NOW, "ann", "consent given", "command"), 1, phone=PHONE) == 2
        assert remove_entries(work, Act(NOW, "bob"), 1, customer_id="C7") == 0
    assert listed(backend) == []
    assert trail(backend)[2:] == [("remove", "ann", "consent given", "command", PHONE, None, 1, None, -2),
                                  ("remove", "bob", "", "", None, "C7", 1, None, 0)]


def test_a_removal_from_one_campaign_leaves_the_other_scopes(backend: Backend) -> None:
    add(backend, entry(PHONE), entry(PHONE, campaign="Spring"), entry(PHONE, campaign="Autumn"))
    with transaction(backend) as work:
        assert remove_entries(work, Act(NOW), 1, phone=PHONE, campaign_dbid=7) == 1
        assert remove_entries(work, Act(NOW), 1, phone=PHONE, campaign_dbid=0) == 1
    assert listed(backend) == [(PHONE, None, "Autumn")]


def test_to_remove_the_phone_leaves_the_customer_blocked_and_the_other_way_round(backend: Backend) -> None:
    begin = read(backend, head)
    add(backend, entry(PHONE, "C7"), entry(None, "C7"), entry(OTHER, "C8"))
    with transaction(backend) as work:
        remove_entries(work, Act(NOW), 1, phone=PHONE)
        remove_entries(work, Act(NOW), 1, customer_id="C8")
        assert rows_changed_since(work, begin) == 2
    assert listed(backend) == [(OTHER, None, None), (None, "C7", None)]


def test_an_entry_keeps_the_list_that_the_request_was_about(backend: Backend) -> None:
    def lists(work: Transaction) -> list[tuple[Any, ...]]:
        work.cursor.execute("SELECT phone, customer_id, list_dbid FROM gsw_donotcall_list ORDER BY list_dbid")
        return [(*row[:2], int(row[2])) for row in work.cursor.fetchall()]
    add(backend, entry(PHONE, "C7", list_dbid=101), entry(OTHER))
    assert read(backend, lists) == [(OTHER, None, 0), (PHONE, "C7", 101)]
    with transaction(backend) as work:
        remove_entries(work, Act(NOW), 1, phone=PHONE)
    assert read(backend, lists) == [(OTHER, None, 0), (None, "C7", 101)]


@pytest.mark.parametrize("names", [{}, {"phone": PHONE, "customer_id": "C7"}])
def test_a_removal_names_one_thing(backend: Backend, names: dict[str, str]) -> None:
    with pytest.raises(OCSError, match="either a phone or a customer id"), transaction(backend) as work:
        remove_entries(work, Act(NOW), 1, **names)              # type: ignore[arg-type]
    assert trail(backend) == []


def test_tenants_have_their_own_entries_and_those_of_everyone(backend: Backend) -> None:
    add(backend, entry(PHONE), tenant=0)
    add(backend, entry(OTHER), tenant=2)
    assert [listed(backend, tenant) for tenant in (1, 2)] == [[(PHONE, None, None)], [(PHONE, None, None), (OTHER, None, None)]]
    with transaction(backend) as work:
        remove_entries(work, Act(NOW), 1, phone=PHONE)
    assert [row[6:] for row in trail(backend)[2:]] == [(1, None, 0), (0, None, -1)]     # the other tenants follow the second
    assert listed(backend, 2) == [(OTHER, None, None)]


def test_rows_that_others_put_in_with_nulls_count_for_every_tenant_and_campaign(backend: Backend) -> None:
    with transaction(backend) as work:
        work.cursor.execute(f"INSERT INTO gsw_donotcall_list (phone) VALUES ('{PHONE}')")
        work.cursor.execute(f"INSERT INTO gsw_donotcall_list (phone, campaign_dbid) VALUES ('{OTHER}', 99)")
    assert listed(backend) == [(PHONE, None, None), (OTHER, None, "#99")]
    (found,) = read(backend, lambda work: entries_of(work, 1, phone=PHONE))
    assert (found.scope, found.act, found.since) == (Scope(0, None), None, 0)
    with transaction(backend) as work:
        assert remove_entries(work, Act(NOW), 1, phone=PHONE) == 1
    assert listed(backend) == [(OTHER, None, "#99")]


def test_a_look_tells_scope_time_and_who(backend: Backend) -> None:
    add(backend, entry(PHONE, "C7", "Spring", message="no more", internal=True, requested_by="agent 7", origin="desktop"))
    for names in ({"phone": PHONE}, {"customer_id": "C7"}):
        (found,) = read(backend, lambda work: entries_of(work, 1, **names))
        assert (found.phone, found.customer_id, found.scope) == (PHONE, "C7", Scope(1, "Spring"))
        assert (found.message, found.internal, found.since) == ("no more", True, NOW)
        assert found.act == Act(NOW, "agent 7", "no more", "desktop")
    assert read(backend, lambda work: entries_of(work, 2, phone=PHONE)) == []


# -- imports ------------------------------------------------------------------------------------------------------
def csv_file(folder: Path, text: str) -> Path:
    path = folder / "dnc.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_import_is_one_row_of_the_trail_and_its_entries_tell_of_it(backend: Backend, tmp_path: Path) -> None:
    add(backend, entry(PHONE))
    path = csv_file(tmp_path, f"phone;customer_id\n2125550101;\n{OTHER};C7\n(212) 555-0102;\n{OTHER};\n")
    report = lists.import_do_not_call(backend, path, DoNotCallOptions(message="registry", who="ann", why="monthly"))
    assert (report.rows, report.added, report.known, report.bad_rows) == (4, 3, 2, 0)
    assert {row[:2] for row in listed(backend)} == {(PHONE, None), ("+12125550102", None), (OTHER, None), (None, "C7")}
    assert trail(backend)[1:] == [("import", "ann", "monthly", str(path), None, None, 1, 0, 3)]
    (found,) = lists.look_up(backend, Who(phone=OTHER))
    assert found.act is not None and (found.act.who, found.act.origin, found.message) == ("ann", str(path), "registry")
    assert lists.import_do_not_call(backend, path).added == 0


def test_an_import_for_a_campaign_of_every_tenant_counts_there(backend: Backend, tmp_path: Path) -> None:
    lists.import_do_not_call(backend, csv_file(tmp_path, f"{PHONE}\n"), DoNotCallOptions(campaign="Autumn", everyone=True))
    (found,) = lists.look_up(backend, Who(phone=PHONE))
    assert found.scope == Scope(0, "Autumn")


@pytest.mark.parametrize("moment", ["checking", "loading", "committing"])
def test_an_import_that_is_killed_midway_changes_nothing(backend: Backend, tmp_path: Path, moment: str,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_BATCH", 10)
    path = csv_file(tmp_path, "phone\n" + "".join(f"+1212555{number:04d}\n" for number in range(100)))

    def killed(stage: str, done: int, total: int) -> None:
        if stage == moment and (done >= 50 or stage != "loading"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lists.import_do_not_call(backend, path, progress=killed)
    assert listed(backend) == [] and trail(backend) == []
    assert lists.import_do_not_call(backend, path).added == 100


def test_bad_rows_are_named_and_nothing_is_imported_unless_they_are_skipped(backend: Backend, tmp_path: Path) -> None:
    path = csv_file(tmp_path, f"customer id,mobile\nC1,{PHONE}\n,\nC2,12\n{'x' * 65},\n")
    options = DoNotCallOptions(bad_rows=tmp_path / "bad.csv")
    with pytest.raises(lists.DoNotCallRefused, match="2 of 3 entries are bad") as refused:
        lists.import_do_not_call(backend, path, options)
    assert [(fault.line, fault.reason[:10]) for fault in refused.value.report.faults] == [(4, "phone '12'"), (5, "customer_i")]
    assert (tmp_path / "bad.csv").read_text().count("\n") == 3 and listed(backend) == []
    assert lists.import_do_not_call(backend, path, DoNotCallOptions(skip_bad=True)).added == 2


@pytest.mark.parametrize("text, e164", [("+12125550101", PHONE), (" 212 555 0101", PHONE), ("+999123456789", "+999123456789")])
def test_what_is_written_in_e164_is_taken_as_it_is(text: str, e164: str) -> None:
    assert to_e164(text, "US") == e164


def test_an_unknown_region_and_a_missing_database_are_told(tmp_path: Path) -> None:
    with pytest.raises(OCSError, match="region 'XX'"):
        lists.add_one(f"sqlite:///{tmp_path / 'x.sqlite'}", Who(PHONE), DoNotCallOptions("XX"))
    with pytest.raises(StoreUnavailable, match="no such file"):
        lists.add_one(f"sqlite:///{tmp_path / 'x.sqlite'}", Who(PHONE))


# -- what others read ---------------------------------------------------------------------------------------------
def replayed(backend: Backend, begin: int, tenant: int) -> DoNotCallList:
    """What the trail says from there."""
    made = DoNotCallList()
    made.rewind(begin)
    page = read(backend, lambda work: changes_since(work, begin, tenant))
    assert not page.reload and not page.more
    for change in page.changes:
        made.follow(change)
    return made


STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove", "import"]), st.sampled_from([None, PHONE, OTHER, "anonymous"]),
                           st.sampled_from([None, "C7", "123"]), st.sampled_from([None, "Spring"]), st.integers(0, 2)),
                 max_size=12)


def test_the_trail_leads_to_what_the_table_has(backend: Backend, tmp_path: Path) -> None:
    @given(STEPS)
    @settings(max_examples=25, deadline=None)
    def walk(steps: list[Any]) -> None:
        follow_random_changes(backend, tmp_path, steps)
    walk()


def follow_random_changes(backend: Backend, tmp_path: Path, steps: list[Any]) -> None:
    with transaction(backend) as work:
        work.cursor.execute("DELETE FROM gsw_donotcall_list")
        begin = head(work)
    for action, phone, customer_id, campaign, tenant in steps:
        if action == "add":
            add(backend, entry(phone, customer_id, campaign), tenant=tenant)
        elif action == "import" and phone in (PHONE, OTHER):
            lists.import_do_not_call(backend, csv_file(tmp_path, f"{phone}\n"), DoNotCallOptions(
                campaign=campaign, tenant_dbid=tenant or 1, everyone=tenant == 0))
        elif action == "remove" and (phone is None) != (customer_id is None):
            with transaction(backend) as work:
                remove_entries(work, Act(NOW), tenant or 1, phone=phone, customer_id=customer_id,
                               campaign_dbid=None if campaign is None else CAMPAIGNS[campaign])
    for tenant in (1, 2):
        made = replayed(backend, begin, tenant)
        rows = read(backend, lambda work: do_not_call_entries(work, tenant))
        for campaign in ("Spring", "Autumn"):
            for phone in (PHONE, OTHER, "anonymous"):
                expected = any(row.phone == phone and row.campaign in (None, campaign) for row in rows)
                assert (made.blocks(campaign, phone) == "phone") == expected
            for customer_id in ("C7", "123"):
                expected = any(row.customer_id == customer_id and row.campaign in (None, campaign) for row in rows)
                assert (made.blocks(campaign, "", customer_id) is not None) == expected
    assert read(backend, lambda work: rows_changed_since(work, begin)) == read(backend, count)


def count(work: Transaction) -> int:
    work.cursor.execute("SELECT count(*) FROM gsw_donotcall_list")
    return int(work.cursor.fetchone()[0])


def test_a_big_import_asks_for_a_reload_after_what_was_before_it(backend: Backend, tmp_path: Path) -> None:
    begin = read(backend, head)
    add(backend, entry(PHONE))
    lists.import_do_not_call(backend, csv_file(tmp_path, "".join(f"+1212555{number:04d}\n" for number in range(20))))
    add(backend, entry(OTHER))
    page = read(backend, lambda work: changes_since(work, begin, 1, import_limit=10))
    assert page.reload and page.imported is not None and page.imported.scope == Scope(1)
    assert [change.phone for change in page.changes] == [PHONE] and page.sequence == page.imported.sequence - 1
    page = read(backend, lambda work: changes_since(work, page.sequence, 1, known=page.imported.sequence, import_limit=10))
    assert [change.phone for change in page.changes] == [OTHER] and not page.reload
    assert len(replayed(backend, begin, 1)) == 22 and len(replayed(backend, begin, 2)) == 0


def test_a_trail_that_is_shorter_than_what_was_followed_asks_for_a_reload(backend: Backend) -> None:
    last = read(backend, head)
    assert not read(backend, lambda work: changes_since(work, last, 1)).reload
    assert read(backend, lambda work: changes_since(work, last + 5, 1)).reload


def test_a_check_that_is_off_is_audited_at_each_start_and_its_return_once(backend: Backend) -> None:
    for chosen in ({"dialing.check_dnc_callback": False, "dialing.check_dnc": True}, {"dialing.check_dnc_callback": True},
                   {"dialing.check_dnc_callback": True}):
        with transaction(backend) as work:
            off = audit_checks(work, chosen, Act(NOW, "ocs", origin="ocs.toml"))
        assert off == tuple(name for name, checked in chosen.items() if not checked)
    assert [row[:4] for row in trail(backend)] == [("check-off", "ocs", "dialing.check_dnc_callback = false", "ocs.toml"),
                                                   ("check-on", "ocs", "dialing.check_dnc_callback = true", "ocs.toml")]


@pytest.mark.parametrize("tail, rows, faults", [
    ("", 0, []), ("\n\n", 0, []), ("+12125559999", 1, []), ("+12125559999\r\n+12125559998\r\n", 2, []),
    ("12125559999\n", 1, []), ("12\n", 1, ["phone '12'"]), (' +12125559999 \n"+12125559998"\n', 2, []),
    ("+12125559999,x\n", 1, ["2 values, "]), ("+1٢125559999\n", 1, []), ('"\n+12125559999', 1, ["a quotati"]),
])
@pytest.mark.parametrize("header", ["phone\n", ""])
def test_a_long_file_of_numbers_is_read_in_pieces_and_what_is_not_plain_row_by_row(
        sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str, tail: str, rows: int,
        faults: list[str]) -> None:
    monkeypatch.setattr(plain, "_PIECE_OCTETS", 200)
    shutil.copy(sqlite_template, tmp_path / "ocs.sqlite")
    path = tmp_path / "numbers"
    path.write_bytes((header + "".join(f"+1212555{number:04d}\n" for number in range(100)) + tail).encode())
    report = lists.import_do_not_call(f"sqlite:///{tmp_path / 'ocs.sqlite'}", path, DoNotCallOptions(skip_bad=True))
    assert (report.rows, report.bad_rows, report.added + report.known) == (100 + rows, len(faults), 100 + rows - len(faults))
    assert [fault.reason[:len(reason)] for fault, reason in zip(report.faults, faults)] == faults
    assert [fault.line for fault in report.faults] == [101 + (header != "")] * len(faults)
