"""Dialing filters: what may be written, what is refused and how it is told, and what filters do to records."""
from __future__ import annotations

import random
import re
import sqlite3
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.schema import CreateTable

from ocs.database.statements import Sql, Transaction
from ocs.dialing.values import CustomField, Record
from ocs.store.filters import NO_FILTER, DialingFilter, FilterError, filter_from_options, parse_filter
from ocs.store.loading import insert_records
from ocs.store.records import ListTable

FIELDS = (CustomField("region"), CustomField("points", "int"), CustomField("balance", "float"), CustomField("code", "char", 4),
          CustomField("since", "datetime"), CustomField("Date"), CustomField("order", "int"), CustomField("last"))
LIST = ListTable("Spring", 101, "cl_spring", FIELDS, 28_800, 64_800, 122, 1)
SQLITE, POSTGRESQL = SQLiteDialect_pysqlite(paramstyle="qmark"), PGDialect_psycopg()


def record(record_id: int = 1, chain_n: int = 1, attempt: int = 0, **fields: Any) -> Record:
    return Record(record_id, record_id, chain_n, f"+1212555{record_id:04d}", attempt=attempt,
                  fields={field.name: fields.get(field.name) for field in FIELDS})


def parsed(criteria: str = "", order_by: str = "") -> DialingFilter:
    return parse_filter(criteria, order_by, FIELDS)


def reason(criteria: str = "", order_by: str = "") -> str:
    with pytest.raises(FilterError) as refused:
        parsed(criteria, order_by)
    return str(refused.value)


@pytest.mark.parametrize(("criteria", "one", "expected"), [
    ("attempt < 3", record(attempt=2), True), ("ATTEMPT < 3", record(attempt=3), False),
    ("region = 'EU' AND points >= 10", record(region="EU", points=10), True),
    ("region = 'EU'", record(region="eu"), False), ("lower(region) = 'eu'", record(region="EU"), True),
    ("region LIKE 'E%'", record(region="EU"), True), ("region LIKE 'e%'", record(region="EU"), False),
    ("region LIKE '_U'", record(region="EU"), True), ("region NOT LIKE 'E%'", record(region="EU"), False),
    ("region LIKE '100!%' ESCAPE '!'", record(region="100%"), True),
    ("region LIKE '100!%' ESCAPE '!'", record(region="1000"), False),
    ("region LIKE 'a%c%e'", record(region="abcde"), True), ("region LIKE 'a%c%e'", record(region="abde"), False),
    ("points IN (1, 2, -3)", record(points=-3), True), ("points NOT IN (1, 2)", record(points=3), True),
    ("points IS NULL", record(), True), ("points IS NOT NULL", record(), False),
    ("points <> 1", record(), False), ("NOT (points = 1)", record(), False), ("points NOT IN (1)", record(), False),
    ("points = 1 OR attempt = 0", record(), True), ("points = 1 AND attempt = 0", record(), False),
    ("points BETWEEN 1 AND 3", record(points=3), True), ("points NOT BETWEEN 1 AND 3", record(points=3), False),
    ("coalesce(points, 0) = 0", record(), True), ("mod(record_id, 10) = 3", record(13), True),
    ("record_id % 10 = 3", record(14), False), ("points / 2 = -3", record(points=-7), True),
    ("points % 2 = -1", record(points=-7), True), ("points / attempt = 1", record(points=1), False),
    ("points / 2.0 = 3.5", record(points=7), True), ("-points = 7", record(points=-7), True),
    ("abs(points) = 7", record(points=-7), True),
    ("points + 60 * 60 * 24 > 86400", record(points=1), True), ("length(region) = 2", record(region="Ü€"), True),
    ("substr(region, 2, 2) = 'bc'", record(region="abcd"), True), ("substr(region, 9) = ''", record(region="abcd"), True),
    ("upper(region) = 'STRAßE'", record(region="straße"), True), ("balance > 1", record(balance=1.5), True),
    ("balance = 0.1", record(balance=0.1), True), ("attempt < 1.5", record(attempt=1), True),
    ("since >= '2026-03-10'", record(since="2026-03-10 00:00:00"), True),
    ("since < '2026-03-10T16:30'", record(since="2026-03-10 16:30:00"), False),
    ("'2026-03-10' <= since", record(since="2026-03-09 23:59:59"), False), ("code = 'ab'", record(code="ab"), True),
    ("date = 'x'", record(Date="x"), True), ('"order" = 1 and "Date" = \'\'', record(order=1, Date=""), True),
    ("order = 1", record(order=1), True), ("region = 'it''s'", record(region="it's"), True),
    ("region = 'a -- b; /* ? :x */'", record(region="a -- b; /* ? :x */"), True), ("call_result = 28", record(), True),
    ("contact_info LIKE '+1212%'", record(), True), ("(((attempt = 0)))", record(), True),
    ("not not attempt = 0", record(), True),
    ("attempt = - -1", record(attempt=1), True), ("", record(), True), ("  \n ", record(), True),
])
def test_criteria_decide_as_sql_says(criteria: str, one: Record, expected: bool) -> None:
    assert parsed(criteria).matches(one) is expected


