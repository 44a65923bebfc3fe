"""Fleets: any form of data gives the same, a run goes on where it was, and one failure is one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import fsspec
import polars as pl
import pytest

from fleet_data import TINY, frames, same_scores, write_files, write_long
from offbeat import ConfigError, DataError, LSTMDetector, ModelFileError, Training
from offbeat.cli.fleets import Taught
from offbeat.cli.options import Cutting, Reading
from offbeat.fleet import Fleet, FleetProgress, driver, engine, fleetwide, rank_fleet
from offbeat.fleet import runs as runs_module
from offbeat.fleet.engine import Answer, Inline
from offbeat.fleet.job import Job
from offbeat.fleet.places import Place
from offbeat.fleet.plan import Shard, Wanted
from offbeat.fleet.runs import parse_memory
from offbeat.fleet.work import do_task
from offbeat.processes import Message, WorkerLostError
from offbeat.storable import plain
from offbeat.thresholds import PercentileThreshold, SigmaThreshold


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files, models and scores of five good series and four that cannot be done."""
    folder = tmp_path_factory.mktemp("fleet")
    fleet = frames()
    fleet["still"] = fleet["pump 0"].with_columns(flow=pl.lit(3.0))
    fleet["short"] = fleet["pump 0"].head(5)
    data = write_files(folder / "data", fleet)
    (data / "broken.parquet").write_bytes(b"PAR1 and no end")
    (data / "pump 0.json").write_text('{"flow": 1}\n')
    (data / "notes.md").write_text("no table")
    made = Fleet(str(data), workers=0, shard_series=3)
    made.train(str(folder / "models"), TINY, train=0.8)
    made.score(str(folder / "models"), str(folder / "scores"))
    return folder


def test_what_cannot_be_done_says_why_and_stops_nobody(done: Path) -> None:
    run = Fleet(str(done / "data"), workers=0, shard_series=3).train(
        str(done / "models"), TINY, train=0.8
    )
    assert (run.succeeded, run.failed, run.fresh) == (4, 4, 0)
    reasons = dict(run.failures.iter_rows())
    assert "2 files are called so: pump 0.csv, pump 0.json" in reasons["pump 0"]
    assert "end is missing" in reasons["broken"]
    assert set(reasons) == {"pump 0", "broken", "short", "still"}
    assert all("\n" not in reason for reason in reasons.values())


def test_a_detector_of_the_store_is_an_ordinary_one(done: Path) -> None:
    store = Fleet.open(str(done / "models"))
    assert list(store) == [f"pump {n}" for n in range(1, 5)]
    assert "pump 2" in store
    assert "pump 0" not in store
    detector = store.detector("pump 2")
    assert isinstance(detector, LSTMDetector)
    kept = pl.read_parquet(done / "scores" / "scores" / "*.parquet").filter(key="pump 2")
    score = detector.detect(frames()["pump 2"]).score
    assert abs(kept["score"].fill_null(0) - pl.Series(score).fill_nan(0)).max() < 1e-5
    with pytest.raises(DataError, match=r"no model of 'pump 9'.*'pump 4'"):
        store.detector("pump 9")
    pack = next((done / "models" / "packs").glob("*.pack"))
    assert b"pickle" not in pack.read_bytes()


