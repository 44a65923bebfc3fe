"""Channels and labels, and every way in which a table can be wrong."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from offbeat.errors import DataError
from offbeat.io import ReadOptions, as_series, read_series


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf8")
    return path


def refused(path: Path, match: str, options: ReadOptions = ReadOptions()) -> None:
    with pytest.raises(DataError, match=match) as caught:
        read_series(path, options)
    assert "\n" not in str(caught.value)


# --- channels and labels -------------------------------------------------------------------------


def test_channels_by_name_in_that_order() -> None:
    frame = pl.DataFrame({"a": [1], "b": [2], "c": ["x"]})
    assert as_series(frame, ReadOptions(channels=("b", "a"))).values.tolist() == [[2, 1]]
    with pytest.raises(DataError, match=r"no column 'bb'.*did you mean 'b'"):
        as_series(frame, ReadOptions(channels=("bb",)))


@pytest.mark.parametrize("name", ["label", "is_anomaly", "Outlier", "anomaly"])
@pytest.mark.parametrize("values", [[0, 1], [False, True], ["false", "True"], [0.0, 1.0]])
def test_labels_are_found(name: str, values: list[object]) -> None:
    series = as_series(pl.DataFrame({"a": [1.5, 2.5], name: values}))
    assert series.label is not None
    assert series.label.tolist() == [0, 1]
    assert series.channels == ("a",)


def test_what_only_sounds_like_a_label() -> None:
    assert as_series(pl.DataFrame({"a": [1, 2], "anomaly": [0.1, 3]})).n_channels == 2
    assert as_series(pl.DataFrame({"label": [0, 1]})).channels == ("label",)
    both = pl.DataFrame({"a": [1, 2], "label": [0, 1]})
    assert as_series(both, ReadOptions(channels=("a", "label"))).label is None


def test_a_label_by_name() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "fault": [0, None, 1], "text": ["x", "y", "z"]})
    series = as_series(frame, ReadOptions(label="fault", channels=("a",)))
    assert series.label is not None
    assert series.label.tolist() == [0, 0, 1]
    with pytest.raises(DataError, match=r"'a', row 1: 0 or 1"):
        as_series(frame, ReadOptions(label="a"))
    with pytest.raises(DataError, match=r"'text', row 0: 0 or 1.*'x' came"):
        as_series(frame, ReadOptions(label="text"))
    with pytest.raises(DataError, match=r"did you mean 'fault'"):
        as_series(frame, ReadOptions(label="faults"))


def test_categories_are_refused_with_the_remedies(tmp_path: Path) -> None:
    path = write(tmp_path, "time,cpu,host,mem\n2024-01-01,1,web,5\n2024-01-02,2,db,6\n")
    refused(path, r"'host' holds categories.*--channels cpu,mem.*--agg count.*0 and 1")
    frame = pl.DataFrame({"a": [1], "c": pl.Series(["x"], dtype=pl.Categorical)})
    with pytest.raises(DataError, match=r"categories"):
        as_series(frame)


def test_columns_of_other_kinds_are_refused() -> None:
    lists = pl.DataFrame({"a": [1.0], "b": [[1, 2]]})
    with pytest.raises(DataError, match=r"'b' holds List.*--channels a"):
        as_series(lists)
    dates = pl.DataFrame({"time": ["2024-01-01"], "until": ["2024-01-02"], "a": [1]})
    dates = dates.with_columns(pl.col("until").str.to_date())
    with pytest.raises(DataError, match=r"'until' holds times"):
        as_series(dates)


def test_durations_decimals_and_ids_are_numbers() -> None:
    frame = pl.DataFrame({"a": [1, 2], "id": [10**12 + 7, 3]}).with_columns(
        pl.duration(milliseconds=pl.col("a")).alias("took"),
        pl.col("a").cast(pl.Decimal(10, 2)).alias("money"),
    )
    assert as_series(frame).values.tolist() == [[1, 10**12 + 7, 0.001, 1], [2, 3, 0.002, 2]]


# --- bad input --------------------------------------------------------------------------------


def test_text_in_a_number_column_names_line_and_text(tmp_path: Path) -> None:
    path = write(tmp_path, "time,cpu\n\n2024-01-01,1\n2024-01-02,1o\n2024-01-03,2\n2024-01-04,3\n")
    refused(path, r"'cpu', line 4: a number was expected, '1o' came; correct")
    frame = pl.DataFrame({"a": ["1", "2", "x", "y", "5"]})
    with pytest.raises(DataError, match=r"'a', row 2: .*'x' came \(2 such cells\)"):
        as_series(frame)


def test_infinite_values(tmp_path: Path) -> None:
    refused(write(tmp_path, "a,b\n1,2\n3,-inf\n"), "'b', line 3: the value is infinite")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_empty_files(tmp_path: Path, text: str) -> None:
    refused(write(tmp_path, text), "a.csv is empty")


@pytest.mark.parametrize("text", ["time,a", "time,a\n", "time,a\n\n\n"])
def test_header_only(tmp_path: Path, text: str) -> None:
    refused(write(tmp_path, text), "a header and no row")


def test_nothing_but_delimiters(tmp_path: Path) -> None:
    refused(write(tmp_path, "a,b\n,\n,\n"), "holds no row")


def test_time_only(tmp_path: Path) -> None:
    refused(write(tmp_path, "time\n2024-01-01\n2024-01-02\n"), "no column of numbers")


def test_repeated_names(tmp_path: Path) -> None:
    refused(write(tmp_path, "a,b,a\n1,2,3\n"), "repeated: a; rename")


def test_a_line_with_too_many_cells(tmp_path: Path) -> None:
    lines = "\n".join("1,2" for _ in range(30))
    refused(write(tmp_path, f"a,b\n{lines}\n1,2,3\n"), "line 32: 2 cells were expected, 3 came")


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    refused(write(tmp_path, 'a,b\n1,"2\n3,4\n'), "cannot be read.*the quotes")


def test_wrong_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("time,größe\n2024-01-01,1\n".encode("latin-1"))
    refused(path, r"line 1: byte 0xF6 is not utf8 text; .*encoding=.*latin-1")
    path.write_bytes("time,a\n2024-01-01,1\n".encode("utf-16-le"))
    refused(path, "encoding='utf-16'")
    path.write_bytes("time,größe\n2024-01-01,1\n".encode("utf-16")[:-1])
    refused(path, "is not utf-16 text")


def test_missing_files(tmp_path: Path) -> None:
    write(tmp_path, "a\n1\n", "metrics.csv")
    refused(tmp_path / "metric.csv", "did you mean metrics.csv")
    refused(tmp_path / "zzz", "check the name")
    refused(tmp_path / "no" / "a.csv", "folder .*no does not exist")
    refused(tmp_path, r"is a folder: name one file in it, such as metrics.csv")
    refused(tmp_path / "metrics.csv" / "a.csv", "cannot be read|does not exist")


def test_half_files(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": np.arange(1000.0)})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    whole = buffer.getvalue()
    path = tmp_path / "a.parquet"
    for data, match in [
        (b"", "is empty"),
        (whole[: len(whole) // 2], "half a Parquet"),
        (b"PAR1", "half a Parquet"),
        (whole[:100] + bytes(200) + whole[300:], "damaged parquet"),
        (whole[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged parquet"),
    ]:
        path.write_bytes(data)
        refused(path, match)
    buffer = io.BytesIO()
    frame.write_ipc(buffer)
    path.write_bytes(buffer.getvalue()[:500])
    refused(path, "damaged arrow file")
    packed = gzip.compress(b"a\n1\n" * 1000)
    path.write_bytes(packed[:-20])
    refused(path, "in the middle of its gzip data")
    path.write_bytes(packed[:30] + b"xxxx" + packed[34:])
    refused(path, "gzip data")
    path.write_bytes(gzip.compress(b""))
    refused(path, "empty once unpacked")


def test_no_row_in_a_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": pl.Series([], dtype=pl.Float64)}).write_parquet(path)
    refused(path, "holds no row")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"PK\x03\x04....", "zip or Excel"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\x7fELF\0\0\0\0\0", "binary data"),
        (b"BZh91AY", "bzip2"),
    ],
)
def test_foreign_files(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    refused(path, match)


def test_bad_json(tmp_path: Path) -> None:
    refused(write(tmp_path, '{"a": 1}\n{"a": 2\n', "a.jsonl"), r"line 2: the last line is cut off")
    refused(write(tmp_path, '{"a" 1}\n{"a": 2}\n', "a.jsonl"), r"line 1: .*one JSON object a line")
    refused(write(tmp_path, '{"a": 1}\n\n[1, 2]\n', "a.jsonl"), r"line 3: .*is no JSON object")
    refused(write(tmp_path, '[{"a": 1},\n {"a": }]', "a.json"), "line 2")
    refused(write(tmp_path, "{}\n", "a.json"), "holds no row")


def test_nothing_piped_in(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyboard:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Keyboard())
    with pytest.raises(DataError, match=r"nothing is piped in"):
        read_series("-")
