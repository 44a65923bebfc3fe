"""The labelled series that accuracy is measured on, and what others published about them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from offbeat.detector import Detector
from offbeat.metrics import vus_pr
from offbeat.scores import MODES

__all__ = ["FAMILIES", "SHARED", "Case", "both_looks", "published_cases"]

SHARED = Path(__file__).resolve().parents[2] / "shared"
FAMILIES = ("nab U", "smap U", "msl U", "ucr U", "smap M", "msl M", "smd M")
NO_METHOD = {
    "collection", "series", "tsb_file", "tsb_train", "reproduces", "first_row", "period", "match",
    "ts_len", "anomaly_len", "num_anomaly", "avg_anomaly_len", "anomaly_ratio", "point_anomaly",
    "seq_anomaly",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One series of the published protocol.

    Parameters
    ----------
    family, name
        `nab U`, and what the series is called in its collection.
    path
        Where it lies.
    first_row, n_train, buffer
        First row used, training rows from there on, and largest soft edge of the metric in rows.
    published
        VUS-PR of the published methods.
    """

    family: str
    name: str
    path: Path
    first_row: int
    n_train: int
    buffer: int
    published: dict[str, float]

    def read(self) -> tuple[pl.DataFrame, np.ndarray]:
        """The channels with their time stamps, and the labels, shape (T,)."""
        frame = pl.read_parquet(self.path)[self.first_row :]
        channels = [name for name in frame.columns if name not in ("timestamp", "label")]
        if self.family.endswith("U"):
            channels = channels[:1]
        return frame.select("timestamp", *channels), frame["label"].to_numpy().astype(np.int8)


def published_cases() -> list[Case]:
    """Series whose published figures a published method reproduces on these files."""
    cases = []
    for kind in "UM":
        table = SHARED / "reference" / f"tsb_ad_{kind}_published_vus_pr.csv"
        for row in csv.DictReader(table.open()):
            family = f"{row['collection']} {kind}"
            if row["reproduces"] != "True" or family not in FAMILIES:
                continue
            path = SHARED / "data" / row["collection"] / f"{row['series']}.parquet"
            if not path.exists():
                continue  # has published figures, but is not among the series at hand
            cases.append(
                Case(
                    family,
                    row["series"],
                    path,
                    int(float(row["first_row"])),
                    int(float(row["tsb_train"])),
                    int(float(row["period"])),
                    {k: float(v) for k, v in row.items() if k not in NO_METHOD and v},
                )
            )
    return cases


def both_looks(
    detector: Detector, values: np.ndarray, label: np.ndarray, buffer: int
) -> dict[str, float]:
    """VUS-PR of a fitted detector on values (T, C) and labels (T,), live and looking back."""
    figures = {}
    for look in MODES:
        detector.set_params(smoothing=look)
        figures[look] = vus_pr(label, detector.anomaly_score(values), buffer)
    return figures
