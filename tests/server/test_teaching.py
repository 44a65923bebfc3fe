"""Labels act over HTTP as in the library: recalibration, quiet times, training anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving import QUICK, wait
from starlette.testclient import TestClient

from offbeat import Labels, read_series, recalibrate
from offbeat.thresholds import FBetaThreshold

API = "/api/v1"


@pytest.fixture(scope="module")
def ids(client: TestClient, table: Path) -> dict[str, str]:
    """A scored series with two labels: the event, and a calm stretch."""
    params = {"name": "taught"}
    series = client.post(f"{API}/series", params=params, content=table.read_bytes()).json()["id"]
    asked = {"train": 0.6, "settings": QUICK}
    trained = wait(client, client.post(f"{API}/series/{series}/train", json=asked).json())
    model = trained["model_id"]
    job = client.post(f"{API}/detections", json={"series_id": series, "model_id": model}).json()
    found = wait(client, job)["detection_id"]
    for start, end, verdict in (
        ("2026-01-05T11:40:00Z", "2026-01-05T12:10:00Z", "missed"),
        ("2026-01-05T13:00:00Z", "2026-01-05T13:30:00Z", "false alarm"),
        ("2026-01-05T14:00:00Z", "2026-01-05T14:10:00Z", "expected"),
    ):
        body = {"start": start, "end": end, "verdict": verdict}
        assert client.post(f"{API}/series/{series}/labels", json=body).status_code == 201
    return {"series": series, "model": model, "detection": found}


def test_a_recalibration_is_the_librarys(
    client: TestClient, ids: dict[str, str], table: Path
) -> None:
    body = {"series_id": ids["series"], "goal": "fbeta:2"}
    shown = client.post(f"{API}/models/{ids['model']}/recalibrate", json=body).json()
    bench = client.app.state.bench  # type: ignore[attr-defined]
    labels: Labels = bench.labels.said(ids["series"])
    fitted = bench.models.detector(ids["model"])
    expected = recalibrate(
        fitted, fitted.detect(read_series(table)), labels, goal=FBetaThreshold(2.0)
    ).to_dict()
    assert shown["factor"] == expected["factor"]
    assert shown["before"] == expected["before"]
    assert shown["after"] == expected["after"]


def test_it_is_applied_and_undone_like_any_cut(client: TestClient, ids: dict[str, str]) -> None:
    model, body = f"{API}/models/{ids['model']}", {"series_id": ids["series"]}
    before = client.get(f"{API}/detections/{ids['detection']}").json()
    proposed = client.post(f"{model}/recalibrate", json=body).json()
    cut = client.post(f"{model}/recalibrate/apply", json=body).json()
    assert "3 labels" in cut["title"]
    now = client.get(f"{API}/detections/{ids['detection']}").json()
    assert now["events"] == proposed["after"]["events"]
    client.post(f"{model}/threshold/undo")
    assert client.get(f"{API}/detections/{ids['detection']}").json() == before


def test_quiet_times_hold_and_outlive_another_cut(client: TestClient, ids: dict[str, str]) -> None:
    model = f"{API}/models/{ids['model']}"
    events = f"{API}/detections/{ids['detection']}/events"
    assert client.get(events).json()
    kept = client.put(f"{model}/mutes", json={"mutes": ["Mon 11:00-13:00"]})
    assert kept.json()["title"].endswith("1 quiet time")
    assert client.get(f"{model}/mutes").json()[0]["weekdays"] == ["Mon"]
    quiet = {each["start"] for each in client.get(events).json()}
    client.post(f"{model}/threshold", json={"threshold": "sigma:3"})
    assert client.get(f"{model}/mutes").json()[0]["weekdays"] == ["Mon"]
    url = f"{API}/detections/{ids['detection']}/thresholds/preview"
    tried = client.post(url, json={"threshold": "sigma:3"}).json()
    assert tried["events"] == len(client.get(events).json()) == len(tried["runs"])
    client.post(f"{model}/threshold/undo")
    assert {each["start"] for each in client.get(events).json()} == quiet
    client.post(f"{model}/threshold/undo")
    assert client.get(f"{model}/mutes").json() == []
    assert client.put(f"{model}/mutes", json={"mutes": [{}]}).status_code == 422


def test_a_training_with_labels_is_the_next_version_and_waits_to_be_used(
    client: TestClient, ids: dict[str, str]
) -> None:
    model = f"{API}/models/{ids['model']}"
    job = client.post(f"{model}/retrain", json={"series_id": ids["series"]})
    assert job.status_code == 202
    ended = wait(client, job.json())
    assert ended["version"] == 2
    shown = client.get(model).json()
    assert (shown["active"]["number"], shown["n_versions"]) == (1, 2)
    assert client.post(f"{model}/use", json={"version": 2}).json()["active"]["number"] == 2
    client.post(f"{model}/use", json={"version": 1})


def test_what_cannot_be_taught_is_refused(client: TestClient, ids: dict[str, str]) -> None:
    model = f"{API}/models/{ids['model']}"
    body = {"series_id": ids["series"], "goal": "sigma:3"}
    assert client.post(f"{model}/recalibrate", json=body).status_code == 422
