"""Lessons: which rows are learned, and how a person writes a split or a span."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat import ConfigError, Series
from offbeat.lesson import Lesson, parse_span, parse_split


def series(n_rows: int = 100, *, order: np.ndarray | None = None) -> Series:
    rows = np.arange(n_rows) if order is None else order
    time = np.datetime64("2026-03-01", "ns") + rows * np.timedelta64(1, "m")
    return Series(rows[:, None].astype(float), time, ("a",), label=(rows % 2).astype(np.int8))


@pytest.mark.parametrize(
    ("lesson", "n_rows"),
    [
        (Lesson(), 40),
        (Lesson(train=0.7), 70),
        (Lesson(train=25), 25),
        (Lesson(train="2026-03-01T00:30"), 30),
        (Lesson(whole=True), 100),
        (Lesson(normal=((5, 50),)), 100),
        (Lesson(normal=((5, 50),), train=0.6), 60),
        (Lesson(exclude=((5, 50),)), 40),
    ],
    ids=str,
)
def test_the_training_part_is_the_one_asked_for(lesson: Lesson, n_rows: int) -> None:
    part = lesson.part(series())
    assert part.values[:, 0].tolist() == list(range(n_rows))


def test_rows_out_of_order_are_parted_by_their_time() -> None:
    order = np.random.default_rng(0).permutation(100)
    part = Lesson().part(series(order=order))
    assert part.values[:, 0].tolist() == list(range(40))
    assert part.label is not None
    assert part.label.tolist() == [0, 1] * 20


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.4", 0.4), ("5000", 5000), ("2026-03-01", "2026-03-01"), ("soon", "soon"), ("1e-1", 0.1)],
)
def test_a_split_is_a_fraction_a_row_or_a_time_stamp(text: str, value: object) -> None:
    assert parse_split(text) == value
    assert type(parse_split(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("10..20", (10, 20)),
        (" 10 .. 20 ", (10, 20)),
        ("2026-03-01..2026-03-02T12:00", ("2026-03-01", "2026-03-02T12:00")),
    ],
)
def test_a_span_is_two_rows_or_two_time_stamps(text: str, span: tuple[object, object]) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["10", "10..", "..20", "..", "", "10-20"])
def test_half_a_span_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"a span is START\.\.END"):
        parse_span(text)
