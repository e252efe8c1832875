"""Configuration of the Communication DN."""
from __future__ import annotations

from typing import Any

import pytest

from ocs.app.config import OCSOptions
from ocs.app.third_parties import communication_entry
from ocs.desktop.campaigns import CampaignOperations
from ocs.desktop.operations import RecordOperations
from ocs.errors import ConfigurationError
from ocs.options import load
from tests.scheduler.bench import Bench

CRM = {"name": "crm", "dbid": 300}


@pytest.mark.parametrize("values, words", [
    ({"communication_dn": {"dn": "6900"}}, "nobody would be heard"),
    ({"communication_dn": {"dn": "6900@east"}, "third_party": [CRM]}, "no switch east"),
    ({"third_party": [CRM, {"name": "crm", "dbid": 301}]}, "name crm is given 2 times"),
    ({"third_party": [CRM, {"name": "erp", "dbid": 300}]}, "dbid 300 is given 2 times"),
    ({"third_party": [{"name": "crm", "dbid": 0}]}, "third_party[1].dbid"),
])
def test_faults_of_the_configuration(values: dict[str, Any], words: str):
    with pytest.raises(ConfigurationError) as error:
        load(OCSOptions, values)
    assert words in str(error.value)


def test_there_is_an_entry_where_there_is_a_dn():
    bench = Bench(running=False)
    parts = bench.engine, CampaignOperations(bench.engine), RecordOperations(bench.engine)
    options = load(OCSOptions, {"communication_dn": {"dn": "6900"}, "third_party": [CRM]})
    assert communication_entry(*parts, options.communication_dn, options.third_party) is not None
    assert bench.switch.watched == ["6900"]
    nothing = load(OCSOptions, {})
    assert communication_entry(*parts, nothing.communication_dn, nothing.third_party) is None
