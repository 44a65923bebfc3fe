"""Models trained again beside the stream: taken without a gap, left out if worse, over kills."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from watchers import Watchers, lines, ndjson, until

from live_data import CHANNELS, START, STEP, clocked, rows, trained
from offbeat import (
    ConfigError,
    DataError,
    PersistenceDetector,
    StreamDetector,
    StreamOptions,
    load,
)
from offbeat.connect import ModelRule, RetrainOptions, Router, WatchOptions, watch
from offbeat.connect.fields import Row
from offbeat.connect.retraining import Retrainer
from offbeat.stream import Checkpoint, Journal, RetrainOrder, read_rows
from offbeat.stream.aside import carry_out

N_ROWS = 320


def moved(n_rows: int, seed: int) -> np.ndarray:
    """Another daily shape than the one that was learned, (T, 4)."""
    values = rows(n_rows, seed)
    values[:, :2] = np.sign(values[:, :2])
    values[:, :2] += np.random.default_rng(seed).normal(0, 0.05, (n_rows, 2))
    return values


def records(values: np.ndarray, series: str, first: int = 0) -> list[dict]:
    made = []
    for row, numbers in enumerate(values.tolist(), start=first):
        at = (START + STEP * row).astype("datetime64[s]")
        made.append(
            {"time": f"{at}Z", "series": series, **dict(zip(CHANNELS, numbers, strict=True))}
        )
    return made


def order_of(folder: Path, values: dict[str, np.ndarray]) -> tuple[RetrainOrder, StreamDetector]:
    """What a watch would ask for after these rows."""
    journal = Journal(folder / "rows")
    journal.open(None)
    stream = StreamDetector(trained("lstm"))
    stream.record = recorder = journal.recorder("*")
    for name, table in values.items():
        time = START + STEP * np.arange(len(table))
        stream.update_many(time, table, [name] * len(table))
    model = trained("lstm").save(folder / "old")
    journal.flush()
    numbers = tuple(recorder.numbers(stream.series).tolist())
    journal.close()
    order = RetrainOrder(
        model,
        stream.options,
        journal.folder,
        stream.series,
        numbers,
        int(STEP.astype("timedelta64[ns]").astype(int)) * 10_000,
        folder / "new.offbeat",
        folder / "new.state",
    )
    return order, stream


def test_a_better_model_is_taken_and_the_score_goes_on_without_a_gap(tmp_path: Path) -> None:
    table = moved(N_ROWS, 2)
    order, stream = order_of(tmp_path, {"a": table[:-20], "b": table[:-40]})
    answer = carry_out(order)
    assert answer["is_better"], answer
    stream.take_over(load(order.new_model), Checkpoint.read(order.new_state))
    whole = StreamDetector(load(order.new_model))
    time = START + STEP * np.arange(N_ROWS)
    for name, done in (("a", N_ROWS - 20), ("b", N_ROWS - 40)):
        calm = whole.update_many(time, table, [name] * N_ROWS)
        found = stream.update_many(time[done:], table[done:], [name] * (N_ROWS - done))
        np.testing.assert_allclose(found.score, calm.score[done:], rtol=1e-5)
        np.testing.assert_array_equal(found.row, calm.row[done:])
    again = StreamDetector(load(order.new_model))
    again.restore(stream.state())  # it holds no model: the file is the model


def test_a_worse_model_leaves_nothing_behind(tmp_path: Path) -> None:
    table = rows(700, 5)[:200]
    table[:160, :2] = np.random.default_rng(1).normal(0, 1, (160, 2))  # teaches nothing
    order, _ = order_of(tmp_path, {"a": table})
    answer = carry_out(order)
    assert not answer["is_better"]
    assert "left out" in answer["message"]
    assert not order.new_model.exists()
    assert not order.new_state.exists()


def test_the_journal_gives_back_what_was_written_and_no_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path, most_bytes=16 * 22 * 40)
    journal.open(None)
    recorder = journal.recorder("*")
    table = rows(300, 1)
    table[3] = np.nan
    table[5, 1] = np.nan
    for row in range(300):
        recorder(np.array([0, 1]), np.array([row, row]), table[[row, row]], ["a", "b"])
        journal.flush()
    position = journal.position()
    kept, end = read_rows(tmp_path, np.array([1]), 4)
    assert end == position
    np.testing.assert_array_equal(kept.values, table[kept.time])
    assert kept.time[-1] == 299
    assert sum(path.stat().st_size for path in tmp_path.glob("*.rows")) <= 17 * 22 * 50
    recorder(np.array([0]), np.array([300]), table[:1], ["a", "b"])
    journal.flush()
    since, _ = read_rows(tmp_path, np.array([0, 1]), 4, position)
    assert since.time.tolist() == [300]
    again = Journal(tmp_path)
    again.open(position)  # as after a kill: what came later comes again
    assert again.number("*", "b") == 1
    assert read_rows(tmp_path, np.array([0, 1]), 4, position)[0].time.tolist() == []
    recorder(np.array([0]), np.array([2]), table[:1], ["a", "b"])
    journal.close()
    again.close()


class Here:
    """A training that is done when it is asked for, in this process, so that rows are the same."""

    def __init__(self, order: RetrainOrder) -> None:
        self.order = order

    def answer(self) -> dict[str, object]:
        return carry_out(self.order)

    def close(self) -> None:
        pass


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbeat.connect.retraining.Aside", Here)
    monkeypatch.setattr("offbeat.connect.retraining.LOOK_EVERY", 0.0)


def grow(path: Path, table: np.ndarray, first: int, last: int) -> None:
    with path.open("a") as file:
        file.write(ndjson(records(table[first:last], "a", first)))


def stopping(out: Path, n_lines: int) -> Event:
    """Set once so many readings are there."""

    class Stop(Event):
        def is_set(self) -> bool:
            return len(lines(out, "reading")) >= n_lines

    return Stop()


@pytest.mark.timeout(60)
def test_a_watch_goes_on_with_the_newer_model_over_a_restart(
    tmp_path: Path, normal: Path, here: None
) -> None:
    path, out, kept = tmp_path / "in.ndjson", tmp_path / "out", tmp_path / "kept"
    table, said = moved(460, 2), list[str]()
    grow(path, table, 0, 400)

    def say(text: str) -> None:
        said.append(text)
        if "taken" in text:
            grow(path, table, 400, 430)

    def watched(n_lines: int, model: Path = normal, **named: object) -> None:
        stop = stopping(out, n_lines)
        options = WatchOptions(checkpoint=kept, every=0.0)
        watch(str(path), [str(out)], [str(model)], options=options, stop=stop, say=say, **named)  # type: ignore[arg-type]

    watched(430, retrain=RetrainOptions("14d", "20d"))
    assert any("retraining of * begins beside the stream" in each for each in said)
    assert any("taken: error" in each for each in said), said
    found = lines(out, "reading")
    assert all(each["score"] is not None for each in found[40:])
    assert [each["time"] for each in found] == [each["time"] for each in records(table[:430], "a")]
    (model,) = Path(f"{kept}.models").glob("*.offbeat")
    grow(path, table, 430, 460)
    watched(460)  # without retraining it is the newer model, too
    time = START + STEP * np.arange(460)
    newer = StreamDetector(load(model))
    wanted = newer.update_many(time[100:], table[100:], ["a"] * 360).score[-60:]
    scores = [each["score"] for each in lines(out, "reading")[-60:]]
    np.testing.assert_allclose(scores, wanted, rtol=1e-3)
    with pytest.raises(DataError, match="another model"):
        watched(460, trained("memory").save(tmp_path / "other"))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_killed_while_it_trains_and_when_it_has_nothing_is_lost(
    tmp_path: Path, normal: Path, watchers: Watchers
) -> None:
    path, out, kept, log = (tmp_path / name for name in ("in.ndjson", "out", "kept", "log"))
    table = moved(460, 2)
    arguments = [path, "--model", normal, "--to", out, "--checkpoint", kept]
    arguments += ["--every", "0.01", "--retrain", "14d", "--history", "480"]

    def said(text: str) -> int:
        return log.read_text().count(text) if log.exists() else 0

    grow(path, table, 0, 400)
    for what in ("begins beside", "taken"):
        pid = watchers.start(log, *arguments)
        until(lambda w=what: said(w) > 0, "nothing was trained")  # type: ignore[misc]
        until(kept.exists, "no checkpoint")  # before the first one all begins anew
        watchers.end(pid, signal.SIGKILL)
    assert said("begins beside") == 2
    grow(path, table, 400, 460)
    pid = watchers.start(log, *arguments)
    until(lambda: len(lines(out, "reading")) >= 460, "rows are missing")
    watchers.end(pid)
    found = lines(out, "reading")
    assert [each["time"] for each in found] == [each["time"] for each in records(table, "a")]
    assert all(each["score"] is not None for each in found[40:])
    assert "goes on from" in log.read_text()
    left = {each.suffix for each in kept.with_name("kept.models").iterdir()}
    assert left <= {".offbeat", ""}


def test_each_model_is_due_by_the_clock_of_its_data_and_one_is_trained_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[str]()

    class Instant:
        """A training that fails at once."""

        def __init__(self, order: RetrainOrder) -> None:
            self.order = order
            begun.append(order.series[0])

        def answer(self) -> dict[str, str]:
            return {"problem": "there is too little to learn from"}

        def close(self) -> None:
            pass

    monkeypatch.setattr("offbeat.connect.retraining.Aside", Instant)
    monkeypatch.setattr("offbeat.connect.retraining.LOOK_EVERY", 0.0)
    retrainer = Retrainer(RetrainOptions(100))
    streams = {f"learned:{name}": StreamDetector(trained("lstm")) for name in "abc"}
    for key, stream in streams.items():
        retrainer.follow(key, stream)
    retrainer.open()
    table = rows(330, 1)
    for row in range(330):
        for name in "abc" if row % 2 else "ab":
            streams[f"learned:{name}"].update(START + STEP * row, table[row], name)
        found = [retrainer.step(streams) for _ in range(2)]
        assert len([each for each in found if each and "begins" in each.said]) <= 1
    assert {name: begun.count(name) for name in "abc"} == {"a": 3, "b": 3, "c": 3}
    retrainer.close()
    for stream in streams.values():
        stream.record = None


def test_a_checkpoint_after_an_exchange_belongs_to_the_other_model(tmp_path: Path) -> None:
    options = StreamOptions(history=60)
    other = PersistenceDetector().fit(clocked(rows(300, 3)))
    router, again, before = (
        Router([ModelRule("*", each)], options)
        for each in (trained("lstm"), other, trained("lstm"))
    )
    table = rows(100, 7)
    came, more = (
        [Row(START + STEP * i, "a", dict(zip(CHANNELS, table[i], strict=True)), {}) for i in some]
        for some in (range(80), range(80, 100))
    )
    router.update(came, "here")
    router.exchange("*", other, same_model=False)
    path = router.state({"source here": 7}).write(tmp_path / "kept")
    assert again.restore(path) == {"source here": 7}
    assert again.update(more, "here").readings == router.update(more, "here").readings
    with pytest.raises(DataError, match="another model"):
        before.restore(path)


def test_what_cannot_be_is_said(normal: Path) -> None:
    with pytest.raises(ConfigError, match="every must be a whole number >= 60"):
        Retrainer(RetrainOptions(3))
    with pytest.raises(ConfigError, match="a duration such as"):
        Retrainer(RetrainOptions.parse("soon", None))
    unclocked = StreamDetector(PersistenceDetector().fit(rows(100)))
    with pytest.raises(ConfigError, match="7d needs a clock"):
        Retrainer(RetrainOptions("7d")).follow("*", unclocked)
    assert RetrainOptions.parse("7d", "5000") == RetrainOptions("7d", 5000)
