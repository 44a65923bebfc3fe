"""`offbeat fleet`: thousands of series, one machine or many."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from offbeat.cli.grouping import grouped
from offbeat.cli.options import (
    DATA,
    LEARN,
    OUTPUT,
    Cutting,
    Format,
    Learning,
    Out,
    Quiet,
    Reading,
    option,
)

if TYPE_CHECKING:
    from offbeat.fleet import Fleet, FleetRun
    from offbeat.fleet.job import Way
    from offbeat.lstm import LSTMDetector

__all__ = ["FLEET_COMMANDS", "fleet_app"]

FLEET_COMMANDS = ("train", "score", "rank")
RUN = "Who does it"

fleet_app = typer.Typer(
    name="fleet",
    help="Thousands of series: a model each, the worst first. One machine, or a Ray cluster.",
    no_args_is_help=True,
)

Data = Annotated[
    str,
    typer.Argument(
        help="Folder, glob, table or Parquet data set; a path, s3://, gs:// or any URL of fsspec."
    ),
]


@dataclass
class Keyed:
    """What names a series."""

    key: Annotated[
        str | None,
        option(DATA, "Column that names the series; each file is one if not given."),
    ] = None


@dataclass
class Working:
    """Who does it, and with how much."""

    workers: Annotated[
        int | None, option(RUN, "At a time; all cores if not given, 0 is this process.")
    ] = None
    memory: Annotated[str | None, option(RUN, "In all, such as 4GB; no limit if not given.")] = None
    shard_series: Annotated[
        int, option(RUN, "Series that are done together: a kill loses no more work than that.")
    ] = 64
    ray: Annotated[
        str | None, option(RUN, "auto or the address of a Ray cluster; this machine if not given.")
    ] = None

    def fleet(self, data: str, keyed: Keyed, reading: Reading) -> Fleet:
        """As the library takes them."""
        from offbeat.fleet import Fleet

        return Fleet(
            data,
            key=keyed.key,
            options=reading.options(),
            workers=self.workers,
            memory=self.memory,
            ray=self.ray,
            shard_series=self.shard_series,
        )


@dataclass
class Taught:
    """What each series learns, and how."""

    train: Annotated[
        str | None,
        option(LEARN, "Where training ends: 0.4, a row or a time stamp; all if not given."),
    ] = None
    mode: Annotated[
        str,
        option(LEARN, "own: a model each. shared: one network for all. auto: what suits the data."),
    ] = "own"
    covariates: Annotated[
        str | None, option(LEARN, "Columns that are read but not judged, with commas.")
    ] = None
    seed: Annotated[int | None, option(LEARN, "Of the training; 0 if not given.")] = None
    device: Annotated[str | None, option(LEARN, "cuda computes on GPUs; cpu if not given.")] = None
    settings: Annotated[
        list[str] | None,
        option(LEARN, "Any option of the LSTM: horizon=12, hidden_size=32; @FILE.", "--set"),
    ] = None

    def template(self, reading: Reading, cutting: Cutting) -> LSTMDetector:
        """The detector that each series gets a copy of."""
        from offbeat.lstm import LSTMDetector

        learning = Learning(covariates=self.covariates, seed=self.seed, settings=self.settings)
        made = learning.detector(reading, cutting)
        assert isinstance(made, LSTMDetector)  # the name was not given
        if self.device is not None:
            made.set_params(device=self.device)
        method = cutting.method()
        return made if method is None else made.set_params(threshold=method)


@fleet_app.command()
@grouped
def train(
    data: Data,
    out: Annotated[str, option(OUTPUT, "Folder or URL of the models.")],
    keyed: Keyed,
    reading: Reading,
    taught: Taught,
    cutting: Cutting,
    working: Working,
    quiet: Quiet = False,
) -> None:
    """Learn what is normal of each series. Started again after a kill, it goes on."""
    from offbeat.lesson import parse_split

    with _progress(quiet) as hook:
        run = working.fleet(data, keyed, reading).train(
            out,
            taught.template(reading, cutting),
            train=None if taught.train is None else parse_split(taught.train),
            mode=cast("Way", taught.mode),
            progress=hook,
        )
    _show(run, "models")


@fleet_app.command()
@grouped
def score(
    data: Data,
    models: Annotated[str, option(LEARN, "What offbeat fleet train wrote.")],
    out: Annotated[str, option(OUTPUT, "Folder or URL of scores, events, totals, failures.")],
    keyed: Keyed,
    reading: Reading,
    working: Working,
    no_scores: Annotated[
        bool, option(OUTPUT, "Keep events and totals only, not every row.", "--no-scores")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Judge each series by its model. Started again after a kill, it goes on."""
    with _progress(quiet) as hook:
        run = working.fleet(data, keyed, reading).score(
            models, out, with_scores=not no_scores, progress=hook
        )
    _show(run, "scores")


@fleet_app.command()
@grouped
def rank(
    scores: Annotated[str, typer.Argument(help="What offbeat fleet score wrote.")],
    within: Annotated[
        str | None,
        option(OUTPUT, "How far apart alarms of one cause begin: 5min; ten steps if not given."),
    ] = None,
    top: Annotated[int, option(OUTPUT, "Rows shown.")] = 20,
    report: Annotated[
        Path | None, option(OUTPUT, "Also write an HTML report of the fleet here.")
    ] = None,
    out: Out = None,
    format_: Format = None,
) -> None:
    """The worst series and spans first, and what went off together."""
    from offbeat import terminal
    from offbeat.fleet import rank_fleet

    ranking = rank_fleet(scores, within=within)
    terminal.show_ranking(ranking, top, out, format_)
    if report is not None:
        typer.echo(f"report: {ranking.report(report)}", err=terminal.is_piped(out, format_))


def _progress(quiet: bool) -> AbstractContextManager[Any]:
    """A bar of series where a person watches."""
    from offbeat.progress import fleet_bar

    return nullcontext() if quiet or not sys.stderr.isatty() else fleet_bar()


def _show(run: FleetRun, what: str) -> None:
    from offbeat import terminal
    from offbeat.errors import DataError

    terminal.show_fleet_run(run, what)
    if not run.succeeded:
        raise DataError(f"none of {run.failed:,} series could be done; {run.out}/failures says why")
