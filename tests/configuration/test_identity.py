"""What is exported is what is imported: whatever a site has, an empty database that reads its export has it too."""
from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import HealthCheck, given, settings

from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.difference import differences
from ocs.configuration.document import read_document
from ocs.configuration.exporting import document_of, written
from ocs.configuration.plan import planned
from tests.configuration.worlds import worlds

_slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large,
                                                                        HealthCheck.filter_too_much])


@_slow
@given(worlds)
def test_a_database_that_reads_an_export_has_what_the_first_one_has(objects: Any) -> None:
    text = written(document_of(objects, VOCABULARY, secrets=True))
    read = planned({}, read_document(tomllib.loads(text), VOCABULARY))
    assert [(change.label, change.fields) for change in differences(objects, read)] == []
    assert written(document_of(read, VOCABULARY, secrets=True)) == text


@_slow
@given(worlds)
def test_a_database_that_reads_its_own_export_is_as_it_was_even_without_the_secrets(objects: Any) -> None:
    text = written(document_of(objects, VOCABULARY))
    for replace in (False, True):
        read = planned(objects, read_document(tomllib.loads(text), VOCABULARY), replace)
        assert [(change.label, change.fields) for change in differences(objects, read)] == []
