"""From a publisher to a file, through NATS JetStream and `offbeat watch` (`make bench-stream`).

Writes `benchmarks/results/stream_nats.md`. What was measured before is kept in `out/stream/`;
delete a file there to measure it again.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from stream import KEPT, OURS, RESULTS, Found, measured, model

CASES = {
    "10,000 series, 1 point a second each, 100 points a message": (10_000, 100, "paced"),
    "10,000 series, 1 point a second each, 1,000 points a message": (10_000, 1_000, "paced"),
    "1,000 series, 1 point a second each, 1 point a message": (1_000, 1, "paced"),
    "10,000 series, 1 point a message, all sent before": (10_000, 1, "backlog"),
}
MOST_SECONDS, MOST_MB = 1.0, 2000.0


def main() -> None:
    """Measure what was not measured yet, then make the table."""
    KEPT.mkdir(parents=True, exist_ok=True)
    found = {name: ends(*case) for name, case in CASES.items()}
    text = "\n".join(page(found)) + "\n"
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
    made = [
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
        "| what is sent | points/s | p50, s | p99, s | watch, MB | watch, CPU s | load | bar |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        if "trouble" in each:
            made.append(f"| {name} | {each['trouble']} | | | | | | |")
            continue
        cells = [name, f"{each['points_s']:,.0f}"]
        cells += [f"{each[p]:.2f}" if p in each else "" for p in ("p50", "p99")]
        cells += [f"{each['watch_mb']:,.0f}", f"{each['watch_cpu_s']:.0f}", f"{each['load']:.1f}"]
        cells.append(("yes" if holds(each) else "no") if "10,000" in name and "p99" in each else "")
        made.append(f"| {' | '.join(cells)} |")
    return made


def holds(found: Found) -> bool:
    """Whether the bar does."""
    return bool(found["p99"] < MOST_SECONDS and found["watch_mb"] < MOST_MB)


if __name__ == "__main__":
    main()
