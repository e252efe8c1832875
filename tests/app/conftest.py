"""What the tests of the management API share."""
from __future__ import annotations

from typing import Iterator

import pytest

from ocs.dialing.results import DialingMode
from tests.app.api_rig import Rig


@pytest.fixture
def rig(database: str) -> Iterator[Rig]:
    made = Rig(database, mode=DialingMode.PREDICTIVE)
    yield made
    made.close()
