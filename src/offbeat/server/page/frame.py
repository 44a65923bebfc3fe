"""Frame: what stands around every view, and the views for what is not there or went wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from nicegui import ui

from offbeat.errors import OffbeatError
from offbeat.server.faults import NotThereError
from offbeat.server.page.pieces import button, link, tag, words
from offbeat.server.page.visit import Visit

__all__ = ["FLAT", "frame", "head_line", "honest", "tabs"]

HERE = Path(__file__).parent
MISTAKE = "This view could not be built. What went wrong is in the server's log."
log = logging.getLogger("offbeat.page")
SECTIONS = (
    ("Overview", "/", "O"),
    ("Live", "/live", "L"),
    ("Jobs", "/jobs", None),
    ("Models", "/models", None),
)
MARK = (
    '<svg viewBox="0 0 52 40" aria-hidden="true"><path d="M2 24h9l5-9 6 17 7-29 7 27 4-6h10" '
    'fill="none" stroke="currentColor" stroke-width="4.5" stroke-linecap="round" '
    'stroke-linejoin="round"/><circle cx="29" cy="5" r="4.5" fill="var(--alert-bar)"/></svg>'
)
FLAT = (
    '<svg class="sign" viewBox="0 0 56 40" aria-hidden="true"><path d="M3 22h14l4-8 6 16 5-12 3 '
    '4h18"'
    ' fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" '
    'stroke-linejoin="round"/></svg>'
)


@cache
def _head() -> str:
    """Style and script, in the page itself: nothing else has to be fetched for it to look right."""
    style, script = (HERE / "style.css").read_text(), (HERE / "page.js").read_text()
    return f"<style>{style}</style><script>{script}</script>"


@contextmanager
def frame(visit: Visit, section: str = "") -> Iterator[None]:
    """Everything around a view; what fails while it is built gets a view of its own."""
    ui.add_head_html(_head())
    words("a", "Skip to the content", "skip", href="#content")
    _bar(visit, section)
    with tag("div", "view", id="content"):
        try:
            yield
        except OffbeatError as problem:
            honest_problem(problem)
        except Exception:
            log.exception("mistake")
            with honest("A mistake of the server", MISTAKE, alert=True):
                link("To the overview", "/", "button main")
    tag("div", "say", role="status", aria_live="polite")
    with tag("dialog", id="keys", aria_label="Keys"):
        words("h2", "Keys of this view")
        tag("div", "keys")
        with tag("form", method="dialog").style("margin-top: 16px"):
            words("button", "Close")


def _bar(visit: Visit, section: str) -> None:
    with tag("header", "bar"), tag("div"):
        with tag("a", "mark", href="/", aria_label="Offbeat, overview"):
            ui.html(MARK, sanitize=False).style("display: flex")
            words("span", "Offbeat")
        with tag("nav", aria_label="Sections"):
            for name, target, key in SECTIONS:
                here = "page" if name == section else None
                link(name, target, aria_current=here, data_key=key, data_does=name)
        with tag("div", "who"):
            if visit.needs_token:
                words("b", visit.caller.name, title=visit.caller.name)
            if not visit.may_act:
                words("span", "reads only", "tag blank")
            button("?", look="plain", js="() => offbeat.help()", aria_label="Keys of this view")
            button("Light / dark", look="plain wide", js="() => offbeat.ground()")
            if visit.needs_token:
                button("Log out", look="plain", js="() => offbeat.leave()")


def head_line(
    title: str, *, crumbs: tuple[tuple[str, str], ...] = (), lead: str = ""
) -> ui.element:
    """Heading of a view; what is put into the result stands at its right."""
    with tag("div", "head"):
        with tag("div"):
            if crumbs:
                with tag("p", "crumb"):
                    for name, target in crumbs:
                        link(name, target)
                        words("span", "/", aria_hidden="true")
            words("h1", title)
            if lead:
                words("p", lead, "lead")
        return tag("div", "tools")


def tabs(chosen: str, views: tuple[tuple[str, str], ...]) -> None:
    """Views beside this one: name and address."""
    with tag("nav", "tabs", aria_label="Views"):
        for name, target in views:
            link(name, target, aria_current="page" if name == chosen else None)


@contextmanager
def honest(title: str, text: str, *, quote: str = "", alert: bool = False) -> Iterator[None]:
    """A view for what is not there, or went wrong: what is so, why, and what can be done."""
    with tag("section", f"card honest {'alert' if alert else ''}"):
        ui.html(FLAT, sanitize=False)
        words("h1", title)
        if text:
            words("p", text, "lead")
        if quote:
            words("blockquote", quote)
        with tag("div", "tools"):
            yield


def honest_problem(problem: OffbeatError) -> None:
    """What an error of the library looks like."""
    missing = isinstance(problem, NotThereError)
    title = "This is not here" if missing else "This cannot be shown"
    text = "It was deleted, or the address is wrong." if missing else ""
    with honest(title, text, quote=str(problem), alert=not missing):
        link("To the overview", "/", "button main")
