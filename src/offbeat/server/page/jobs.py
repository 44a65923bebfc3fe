"""Jobs: what is being trained and scored, how it goes, and how it ended."""

from __future__ import annotations

from urllib.parse import urlencode

from nicegui import ui

from offbeat.figures import loss_figure
from offbeat.server.page.chart import Chart
from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.heading import address
from offbeat.server.page.pieces import (
    Kind,
    button,
    card,
    cell,
    hint,
    link,
    table,
    tag,
    tiles,
    words,
)
from offbeat.server.page.visit import Visit
from offbeat.server.page.waiting import job_state
from offbeat.server.page.when import ago
from offbeat.server.records import JobRecord
from offbeat.training import EpochLog
from offbeat.wording import cut_middle, duration, number

__all__ = ["job_view", "jobs_view"]

LOOK_EVERY = 0.5
KINDS = {"train": "Training", "score": "Scoring"}
STATES: dict[str, Kind] = {
    "queued": "blank",
    "running": "busy",
    "done": "good",
    "failed": "alert",
    "cancelled": "blank",
}


async def jobs_view(visit: Visit) -> None:
    """All jobs, the newest first."""
    head_line("Jobs", lead="Trainings and scorings, the newest first.")
    jobs = await visit.ask(visit.bench.jobs.find)
    if not jobs:
        with honest("No job yet", "A job begins when a model is trained or a series is scored."):
            link("To the overview", "/", "button main")
        return
    names = {each.id: each.name for each in await visit.ask(visit.bench.series.find, limit=100_000)}
    with card(), table(("Job", "Series", "State", "Begun by", "When")):
        for job in jobs:
            with tag("tr"):
                with tag("td"):
                    link(KINDS[job.kind], f"/jobs/{job.id}", "pick")
                cell(cut_middle(names.get(job.series_id, "deleted since"), 50))
                with tag("td"):
                    words("span", job_state(job), f"tag {STATES[job.state]}")
                cell(cut_middle(job.created_by, 30))
                cell(ago(job.created_at))


async def job_view(visit: Visit) -> None:
    """One job."""
    job = await visit.ask(visit.bench.jobs.get, visit.params["job_id"])
    series = await visit.ask(visit.bench.series.get, job.series_id)
    crumbs = (("All series", "/"), (cut_middle(series.name, 60), address(series.id)))
    if job.state == "failed":
        head_line(f"{KINDS[job.kind]} failed", crumbs=crumbs)
        _failed(visit, job)
        return
    tools = head_line(KINDS[job.kind], crumbs=crumbs)
    view = _Live(visit, job)
    with tools:
        view.build_tools()
    view.build()


def _failed(visit: Visit, job: JobRecord) -> None:
    again = "It was tried more than once." if job.attempts > 1 else ""
    with honest("It came to nothing", again, quote=job.problem or "", alert=True):
        if visit.may_act and job.kind == "train":
            link("Change the choices", _choices(job), "button main", data_key="T")
        link("Look at the data", address(job.series_id, "/check"), "button")


def _choices(job: JobRecord) -> str:
    """The form as it was filled in."""
    asked = job.request
    query = {
        "detector": asked.get("detector"),
        "threshold": asked.get("threshold"),
        "seed": asked.get("seed"),
        "model_id": asked.get("model_id"),
    }
    given = {name: value for name, value in query.items() if value}
    return address(job.series_id, "/train") + (f"?{urlencode(given)}" if given else "")


class _Live:
    """A job that runs, or has ended well."""

    def __init__(self, visit: Visit, job: JobRecord) -> None:
        self.visit, self.job = visit, job
        self.chart: Chart | None = None
        self.shown = -1

    def build_tools(self) -> None:
        self.state = words("span", job_state(self.job), f"tag {STATES[self.job.state]}")
        if self.visit.may_act and not self.job.ended:
            self.cancel = button("Call it off", self._cancel, look="danger", key="X")

    def build(self) -> None:
        with tag("div", "split"):
            with card("Loss"):
                self.place = tag("div")
                with self.place:
                    tag("div", "waiting")
                hint("How wrong the forecasts are; lower is better. Validation decides.")
            with tag("div", "stack"):
                with card("So far"):
                    self.tiles = tiles((("Epoch", "", ""), ("Best", "", ""), ("Took", "", "")))
                self.result = tag("div")
        self._draw()
        if not self.job.ended or self.job.kind == "train":
            self.timer = ui.timer(LOOK_EVERY, self._look)

    async def _look(self) -> None:
        self.job = await self.visit.ask(self.visit.bench.jobs.get, self.job.id)
        if self.job.state == "failed":
            ui.navigate.reload()
            return
        self._draw()
        if self.job.ended:
            self.timer.cancel()
            await self._after()

    def _draw(self) -> None:
        job = self.job
        self.state.set_text(job_state(job))
        self.state.classes(replace=f"tag {STATES[job.state]}")
        if len(job.epochs) == self.shown:
            return
        self.shown = len(job.epochs)
        if not job.epochs:
            return
        log = [EpochLog(**each) for each in job.epochs]
        figure = loss_figure(log, None if job.ended else log[-1].max_epochs)
        if self.chart is None:
            self.place.clear()
            with self.place:
                self.chart = Chart(figure, "Loss of each epoch in training and validation")
        else:
            self.chart.show(figure)
        best = min(log, key=_loss)
        self.tiles["Epoch"][0].set_text(f"{log[-1].epoch}")
        self.tiles["Epoch"][1].set_text(f" of {log[-1].max_epochs}")
        self.tiles["Best"][0].set_text(number(_loss(best), 3))
        self.tiles["Best"][1].set_text(f" in epoch {best.epoch}")
        self.tiles["Took"][0].set_text(duration(log[-1].seconds))

    async def _after(self) -> None:
        """A model that has learned scores the series at once: that is what it was trained for."""
        job = self.job
        if job.state == "cancelled":
            self.place.clear()
            with self.place, honest("It was called off", "What it had learned is thrown away."):
                link("To the series", address(job.series_id), "button main")
            return
        if job.model_id is None:
            return
        if job.kind == "train" and self.visit.may_act:
            await self.visit.change(
                self.visit.bench.detections.score, job.series_id, job.model_id,
                by=self.visit.caller.name, version=job.version,
            )  # fmt: skip
        known = await self.visit.ask(self.visit.bench.models.version, job.model_id, job.version)
        self.result.clear()
        with self.result, card("The model"):
            words("p", f"{known.detector} learned {known.n_learned:,} rows, step {known.step}.")
            hint(f"Version {known.number}. It cuts at: {known.threshold}.")
            if known.number > 1:
                hint("It is not in use yet: compare it with the one before, then switch.")
            with tag("div", "tools"):
                link(
                    "See what it found",
                    address(
                        job.series_id, model=job.model_id,
                        version=known.number if known.number > 1 else None,
                    ),
                    "button main", data_key="C",
                )  # fmt: skip
                if known.number > 1:
                    target = address(
                        job.series_id, "/versions", model=job.model_id,
                        a=known.number - 1, b=known.number,
                    )  # fmt: skip
                    link("Compare with the one before", target, "button")

    async def _cancel(self) -> None:
        await self.visit.change(self.visit.bench.jobs.cancel, self.job.id)


def _loss(epoch: EpochLog) -> float:
    found = epoch.validation_loss
    return epoch.train_loss if found is None or found != found else found  # noqa: PLR0124 (NaN)
