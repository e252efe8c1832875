from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.errors import ConfigurationError
from ocs.options import REQUIRED, NumberedText, entries, load, load_file, option, read_secret, sample, table


class Colour(Enum):
    RED = "red"
    DEEP_BLUE = "deep-blue"


class Result(IntEnum):
    NO_ANSWER = 7
    BUSY = 6

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").title()


@dataclass(frozen=True)
class Paint:
    """How it looks.

    Not shown."""

    colour: Colour = option(Colour.RED, text="The colour.")
    coats: int = option(1, low=1, high=9, unit="coats", text="How many.", effect="at once")
    thickness: float = option(0.5, low=0, unit="mm", text="How thick.")
    glossy: bool = option(False, text="Whether it shines.")


@dataclass(frozen=True)
class Brush:
    name: str = option(REQUIRED, example="flat", text="Its name.")
    result: Result = option(Result.BUSY, text="What came of it.")
    hairs: tuple[str, ...] = option((), text="What it is made of.")

    def problems(self) -> list[str]:
        return ["hairs: a round brush needs hairs"] if self.name == "round" and not self.hairs else []


@dataclass(frozen=True)
class Shop:
    title: str = option("Paints", text="What is written above the door.", choices=("Paints", "Colours"))
    till: Path = option(Path("till.json"), text="Where the money is.")
    key: Path | None = option(None, text="Who may open it.")
    pin: str = option("", secret=True, text="The safe's number.", effect="at once")
    paint: Paint = table(Paint)
    brush: tuple[Brush, ...] = table(text="What one paints with.")

    def problems(self) -> list[str]:
        names = [brush.name for brush in self.brush]
        return [f"brush: {name} is given twice" for name in sorted({n for n in names if n and names.count(n) > 1})]


def problems(mapping: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(Shop, mapping)
    return caught.value.problems


def test_an_empty_mapping_gives_every_default() -> None:
    assert load(Shop, {}) == Shop()


def test_values_are_taken_with_their_types() -> None:
    shop = load(Shop, {"title": "Colours", "paint": {"colour": "deep-blue", "coats": 2, "thickness": 1, "glossy": True},
                       "brush": [{"name": "flat", "hairs": ["pig", "horse"]}, {"name": "fine", "result": "No Answer"}]})
    assert shop.paint == Paint(colour=Colour.DEEP_BLUE, coats=2, thickness=1.0, glossy=True)
    assert isinstance(shop.paint.thickness, float)
    assert shop.brush[0].hairs == ("pig", "horse") and shop.brush[1].result is Result.NO_ANSWER


@pytest.mark.parametrize("word", ["no-answer", "no_answer", "No Answer", "NO_ANSWER", 7])
def test_a_member_of_a_public_enumeration_is_known_by_word_label_and_number(word: object) -> None:
    assert load(Brush, {"name": "flat", "result": word}).result is Result.NO_ANSWER


def test_every_problem_is_reported_at_once_and_names_its_option() -> None:
    assert problems({
        "titel": "x", "title": "Shoes", "till": 3, "pin": 7, "colour": {},
        "paint": {"coats": 10, "thickness": "thick", "glossy": 1, "colour": "green", "coat": 1},
        "brush": [{"name": "flat"}, {"hairs": ["a", 1]}, {"name": "round"}, {"name": "flat", "result": 99}],
    }) == [
        "titel: unknown option (did you mean title?)",
        "colour: unknown table",
        "title: one of Paints, Colours is expected, not 'Shoes'",
        "till: a path is expected, not 3",
        "pin: a string is expected",
        "paint.coat: unknown option (did you mean coats?)",
        "paint.colour: one of red, deep-blue is expected, not 'green'",
        "paint.coats: 1 to 9 is expected, not 10",
        "paint.thickness: a number is expected, not 'thick'",
        "paint.glossy: true or false is expected, not 1",
        "brush[2].name: required, but not given",
        "brush[2].hairs: an array of strings is expected, not ['a', 1]",
        "brush[4].result: one of no-answer, busy is expected, not 99",
        "brush[3].hairs: a round brush needs hairs",
        "brush: flat is given twice",
    ]


@pytest.mark.parametrize("value", [True, "1", 1.5, float("nan"), float("inf"), -1, 10**30, None, [], {}])
def test_a_whole_number_in_its_range_is_nothing_else(value: object) -> None:
    [problem] = problems({"paint": {"coats": value}})
    assert problem.startswith("paint.coats: ")


def test_not_a_number_is_outside_of_every_range() -> None:
    assert problems({"paint": {"thickness": float("nan")}}) == ["paint.thickness: 0 or more is expected, not nan"]


@pytest.mark.parametrize("mapping, problem", [
    ({"paint": 3}, "paint: a table [paint] is expected, not 3"),
    ({"brush": {}}, "brush: an array of tables [[brush]] is expected, not {}"),
    ({"brush": [1]}, "brush: an array of tables [[brush]] is expected, not [1]"),
])
def test_tables_and_arrays_are_not_confused(mapping: dict[str, object], problem: str) -> None:
    assert problems(mapping) == [problem]


json_like = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                         lambda inner: (st.lists(inner, max_size=3)
                                        | st.dictionaries(st.text(max_size=5), inner, max_size=3)),
                         max_leaves=8)


