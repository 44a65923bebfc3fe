"""Pieces: plain HTML elements, from which every view is put together.

Text goes in as text, never as markup: whatever a channel is called, it is shown as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

__all__ = [
    "Kind",
    "button",
    "card",
    "cell",
    "field",
    "hint",
    "key",
    "link",
    "option_list",
    "shares",
    "table",
    "tag",
    "tiles",
    "words",
]

Kind = Literal["", "alert", "good", "plan", "busy", "blank"]
Handler = Callable[..., Awaitable[None] | None]


def tag(name: str, classes: str = "", /, **attributes: Any) -> ui.element:
    """An element; `with` puts others into it. `data_key="A"` becomes `data-key="A"`."""
    made = ui.element(name).classes(classes)
    _dress(made, attributes)
    return made


def words(name: str, text: str, classes: str = "", /, **attributes: Any) -> TextElement:
    """An element that holds text; `set_text` changes it."""
    made = TextElement(tag=name, text=text)
    made.classes(classes)
    _dress(made, attributes)
    return made


def _dress(made: ui.element, attributes: dict[str, Any]) -> None:
    for attribute, value in attributes.items():
        if value is not None and value is not False:
            made.props[attribute.rstrip("_").replace("_", "-")] = "" if value is True else value


def link(text: str, target: str, classes: str = "", /, **attributes: Any) -> TextElement:
    """A link to a view."""
    return words("a", text, classes, href=target, **attributes)


def button(
    text: str,
    handler: Handler | None = None,
    *,
    look: str = "",
    key: str | None = None,
    js: str | None = None,
    **attributes: Any,
) -> ui.element:
    """A button; `key` presses it from anywhere on the page."""
    made = tag("button", look, type="button", data_key=key, data_does=text, **attributes)
    with made:
        words("span", text)
        if key is not None:
            words("kbd", key, aria_hidden="true")
    if js is not None:
        made.on("click", js_handler=js)
    if handler is not None:
        made.on("click", handler, args=[])
    return made


def key(name: str) -> TextElement:
    """How a key is shown."""
    return words("kbd", name)


def hint(text: str) -> TextElement:
    """A quiet line below something."""
    return words("p", text, "hint")


def card(title: str | None = None, classes: str = "") -> ui.element:
    """A box with a heading."""
    made = tag("section", f"card {classes}")
    if title is not None:
        with made:
            words("h2", title)
    return made


def tiles(figures: Iterable[tuple[str, str, str]]) -> dict[str, tuple[TextElement, TextElement]]:
    """Figures with a name each: name, value, and what the value counts.

    Returns
    -------
    The two texts of each, by name.
    """
    made: dict[str, tuple[TextElement, TextElement]] = {}
    with tag("dl", "tiles"):
        for name, value, unit in figures:
            with tag("div"):
                words("dt", name)
                with tag("dd"):
                    made[name] = (words("span", value), words("small", f" {unit}" if unit else ""))
    return made


def cell(text: str, *, number: bool = False, classes: str = "") -> TextElement:
    """One cell of a table."""
    return words("td", text, ("n " if number else "") + classes)


def table(columns: Sequence[str], numbers: Iterable[int] = (), classes: str = "") -> ui.element:
    """The body of a table with these headings; `numbers` are the columns set to the right."""
    right = set(numbers)
    with tag("div", "scroll"), tag("table", f"list {classes}"):
        with tag("thead"), tag("tr"):
            for i, column in enumerate(columns):
                words("th", column, "n" if i in right else "", scope="col")
        return tag("tbody")


def field(name: str, explained: str = "") -> ui.element:
    """A label around one input, with what it means below."""
    made = tag("label", "field")
    with made:
        words("span", name)
    if explained:
        with made:
            words("small", explained).style("order: 3")
    return made


def option_list(
    choices: Iterable[tuple[str, str]], chosen: str, /, **attributes: Any
) -> ui.element:
    """A list to choose from: value and text each."""
    made = tag("select", **attributes)
    with made:
        for value, text in choices:
            words("option", text, value=value, selected=value == chosen)
    return made


def shares(parts: Iterable[tuple[str, float]], text: Callable[[float], str]) -> None:
    """Bars: name, length (0 to 1) and the number behind it."""
    with tag("div", "shares"):
        for name, share in parts:
            with tag("div", "share"):
                words("span", name, title=name)
                tag("i").style(f"width: {100 * min(1.0, max(0.0, share)):.2f}%")
                words("span", text(share))
