"""What watchers wrote, read for many at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from offbeat.server.store import Store, WatcherRow, live_events, live_readings, live_series
from offbeat.server.workbench.watching.feed import Feed

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def watcher(name: str) -> WatcherRow:
    return WatcherRow(
        id=name, name=name, source="machine:", sinks=[], models=[], fields={}, options={},
        wanted="stopped", state="stopped", created_by="ann",
    )  # fmt: skip


def series(of: str, name: str, recorded_at: str | None) -> dict[str, Any]:
    return {"watcher_id": of, "name": name, "model_id": "m", "last_time": 1} | {
        "recorded_at": recorded_at
    }


def said(of: str, name: str, number: int, phase: str) -> dict[str, Any]:
    return {
        "watcher_id": of, "id": f"{name} {number}", "series": name, "kind": "anomaly",
        "phase": phase, "start": 0, "end": 1, "message": "", "at": LATE, "about": {},
    }  # fmt: skip


def test_series_of_many_watchers_are_told_apart_in_as_many_questions_as_of_one(
    store_url: str,
) -> None:
    store = Store(store_url)
    store.migrate()
    with store.writing() as session:
        session.add_all([watcher("a"), watcher("b"), watcher("c")])
        session.flush()
        known = [series("a", "pump", None), series("b", "pump", EARLY), series("b", "fan", LATE)]
        session.execute(live_series.insert(), known)
        events = [said("a", "pump", 1, "opened"), said("a", "pump", 2, "going on")]
        events += [said("b", name, 3, "closed") for name in ("pump", "fan")]
        session.execute(live_events.insert(), events)
    feed, asked = Feed(store), list[str]()
    event.listen(store._engine, "before_cursor_execute", lambda *all_: asked.append(all_[2]))
    found = feed.series_of(["a", "b", "c"])
    names = {each: [(live.name, live.open_events) for live in found[each]] for each in found}
    assert names == {"a": [("pump", 2)], "b": [("fan", 0), ("pump", 0)], "c": []}
    assert found["b"] == feed.series("b")
    selects = [each for each in asked if each.lstrip().startswith("SELECT")]
    assert len(selects) == 2
    assert [(each, live.name) for each, live in feed.due()] == [("b", "pump")]
    store.close()


def test_the_course_of_a_watcher_is_the_worst_of_its_series_at_each_moment(store_url: str) -> None:
    store = Store(store_url)
    store.migrate()
    severities = [("pump", 0, 0.5), ("pump", 1, None), ("pump", 2, 0.25), ("fan", 1, 3.0)]
    severities += [("fan", 2, 0.125), ("fan", 3, float("nan"))]
    rows = [
        {"watcher_id": "a", "series": name, "time": at, "at": LATE, "about": {"severity": number}}
        for name, at, number in severities
    ]
    with store.writing() as session:
        session.add_all([watcher("a"), watcher("b")])
        session.flush()
        session.execute(live_readings.insert(), rows)
    feed = Feed(store)
    assert feed.newest(["a", "b"], 120) == {"a": [0.5, 3.0, 0.25, None], "b": []}
    assert feed.newest(["a"], 3) == {"a": [0.25, None]}  # rows, not moments
    store.close()
