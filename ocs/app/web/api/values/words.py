"""Words and shapes that several subjects have."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

import msgspec
from msgspec import Meta

from ocs.dialing.custom_fields import FIELD_TYPES
from ocs.dialing.modes import AVAILABLE_MODES
from ocs.dialing.results import OptimizationMethod, RecordStatus, RecordType
from protocols.desktop.names import PHONE_TYPES

__all__ = ["Asked", "DaySecond", "FieldType", "FieldValue", "Identifier", "Kind", "Limit", "LimitQuery", "Method",
           "Mode", "Name", "Number", "Phone", "PhoneType", "Problem", "Status", "Text", "Told", "WrittenPhone", "word"]

Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$", description="A number in E.164.", examples=["+12125550100"])]
WrittenPhone = Annotated[str, Meta(min_length=1, max_length=64, examples=["+12125550100", "(212) 555-0100"], description=(
    "A number in E.164 or, where the calling list has a phone_region, as it is written in that country."))]
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=_PLAIN)]
Text = Annotated[str, Meta(max_length=255, pattern=_PLAIN)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Number = Annotated[int, Meta(ge=1, le=2 ** 53)]
DaySecond = Annotated[int, Meta(ge=0, le=86_400, description="Seconds after local midnight.")]
Limit = Annotated[int, Meta(ge=1, le=1_000)]
if TYPE_CHECKING:
    Mode: TypeAlias = str
    Method: TypeAlias = str
    PhoneType: TypeAlias = str
    Kind: TypeAlias = str
    Status: TypeAlias = str
    FieldType: TypeAlias = str
else:                       # words, each list of them made of the enumeration that it stands for
    Mode = Literal[tuple(mode.word for mode in AVAILABLE_MODES)]
    Method = Literal[tuple(method.word for method in OptimizationMethod)]
    PhoneType = Literal[tuple(PHONE_TYPES.values())]
    Kind = Literal[tuple(one.name.lower().replace("_", "-") for one in RecordType)]
    Status = Literal[tuple(one.name.lower().replace("_", "-") for one in RecordStatus)]
    FieldType = Literal[FIELD_TYPES]
FieldValue = Union[str, int, float, None]


def word(member: Any) -> str:
    """A member of an enumeration as the API writes it: never-dialed."""
    return str(member.name.lower().replace("_", "-"))


class Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What may be asked: nothing else."""


class Told(msgspec.Struct, kw_only=True):
    """What is answered; more may come with later versions."""


class Problem(msgspec.Struct):
    """Why a request was not carried out. `field` names what is wrong about it, where that is one field."""

    error: str
    field: str | None = None


class LimitQuery(Asked):
    """How many at most."""

    limit: Limit = 100
