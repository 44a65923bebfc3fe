"""Errors: one tree, and messages that name what is near."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat import errors
from offbeat.errors import ConfigError, DataError, OffbeatError, nearest_names, one_of, whole_number

TREE = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


def test_every_error_is_a_leaf_of_the_one_tree() -> None:
    branches = OffbeatError.__subclasses__()
    own = ("offbeat.server", "offbeat.processes")  # never leave them; may be loaded
    known = {each for each in branches if not each.__module__.startswith(own)}
    assert {each for each in TREE if each is not OffbeatError} == known
    assert not any(each.__subclasses__() for each in TREE if each is not OffbeatError)


def test_the_drawn_tree_names_every_error() -> None:
    assert errors.__doc__ is not None
    drawn = [line.split()[1] for line in errors.__doc__.splitlines() if "──" in line]
    assert sorted(drawn) == sorted(each.__name__ for each in TREE if each is not OffbeatError)


def test_wrong_data_and_wrong_options_are_value_errors() -> None:
    assert {each for each in TREE if issubclass(each, ValueError)} == {ConfigError, DataError}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(), min_size=1), st.data())
def test_a_known_name_comes_back(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert one_of("kind", name, iter(names)) == name


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as told:
        one_of("kind", "sigmma", ["sigma", "mad"])
    assert str(told.value) == ("kind='sigmma' is unknown: did you mean 'sigma'? known: sigma, mad")


@pytest.mark.parametrize(
    ("name", "names", "text"),
    [
        ("a", [], "none are known"),
        ("zzz", ["a", "b"], "known: a, b"),
        ("tempo", ["x", "temp"], "did you mean 'temp'? known: x, temp"),
        (
            "temper",
            ["temper2", "te", "temp"],
            "did you mean 'temper2' or 'temp'? known: temper2, te, temp",
        ),
    ],
)
def test_the_nearest_names(name: str, names: list[str], text: str) -> None:
    assert nearest_names(name, names) == text


def test_a_long_list_is_cut_short() -> None:
    text = nearest_names("?", [f"c{i}" for i in range(100)])
    assert text.endswith(", c11 and 88 more")
    assert "more" not in nearest_names("?", [f"c{i}" for i in range(12)])


@pytest.mark.parametrize("number", [0, 2.0, True, "3", None, float("nan")])
def test_what_is_no_whole_number_or_too_small_is_refused(number: object) -> None:
    with pytest.raises(ConfigError, match="window must be a whole number >= 1"):
        whole_number("window", number, least=1)
    whole_number("window", 1, least=1)
