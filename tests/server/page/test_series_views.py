"""What a series has beside its chart: two versions compared, quiet times, labels as files."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hosting import asked, until
from pictures import keep_pictures

import contract

REFUSED = "the server responded with a status of 4"
ODD = ((700, 730), (850, 880))
QUICK = ("hidden_size=8", "training.max_epochs=2")


@pytest.fixture(scope="module")
def waves(browser, hosted, tmp_path_factory) -> dict[str, str]:
    """Two waves of one Monday with two odd stretches; a model of two versions has learned them."""
    folder = tmp_path_factory.mktemp("waves")
    data = contract.waves(1000)
    for start, end in ODD:
        data[start:end, 0] += 3
    stamps = np.datetime64("2026-01-05", "ms") + np.arange(len(data)) * np.timedelta64(60_000, "ms")
    frame = pl.DataFrame({"time": stamps, "a": data[:, 0], "b": data[:, 1]})
    with hosted(folder / "data") as address:
        series = asked(address, "/series?name=waves", frame.write_csv().encode())["id"]
        first = trained(address, series, settings=QUICK, train=0.5)
        model = first["model_id"]
        again = trained(
            address, series, settings=QUICK, train=0.5, seed=1, model_id=model,
            threshold="percentile:99.9",
        )  # fmt: skip
        assert again["version"] == 2
        asked(address, "/detections", {"series_id": series, "model_id": model})
        at = f"{address}/series/{series}"
        until(lambda: asked(address, f"/detections?series_id={series}"), "scores of version 1")
        yield {"address": address, "series": series, "model": model, "at": at}


def trained(address, series, **request):
    job = asked(address, f"/series/{series}/train", request)["id"]
    until(lambda: asked(address, f"/jobs/{job}")["state"] == "done", "the end of the training")
    return asked(address, f"/jobs/{job}")


def shown_between(page):
    """The stretch of time that the chart shows."""
    return [
        each[:16] for each in page.evaluate("document.querySelector('.plot').layout.xaxis.range")
    ]


def test_two_versions_are_compared_on_one_span_before_switching(waves, opened):
    span = ["2026-01-05 11:00", "2026-01-05 13:00"]
    with opened(f"{waves['at']}/versions?since={span[0]}&until={span[1]}") as page:
        page.wait_for_selector("text=Version 2 has not scored this series yet")
        assert page.locator("tr.now").inner_text().startswith("1\t")
        page.keyboard.press("c")
        page.wait_for_selector(".chart[data-drawn=yes]")
        assert shown_between(page) == span
        rows = page.locator(".card:has(.chart) tr").all_inner_texts()
        assert rows[0].split() == ["Version", "1", "Version", "2"]
        kept = asked(waves["address"], f"/detections?series_id={waves['series']}")
        ids = {each["version"]: each["id"] for each in kept}
        events = [asked(waves["address"], f"/detections/{ids[n]}")["events"] for n in (1, 2)]
        assert next(row for row in rows if row.startswith("Events")).split()[1:] == [
            str(each) for each in events
        ]
        assert page.locator("h3", has_text="of version 1 only").count() == 1
        assert page.locator("h3", has_text="of version 2 only").count() == 1
        keep_pictures(page, "comparison")

        page.locator("select[aria-label='Version b']").select_option("1")
        page.wait_for_url("**b=1**")
        page.wait_for_selector("text=the same version twice")
        assert "since=" in page.url  # the span comes along
        model = asked(waves["address"], f"/models/{waves['model']}")
        assert model["active"]["number"] == 1  # looking changes nothing
        page.locator("tr", has_text="2\t").get_by_text("Use", exact=True).click()
        page.wait_for_selector("tr.now >> text=in use")
        until(lambda: page.locator("tr.now").inner_text().startswith("2\t"), "version 2 in use")
        model = asked(waves["address"], f"/models/{waves['model']}")
        assert model["active"]["number"] == 2


def test_a_quiet_time_is_made_and_taken_away_with_a_form(waves, opened):
    with opened(f"{waves['at']}/quiet") as page:
        page.wait_for_selector("text=Nothing is kept quiet")
        keep = page.get_by_role("button", name="Keep quiet then")
        keep.click()  # nothing restricts: it would be quiet for ever
        page.wait_for_selector(".say .alert")
        assert page.locator(".hours i.on").count() == 0
        for day in ("Mon", "Tue"):
            page.get_by_label(day).check()
        page.get_by_label("From").fill("11:30")
        page.get_by_label("To", exact=True).fill("13:00")
        page.get_by_label("Why").fill("nightly <b>backup</b>")
        keep.click()
        page.wait_for_selector("td:has-text('Mon,Tue 11:30-13:00')")
        assert page.locator(".hours i.on").count() == 4
        (mute,) = asked(waves["address"], f"/models/{waves['model']}/mutes")
        assert mute["note"] == "nightly <b>backup</b>"
        quiet = page.locator(".card", has=page.locator("h2", has_text="Kept quiet"))
        assert "11:4" in quiet.inner_text()  # the odd stretch that begins at 11:40
        assert "nightly <b>backup</b>" in quiet.inner_text()
        keep_pictures(page, "quiet-times")
        page.get_by_text("Remove").click()
        page.wait_for_selector("text=Nothing is kept quiet")
        assert asked(waves["address"], f"/models/{waves['model']}/mutes") == []


def test_labels_go_out_as_a_file_and_come_in_again(waves, opened, tmp_path):
    with opened(f"{waves['at']}/event", allowed=(REFUSED,)) as page:
        page.wait_for_selector("text=nobody said yet")
        page.fill("#note", "the pump, again")
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        page.wait_for_selector(".tag:not(.blank)")
        page.keyboard.press("j")
        page.wait_for_selector("text=nobody said yet")
        page.keyboard.press("f")
        page.wait_for_selector(".tag:not(.blank)")

        page.goto(f"{waves['at']}/labels")
        page.wait_for_selector("h2:has-text('2 labels')")
        said = verdicts(page)
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        download.value.save_as(tmp_path / "labels.csv")
        for left in ("1 label", "Nobody has said anything yet"):
            page.get_by_text("Take back").first.click()
            page.wait_for_selector(f"text={left}")
        (tmp_path / "none.csv").write_text("moment,word\n1,2\n")
        page.set_input_files("#labels-file", tmp_path / "none.csv")
        page.wait_for_selector(".say .alert")
        page.set_input_files("#labels-file", tmp_path / "labels.csv")
        page.wait_for_selector("h2:has-text('2 labels')")
        assert verdicts(page) == said
        assert any("the pump, again" in row for row in said)


def verdicts(page) -> list[str]:
    """From, to, and what was said of it."""
    rows = page.locator(".list").first.locator("tbody tr").all_inner_texts()
    return sorted("\t".join(row.split("\t")[:3]) for row in rows)
