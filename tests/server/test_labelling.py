"""Labels of the server are the library's: the same words, the same files, both ways."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from starlette.testclient import TestClient

import contract
from offbeat import Label, Labels, cli
from offbeat.labels import VERDICTS

API = "/api/v1"
KEPT = Path(__file__).parents[1] / "data" / "tiny.offbeat"
"""A model of channel_0 and channel_1; see tests/test_persist.py."""
FORMATS = ("csv", "json")


@pytest.fixture
def url(client: TestClient, table: Path) -> str:
    """A series with a clock, two channels, and no labels yet."""
    made = client.post(f"{API}/series", params={"name": "pump"}, content=table.read_bytes())
    return f"{API}/series/{made.json()['id']}"


def at(minute: str) -> str:
    return f"2026-01-05T{minute}:00Z"


def said(client: TestClient, url: str, start: str, end: str, verdict: str, **more: object) -> dict:
    body = {"start": at(start), "end": at(end), "verdict": verdict, **more}
    made = client.post(f"{url}/labels", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def exported(client: TestClient, url: str, format_: str) -> bytes:
    return client.get(f"{url}/labels/file", params={"format": format_}).content


def imported(client: TestClient, url: str, data: bytes | str, **params: object) -> list[dict]:
    made = client.post(f"{url}/labels/file", params=params, content=data)
    assert made.status_code == 201, made.text
    return made.json()


@pytest.mark.parametrize("format_", FORMATS)
def test_what_the_server_wrote_the_library_reads(
    client: TestClient, url: str, tmp_path: Path, format_: str
) -> None:
    for hour, verdict in enumerate(VERDICTS):
        said(client, url, f"0{hour}:10", f"0{hour}:20", verdict, channels=["b"], note='a "b", c')
    path = tmp_path / f"labels.{format_}"
    path.write_bytes(exported(client, url, format_))
    labels = Labels.read(path)
    assert [label.verdict for label in labels] == list(VERDICTS)
    assert {(label.channels, label.note, label.who) for label in labels} == {
        (("b",), 'a "b", c', "local")
    }
    assert all(label.when is not None for label in labels)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_the_library_wrote_goes_in_and_comes_out_unchanged(
    client: TestClient, url: str, tmp_path: Path, format_: str
) -> None:
    when = "2026-02-01T12:00:00.25Z"
    labels = Labels(
        (
            Label(at("01:00"), at("01:30"), "true alarm", ("a", "b"), "ann", when, "räksmörgås"),
            Label(at("02:00"), at("02:30"), "false alarm", (), "bob", when),
            Label(at("03:00"), at("03:30"), "expected", ("a",), "ann", when, "x; y"),
            Label(at("04:00"), at("04:30"), "missed", (), "ann", when),
        )
    )
    data = labels.write(tmp_path / f"labels.{format_}").read_bytes()
    made = imported(client, url, data, format=format_)
    assert [each["verdict"] for each in made] == list(VERDICTS)
    assert {each["created_by"] for each in made} == {"local"}
    assert exported(client, url, format_) == data
    assert len(imported(client, url, data, format=format_)) == 4
    assert len(client.get(f"{url}/labels").json()) == 4  # the very same spans are not doubled


@pytest.mark.parametrize("format_", FORMATS)
def test_an_export_recalibrates_on_the_command_line(
    client: TestClient, tmp_path: Path, capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    data = tmp_path / "waves.csv"
    pl.DataFrame(contract.waves(300), schema=["channel_0", "channel_1"]).write_csv(data)
    made = client.post(f"{API}/series", params={"name": "rows"}, content=data.read_bytes())
    url = f"{API}/series/{made.json()['id']}"
    for start, verdict in ((200, "false alarm"), ("100", "missed")):
        body = {"start": start, "end": int(start) + 20, "verdict": verdict}
        assert client.post(f"{url}/labels", json=body).status_code == 201
    path = tmp_path / f"labels.{format_}"
    path.write_bytes(exported(client, url, format_))
    asked = ["recalibrate", str(data), "--model", str(KEPT), "--labels", str(path)]
    assert cli.run(cli.app, asked) == 0
    assert "2 labels, cut for the best F1" in capsys.readouterr().out


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("anomaly", "true alarm"),
        ("normal", "false alarm"),
        ("Maintenance", "expected"),
        ("false_alarm", "false alarm"),
        ("missed", "missed"),
    ],
)
def test_other_words_mean_the_same_over_http_and_in_a_file(
    client: TestClient, url: str, word: str, verdict: str
) -> None:
    made = said(client, url, "01:00", "01:10", word)
    assert made["verdict"] == verdict
    changed = client.patch(f"{API}/labels/{made['id']}", json={"verdict": word}).json()
    assert changed["verdict"] == verdict
    body = {"start": at("02:00"), "end": at("02:10"), "feedback": word}
    assert client.post(f"{url}/feedback", json=body).json()["verdict"] == verdict
    text = f"start,end,verdict\n{at('03:00')},{at('03:10')},{word}\n"
    assert imported(client, url, text)[0]["verdict"] == verdict


def test_a_word_that_is_none_is_refused_with_those_there_are(client: TestClient, url: str) -> None:
    body = {"start": at("01:00"), "end": at("01:10")}
    text = f"start,end,verdict\n{at('03:00')},{at('03:10')},odd\n"
    for answer in (
        client.post(f"{url}/labels", json=body | {"verdict": "odd"}),
        client.post(f"{url}/labels", json=body | {"verdict": 1}),
        client.post(f"{url}/feedback", json=body | {"feedback": "odd"}),
        client.post(f"{url}/labels/file", content=text),
    ):
        assert answer.status_code == 422
        assert all(verdict in answer.json()["detail"] for verdict in VERDICTS)
    assert client.get(f"{url}/labels").json() == []


def test_the_description_knows_the_four_words(client: TestClient) -> None:
    parts = client.get(f"{API}/openapi.json").json()["components"]["schemas"]
    verdict = parts["Label"]["properties"]["verdict"]
    assert verdict["enum"] == list(VERDICTS)
    assert all(f"{each}:" in verdict["description"] for each in VERDICTS)
    assert parts["Said"]["properties"]["feedback"]["enum"] == [*VERDICTS, "clear"]


# ---------------------------------------------------------------- moments


@pytest.mark.parametrize(
    "moment",
    [
        "05.01.2026 03:00",
        "2026-01-05 03:00:00",
        "2026-01-05T02:00Z",
        "2026/01/05 03:00",
        "Jan 5 2026 03:00",
    ],
)
def test_moments_come_in_any_notation_on_the_clock_of_the_series(
    client: TestClient, table: Path, moment: str
) -> None:
    params = {"name": "berlin", "zone": "Europe/Berlin"}
    made = client.post(f"{API}/series", params=params, content=table.read_bytes()).json()
    body = {"start": moment, "end": "2026-01-05T02:10Z", "verdict": "missed"}
    answer = client.post(f"{API}/series/{made['id']}/labels", json=body)
    assert answer.json()["start"] == at("02:00"), answer.text


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (5, 9, "must be time stamps"),
        ("5", "9", "must be time stamps"),
        ("soon", at("01:00"), "'soon' came"),
        (at("01:00"), at("01:00"), "must end after its start"),
        ("2027-01-01", "2027-01-02", "outside the series"),
        (at("01:00"), 9, "from row to row or from time to time"),
    ],
)
def test_spans_that_cannot_be(
    client: TestClient, url: str, start: object, end: object, words: str
) -> None:
    answer = client.post(f"{url}/labels", json={"start": start, "end": end, "verdict": "missed"})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


# ---------------------------------------------------------------- what counts


def test_the_latest_word_counts(client: TestClient, url: str) -> None:
    first = said(client, url, "01:00", "01:10", "false alarm")
    second = said(client, url, "01:00", "01:10", "expected")
    assert [each["id"] for each in client.get(f"{url}/labels").json()] == [second["id"]]
    assert client.delete(f"{API}/labels/{first['id']}").status_code == 404
    said(client, url, "01:05", "01:30", "missed")  # contradicts what was expected
    bench = client.app.state.bench  # type: ignore[attr-defined]
    series_id = url.rsplit("/", 1)[1]
    assert [label.verdict for label in bench.labels.said(series_id)] == ["missed"]
    assert Labels.from_text(exported(client, url, "csv")) == bench.labels.said(series_id)
    truth = bench.labels.truth(series_id)
    assert truth[65:90].all()
    assert not truth[60:65].any()


def test_a_word_about_one_channel_leaves_the_others_open(client: TestClient, url: str) -> None:
    bench = client.app.state.bench  # type: ignore[attr-defined]
    series_id = url.rsplit("/", 1)[1]
    said(client, url, "11:40", "12:10", "false alarm", channels=["b"])  # the label column says 1
    assert bench.labels.truth(series_id)[700:730].all()
    said(client, url, "11:40", "12:10", "false alarm")
    assert not bench.labels.truth(series_id)[700:730].any()
    assert len(client.get(f"{url}/labels").json()) == 2
    odd = {"start": at("01:00"), "end": at("01:10"), "verdict": "missed", "channels": ["c"]}
    answer = client.post(f"{url}/labels", json=odd)
    assert "names no channel 'c'" in answer.json()["detail"]
