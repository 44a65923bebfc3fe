"""What goes into a model file: values as JSON knows them, arrays by dotted names."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import PersistenceDetector, Preparation, load
from offbeat.storable import part, plain, under
from offbeat.thresholds import PercentileThreshold, RollingThreshold


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (0.25, 0.25),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(False), False),
        ((1, (2, "a")), [1, [2, "a"]]),
        (timedelta(minutes=90), "90min"),
        (PercentileThreshold(95.0), {"kind": "percentile", "q": 95.0}),
        (np.timedelta64(5, "s"), "5 seconds"),
        (PercentileThreshold, str(PercentileThreshold)),
    ],
)
def test_a_value_as_json_knows_it(value: Any, written: Any) -> None:
    found = plain(value)
    assert found == written
    assert type(found) is type(written)
    json.dumps(found)


def test_groups_are_written_field_by_field() -> None:
    assert plain(Preparation(step=timedelta(minutes=5)))["step"] == "5min"
    rolling = plain(RollingThreshold(timedelta(days=7)))
    assert (rolling["kind"], rolling["span"], rolling["base"]["kind"]) == ("rolling", "7d", "sigma")


def test_arrays_come_back_from_under_their_name() -> None:
    one, other = {"a": np.zeros(2), "b.c": np.ones(1)}, {"a": np.full(3, 7.0)}
    kept = {**under("one", one), **under("one2", other)}
    assert sorted(kept) == ["one.a", "one.b.c", "one2.a"]
    assert part("one", kept) == one
    assert part("one2", kept) == other


def test_options_that_json_does_not_know_come_back_from_a_file(tmp_path: Path) -> None:
    data = contract.waves(100)
    detector = PersistenceDetector(random_state=np.int64(3))
    time = np.datetime64("2026-03-01", "ns") + np.arange(100) * np.timedelta64(60, "s")
    frame = pl.DataFrame({"time": time, "a": data[:, 0]})
    detector.set_params(preparation=Preparation(step=timedelta(minutes=1)))
    again = load(detector.fit(frame).save(tmp_path / "m.offbeat"))
    assert again.random_state == 3
    assert again.detect(frame).score.tolist() == pytest.approx(
        detector.detect(frame).score.tolist(), nan_ok=True
    )
