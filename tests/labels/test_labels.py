"""Labels: what a person said goes out and comes in unchanged, and what cannot be is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat import ConfigError, DataError, Label, Labels, Series, label_event
from offbeat.labels import VERDICTS, Verdict

START = np.datetime64("2026-03-01T00:00:00", "ns")
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
NAME = TEXT.map(str.strip).filter(bool)


def minutes(n_rows: int = 60, channels: tuple[str, ...] = ("a", "b")) -> Series:
    time = START + np.arange(n_rows) * np.timedelta64(1, "m")
    return Series(np.zeros((n_rows, len(channels))), time, channels, name="pump")


def at(minute: int) -> np.datetime64:
    return START + np.timedelta64(minute, "m")


@st.composite
def label_sets(draw: st.DrawFn) -> Labels:
    """Labels that do not overlap, by time or by rows."""
    by_time = draw(st.booleans())
    made, end = list[Label](), 0
    for _ in range(draw(st.integers(0, 6))):
        start = end + draw(st.integers(0, 10**13))
        end = start + draw(st.integers(1, 10**13))
        edges = [START + np.timedelta64(x, "us") for x in (start, end)] if by_time else (start, end)
        channels = tuple(draw(st.lists(NAME, max_size=3, unique=True)))
        when = draw(st.none() | st.just(START))
        made.append(
            Label(*edges, draw(st.sampled_from(VERDICTS)), channels, draw(NAME), when, draw(TEXT))
        )
    return Labels(tuple(made))


@settings(deadline=None, max_examples=60)
@given(label_sets(), st.sampled_from(["csv", "json"]))
def test_what_goes_out_comes_in(labels: Labels, kind: str) -> None:
    assert Labels.from_text(labels.to_text(kind), kind) == labels


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_files(tmp_path: Path, suffix: str) -> None:
    labels = Labels((Label(at(5), at(9), "missed", ("a;b", "[c]"), "ann", at(50), 'x, "y"\nz'),))
    path = labels.write(tmp_path / f"labels.{suffix}")
    assert Labels.read(path) == labels


def test_a_hand_written_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "\ufeffstart, end,verdict,channels\r\n"
        "2026-03-01 01:10,2026-03-01 01:20,Maintenance,a; b\r\n"
        "2026-03-01T00:30Z,2026-03-01T00:40Z,false_alarm,\r\n"
    )
    labels = Labels.read(path, zone="Europe/Berlin")  # an hour ahead of UTC
    assert [label.verdict for label in labels] == ["expected", "false alarm"]
    assert labels.rows(minutes()) == [(10, 20), (30, 40)]
    assert labels.labels[0].channels == ("a", "b")


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("anomaly", "true alarm"),
        ("normal", "false alarm"),
        (" Maintenance", "expected"),
        ("TRUE_ALARM", "true alarm"),
        *((verdict, verdict) for verdict in VERDICTS),
    ],
)
def test_other_words_are_read_as_the_four(word: str, verdict: str, kind: str) -> None:
    row = {"start": 5, "end": 9, "verdict": word}
    text = f"start,end,verdict\n5,9,{word}" if kind == "csv" else json.dumps([row])
    (label,) = Labels.from_text(text.encode(), kind)
    assert label.verdict == verdict


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("start,end,verdict\n9,5,missed", "line 2: a label must end after its start"),
        ("start,end,verdict\n5,9,wrong", "line 2: verdict='wrong' is unknown"),
        ("start,end,verdict\n5,9,wrong", f"known: {', '.join(VERDICTS)}"),
        (f"start,end,verdict\n5,{'9' * 29},missed", "no series has a row 999"),
        (f"start,end,verdict\n5,{'9' * 5000},missed", "line 2: a time stamp such as 2024"),
        ("start,end,verdict\n5,--9,missed", "line 2: a time stamp such as 2024"),
        ("start,end,verdict\n5,9", "verdict is missing"),
        ("start,end,verdict,colour\n5,9,missed,red", "no column 'colour'"),
        ("start,end\n5,9", "verdict is missing"),
        ("start,end,verdict\nsoon,9,missed", "line 2: a time stamp such as 2024"),
        ("start,end,verdict\n5,2026-03-01,missed", "from row to row or from time to time"),
        ("start,end,verdict\n5,9,missed,x", "line 2: more cells than columns"),
        ('start,end,verdict\n5,9,"missed', "is no CSV"),
        ("start,end,verdict,channels\n5,9,missed,[a", "channels '\\[a' cannot be read"),
        ("start,end,verdict\n5,9,missed\n8,12,false alarm", "marks.csv: two labels contradict"),
        ("start,end,verdict\n5,9,missed\n2026-03-01,2026-03-02,missed", "some labels are row"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=match) as told:
        Labels.read(path)
    assert "\n" not in str(told.value)
    assert "marks.csv" in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[1]",
        '[{"start": 1.5, "end": 2, "verdict": "missed"}]',
        '[{"start": 1, "end": 2, "verdict": ["missed"]}]',
        "[" * 100_000,
        "9" * 5_000,
        b"\xff",
    ],
)
def test_json_that_is_no_list_of_labels(text: str | bytes) -> None:
    with pytest.raises(DataError):
        Labels.from_text(text, "json")


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a \.csv or \.json file"):
        Labels.read(tmp_path / "labels.xml")
    with pytest.raises(DataError, match="cannot be read"):
        Labels.read(tmp_path / "none.csv")
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        Labels.read(tmp_path / "odd.csv")


def test_contradictions() -> None:
    false, right = Label(5, 9, "false alarm"), Label(8, 12, "true alarm")
    with pytest.raises(DataError, match="contradict each other"):
        Labels((right, false))
    Labels((false, Label(9, 12, "true alarm")))  # side by side
    Labels((right, Label(0, 20, "missed")))  # both say that something was wrong
    Labels((Label(5, 9, "false alarm", ("a",)), Label(5, 9, "true alarm", ("b",))))


def test_of_labels_said_one_after_another_the_latest_stays() -> None:
    said = (
        Label(8, 12, "true alarm"),
        Label(0, 4, "false alarm"),
        Label(0, 9, "expected"),
        Label(3, 4, "missed", ("a",)),
        Label(10, 20, "missed"),
    )
    assert Labels.latest(said) == Labels((said[0], said[3], said[4]))
    assert Labels.latest(said[:3]) == Labels((said[2],))
    with pytest.raises(DataError, match="some labels are row"):
        Labels.latest((*said, Label(at(0), at(1), "missed")))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.sampled_from(VERDICTS))))
def test_the_latest_as_a_slow_twin_finds_them(spans: list[tuple[int, int, Verdict]]) -> None:
    said = [Label(start, start + length, verdict) for start, length, verdict in spans]
    kept = list[Label]()
    for label in reversed(said):
        if not any(label.contradicts(later) for later in kept):
            kept.append(label)
    assert Labels.latest(said) == Labels(tuple(reversed(kept)))


def test_a_second_thought_takes_the_place_of_the_first() -> None:
    labels = Labels((Label(5, 9, "false alarm"),)).add(
        Label(5, 9, "expected"), Label(0, 2, "missed")
    )
    assert [label.verdict for label in labels] == ["missed", "expected"]
    assert len(labels.without(Label(0, 2, "missed"))) == 1


def test_labels_are_held_against_the_series() -> None:
    series = minutes()
    labels = Labels((Label(at(-5), at(5), "missed"), Label(at(10), at(12), "expected")))
    assert labels.rows(series) == [(0, 5), (10, 12)]
    assert labels.y_true(series).sum() == 5
    assert labels.known(series).sum() == 7
    for label, match in (
        (Label(at(70), at(80), "missed"), "holds no row of pump"),
        (Label(5, 9, "missed"), "must be time stamps"),
        (Label(at(5), at(9), "missed", ("c",)), "names no channel 'c'"),
    ):
        with pytest.raises(DataError, match=match):
            Labels((label,)).rows(series)
    assert not len(Labels((Label(at(70), at(80), "missed"),)).within(series))


@pytest.mark.parametrize(
    "given",
    [
        {"verdict": "wrong"},
        {"end": 5},
        {"end": at(5)},
        {"start": "soon"},
        {"start": True},
        {"start": np.datetime64("NaT")},
        {"channels": "a"},
    ],
    ids=str,
)
def test_labels_that_cannot_be(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Label(**{"start": 5, "end": 9, "verdict": "missed"} | given)


def test_the_label_of_an_event_holds_its_rows() -> None:
    from fakes import fake_detection

    detection = fake_detection(400, 2, with_labels=False)
    for event in detection.events:
        label = label_event(detection, event, "true alarm", who="ann")
        assert Labels((label,)).rows(detection.series) == [(event.start, event.end)]
        assert Labels((label,)).of_events(detection).count(label) == 1


def test_json_is_what_a_program_expects() -> None:
    (row,) = json.loads(Labels((Label(at(5), at(9), "missed"),)).to_text("json"))
    assert row["start"] == "2026-03-01T00:05:00Z"
    assert row["when"] is None
