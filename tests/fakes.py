"""Stand-ins that need no training: a detection of any size, with events where it says."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from offbeat.events import find_events, label_runs
from offbeat.series import Series, TimeArray

SETTINGS = {
    "detector": "LSTMDetector",
    "options": {
        "window": 64,
        "horizon": None,
        "loss": "gaussian",
        "covariates": [],
        "preparation": {"step": None, "impute": "linear", "max_gap": 10},
        "rules": {"merge_gap": None, "min_length": 1},
        "threshold": {"kind": "budget", "false_alarms": "1/week"},
        "random_state": 7,
    },
    "chosen": {"window": 64, "horizon": 8, "period": 288, "best_epoch": 6},
    "trained_on": "2026-03-01T00:00:00 to 2026-03-08T00:00:00",
    "versions": {"offbeat": "0.1.0", "torch": "2.13.0", "python": "3.11.2"},
}
METHODS = (
    ("percentile 99", 0.55),
    ("percentile 99.9", 0.8),
    ("mean + 3 sigma", 0.63),
    ("IQR, k = 1.5", 0.64),
    ("MAD, k = 3.5", 0.65),
    ("extreme values, risk 0.0001", 1.1),
    ("dynamic (telemanom)", 0.9),
    ("rolling over 7 days, mean + 3 sigma", 0.66),
    ("1 false alarm a week", 1.0),
)


def fake_detection(
    n_rows: int,
    n_channels: int,
    with_labels: bool,
    *,
    n_events: int = 3,
    clock: bool = True,
    names: Sequence[str] | None = None,
    zone: str | None = None,
    check: bool = True,
) -> Any:
    """Waves with noise, `n_events` excursions in changing channels, a gap and filled-in values.

    Parameters
    ----------
    n_rows, n_channels, with_labels
        Size of the series, and whether it has labels (one more than is found, one false event).
    n_events
        How many events the score shows.
    clock
        Time stamps every five minutes, or row numbers.
    names
        Channel names.
    zone
        Zone of the series.
    check
        Whether the data check of the training part is there.
    """
    rng = np.random.default_rng(3)
    rows = np.arange(n_rows)
    shift = rng.uniform(0, 6, n_channels)
    expected = 20 + 5 * np.sin(2 * np.pi * rows[:, None] / 288 + shift)  # (T, C)
    values = expected + rng.normal(0, 0.5, expected.shape)
    score = np.abs(rng.normal(0.2, 0.1, n_rows))
    shares = rng.dirichlet(np.ones(n_channels), n_rows)
    places = np.linspace(0.45, 0.97, n_events).astype(float) * n_rows
    width = max(2, min(n_rows // 100, n_rows // (4 * max(1, n_events))))
    for i, place in enumerate(places.astype(int)):
        span, channel = slice(place, min(place + width, n_rows)), i % n_channels
        values[span, channel] += (4 + i % 5) * (-1) ** i
        score[span] = 1.3 + 0.7 * (i % 7) + 0.1 * rng.random(len(rows[span]))
        shares[span] *= 0.3
        shares[span, channel] += 0.7
    return _assembled(
        _Parts(values, expected, score, shares), with_labels, clock, names, zone, check
    )


class _Parts(SimpleNamespace):
    def __init__(self, values: Any, expected: Any, score: Any, shares: Any) -> None:
        super().__init__(values=values, expected=expected, score=score, shares=shares)


def _assembled(
    parts: _Parts,
    with_labels: bool,
    clock: bool,
    names: Sequence[str] | None,
    zone: str | None,
    check: bool,
) -> Any:
    values, score = parts.values, parts.score
    n_rows, n_channels = values.shape
    learned = np.arange(n_rows) < 0.4 * n_rows
    gap = slice(int(0.2 * n_rows), int(0.22 * n_rows))
    values[gap], score[gap], score[: min(64, n_rows // 10)] = np.nan, np.nan, np.nan
    imputed = np.zeros(values.shape, dtype=bool)
    imputed[int(0.3 * n_rows) : int(0.3 * n_rows) + 5, 0] = True
    channels = tuple(names or [f"channel {i + 1}" for i in range(n_channels)])
    label = _label(score) if with_labels else None
    series = Series(values, _time(n_rows, clock), channels, label, zone, "pump house")
    cut = np.ones(n_rows)
    events = find_events(
        score, cut, time=series.time, channels=channels, shares=parts.shares,
        actual=values, expected=parts.expected,
    )  # fmt: skip
    return FakeDetection(
        series=series, time=series.time, score=score, cut=cut, label=(score > 1).astype(np.int8),
        expected=parts.expected, lower=parts.expected - 1.5, upper=parts.expected + 1.5,
        imputed=imputed, learned=learned, channel_shares=parts.shares,
        signal_shares=np.ones((n_rows, 1)), signals=("forecast error",),
        events=events, muted_events=(),
        calibration=SimpleNamespace(score=np.where(learned, score, np.nan)),
        threshold=SimpleNamespace(title="1 false alarm a week"),
        rows_per_day=288.0 if clock else None, settings=SETTINGS, training_log=_training_log(),
        train_outliers=_outliers(series), check=_check() if check else None,
    )  # fmt: skip


class FakeDetection(SimpleNamespace):
    """The attributes of a `Detection` that figures and report read."""

    def threshold_table(self) -> list[SimpleNamespace]:
        return [self._row(method, cut) for method, cut in METHODS]

    def _row(self, method: str, cut: float) -> SimpleNamespace:
        flagged = self.score > cut
        n_events = len(label_runs(flagged))
        per_day = self.rows_per_day
        rates = (0.8, 0.75, 0.774) if self.series.label is not None else (None, None, None)
        return SimpleNamespace(
            method=method, cut=cut, flagged=float(flagged.mean()), events=n_events,
            alarms_per_day=None if per_day is None else n_events * per_day / len(self.score),
            precision=rates[0], recall=rates[1], f1=rates[2],
            note="tuned on these labels" if method.startswith("MAD") else "",
        )  # fmt: skip


def _time(n_rows: int, clock: bool) -> TimeArray:
    if not clock:
        return np.arange(n_rows)
    step = np.timedelta64(5, "m").astype("timedelta64[ns]")
    return np.datetime64("2026-03-01T00:00:00", "ns") + np.arange(n_rows) * step


def _label(score: Any) -> Any:
    """All events but the last, and one that nobody finds."""
    label = (score > 1).astype(np.int8)
    runs = label_runs(label)
    if len(runs):
        label[runs[-1, 0] :] = 0
    place = int(0.42 * len(label))
    label[place : place + 5] = 1
    return label


def _training_log() -> tuple[SimpleNamespace, ...]:
    return tuple(
        SimpleNamespace(
            epoch=i + 1, max_epochs=30, train_loss=2.0 * 0.8**i, seconds=1.4 * (i + 1),
            validation_loss=0.3 + 1.7 * 0.7**i + 0.01 * max(0, i - 6) ** 2,
        )
        for i in range(12)
    )  # fmt: skip


def _outliers(series: Series) -> tuple[SimpleNamespace, ...]:
    return tuple(
        SimpleNamespace(
            time=series.time[i], channel=series.channels[0], value=99.5,
            replaced_by=None if i % 4 else 20.25,
        )
        for i in range(0, min(8, len(series)), 2)
    )  # fmt: skip


def _check() -> SimpleNamespace:
    levels = (
        ("ok", "step", "One row every 5 min; all rows lie on it."),
        ("note", "gaps", "1 gap, 40 rows long, from 2026-03-03 04:00: it is not learned."),
        ("warning", "stuck", "'channel 1' stands still for 90 rows from 2026-03-04 11:00."),
        ("error", "history", "312 rows are there; 1,024 are needed for three periods."),
    )
    findings = [
        SimpleNamespace(level=level, topic=topic, text=text, channel=None, rows=None)
        for level, topic, text in levels
    ]
    return SimpleNamespace(findings=tuple(findings), channels=())
