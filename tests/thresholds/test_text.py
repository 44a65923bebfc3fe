"""Thresholds as text and as dictionaries: what comes in comes out, and nothing is guessed."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.errors import ConfigError
from offbeat.thresholds import (
    BudgetThreshold,
    CostThreshold,
    FBetaThreshold,
    FixedThreshold,
    IQRThreshold,
    MADThreshold,
    PercentileThreshold,
    POTThreshold,
    RollingThreshold,
    ScaledThreshold,
    SigmaThreshold,
    TelemanomThreshold,
    Threshold,
    parse_goal,
    parse_threshold,
    threshold_from_dict,
    threshold_text,
)
from offbeat.thresholds.text import METHODS

WRITTEN = [
    ("2.5", FixedThreshold(2.5)),
    (".5", FixedThreshold(0.5)),
    ("+1e-3", FixedThreshold(0.001)),
    ("fixed:2.5", FixedThreshold(2.5)),
    ("percentile", PercentileThreshold(99.0)),
    ("percentile:99.9", PercentileThreshold(99.9)),
    ("Sigma:4", SigmaThreshold(4.0)),
    (" mad : 3 ", MADThreshold(3.0)),
    ("iqr:3", IQRThreshold(3.0)),
    ("pot:1e-5", POTThreshold(1e-5)),
    ("fbeta:0.5", FBetaThreshold(0.5)),
    ("cost", CostThreshold(false_alarm=1.0, miss=10.0)),
    ("cost:20", CostThreshold(false_alarm=1.0, miss=20.0)),
    ("cost:20:2", CostThreshold(false_alarm=2.0, miss=20.0)),
    ("telemanom", TelemanomThreshold()),
    ("rolling", RollingThreshold()),
    ("rolling:500", RollingThreshold(500)),
    ("rolling:500rows", RollingThreshold(500)),
    ("rolling:7d", RollingThreshold(timedelta(days=7))),
    ("rolling:200ms", RollingThreshold(timedelta(milliseconds=200))),
    ("rolling:7d:mad:3.5", RollingThreshold(timedelta(days=7), MADThreshold(3.5))),
    ("rolling:500:1/1000rows", RollingThreshold(500, BudgetThreshold("1/1000rows"))),
    ("rolling:500:2.5", RollingThreshold(500, FixedThreshold(2.5))),
    ("scaled:1.2:1/week", ScaledThreshold(1.2, BudgetThreshold("1/week"))),
    ("scaled:0.5:rolling:500", ScaledThreshold(0.5, RollingThreshold(500))),
    ("budget", BudgetThreshold()),
    ("budget:2/day", BudgetThreshold("2/day")),
    ("1/week", BudgetThreshold("1/week")),
    (" 3 per day ", BudgetThreshold("3 per day")),
    ("2/1000rows", BudgetThreshold("2/1000rows")),
]
SETTINGS = [
    *(threshold for _, threshold in WRITTEN),
    POTThreshold(1e-3, level=0.9),
    TelemanomThreshold(10, 100, 0.0, 1.5, 4.5),
    RollingThreshold(timedelta(seconds=1.5), PercentileThreshold(90), every=3),
]


def test_every_method_can_be_written() -> None:
    assert {threshold.kind for _, threshold in WRITTEN} == set(METHODS)
    assert all(method.kind == kind for kind, method in METHODS.items())


@pytest.mark.parametrize(("text", "threshold"), WRITTEN)
def test_a_threshold_is_read_as_it_is_written(text: str, threshold: Threshold) -> None:
    assert parse_threshold(text) == threshold


@pytest.mark.parametrize("threshold", SETTINGS, ids=lambda method: method.title)
def test_a_threshold_comes_back_from_its_dictionary(threshold: Threshold) -> None:
    read = json.loads(json.dumps(threshold.to_dict(), allow_nan=False))
    assert read["kind"] == threshold.kind
    assert threshold_from_dict(read) == threshold


@settings(deadline=None, max_examples=60)
@given(st.floats(1e-300, 1e300))
def test_any_number_comes_back_from_text(value: float) -> None:
    assert parse_threshold(str(value)) == parse_threshold(f"fixed:{value}") == FixedThreshold(value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read: write '1/week'"),
        ("percentil:99", "did you mean 'percentile'"),
        ("nan", "'nan' cannot be read"),
        ("percentile:", "'' is no number"),
        ("percentile:a", "'a' is no number"),
        ("percentile:1:2", "has 2 numbers, at most 1 fit"),
        ("telemanom:5", "has 1 numbers, at most 0 fit"),
        ("cost:1:2:3", "has 3 numbers, at most 2 fit"),
        ("fixed", "write 'fixed:2.5'"),
        ("2.5.1", "'2.5.1' is no number"),
        ("-1", "fixed threshold must be .* -1.0 came"),
        ("1e999", "fixed threshold must be .* inf came"),
        ("percentile:100", "percentile q must be .* 100.0 came"),
        ("1/fortnight", "duration.*'fortnight' came"),
        ("budget:week", "'week' came"),
        ("rolling:5", "rolling span must be .* 5 came"),
        ("rolling:", "duration.*'' came"),
        ("rolling:7d:telemanom", "must be static, 'telemanom, window 2100' came"),
        ("rolling:7d:rolling:7d", "must be static, 'rolling 7d"),
        ("rolling:7d:fbeta", "without labels"),
        ("rolling:999999 years", "at most 292 years"),
        ("1/999999 years", "at most 292 years"),
    ],
)
def test_text_that_cannot_be_read_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_threshold(text)


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("1059.e-+:/ rowsdaypermfixculg")) | st.text())
def test_any_text_is_a_threshold_or_is_refused(text: str) -> None:
    with suppress(ConfigError):
        assert isinstance(parse_threshold(text), Threshold)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "needs its 'kind' and settings, {} came"),
        ({"kind": 3}, "needs its 'kind'"),
        ("sigma", "needs its 'kind' and settings, 'sigma' came"),
        ({"kind": "sigmas"}, "threshold kind='sigmas' is unknown: did you mean 'sigma'"),
        ({"kind": "sigma", "kk": 3}, "the sigma threshold has no setting 'kk'.*known: k"),
        ({"kind": "fixed"}, "the fixed threshold needs the setting 'level'"),
        ({"kind": "sigma", "k": -1}, "must be a number in .* -1 came"),
        ({"kind": "sigma", "k": "3"}, "'3' came"),
        ({"kind": "sigma", "k": None}, "None came"),
        ({"kind": "rolling", "base": "sigma"}, "needs its 'kind' and settings, 'sigma' came"),
        ({"kind": "rolling", "span": "soon"}, "duration.*'soon' came"),
        ({"kind": "rolling", "span": None}, "None came"),
        ({"kind": "budget", "false_alarms": 7}, "7 came"),
    ],
)
def test_a_dictionary_that_fits_no_method_is_refused(settings: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        threshold_from_dict(settings)


@pytest.mark.parametrize(
    "text",
    [
        *("1/week", "2/1000rows", "percentile:99.5", "sigma:3", "iqr", "mad:3.5", "pot:1e-05"),
        *("telemanom", "rolling:7d", "rolling:1000:mad:3.5", "fbeta:2", "cost:10:2", "fixed:2.5"),
        *("scaled:1.2:1/week", "scaled:0.5:rolling:500"),
    ],
)
def test_a_threshold_as_text_is_read_back(text: str) -> None:
    threshold = parse_threshold(text)
    assert parse_threshold(threshold_text(threshold)) == threshold
    assert "{" not in threshold_text(threshold)


def test_what_has_no_text_is_written_as_json() -> None:
    threshold = TelemanomThreshold(batch=10, window=100)
    assert parse_threshold(threshold_text(threshold)) == threshold
    with pytest.raises(ConfigError, match="no JSON"):
        parse_threshold("{kind")


@pytest.mark.parametrize("text", ["sigma:3", "1/week", "nonsense", "2.5"])
def test_what_is_no_goal_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_goal(text)
    assert parse_goal("cost:5:1") == CostThreshold(1.0, 5.0)
