"""The snapshot of the do-not-call list: what it has, and that nothing unfit is ever believed."""
from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest

from ocs.database.backend import Backend, backend_for, transaction
from ocs.dialing.dnc import DoNotCallBuilder, DoNotCallList, Scope
from ocs.dialing.values import DoNotCallEntry
from ocs.store import do_not_call_load as load
from ocs.store import do_not_call_snapshot as snapshots
from ocs.store.do_not_call import Act, add_do_not_call, audit, remove_entries
from ocs.store.do_not_call_import import DoNotCallOptions, import_do_not_call
from ocs.store.do_not_call_load import load_list
from ocs.store.do_not_call_snapshot import Origin, SnapshotUnusable, read_snapshot, write_snapshot
from tests.conftest import Logged

ORIGIN = Origin(1, 42, "mark", 7)
NOW = 1_767_600_000


def contents(listed: DoNotCallList) -> dict[Scope, tuple[set[str], set[str]]]:
    return {scope: (set(phones), set(customers)) for scope, phones, customers in listed.scopes() if len(phones) + len(customers)}


def a_list() -> DoNotCallList:
    rng = random.Random(5)
    builder = DoNotCallBuilder()
    builder.extend(Scope(1), [f"+1212{rng.randrange(10**6):07d}" for _ in range(20_000)], ["C-1", "77", "ümlaut"])
    builder.extend(Scope(1, "Spring"), [f"+44{rng.randrange(10**10):010d}" for _ in range(3_000)] + ["anonymous"], [])
    builder.extend(Scope(0), [], ["78"])
    return builder.finish(42)


def test_a_snapshot_gives_back_what_was_written(tmp_path: Path) -> None:
    path, listed = tmp_path / "ocs.sqlite.dnc", a_list()
    size = write_snapshot(path, listed, ORIGIN)
    read, origin = read_snapshot(path)
    assert contents(read) == contents(listed) and len(read) == len(listed)
    assert origin == ORIGIN and read.known == read.sequence == 42
    assert path.stat().st_size == size < 4 * len(listed) and path.stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path) == [path.name]


def test_every_damaged_octet_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.dnc"
    listed = DoNotCallList([DoNotCallEntry("+12125550101", "C7"), DoNotCallEntry("anonymous", campaign="Spring")])
    write_snapshot(path, listed, ORIGIN)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes((whole[place] ^ 0x41,)) + whole[place + 1:])
        with pytest.raises(SnapshotUnusable):
            read_snapshot(path)
        path.write_bytes(whole[:place])
        with pytest.raises(SnapshotUnusable):
            read_snapshot(path)


def resigned(octets: bytes) -> bytes:
    import zlib
    return octets + zlib.crc32(octets).to_bytes(4, "big")


@pytest.mark.parametrize("change, reason", [
    (lambda octets: octets[:7] + b"\x02" + octets[8:-4], "version 1"),
    (lambda octets: b"SQLite" + octets[6:-4], "version 1"),
    (lambda octets: octets[:-4].replace(b'"little"', b'"middle"'), "order of octets"),
    (lambda octets: octets[:-4].replace(b'"tenant"', b'"tenand"'), "not a snapshot"),
    (lambda octets: octets[:8] + b"\xff\xff\xff\xff" + octets[12:-4], "header of"),
    (lambda octets: octets[:-21] + b"\x09" + octets[-20:-4], "unknown kind 9"),
    (lambda octets: octets[:-21], "not a snapshot"),
    (lambda octets: octets[:-5] + b"\xff", None),
])
def test_what_is_signed_but_of_another_kind_is_refused_with_the_reason(tmp_path: Path, change: Callable[[bytes], bytes],
                                                                       reason: str | None) -> None:
    path = tmp_path / "x.dnc"
    write_snapshot(path, DoNotCallList([DoNotCallEntry("+12125550101")]), ORIGIN)
    path.write_bytes(resigned(change(path.read_bytes())))
    if reason is None:
        read_snapshot(path)             # the length of the last piece is of no matter
    else:
        with pytest.raises(SnapshotUnusable, match=reason):
            read_snapshot(path)
    with pytest.raises(SnapshotUnusable, match="No such file"):
        read_snapshot(tmp_path / "nothing")


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.dnc"
    write_snapshot(path, a_list(), ORIGIN)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshots.os, "fsync", full)
    with pytest.raises(OSError):
        write_snapshot(path, DoNotCallList(), replace(ORIGIN, sequence=43))
    assert read_snapshot(path)[1] == ORIGIN and os.listdir(tmp_path) == ["x.dnc"]


# -- loading ------------------------------------------------------------------------------------------------------
@pytest.fixture
def backend(database: str) -> Backend:
    made = backend_for(database)
    with transaction(made) as work:
        audit(work, "begin", Act(NOW, why=str(NOW)))
    return made


