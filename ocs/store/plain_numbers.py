"""Files that are nothing but numbers in E.164, one a line, read a piece at a time: ten times as fast as row by row."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

from ocs.errors import OCSError

__all__ = ["E164", "plain_numbers"]

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_PIECE_OCTETS = 1 << 17
_CLEAN = re.compile(rb"(?:\+[1-9][0-9]{6,14}\r?\n)*(?:\+[1-9][0-9]{6,14})?")


def plain_numbers(path: Path, header: bool) -> Iterator[tuple[list[str], int]]:
    """(numbers, octets read so far) of each piece, up to the first piece that has anything else in it, even an empty line;
    `header`: the first line is passed over. Raises OCSError for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            if header:
                file.readline()
            while piece := file.read(_PIECE_OCTETS):
                piece += file.readline(_PIECE_OCTETS)
                if _CLEAN.fullmatch(piece) is None:
                    return
                yield piece.decode("ascii").split(), file.tell()
    except OSError as error:
        raise OCSError(f"{path}: {error.strerror}") from None