@pytest.mark.parametrize("form", ["long.csv", "long.csv.gz", "hive", "glob", "memory", "parts"])
def test_every_form_gives_the_same(done: Path, tmp_path: Path, form: str) -> None:
    fleet = {key: frame for key, frame in frames().items() if key != "pump 0"}
    data, key = str(tmp_path / form), "pump"
    if form == "long.csv":
        write_long(Path(data), fleet)
    elif form == "long.csv.gz":
        Path(data).write_bytes(gzip.compress(write_long(tmp_path / "l.csv", fleet).read_bytes()))
    elif form == "hive":
        for name, frame in fleet.items():
            part = tmp_path / form / f"pump={name}"
            part.mkdir(parents=True)
            frame.head(100).write_parquet(part / "0.parquet")
            frame.tail(-100).write_parquet(part / "1.parquet")
    elif form == "parts":
        for number, name in enumerate(fleet):
            one = fleet[name].with_columns(other=pl.lit(None, pl.Float64))
            write_long(tmp_path / form / f"{number}.parquet", {name: one})
    elif form == "glob":
        data, key = str(write_files(tmp_path / "g", fleet) / "*.csv"), None
    else:
        data = "memory://fleet"
        path = write_long(tmp_path / "m.parquet", fleet)
        fsspec.filesystem("memory").pipe_file("/fleet/m.parquet", path.read_bytes())
    place = f"memory://{tmp_path.name}" if form == "memory" else str(tmp_path)
    made = Fleet(data, key=key, workers=0)
    made.train(f"{place}/models", TINY, train=0.8)
    assert made.score(f"{place}/models", f"{place}/scores").succeeded == 4
    if form == "memory":
        fsspec.filesystem("memory").get(f"/{tmp_path.name}/scores", f"{tmp_path}/", recursive=True)
    assert same_scores(done / "scores", tmp_path / "scores")


def test_one_network_for_all(tmp_path: Path) -> None:
    data = write_files(tmp_path / "data", frames())
    for name, size in (("a", 64), ("b", 2)):
        made = Fleet(str(data), workers=0, shard_series=size)
        assert made.train(f"{tmp_path}/m{name}", TINY, mode="shared").succeeded == 5
        made.score(f"{tmp_path}/m{name}", f"{tmp_path}/s{name}")
    assert same_scores(tmp_path / "sa", tmp_path / "sb")
    store = Fleet.open(f"{tmp_path}/ma")
    one, other = (store.detector(f"pump {n}").network_.lstm.state_dict() for n in (1, 2))
    assert all(bool((one[name] == other[name]).all()) for name in one if "weight" in name)


def test_the_way_is_chosen_once_for_all_shards(tmp_path: Path) -> None:
    data = write_files(tmp_path / "data", frames(4))
    made = Fleet(str(data), workers=0, shard_series=2)
    assert made.train(str(tmp_path / "m"), TINY, mode="auto").succeeded == 4
    choice = json.loads((tmp_path / "m" / "shared.json").read_text())
    assert choice["mode"] in ("own", "shared")
    assert "deviations" in choice["reason"]
    with pytest.raises(ConfigError, match="mode='both' is unknown"):
        made.train(str(tmp_path / "n"), TINY, mode="both")  # type: ignore[arg-type]


def test_in_a_large_fleet_each_network_begins_as_one_that_learned_from_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (fleetwide, driver):
        monkeypatch.setattr(module, "BEGIN_AT", 4)
    fleet = frames(5)
    fleet["other"] = fleet["pump 0"].with_columns(heat=pl.col("flow") * 2)
    data = write_files(tmp_path / "data", fleet)
    template = TINY.fresh().set_params(training=Training(max_epochs=10))
    made = Fleet(str(data), workers=0, shard_series=2)
    assert made.train(str(tmp_path / "m"), template).succeeded == 6
    store = Fleet.open(str(tmp_path / "m"))
    epochs = {key: len(store.detector(key).training_log_.epochs) for key in store}
    assert epochs.pop("other") > 2  # not like the fleet: it began afresh
    assert set(epochs.values()) == {2}
    one, two = (store.detector(f"pump {n}").network_.lstm.state_dict() for n in (1, 2))
    assert not any(bool((one[name] == two[name]).all()) for name in one)
    assert made.score(str(tmp_path / "m"), str(tmp_path / "s")).succeeded == 6


