"""Reports as octets: each is packed once, when it is made, and goes into a batch as it lies on the disk."""
from __future__ import annotations

from typing import Any, Iterable, Mapping

import msgspec

from protocols.errors import LocalProtocolError
from protocols.icon.messages import BATCH_LIMIT, Report

__all__ = ["FRAME_ROOM", "batch", "encode_report", "take_batch"]

FRAME_ROOM = 512                # octets of a frame that are not reports: names, source, lengths
_encode = msgspec.msgpack.Encoder().encode


def encode_report(report: Report) -> bytes:
    """The report's map of attributes; those without a value are left out. LocalProtocolError if a value cannot travel."""
    attributes: dict[str, Any] = {"Sequence": report.sequence, "GOMessageType": int(report.kind), "EvtCode": int(report.code),
                                  "Time": report.at}
    attributes.update((name, value) for name, value in report.attributes.items() if value is not None)
    try:
        return _encode(attributes)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise LocalProtocolError(f"{report.kind.name}: {error}") from None


def take_batch(bodies: Iterable[bytes], octets: int) -> list[bytes]:
    """The first of these that fit into one frame of `octets`; always one, however long it is."""
    taken: list[bytes] = []
    left = octets - FRAME_ROOM
    for body in bodies:
        if taken and (len(body) > left or len(taken) == BATCH_LIMIT):
            break
        taken.append(body)
        left -= len(body)
    return taken


def batch(source: str, bodies: Iterable[bytes]) -> Mapping[str, Any]:
    """The attributes of RequestGOReportingData."""
    return {"Source": source, "Events": [msgspec.Raw(body) for body in bodies]}
