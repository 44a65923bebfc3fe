"""VUS-PR of a fleet's ways of learning on whole collections: single fits, one network, one each.

Each series is learned up to the end of the part its source calls normal (`families`) and judged on
the rest, live, with the default options and seed 0. One network learns from the training parts of
the whole collection. Figures are kept in `out/fleet/`, so a run that was stopped goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from families import Recording, all_recordings
from jobs import keep
from offbeat import LSTMDetector, Series, evaluate
from offbeat.errors import OffbeatError
from offbeat.fleet import Failure, SharedLSTM, choose_mode, learn_own

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "out" / "fleet"
COLLECTIONS = ("gutentag_syn", "ucr", "wsd")
SEED, SAMPLE = 0, 24
"""Series judged of each collection: drawn with this seed, the short ones first."""
MODES = ("loop", "shared", "shared without embedding", "own from shared")


def sample(collection: str) -> list[Recording]:
    """The series that are judged."""
    own = [r for r in all_recordings() if r.collection == collection and r.n_events]
    chosen = np.random.default_rng(SEED).permutation(len(own))[:SAMPLE]
    return [own[i] for i in sorted(chosen)]  # the index is sorted by rows


def measure(collection: str, mode: str, minutes: float) -> None:
    """Judge the sample of a collection, as far as the time goes."""
    torch.set_num_threads(1)
    KEPT.mkdir(parents=True, exist_ok=True)
    todo = [r for r in sample(collection) if not kept(r, mode).exists()]
    if not todo:
        return
    end = time.monotonic() + 60 * minutes
    if mode == "loop":
        for recording in todo:
            series, detector = recording.read(), LSTMDetector(random_state=SEED)
            _judge(recording, mode, series, _tried(detector, series.rows(0, recording.n_train)))
            if time.monotonic() > end:
                return
        return
    for recording, series, found in _learned(collection, mode, todo):
        _judge(recording, mode, series, found)


def _tried(detector: LSTMDetector, part: Series) -> LSTMDetector | Failure:
    try:
        return detector.fit(part)
    except OffbeatError as problem:
        return Failure.of(part.name, problem)


def _learned(
    collection: str, mode: str, todo: list[Recording]
) -> Iterator[tuple[Recording, Series, LSTMDetector | Failure]]:
    """Detectors of the fleet's ways."""
    template = LSTMDetector(random_state=SEED)
    read = {r.name: r.read() for r in todo}
    parts = {r.name: read[r.name].rows(0, r.n_train) for r in todo}
    made: Mapping[str, LSTMDetector | Failure]
    shared = _shared(collection, template, 0 if "without" in mode else 4)
    if mode == "own from shared":
        made = learn_own(parts, template, start=shared)
    else:
        made = shared.admit_all(parts)
    for recording in todo:
        yield recording, read[recording.name], made[recording.name]


def _shared(collection: str, template: LSTMDetector, embedding: int) -> SharedLSTM:
    """The network of a collection, trained once."""
    path = KEPT / f"{collection}-{embedding}.shared"
    if not path.exists():
        SharedLSTM(template, embedding=embedding).fit(_whole(collection)).save(path)
    return SharedLSTM.load(path)


def _whole(collection: str) -> dict[str, Series]:
    """The training parts of all series of a collection."""
    own = [r for r in all_recordings() if r.collection == collection]
    return {r.name: r.read().rows(0, r.n_train) for r in own}


def choose(collection: str) -> None:
    """What `choose_mode` says of the training parts of a collection, without a label."""
    path = KEPT / f"{collection}.choice"
    if not path.exists():
        torch.set_num_threads(1)
        made = choose_mode(_whole(collection), LSTMDetector(random_state=SEED))
        keep({"mode": made.mode, "reason": made.reason}, path)


def choices() -> list[str]:
    """A line a collection."""
    lines = []
    for collection in COLLECTIONS:
        path = KEPT / f"{collection}.choice"
        if path.exists():
            found = json.loads(path.read_text())
            lines.append(f"- `{collection}`: **{found['mode']}**: {found['reason']}")
    return lines


def _judge(recording: Recording, mode: str, series: Series, found: LSTMDetector | Failure) -> None:
    about = {"collection": recording.collection, "series": recording.name, "mode": mode}
    if isinstance(found, Failure):
        keep({**about, "problem": found.reason}, kept(recording, mode))
        return
    judged = evaluate(found, series, lesson=None)
    accuracy = judged.accuracy
    figures = {
        "vus_pr": accuracy.vus_pr if accuracy else None,
        "event_f1": accuracy.events.f1 if accuracy and accuracy.events else None,
        "rows": len(series),
    }
    keep({**about, **figures}, kept(recording, mode))


def kept(recording: Recording, mode: str) -> Path:
    """Where the figures of a series lie."""
    name = mode.replace(" ", "-")
    return KEPT / f"{recording.collection}__{recording.name}__{name}.json"


def table() -> tuple[list[str], dict[tuple[str, str], float]]:
    """Means by collection on the series that loop and mode were both measured on."""
    lines = ["| | series | loop | " + " | ".join(MODES[1:]) + " |", "|---" * (len(MODES) + 2) + "|"]
    means: dict[tuple[str, str], float] = {}
    for collection in COLLECTIONS:
        found = {mode: _found(collection, mode) for mode in MODES}
        modes = [mode for mode in MODES if found[mode]]
        both = sorted(set.intersection(*(set(found[mode]) for mode in modes))) if modes else []
        cells = []
        for mode in MODES:
            if mode in modes and both:
                means[collection, mode] = float(np.mean([found[mode][name] for name in both]))
                cells.append(f"{means[collection, mode]:.3f}")
            else:
                cells.append("")
        lines.append(f"| {collection} | {len(both)} | " + " | ".join(cells) + " |")
    return lines, means


def _found(collection: str, mode: str) -> dict[str, float]:
    """VUS-PR by series."""
    paths = [kept(r, mode) for r in sample(collection)]
    rows = [json.loads(path.read_text()) for path in paths if path.exists()]
    return {row["series"]: row["vus_pr"] for row in rows if row.get("vus_pr") is not None}
