"""The page in a real browser: upload, train, drag the line, label, recalibrate, reload."""

from __future__ import annotations

import re
import time

import numpy as np
import polars as pl
import pytest
from hosting import asked, until
from pictures import keep_pictures

import contract

CUT = ".cut .tiles dd >> nth=0"
EVENTS = ".cut .tiles dd >> nth=1"


@pytest.fixture(scope="module")
def machine(address) -> dict[str, str]:
    """The shipped recording, scored."""
    until(lambda: asked(address, "/detections"), "scores of the example")
    found = asked(address, "/detections")[0]
    return {"series": found["series_id"], "model": found["model_id"], "id": found["id"]}


def drawn(page) -> None:
    page.wait_for_selector(".chart[data-drawn=yes] .main-svg")


def settled(page) -> str:
    """How many events are shown, once the cut is known."""
    return until(lambda: page.inner_text(EVENTS).strip(), "the number of events")


def test_the_first_start_shows_the_recording_and_where_to_drop_a_file(address, machine, opened):
    with opened(address) as page:
        line = page.locator("a.row", has_text="Machine (example)")
        line.wait_for()
        assert "off" in line.inner_text()
        assert line.locator(".spark").count() == 1
        assert page.get_by_text("Drop a CSV here").is_visible()
        line.click()
        drawn(page)
        names = page.locator(".chart .annotation-text").all_text_contents()
        assert {"score", "marked as anomaly", "learned from"} <= set(names)


def test_a_file_is_dropped_trained_and_scored(address, machine, opened, tmp_path):
    data = contract.waves()
    data[700:730, 0] += 3
    stamps = np.datetime64("2026-01-05", "ms") + np.arange(len(data)) * np.timedelta64(60_000, "ms")
    frame = pl.DataFrame({"time": stamps, "a": data[:, 0], "b": data[:, 1]})
    frame.write_csv(tmp_path / "two waves.csv")
    with opened(address) as page:
        page.wait_for_selector(".drop")
        page.set_input_files(".drop input", tmp_path / "two waves.csv")
        page.wait_for_url("**/train")
        drawn(page)
        assert page.inner_text("h1") == "two waves"
        page.fill("input[name=epochs]", "3")
        page.wait_for_url("**epochs=3**")
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        page.wait_for_url("**/jobs/*")
        page.wait_for_selector(".chart[data-drawn=yes]")
        page.get_by_text("See what it found").click()
        page.wait_for_selector("text=Measured, expected, and how far off")
        drawn(page)
        assert int(settled(page)) >= 1


def test_the_line_is_dragged_and_what_would_alarm_follows(address, machine, opened):
    with opened(f"{address}/series/{machine['series']}") as page:
        drawn(page)
        before = settled(page)
        line = page.locator(".desk-chart .cut-line")
        line.scroll_into_view_if_needed()
        box = line.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y - 6, steps=3)
        until(lambda: page.inner_text(EVENTS).strip() != before, "live figures while it is dragged")
        before = page.inner_text(EVENTS).strip()
        page.mouse.move(x, y - 18, steps=3)
        page.mouse.up()
        began = time.perf_counter()
        until(lambda: page.inner_text(EVENTS).strip() != before, "another number of events")
        assert time.perf_counter() - began < 1.0
        page.wait_for_url("**cut=*")
        assert page.get_by_text("tried, not kept").is_visible()
        page.wait_for_timeout(300)  # the last move is on its way
        tried = float(re.search(r"cut=(?:fixed:)?([\d.]+)", page.evaluate(SEARCH))[1])
        preview = asked(
            address, f"/detections/{machine['id']}/thresholds/preview", {"threshold": tried}
        )
        until(lambda: page.inner_text(EVENTS).strip() == str(preview["events"]), "its events")
        until(lambda: page.evaluate(BOXES) == preview["events"], "the events to be shaded")
        lines = page.locator(".cut-line").all_inner_texts()
        assert len(lines) == 2  # the histogram's line came along
        assert [float(each) for each in lines] == [tried, tried]

        page.reload()  # the address has it all
        drawn(page)
        until(lambda: settled(page) == str(preview["events"]), "the same view")


SHAPES = "document.querySelector('.desk-chart .plot').layout.shapes"
SEARCH = "decodeURIComponent(location.search)"
BOXES = f"{SHAPES}.filter(each => each.name === 'event').length"


def test_keys_move_the_cut_and_keep_it_and_it_can_be_undone(address, machine, opened):
    with opened(f"{address}/series/{machine['series']}") as page:
        drawn(page)
        settled(page)
        first = page.inner_text(CUT)
        for _ in range(3):
            page.keyboard.press("Shift+ArrowRight")
        until(lambda: page.inner_text(CUT) != first, "another cut")
        page.wait_for_url("**cut=*")
        page.keyboard.press("p")
        page.wait_for_selector(".trail li.now")
        until(lambda: "cut=" not in page.evaluate(SEARCH), "the cut to be no trial any more")
        assert "local" in page.inner_text(".trail li.now")
        page.keyboard.press("b")
        until(lambda: page.inner_text(CUT) == first, "the cut before")
        history = asked(address, f"/models/{machine['model']}/threshold/history")
        assert [each["action"] for each in history] == ["undo", "apply"]


