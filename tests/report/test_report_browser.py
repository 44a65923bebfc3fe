"""The report in a real browser: no errors, no network, no sideways scrolling, clicks that work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fakes import fake_detection
from offbeat.report import write_report

NASTY = ("<script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "x" * 200)
CASES = {
    "three": lambda: fake_detection(6_000, 3, True, zone="Europe/Berlin"),
    "none": lambda: fake_detection(2_000, 2, False, n_events=0),
    "rows": lambda: fake_detection(2_000, 1, False, clock=False),
    "many": lambda: fake_detection(20_000, 38, True, n_events=60),
    "nasty": lambda: fake_detection(2_000, 3, True, names=NASTY),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {name: write_report(make(), folder / f"{name}.html") for name, make in CASES.items()}


@contextmanager
def opened(browser, path, *, width=1440, scheme="light", touch=False) -> Iterator:
    """The report in a window without network; any error or request of it fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        offline=True,
        has_touch=touch,
        is_mobile=touch,
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda each: wrong.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: wrong.append(str(each)))
    page.on("request", lambda each: wrong.append(each.url) if "http" in each.url[:4] else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn=yes]", timeout=30_000)
    yield page
    assert wrong == []
    context.close()


def until(page, condition: str) -> None:
    """Wait for a condition; Playwright's own way needs `eval`, which the report forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("width", "touch"), [(1440, False), (390, True)])
def test_it_opens_whole_and_does_not_scroll_sideways(browser, reports, name, width, touch):
    with opened(browser, reports[name], width=width, touch=touch) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("window.hacked") is None
        empty = (
            "Array.from(document.querySelectorAll('.figure')).filter(f => !f.querySelector('svg'))"
        )
        assert page.evaluate(f"{empty}.length") == 0
        sides = """Array.from(document.querySelectorAll('.figure')).map(f =>
            f.querySelector('.main-svg').getBoundingClientRect().right)"""
        assert max(page.evaluate(sides)) <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_follow_the_colour_scheme(browser, reports, scheme):
    with opened(browser, reports["three"], scheme=scheme) as page:
        colour = "document.querySelector('[data-figure=series]')._fullLayout.font.color"
        light = page.evaluate(colour)
        assert light == ("#4b535d" if scheme == "light" else "#a9b2bc")
        page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        until(page, f"{colour} !== '{light}'")


def test_a_click_on_an_event_shows_it(browser, reports):
    with opened(browser, reports["three"]) as page:
        whole = page.evaluate(RANGE)
        page.click("tr[data-event='1'] button")
        until(page, f"JSON.stringify({RANGE}) !== {_text(whole)}")
        start, end = page.evaluate(RANGE)
        assert whole[0] < start < end < whole[1]
        assert page.evaluate(RANGE.replace("series", "score")) == [start, end]
        assert "here" in page.get_attribute("tr[data-event='1']", "class")
        page.click("[data-go=next]")
        until(page, f"{RANGE}[0] > '{end}'")
        assert page.is_disabled("[data-go=next]")
        page.click("[data-go=all]")
        until(page, f"JSON.stringify({RANGE}) === {_text(whole)}")


def test_zoom_in_one_figure_zooms_the_others(browser, reports):
    with opened(browser, reports["three"]) as page:
        span = ["2026-03-05", "2026-03-07"]
        zoom = "s => Plotly.relayout(document.querySelector('[data-figure=score]'), s)"
        page.evaluate(zoom, {"xaxis.range[0]": span[0], "xaxis.range[1]": span[1]})
        until(page, f"{RANGE}[0].startsWith('{span[0]}')")


def test_tables_sort_and_the_score_can_be_logarithmic(browser, reports):
    with opened(browser, reports["three"]) as page:
        first = "document.querySelector('tr[data-event]').dataset.event"
        header = page.locator("#events th button", has_text="Severity")
        header.click()
        assert page.evaluate(first) == "0"
        header.click()
        assert page.evaluate(first) == "2"
        page.click("[data-log=score]")
        kind = "document.querySelector('[data-figure=score]')._fullLayout.yaxis.type"
        until(page, f"{kind} === 'log'")


def test_names_are_shown_as_they_are(browser, reports):
    with opened(browser, reports["nasty"]) as page:
        titles = page.locator("[data-figure=series] .annotation-text").all_text_contents()
        assert "<script>window.hacked=1</script>" in titles


def test_it_prints(browser, reports):
    with opened(browser, reports["three"]) as page:
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert 3 <= printed.count(b"/Type /Page\n") <= 14
        assert page.evaluate("document.querySelector('details').open")


RANGE = "document.querySelector('[data-figure=series]')._fullLayout.xaxis.range"


def _text(span):
    return repr('["' + '","'.join(span) + '"]')
