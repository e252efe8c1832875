"""Phone numbers as people write them to E.164, with the time zones of the places that they belong to.

A number is taken if it is valid by its country's numbering plan, not merely of a possible length: what cannot exist is
not to be dialed. Numbers set aside for fiction (555-01xx) are valid by the plan. A number with an extension is refused,
because the extension cannot be dialed.
"""
from __future__ import annotations

import re
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number, time_zones_for_number

from ocs.dialing.values import NewRecord
from ocs.errors import NotAdded, OCSError
from ocs.store.numbering import zones_of_valid
from ocs.store.plain_numbers import E164
from ocs.store.zones import zone_name

__all__ = ["BadNumber", "Phone", "known_region", "parse_phone", "phone_of", "read_phone"]

_SEPARATORS = re.compile(r"[ ().\-/]")
_LENGTHS = {
    ValidationResult.TOO_SHORT: "too short", ValidationResult.TOO_LONG: "too long",
    ValidationResult.INVALID_LENGTH: "of no possible length", ValidationResult.INVALID_COUNTRY_CODE: "of no country",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "without its area code",
}


class BadNumber(OCSError):
    """What is written there is not a phone number that could be dialed; the text says why."""


class Phone(NamedTuple):
    """A number and the IANA zones of where it may be, most often one; none where that is not known."""

    e164: str
    zones: tuple[str, ...]


def known_region(region: str) -> bool:
    """Whether `region` is a country (ISO 3166, two letters) whose numbering plan is known."""
    return region in phonenumbers.SUPPORTED_REGIONS


def parse_phone(text: str, region: str) -> Phone:
    """A number from how it is written; one without + is taken as dialed within `region`. Raises BadNumber."""
    zones = zones_of_valid(text)
    if zones is not None:
        return Phone(text, zones)
    return read_phone(text, region)


def read_phone(text: str, region: str) -> Phone:
    """The same, always by the full reading."""
    if len(text) > 64:
        raise BadNumber(f"{text[:20]!r}... is too long for a phone number")
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        raise BadNumber(f"{text!r} is not a phone number") from None
    if number.extension:
        raise BadNumber(f"{text!r} has an extension, which cannot be dialed")
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        length = phonenumbers.is_possible_number_with_reason(number)
        reason = _LENGTHS.get(length, f"not valid in country +{number.country_code}")
        raise BadNumber(f"{text!r} is {reason}")
    geographical = is_number_type_geographical(kind, number.country_code or 0)
    names = time_zones_for_geographical_number(number) if geographical else time_zones_for_number(number)
    found = () if names == (UNKNOWN_TIMEZONE,) else tuple(name for name in names if zone_name(name) is not None)
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), found)


def phone_of(new: NewRecord) -> str:
    """The number of a record that is added, in E.164. Where its list names a country it is read as an import reads it; else it
    is in E.164 already, separators apart. NotAdded says why it is no number."""
    if new.phone_region:
        try:
            return parse_phone(new.phone.strip(), new.phone_region).e164
        except BadNumber as error:
            raise NotAdded("phone", str(error)) from None
    phone = _SEPARATORS.sub("", new.phone)
    if E164.fullmatch(phone) is None:
        raise NotAdded("phone", "not + and 7 to 15 digits")
    return phone