def test_a_method_is_tried_with_a_click(address, machine, opened):
    with opened(f"{address}/series/{machine['series']}") as page:
        drawn(page)
        settled(page)
        row = page.locator(".desk-side tr", has_text="percentile 99.9")
        row.locator("button").click()
        page.wait_for_url("**cut=percentile**")
        cells = row.locator("td").all_inner_texts()
        until(lambda: page.inner_text(EVENTS).strip() == cells[2], "its number of events")
        page.keyboard.press("r")
        until(lambda: "cut=" not in page.evaluate(SEARCH), "the cut in force")


def test_events_are_judged_with_keys_and_labels_act(address, machine, opened):
    path = f"/detections/{machine['id']}/events"
    with opened(f"{address}/series/{machine['series']}") as page:
        drawn(page)
        page.locator(".desk-events td a").first.click()
        page.wait_for_selector("text=Expected against actual")
        drawn(page)
        page.keyboard.press("a")
        page.wait_for_selector(".tag:has-text('true alarm')")
        assert sum(each["verdict"] == "true alarm" for each in asked(address, path)) == 1
        page.keyboard.press("f")
        page.wait_for_selector(".tag:has-text('false alarm')")
        page.keyboard.press("u")
        page.wait_for_selector("text=nobody said yet")
        assert all(each["verdict"] is None for each in asked(address, path))
        page.keyboard.press("a")
        page.wait_for_selector(".tag:has-text('true alarm')")
    for each in asked(address, path):
        if each["severity"] < 1.1:
            asked(address, f"{path}/{each['number']}/feedback", {"feedback": "false alarm"})
    before = asked(address, f"/detections/{machine['id']}")
    with opened(f"{address}/series/{machine['series']}/labels") as page:
        page.wait_for_selector("text=Before")
        rows = page.locator(".split tr").all_inner_texts()
        assert any(row.startswith("F1") for row in rows)
        page.click("button:has-text('Apply')")
        page.wait_for_selector("text=Measured, expected, and how far off")
        page.wait_for_selector(".trail li.now:has-text('labels')")
        assert int(settled(page)) < before["events"]
    with opened(f"{address}/series/{machine['series']}") as page:
        drawn(page)
        page.wait_for_selector(".trail li.now")
        page.keyboard.press("b")
        until(lambda: settled(page) == str(before["events"]), "the events before")


def test_a_missed_one_is_marked_by_dragging_over_the_chart(address, machine, opened):
    with opened(f"{address}/series/{machine['series']}") as page:
        drawn(page)
        settled(page)
        page.keyboard.press("s")
        page.wait_for_url("**drag=mark**")
        area = page.locator(".desk-chart .chart .nsewdrag").first.bounding_box()
        y = area["y"] + area["height"] / 2
        page.mouse.move(area["x"] + 60, y)
        page.mouse.down()
        page.mouse.move(area["x"] + 110, y + 5, steps=5)
        page.mouse.up()
        page.wait_for_url("**start=2026**")
        n_before = len(asked(address, f"/series/{machine['series']}/labels"))
        page.keyboard.press("x")
        page.wait_for_selector("text=Marked as an anomaly that was missed.")
        labels = asked(address, f"/series/{machine['series']}/labels")
        assert len(labels) == n_before + 1
        span = page.input_value("#span-from"), page.input_value("#span-to")
        made = next(each for each in labels if each["source"] == "person" and each["verdict"] ==
                    "missed" and each["start"][:19] == span[0][:19].replace(" ", "T"))  # fmt: skip
        assert made["end"][:19] == span[1][:19].replace(" ", "T")


VIEWS = {
    "overview": "/",
    "series": "/series/{series}",
    "event": "/series/{series}/event",
    "check": "/series/{series}/check",
    "train": "/series/{series}/train",
    "versions": "/series/{series}/versions",
    "labels": "/series/{series}/labels",
    "quiet": "/series/{series}/quiet",
    "moved": "/moved?start=2026-11-24T04:31:37&end=2026-11-24T04:32:20",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "models": "/models",
    "nowhere": "/nowhere",
}


@pytest.mark.slow
def test_every_view_is_kept_as_a_picture(address, machine, opened):
    jobs = asked(address, "/jobs")
    ids = {**machine, "job": next(each["id"] for each in jobs if each["kind"] == "train")}
    with opened(address, allowed=("404",)) as page:
        for name, path in VIEWS.items():
            page.goto(address + path.format(**ids))
            page.wait_for_selector(".view > *")
            page.wait_for_selector(".waiting", state="detached")
            keep_pictures(page, name)
