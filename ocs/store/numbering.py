"""Numbers that are in E.164 already: whether they are valid, and where, at the speed of an import of millions.

The numbering plans are those of `phonenumbers`, and so is every decision; what is left out is the reading of what people
write. For a country's code the plan's patterns are compiled once. Whatever this is not sure of (a national prefix behind
the country's code, a number of no plan) is left to the full reading, which also says what is wrong with it.
"""
from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Mapping, NamedTuple, Pattern

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from ocs.store.zones import zone_name

__all__ = ["zones_of_valid"]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_NON_GEOGRAPHIC_REGION = "001"
# Most places have one zone that the first digits tell, and then few lookups are kept; others have more, by what follows.
_NEAR = 4
_DIVIDED = frozenset(prefix[:_NEAR] for prefix in TIMEZONE_DATA if len(prefix) > _NEAR)
_SPECIAL = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")


def zones_of_valid(text: str) -> tuple[str, ...] | None:
    """The zone names of the place of a number in E.164, or of its country; None where the number is to be read in
    full: it is written in another way, not valid, or not certain."""
    if _E164.fullmatch(text) is None:
        return None
    for length in (1, 2, 3):
        plan = _plan(text[1:1 + length])
        if plan is not None:
            break
    else:
        return None
    national = text[1 + length:]
    if plan.national_prefix is not None and plan.national_prefix.match(national):
        return None
    for region in plan.regions:
        if region.leading is not None:
            if region.leading.match(national) is None:
                continue
            kind = _kind(national, region)
        else:
            kind = _kind(national, region)
            if kind == PhoneNumberType.UNKNOWN and len(plan.regions) > 1:
                continue
        if kind == PhoneNumberType.UNKNOWN:
            return None
        if is_number_type_geographical(kind, plan.country_code):
            near = text[1:1 + _NEAR]
            return _zones(text[1:1 + TIMEZONE_LONGEST_PREFIX] if near in _DIVIDED else near)
        return _zones(text[1:1 + length])           # of the whole country
    return None


class _Shapes(NamedTuple):
    """The patterns that numbers of one length may have in a region; None = no number of that length."""

    general: Pattern[str]
    special: Pattern[str] | None    # premium rate, toll-free ...: of no place
    fixed: Pattern[str] | None
    mobile: Pattern[str] | None


class _Region(NamedTuple):
    leading: Pattern[str] | None
    same: bool                      # one pattern for fixed and mobile
    shapes: Mapping[int, _Shapes]   # by length


class _Plan(NamedTuple):
    country_code: int
    national_prefix: Pattern[str] | None
    regions: tuple[_Region, ...]


def _kind(national: str, region: _Region) -> int:
    """The type of a number as far as it matters: fixed, mobile, either, UNKNOWN; one stands for all special ones."""
    shapes = region.shapes.get(len(national))
    if shapes is None or shapes.general.fullmatch(national) is None:
        return PhoneNumberType.UNKNOWN
    if shapes.special is not None and shapes.special.fullmatch(national) is not None:
        return PhoneNumberType.UAN
    if shapes.fixed is not None and shapes.fixed.fullmatch(national) is not None:
        either = region.same or shapes.mobile is not None and shapes.mobile.fullmatch(national) is not None
        return PhoneNumberType.FIXED_LINE_OR_MOBILE if either else PhoneNumberType.FIXED_LINE
    mobile = not region.same and shapes.mobile is not None and shapes.mobile.fullmatch(national) is not None
    return PhoneNumberType.MOBILE if mobile else PhoneNumberType.UNKNOWN


@cache
def _plan(digits: str) -> _Plan | None:
    """The plan behind a country's code; None for digits that are none, or only the beginning of one."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits))
    if regions is None or regions[0] == _NON_GEOGRAPHIC_REGION:
        return None
    known = [PhoneMetadata.metadata_for_region(region, None) for region in regions]
    main = known[0]
    prefix = main.national_prefix_for_parsing if main is not None else None
    return _Plan(int(digits), re.compile(prefix) if prefix else None,
                 tuple(_region(metadata) for metadata in known if metadata is not None))


def _region(metadata: Any) -> _Region:
    shapes = {}
    for length in range(1, 16):
        general = _pattern(length, metadata.general_desc)
        if general is not None:
            special = _pattern(length, *(getattr(metadata, name) for name in _SPECIAL))
            shapes[length] = _Shapes(general, special, _pattern(length, metadata.fixed_line), _pattern(length, metadata.mobile))
    leading = re.compile(metadata.leading_digits) if metadata.leading_digits is not None else None
    return _Region(leading, bool(metadata.same_mobile_and_fixed_line_pattern), shapes)


def _pattern(length: int, *descriptions: Any) -> Pattern[str] | None:
    """What numbers of this length look like that are of one of the types; a type without lengths has them all."""
    patterns = [one.national_number_pattern for one in descriptions if one is not None and one.national_number_pattern
                and (not one.possible_length or length in one.possible_length)]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None


@lru_cache(maxsize=100_000)
def _zones(prefix: str) -> tuple[str, ...]:
    for length in range(len(prefix), 0, -1):
        names = TIMEZONE_DATA.get(prefix[:length])
        if names is not None:
            return tuple(name for name in names if zone_name(name) is not None)
    return ()
