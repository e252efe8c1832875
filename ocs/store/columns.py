"""What the columns of a contacts file mean: by their headers, or as the user says.

Every column that is no phone, zone or window becomes a custom field, sent to agents under its column name.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

from ocs.dialing.results import ContactInfoType
from ocs.dialing.values import CustomField
from ocs.errors import OCSError
from ocs.store.registry import column_names

__all__ = ["ColumnMap", "MAPPABLE", "map_columns", "phone_kind"]

_PHONES: dict[str, ContactInfoType] = {
    **dict.fromkeys(("phone", "phone_number", "phonenumber", "telephone", "telephone_number", "tel", "tel_number",
                     "contact_info", "home_phone", "phone_home", "homephone", "home_number"), ContactInfoType.HOME_PHONE),
    **dict.fromkeys(("work_phone", "phone_work", "workphone", "work_number", "business_phone", "phone_business",
                     "businessphone", "office_phone", "phone_office"), ContactInfoType.DIRECT_BUSINESS_PHONE),
    **dict.fromkeys(("mobile", "mobile_phone", "phone_mobile", "mobilephone", "mobile_number", "cell", "cell_phone",
                     "phone_cell", "cellphone", "cell_number", "cellular"), ContactInfoType.MOBILE),
}
_OTHERS = {
    "timezone": ("timezone", "time_zone", "tz", "tz_name"),
    "daily_from": ("daily_from",),
    "daily_till": ("daily_till", "daily_until"),
}
MAPPABLE = ("phone", "home_phone", "work_phone", "mobile", *_OTHERS, "customer_id")
_MAPPED_PHONES = MAPPABLE[:4]


@dataclass(frozen=True)
class ColumnMap:
    """Columns by index: phones in the order of dialing, the others where the file has them, and the custom fields."""

    phones: tuple[tuple[int, ContactInfoType], ...]
    timezone: int | None
    daily_from: int | None
    daily_till: int | None
    fields: tuple[tuple[int, CustomField], ...]

    def meanings(self, headers: Sequence[str]) -> dict[str, str]:
        """Header -> what it is taken for, in the file's order."""
        names: dict[int, str] = {index: f"phone {number} ({kind.name.replace('_', ' ').lower()})"
                                 for number, (index, kind) in enumerate(self.phones, 1)}
        names.update((index, name) for name, index in (("time zone", self.timezone), ("daily from", self.daily_from),
                                                       ("daily till", self.daily_till)) if index is not None)
        names.update((index, f"field {field.name}") for index, field in self.fields)
        return {headers[index]: names[index] for index in sorted(names)}


def map_columns(headers: Sequence[str], overrides: Sequence[tuple[str, str]] = ()) -> ColumnMap:
    """Columns from headers. `overrides` are (field, header) pairs with fields of MAPPABLE; a phone field may come several
    times, and then only the columns that are named are phones. Raises OCSError for an unknown field or header, and where
    there is no phone."""
    taken: dict[int, str] = {}
    phones: list[tuple[int, ContactInfoType]] = []
    renamed: dict[int, str] = {}
    for field, header in overrides:
        index = _find(headers, header)
        if field not in MAPPABLE:
            raise OCSError(f"--map {field}={header}: no such field; fields are {', '.join(MAPPABLE)}")
        if index in taken or (field not in _MAPPED_PHONES and field in taken.values()):
            raise OCSError(f"--map {field}={header}: given twice")
        taken[index] = field
        if field in _MAPPED_PHONES:
            phones.append((index, _PHONES[field]))
        elif field == "customer_id":
            renamed[index] = field
    if not phones:
        phones = [(index, kind) for index, header in enumerate(headers)
                  if index not in taken and (kind := phone_kind(header)) is not None]
    if not phones:
        raise OCSError(f"no phone column among the headers: {', '.join(headers)} (name it with --map phone=COLUMN)")
    others = {field: _other(field, headers, taken) for field in _OTHERS}
    used = {index for index, _ in phones} | {index for index in others.values() if index is not None}
    rest = [index for index, header in enumerate(headers) if header and index not in used]
    names = column_names([renamed.get(index, headers[index]) for index in rest])
    fields = tuple((index, CustomField(name, send_attribute=name)) for index, name in zip(rest, names))
    return ColumnMap(tuple(phones), others["timezone"], others["daily_from"], others["daily_till"], fields)


def _normal(header: str) -> str:
    return re.sub(r"[\s\-./]+", "_", header.strip().lower()).strip("_")


def phone_kind(header: str) -> ContactInfoType | None:
    """What kind of phone a column has by its name: home for "phone", "Phone 2", "tel"; mobile for "cell"; None for none."""
    return _PHONES.get(re.sub(r"_?\d{1,2}$", "", _normal(header)))


def _other(field: str, headers: Sequence[str], taken: dict[int, str]) -> int | None:
    for index, name in taken.items():
        if name == field:
            return index
    for index, header in enumerate(headers):
        if index not in taken and _normal(header) in _OTHERS[field]:
            return index
    return None


def _find(headers: Sequence[str], wanted: str) -> int:
    for same in (lambda header: header == wanted, lambda header: _normal(header) == _normal(wanted)):
        found = [index for index, header in enumerate(headers) if same(header)]
        if len(found) > 1:
            raise OCSError(f"--map: {len(found)} columns are named {wanted!r}")
        if found:
            return found[0]
    raise OCSError(f"--map: no column {wanted!r}; the columns are {', '.join(headers)}")
