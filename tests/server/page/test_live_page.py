"""The room of the watchers in a real browser: it moves, it is labelled, and the label acts."""

from __future__ import annotations

from urllib.request import Request, urlopen

import pytest
from hosting import asked, until
from live_watching import grow, lines, pump, quick_model
from pictures import keep_pictures

AGAIN = tuple((first, first + 4) for first in (60, 84, 108))
ROWS = 170


@pytest.fixture(scope="module")
def house(browser, hosted, tmp_path_factory):
    """A server with a model, and its folder."""
    folder = tmp_path_factory.mktemp("live")
    model = quick_model().save(folder / "normal.offbeat").read_bytes()
    with hosted(folder / "data") as address:
        request = Request(f"{address}/api/v1/models?name=Pumps", model)
        with urlopen(request) as answer:
            assert answer.status == 201
        yield address, folder / "data" / "live"


@pytest.mark.slow
def test_a_watcher_is_made_moves_and_is_taught(house, opened):
    address, live = house
    series, path = pump(ROWS, odd=(*AGAIN, (156, 160))), live / "pump.ndjson"
    path.write_text(lines(series, 0, 140))
    with opened(f"{address}/live") as page:
        page.get_by_text("Nothing is watched yet").wait_for()
        page.keyboard.press("n")
        page.wait_for_url("**/live/new")
        page.wait_for_selector("#source")
        keep_pictures(page, "live-new")
        page.fill("#name", "Pump house")
        page.fill("#source", str(path))
        page.wait_for_timeout(200)
        page.get_by_role("button", name="Watch").click()
        page.wait_for_url(lambda url: "/live/" in url and not url.endswith("new"))
        page.wait_for_selector(".chart[data-drawn=yes] .main-svg")
        rows = ".desk-side .tiles dd >> nth=1"
        until(lambda: page.inner_text(rows).strip() == "140", "the rows")
        page.get_by_text("watching").or_(page.get_by_text("off", exact=True)).first.wait_for()
        names = page.locator(".chart .annotation-text").all_text_contents()
        assert "score" in names
        assert "flow" in names

        page.keyboard.press("f")
        page.get_by_text("Noted: false alarm.").wait_for()
        page.keyboard.press("j")
        page.wait_for_url("**event=*")
        page.keyboard.press("f")
        until(lambda: page.locator(".desk-events .tag.good").count() >= 2, "two labels")
        page.keyboard.press("j")
        page.keyboard.press("f")
        page.keyboard.press("r")
        page.get_by_text("mute what is alike").wait_for()
        keep_pictures(page, "live-taught")
        page.keyboard.press("p")
        page.get_by_text("In force from the next row").wait_for()
        grow(path, lines(series, 140))
        until(lambda: page.inner_text(rows).strip() == str(ROWS), "it moves")
        page.get_by_text("kept quiet").first.wait_for()
        keep_pictures(page, "live-watcher")

        page.keyboard.press("x")
        page.get_by_text("Stopped after its checkpoint.").wait_for()
        (made,) = asked(address, "/watchers")
        assert made["state"] == "stopped"
        page.goto(f"{address}/live")
        page.locator("a.row", has_text="Pump house").wait_for()
        page.wait_for_selector(".spark")
        keep_pictures(page, "live")
