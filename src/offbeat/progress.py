"""Progress bars: the epochs of a training, and the detectors of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from offbeat.wording import duration, number, plural

__all__ = ["comparison_bar", "fleet_bar", "progress_bar"]


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[Any], None]]:
    """A bar on the terminal (standard error), and the hook that `fit(progress=...)` calls.

    with progress_bar() as hook:
        detector.fit(train, progress=hook)
    """
    columns = (
        TextColumn("training"),
        BarColumn(bar_width=24),
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}  loss {task.fields[loss]}"),
        TimeElapsedColumn(),
        TextColumn("left at most"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console or Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("training", total=1, loss="...")

        def hook(log: Any) -> None:
            loss = f"{log.train_loss:.3f} (validation {log.validation_loss:.3f})"
            bar.update(task, completed=log.epoch, total=log.max_epochs, loss=loss)

        yield hook


@contextmanager
def comparison_bar(console: Console | None = None) -> Iterator[Callable[[Any], None]]:
    """A bar over the detectors, and the hook that `compare(progress=...)` calls."""
    columns = (
        TextColumn("{task.fields[detector]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[number]} of {task.fields[detectors]}  {task.fields[epoch]}"),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=console or Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=1, detector="...", number=0, detectors=0, epoch="")

        def hook(stage: Any) -> None:
            log = stage.epoch
            done = 0.0 if log is None else log.epoch / log.max_epochs
            bar.update(
                task,
                completed=stage.number - 1 + done,
                total=stage.total,
                detector=stage.detector,
                number=stage.number,
                detectors=stage.total,
                epoch="" if log is None else f"epoch {log.epoch}/{log.max_epochs}",
            )

        yield hook


@contextmanager
def fleet_bar(console: Console | None = None) -> Iterator[Callable[[Any], None]]:
    """A bar over the series of a fleet, and the hook that `Fleet.train(progress=...)` calls.

    Speed and the time that is left are those of this start, whatever an earlier one did.
    """
    columns = (
        TextColumn("{task.fields[what]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}  {task.fields[speed]}"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[failed]}"),
    )
    bar = Progress(*columns, console=console or Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=1, what="looking", speed="", left="", failed="")

        def hook(now: Any) -> None:
            a_second = now.fresh / now.seconds if now.seconds > 0 else 0.0
            left = duration((now.total - now.done) / a_second) + " left" if a_second else ""
            failed = f"{now.failed:,} failed" if now.failed else ""
            if now.lost:
                failed += f"  {plural(now.lost, 'worker')} lost"
            bar.update(
                task,
                completed=now.done,
                total=now.total,
                what="laying out files" if now.phase == "staging" else "series",
                speed=f"{number(a_second, 3)}/s" if a_second else "",
                left=left,
                failed=failed,
            )

        yield hook
