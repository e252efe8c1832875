from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.app.console import Answer, IConsoleVerbs, Interpreter, WrongLine, as_text, parse_call
from ocs.errors import UnknownCampaign
from tests.conftest import Logged
from tests.doubles.console import FakeVerbs


def answer(line: str, verbs: FakeVerbs | None = None) -> str:
    running = Deferred.fromCoroutine(Interpreter(verbs or FakeVerbs(), "admin").run(line))
    results: list[Answer] = []
    running.addCallback(results.append)
    return results[0].text


def test_the_double_of_the_verbs_is_one() -> None:
    assert verifyObject(IConsoleVerbs, FakeVerbs())


def test_a_verb_is_called_with_its_literal_arguments() -> None:
    verbs = FakeVerbs()
    answer("records('spring', limit=5)", verbs)
    answer(' unload("a@b", True) ', verbs)
    assert verbs.asked == [("records", "spring", 5), ("unload", "a@b", True)]


@pytest.mark.parametrize("line, words", [
    ("status", "status is a verb; write status()"),
    ("6 * 7", "only verbs can be called"),
    ("status().__class__", "only verbs can be called"),
    ("status.__globals__", "only verbs can be called"),
    ("__import__('os')", "there is no verb __import__"),
    ("eval('1')", "there is no verb eval"),
    ("records(open('/etc/passwd'))", "arguments are texts in quotes"),
    ("records(calls())", "arguments are texts in quotes"),
    ("records(**{'calling_list': 'x'})", "it is records(calling_list, limit=20)"),
    ("records([i for i in (1, 2)])", "arguments are texts in quotes"),
    ("status(); calls()", "not understood"),
    ("import os", "not understood"),
    ("(lambda: 1)()", "only verbs can be called"),
    ("records(" + "(" * 300, "not understood"),
    ("x" * 2_000, "at most 1000 characters"),
    ("status(\x00)", "not understood"),
    ("records()", "records: missing a required argument: 'calling_list'; it is records(calling_list, limit=20)"),
    ("status(1)", "status: too many positional arguments; it is status()"),
    ("help(1)", "it is help()"),
])
def test_anything_but_a_call_of_a_verb_is_explained_and_nothing_is_called(line: str, words: str) -> None:
    verbs = FakeVerbs()
    text = answer(line, verbs)
    assert words in text and "\n" not in text and verbs.asked == []


@given(st.text())
def test_no_line_does_more_than_call_a_verb(line: str) -> None:
    try:
        name, _, _ = parse_call(line)
    except WrongLine:
        return
    assert name in {"help", *IConsoleVerbs.names()}


def test_a_refusal_is_one_line() -> None:
    assert answer("pause('x@y')", FakeVerbs(UnknownCampaign("there is no campaign group x@y"))) == (
        "refused: there is no campaign group x@y")


def test_a_bug_in_a_verb_is_one_line_and_goes_to_the_log(logged: Logged) -> None:
    assert answer("status()", FakeVerbs(KeyError("gone"))) == "failed: KeyError: 'gone' (the log has more)"
    assert len(logged.failures(KeyError)) == 1


def test_an_answer_that_comes_later_is_awaited() -> None:
    verbs = FakeVerbs()
    later: Deferred[Any] = Deferred()
    verbs.status = lambda: later       # type: ignore[method-assign]
    running = Deferred.fromCoroutine(Interpreter(verbs, "admin").run("status()"))
    results: list[Answer] = []
    running.addCallback(results.append)
    assert results == []
    later.callback({"state": "running"})
    assert results[0].text.split() == ["state", "running"] and results[0].done


def test_help_names_every_verb_with_its_arguments() -> None:
    text = answer("help()")
    for name in IConsoleVerbs.names():
        assert f"\n{name}(" in f"\n{text}"
    assert "unload(group, force=False)                  Give records back and unload" in text


def test_every_operators_call_is_logged(logged: Logged) -> None:
    answer("pause('a@b')")
    assert "operator admin calls pause('a@b')" in logged.texts()


def test_rows_are_a_table_and_control_characters_cannot_reach_the_terminal() -> None:
    text = as_text([{"record": 1, "name": "A\x1b[2JB"}, {"record": 2, "phone": "+1415"}])
    assert text.splitlines()[0].split() == ["record", "name", "phone"]
    assert "A?[2JB" in text and "\x1b" not in text and "[2J" in text


@pytest.mark.parametrize("value, text", [
    (None, "done"), ([], "nothing"), ("yes", "yes"), (["a", "b"], "a\nb"), (3, "3"),
    (0.123456789, "0.123"), (1_773_160_200.0, "1773160200")])
def test_plain_answers_are_shown_as_they_are(value: object, text: str) -> None:
    assert as_text(value) == text


def test_a_long_answer_is_cut_and_says_so() -> None:
    assert as_text([{"n": n} for n in range(1_200)]).endswith("... 200 more")


def test_markup_of_the_table_library_in_values_is_text() -> None:
    assert "[bold]x[/bold]" in as_text({"name": "[bold]x[/bold]"})


@implementer(IConsoleVerbs)
class _Wrong:
    def status(self) -> None: ...


def test_the_interface_tells_what_a_verbs_object_lacks() -> None:
    from zope.interface.exceptions import MultipleInvalid
    with pytest.raises(MultipleInvalid):
        verifyObject(IConsoleVerbs, _Wrong())
    assert inspect.isclass(_Wrong)
