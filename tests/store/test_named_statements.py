"""SQL statements of the configuration: checked at the start, values bound, outcome harmless."""
from __future__ import annotations

import pytest
from twisted.internet.defer import fail, succeed

from ocs.database.backend import backend_for, transaction
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.contact import Contact
from ocs.dialing.results import CallResult
from ocs.dialing.values import Record
from ocs.errors import ConfigurationError, StoreUnavailable
from ocs.options import load
from ocs.store.named_statements import NamedStatements, SqlStatementOptions

GROUP = CampaignGroup(1, "spring", 1, AgentGroup("sales", 1, (), ()), ())


def contact(**fields: object) -> Contact:
    record = Record(7, 7, 1, "+12125550107", call_result=CallResult.BUSY, fields=fields)
    return Contact(record, "list", 1, GROUP)


def options(statement: str, name: str = "note") -> SqlStatementOptions:
    return load(SqlStatementOptions, {"name": name, "statement": statement})


def test_a_statement_gets_the_records_values_bound_and_none_pasted(tmp_path):
    backend = backend_for(f"sqlite:///{tmp_path}/crm.db")
    with transaction(backend, create=True) as work:
        work.cursor.execute("CREATE TABLE crm (phone TEXT, result INTEGER, name TEXT, missing TEXT)")

    def change(interaction):
        with transaction(backend) as work:
            interaction(work)
        return succeed(None)

    named = NamedStatements([options("INSERT INTO crm VALUES (:contact_info, :call_result, :name, :nothing)")], change)
    named.run("note", contact(name="Robert'); DROP TABLE crm; --"))
    with transaction(backend, write=False) as work:
        rows = work.cursor.execute("SELECT * FROM crm").fetchall()
    assert rows == [("+12125550107", 6, "Robert'); DROP TABLE crm; --", None)]


def test_a_statement_that_fails_is_logged_and_a_name_that_does_not_exist_is_a_key_error(logged):
    named = NamedStatements([options("DELETE FROM crm")], lambda interaction: fail(StoreUnavailable("no such table: crm")))
    named.run("note", contact())
    with pytest.raises(KeyError):
        named.run("other", contact())
    assert named.names() == ["note"]


@pytest.mark.parametrize("statement, told", [
    ("SELECT 1; DROP TABLE crm", "one statement is expected, not 2"), ("", "one statement"), ("UPDATE (", "statement:"),
    ("this is no sql at all (", "statement:")])
def test_what_is_not_one_statement_is_refused_at_the_start(statement, told):
    with pytest.raises(ConfigurationError, match=told):
        options(statement)
