"""Exports: events, scores, a model, and its settings for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from offbeat.errors import one_of
from offbeat.io import frame_bytes
from offbeat.server.files import DataFolder
from offbeat.server.workbench.detections import DetectionShelf
from offbeat.server.workbench.models import ModelShelf
from offbeat.settings import settings_text

__all__ = ["ExportDesk", "Exported", "TableFormat"]

TableFormat = Literal["csv", "json", "jsonl", "parquet"]
TYPES: dict[TableFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
LIVE_COLUMNS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("id", "series", "kind", "phase", "start_time", "end_time"), pl.String),
    "severity": pl.Float64,
    **dict.fromkeys(("message", "verdict", "channels", "muted_by"), pl.String),
}
"""Of an exported event of a watcher."""


@dataclass(frozen=True)
class Exported:
    """A file that goes out."""

    data: bytes
    media_type: str
    name: str


class ExportDesk:
    """What goes out, byte for byte as the command line writes it.

    Parameters
    ----------
    folder
        Where a model is put together.
    models, detections
        What goes out.
    """

    def __init__(self, folder: DataFolder, models: ModelShelf, detections: DetectionShelf) -> None:
        self._folder, self._models, self._detections = folder, models, detections

    def events(
        self,
        series_id: str,
        model_id: str,
        format_: TableFormat = "csv",
        *,
        version: int | None = None,
    ) -> Exported:
        """The events under the cut in force, as `offbeat detect --out` writes them."""
        one_of("format", format_, TYPES)
        detection = self._detections.open(series_id, model_id, version=version)
        return _table(detection.events_frame(), "events", format_)

    def scores(
        self,
        series_id: str,
        model_id: str,
        format_: TableFormat = "csv",
        *,
        version: int | None = None,
    ) -> Exported:
        """Every row with its score and what was expected, as `offbeat score --out` writes them."""
        one_of("format", format_, TYPES)
        detection = self._detections.open(series_id, model_id, version=version)
        return _table(detection.to_frame(), "scores", format_)

    def live_events(
        self, events: Sequence[Mapping[str, Any]], format_: TableFormat = "csv"
    ) -> Exported:
        """Events of a watcher, one line each, with what was said of them."""
        one_of("format", format_, TYPES)
        columns = {
            name: [each.get(name) for each in events] for name in LIVE_COLUMNS if name != "channels"
        }
        made = [each.get("event") or {} for each in events]
        leading = [each.get("channels") or {} for each in made]
        columns["channels"] = [";".join(each) for each in leading]
        columns["muted_by"] = [each.get("muted_by") or None for each in made]
        return _table(pl.DataFrame(columns, schema=LIVE_COLUMNS), "events", format_)

    def model(self, model_id: str, *, version: int | None = None) -> Exported:
        """The model file, with the cut in force."""
        with self._folder.incoming(".offbeat") as path:
            data = self._models.write(model_id, path, version).read_bytes()
        return Exported(data, "application/octet-stream", "model.offbeat")

    def settings(self, model_id: str, *, version: int | None = None) -> Exported:
        """Every option as YAML, as `offbeat train FILE --set @settings.yaml` reads it."""
        fitted = self._models.detector(model_id, version)
        fitted.set_params(threshold=fitted.threshold_)
        return Exported(settings_text(fitted).encode(), "application/yaml", "settings.yaml")

    def report(self, series_id: str, model_id: str, *, version: int | None = None) -> Exported:
        """The report in one HTML file, as `offbeat report` writes it."""
        detection = self._detections.open(series_id, model_id, version=version)
        with self._folder.incoming(".html") as path:
            data = Path(detection.report(path)).read_bytes()
        return Exported(data, "text/html; charset=utf-8", "report.html")


def _table(frame: pl.DataFrame, name: str, format_: TableFormat) -> Exported:
    return Exported(frame_bytes(frame, format_), TYPES[format_], f"{name}.{format_}")
