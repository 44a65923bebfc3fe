"""New watcher: what is watched, by which model, and where what is found goes."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from offbeat.connect import Fields
from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.pieces import button, card, field, hint, link, option_list, tag
from offbeat.server.page.visit import Visit
from offbeat.server.workbench import WatcherRequest
from offbeat.wording import cut_middle

__all__ = ["new_watcher_view", "request_from"]

VALUE = "(e) => emit(e.target.value)"
MOST = 1000
PAIRS = "grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr))"
"""Of a form of four: two beside each other."""
SOURCES = (
    ("A broker", "nats://host:4222/subject, redis://host:6379/stream, mqtt://host:1883/topic"),
    ("A queue", "amqp://user:password@host:5672/queue, kafka://host:9092/topic"),
    ("A database", "postgresql://user@host/database?query=SELECT ..."),
    ("Prometheus", "prometheus+http://host:9090?query=..."),
    ("A file that grows", "a path in the folder live of the data folder, or of a --source"),
    ("This machine", "machine:"),
)
TEXTS = (
    ("time", "Time", "Field of the time stamp; found by its usual names if left out."),
    ("series", "Series", "Field of the name of the series; without one all is one series."),
    ("values", "Channels", "flow=/data/flow,level; all other fields if left out."),
    ("zone", "Zone", "Of time stamps without one, such as Europe/Berlin."),
)


async def new_watcher_view(visit: Visit) -> None:
    """A form."""
    head_line("New watcher", crumbs=(("Live", "/live"),))
    models = await visit.ask(visit.bench.models.find, limit=MOST)
    if not visit.may_act or not models:
        text = "Train a model on a series first." if visit.may_act else "This log-in may only read."
        with honest("A watcher needs a model", text):
            link("To the overview", "/", "button main")
        return
    chosen = {"model": visit.query.get("model", models[0].id), "pattern": "*"}
    with tag("div", "split"):
        with tag("div", "stack"):
            with card("What is watched"), tag("div", "form"):
                made = _text(chosen, "source", "Source", "An address, as they stand under Sources.")
                made.style("grid-column: 1 / -1")
                _text(chosen, "name", "Name", "What people call it.")
                with field("Model", "Its version and cut in force, now and later."):
                    names = [(each.id, cut_middle(each.name, 50)) for each in models]
                    made = option_list(names, chosen["model"], id="model")
                made.on("change", _keeper(chosen, "model"), js_handler=VALUE)
                _text(chosen, "pattern", "Names of series", "With * and ?.", value="*")
            with card("What stands where"), tag("div", "form").style(PAIRS):
                for name, title, explained in TEXTS:
                    _text(chosen, name, title, explained)
            with card("Where it goes"), tag("div", "form"):
                explained = "Addresses, one a line, beside this page: brokers, databases, notify:"
                with field("Sinks", explained):
                    made = tag("textarea", rows=3, id="sinks", spellcheck="false")
                made.on("input", _keeper(chosen, "sinks"), js_handler=VALUE)
                _text(chosen, "lateness", "Lateness", "How late a row may come, such as 30s.")
            with tag("div", "tools"):
                button("Watch", _creator(visit, chosen), look="main", key="W")
        with tag("div", "stack"), card("Sources"):
            for title, text in SOURCES:
                with tag("div"):
                    hint(f"{title}: {text}")
            hint("Passwords are kept in the store and never shown again.")


def _text(
    chosen: dict[str, str], name: str, title: str, explained: str, *, value: str = ""
) -> ui.element:
    with field(title, explained) as whole:
        made = tag("input", id=name, value=value, autocomplete="off", spellcheck="false")
    made.on("input", _keeper(chosen, name), js_handler=VALUE)
    return whole


def _keeper(chosen: dict[str, str], name: str) -> Any:
    def keep(event: Any) -> None:
        chosen[name] = str(event.args)

    return keep


def _creator(visit: Visit, chosen: dict[str, str]) -> Any:
    async def create() -> None:
        made = await visit.change(_create, visit, chosen)
        if made is not None:
            ui.navigate.to(f"/live/{made}")

    return create


def _create(visit: Visit, chosen: dict[str, str]) -> str:
    return visit.bench.watchers.create(request_from(chosen), by=visit.caller.name).id


def request_from(chosen: dict[str, str]) -> WatcherRequest:
    """What was filled in; what was left empty is left out."""
    given = {name: text.strip() for name, text in chosen.items() if text.strip()}
    fields = Fields.parse(
        given.get("time"), given.get("series"), given.get("values"), given.get("zone")
    )
    return WatcherRequest(
        name=given.get("name", ""),
        source=given.get("source", ""),
        models=[(given.get("pattern", "*"), given.get("model", ""))],
        sinks=given.get("sinks", "").split(),
        fields=dict(vars(fields)),
        options={"lateness": given["lateness"]} if "lateness" in given else {},
    )