@pytest.mark.parametrize(("criteria", "told"), [
    ("nope = 1", "criteria, line 1, column 1: no column 'nope' in this calling list; its columns are Date, agent_id"),
    ("attempt = 1\n AND nope = 1", "criteria, line 2, column 6: no column 'nope'"),
    ("attempt = 1 AND sleep(9) = 1",
     "criteria, line 1, column 17: the function 'sleep' is not possible in a filter; possible are abs"),
    ("region = 1", "criteria, line 1, column 1: column 'region' (text) and 1 (integer) cannot be compared"),
    ("attempt = 'x'", "column 'attempt' (integer) and 'x' (text) cannot be compared"),
    ("attempt = 1 AND region > balance",
     "criteria, line 1, column 17: column 'region' (text) and column 'balance' (floating point)"),
    ("since > 'soon'", "column 'since' (date and time) and 'soon': not a date and time such as"),
    ("since > '2026-03-10T16:30+01:00'", "has no offset"), ("since > 5", "column 'since' (date and time) and 5 (integer)"),
    ("lower(attempt) = 'x'", "lower takes text, but here is column 'attempt' (integer)"),
    ("region + 1 = 2", "+ takes a number, but here is column 'region' (text)"), ("abs(region) = 2", "abs takes a number"),
    ("balance % 2 = 1", "% and mod take integers"), ("points / 0 = 1", "division by zero"),
    ("points / (1 - 1) = 1", "division by zero"),
    ("attempt LIKE '1%'", "LIKE compares text with a pattern, but here is column 'attempt' (integer)"),
    ("region LIKE code", "the pattern of LIKE is a literal"), ("region LIKE 'a!' ESCAPE '!'", "escape character '!'"),
    ("region LIKE 'a' ESCAPE 'ab'", "ESCAPE takes one character"), ("region LIKE '%1%2%3%4%5%6%7%8%9'", "9 times %"),
    ("points IN (attempt)", "each choice of IN is a literal"), ("points IN (1, NULL)", "each choice of IN is a literal"),
    ("points IN ()", "IN takes a list of literals"), ("points IN ('x')", "column 'points' (integer) and 'x' (text)"),
    ("points = NULL", "line 1, column 1: nothing compares with NULL; write IS NULL"), ("points IS 3", "IS is possible with NULL"),
    ("attempt", "a condition is wanted"), ("attempt = 1 = 2", "EQ has no place here"), ("NOT attempt", "a condition is wanted"),
    ("1 = 1", "names no column"), ("'a' IN ('a')", "names no column"), ("attempt = 1 OR 1 = 1", "column 16: names no column"),
    ("TRUE", "TRUE is not possible"), ("attempt = 99999999999999999999", "has more than 64 bits"),
    ("balance > 1e999", "beyond floating"),
    ("attempt = .5", "write 0.5"), ("a.attempt = 1", "column 1: a name is a column alone"),
    ("cl_spring.attempt = 1", "column 1: a name is a column alone"),
    ('"ATTEMPT" = 1', 'no column "ATTEMPT"'), ('"x" = 1', 'no column "x"'), ("`attempt` = 1", "'`' is not possible"),
    ("attempt = 1; x", "column 12: a filter is one expression; `;` is not possible"), ("attempt = ?", "column 11: placeholders"),
    ("attempt = :x", "placeholders"), ("attempt = 1 -- x", "comments are not possible"), ("/* x */", "comments are not possible"),
    ("attempt /* x */ = 1", "comments are not possible"), ("attempt = 'x", "not closed"),
    ("region ILIKE 'x'", "use lower(...) LIKE"),
    ("attempt BETWEEN 1 2", "the syntax is wrong"), ("attempt IN (1,)", "the syntax is wrong"),
    ("attempt = 1 AND", "the syntax is wrong"),
    ("attempt = 1 attempt", "the syntax is wrong near"), ("(attempt = 1", "the syntax is wrong"),
    ("attempt = 1)", "the syntax is wrong"),
    ("attempt IN (SELECT 1)", "column 13: 'SELECT' is no column of this calling list, and no other word"),
    ("app_id = 1", "no column 'app_id'"), ("campaign_id = 1", "no column 'campaign_id'"), ("region = 'a' 'b'", "has no place"),
    ("substr(region, 0) = 'x'", "the start of substr is a number from 1"), ("substr(region, attempt) = 'x'", "is a literal"),
    ("substr(region, 1, -1) = 'x'", "the length of substr"), ("coalesce(points, region) = 1", "cannot be compared"),
    ("attempt\x00 = 1", "the character '\\x00' is not possible"), ("region = '\ud800'", "is not possible"),
    ("balance*balance*balance*balance*balance*balance*balance*balance > 1", "may leave floating point"),
    ("(" * 17 + "attempt = 1" + ")" * 17, "more than 16 brackets"), ("NOT " * 4 + "attempt = 1", "more than 3 signs"),
    ("attempt" + " + 1" * 40 + " = 1", "more than 32 terms within"),
    ("attempt = 1 AND " * 300 + "attempt = 1", "1203 words long"),
    ("region = '" + "x" * 8_192 + "'", "characters long, 8192 are possible"),
])
def test_what_cannot_be_used_is_told_with_its_place(criteria: str, told: str) -> None:
    text = reason(criteria)
    assert told in text and text.startswith("criteria") and "sqlglot" not in text