class Stopped(Inline):
    """An engine that is killed after so many tasks."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """As `Inline`, to a sudden end."""
        yield from super().run(tasks[: self.after])
        if len(tasks) > self.after:
            raise KeyboardInterrupt


def test_a_run_goes_on_where_it_was(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "models"
    made = Fleet(str(done / "data"), workers=0, shard_series=3)
    with monkeypatch.context() as patch:
        patch.setattr(runs_module, "Inline", lambda: Stopped(1))
        with pytest.raises(KeyboardInterrupt):
            made.train(str(out), TINY, train=0.8)
    before = {mark: mark.stat().st_mtime_ns for mark in (out / "done").iterdir()}
    assert len(before) == 1
    with pytest.raises(DataError, match="not finished"):
        rank_fleet(str(out))
    told: list[FleetProgress] = []
    run = made.train(str(out), TINY, train=0.8, progress=told.append)
    assert (run.succeeded, run.failed, run.fresh, run.shards) == (4, 4, 2, 3)
    assert {mark: mark.stat().st_mtime_ns for mark in before} == before
    assert (told[-1].done, told[-1].total, told[-1].failed) == (8, 8, 4)
    made.score(str(out), str(tmp_path / "scores"))
    assert same_scores(done / "scores", tmp_path / "scores")


def test_another_run_into_the_same_place_is_refused(done: Path, tmp_path: Path) -> None:
    data, models = str(done / "data"), str(done / "models")
    with pytest.raises(
        DataError, match=r"another run .it differs in detector, train, shard_series"
    ):
        Fleet(data, workers=0).train(models)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        Fleet(data, workers=0).train(str(tmp_path))


@pytest.mark.parametrize(
    ("options", "wrong", "match"),
    [
        ({"workers": -1}, ConfigError, "workers must be a whole number >= 0"),
        ({"shard_series": 0}, ConfigError, "shard_series"),
        ({"memory": "much"}, ConfigError, "write it as 4GB"),
        ({"memory": "200MB"}, ConfigError, "at least"),
        ({"data": "nowhere"}, DataError, "no file or folder nowhere"),
        ({"data": "nowhere/*.csv"}, DataError, "nothing fits"),
        ({"data": "xyz://a"}, DataError, "xyz://a cannot be opened"),
        ({"key": "pmup"}, None, "has no column 'pmup'"),
    ],
)
def test_mistakes_are_one_line(
    done: Path, tmp_path: Path, options: dict[str, object], wrong: type[Exception], match: str
) -> None:
    given = {"data": str(done / "data"), "workers": 0, **options}
    made, out = Fleet(**given), str(tmp_path / "out")  # type: ignore[arg-type]
    if wrong is None:  # each file says so
        reasons = made.train(out, TINY).failures["reason"]
        assert reasons.str.contains("no column 'pmup'|cannot be read").all()
        return
    with pytest.raises(wrong, match=match) as told:
        made.train(out, TINY)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out" / "job.json").exists()


def test_a_store_without_models_says_so(done: Path, tmp_path: Path) -> None:
    made = Fleet(str(done / "data"), workers=0)
    with pytest.raises(ModelFileError, match="holds no models"):
        made.score(str(tmp_path), str(tmp_path / "scores"))


def test_a_series_that_memory_cannot_hold_is_recorded(tmp_path: Path) -> None:
    fleet = frames(2)
    long = pl.concat([fleet["pump 0"]] * 1000)
    data = write_long(tmp_path / "l.parquet", {"pump 1": fleet["pump 1"], "giant": long})
    made = Fleet(str(data), key="pump", workers=0, memory=750_000_000)
    run = made.train(str(tmp_path / "m"), TINY)
    assert run.succeeded == 1
    assert run.failures.row(0)[0] == "giant"
    assert "give more --memory" in run.failures.row(0)[1]


def test_rows_without_a_key_are_counted(tmp_path: Path) -> None:
    data = write_long(tmp_path / "l.csv", frames(1))
    data.write_text(data.read_text() + "2026-02-01T00:00:00,1.0,\n")
    run = Fleet(str(data), key="pump", workers=0).train(str(tmp_path / "m"), TINY)
    assert run.succeeded == 1
    assert run.failures.rows() == [("l.csv", "1 rows have no 'pump': they were left out")]


def test_memory_as_people_write_it() -> None:
    assert [parse_memory(text) for text in ("1GB", "500 MB", "2.5g", "7")] == [
        10**9, 500 * 10**6, int(2.5 * 10**9), 7,
    ]  # fmt: skip


def test_a_cut_among_the_settings_holds_unless_another_is_named() -> None:
    taught = Taught(settings=["threshold=percentile:98"])
    assert taught.template(Reading(), Cutting()).threshold == PercentileThreshold(98)
    named = taught.template(Reading(), Cutting(threshold="sigma:3"))
    assert named.threshold == SigmaThreshold(3)


def test_the_job_is_written_down(done: Path) -> None:
    job = json.loads((done / "models" / "job.json").read_text())
    assert job["detector"]["hidden_size"] == 4
    assert job["train"] == 0.8


def test_series_of_a_long_table_may_have_other_channels_and_steps(tmp_path: Path) -> None:
    fleet = frames(2)
    slow = fleet["pump 1"].with_columns(pl.col("time").dt.offset_by("0m"), heat=pl.col("flow") * 3)
    fleet["boiler"] = slow.drop("flow").gather_every(2)
    data = write_long(tmp_path / "mixed.csv", fleet)
    made = Fleet(str(data), key="pump", workers=0)
    assert made.train(str(tmp_path / "m"), TINY).succeeded == 3
    store = Fleet.open(str(tmp_path / "m"))
    assert store.detector("boiler").channels_ == ("heat",)
    assert store.detector("pump 1").channels_ == ("flow",)
    assert made.score(str(tmp_path / "m"), str(tmp_path / "s")).succeeded == 3
    steps = pl.read_parquet(tmp_path / "s" / "series" / "*.parquet").sort("key")["step_s"]
    assert steps.to_list() == [120.0, 60.0, 60.0]
    pl.read_csv(data).rename({"flow": "stream"}).write_csv(data)
    again = made.score(str(tmp_path / "m"), str(tmp_path / "t"))
    assert (again.succeeded, again.failed) == (1, 2)
    assert again.failures["reason"].str.contains("no channel 'flow'").all()


def test_a_series_that_ends_its_worker_is_found_and_recorded(tmp_path: Path) -> None:
    data = write_files(tmp_path / "data", frames(3))
    job = Job("train", str(data), detector=plain_options(TINY))
    wanted = [Wanted(f"pump {n}", str(data / f"pump {n}.csv"), 1) for n in range(3)]
    shard = Shard(0, tuple(wanted))
    out = Place(str(tmp_path / "out"))
    task = {"do": "shard", "name": shard.name, "job": job.to_dict(), "out": out.url}
    task |= {"shard": shard.to_dict(), "memory": None, "alone": True}
    note = out / "alone" / f"{shard.name}.json"
    note.write(json.dumps({"at": "pump 1", "ends": {"pump 1": 1}}).encode())  # two ends over it
    assert do_task(task) == {"name": "shard-00000", "succeeded": 2, "failed": 1}
    told = pl.read_parquet(tmp_path / "out" / "failures" / "*.parquet")
    assert told["key"].to_list() == ["pump 1"]
    assert "ended 2 times" in told["reason"][0]


def test_a_worker_that_keeps_ending_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    class Lost:
        def ask(self, task: Message) -> Message:
            asked.append(bool(task.get("alone")))
            if len(asked) < 5:
                raise WorkerLostError("gone")
            return {"name": "x"}

        def close(self) -> None:
            """Nothing runs."""

    monkeypatch.setattr(engine, "WorkerProcess", lambda *_, **__: Lost())
    answers = list(engine.LocalWorkers(1).run([{"name": "x"}]))
    assert [answer.lost for answer in answers] == [True] * 4 + [False]
    assert asked == [False, False, False, True, True]


def plain_options(detector: LSTMDetector) -> dict[str, object]:
    return {name: plain(value) for name, value in detector.get_params(deep=False).items()}
