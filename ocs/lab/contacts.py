"""Invented contacts for the demonstration: `python -m ocs.lab.contacts DIR` writes `demo-contacts.csv` and `demo-dnc.csv`.

The same code gives the same files, on every Python. The numbers lie in the range that the North American plan sets
aside for fiction (exchange 555, lines 0100 to 0199), in area codes of three time zones, and none is used twice.
"""
from __future__ import annotations

import csv
import io
import random
import sys
from pathlib import Path
from typing import NamedTuple, Sequence

__all__ = ["Contact", "contacts", "contacts_csv", "do_not_call", "do_not_call_csv", "main"]

_COUNT, _DO_NOT_CALL = 2_000, 40
_SECOND_PHONE, _ZONE_GIVEN = 0.6, 0.12          # shares of the contacts
_AREA_CODES: dict[str, Sequence[int]] = {
    "America/New_York": (202, 203, 212, 215, 239, 240, 301, 302, 305, 313, 336, 401, 404, 410, 412, 484, 516, 585, 603,
                         609, 617, 646, 703, 704, 716, 718, 757, 803, 813, 843, 910, 919),
    "America/Chicago": (205, 210, 214, 217, 225, 281, 312, 314, 319, 334, 402, 405, 414, 417, 501, 504, 512, 515, 563,
                        608, 612, 615, 651, 713, 773, 816, 901, 918),
    "America/Los_Angeles": (206, 209, 213, 253, 310, 323, 360, 408, 415, 425, 503, 509, 510, 541, 559, 619, 626, 650,
                            702, 707, 714, 760, 805, 818, 831, 909, 916, 949),
}
_GIVEN = ("Abel Ada Adrian Aileen Alma Alvin Amara Anton April Arlo Astrid Aziz Beatrix Benno Bianca Bruno Calla Cedric "
          "Clara Cosmo Daria Della Dimitri Dora Edgar Elif Elmar Enid Esme Fabian Farah Felix Fiona Gemma Gideon Greta "
          "Hana Hector Hilde Hugo Ida Igor Ines Iris Ivo Jana Jasper Joelle Jonas Juno Kaia Kasimir Kira Lars Leila Lena "
          "Linus Lotte Luca Mabel Magnus Maren Milo Mina Nadia Nils Nora Odette Olaf Oscar Otis Paloma Pavel Petra Quinn "
          "Ramona Rasmus Rhea Rosa Rufus Sabine Selma Silas Sonja Tamsin Theo Tilda Tobias Ulla Ursel Vera Viggo Wanda "
          "Wilma Xenia Yara Yusuf Zelda Zeno").split()
_FAMILY = ("Abbott Alder Amsel Barlow Beck Birch Blum Brook Calder Carver Clove Crane Dahl Denholm Dover Dunn Eckert Elm "
           "Falk Fenn Finch Flint Frost Garnet Glover Grove Hale Harrow Hazel Heron Holt Hume Ivers Jarrow Kestrel Kirk "
           "Knoll Lark Linden Loch Lund Maple Marsh Meadow Merrow Moss Nash Nettle Oakes Orchard Osier Palmer Pike Plover "
           "Quill Rand Reed Ridge Rook Rowan Sedge Shaw Sorrel Stark Stone Swift Tarn Teal Thorn Tull Vale Vance Vogel "
           "Ward Wells Wick Wren Yarrow Yew Zander").split()


class Contact(NamedTuple):
    """A row of the file. `phone2` and `timezone` are "" where the row has none."""

    name: str
    phone: str
    phone2: str
    timezone: str
    account: str


def _chosen(rng: random.Random, items: list[str], count: int) -> list[str]:
    """`count` of the items in random order; by `random()` alone, whose sequence no version of Python changes."""
    keyed = sorted((rng.random(), index) for index in range(len(items)))
    return [items[index] for _, index in keyed[:count]]


def contacts() -> list[Contact]:
    """The 2,000 contacts of the demonstration: 45 % in the Eastern zone, 30 % Central, 25 % Pacific."""
    rng = random.Random(20_260_105)
    numbers = {}
    for zone, codes in _AREA_CODES.items():
        every = [f"+1{code}55501{line:02d}" for code in codes for line in range(100)]
        numbers[zone] = iter(_chosen(rng, every, len(every)))
    names = _chosen(rng, [f"{given} {family}" for given in _GIVEN for family in _FAMILY], _COUNT)
    rows = []
    for index, name in enumerate(names):
        share = rng.random()
        zone = list(_AREA_CODES)[0 if share < 0.45 else 1 if share < 0.75 else 2]
        phone = next(numbers[zone])
        second = next(numbers[zone]) if rng.random() < _SECOND_PHONE else ""
        rows.append(Contact(name, phone, second, zone if rng.random() < _ZONE_GIVEN else "",
                            f"AC{100_000 + index * 37:06d}"))
    return rows


def do_not_call() -> list[str]:
    """40 phones of the contacts who asked not to be called: 30 first phones, 10 second ones."""
    rng, rows = random.Random(51), contacts()
    firsts = _chosen(rng, [row.phone for row in rows], _DO_NOT_CALL * 3 // 4)
    seconds = _chosen(rng, [row.phone2 for row in rows if row.phone2 and row.phone not in firsts], _DO_NOT_CALL // 4)
    return sorted(firsts + seconds)


def contacts_csv() -> str:
    """The text of `demo-contacts.csv`."""
    return _text([Contact._fields, *contacts()])


def do_not_call_csv() -> str:
    """The text of `demo-dnc.csv`."""
    return _text([("phone",), *((phone,) for phone in do_not_call())])


def _text(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def main(directory: str) -> None:
    """Write both files into the directory."""
    for name, text in (("demo-contacts.csv", contacts_csv()), ("demo-dnc.csv", do_not_call_csv())):
        (Path(directory) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ocs.lab.contacts DIR")
    main(sys.argv[1])
