"""Every answer over HTTP is the library's own, to the last digit."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from serving import QUICK, wait
from starlette.testclient import TestClient

from offbeat import LSTMDetector, check, load, read_series
from offbeat.io import frame_bytes
from offbeat.lesson import Lesson
from offbeat.settings import settings_in, with_settings
from offbeat.thresholds import parse_threshold

API = "/api/v1"


@pytest.fixture(scope="module")
def library(table: Path) -> Any:
    """What the library says, without a server."""
    series = read_series(table)
    detector = with_settings(LSTMDetector(), QUICK)
    fitted = detector.fit(Lesson(train=0.6).part(series))
    return fitted, fitted.detect(series)


@pytest.fixture(scope="module")
def scored(client: TestClient, table: Path) -> dict[str, str]:
    """The same over HTTP: uploaded, trained, scored."""
    body = {"name": "waves"}
    series = client.post(f"{API}/series", params=body, content=table.read_bytes())
    assert series.status_code == 201
    series_id = series.json()["id"]
    asked = {"train": 0.6, "settings": QUICK}
    trained = wait(client, client.post(f"{API}/series/{series_id}/train", json=asked).json())
    model_id = trained["model_id"]
    asked = {"series_id": series_id, "model_id": model_id}
    job = client.post(f"{API}/detections", json=asked)
    assert job.status_code == 202
    detection_id = wait(client, job.json())["detection_id"]
    return {"series": series_id, "model": model_id, "detection": detection_id}


def test_series_are_listed_with_what_they_hold(client: TestClient, scored: dict[str, str]) -> None:
    listed = client.get(f"{API}/series", params={"text": "WAV"}).json()
    assert listed["total"] == 1
    record = listed["items"][0]
    assert record["channels"] == ["a", "b"]
    assert (record["n_rows"], record["has_label"]) == (900, True)
    assert (record["start"], record["end"]) == ("2026-01-05T00:00:00Z", "2026-01-05T14:59:00Z")
    assert client.get(f"{API}/series", params={"text": "%"}).json()["items"] == []


def test_the_check(client: TestClient, scored: dict[str, str], table: Path) -> None:
    said = client.get(f"{API}/series/{scored['series']}/check").json()
    expected = json.loads(json.dumps(check(read_series(table)).to_dict()))
    assert said == expected


def test_scores(client: TestClient, scored: dict[str, str], library: Any) -> None:
    detection = library[1]
    got = client.get(f"{API}/detections/{scored['detection']}/scores", params={"format": "parquet"})
    frame = pl.read_parquet(io.BytesIO(got.content))
    assert frame.equals(detection.to_frame())
    csv = client.get(f"{API}/detections/{scored['detection']}/scores").content
    assert csv == frame_bytes(detection.to_frame(), "csv")


def test_events(client: TestClient, scored: dict[str, str], library: Any) -> None:
    detection = library[1]
    assert detection.events
    events = client.get(f"{API}/detections/{scored['detection']}/events").json()
    extra = ("number", "span", "verdict", "label_id")
    plain = [{k: v for k, v in event.items() if k not in extra} for event in events]
    assert plain == json.loads(json.dumps([event.to_dict() for event in detection.events]))
    for format_ in ("csv", "json", "jsonl"):
        got = client.get(
            f"{API}/detections/{scored['detection']}/events/file", params={"format": format_}
        )
        assert got.content == frame_bytes(detection.events_frame(), format_)


def test_all_thresholds(client: TestClient, scored: dict[str, str], library: Any) -> None:
    rows = client.get(f"{API}/detections/{scored['detection']}/thresholds").json()
    expected = [row.to_dict() for row in library[1].threshold_table()]
    assert rows == json.loads(json.dumps(expected))
    assert {"fbeta", "cost"} <= {row["threshold"]["kind"] for row in rows}


@pytest.mark.parametrize("text", ["1/hour", "percentile:97", "0.5", "rolling:200", "fbeta:1"])
def test_a_preview(client: TestClient, scored: dict[str, str], library: Any, text: str) -> None:
    url = f"{API}/detections/{scored['detection']}/thresholds/preview"
    tried = client.post(url, json={"threshold": text}).json()
    moved = library[1].with_threshold(parse_threshold(text))
    assert tried["runs"] == [[event.start, event.end] for event in moved.events]
    assert tried["alarms_per_day"] == moved.alarms_per_day
    assert tried["cut"] == float(np.median(moved.cut))


def test_a_number_and_a_dictionary_are_thresholds_too(
    client: TestClient, scored: dict[str, str]
) -> None:
    url = f"{API}/detections/{scored['detection']}/thresholds/preview"
    for threshold in (0.5, {"kind": "fixed", "level": 0.5}):
        assert client.post(url, json={"threshold": threshold}).json()["cut"] == 0.5


def test_apply_history_and_undo(client: TestClient, scored: dict[str, str], library: Any) -> None:
    model = f"{API}/models/{scored['model']}"
    before = client.get(f"{model}/threshold").json()
    cut = client.post(
        f"{model}/threshold", json={"threshold": "sigma:4"}, headers={"Offbeat-User": "mara"}
    ).json()
    assert (cut["title"], cut["created_by"], cut["in_force"]) == ("mean + 4 sigma", "mara", True)
    shown = client.get(f"{API}/detections/{scored['detection']}").json()
    moved = library[1].with_threshold(parse_threshold("sigma:4"))
    assert shown["events"] == len(moved.events)
    learned = client.post(
        f"{model}/threshold", json={"threshold": "fbeta:1", "series_id": scored["series"]}
    ).json()
    assert learned["series_id"] == scored["series"]
    assert client.post(f"{model}/threshold/undo").json()["title"] == "mean + 4 sigma"
    assert client.post(f"{model}/threshold/undo").json()["title"] == before["title"]
    assert client.post(f"{model}/threshold/undo").status_code == 409
    actions = [each["action"] for each in client.get(f"{model}/threshold/history").json()]
    assert actions == ["undo", "undo", "apply", "apply"]
    assert client.get(f"{model}/threshold").json() == before


def test_a_downloaded_model_is_the_librarys_with_the_cut_in_force(
    client: TestClient, scored: dict[str, str], library: Any, table: Path, tmp_path: Path
) -> None:
    model = f"{API}/models/{scored['model']}"
    client.post(f"{model}/threshold", json={"threshold": "mad:5"})
    path = tmp_path / "m.offbeat"
    path.write_bytes(client.get(f"{model}/file").content)
    client.post(f"{model}/threshold/undo")
    again = load(path).detect(read_series(table))
    expected = library[1].with_threshold(parse_threshold("mad:5"))
    np.testing.assert_array_equal(again.score, expected.score)
    np.testing.assert_array_equal(again.cut, expected.cut)


def test_settings_make_the_same_detector_on_the_command_line(
    client: TestClient, scored: dict[str, str], library: Any, tmp_path: Path
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(client.get(f"{API}/models/{scored['model']}/settings").content)
    made = with_settings(LSTMDetector(), settings_in(path))
    expected = library[0].get_params(deep=False) | {"threshold": library[0].threshold_}
    assert made.get_params(deep=False) == expected


def test_versions_and_roll_back(client: TestClient, scored: dict[str, str], tmp_path: Path) -> None:
    model = f"{API}/models/{scored['model']}"
    data = client.get(f"{model}/file").content
    params = {"name": "second", "model_id": scored["model"]}
    second = client.post(f"{API}/models", params=params, content=data).json()
    assert (second["active"]["number"], second["n_versions"]) == (2, 2)
    assert client.delete(f"{model}/versions/2").status_code == 409
    assert client.post(f"{model}/use", json={"version": 1}).json()["active"]["number"] == 1
    assert [each["number"] for each in client.get(f"{model}/versions").json()] == [2, 1]
    assert client.delete(f"{model}/versions/2").status_code == 204
    assert client.post(f"{model}/use", json={"version": 2}).status_code == 404


def test_labels_and_feedback(client: TestClient, scored: dict[str, str]) -> None:
    series, detection = (
        f"{API}/series/{scored['series']}",
        f"{API}/detections/{scored['detection']}",
    )
    said = client.post(f"{detection}/events/0/feedback", json={"feedback": "false alarm"}).json()
    assert (said["verdict"], said["source"]) == ("false alarm", "feedback")
    events = client.get(f"{detection}/events").json()
    assert events[0]["verdict"] == "false alarm"
    assert events[0]["span"] == [said["start"], said["end"]]
    missed = {"start": "2026-01-05T01:00:00", "end": "2026-01-05T01:10:00", "verdict": "missed"}
    added = client.post(f"{series}/labels", json=missed).json()
    changed = client.patch(f"{API}/labels/{added['id']}", json={"note": "pump"}).json()
    assert (changed["note"], changed["verdict"]) == ("pump", "missed")
    for format_ in ("csv", "json"):
        file = client.get(f"{series}/labels/file", params={"format": format_}).content
        params = {"format": format_, "replace": True}
        back = client.post(f"{series}/labels/file", params=params, content=file).json()
        assert len(back) == 2
        again = client.get(f"{series}/labels/file", params={"format": format_}).content
        assert again == file
    cleared = client.post(f"{detection}/events/0/feedback", json={"feedback": "clear"})
    assert cleared.json() is None
    for label in client.get(f"{series}/labels").json():
        assert client.delete(f"{API}/labels/{label['id']}").status_code == 204


def test_labels_move_the_figures(client: TestClient, scored: dict[str, str], library: Any) -> None:
    """What people say counts at once, in the table and in a preview."""
    url = f"{API}/detections/{scored['detection']}/thresholds/preview"
    before = client.post(url, json={"threshold": "sigma:3"}).json()
    first = client.get(f"{API}/detections/{scored['detection']}/events").json()[0]
    client.post(
        f"{API}/series/{scored['series']}/feedback",
        json={"start": first["span"][0], "end": first["span"][1], "feedback": "expected"},
    )
    after = client.post(url, json={"threshold": "sigma:3"}).json()
    assert (before["recall"], before["runs"]) != (after["recall"], None)
    assert after["runs"] == before["runs"]
    client.post(
        f"{API}/series/{scored['series']}/feedback",
        json={"start": first["span"][0], "end": first["span"][1], "feedback": "clear"},
    )
    assert client.post(url, json={"threshold": "sigma:3"}).json() == before


def test_the_description_names_every_route(client: TestClient) -> None:
    described = client.get(f"{API}/openapi.json").json()
    paths = {path.removeprefix(API) for path in described["paths"]}
    nouns = {path.strip("/").split("/")[0] for path in paths}
    assert {"series", "models", "jobs", "detections", "thresholds", "labels", "session"} <= nouns
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_a_report(client: TestClient, scored: dict[str, str]) -> None:
    page = client.get(f"{API}/detections/{scored['detection']}/report").text
    assert page.startswith("<!")


def test_scores_are_kept(client: TestClient, scored: dict[str, str]) -> None:
    asked = {"series_id": scored["series"], "model_id": scored["model"]}
    again = client.post(f"{API}/detections", json=asked)
    assert again.status_code == 200
    assert again.json()["id"] == scored["detection"]


def test_what_is_in_use_is_not_deleted_and_the_rest_goes(
    client: TestClient, table: Path, scored: dict[str, str]
) -> None:
    made = client.post(f"{API}/series", params={"name": "gone"}, content=table.read_bytes()).json()
    assert client.delete(f"{API}/series/{made['id']}").status_code == 204
    assert client.get(f"{API}/series/{made['id']}").status_code == 404