@given(st.dictionaries(st.sampled_from(["title", "till", "key", "pin", "paint", "brush", "other"]),
                       json_like | st.fixed_dictionaries({}, optional={"coats": json_like, "colour": json_like})))
def test_whatever_a_file_holds_it_loads_or_its_problems_are_named(mapping: dict[str, object]) -> None:
    try:
        assert isinstance(load(Shop, mapping), Shop)
    except ConfigurationError as error:
        assert error.problems


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('key = "keys/own"\n')
    shop = load_file(Shop, tmp_path / "shop.toml")
    assert shop.key == tmp_path / "keys/own" and shop.till == tmp_path / "till.json"
    assert load(Shop, {"till": "/abs"}, tmp_path).till == Path("/abs")
    assert load(Shop, {"key": ""}, tmp_path).key is None


def test_the_sample_names_every_option_and_loads_to_the_defaults(tmp_path: Path) -> None:
    text = sample(Shop, "A shop.")
    assert text.startswith("# A shop.\n")
    for entry in entries(Shop):
        assert f"{entry.name} = " in text and entry.text in text
    assert "#   integer; 1 to 9; in coats; takes effect at once\ncoats = 1\n" in text
    assert "# What one paints with.\n#[[brush]]\n" in text and '#name = "flat"\n' in text
    (tmp_path / "shop.toml").write_text(text)
    assert load_file(Shop, tmp_path / "shop.toml") == load(Shop, {}, tmp_path)


def test_the_sample_of_an_array_is_ready_to_be_used(tmp_path: Path) -> None:
    lines = sample(Shop).splitlines()
    text = "\n".join(line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in lines)
    (tmp_path / "shop.toml").write_text(text)
    assert load_file(Shop, tmp_path / "shop.toml").brush == (Brush(name="flat"),)


@pytest.mark.parametrize("content, words", [(b"a = ", "not valid TOML"), (b"\xff\xfe", "not valid TOML"),
                                            (None, "No such")])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "shop.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_file(Shop, path)
    [problem] = caught.value.problems
    assert problem.startswith(f"{path}: ") and words in problem


def test_a_secret_is_not_shown() -> None:
    assert "pin" not in repr(load(Shop, {"pin": "1"}))


@dataclass(frozen=True)
class Letter:
    """With a long text."""

    body: NumberedText = option(NumberedText(), text="What it says.")


def test_a_long_text_is_joined_from_numbered_options() -> None:
    letter = load(Letter, {"body2": "and", "body": "Dear", "body1": "Sir", "body10": "?",
                           **{f"body{n}": "." for n in range(3, 10)}})
    assert letter.body == "Dear Sir and . . . . . . . ?" and letter.body.pieces[:2] == (("body", "Dear"), ("body1", "Sir"))
    assert load(Letter, {}).body == "" and load(Letter, {"body1": "Sir"}).body == "Sir"
    assert 'body = ""' in sample(Letter) and next(entries(Letter)).type == "string"


def test_faults_of_a_long_text_name_the_numbered_option() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(Letter, {"body": "Dear", "body3": "!", "body2": 7, "body0": "", "body01": "", "body1000": ""})
    assert sorted(caught.value.problems) == [
        "body01: unknown option (did you mean body?)", "body0: unknown option (did you mean body?)",
        "body1000: unknown option (did you mean body?)", "body1: missing, but body3 is given",
        "body2: a string is expected, not '7'"]


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with pytest.raises(ConfigurationError, match="shop.key: cannot read .*No such file"):
        read_secret(path, "shop.key")
    path.write_text("  \n")
    with pytest.raises(ConfigurationError, match="is empty"):
        read_secret(path, "shop.key")
    path.write_text("s3cret\nrest\n")
    assert read_secret(path, "shop.key") == "s3cret"


@dataclass(frozen=True)
class Inner:
    """A table in an array of tables."""

    depth: int = option(3, text="How deep.")


@dataclass(frozen=True)
class Outer:
    """An array of tables that hold a table."""

    name: str = option("x", text="Its name.")
    inner: Inner = table(Inner)


@dataclass(frozen=True)
class Nest:
    """Tables in arrays."""

    outer: tuple[Outer, ...] = table()


def test_a_table_inside_an_array_of_tables_has_plain_brackets_in_the_sample() -> None:
    text = sample(Nest)
    assert "#[[outer]]" in text and "#[outer.inner]" in text
    uncommented = "\n".join(line[1:] if line[:2] != "# " else line for line in text.splitlines())
    assert load(Nest, tomllib.loads(uncommented)) == Nest(outer=(Outer(),))
