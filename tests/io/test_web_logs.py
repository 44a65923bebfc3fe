"""Logs of web servers become requests, error share, bytes and latency."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from offbeat.errors import DataError
from offbeat.io import ReadOptions, read_series, read_source

AGENT = '"https://example.org/a b" "Mozilla/5.0 (X11; Linux) \\"odd\\" 7.0"'


def combined(n: int, status: int, size: str = "100", rest: str = f" {AGENT}") -> str:
    clock = f"31/Jan/2024:12:{n // 60:02d}:{n % 60:02d} +0100"
    return f'10.0.0.{n % 9} - bob smith [{clock}] "GET /a?b=1 HTTP/1.1" {status} {size}{rest}'


def every_second(rest: Callable[[int], str] = lambda _: f" {AGENT}") -> list[str]:
    """Three minutes, one request a second; the second minute has 15 failures in 60."""
    return [
        combined(
            n, 503 if 60 <= n < 75 else 404 if n == 5 else 200, "-" if n == 7 else "100", rest(n)
        )
        for n in range(180)
    ]


def read(folder: Path, lines: list[str], options: ReadOptions = ReadOptions()) -> object:
    path = folder / "access.log"
    path.write_text("\n".join(lines) + "\n")
    return read_source(path, options)


def test_combined_format(tmp_path: Path) -> None:
    series = read(tmp_path, every_second()).series
    assert series.channels == ("requests", "error_share", "bytes")
    assert series.values.tolist() == [[60, 0, 5900], [60, 0.25, 6000], [60, 0, 6000]]
    assert series.time[0] == np.datetime64("2024-01-31T11:00")
    assert series.name == "access"


@pytest.mark.parametrize(
    "rest",
    [
        lambda _: "",
        lambda _: " 0.250",
        lambda _: f" {AGENT} 0.250",
        lambda _: f" {AGENT} rt=0.250",
        lambda _: f' {AGENT} "-" up=- 0.250',
        lambda _: f' {AGENT} "0.250"',
    ],
    ids=["common", "common and number", "number", "named", "more fields", "quoted"],
)
def test_latency_at_the_end_of_the_line(tmp_path: Path, rest: Callable[[int], str]) -> None:
    series = read(tmp_path, every_second(rest)).series
    if rest(0):
        assert series.channels[-1] == "latency"
        assert series.values[:, 3].tolist() == [0.25] * 3
    else:
        assert series.channels == ("requests", "error_share", "bytes")


def test_a_virtual_host_in_front_and_gzip(tmp_path: Path) -> None:
    path = tmp_path / "access.log.1.gz"
    path.write_bytes(
        gzip.compress("\n".join(f"shop:443 {each}" for each in every_second()).encode())
    )
    assert read_series(path).values[:, 0].tolist() == [60, 60, 60]


def test_an_hour_without_requests_is_zero(tmp_path: Path) -> None:
    lines = [each for n, each in enumerate(every_second()) if not 60 <= n < 120]
    values = read(tmp_path, lines).series.values
    assert values[1, [0, 2]].tolist() == [0, 0]
    assert np.isnan(values[1, 1])


def test_other_intervals_and_aggregations(tmp_path: Path) -> None:
    series = read(tmp_path, every_second(), ReadOptions(every="30s")).series
    assert series.values[:, 0].tolist() == [30] * 6
    options = ReadOptions(every="1min", agg="nunique(host),max(status)")
    series = read(tmp_path, every_second(), options).series
    assert series.values.tolist() == [[9, 404], [9, 503], [9, 200]]
    one = read(tmp_path, every_second(), ReadOptions(channels=("requests",))).series
    assert one.channels == ("requests",)


def test_lines_that_do_not_parse_are_counted(tmp_path: Path) -> None:
    lines = every_second()
    lines[100:100] = ["", "kernel: out of memory", '10.0.0.1 - - [x] "GET" 200 1']
    reading = read(tmp_path, lines)
    assert reading.notes[0] == "180 log lines read, 2 not in the format and left out"
    assert reading.series.values[:, 0].tolist() == [60, 60, 60]


def test_more_than_half_is_too_much(tmp_path: Path) -> None:
    lines = every_second() + ["something else entirely"] * 200
    with pytest.raises(DataError, match=r"200 of 380 lines .* first is line 181: 'something"):
        read(tmp_path, lines)


def test_an_odd_request_does_not_break_the_line(tmp_path: Path) -> None:
    odd = [combined(n, 400).replace("GET /a?b=1 HTTP/1.1", r"\x16\x03 \" [x]") for n in range(60)]
    assert read(tmp_path, odd).series.values[0, 0] == 60


def requests(names: dict[str, str], folder: Path) -> Path:
    """A JSON-lines log in which the fields have these names."""
    path = folder / "requests.jsonl"
    rows = [
        {
            names["time"]: 1_706_702_400_000 + n * 1000,
            names["path"]: "/a",
            names["status"]: 500 if n % 4 == 0 else 200,
            names["size"]: 10,
            names["latency"]: 0.5,
            "host": "web",
        }
        for n in range(180)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.mark.parametrize(
    "names",
    [
        {"time": "time", "path": "path", "status": "status", "size": "bytes", "latency": "latency"},
        {
            "time": "ts",
            "path": "url",
            "status": "status_code",
            "size": "size",
            "latency": "duration_ms",
        },
        {
            "time": "@timestamp",
            "path": "request_uri",
            "status": "status",
            "size": "body_bytes_sent",
            "latency": "request_time",
        },
        {
            "time": "t",
            "path": "method",
            "status": "statusCode",
            "size": "size",
            "latency": "elapsed",
        },
    ],
)
def test_json_logs(tmp_path: Path, names: dict[str, str]) -> None:
    series = read_series(requests(names, tmp_path))
    assert series.channels == ("requests", "error_share", "bytes", "latency")
    assert series.values.tolist() == [[60, 0.25, 600, 0.5]] * 3


def test_json_that_is_no_log_of_requests(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"time": "2024-01-01", "status": 200}\n{"time": "2024-01-02", "status": 1}\n')
    assert read_series(path).channels == ("status",)


def test_json_logs_with_aggregations(tmp_path: Path) -> None:
    names = {
        "time": "time",
        "path": "path",
        "status": "status",
        "size": "bytes",
        "latency": "latency",
    }
    path = requests(names, tmp_path)
    series = read_series(path, ReadOptions(every="1min", agg="count,nunique(host)"))
    assert series.values.tolist() == [[60, 1]] * 3
