"""Run files: what parses, and what a person is told when it does not."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mtf import spec
from mtf.errors import MtfError, NotFoundError, SpecError, UsageError

GOOD: dict[str, Any] = {
    "name": "first",
    "dataset": {"source": {"type": "file", "path": "a.csv"}, "target": "y"},
    "processing": [{"split": {"test": 0.3}}],
    "model": {"source": {"type": "file", "path": "m.onnx"}},
    "evaluation": {"metrics": ["accuracy"], "gates": ["accuracy >= 0.9"]},
}


def told(text: str | bytes, name: str = "run.yaml") -> MtfError:
    """The error of a text that is wrong."""
    with pytest.raises(MtfError) as caught:
        spec.validate(spec.parse(text, name=name))
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a: [1,\nb: 2", "line 3, column 1", "begins in line 1, column 4"),
        ("a: 1\na: 2", "line 2, column 1", "the key `a` stands twice"),
        ("a:\n\t- b", "line 2, column 1", "cannot start any token"),
        ("a: 'open", "line 1, column 9", "a quoted scalar that begins in line 1, column 4"),
        ("a: !!python/object:os.system x", "line 1, column 4", "could not determine a constructor"),
        ("a: *b", "line 1, column 4", "undefined alias"),
    ],
)
def test_yaml_that_does_not_parse_is_told_by_line_and_column(text: str, place: str, said: str) -> None:
    """The message names the file, where to look and what stands there, on one line."""
    message = told(text).message
    assert message.startswith(f"run.yaml, {place}")
    assert said in message
    assert "\n" not in message


def test_json_is_read_by_its_own_rules() -> None:
    """Line and column of a mistake; a key that stands twice; NaN is no number."""
    assert told('{"a": 1,\n "b": }', "run.json").message.startswith("run.json, line 2, column 7")
    assert told('{"a": 1, "a": 2}', "run.json").field == "a"
    assert told('{"a": NaN}', "run.json").field == "a"
    assert spec.parse(json.dumps(GOOD), name="run.json") == GOOD


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"\x00\x01\x02", "a: \x01", b"PK\x03\x04\x00\xff"])
def test_binary_is_no_run_file(text: str | bytes) -> None:
    """Garbage ends in one short sentence."""
    error = told(text)
    assert isinstance(error, SpecError)
    assert len(error.message) < 250


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment", "- a\n- b", "just words", "[" * 3000, "{a: " * 3000])
def test_a_file_without_keys_is_refused(text: str) -> None:
    """Empty, a list, a word, or brackets without end."""
    assert isinstance(told(text), SpecError)


def test_yaml_words_that_are_labels_stay_text() -> None:
    """`yes`, `no`, dates, times, versions and codes with leading zeros are what people have in their columns."""
    found = spec.parse("a: [yes, no, on, off, 2020-01-01, 12:30, 1.2.3, 007, 0x1f, 1_000, y]")["a"]
    assert found == ["yes", "no", "on", "off", "2020-01-01", "12:30", "1.2.3", "007", "0x1f", "1_000", "y"]
    found = spec.parse("a: [true, False, null, ~, 1, -2, 0, 1.5, 1e-3, .5, 1., +3]")["a"]
    assert found == [True, False, None, None, 1, -2, 0, 1.5, 0.001, 0.5, 1.0, 3]


def test_anchors_work_and_do_not_explode() -> None:
    """Merging is allowed; a file that repeats itself a billion times is refused before it fills the memory."""
    assert spec.parse("a: &x {b: 1}\nc: {<<: *x, d: 2}")["c"] == {"b": 1, "d": 2}
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "repeats itself" in told("\n".join(lines)).message


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cc", "Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=1, max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=6), values, max_size=4))
def test_what_json_can_say_yaml_says_too(document: dict[str, Any]) -> None:
    """Any JSON document reads the same by both parsers, since YAML holds JSON."""
    if document:
        text = json.dumps(document)
        assert spec.parse(text, name="run.json") == document
        assert spec.parse(yaml.safe_dump(document, allow_unicode=True, default_style='"', width=10**9).encode()) is not None


def test_a_good_file_becomes_a_spec() -> None:
    """Defaults are filled in, and the short form of a registered version works."""
    parsed = spec.validate(GOOD)
    assert (parsed.name, parsed.seed, parsed.evaluation.level) == ("first", 0, 0.95)
    short = spec.validate({**GOOD, "dataset": "penguins@3", "model": "forest@champion"})
    assert (short.dataset.version, short.model.version) == ("penguins@3", "forest@champion")


@pytest.mark.parametrize(
    ("change", "field", "fix"),
    [
        ({"evaluatoin": {}}, "evaluatoin", "did you mean `evaluation`?"),
        ({"dataset": {**GOOD["dataset"], "tagret": "y"}}, "dataset.tagret", "did you mean `target`?"),
        ({"evaluation": {"metric": ["accuracy"]}}, "evaluation.metric", "did you mean `metrics`?"),
        ({"model": {**GOOD["model"], "treshold": 1}}, "model.treshold", "did you mean `threshold`?"),
        ({"expect": {"rowz": 1}}, "expect.rowz", "did you mean `rows`?"),
        ({"qqq": 1}, "qqq", "known here: schema_version, name, dataset"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known_one(change: dict[str, Any], field: str, fix: str) -> None:
    """At every level of the file."""
    with pytest.raises(SpecError) as caught:
        spec.validate({**GOOD, **change})
    assert caught.value.field == field
    assert str(caught.value.fix).startswith(fix)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "x" * 5000}, "name"),
        ({"name": "../../etc"}, "name"),
        ({"name": 5}, "name"),
        ({"dataset": {"source": {"path": "a.csv"}, "target": "y"}}, "dataset.source.type"),
        ({"dataset": {"source": {"type": "file"}}}, "dataset"),
        ({"dataset": {"target": "y"}}, "dataset"),
        ({"dataset": 7}, "dataset"),
        ({"processing": 4}, "processing"),
        ({"processing": {"recipee": "x"}}, "processing.recipee"),
        ({"processing": ["split"]}, "processing[0]"),
        ({"processing": [{"a": 1, "b": 2}]}, "processing"),
        ({"evaluation": {"slices": [1]}}, "evaluation.slices[0]"),
        ({"evaluation": {"slices": [["a", 2]]}}, "evaluation.slices[0][1]"),
        ({"evaluation": {"gates": "accuracy >= 1"}}, "evaluation.gates"),
        ({"evaluation": {"level": 3}}, "evaluation.level"),
        ({"evaluation": {"task": "ranking"}}, "evaluation.task"),
        ({"tags": {"a": 1}}, "tags.a"),
        ({"seed": -1}, "seed"),
        ({"timeout": 0}, "timeout"),
        ({"tags": {"a": "b\0c"}}, "tags.a"),
    ],
)
def test_a_wrong_value_is_named_as_it_was_written(change: dict[str, Any], field: str) -> None:
    """The path has no name of ours in it; what was found is short."""
    with pytest.raises(SpecError) as caught:
        spec.validate({**GOOD, **change})
    problem = caught.value.problem()
    assert problem.field == field
    assert len(problem.found or "") < 250
    assert len(problem.detail) < 300
    assert "pydantic" not in problem.model_dump_json()


def test_every_wrong_field_is_told_at_once() -> None:
    """Four mistakes, four entries; a misspelt key is not missing as well."""
    wrong = {"nam": "x", "dataset": {"source": {"type": "file"}, "target": "y", "tipes": {}}, "model": 3, "evaluation": {"level": 9}}
    with pytest.raises(SpecError) as caught:
        spec.validate(wrong)
    assert [error.field for error in caught.value.errors] == ["dataset.tipes", "model", "evaluation.level", "nam"]
    assert caught.value.message.startswith("4 fields of the run file are wrong")


def test_reading_says_what_is_wrong_with_the_path(tmp_path: Path) -> None:
    """A missing file, a folder, an endless file."""
    with pytest.raises(NotFoundError, match="no run file"):
        spec.read(tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        spec.read(tmp_path)
    big = tmp_path / "big.yaml"
    big.write_text("a: " + "x" * (spec.MAX_BYTES + 1))
    with pytest.raises(SpecError, match="has 1,048,580 bytes"):
        spec.read(big)
    good = tmp_path / "run.yaml"
    good.write_bytes(b"\xef\xbb\xbfname: x")
    assert spec.read(good) == {"name": "x"}
