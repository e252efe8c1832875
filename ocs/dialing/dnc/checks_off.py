"""Which do-not-call checks a configuration has switched off: an act that is audited."""
from __future__ import annotations

from typing import Mapping

__all__ = ["checks_off"]


def checks_off(chosen: Mapping[str, bool], defaults: Mapping[str, bool] | None = None) -> tuple[str, ...]:
    """The options (as `section.option`) that leave a check out which is made by default, in alphabetical order. Where no
    defaults are given every check is made by default, callbacks included."""
    return tuple(sorted(name for name, checked in chosen.items() if not checked and (defaults or {}).get(name, True)))
