"""A stream that was killed goes on as if nothing had been."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from live_data import joined, streamed, trained, trouble
from offbeat import (
    Checkpoint,
    DataError,
    ModelFileError,
    Readings,
    StreamDetector,
    StreamOptions,
)

OPTIONS = StreamOptions(lateness="3h", history=50)


@pytest.mark.parametrize("name", ["calendar", "flagship", "point"])
def test_killed_and_restored_it_says_the_very_same(name: str, tmp_path: Path) -> None:
    detector, series = trained(name), trouble(220, 21)
    every = (0, 60, 140, len(series))
    whole = StreamDetector(detector, OPTIONS)
    undisturbed = [*streamed(whole, series, every), whole.finish()]
    told = list[Readings]()
    path = tmp_path / "stream.checkpoint"
    for start, end in pairwise(every):
        stream = StreamDetector(detector, OPTIONS)  # a new process
        if start:
            assert stream.restore(path) == {"file": start}
        told += streamed(stream, series.rows(start, end))
        assert stream.state({"file": end}).write(path) == path
    told.append(stream.finish())
    for array in ("score", "threshold", "expected", "row"):
        np.testing.assert_array_equal(joined(told, array), joined(undisturbed, array))
    events = [event.to_dict() for part in told for event in part.events]
    assert str(events) == str([e.to_dict() for part in undisturbed for e in part.events])
    assert events
    assert stream.counts == whole.counts
    np.testing.assert_array_equal(stream.history().values, whole.history().values)


def test_a_checkpoint_in_the_middle_of_an_event_keeps_it_and_its_id(tmp_path: Path) -> None:
    detector, series = trained("lstm"), trouble(220, 21)
    stream = StreamDetector(detector)
    for at in range(len(series)):
        reading = stream.update(series.time[at], series.values[at])
        if reading.event is not None:
            break
    path = stream.state().write(tmp_path / "c")
    again = StreamDetector(detector)
    again.restore(path)
    (closed,) = (event for event in again.finish().events if event.kind == "anomaly")
    assert (closed.id, closed.phase) == (reading.event.id, "closed")


def test_what_is_no_checkpoint_of_this_model_is_refused(tmp_path: Path) -> None:
    stream = StreamDetector(trained("lstm"))
    streamed(stream, trouble(60, 1))
    path = stream.state().write(tmp_path / "c")
    with pytest.raises(DataError, match="another model"):
        StreamDetector(trained("memory")).restore(path)
    with pytest.raises(DataError, match="does not fit this model: array"):
        StreamDetector(trained("lstm"), StreamOptions(history=5)).restore(path)
    data = path.read_bytes()
    path.write_bytes(data[:-5] + b"12345")
    with pytest.raises(ModelFileError, match="altered"):
        Checkpoint.read(path)
    path.write_bytes(data[:40])
    with pytest.raises(ModelFileError, match="is no checkpoint"):
        Checkpoint.read(path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        stream.restore(tmp_path / "nowhere")
    with pytest.raises(DataError, match="there is no folder"):
        stream.state().write(tmp_path / "nowhere" / "c")


def test_a_refused_checkpoint_changes_nothing(tmp_path: Path) -> None:
    series = trouble(120, 5)
    stream, other = StreamDetector(trained("lstm")), StreamDetector(trained("lstm"))
    streamed(stream, series.rows(0, 60))
    streamed(other, series.rows(0, 60))
    wrong = StreamDetector(trained("lstm"), StreamOptions(history=5))
    streamed(wrong, series.rows(0, 10))
    broken = wrong.state()
    del broken.arrays["line.clock.row"]
    with pytest.raises(DataError):
        stream.restore(broken)
    np.testing.assert_array_equal(
        joined(streamed(stream, series.rows(60, 110)), "score"),
        joined(streamed(other, series.rows(60, 110)), "score"),
    )
