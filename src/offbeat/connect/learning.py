"""Learning on arrival: a series that no model fits is kept until there is enough to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.connect.contract import Outcome, Refused, short_digest
from offbeat.connect.fields import Row
from offbeat.connect.outcome import moment_text
from offbeat.detector import Detector
from offbeat.errors import DataError, OffbeatError, whole_number
from offbeat.lstm import LSTMDetector
from offbeat.persist import load
from offbeat.series import FloatArray, Series, TimeArray
from offbeat.training import Training

__all__ = ["LEARNING", "Learner", "usual_learner"]

LEARNING = "learning"
"""Status of the readings of a series that is not known well enough yet."""
LEAST_ROWS = 60
MOST_SERIES = 1_000
"""Series that are kept to be learned at a time, so that memory is bounded."""


def usual_learner() -> Detector:
    """What is trained on arrival: quick enough for a stream that goes on."""
    return LSTMDetector(hidden_size=32, training=Training(max_epochs=15))


@dataclass
class _Kept:
    """Rows of one series."""

    channels: tuple[str, ...]
    rows: list[Row]
    future: Future[Detector] | None = None

    def arrays(self) -> tuple[TimeArray, FloatArray]:
        times = np.array([row.time for row in self.rows], dtype="datetime64[ns]")
        table = [[row.values.get(name) for name in self.channels] for row in self.rows]
        return times, np.array(table, dtype=float)


class Learner:
    """Keeps rows of series that no model fits, and trains one for each.

    Parameters
    ----------
    n_rows
        Rows of a series after which it is learned.
    folder
        Where the models are kept, so that a watch that goes on knows them; None keeps none.
    make
        Gives an untrained detector.
    """

    def __init__(
        self,
        n_rows: int,
        folder: Path | None = None,
        make: Callable[[], Detector] = usual_learner,
    ) -> None:
        whole_number("learn", n_rows, least=LEAST_ROWS)
        self.n_rows, self._folder, self._make = n_rows, folder, make
        self._kept = dict[str, _Kept]()
        self._known = list[str]()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="offbeat-learn")

    def take(self, rows: Sequence[Row], source: str) -> Outcome:
        """Keep rows; readings say how many are still missing."""
        readings, refused = list[dict[str, Any]](), list[Refused]()
        for row in rows:
            reason = self._keep(row)
            if reason:
                refused.append(Refused.of(row.record, reason, source))
                continue
            missing = self.n_rows - len(self._kept[row.series].rows)
            if missing >= 0 and isinstance(row.time, np.datetime64):  # the rest is scored later
                about = {"series": row.series, "time": moment_text(row.time), "status": LEARNING}
                readings.append({**about, "missing": missing, "values": dict(row.values)})
        for kept in self._kept.values():
            if len(kept.rows) >= self.n_rows and kept.future is None:
                kept.future = self._pool.submit(self._train, kept)
        return Outcome(readings, refused=refused)

    def learned(self) -> Iterator[tuple[str, Detector, tuple[TimeArray, FloatArray]]]:
        """Series of which a model is ready, with it and all rows that were kept; each once."""
        ready = [name for name, kept in self._kept.items() if kept.future and kept.future.done()]
        for name in ready:
            kept = self._kept[name]
            assert kept.future is not None
            try:
                detector = kept.future.result()
            except OffbeatError:  # not enough to learn from: a constant, or one long gap
                kept.rows, kept.future = kept.rows[-self.n_rows // 2 :], None
                continue
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                detector.save(self._file(name))
            self._known.append(name)
            del self._kept[name]
            yield name, detector, kept.arrays()

    def wait(self) -> None:
        """Return once nothing is being trained."""
        futures.wait([kept.future for kept in self._kept.values() if kept.future is not None])

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        kept = {
            name: {
                "channels": list(each.channels),
                "time": each.arrays()[0].astype(np.int64).tolist(),
                "values": [dict(row.values) for row in each.rows],
            }
            for name, each in self._kept.items()
        }
        return {"kept": kept, "known": self._known}

    def restore(self, state: Mapping[str, Any]) -> Iterator[tuple[str, Detector]]:
        """Take back what `state` gave; the models that were learned before."""
        for name, about in state["kept"].items():
            rows = [
                Row(np.datetime64(time, "ns"), name, values, values)
                for time, values in zip(about["time"], about["values"], strict=True)
            ]
            self._kept[name] = _Kept(tuple(about["channels"]), rows)
        self._known = list(state["known"])
        for name in self._known:
            yield name, load(self._file(name))

    def close(self) -> None:
        """Wait for no training any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _keep(self, row: Row) -> str:
        """Keep a row, or say why not."""
        if not isinstance(row.time, np.datetime64):
            return "a time stamp was expected to learn from: name it with --time"
        if not row.values:
            return "the record has no values"
        if row.series not in self._kept:
            if len(self._kept) >= MOST_SERIES:
                return f"{MOST_SERIES} series are being learned already"
            self._kept[row.series] = _Kept(tuple(row.values), [])
        kept = self._kept[row.series]
        if not row.values.keys() <= set(kept.channels):
            return f"the first record had {', '.join(kept.channels)}; name channels with --values"
        last = kept.rows[-1].time if kept.rows else None
        if isinstance(last, np.datetime64) and row.time <= last:
            return "came late, while its series was learned"
        kept.rows.append(row)
        return ""

    def _train(self, kept: _Kept) -> Detector:
        times, table = kept.arrays()
        n = self.n_rows
        series = Series(table[:n], times[:n], kept.channels)
        if not np.isfinite(series.values).any():
            raise DataError("there is no value to learn from")
        return self._make().fit(series)

    def _file(self, series: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{short_digest(series)}.offbeat"
