"""Training: the choices, each with its default and what it means."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from offbeat.errors import ConfigError, OffbeatError
from offbeat.figures import values_figure
from offbeat.figures.canvas import shown_time
from offbeat.lesson import DEFAULT_TRAIN
from offbeat.roster import DETECTORS
from offbeat.series import Series
from offbeat.server.page.chart import Chart
from offbeat.server.page.checking import findings
from offbeat.server.page.frame import honest
from offbeat.server.page.heading import address, series_heading
from offbeat.server.page.pieces import card, field, hint, link, option_list, tag, words
from offbeat.server.page.series import asked_pair
from offbeat.server.page.visit import Visit, say
from offbeat.server.records import SeriesRecord
from offbeat.server.workbench.training import TrainingRequest
from offbeat.training import Training

__all__ = ["request_from", "train_view"]

LEARNED = "rgba(134,141,151,0.28)"
GATHER = "(e) => { e.preventDefault(); emit(Object.fromEntries(new FormData(e.currentTarget))) }"
WATCH = "(e) => emit(Object.fromEntries(new FormData(e.currentTarget)))"
DEFAULTS = {
    "detector": "lstm",
    "share": str(int(100 * DEFAULT_TRAIN)),
    "until": "",
    "exclude": "",
    "covariates": "",
    "threshold": "",
    "epochs": str(Training().max_epochs),
    "window": "",
    "horizon": "",
    "seed": "0",
    "set": "",
    "centred": "",
    "model_id": "",
}


async def train_view(visit: Visit) -> None:
    """From a series to a training."""
    series_id = visit.params["series_id"]
    pair = await asked_pair(visit)
    series = await visit.ask(visit.bench.series.get, series_id)
    series_heading(visit, series, pair, "Train")
    if not visit.may_act:
        with honest("This log-in may only read", "Training needs one that may change things."):
            link("To the series", address(series_id), "button main")
        return
    report = await visit.ask(visit.bench.series.check, series_id)
    loaded = await visit.ask(visit.bench.series.load, series_id)
    await _Form(visit, series, loaded, report).build()


class _Form:
    """The choices of one training."""

    def __init__(
        self, visit: Visit, series: SeriesRecord, loaded: Series, report: dict[str, Any]
    ) -> None:
        self.visit, self.series, self.loaded, self.report = visit, series, loaded, report
        self.chosen = {**DEFAULTS, **{k: v for k, v in visit.query.items() if k in DEFAULTS}}

    async def build(self) -> None:
        models = await self.visit.ask(self.visit.bench.models.find)
        figure = await self.visit.ask(values_figure, self.loaded)
        with tag("form", "split", autocomplete="off") as form:
            with tag("div", "stack"):
                with card("What is normal?"):
                    self.chart = Chart(figure, "The first channels; the grey part is learned")
                    self._part()
                with card("How it learns"):
                    self._choices(models)
            with tag("div", "stack side"):
                with card():
                    words("button", "Train", "main", type="submit", data_key="T")
                    hint(
                        "It runs beside everything else; the page shows how it goes. What is not "
                        "filled in is found from the data, or has the library's default."
                    )
                with card("The data check says"):
                    findings(self.report)
        form.on("submit", self._train, js_handler=GATHER)
        form.on("input", self._changed, js_handler=WATCH, throttle=0.2)
        ui.timer(0.05, self._paint, once=True)

    def _part(self) -> None:
        with tag("div", "form"):
            with field("Learn from the first …", "percent of the rows. The rest is judged."):
                tag(
                    "input", type="range", name="share", min=5, max=100, step=1,
                    value=self.chosen["share"], aria_label="Share of the rows that is learned",
                )  # fmt: skip
                self.share = words("b", "")
            with field("… or up to", "a time stamp or a row; it wins over the percentage."):
                self._input("until", placeholder="2026-01-31 08:00")
            with field("Leave out", "Stretches never learned: start..end, several with commas."):
                self._input("exclude", placeholder="2026-01-05 08:00..2026-01-05 10:00")

    def _choices(self, models: list[Any]) -> None:
        about = [(name, f"{name}: {_about(kind)}") for name, kind in DETECTORS.items()]
        own = [(m.id, f"the next version of {m.name}") for m in models]
        with tag("div", "form"):
            with field("Detector", "The LSTM is the library's own; the others stand beside it."):
                option_list(about, self.chosen["detector"], name="detector")
            with field("It becomes", "A new version can be compared with the one before."):
                option_list([("", "a new model"), *own], self.chosen["model_id"], name="model_id")
            with field(
                "Most epochs", "It ends earlier once nothing is gained: 8 without progress."
            ):
                self._input("epochs", type="number", min=1, max=100_000)
            with field("Window", "Rows of context. Empty: the period of the data, or 64."):
                self._input("window", type="number", min=2, placeholder="found from the data")
            with field("Horizon", "Rows ahead that are forecast. Empty: 8."):
                self._input("horizon", type="number", min=1, placeholder="8")
            with field("Read, but not judged", "Channels such as commands. Empty: switches."):
                self._input("covariates", placeholder="found from the data")
            with field("Cut", "1/week, percentile:99 … Empty: a budget. It can be moved later."):
                self._input("threshold", placeholder="one false alarm a week, a day or an hour")
            with field("Any other option", "As --set takes it; several with semicolons."):
                self._input("set", placeholder="preparation.outliers=apply", spellcheck="false")
            with field("Seed", "The same seed gives the same model."):
                self._input("seed", type="number", min=0)
            with field("Look", "Back: history is judged knowing what came after."):
                option_list(
                    [("", "live: as a watcher would have seen it"), ("on", "back at history")],
                    self.chosen["centred"],
                    name="centred",
                )

    def _input(self, name: str, **attributes: Any) -> None:
        tag("input", name=name, value=self.chosen[name], **attributes)

    async def _changed(self, event: Any) -> None:
        self.chosen.update({k: str(v) for k, v in event.args.items() if k in DEFAULTS})
        given = {k: v if v != DEFAULTS[k] else None for k, v in self.chosen.items()}
        self.visit.remember(**given)
        self._paint()

    def _paint(self) -> None:
        """The part that is learned, in grey."""
        last = min(len(self.loaded), max(1, round(len(self.loaded) * self._fraction())))
        ends = shown_time(self.loaded.time[[0, last - 1]], self.loaded.zone).tolist()
        self.share.set_text(f"{last:,} rows, {100 * self._fraction():.0f} %")
        look = {"fillcolor": LEARNED, "line": {"width": 0}, "layer": "below", "name": "event"}
        ends_ = {"xref": "x", "yref": "paper", "x0": ends[0], "x1": ends[1], "y0": 0, "y1": 1}
        self.chart.set_boxes([{"type": "rect", **ends_, **look}])

    def _fraction(self) -> float:
        return float(self.chosen["share"]) / 100

    async def _train(self, event: Any) -> None:
        given = {**DEFAULTS, **{k: str(v).strip() for k, v in event.args.items()}}
        try:
            request = request_from(given, has_clock=self.series.has_clock)
        except OffbeatError as problem:
            say(str(problem), alert=True)
            return
        job = await self.visit.change(
            self.visit.bench.training.start, self.series.id, request, by=self.visit.caller.name
        )
        if job is not None:
            ui.navigate.to(f"/jobs/{job.id}")


def request_from(given: dict[str, str], *, has_clock: bool) -> TrainingRequest:
    """What the form says, as the workbench takes it.

    Raises
    ------
    ConfigError
        If a stretch is not written as start..end.
    """
    settings = [f"training.max_epochs={given['epochs']}"] if given["detector"] == "lstm" else []
    settings += [f"{name}={given[name]}" for name in ("window", "horizon") if given[name]]
    settings += [each.strip() for each in given["set"].split(";") if each.strip()]
    share: float | int | str | None = float(given["share"]) / 100
    if given["until"]:
        share = given["until"] if has_clock else _row(given["until"])
    return TrainingRequest(
        model_id=given["model_id"] or None,
        detector=given["detector"],
        settings=tuple(settings),
        train=None if share == 1.0 else share,
        exclude=tuple(
            _span(text, has_clock) for text in given["exclude"].split(",") if text.strip()
        ),
        covariates=_names(given["covariates"]),
        centred=bool(given["centred"]),
        seed=int(given["seed"] or 0),
        threshold=given["threshold"] or None,
    )


def _span(text: str, has_clock: bool) -> tuple[Any, Any]:
    start, dots, end = (part.strip() for part in text.partition(".."))
    if not dots or not start or not end:
        raise ConfigError(f"a stretch is start..end, {text.strip()!r} came")
    if has_clock:
        return start, end
    return _row(start), _row(end)


def _row(text: str) -> int:
    if not text.isdigit():
        raise ConfigError(f"this series has no clock: a row number was expected, {text!r} came")
    return int(text)


def _names(text: str) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",") if name.strip()) or None


def _about(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0].rstrip(".")
