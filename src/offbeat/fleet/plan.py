"""Plan: which series make up which shard. It is written first, so that a resume finds the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from offbeat.fleet.frames import frame_at, write_frame_at
from offbeat.fleet.places import Place
from offbeat.fleet.staging import Groups

__all__ = ["FAILURES", "SHARD", "Plan", "Shard", "Wanted", "cut_shards"]

SERIES = {"key": pl.String, "url": pl.String, "cost": pl.Int64, "shard": pl.Int64}
PARTS = {"shard": pl.Int64, "spill": pl.String, "group": pl.Int64}
SHARD = "shard-"
"""What the names of shards begin with."""
FAILURES = {"key": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Wanted:
    """One series: its key, the file that holds it ("" for a long table) and what it costs."""

    key: str
    url: str
    cost: int


@dataclass(frozen=True)
class Shard:
    """Series that are done together, whole or not at all.

    Parameters
    ----------
    number
        From 0.
    series
        In the order of their keys.
    groups
        Where their rows lie in the staging; none if each has a file.
    """

    number: int
    series: tuple[Wanted, ...]
    groups: Groups = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`shard-00012`, as in the names of its files."""
        return f"{SHARD}{self.number:05d}"

    @property
    def cost(self) -> int:
        """Bytes, or values of a long table."""
        return sum(each.cost for each in self.series)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        series = [[each.key, each.url, each.cost] for each in self.series]
        return {"number": self.number, "series": series, "groups": self.groups}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Shard:
        """What `to_dict` gave."""
        series = tuple(Wanted(*each) for each in entry["series"])
        return cls(entry["number"], series, entry["groups"])


@dataclass(frozen=True, eq=False)
class Plan:
    """All shards, and what failed before a shard could hold it.

    Parameters
    ----------
    series
        Columns key, url, cost, shard.
    parts
        Columns shard, spill, group: where rows lie in the staging.
    failures
        Columns key, reason.
    """

    series: pl.DataFrame
    parts: pl.DataFrame
    failures: pl.DataFrame

    @classmethod
    def made(
        cls,
        wanted: Sequence[Wanted],
        failures: Sequence[tuple[str, str]],
        *,
        most_series: int,
        most_cost: int,
        index: pl.DataFrame | None = None,
    ) -> Plan:
        """Cut shards; `index` says which spill and group hold which key of a long table."""
        ordered = sorted(wanted, key=lambda each: each.key)
        numbers = cut_shards([each.cost for each in ordered], most_series, most_cost)
        rows = [(w.key, w.url, w.cost, n) for w, n in zip(ordered, numbers, strict=True)]
        series = pl.DataFrame(rows, schema=SERIES, orient="row")
        parts = pl.DataFrame(schema=PARTS)
        if index is not None:
            parts = (
                index.join(series.select("key", "shard"), on="key")
                .select("shard", "spill", "group")
                .unique()
                .sort("shard", "spill", "group")
            )
        told = pl.DataFrame(list(failures), schema=FAILURES, orient="row")
        return cls(series, parts, told)

    @classmethod
    def read(cls, place: Place) -> Plan | None:
        """What `write` wrote; None if it was not written to its end."""
        if not (place / "series.parquet").exists():
            return None
        names = ("series", "parts", "failures")
        return cls(*(frame_at(place / f"{name}.parquet") for name in names))

    def write(self, place: Place) -> None:
        """The table of series last: it says that the others are there."""
        for name in ("parts", "failures", "series"):
            write_frame_at(getattr(self, name), place / f"{name}.parquet")

    @property
    def n_series(self) -> int:
        """With those that failed early."""
        return len(self.series) + len(self.failures)

    def shards(self) -> Iterator[Shard]:
        """The dearest first, so that a giant does not begin last."""
        groups = self._groups()
        made = [
            Shard(
                int(number),
                tuple(Wanted(*row) for row in frame.select("key", "url", "cost").iter_rows()),
                groups.get(int(number), {}),
            )
            for (number,), frame in self.series.partition_by(
                "shard", as_dict=True, maintain_order=True
            ).items()
        ]
        yield from sorted(made, key=lambda shard: (-shard.cost, shard.number))

    def _groups(self) -> dict[int, Groups]:
        found: dict[int, Groups] = {}
        for shard, spill, group in self.parts.iter_rows():
            found.setdefault(shard, {}).setdefault(spill, []).append(group)
        return found


def cut_shards(costs: Sequence[int], most_series: int, most_cost: int) -> list[int]:
    """The number of the shard of each series: consecutive, full or dear ones closed.

    It depends on the series alone, never on how many workers there are, so that the results do
    not either.
    """
    numbers, shard, held, spent = [], 0, 0, 0
    for cost in costs:
        if held and (held >= most_series or spent + cost > most_cost):
            shard, held, spent = shard + 1, 0, 0
        numbers.append(shard)
        held, spent = held + 1, spent + cost
    return numbers
