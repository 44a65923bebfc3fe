"""The report of a fleet of 10,000 series in a real browser."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chromium import browser  # noqa: F401 - a fixture
from offbeat import DataError, cli
from offbeat.fleet import FleetRanking, rank_fleet
from offbeat.fleet.results import EVENTS, SERIES

FIRST = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NASTY = "<img src=x onerror=window.hacked=1>"


def write_results(out: Path, n_series: int, *, clock: bool = True) -> None:
    """Tables as a scoring leaves them: alarms at random, and forty series at once, twice."""
    draw = np.random.default_rng(0)
    keys = [NASTY, *(f"plant {n % 7}/pump {n:05d}" for n in range(1, n_series))]
    begins = [(keys[n], float(draw.uniform(0, 30 * 86_400))) for n in range(0, n_series, 2)]
    begins += [(keys[n], day * 86_400.0 + n) for day in (11, 21) for n in range(min(40, n_series))]
    events = []
    for key, second in begins:
        start = FIRST + dt.timedelta(seconds=second)
        times = [start, start + dt.timedelta(minutes=30), start] if clock else [None] * 3
        severity = float(1 + draw.exponential())
        events.append((key, 5, 35, *times, severity, "above", "flow", 3.0, 1.0, "flow 100%"))
    table = pl.DataFrame(events, schema=EVENTS, orient="row")
    worst = dict(table.group_by("key").agg(pl.col("severity").max()).iter_rows())
    counts = dict(table.group_by("key").len().iter_rows())
    last = FIRST + dt.timedelta(days=30)
    series = [
        (
            *(key, 43_200, 1),
            *((FIRST, last, 60.0) if clock else (None,) * 3),
            *(43_000, 30 * counts.get(key, 0), counts.get(key, 0)),
            *(worst.get(key), None, "flow" if key in worst else None),
        )
        for key in keys
    ]
    for name, frame in (
        ("events", table),
        ("series", pl.DataFrame(series, schema=SERIES, orient="row")),
        ("failures", pl.DataFrame({"key": ["a", "b"], "reason": ["3 rows", "5 rows"]})),
    ):
        (out / name).mkdir(parents=True)
        frame.write_parquet(out / name / "shard-00000.parquet")
    (out / "finished.json").write_text(json.dumps({}))


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> FleetRanking:
    out = tmp_path_factory.mktemp("ranked") / "march"
    write_results(out, 10_000)
    return rank_fleet(str(out))


def test_the_worst_come_first_and_what_went_off_together_is_found(ranking: FleetRanking) -> None:
    worst = ranking.series["worst"].drop_nulls()
    assert worst.is_sorted(descending=True)
    assert len(ranking.incidents) == 2
    assert ranking.incidents["n_series"].min() >= 40
    (group,) = ranking.groups.rows(named=True)
    assert group["n_series"] >= 40
    assert group["n_incidents"] == 2


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_the_report_in_a_browser(
    browser,  # noqa: F811
    ranking: FleetRanking,
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    path = ranking.report(tmp_path / "fleet.html")
    assert path.stat().st_size < 4_000_000
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, offline=True)
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda problem: wrong.append(str(problem)))
    page.goto(path.as_uri())
    count = page.locator("#fleet-count")
    assert count.inner_text() == "1 to 50 of 10,000"
    assert page.locator("#fleet-series tbody tr").count() == 50
    page.locator("#fleet-next").click()
    assert count.inner_text().startswith("51 to 100")
    page.locator("#fleet-search").fill("pump 00007")
    assert count.inner_text() == "1 to 1 of 1"
    page.locator("#fleet-series button.open").first.click()
    assert "flow above" in page.locator("tr.alarms").inner_text()
    page.locator("#fleet-search").fill("")
    if width > 700:
        page.locator("#fleet-series th button", has_text="Alarms").click()
        assert page.locator("#fleet-series th[aria-sort=descending]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.hacked") is None
    assert wrong == []
    context.close()


def test_series_without_a_clock_are_ranked_too(tmp_path: Path, capsys) -> None:
    write_results(tmp_path / "rows", 30, clock=False)
    target = tmp_path / "f.html"
    arguments = ["fleet", "rank", str(tmp_path / "rows"), "--report", str(target)]
    assert cli.run(cli.app, arguments) == 0
    assert "30 series went off" in capsys.readouterr().out
    assert "row 5 to 35" in target.read_text()
    assert cli.run(cli.app, ["fleet", "rank", str(tmp_path / "rows"), "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("key,rows")
    with pytest.raises(DataError, match="holds no results"):
        rank_fleet(str(tmp_path))


def test_a_ranking_waits_for_no_network() -> None:
    code = "import sys; from offbeat.fleet import rank_fleet; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
