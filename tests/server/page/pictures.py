"""Pictures of the page, kept for people to look at: wide and narrow, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SHOTS = Path(__file__).parents[3] / "out" / "page"
LOOKS = ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark"))
ALL_DRAWN = """async () => {
    while (document.querySelector('.chart:not([data-drawn])'))
        await new Promise(done => setTimeout(done, 30));
}"""


def keep_pictures(page: Any, name: str, *, whole: bool = True) -> None:
    """What the page shows, four times; nothing may stick out at its side.

    Parameters
    ----------
    page
        Of Playwright.
    name
        Of the files.
    whole
        Whether to keep all of the page, not only what fits the window.
    """
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate(ALL_DRAWN)
    page.evaluate("scrollTo(0, 0)")
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(50)
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=whole)
    page.set_viewport_size({"width": LOOKS[0][0], "height": 900})