def test_a_long_chain_of_conditions_is_one_level() -> None:
    one = parsed(" OR ".join(f"points = {number}" for number in range(200)))
    assert one.matches(record(points=199)) and not one.matches(record(points=200))


def test_an_order_sorts_and_records_without_a_value_come_last() -> None:
    records = [record(1, points=2), record(2), record(3, points=9), record(4, points=2, region="b"),
               record(5, points=2, region="B")]
    for order_by, expected in [("points, region DESC", [4, 5, 1, 3, 2]), ("points DESC NULLS FIRST", [2, 3, 1, 4, 5]),
                               ("-coalesce(points, 5), record_id", [3, 2, 1, 4, 5])]:
        assert [each.record_id for each in sorted(records, key=parsed("", order_by).sort_key)] == expected


@pytest.mark.parametrize(("order_by", "told"), [
    ("1", "names no column"), ("points DESC,", "the syntax is wrong"), ("points FIRST", "no column of this"),
    ("nope", "no column 'nope'"),
    ("random()", "the function 'random'"), ("points > 1", "GT has no place here"),
    ("points, " * 8 + "points", "9 keys, 8 are possible"),
    ("points COLLATE x", "'COLLATE' is no column"), ("points LIMIT 1", "'LIMIT' is no column"),
    ("points ASC DESC", "the syntax is wrong"),
    ("points NULLS", "the syntax is wrong"), ("points; x", "`;` is not possible"), ("points USING >", "'USING' is no column"),
])
def test_an_order_that_cannot_be_used_is_told(order_by: str, told: str) -> None:
    text = reason("", order_by)
    assert told in text and text.startswith("order_by")


def test_a_column_may_be_called_like_a_word_of_an_order() -> None:
    assert parsed("", "last NULLS LAST, date, order DESC").columns == ("Date", "last", "order")


def test_the_order_is_the_order_of_a_chain_too() -> None:
    chain = [record(1, 1, points=1), record(2, 2, points=3), record(3, 3), record(4, 4, points=3)]
    assert [one.record_id for one in parsed("", "points DESC").chain_order(chain)] == [2, 4, 1, 3]
    assert [one.record_id for one in NO_FILTER.chain_order(reversed(chain))] == [1, 2, 3, 4]


