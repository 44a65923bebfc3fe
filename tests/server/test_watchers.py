"""Watchers over the API: rows come out as the library scores them, labels act on the next one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from live_watching import N_ROWS, ODD, by_library, grow, ids, lines, pump, quick_model, same, until
from serving import API, READ_TOKEN, bearer, is_problem
from starlette.testclient import TestClient

from offbeat import StreamDetector, load, parse_threshold
from offbeat.server.app import create_app
from offbeat.server.options import Limits, ServerOptions
from offbeat.server.workbench.watching import keeper
from offbeat.stream.teaching import exchange

SECRET = "hunter2secret"


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick_model().save(tmp_path_factory.mktemp("model") / "normal.offbeat")


@pytest.fixture(scope="module")
def live(options: ServerOptions) -> Path:
    return options.data / "live"


@pytest.fixture(scope="module")
def model(client: TestClient, detector: Path) -> str:
    made = client.post(f"{API}/models", params={"name": "pumps"}, content=detector.read_bytes())
    return made.json()["id"]


@pytest.fixture
def watched(
    client: TestClient, live: Path, model: str, tmp_path: Path
) -> Iterator[Callable[..., tuple[str, Path]]]:
    """Makes watchers of files of their own; they are gone afterwards."""
    made = list[str]()

    def make(text: str = "", **more: Any) -> tuple[str, Path]:
        path = live / f"{tmp_path.name}-{len(made)}.ndjson"
        path.write_text(text)
        body = {"name": path.stem, "source": str(path), "models": [{"model_id": model}], **more}
        answer = client.post(f"{API}/watchers", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return made[-1], path

    yield make
    for each in made:
        client.delete(f"{API}/watchers/{each}")


@pytest.fixture
def about(client: TestClient) -> Callable[[str], dict[str, Any]]:
    def ask(watcher: str) -> dict[str, Any]:
        return client.get(f"{API}/watchers/{watcher}").json()

    return ask


def readings(client: TestClient, watcher: str, **asked: Any) -> list[dict[str, Any]]:
    return client.get(f"{API}/watchers/{watcher}/readings", params=asked).json()


def test_rows_come_out_as_the_library_scores_them_over_stops(
    client, watched, about, detector
) -> None:
    series = pump()
    watcher, path = watched(lines(series, 0, 50))
    until(lambda: about(watcher)["rows"] == 50, "the first rows")
    assert about(watcher)["state"] == "running"
    is_problem(client.post(f"{API}/watchers/{watcher}/start"), 409)
    stopped = client.post(f"{API}/watchers/{watcher}/stop").json()
    assert (stopped["state"], stopped["problem"]) == ("stopped", None)
    is_problem(client.post(f"{API}/watchers/{watcher}/stop"), 409)

    grow(path, lines(series, 50) + "no row at all\n")
    client.post(f"{API}/watchers/{watcher}/start")
    until(lambda: about(watcher)["rows"] == N_ROWS, "the other rows")
    said = readings(client, watcher)
    theirs = by_library(StreamDetector(detector), series)
    assert same(said, theirs)
    assert [each["time"] for each in readings(client, watcher, minutes=180)] == [
        each["time"] for each in said[-3:]
    ]
    events = client.get(f"{API}/watchers/{watcher}/events").json()
    assert {each["id"] for each in events} == ids(theirs)
    event = next(each for each in events if each["start_time"] == said[ODD[0]]["time"])
    assert (event["kind"], event["event"]["channel"]) == ("anomaly", "flow")
    now = until(lambda: about(watcher)["refused"] and about(watcher), "what was refused")
    assert (now["refused"], now["events"], now["series"]) == (1, len(events), ["pump"])
    assert "JSON was expected" in now["last_refused"][0]["reason"]
    assert now["lag"] > 0
    file = client.get(f"{API}/watchers/{watcher}/events/file").text.splitlines()
    assert [each.partition(",")[0] for each in file[1:]] == [each["id"] for each in events]
    line = f'offbeat_watcher_rows{{id="{watcher}",watcher="{path.stem}"}} {N_ROWS}.0'
    assert line in client.get("/metrics").text


def test_a_killed_watcher_begins_anew_and_says_why(client, watched, about, detector) -> None:
    series = pump()
    watcher, path = watched(lines(series, 0, 50))
    until(lambda: about(watcher)["rows"] == 50, "the first rows")
    os.kill(client.app.state.bench.watchers.pid(watcher), signal.SIGKILL)
    grow(path, lines(series, 50))
    until(lambda: about(watcher)["state"] == "restarting", "its end")
    assert about(watcher)["problem"] == "the process ended with signal 9"
    until(lambda: about(watcher)["rows"] == N_ROWS, "the other rows")
    assert about(watcher)["restarts"] == 1
    said = readings(client, watcher)
    theirs = by_library(StreamDetector(detector), series)
    assert same(said, theirs)
    assert about(watcher)["events"] == len(ids(theirs))


def test_a_watcher_that_crashes_too_often_has_failed(client, watched, about, monkeypatch) -> None:
    monkeypatch.setattr(keeper, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(keeper, "MOST_RESTARTS", 1)
    watcher, _ = watched(lines(pump(5)))
    bench = client.app.state.bench
    for number in range(2):
        until(lambda n=number: about(watcher)["restarts"] == n, "a beginning")
        until(lambda: about(watcher)["state"] == "running", "its run")
        os.kill(bench.watchers.pid(watcher), signal.SIGKILL)
        until(lambda: about(watcher)["state"] != "running", "its end")
    failed = until(lambda: about(watcher)["state"] == "failed" and about(watcher), "giving up")
    assert failed["problem"] == "the process ended with signal 9"
    assert client.post(f"{API}/watchers/{watcher}/start").json()["problem"] is None
    until(lambda: about(watcher)["state"] == "running", "a person's start")


def test_a_cut_a_mute_and_a_version_act_on_the_next_row(
    client, watched, about, detector, model
) -> None:
    series = pump(odd=(ODD, (140, 144)))
    watcher, path = watched(lines(series, 0, 60))
    until(lambda: about(watcher)["rows"] == 60, "the first rows")
    stream = StreamDetector(detector)
    theirs = [by_library(stream, series, 0, 60)]

    cut = client.post(f"{API}/models/{model}/threshold", json={"threshold": "percentile:99"})
    assert cut.status_code == 200, cut.text
    other_cut = load(detector).set_threshold(parse_threshold("percentile:99"))
    exchange(stream, other_cut, same_model=True)
    grow(path, lines(series, 60, 100))
    until(lambda: about(watcher)["rows"] == 100, "rows under another cut")
    theirs.append(by_library(stream, series, 60, 100))

    quiet = client.put(f"{API}/models/{model}/mutes", json={"mutes": ["channels=flow"]})
    assert quiet.status_code == 200, quiet.text
    upload = {"name": "pumps", "model_id": model}
    grow(path, lines(series, 100, 146))
    until(lambda: about(watcher)["rows"] == 146, "rows of a quiet time")
    theirs.append(by_library(stream, series, 100, 146))
    events = client.get(f"{API}/watchers/{watcher}/events").json()
    muted = {each["start_time"] for each in events if (each.get("event") or {}).get("muted_by")}
    said = readings(client, watcher)
    assert said[140]["time"] in muted
    assert said[60]["time"] not in muted

    other = client.post(f"{API}/models", params=upload, content=detector.read_bytes()).json()
    assert other["active"]["number"] == 2
    grow(path, lines(series, 146))
    until(lambda: about(watcher)["rows"] == N_ROWS, "rows of another version")
    exchange(stream, load(detector), same_model=True)  # its history leads where the old one stood
    theirs.append(by_library(stream, series, 146))
    said, done = readings(client, watcher), 0
    for part in theirs:
        mine = said[done : done + len(part)]
        done += len(part)
        assert same(mine, part, "threshold")
        assert same(mine, part) or part is theirs[-1]
    assert [each["score"] for each in said[146:]] == pytest.approx(theirs[-1].score, rel=1e-5)
    assert about(watcher)["in_use"]["*"]["number"] == 2


def test_a_false_alarm_becomes_a_label_that_acts_on_the_next_row(
    client, watched, about, model
) -> None:
    again = tuple((first, first + 4) for first in (60, 84, 108))
    series = pump(170, odd=(*again, (156, 160)))
    watcher, path = watched(lines(series, 0, 140))
    until(lambda: about(watcher)["rows"] == 140, "the first rows")
    here = f"{API}/watchers/{watcher}"
    events = client.get(f"{here}/events").json()
    starts = [readings(client, watcher)[first]["time"] for first, _ in again]
    alarms = [each for each in events if each["start_time"] in starts]
    assert len(alarms) == 3
    bench = client.app.state.bench
    assert watcher in [each for each, _ in bench.watchers._due()]
    for each in alarms:
        said = client.post(f"{here}/events/{each['id']}/feedback", json={"feedback": "false alarm"})
        assert said.status_code == 200, said.text
    assert sum(e["verdict"] == "false alarm" for e in client.get(f"{here}/events").json()) >= 3
    assert watcher not in [each for each, _ in bench.watchers._due()]
    (live,) = client.get(f"{here}/series").json()
    recorded = client.get(f"{API}/series/{live['series_id']}").json()
    assert (recorded["n_rows"], recorded["n_labels"]) == (140, 3)
    detections = client.get(f"{API}/detections", params={"series_id": recorded["id"]}).json()
    kept = client.get(f"{API}/detections/{detections[0]['id']}/events").json()
    assert sum(each["verdict"] == "false alarm" for each in kept) >= 3

    found = client.post(f"{here}/recalibrate", json={}).json()
    assert found["precedents"]
    applied = client.post(f"{here}/recalibrate/apply", json={})
    assert applied.status_code == 200, applied.text
    grow(path, lines(series, 140))
    until(lambda: about(watcher)["rows"] == len(series), "rows after the lesson")
    at = readings(client, watcher)[157]["time"]
    events = client.get(f"{here}/events").json()
    alike = next(each for each in events if each["start_time"] <= at <= each["end_time"])
    assert alike["event"]["muted_by"].startswith("like the false alarm at")
    assert client.post(f"{API}/models/{model}/threshold/undo").status_code == 200
    cleared = client.post(f"{here}/events/{alarms[0]['id']}/feedback", json={"feedback": "clear"})
    assert cleared.json() is None
    assert client.get(f"{API}/series/{recorded['id']}").json()["n_labels"] == 2


def test_a_live_feed_tells_what_comes(client, watched, about) -> None:
    series = pump(20)
    watcher, path = watched(lines(series, 0, 5))
    until(lambda: about(watcher)["rows"] == 5, "the first rows")
    bench, told = client.app.state.bench, list[str]()
    first = bench.watchers.feed.since(watcher, "")
    assert ([each["time"] for each in first[0]], first[1]) == (times(series, 0, 5), [])
    grow(path, lines(series, 5, 9))
    until(lambda: about(watcher)["rows"] == 9, "more rows")
    again = bench.watchers.feed.since(watcher, first[2])
    assert [each["time"] for each in again[0]] == times(series, 5, 9)
    assert bench.watchers.feed.since(watcher, again[2])[0] == []
    client.app.state.stopping.clear()
    heard = Thread(target=lambda: told.append(client.get(f"{API}/watchers/{watcher}/live").text))
    heard.start()
    time.sleep(0.4)
    grow(path, lines(series, 9))
    until(lambda: about(watcher)["rows"] == 20, "the last rows")
    time.sleep(0.4)
    client.delete(f"{API}/watchers/{watcher}")  # which ends the feed
    heard.join()
    assert told[0].count("event: reading") == 11
    assert "event: state" in told[0]
    assert series_times(told[0]) == times(series, 9, 20)


def times(series: Any, first: int, last: int) -> list[str]:
    return [f"{each.astype('datetime64[s]')}Z" for each in series.time[first:last]]


def series_times(text: str) -> list[str]:
    parts = [part for part in text.split("\n\n") if "event: reading" in part]
    return [json.loads(part.partition("data: ")[2])["time"] for part in parts]


# ------------------------------------------------------------ what may not be


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("/etc/passwd", 403, "no folder that a watcher may read"),
        ("file:///etc/passwd", 403, "no folder"),
        ("sqlite:////etc/x.db?query=SELECT 1", 403, "no folder"),
        ("{data}/offbeat.sqlite", 403, "no folder"),
        ("sqlite:///{data}/offbeat.sqlite?query=SELECT 1", 403, "no folder"),
        ("{live}/../offbeat.sqlite", 403, "no folder"),
        ("{live}/link", 403, "no folder"),
        ("-", 403, "terminal"),
        ("ftp://somewhere/file", 422, "is no source"),
        ("nats://host:99999/x", 422, "no address of a source"),
        ("postgresql://u:" + SECRET + "@h/d", 422, "asks nothing"),
        ("sqlite:///{live}/x.db%3Fmode=rw?query=SELECT 1", 422, "question mark"),
        ("x\ny", 422, "printable"),
    ],
)
def test_sources_that_may_not_be_are_refused(
    client, model, live, source: str, status: int, words: str
) -> None:
    link = live / "link"
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/passwd")
    body = {"name": "x", "models": [{"model_id": model}]}
    body["source"] = source.format(data=live.parent, live=live)
    said = is_problem(client.post(f"{API}/watchers", json=body), status)
    assert words in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"sinks": ["/tmp/out.ndjson"]}, 403, "may write"),
        ({"sinks": ["table:"]}, 403, "terminal"),
        ({"sinks": ["prometheus://0.0.0.0:9464"]}, 403, "terminal"),
        ({"sinks": ["notify:json://a"] * 2}, 422, "different sinks"),
        ({"models": []}, 422, "1 to 20 models"),
        ({"models": [{"model_id": "none"}]}, 404, "no model none"),
        ({"models": [{"series": "*"}]}, 422, "name a model"),
        ({"models": [{"series_id": "none"}]}, 409, "no model judges"),
        ({"options": {"history": 10**9}}, 422, "history is 1 to"),
        ({"options": {"lateness": "soon"}}, 422, "soon"),
        ({"options": {"speed": 1}}, 422, "speed"),
        ({"name": ""}, 422, "a name is 1 to"),
    ],
)
def test_choices_that_cannot_be_are_refused(
    client, model, live, more: dict[str, Any], status: int, words: str
) -> None:
    body = {"name": "x", "models": [{"model_id": model}], "source": str(live / "x.ndjson"), **more}
    assert words in is_problem(client.post(f"{API}/watchers", json=body), status)


def test_passwords_are_never_shown(client, watched, about, caplog) -> None:
    source = f"postgresql://offbeat:{SECRET}@127.0.0.1:1/x?query=SELECT 1"
    sinks = [f"notify:slack://{SECRET}/b/c", f"redis://:{SECRET}@127.0.0.1:1/out"]
    watcher, _ = watched(source=source, sinks=sinks)
    away = until(lambda: about(watcher)["note"] and about(watcher), "that something is away")
    assert "is away" in away["note"]
    assert away["source"] == "postgresql://offbeat:***@127.0.0.1:1/x?query=SELECT 1"
    assert away["sinks"] == ["notify:slack://***", "redis://:***@127.0.0.1:1/out"]
    for path in ("", f"/{watcher}", f"/{watcher}/events"):
        assert SECRET not in client.get(f"{API}/watchers{path}").text
    assert SECRET not in caplog.text
    assert SECRET not in client.get("/metrics").text


def test_a_source_that_cannot_be_read_is_a_failure_with_its_reason(client, watched, about) -> None:
    watcher, _ = watched(source=str(client.app.state.options.data / "live" / "a?follow=no"))
    failed = until(lambda: about(watcher)["state"] == "failed" and about(watcher), "the failure")
    assert "is no file" in failed["problem"]
    assert failed["restarts"] == 0


def test_readers_look_and_nothing_else(guarded: TestClient, guarded_options) -> None:
    reader = bearer(READ_TOKEN)
    assert guarded.get(f"{API}/watchers", headers=reader).json() == []
    assert guarded.get(f"{API}/watchers").status_code == 401
    body = {"name": "x", "models": [], "source": "x"}
    is_problem(guarded.post(f"{API}/watchers", json=body, headers=reader), 403)
    for path in ("x/start", "x/stop", "x/record", "x/events/y/feedback", "x/recalibrate/apply"):
        is_problem(guarded.post(f"{API}/watchers/{path}", json={}, headers=reader), 403)
    is_problem(guarded.delete(f"{API}/watchers/x", headers=reader), 403)
    is_problem(guarded.get(f"{API}/watchers/x", headers=reader), 404)


# ------------------------------------------------------------ the server stops


def test_the_next_start_goes_on_and_there_is_a_limit(inline, detector, tmp_path, request) -> None:
    options = ServerOptions(data=tmp_path / "data", grace=0.0, limits=Limits(watchers=1))
    series, path = pump(), tmp_path / "data" / "live" / "rows.ndjson"
    with TestClient(create_app(options), base_url="http://127.0.0.1") as client:
        upload = {"name": "pumps"}
        made = client.post(f"{API}/models", params=upload, content=detector.read_bytes()).json()
        path.write_text(lines(series, 0, 70))
        body = {"name": "x", "models": [{"model_id": made["id"]}], "source": str(path)}
        watcher = client.post(f"{API}/watchers", json=body).json()["id"]
        assert "limit" in is_problem(client.post(f"{API}/watchers", json=body), 409)
        is_problem(client.delete(f"{API}/models/{made['id']}"), 409)
        until(lambda: client.get(f"{API}/watchers/{watcher}").json()["rows"] == 70, "70 rows")
        pid = client.app.state.bench.watchers.pid(watcher)
    assert not Path(f"/proc/{pid}").exists()
    grow(path, lines(series, 70))
    with TestClient(create_app(options), base_url="http://127.0.0.1") as client:
        until(lambda: client.get(f"{API}/watchers/{watcher}").json()["rows"] == N_ROWS, "the rest")
        assert same(readings(client, watcher), by_library(StreamDetector(detector), series))
