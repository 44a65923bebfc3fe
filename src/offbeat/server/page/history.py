"""History of cuts: who cut where and when, and taking the last one back."""

from __future__ import annotations

from offbeat.server.page.cutting import CutPanel
from offbeat.server.page.pieces import button, card, hint, tag, words
from offbeat.server.page.visit import say
from offbeat.server.page.when import ago

__all__ = ["CutHistory"]

SHOWN = 12


class CutHistory:
    """The latest first.

    Parameters
    ----------
    cut
        The panel whose cuts these are.
    """

    def __init__(self, cut: CutPanel) -> None:
        self.cut = cut

    def build(self) -> None:
        """An empty card, filled by `load`."""
        with card():
            with tag("div", "top"):
                words("h2", "History")
                if self.cut.visit.may_act:
                    self.undo = button("Undo", self._undo, key="B", look="plain")
            self.place = tag("div")

    async def load(self) -> None:
        """Read it."""
        visit, model = self.cut.visit, self.cut.pair.model
        cuts = await visit.ask(visit.bench.thresholds.history, model.id, version=self.cut.version)
        if visit.may_act:
            self.undo.props["disabled"] = not any(each.in_force for each in cuts)
            self.undo.update()
        self.place.clear()
        with self.place:
            if not cuts:
                hint("Nobody has moved the cut: it is the one the model came with.")
                return
            with tag("ol", "trail"):
                for each in cuts[:SHOWN]:
                    with tag("li", "now" if each.in_force else ""):
                        with tag("span"):
                            verb = "back to " if each.action == "undo" else ""
                            words("span", f"{verb}{each.title}")
                            words("span", f"by {each.created_by}", "sub")
                        words("span", ago(each.created_at), "sub", title=each.created_at)

    async def _undo(self) -> None:
        visit, model = self.cut.visit, self.cut.pair.model
        undone = await visit.change(
            visit.bench.thresholds.undo, model.id, by=visit.caller.name, version=self.cut.version
        )
        if undone is not None:
            say(f"Back to {undone.title}.")
            self.cut.tried = None
            visit.remember(cut=None)
            await self.cut.reload()