def test_no_filter_takes_everything_in_any_order() -> None:
    assert NO_FILTER == parsed("", "") == filter_from_options({})
    assert NO_FILTER.matches(record()) and NO_FILTER.sort_key(record()) == () and NO_FILTER.ordering(LIST.table) == []
    query = select(LIST.table.c.record_id).where(LIST.table.c.attempt == 1, NO_FILTER.expression(LIST.table))
    text, _ = Sql(query).bound(SQLITE, {})
    assert text.endswith("WHERE cl_spring.attempt = ?")


def test_long_texts_are_split_over_numbered_options() -> None:
    options = {"criteria2": "AND points = 2", "criteria": "attempt = 0", "criteria1": "AND region = 'x'", "order_by1": "points",
               "order_by2": "DESC"}
    one = filter_from_options(options, FIELDS)
    assert one == parsed("attempt = 0 AND region = 'x' AND points = 2", "points DESC")
    assert one.columns == ("attempt", "points", "region")


@pytest.mark.parametrize(("options", "told"), [
    ({"criteria": "attempt = 0", "criteria1": "AND points ==="}, "criteria1, line 1, column"),
    ({"criteria": "attempt = 0 AND", "criteria1": "points = 1\nOR nope = 1"}, "criteria1, line 2, column 4: no column 'nope'"),
    ({"criteria": "attempt = 0", "criteria2": "AND points = 1"}, "criteria1: is missing, but criteria2 is there"),
    ({"criteria": "attempt = 0", "criteria0": "AND points = 1"}, "criteria0: is given twice"),
    ({"where": "attempt = 0"}, "where: no such option of a filter"), ({"criteria": "region = 'a", "criteria1": "b'"}, ""),
    ({"order_by1": "points", "order_by2": ", nope"}, "order_by2, line 1, column 3: no column 'nope'"),
])
def test_a_fault_is_told_with_the_option_it_is_in(options: dict[str, str], told: str) -> None:
    if not told:                    # a literal that runs over the split keeps the blank between the options
        assert filter_from_options(options, FIELDS).matches(record(region="a b"))
        return
    with pytest.raises(FilterError) as refused:
        filter_from_options(options, FIELDS)
    assert told in str(refused.value)


def test_every_literal_is_a_parameter() -> None:
    one = parsed("region = 'O''Neil' AND points IN (7, 8) AND code LIKE 'zz%' AND substr(region, 3, 4) > 'mm'"
                 " AND balance * 2.5 > 9", "coalesce(region, 'qq')")
    for dialect in (SQLITE, POSTGRESQL):
        text, _ = Sql(select(LIST.table.c.record_id).where(one.expression(LIST.table)).order_by(*one.ordering(LIST.table))).bound(
            dialect, {})
        assert not re.search(r"Neil|zz|mm|qq|2\.5|\b[789]\b", text)


