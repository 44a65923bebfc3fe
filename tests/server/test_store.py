"""The store: migrations make the tables that the code knows, in both databases."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from offbeat.errors import ConfigError
from offbeat.labels import Verdict
from offbeat.server.faults import NotThereError, StoreError
from offbeat.server.jobs.queue import MAX_ATTEMPTS, JobQueue
from offbeat.server.store import Base, LabelRow, SeriesRow, Store
from offbeat.server.store.engine import MIGRATIONS


@pytest.fixture
def store(store_url: str):
    made = Store(store_url)
    made.migrate()
    yield made
    made.close()


def test_migrations_make_the_tables(store: Store) -> None:
    store.migrate()  # a second time changes nothing
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "offbeat_version"})
        assert compare_metadata(context, Base.metadata) == []


OLD_WORDS: dict[str, tuple[str, str, Verdict]] = {
    "an alarm that was right": ("anomaly", "feedback", "true alarm"),
    "a span dragged over": ("anomaly", "person", "missed"),
    "a line of a file": ("anomaly", "import", "true alarm"),
    "an alarm that was wrong": ("normal", "feedback", "false alarm"),
    "a span that was calm": ("normal", "person", "false alarm"),
    "maintenance": ("expected", "person", "expected"),
}


def test_old_words_become_the_librarys_and_back(store_url: str) -> None:
    store = Store(store_url)
    _change(store, command.upgrade, "0001")
    with store._writer.begin() as connection:
        connection.execute(SeriesRow.__table__.insert().values(id="s", **SERIES))
        for place, (note, (word, source, _)) in enumerate(OLD_WORDS.items()):
            row = {"id": str(place), "note": note, "verdict": word, "source": source}
            connection.execute(text(OLD_LABEL), row)
    store.migrate()
    with store.reading() as session:
        rows = {row.note: row for row in session.query(LabelRow)}
    assert {note: row.verdict for note, row in rows.items()} == {
        note: verdict for note, (*_, verdict) in OLD_WORDS.items()
    }
    assert {(*row.channels, row.said_by, row.said_at) for row in rows.values()} == {("ann", "then")}
    _change(store, command.downgrade, "0001")
    with store._engine.connect() as connection:
        back = connection.execute(text("SELECT note, verdict FROM labels")).all()
    assert dict(map(tuple, back)) == {note: word for note, (word, *_) in OLD_WORDS.items()}
    store.close()


OLD_LABEL = """
    INSERT INTO labels (id, created_at, created_by, series_id, start, "end", verdict, note, source)
    VALUES (:id, 'then', 'ann', 's', 1, 2, :verdict, :note, :source)
"""


def _change(store: Store, how: Any, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store._writer.begin() as connection:
        config.attributes["connection"] = connection
        how(config, revision)


def test_a_newer_store_is_left_alone(store: Store) -> None:
    with store._writer.begin() as connection:
        connection.execute(text("UPDATE offbeat_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        store.migrate()


def test_what_fails_is_undone(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as session:  # noqa: PT012
        session.execute(text("DELETE FROM series"))
        session.add(series_row())
        session.flush()
        raise RuntimeError
    with store.reading() as session:
        assert session.get(SeriesRow, "s") is None


SERIES: dict[str, Any] = {
    "name": "s", "origin": "upload", "file": "s.parquet", "bytes": 1, "checksum": "0", "n_rows": 1,
    "channels": ["a"], "has_clock": False, "has_label": False, "notes": [float("nan")],
    "created_by": "x",
}  # fmt: skip


def series_row() -> SeriesRow:
    return SeriesRow(id="s", **SERIES)


def test_numbers_that_are_none_are_null(store: Store) -> None:
    with store.writing() as session:
        session.add(series_row())
    with store.reading() as session:
        row = session.get(SeriesRow, "s")
        assert row is not None
        assert row.notes == [None]


@pytest.mark.parametrize("url", ["mysql://x/y", "postgres", "postgresql+psycopg2://x/y", "http://"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="postgresql://"):
        Store(url)


def test_a_database_that_is_away_is_one_sentence() -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreError, match="cannot be opened"):
        store.migrate()
    assert not store.answers()
    store.close()


# ---------------------------------------------------------------- the queue


def test_the_oldest_job_comes_first_and_once(store: Store) -> None:
    queue = JobQueue(store)
    jobs = [queue.add("train", {"n": i}, "s", "x") for i in range(3)]
    queue.add("score", {}, "s", "x")
    claimed = [queue.claim("train") for _ in range(4)]
    assert [each and each.id for each in claimed] == [*(job.id for job in jobs), None]
    assert queue.counts() == {"running": 3, "queued": 1}


def test_a_stop_puts_running_jobs_back_but_not_for_ever(store: Store) -> None:
    queue = JobQueue(store)
    job = queue.add("train", {}, "s", "x")
    for _ in range(MAX_ATTEMPTS - 1):
        assert queue.claim("train") is not None
        assert queue.recover() == (1, 0)
        assert queue.get(job.id).state == "queued"
    queue.claim("train")
    assert queue.recover() == (0, 1)
    ended = queue.get(job.id)
    assert ended.state == "failed"
    assert ended.problem is not None
    assert "the server stopped 3 times" in ended.problem


def test_parking_is_no_attempt(store: Store) -> None:
    queue = JobQueue(store)
    job = queue.add("train", {}, "s", "x")
    queue.claim("train")
    queue.park(job.id)
    assert (queue.get(job.id).state, queue.get(job.id).attempts) == ("queued", 0)


def test_a_cancelled_job_stays_cancelled(store: Store) -> None:
    queue = JobQueue(store)
    job = queue.add("train", {}, "s", "x")
    queue.claim("train")
    queue.cancel(job.id)
    assert not queue.note_epochs(job.id, [])
    assert not queue.finish(job.id, {}, lambda *_: None)
    queue.fail(job.id, "too late")
    assert queue.get(job.id).state == "cancelled"
    with pytest.raises(NotThereError):
        queue.cancel("nobody")


def test_a_lost_process_is_tried_again_but_not_for_ever(store: Store) -> None:
    queue = JobQueue(store)
    job = queue.add("train", {}, "s", "x")
    for state in ("queued", "queued", "failed"):
        queue.claim("train")
        queue.try_again(job.id, "lost")
        assert queue.get(job.id).state == state
    assert queue.get(job.id).problem == "lost"
