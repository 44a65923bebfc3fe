"""Labels as rows of a table or of a JSON list, and back; every odd row is refused by its place."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from offbeat.errors import ConfigError, DataError, nearest_names
from offbeat.io.times import instant
from offbeat.labels.label import Label, Moment, as_moment, usual_verdict

__all__ = ["COLUMNS", "joined_channels", "kind_of_file", "read_labels", "read_moment"]

COLUMNS = tuple(field.name for field in fields(Label))
NEEDED = ("start", "end", "verdict")
ROW = re.compile(r"-?[0-9]{1,30}")


def read_labels(
    text: str, kind: Literal["csv", "json"], *, zone: str | None, name: str
) -> tuple[Label, ...]:
    """Every row as a label; `name` is what messages call the text."""
    rows = _json_rows(text, name) if kind == "json" else _csv_rows(text, name)
    return tuple(_label(row, f"{name}, {where}", zone) for where, row in rows)


def read_moment(at: object, zone: str | None) -> Moment:
    """A row number, or a time stamp in any usual notation; one without a zone is read in `zone`.

    Raises
    ------
    DataError, ConfigError
        If it is neither.
    """
    if isinstance(at, str) and ROW.fullmatch(at.strip()):
        return as_moment(int(at))
    if isinstance(at, bool | float):
        raise DataError(f"a row number or a time stamp was expected, {at!r} came")
    if isinstance(at, int | datetime):
        return as_moment(at)
    return as_moment(instant(at, zone))


def joined_channels(channels: tuple[str, ...]) -> str:
    """Names with semicolons between them; as JSON where a name could be mistaken."""
    if any(";" in name or name[:1] == "[" or name != name.strip() for name in channels):
        return json.dumps(list(channels))
    return ";".join(channels)


def kind_of_file(path: str | Path) -> Literal["csv", "json"]:
    """By its ending."""
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix == ".json":
        return "json"
    raise ConfigError(f"labels are a .csv or .json file, {Path(path).name!r} came")


def _csv_rows(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    try:
        reader.fieldnames = [each.strip() for each in reader.fieldnames or ()]
        for row in reader:
            if "" in row:
                raise DataError(f"{name}, line {reader.line_num}: more cells than columns")
            yield f"line {reader.line_num}", {k: v or "" for k, v in row.items()}
    except csv.Error as problem:
        raise DataError(f"{name}, line {reader.line_num} is no CSV: {problem}") from None


def _json_rows(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as problem:  # a number may have too many digits
        raise DataError(f"{name} is no JSON: {problem}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{name}: a list of labels such as [{{'start': ..., ...}}] was expected")
    return ((f"label {place}", row) for place, row in enumerate(rows, 1))


def _label(row: Mapping[str, Any], where: str, zone: str | None) -> Label:
    for key in row:
        if key not in COLUMNS:
            raise DataError(f"{where}: no column {key!r}: {nearest_names(key, COLUMNS)}")
    for key in NEEDED:
        if row.get(key) in (None, ""):
            raise DataError(f"{where}: a label needs {', '.join(NEEDED)}; {key} is missing")
    try:
        return Label(
            start=read_moment(row["start"], zone),
            end=read_moment(row["end"], zone),
            verdict=usual_verdict(row["verdict"]),  # type: ignore[arg-type]
            channels=_read_channels(row.get("channels")),
            who=str(row.get("who") or ""),
            when=instant(row["when"], zone) if row.get("when") else None,
            note=str(row.get("note") or ""),
        )
    except (ConfigError, DataError) as problem:
        raise DataError(f"{where}: {problem}") from None


def _read_channels(names: object) -> tuple[str, ...]:
    if isinstance(names, str) and names.lstrip()[:1] == "[":
        try:
            names = json.loads(names)
        except json.JSONDecodeError:
            raise DataError(f"channels {names!r} cannot be read: write a;b") from None
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(";") if name.strip())
    if names is None:
        return ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise DataError(f"channels are names, {names!r} came")
    return tuple(names)