HOSTILE = """
1=1¦1¦'x'¦''¦' OR '1'='1¦' OR 1=1 --¦'; DROP TABLE cl_spring; --¦') OR ('a'='a¦1) OR (1=1¦1 OR 1=1¦1 UNION SELECT 1¦1; SELECT 1¦;
(SELECT 1)¦(SELECT count(*) FROM cl_spring)¦EXISTS (SELECT 1)¦ANY (SELECT 1)¦ALL (SELECT 1)¦ARRAY[1]¦ANY(ARRAY[1])¦ROW(1, 2)
(1, 2)
VALUES (1)¦WITH x AS (SELECT 1) SELECT 1¦-- x¦--¦/* x */¦/*¦*/¦/*!50000 1 */¦# x¦#¦$$x$$¦$1¦$x¦?¦?1¦:x¦:1¦@x¦@@version¦%(x)s¦%s
{x}¦{{ x }}
{% if x %}¦{# x #}¦${x}¦`attempt`¦[attempt]¦"x"¦"attempt""¦cl_spring.attempt¦main.cl_spring.attempt¦x.y.z¦*¦cl_spring.*
count(*)¦count(1)
sum(attempt) OVER ()¦max(attempt)¦random()¦randomblob(1000000000)¦zeroblob(9)¦load_extension('x')¦readfile('/etc/passwd')
writefile('x', 'y')
sqlite_version()¦hex(region)¦quote(region)¦printf('%s', region)¦char(39)¦unicode(region)¦total_changes()¦last_insert_rowid()
rowid¦oid¦_rowid_
pg_sleep(10)¦pg_read_file('/etc/passwd')¦lo_import('/etc/passwd')¦dblink('x', 'y')¦current_setting('x')
set_config('a', 'b', false)¦version()
query_to_xml('SELECT 1', true, true, '')¦xp_cmdshell('x')¦benchmark(1, 1)¦sleep(5)¦nextval('x')¦current_user¦CURRENT_USER
session_user¦now()
CURRENT_TIMESTAMP¦current_date¦localtime¦CAST(attempt AS TEXT)¦attempt::text¦'1'::int¦CONVERT(attempt, x)¦INTERVAL '1 day'
DATE '2026-01-01'
TIMESTAMP '2026-01-01'¦E'\\x27'¦N'x'¦X'00'¦B'1'¦U&'x'¦0x1F¦1_000¦1e999¦1e¦1.2.3¦99999999999999999999¦NULL¦TRUE¦FALSE¦DEFAULT
CASE WHEN 1=1 THEN 1 END
IF(1, 2, 3)¦IIF(1, 2, 3)¦NULLIF(1, 1)¦GREATEST(1, 2)¦COALESCE()¦lower()¦lower(region, region)¦mod(1)¦abs()¦length(*)
lower(DISTINCT region)
region COLLATE NOCASE¦region COLLATE "C"¦region || 'x'¦region ~ 'x'¦region REGEXP 'x'¦region GLOB '*'¦region MATCH 'x'
region SIMILAR TO 'x'
region ILIKE 'x'¦region RLIKE 'x'¦attempt & 1¦attempt << 1¦attempt ^ 1¦attempt ** 2¦attempt -> 'x'¦attempt #> 'x'
attempt IS TRUE¦attempt <=> 1
attempt IS DISTINCT FROM 1¦attempt ISNULL¦attempt NOTNULL¦attempt OVERLAPS 1¦attempt XOR 1¦!attempt¦~attempt¦@attempt¦attempt!
attempt := 1
PRAGMA x¦ATTACH DATABASE 'x' AS y¦COPY x TO PROGRAM 'y'¦DELETE FROM cl_spring¦UPDATE cl_spring SET attempt = 0
DROP TABLE cl_spring¦ORDER BY 1
LIMIT 1¦OFFSET 1¦GROUP BY 1¦HAVING 1¦RETURNING 1¦FROM x¦JOIN x¦AS x¦INTO x¦WHERE 1¦ON 1¦FOR UPDATE¦x'; --¦\\'¦\\¦\\' OR 1=1 --
%27¦&apos;¦\u2019
attempt = 1 UNION SELECT 1¦attempt = 1; DELETE FROM x¦attempt = 1 -- x¦attempt = 1 /* x */¦attempt = (SELECT 1)
attempt = 1 LIMIT 1¦attempt AS x
LATERAL x¦UNNEST(attempt)¦TABLE x¦JSON_VALUE(region, 'x')¦region.x¦region[1]¦region['x']¦attempt(1)¦"attempt"(1)
"lower"(region)¦lower.x(region)
x -> x¦lambda x: x¦__import__('os')¦attempt; --¦';--¦'/*¦*/'¦"¦'¦''' OR¦"region¦(¦)¦()¦,¦=¦<¦>¦%¦-¦+¦/¦==¦AND¦OR¦NOT¦IN¦LIKE
BETWEEN¦IS¦ESCAPE¦DESC
"""
CONTEXTS = (
    "{}", "({})", "attempt = {}", "region = {}", "attempt = 1 {}", "attempt = 1 AND {}", "{} OR attempt = 1", "NOT {}",
    "attempt IN ({})", "region LIKE {}", "lower({}) = 'x'", "{} IS NULL", "attempt BETWEEN {} AND 2", "coalesce({}, 1) = 1",
    "mod(attempt, {}) = 1", "attempt = 1 AND ({}) AND attempt = 2", "substr(region, {}) = 'x'", "attempt {} 1",
    "attempt = 1 OR region = 'x{}", "{}\nAND attempt = 1")
FRAGMENTS = [fragment for line in HOSTILE.strip("\n").split("\n") for fragment in line.split("¦") if fragment]
ORDERS = ("{}", "attempt, {}", "attempt {}", "lower({})", "attempt DESC {}")
# where these fragments are what a filter is made of: operators, literals, the end of a literal
FINE = {
    "attempt = 1", "attempt IN (1)", "attempt BETWEEN 1 AND 2", "mod(attempt, 1) = 1", "substr(region, 1) = 'x'", "region = 'x'",
    "region LIKE 'x'", "region = ''", "region LIKE ''", "attempt = 1 OR region = 'x\\'", "attempt = 1 OR region = 'x*/'",
    "attempt = 1 OR region = 'x'", "attempt = 1 %27", "attempt %27", "attempt == 1", "attempt < 1", "attempt > 1",
    "attempt DESC"}


