"""A real Chromium, and a server whose page it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def hosted(nursery) -> Callable[..., Any]:
    """A server as `offbeat serve` runs it; it does uploads, trainings and scorings itself."""

    @contextmanager
    def served(data: Path, **options: Any) -> Iterator[str]:
        server = nursery.start(
            data.with_suffix(".log"), inline=True, data=str(data), grace=0.5, **options
        )
        try:
            yield server.address
        finally:
            server.end()

    return served


@pytest.fixture(scope="module")
def address(browser, hosted, tmp_path_factory) -> Iterator[str]:
    """A server that was started for the first time."""
    with hosted(tmp_path_factory.mktemp("bench") / "data", example=True) as address:
        yield address


@pytest.fixture(scope="module")
def opened(browser) -> Iterator[Callable[..., Any]]:
    window = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")

    @contextmanager
    def page_at(address: str, *, allowed: tuple[str, ...] = ()) -> Iterator[Any]:
        """A page, logged out; an error on it fails the test."""
        window.clear_cookies()
        page = window.new_page()
        page.set_default_timeout(60_000)
        wrong: list[str] = []
        page.on("console", lambda each: wrong.append(each.text) if each.type == "error" else None)
        page.on("pageerror", lambda each: wrong.append(str(each)))
        page.goto(address)
        yield page
        assert [each for each in wrong if not any(text in each for text in allowed)] == []
        page.close()

    yield page_at
    window.close()
