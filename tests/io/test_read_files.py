"""Files of every kind give the same series."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from offbeat.errors import ConfigError
from offbeat.io import ReadOptions, read_series, read_source

N = 40


def frame() -> pl.DataFrame:
    seconds = np.arange(N) * 60 + 1_706_700_000
    return pl.DataFrame(
        {
            "time": pl.Series((seconds * 10**9).astype("datetime64[ns]")),
            "cpu": np.arange(N) * 0.5,
            "memory": np.arange(N) % 7,
            "label": (np.arange(N) > 30).astype(int),
        }
    )


def csv(separator: str = ",") -> bytes:
    return frame().write_csv(separator=separator, datetime_format="%Y-%m-%dT%H:%M:%S").encode()


def packed(write: Callable[[pl.DataFrame, io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(frame(), buffer)
    return buffer.getvalue()


KINDS: dict[str, bytes] = {
    "comma.csv": csv(),
    "semicolon.csv": csv(";"),
    "tab.tsv": csv("\t"),
    "pipe.txt": csv("|"),
    "space.dat": csv(" "),
    "packed.csv.gz": gzip.compress(csv()),
    "packed_unsaid.csv": gzip.compress(csv(";")),
    "windows.csv": csv().replace(b"\n", b"\r\n"),
    "old_mac.csv": csv().replace(b"\n", b"\r"),
    "bom.csv": b"\xef\xbb\xbf" + csv(),
    "utf16.csv": csv().decode().encode("utf-16"),
    "table.parquet": packed(lambda f, b: f.write_parquet(b)),
    "table.arrow": packed(lambda f, b: f.write_ipc(b)),
    "table.feather": packed(lambda f, b: f.write_ipc(b, compression="zstd")),
    "stream.arrows": packed(lambda f, b: f.write_ipc_stream(b)),
    "lines.jsonl": packed(lambda f, b: f.write_ndjson(b)),
    "lines.jsonl.gz": gzip.compress(packed(lambda f, b: f.write_ndjson(b))),
    "array.json": packed(lambda f, b: f.write_json(b)),
    "comments.csv": b"# made by a logger\n\n# units: percent\n" + csv(),
    "blank_lines.csv": csv().replace(b"\n", b"\n\n"),
    "trailing_comma.csv": csv().replace(b"\n", b",\n"),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("piped", [False, True], ids=["file", "stdin"])
def test_every_kind_gives_the_same_series(
    name: str, piped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / name
    source.write_bytes(KINDS[name])
    if piped:
        pipe = io.TextIOWrapper(io.BytesIO(KINDS[name]))
        monkeypatch.setattr(sys, "stdin", pipe)
        series = read_series("-")
        assert series.name == "stdin"
    else:
        series = read_series(source)
        assert series.name == name.removesuffix(".gz").rpartition(".")[0]
    assert series.channels == ("cpu", "memory")
    np.testing.assert_array_equal(series.time, frame()["time"].to_numpy())
    np.testing.assert_array_equal(series.values, frame().select("cpu", "memory").to_numpy())
    assert series.label is not None
    np.testing.assert_array_equal(series.label, frame()["label"].to_numpy())


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf8")
    return path


def test_a_file_without_header(tmp_path: Path) -> None:
    series = read_series(write(tmp_path, "2024-01-01T00:00,1,2\n2024-01-01T00:01,3,4\n"))
    assert series.channels == ("column_2", "column_3")
    assert series.has_clock
    assert series.values.tolist() == [[1, 2], [3, 4]]


def test_a_single_column_keeps_its_holes(tmp_path: Path) -> None:
    series = read_series(write(tmp_path, "load\n1\n\n3\n\n\n"))
    assert series.values[:, 0].tolist()[::2] == [1, 3]
    assert np.isnan(series.values[1, 0])
    assert len(series) == 3
    assert series.time.tolist() == [0, 1, 2]


def test_one_row_and_one_number_are_read(tmp_path: Path) -> None:
    assert len(read_series(write(tmp_path, "time,a\n2024-01-01,1\n"))) == 1
    assert read_series(write(tmp_path, "5")).values.tolist() == [[5.0]]


def test_words_for_missing_values(tmp_path: Path) -> None:
    text = "a,b\n1,NA\nnan,2\n-,n/a\n,null\n4,#N/A\n"
    values = read_series(write(tmp_path, text)).values
    assert np.isnan(values).sum() == 7
    assert values[0, 0] == 1
    assert values[1, 1] == 2


def test_an_empty_column_is_a_channel_of_holes(tmp_path: Path) -> None:
    values = read_series(write(tmp_path, "a,b\n1,\n2,\n")).values
    assert np.isnan(values[:, 1]).all()


def test_decimal_commas_need_another_delimiter(tmp_path: Path) -> None:
    series = read_series(write(tmp_path, "a;b\n1,5;1.234,5\n2,5;7\n"))
    assert series.values.tolist() == [[1.5, 1234.5], [2.5, 7]]


def test_truth_values_become_numbers(tmp_path: Path) -> None:
    series = read_series(write(tmp_path, "door,a\nTrue,1\nfalse,2\n"))
    assert series.values.tolist() == [[1, 1], [0, 2]]


def test_quoted_cells(tmp_path: Path) -> None:
    series = read_series(write(tmp_path, '"a","load, mean"\n"1","2"\n"3","4"\n'))
    assert series.channels == ("a", "load, mean")
    assert series.values.tolist() == [[1, 2], [3, 4]]


def test_row_numbers_that_pandas_wrote_are_left_out(tmp_path: Path) -> None:
    reading = read_source(write(tmp_path, ",time,a\n0,2024-01-01,5\n1,2024-01-02,6\n"))
    assert reading.series.channels == ("a",)
    assert any("column 1" in note for note in reading.notes)


def test_columns_of_spaces(tmp_path: Path) -> None:
    text = "  date        time    a   b\n  2024-01-01  00:00   1   2\n  2024-01-01  00:05  10  20\n"
    series = read_series(write(tmp_path, text))
    assert series.channels == ("a", "b")
    assert np.diff(series.time)[0] == np.timedelta64(5, "m")


def test_the_delimiter_and_the_encoding_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("zeit~größe\n2024-01-01~1\n2024-01-02~2\n".encode("latin-1"))
    series = read_series(path, ReadOptions(delimiter="~", encoding="latin-1"))
    assert series.channels == ("größe",)
    write(tmp_path, "a\tb\n1\t2\n3\t4\n")
    assert read_series(path, ReadOptions(delimiter="tab")).n_channels == 2


def test_nested_json_is_unpacked(tmp_path: Path) -> None:
    text = '{"t": 1, "host": {"cpu": 1.5, "disk": {"free": 3}}}\n{"t": 2, "host": {"cpu": 2}}\n'
    series = read_series(write(tmp_path, text, "a.jsonl"))
    assert series.channels == ("host.cpu", "host.disk.free")
    assert np.isnan(series.values[1, 1])


def test_json_numbers_that_change_their_kind(tmp_path: Path) -> None:
    text = '{"a": 1}\n{"a": 2.5}\n{"b": true}\n{"a": "4"}\n'
    values = read_series(write(tmp_path, text, "a.jsonl")).values
    assert values[:, 0].tolist()[:2] == [1, 2.5]
    assert values[3, 0] == 4


def test_a_name_with_signs_that_mean_patterns(tmp_path: Path) -> None:
    path = tmp_path / "a[1]*?.csv"
    path.write_bytes(csv())
    assert len(read_series(path)) == N


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Europe/Berln"}, "zone="),
        ({"encoding": "utf-9"}, "encoding="),
        ({"every": "soon"}, "duration"),
        ({"agg": "count"}, "needs every="),
        ({"delimiter": ",,"}, "delimiter="),
        ({"channels": ()}, "channels="),
    ],
)
def test_options_that_cannot_be(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ReadOptions(**wrong)