def is_refused(text: str, option: str = "criteria") -> bool:
    try:
        parse_filter(**{option: text}, fields=FIELDS)
    except FilterError as error:
        assert str(error).startswith(option)
        return True
    return False


def test_what_is_hostile_is_refused_wherever_it_stands() -> None:
    criteria = {context.format(fragment) for fragment in FRAGMENTS for context in CONTEXTS}
    orders = {order.format(fragment) for fragment in FRAGMENTS for order in ORDERS}
    accepted = {text for text in criteria if not is_refused(text)} | {text for text in orders if not is_refused(text, "order_by")}
    assert accepted == FINE and len(criteria) + len(orders) > 5_000


GOOD = [
    *"attempt region points balance code since order ( ) ( ) , = <> < <= AND OR NOT".split(),
    *"IN LIKE IS NULL BETWEEN + - * / % 1 2.5".split(),
    "'x'", "'%a_'", "'2026-01-01'", "lower(", "coalesce(", "mod(", "substr(", "IS NOT NULL", "IS NULL", "IN (1, 2)", "= 1",
    "= 'x'", "> 2"]
WORDS = [*FRAGMENTS, *GOOD]
TWO = [record(points=3, region="x", balance=2.5), record(2)]


@pytest.fixture(scope="module")
def work() -> Any:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    made = Transaction(connection.cursor(), SQLITE)
    made.define(CreateTable(LIST.table))
    insert_records(made, LIST, TWO)
    yield made
    connection.close()


def test_words_in_any_order_are_refused_or_a_filter_that_runs(work: Transaction) -> None:
    chance, accepted = random.Random(8), 0
    for _ in range(4_000):
        start = chance.choice(["", "attempt = 1 AND ", "region ", "points ", "NOT (", "since "])
        text = start + " ".join(chance.choices(GOOD if chance.random() < 0.8 else WORDS, k=chance.randint(1, 4)))
        if is_refused(text):
            continue
        accepted += 1
        one = parsed(text)
        query = Sql(select(LIST.table.c.record_id).where(one.expression(LIST.table)))
        written, _ = query.bound(SQLITE, {})
        condition = written.partition("WHERE")[2]
        assert not re.search(r"['\";#$`\\{}]|--|/\*|SELECT", condition.replace('"Date"', "").replace('"order"', "")), text
        assert {number for number, in work.rows(query)} == {each.record_id for each in TWO if one.matches(each)}
    assert accepted > 30


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=40) | st.text("attemptregion='\"()<>-*/%;,. \n0123456789eE_!?", max_size=40))
def test_any_text_is_refused_or_a_filter(text: str) -> None:
    is_refused(text)
    is_refused(text, "order_by")


@pytest.mark.parametrize("criteria", [
    "points = 1 OR points = 2 AND attempt = 5", "NOT points = 1 AND attempt = 0", "NOT points = 1 OR points = 1",
    "points + 2 * 3 = 7",
    "points - 1 - 1 = 0", "- points % 2 = -1", "points * 2 % 3 = 1", "7 / points / 2 = 1", "NOT points IN (1) AND attempt = 0",
    "NOT points BETWEEN 1 AND 2 OR attempt = 0", "attempt = 0 AND NOT points IS NULL",
    "points BETWEEN 0 + 1 AND 1 * 2 AND attempt = 0",
    "2 * points + 1 > 3 - attempt", "points NOT IN (1, 2) OR NOT points < 3", "NOT (points = 1 OR attempt = 0) OR points = 2",
])
def test_operators_bind_as_they_do_in_a_database(work: Transaction, criteria: str) -> None:
    work.cursor.execute("DELETE FROM cl_spring")
    records = [record(number, points=number % 4 or None, attempt=number % 2) for number in range(1, 9)]
    insert_records(work, LIST, records)
    found = {number for number, in work.cursor.execute(f"SELECT record_id FROM cl_spring WHERE {criteria}")}
    assert found == {each.record_id for each in records if parsed(criteria).matches(each)}
