"""The do-not-call list as a file beside the database: to start with it takes seconds where the table takes minutes.

The file tells of which database it is, of which tenant, and up to which change of the audit trail; whoever reads it asks
the database for what changed since. A file that is damaged, of another version of this format, of another kind of
machine, database or tenant is passed over with the reason: it is never more than a short cut.

Format, version 1: `OCSDNC`, version (2 octets, big-endian), length of the header (4 octets, big-endian), header (JSON
object, UTF-8); then pieces, each of kind (1 octet), index of the scope (4 octets), key (8 octets), length (4 octets), all
little-endian, and the piece: a bitmap as the library serializes it, ascending 32-bit numbers as the machine has them, or
texts as a JSON array; a piece of kind 0 is the last; then the CRC-32 of everything before it (4 octets, big-endian).
"""
from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
import zlib
from array import array
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Iterator, Mapping

from pyroaring import BitMap

from ocs.dialing.dnc import DoNotCallList, Scope
from ocs.dialing.dnc.identifiers import IdentifierSet
from ocs.dialing.dnc.numbers import NumberSet

__all__ = ["Origin", "SnapshotUnusable", "read_snapshot", "write_snapshot"]

_MAGIC, _VERSION = b"OCSDNC", 1
_START, _PIECE = struct.Struct(">6sHI"), struct.Struct("<BIQI")
_END, _BITMAP, _SPARSE, _TEXTS = range(4)
_TEXTS_IN_PIECE = 10_000
_CHUNK = 1 << 20
_HEADER_LIMIT, _PIECE_LIMIT = 1 << 24, 1 << 28
_CUSTOMERS = 1 << 31            # in the index of the scope: the piece is of its customer ids, not its phones


class SnapshotUnusable(Exception):
    """The file cannot be used; the text says why."""


@dataclass(frozen=True)
class Origin:
    """Of what a snapshot is: a tenant's list, up to a change of the trail; what the trail says there (`mark_of`), and how
    many rows the table had."""

    tenant_dbid: int
    sequence: int
    mark: str
    rows: int


def write_snapshot(path: Path, listed: DoNotCallList, origin: Origin) -> int:
    """Write the file in place of the one that is there, once it is on the disk; its size in octets. For a list that nobody
    changes meanwhile. Raises OSError; the file that was there stays then."""
    scopes = list(listed.scopes())
    header = json.dumps({"byteorder": sys.byteorder, **asdict(origin), "scopes": [asdict(scope) for scope, _, _ in scopes]})
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)      # mode 0600: these are people's numbers
    try:
        with open(handle, "wb") as file:
            summed = _Summed(file)
            summed.write(_START.pack(_MAGIC, _VERSION, len(header.encode())) + header.encode())
            for index, (_, phones, customers) in enumerate(scopes):
                for place, identifiers in ((index, phones), (index | _CUSTOMERS, customers)):
                    for kind, key, piece in _pieces(identifiers):
                        summed.write(_PIECE.pack(kind, place, key, len(piece)))
                        summed.write(piece)
            summed.write(_PIECE.pack(_END, 0, 0, 0))
            file.write(summed.sum.to_bytes(4, "big"))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return size


class _Summed:
    """A file that is written, with its checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sum = file, 0

    def write(self, octets: bytes) -> None:
        self.sum = zlib.crc32(octets, self.sum)
        self._file.write(octets)


def _pieces(identifiers: IdentifierSet) -> Iterator[tuple[int, int, bytes]]:
    for region, bitmap in identifiers.numbers.bitmaps.items():
        yield _BITMAP, region, bitmap.serialize()
    for block, sparse in identifiers.numbers.sparse.items():
        yield _SPARSE, block, sparse.lows.tobytes()
    texts = iter(identifiers.others)
    while some := list(islice(texts, _TEXTS_IN_PIECE)):
        yield _TEXTS, 0, json.dumps(some).encode()


def read_snapshot(path: Path) -> tuple[DoNotCallList, Origin]:
    """The list and of what it is. The checksum is looked at before anything else is believed. Raises SnapshotUnusable."""
    try:
        with path.open("rb") as file:
            _check_sum(file)
            file.seek(0)
            header = _header(file)
            listed = _read_pieces(file, [Scope(**scope) for scope in header["scopes"]])
            origin = Origin(header["tenant_dbid"], header["sequence"], header["mark"], header["rows"])
    except OSError as error:
        raise SnapshotUnusable(error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise SnapshotUnusable(f"not a snapshot of this program: {error}") from None
    listed.rewind(origin.sequence)
    return listed, origin


def _check_sum(file: IO[bytes]) -> None:
    left, found = os.fstat(file.fileno()).st_size - 4, 0
    while left > 0:
        octets = file.read(min(left, _CHUNK))
        if not octets:
            break
        found, left = zlib.crc32(octets, found), left - len(octets)
    if left or file.read() != found.to_bytes(4, "big"):
        raise SnapshotUnusable("damaged: its checksum is not that of its contents")


def _header(file: IO[bytes]) -> Mapping[str, Any]:
    magic, version, length = _START.unpack(file.read(_START.size))
    if magic != _MAGIC or version != _VERSION:
        raise SnapshotUnusable(f"not of this format's version {_VERSION}")
    if length > _HEADER_LIMIT:
        raise SnapshotUnusable(f"a header of {length} octets, {_HEADER_LIMIT} are possible")
    header: Mapping[str, Any] = json.loads(file.read(length))
    if header["byteorder"] != sys.byteorder:
        raise SnapshotUnusable("of a machine with another order of octets")
    return header


def _read_pieces(file: IO[bytes], scopes: list[Scope]) -> DoNotCallList:
    sets = [(IdentifierSet("+"), IdentifierSet("")) for _ in scopes]
    while True:
        kind, place, key, length = _PIECE.unpack(file.read(_PIECE.size))
        if kind == _END:
            break
        if length > _PIECE_LIMIT:
            raise SnapshotUnusable(f"a piece of {length} octets, {_PIECE_LIMIT} are possible")
        identifiers = sets[place & ~_CUSTOMERS][1 if place & _CUSTOMERS else 0]
        _put(identifiers, kind, key, file.read(length))
    listed = DoNotCallList()
    for scope, (phones, customers) in zip(scopes, sets):
        listed.put_scope(scope, phones, customers)
    return listed


def _put(identifiers: IdentifierSet, kind: int, key: int, piece: bytes) -> None:
    numbers: NumberSet = identifiers.numbers
    if kind == _BITMAP:
        numbers.put_bitmap(key, BitMap.deserialize(piece))
    elif kind == _SPARSE:
        lows = array("I")
        lows.frombytes(piece)
        numbers.put_sparse(key, lows)
    elif kind == _TEXTS:
        identifiers.others.update(json.loads(piece))
    else:
        raise SnapshotUnusable(f"a piece of the unknown kind {kind}")
