"""Who gets in, what a reader sees, and the views for what is not there or went wrong."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from hosting import asked, until
from pictures import keep_pictures

TOKEN, READ_TOKEN = "full-token-0123456789", "read-token-0123456789"
SHORT = b"a\n1\n2\n3\n4\n5\n6"
REFUSED = "the server responded with a status of 4"


@pytest.fixture(scope="module")
def guarded(browser, hosted, tmp_path_factory):
    """An empty server that needs a token."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    with hosted(data, token=TOKEN, read_token=READ_TOKEN) as address:
        yield address


def log_in(page, token, name="mara"):
    page.wait_for_url("**/login")
    page.fill("#token", token)
    page.fill("#name", name)
    page.keyboard.press("Enter")


def test_a_token_lets_in_and_a_wrong_one_is_told_so(guarded, opened):
    with opened(guarded, allowed=(REFUSED,)) as page:
        page.wait_for_url("**/login")
        keep_pictures(page, "sign-in")
        log_in(page, "no-such-token-at-all")
        page.wait_for_selector("#wrong:has-text('this token is wrong')")
        keep_pictures(page, "sign-in-refused")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("text=No series yet")
        assert page.inner_text(".who b") == "mara"
        assert page.locator(".drop").count() == 1
        keep_pictures(page, "empty")
        page.get_by_text("Log out").click()
        page.wait_for_url("**/login")
        page.goto(guarded)
        page.wait_for_url("**/login")


def test_a_file_is_uploaded_with_a_token_and_a_bad_one_is_refused(guarded, opened, tmp_path):
    (tmp_path / "bad.csv").write_text("time,a\nyesterday,1\n")
    (tmp_path / "good.csv").write_text("a\n" + "\n".join(str(i % 7) for i in range(400)))
    with opened(guarded, allowed=(REFUSED,)) as page:
        log_in(page, TOKEN)
        page.set_input_files(".drop input", tmp_path / "bad.csv")
        page.wait_for_selector(".drop .wrong")
        page.set_input_files(".drop input", tmp_path / "good.csv")
        page.wait_for_url("**/train")
        page.wait_for_selector("text=What is normal?")


def test_a_reader_sees_no_button_that_would_change_anything(guarded, opened):
    series = asked(guarded, "/series?name=calm", SHORT, TOKEN)
    with opened(guarded, allowed=(REFUSED,)) as page:
        log_in(page, READ_TOKEN)
        page.wait_for_selector("a.row")
        assert page.locator(".drop").count() == 0
        assert page.get_by_text("reads only").is_visible()
        for view in ("", "/check", "/train", "/versions", "/labels", "/quiet"):
            page.goto(f"{guarded}/series/{series['id']}{view}")
            page.wait_for_selector(".view")
            buttons = set(page.locator(".view button, .view input").all_inner_texts())
            assert buttons <= {""}, view


def test_a_failed_job_says_why(guarded, opened):
    series = asked(guarded, "/series?name=short", SHORT, TOKEN)
    job = asked(guarded, f"/series/{series['id']}/train", {}, TOKEN)
    with opened(guarded, allowed=(REFUSED,)) as page:
        log_in(page, TOKEN)
        page.wait_for_selector(".view")
        page.goto(f"{guarded}/jobs/{job['id']}")
        page.wait_for_selector("text=It came to nothing")
        assert len(page.inner_text("blockquote")) > 20
        keep_pictures(page, "failed")
        page.get_by_text("Change the choices").click()
        page.wait_for_selector("text=What is normal?")


def test_what_is_not_there_says_so(guarded, opened):
    with opened(guarded, allowed=(REFUSED,)) as page:
        log_in(page, TOKEN)
        page.wait_for_selector(".view")
        page.goto(f"{guarded}/series/0000")
        page.wait_for_selector("text=This is not here")
        page.goto(f"{guarded}/nowhere/at/all")
        page.wait_for_selector("text=There is no such page")


def test_a_lost_connection_is_seen(hosted, opened, tmp_path):
    with ExitStack() as server:
        address = server.enter_context(hosted(tmp_path / "data"))
        with opened(address, allowed=("ERR_CONNECTION",)) as page:
            page.wait_for_selector("text=No series yet")
            server.close()
            page.wait_for_selector("#popup[aria-hidden=false]")
            until(lambda: page.evaluate(FADED) < 1, "the view to fade")
            keep_pictures(page, "lost", whole=False)


FADED = "Number(getComputedStyle(document.querySelector('.view')).opacity)"


def test_many_channels_and_long_names_fit(guarded, opened):
    names = [f"channel {'very ' * 12}long {i}" for i in range(198)]
    names += ["<script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>"]
    header = ",".join(names)
    rows = np.random.default_rng(0).normal(size=(300, 200)).round(3)
    table = "\n".join(",".join(map(str, row)) for row in rows.tolist())
    series = asked(guarded, f"/series?name={'n' * 190}", f"{header}\n{table}".encode(), TOKEN)
    with opened(guarded, allowed=(REFUSED,)) as page:
        log_in(page, TOKEN)
        page.wait_for_selector("a.row")
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for view in ("", "/check", "/train"):
                page.goto(f"{guarded}/series/{series['id']}{view}")
                page.wait_for_selector(".tabs")
                assert page.evaluate("document.documentElement.scrollWidth") == width
            page.goto(guarded)
            page.wait_for_selector("a.row")
            assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("window.hacked") is None
