"""From a publisher to a file, through NATS JetStream and `offbeat watch` (`make bench-stream`).

Writes `benchmarks/results/stream_nats.md`. What was measured before is kept in `out/stream/`;
delete a file there to measure it again.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from stream import KEPT, OURS, RESULTS, Found, measured, model, table

CASES = {
    "10,000 series, 1 point a second each, 100 points a message": (10_000, 100, "paced"),
    "10,000 series, 1 point a second each, 1,000 points a message": (10_000, 1_000, "paced"),
    "1,000 series, 1 point a second each, 1 point a message": (1_000, 1, "paced"),
    "10,000 series, 1 point a message, all sent before": (10_000, 1, "backlog"),
}
N_SERIES, MOST_SECONDS, MOST_MB = 10_000, 1.0, 2000.0


def main() -> None:
    """Measure what was not measured yet, then make the table."""
    KEPT.mkdir(parents=True, exist_ok=True)
    found = {name: ends(*case) for name, case in CASES.items()}
    text = "\n".join(page(found)).rstrip() + "\n"
    (RESULTS / "stream_nats.md").write_text(text)
    print(text)


def ends(n_series: int, per_message: int, how: str) -> Found:
    """One measurement."""
    kept = KEPT / f"nats_{n_series}_{per_message}_{how}"
    script = Path(__file__).with_name("stream_nats.py")
    numbers = [str(n_series), str(per_message), how]
    return measured([sys.executable, str(script), str(model(OURS)), str(kept), *numbers], kept)


def page(found: dict[str, Found]) -> list[str]:
    """The table."""
    columns = ("what is sent", "points/s", "p50, s", "p99, s", "watch, MB", "watch, CPU s", "load")
    return [
        "# Through NATS",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "Broker, publisher, watch and reader share the cores with whatever else runs: the load is",
        f"that right after. {OURS}, one thread, a checkpoint a second. The delay is that",
        "from sending a message to the moment at which its readings were seen in the file, over 60",
        "seconds after 15 of warm-up.",
        f"The bar: 10,000 points a second, p99 under {MOST_SECONDS:g} s, under {MOST_MB:,.0f} MB.",
        "Made by `make bench-stream`.",
        "",
        *table(
            (*columns, "bar"),
            [((name,), each | {"n_series": CASES[name][0]}) for name, each in found.items()],
            cells,
        ),
    ]


def cells(found: Found) -> list[str]:
    """Of one measurement."""
    made = [f"{found['points_s']:,.0f}"]
    made += [f"{found[p]:.2f}" if p in found else "" for p in ("p50", "p99")]
    made += [f"{found['watch_mb']:,.0f}", f"{found['watch_cpu_s']:.0f}", f"{found['load']:.1f}"]
    return [*made, bar(found)]


def bar(found: Found) -> str:
    """Whether it holds; it is none of fewer series, nor of rows that were there before."""
    if found["n_series"] < N_SERIES or "p99" not in found:
        return ""
    return "yes" if found["p99"] < MOST_SECONDS and found["watch_mb"] < MOST_MB else "no"


if __name__ == "__main__":
    main()
