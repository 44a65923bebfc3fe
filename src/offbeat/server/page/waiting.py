"""Waiting: a job that is not done yet, and one that failed."""

from __future__ import annotations

from nicegui import ui

from offbeat.server.page.frame import honest
from offbeat.server.page.pieces import button, link, words
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit
from offbeat.server.records import JobRecord

__all__ = ["follow_job", "job_state", "wait_for_scores"]

LOOK_EVERY = 0.7


async def wait_for_scores(visit: Visit, pair: Pair) -> None:
    """A series that this version has not scored yet."""
    jobs = await visit.ask(visit.bench.jobs.find, series_id=pair.series.id, limit=5)
    job = next((each for each in jobs if each.kind == "score"), None)
    if job is not None and not job.ended:
        follow_job(visit, job, "The series is being scored")
        return

    async def score() -> None:
        made = await visit.change(
            visit.bench.detections.score, pair.series.id, pair.model.id,
            by=visit.caller.name, version=visit.version,
        )  # fmt: skip
        if made is not None:
            ui.navigate.reload()

    failed = job is not None and job.state == "failed"
    with honest(
        "Scoring failed" if failed else "This version has not scored the series yet",
        "" if failed else "Scoring takes seconds; the scores are kept.",
        quote=(job.problem or "") if failed and job is not None else "",
        alert=failed,
    ):
        if visit.may_act:
            button("Try again" if failed else "Score it", score, look="main", key="C")


def follow_job(visit: Visit, job: JobRecord, title: str) -> None:
    """A job that runs; the view is opened anew once it has ended."""
    text = "It waits for its turn." if job.state == "queued" else "This page follows by itself."
    with honest(title, text):
        state = words("span", job_state(job), "tag busy")
        link("The job", f"/jobs/{job.id}", "button")

    async def look() -> None:
        now = await visit.ask(visit.bench.jobs.get, job.id)
        state.set_text(job_state(now))
        if now.ended:
            ui.navigate.reload()

    ui.timer(LOOK_EVERY, look)


def job_state(job: JobRecord) -> str:
    """How far it is."""
    if job.state != "running" or not job.epochs:
        return {"queued": "in the queue", "cancelled": "called off"}.get(job.state, job.state)
    last = job.epochs[-1]
    return f"epoch {last['epoch']} of {last['max_epochs']}"