def change(backend: Backend, *entries: DoNotCallEntry, remove: str | None = None) -> None:
    with transaction(backend) as work:
        work.cursor.execute("SELECT count(*) FROM ocs_campaign")
        if not work.cursor.fetchone()[0]:
            work.cursor.execute("INSERT INTO ocs_campaign (campaign_dbid, name) VALUES (7, 'Spring')")
        add_do_not_call(work, entries, {"Spring": 7}, 1)
        if remove is not None:
            remove_entries(work, Act(NOW), 1, phone=remove)


FIRST = [DoNotCallEntry("+12125550101", "C1"), DoNotCallEntry("+12125550102", campaign="Spring"), DoNotCallEntry("anonymous")]


def test_a_list_is_loaded_from_the_table_then_from_the_snapshot_and_what_changed_since(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "dnc"
    change(backend, *FIRST)
    first = load_list(backend, 1, path)
    assert not first.from_snapshot and path.exists()
    assert contents(first.listed) == {Scope(1): ({"+12125550101", "anonymous"}, {"C1"}),
                                      Scope(1, "Spring"): ({"+12125550102"}, set())}
    change(backend, DoNotCallEntry("+12125550103"), remove="+12125550102")
    again, table = load_list(backend, 1, path), load_list(backend, 1)
    assert again.from_snapshot and not table.from_snapshot and not load_list(backend, 1, path, use_snapshot=False).from_snapshot
    assert contents(again.listed) == contents(table.listed) != contents(first.listed)
    assert again.listed.known == table.listed.known == first.listed.known + 2


def test_rows_that_were_edited_by_hand_make_the_snapshot_unfit(backend: Backend, tmp_path: Path, logged: Logged) -> None:
    path = tmp_path / "dnc"
    change(backend, *FIRST)
    load_list(backend, 1, path)
    with transaction(backend) as work:
        work.cursor.execute("INSERT INTO gsw_donotcall_list (phone) VALUES ('+12125550199')")
    loaded = load_list(backend, 1, path)
    assert not loaded.from_snapshot and "by hand" in loaded.unfit and loaded.listed.blocks("Spring", "+12125550199")
    assert any("by hand" in text for text in logged.texts())
    assert load_list(backend, 1, path).from_snapshot            # the new one fits


def test_a_snapshot_of_another_tenant_or_database_or_a_damaged_one_is_passed_over(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "dnc"
    change(backend, *FIRST)
    load_list(backend, 2, path)
    assert "tenant 2" in load_list(backend, 1, path).unfit
    with transaction(backend) as work:
        work.cursor.execute("UPDATE dnc_audit SET why = 'another' WHERE sequence = (SELECT max(sequence) FROM dnc_audit)")
    assert "another database" in load_list(backend, 1, path).unfit
    path.write_bytes(path.read_bytes()[:-1])
    assert "damaged" in load_list(backend, 1, path).unfit
    with transaction(backend) as work:
        work.cursor.execute("DELETE FROM dnc_audit")
    assert "another database" in load_list(backend, 1, path).unfit


def test_an_import_since_the_snapshot_is_read_as_a_whole(backend: Backend, tmp_path: Path) -> None:
    path, file = tmp_path / "dnc", tmp_path / "numbers"
    change(backend, *FIRST)
    load_list(backend, 1, path)
    file.write_text("".join(f"+1415{number:07d}\n" for number in range(6_000)))
    import_do_not_call(backend, file, DoNotCallOptions(campaign="Spring"))
    change(backend, remove="+14150000007")
    loaded = load_list(backend, 1, path)
    assert loaded.from_snapshot and contents(loaded.listed) == contents(load_list(backend, 1).listed)
    assert len(loaded.listed) == 6_003 and loaded.listed.blocks("Spring", "+14150000007") is None


def test_many_changes_since_make_a_new_snapshot(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dnc"
    load_list(backend, 1, path)
    monkeypatch.setattr(load, "_REWRITE", 2)
    change(backend, *FIRST)
    assert load_list(backend, 1, path).from_snapshot
    assert json.loads(path.read_bytes()[12:].split(b"}]}")[0] + b"}]}")["rows"] == 3
    monkeypatch.setattr(load, "_SINGLE_CHANGES", 1)
    change(backend, DoNotCallEntry("+1"), DoNotCallEntry("+2"))
    assert "2 changes old" in load_list(backend, 1, path).unfit


def test_a_snapshot_that_cannot_be_written_is_no_trouble_for_the_load(backend: Backend, tmp_path: Path, logged: Logged) -> None:
    change(backend, *FIRST)
    assert len(load_list(backend, 1, tmp_path / "missing" / "dnc").listed) == 4
    assert any("not written" in text for text in logged.texts())


def test_entries_of_a_campaign_that_has_no_name_block_nothing_but_are_kept(backend: Backend) -> None:
    with transaction(backend) as work:
        work.cursor.execute("INSERT INTO gsw_donotcall_list (phone, tenant_dbid, campaign_dbid) VALUES ('+1', 1, 99)")
    assert contents(load_list(backend, 1).listed) == {Scope(1, "#99"): ({"+1"}, set())}
