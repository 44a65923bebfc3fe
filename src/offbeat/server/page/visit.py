"""Visit: who looks at the page, from where, and what they may do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from nicegui import run, ui

from offbeat.errors import OffbeatError
from offbeat.server.access import COOKIE, Caller
from offbeat.server.options import ServerOptions
from offbeat.server.workbench import Workbench

__all__ = ["Visit", "say"]

P = ParamSpec("P")
R = TypeVar("R")


class Visit:
    """One view in one browser.

    Parameters
    ----------
    bench
        What is looked at.
    options
        Whether a token is needed.
    request
        What the browser asked for.
    """

    def __init__(self, bench: Workbench, options: ServerOptions, request: Request) -> None:
        self.bench = bench
        self.caller: Caller = request.scope["caller"]
        self.params: Mapping[str, str] = request.path_params
        self.query: dict[str, str] = dict(request.query_params)
        self.path = request.url.path
        self.needs_token = options.token is not None
        self._cookie = request.cookies.get(COOKIE)

    @property
    def may_act(self) -> bool:
        """Whether anything may be changed; who may not sees no buttons that would."""
        return self.caller.role == "full"

    @property
    def version(self) -> int | None:
        """The model's version that the address names."""
        text = self.query.get("version", "")
        return int(text) if text.isdigit() else None

    async def ask(self, call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What the workbench answers, without making others wait."""
        answer: R = await run.io_bound(call, *args, **named)  # type: ignore[assignment]
        return answer

    async def change(self, call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R | None:
        """Change something; what is refused is said on the page, and None comes back."""
        try:
            if not await run.io_bound(self._still_may_act):
                say("You are no longer logged in, or may read only.", alert=True)
                return None
            return await self.ask(call, *args, **named)
        except OffbeatError as problem:
            say(str(problem), alert=True)
            return None

    def remember(self, **changed: Any) -> None:
        """Write the state of the view into its address; None takes a word out."""
        self.query = self._changed(changed)
        query = json.dumps(urlencode(self.query))
        ui.run_javascript(f"offbeat.remember({query})")

    def with_query(self, **changed: Any) -> str:
        """The address of this view with a few words changed."""
        query = self._changed(changed)
        return self.path + (f"?{urlencode(query)}" if query else "")

    def _changed(self, changed: Mapping[str, Any]) -> dict[str, str]:
        query = {**self.query, **changed}
        return {name: str(value) for name, value in query.items() if value is not None}

    def _still_may_act(self) -> bool:
        """A live connection outlasts a log-out: ask again."""
        if not self.may_act:
            return False
        if not self.needs_token or self._cookie is None:
            return True  # the loopback, or a caller that sent the token itself
        visitor = self.bench.sessions.visitor(self._cookie)
        return visitor is not None and visitor.role == "full"


def say(text: str, *, alert: bool = False) -> None:
    """A line that comes and goes."""
    ui.run_javascript(f"offbeat.say({json.dumps(text)}, {json.dumps('alert' if alert else '')})")
