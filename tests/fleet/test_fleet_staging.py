"""Long tables laid out: every row once, in order, whatever the sizes and the order of the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.fleet import staging
from offbeat.fleet.finding import DataFile, find_files, hive_value
from offbeat.fleet.places import Place
from offbeat.fleet.plan import Plan, Wanted, cut_shards
from offbeat.fleet.staging import read_groups, stage_file
from offbeat.fleet.tables import blocks
from offbeat.io import ReadOptions


def test_every_row_comes_back_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "GROUP_ROWS", 700)
    draw = np.random.default_rng(0)
    keys = [f"k{n}" for n in draw.choice(9, 20_000, p=[0.6, *[0.05] * 8])]
    table = pl.DataFrame({"k": keys, "row": np.arange(20_000), "x": draw.standard_normal(20_000)})
    table.write_csv(tmp_path / "t.csv")
    file = DataFile(str(tmp_path / "t.csv"), "t.csv", 0)
    place = Place(str(tmp_path / "staging"))
    staged = stage_file(file, "k", ReadOptions(), place, "f", spill_bytes=100_000)
    assert staged.spills > 2
    names = [f"f-{n}" for n in range(staged.spills)]
    index = pl.concat(
        [pl.read_parquet(place._path + f"/{n}.index").with_columns(spill=pl.lit(n)) for n in names]
    )
    assert index["rows"].sum() == staged.rows == 20_000
    for wanted in (["k0"], ["k3", "k7"]):
        part = index.filter(pl.col("key").is_in(wanted)).select("spill", "group").unique()
        groups = {
            spill: sorted(part.filter(spill=spill)["group"].to_list()) for spill in part["spill"]
        }
        found = read_groups(place, {n: groups[n] for n in names if n in groups}, "k", wanted)
        for key in wanted:
            assert found.filter(k=key)["row"].equals(table.filter(k=key)["row"])


def test_quotes_hold_line_ends_together(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    rows = "".join(f'"a\nb",{n}\n' for n in range(5_000))
    path.write_text("# a remark\n\nk,x\n" + rows)
    found = list(blocks(DataFile(str(path), "q.csv", 0), "k", ReadOptions(), 4_000))
    assert len(found) > 3
    assert pl.concat(found)["x"].to_list() == list(range(5_000))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 50), max_size=40),
    st.integers(1, 8),
    st.integers(1, 80),
)
def test_shards_are_consecutive_and_bounded(costs: list[int], most: int, dear: int) -> None:
    numbers = cut_shards(costs, most, dear)
    assert sorted(numbers) == numbers
    assert set(numbers) == set(range(len(set(numbers))))
    for shard in set(numbers):
        held = [cost for cost, number in zip(costs, numbers, strict=True) if number == shard]
        assert len(held) <= most
        assert sum(held) <= dear or len(held) == 1 or sum(held[:-1]) == 0


def test_a_plan_comes_back_and_the_dearest_shard_goes_first(tmp_path: Path) -> None:
    wanted = [Wanted(f"k{n}", "", cost) for n, cost in enumerate((1, 1, 9, 1))]
    plan = Plan.made(wanted, [("x", "why")], most_series=2, most_cost=5)
    place = Place(str(tmp_path / "plan"))
    assert Plan.read(place) is None
    plan.write(place)
    again = Plan.read(place)
    assert again is not None
    assert [[each.key for each in shard.series] for shard in again.shards()] == [
        ["k2"],
        ["k0", "k1"],
        ["k3"],
    ]
    assert again.failures.rows() == [("x", "why")]


def test_what_belongs_to_the_data_is_found(tmp_path: Path) -> None:
    for name in ("a/1.csv", "a/2.csv.gz", "_meta/x.csv", ".b.csv", "c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [each.key for each in find_files(str(tmp_path))] == ["a/1", "a/2"]
    assert hive_value("day=1/pump=a%20b/0.parquet", "pump") == "a b"
