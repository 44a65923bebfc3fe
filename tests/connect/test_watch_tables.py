"""Tables that grow: each row once, in the order of its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest
import sqlalchemy as sql
from watchers import assert_same_readings, lines, ndjson, records

from offbeat.connect import WatchOptions, source_of, watch
from offbeat.connect.addresses import Address
from offbeat.connect.database import engine_of
from offbeat.errors import ConfigError, DataError
from server.serving import postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/x.db"
        return
    with postgres_database() as address:
        yield address


def fill(database: str, rows: list[dict]) -> None:
    engine = engine_of(Address.parse(database))
    kind = "TEXT" if database.startswith("sqlite") else "TIMESTAMPTZ"
    number = "DOUBLE PRECISION"
    with engine.begin() as connection:
        connection.execute(
            sql.text(
                f'CREATE TABLE IF NOT EXISTS pumps ("time" {kind}, series TEXT, '
                f"pressure {number}, flow {number}, level NUMERIC, valve {number})"
            )
        )
        names = ", ".join(f":{name}" for name in rows[0])
        connection.execute(sql.text(f"INSERT INTO pumps VALUES ({names})"), rows)
    engine.dispose()


def test_a_table_that_grows_is_read_once_over_a_restart(
    database: str, tmp_path: Path, normal: Path
) -> None:
    rows, out = records(), tmp_path / "out"
    (tmp_path / "in.ndjson").write_text(ndjson(rows))
    watch(f"{tmp_path}/in.ndjson?follow=no", [f"{tmp_path}/calm"], [str(normal)], stop=Event())
    source = f"{database}?query={quote('SELECT * FROM pumps')}&follow=no"
    options = WatchOptions(checkpoint=tmp_path / "kept")
    edge = next(i for i in range(100, 200) if rows[i]["time"] != rows[i - 1]["time"])
    to = [str(out), f"{database}"]
    for some in (rows[:edge], rows[edge:]):
        fill(database, some)
        watch(source, to, [str(normal)], options=options, stop=Event(), say=lambda _: None)
    mine = lines(out, "reading")
    assert_same_readings(mine, lines(tmp_path / "calm", "reading"))
    engine = engine_of(Address.parse(database))
    with engine.connect() as connection:
        n_readings = connection.scalar(sql.text("SELECT COUNT(*) FROM offbeat_readings"))
        ids = connection.execute(sql.text("SELECT id FROM offbeat_events")).scalars().all()
    engine.dispose()
    assert n_readings == len(mine)
    assert set(ids) == {each["id"] for each in lines(out, "event")}


def test_rows_of_one_time_stay_together(database: str, monkeypatch) -> None:
    monkeypatch.setattr("offbeat.connect.tailing.BATCH", 4)
    rows = [{**records()[0], "time": f"2026-03-01T0{i // 3}:00:00Z", "level": i} for i in range(9)]
    fill(database, rows)
    source = source_of(f"{database}?query={quote('SELECT * FROM pumps')}&every=1ms")
    source.open(None)
    sizes, levels = list[int](), list[float]()
    for _ in range(6):
        batch = source.take(0.01)
        assert batch is not None
        sizes.append(len(batch))
        levels += [float(each["level"]) for each in batch.records]
    source.close()
    assert sizes == [3, 3, 3, 0, 0, 0]
    assert [sorted(levels[i : i + 3]) for i in (0, 3, 6)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_mistakes_in_a_query_are_told(database: str) -> None:
    with pytest.raises(ConfigError, match="asks nothing"):
        source_of(database)
    source = source_of(f"{database}?query={quote('SELECT * FROM no_such_table')}")
    source.open(None)
    with pytest.raises((DataError, OSError), match="no_such_table"):
        source.take(0.0)
    source.close()
