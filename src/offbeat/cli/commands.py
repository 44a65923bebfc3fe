"""The commands: each is one library call, and a table or file of what it gave."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from offbeat.cli.calls import comparison_progress, detected, progress, spare
from offbeat.cli.fleets import fleet_app
from offbeat.cli.grouping import grouped
from offbeat.cli.options import (
    CUT,
    LEARN,
    OUTPUT,
    Buffer,
    Cutting,
    File,
    Format,
    Learning,
    Lessons,
    Model,
    Out,
    Quiet,
    Reading,
    Serving,
    Watching,
    mutes_in,
    names_in,
    option,
)

__all__ = ["COMMANDS", "app"]

app = typer.Typer(
    name="offbeat",
    help="Find what is off in a time series: an LSTM learns what is normal, you choose the cut.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(fleet_app)

GARBAGE = (50_000, 20, 50)
"""Of `gc.set_threshold` for a watch: a batch of rows is some ten thousand objects."""
COMMANDS = (
    *("check", "train", "score", "detect", "threshold", "recalibrate", "report", "evaluate"),
    *("compare", "watch", "monitoring", "serve"),
)
ROSTER = (
    "ensemble, lstm, memory, lstm-autoencoder, autoencoder, pca, kmeans, isolation-forest, "
    "one-class-svm, ar, arima, seasonal-naive, persistence, smoothed-z, random"
)
"""Names of `offbeat.roster`, written out so that the help is quick; a test holds them equal."""


@app.command()
@grouped
def check(
    file: File,
    reading: Reading,
    out: Annotated[Path | None, option(OUTPUT, "File to write: .txt or .json.")] = None,
    format_: Annotated[
        str | None, option(OUTPUT, "table (lines for people) or json.", "--format")
    ] = None,
) -> None:
    """Say what is in a file before anything is trained."""
    from offbeat import terminal
    from offbeat.workflow import check_file

    spare((file,), (out,))
    report = check_file(file, reading.options(), step=reading.step)
    terminal.show_check(report, out, format_)


@app.command()
@grouped
def train(
    file: File,
    out: Annotated[Path, option(OUTPUT, "Model file to write: normal.offbeat.")],
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    quiet: Quiet = False,
) -> None:
    """Learn what is normal from a file, all of it or up to --train, and keep it in a model."""
    from offbeat import terminal
    from offbeat.workflow import train_file

    with progress(quiet) as hook:
        fitted = train_file(
            file,
            out,
            reading.options(),
            detector=learning.detector(reading, cutting),
            lesson=learning.lesson(whole=True),
            threshold=cutting.method(),
            progress=hook,
        )
    terminal.show_training(fitted, out)
    terminal.warn_of_stillness(fitted.record_.settings, fitted.channels_)


@app.command()
@grouped
def score(
    file: File,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    model: Model = None,
    out: Out = None,
    format_: Format = None,
    quiet: Quiet = False,
) -> None:
    """Give every row a score, with what was expected."""
    from offbeat import terminal

    spare((file, model), (out,))
    detection = detected(file, model, reading, learning, cutting, quiet)
    terminal.show_scores(detection, out, format_)


@app.command()
@grouped
def detect(
    file: File,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    model: Model = None,
    out: Out = None,
    format_: Format = None,
    report: Annotated[Path | None, option(OUTPUT, "Also write an HTML report here.")] = None,
    fail_on_anomaly: Annotated[
        bool, option(OUTPUT, "Exit code 1 if there is an event.", "--fail-on-anomaly")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Find the events in a file. Needs no other argument."""
    from offbeat import terminal

    spare((file, model), (out, report))
    detection = detected(file, model, reading, learning, cutting, quiet)
    terminal.show_events(detection, out, format_)
    if report is not None:
        typer.echo(f"report: {detection.report(report)}", err=terminal.is_piped(out, format_))
    if fail_on_anomaly and detection.events:
        raise typer.Exit(1)


@app.command()
@grouped
def threshold(
    file: File,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    model: Model = None,
    keep: Annotated[
        bool, option(CUT, "Cut the --model at --threshold from now on.", "--keep")
    ] = False,
    out: Out = None,
    format_: Format = None,
    quiet: Quiet = False,
) -> None:
    """Put all ways to cut side by side, or give a model another cut. Nothing is trained again."""
    from offbeat import terminal
    from offbeat.workflow import set_model_threshold

    method = cutting.method()
    if keep and (model is None or method is None):
        raise typer.BadParameter("--keep needs the --model and the --threshold to keep")
    spare((file, model), (out,))
    detection = detected(file, model, reading, learning, cutting, quiet)
    terminal.show_thresholds(detection, out, format_)
    if keep and model is not None and method is not None:
        set_model_threshold(model, method, file, reading.options())
        typer.echo(f"{model} now cuts at {method.title}", err=terminal.is_piped(out, format_))


@app.command()
@grouped
def recalibrate(
    file: File,
    reading: Reading,
    model: Annotated[Path, option(LEARN, "The model that is taught.")],
    labels: Annotated[
        Path | None, option(LEARN, "Labels, .csv or .json: start, end, verdict; see docs.")
    ] = None,
    goal: Annotated[
        str,
        option(CUT, "What the cut is best for: fbeta:1, or cost:10:1 (a miss : a false alarm)."),
    ] = "fbeta:1",
    mute: Annotated[
        list[str] | None, option(CUT, "Also keep quiet: 'Mon-Fri 02:00-03:00 Europe/Berlin'.")
    ] = None,
    alike: Annotated[
        bool,
        option(CUT, "Mute what is like a false alarm that still alarms.", "--alike/--no-alike"),
    ] = True,
    retrain: Annotated[
        bool,
        option(LEARN, "Train anew, with what was expected and without anomalies.", "--retrain"),
    ] = False,
    apply: Annotated[bool, option(OUTPUT, "Teach the --model itself.", "--apply")] = False,
    out: Annotated[
        Path | None, option(OUTPUT, "Write the taught model here.", "--out", "-o")
    ] = None,
    format_: Format = None,
    quiet: Quiet = False,
) -> None:
    """Let labels act on a model: show before and after, and keep it if you say so."""
    from offbeat import terminal
    from offbeat.thresholds import parse_goal
    from offbeat.workflow import recalibrate_file

    if apply and out is not None:
        raise typer.BadParameter("--apply writes the --model, --out another one: give one of them")
    spare((file, labels), (out, model if apply else None))
    with progress(quiet or not retrain) as hook:
        found = recalibrate_file(
            file,
            model,
            labels,
            reading.options(),
            goal=parse_goal(goal),
            mutes=mutes_in(mute),
            alike=alike,
            anew=retrain,
            step=reading.step,
            progress=hook,
        )
    terminal.show_recalibration(found, format_)
    target = model if apply else out
    if target is not None:
        found.apply().save(target)
        typer.echo(f"taught model: {target}", err=terminal.is_piped(None, format_))


@app.command()
@grouped
def report(
    file: File,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    model: Model = None,
    out: Annotated[Path, option(OUTPUT, "Where to.")] = Path("report.html"),
    quiet: Quiet = False,
) -> None:
    """Write one HTML file that opens offline: figures, events, thresholds, settings."""
    spare((file, model), (out,))
    detection = detected(file, model, reading, learning, cutting, quiet)
    typer.echo(f"report: {detection.report(out)}")


@app.command()
@grouped
def evaluate(
    file: File,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    model: Model = None,
    detector: Annotated[
        str | None, option(LEARN, "Which one; lstm if not given. Names: offbeat compare --help.")
    ] = None,
    buffer: Buffer = None,
    out: Out = None,
    format_: Format = None,
    quiet: Quiet = False,
) -> None:
    """Judge a detector on the rows after its training part: accuracy, alarms, times."""
    from offbeat import terminal
    from offbeat.workflow import evaluate_file

    if model is not None:
        learning.refuse_beside(model, *(["--detector"] if detector else []))
    spare((file, model), (out,))
    kept = model is not None and not cutting.centred
    with progress(quiet or model is not None) as hook:
        comparison = evaluate_file(
            file,
            reading.options(),
            model=model,
            detector=None if kept else learning.detector(reading, cutting, detector or "lstm"),
            step=reading.step,
            lesson=learning.lesson(),
            threshold=cutting.method(),
            mutes=cutting.mutes(),
            buffer=buffer,
            progress=hook,
        )
    terminal.show_evaluation(comparison, out, format_)


@app.command()
@grouped
def compare(
    file: File,
    reading: Reading,
    lessons: Lessons,
    cutting: Cutting,
    detectors: Annotated[
        str | None, option(LEARN, f"Which, with commas; all if not given: {ROSTER}.")
    ] = None,
    buffer: Buffer = None,
    out: Out = None,
    format_: Format = None,
    quiet: Quiet = False,
) -> None:
    """Put all detectors side by side on the rows after the training part."""
    from offbeat import terminal
    from offbeat.errors import DataError
    from offbeat.roster import chosen_detectors
    from offbeat.workflow import compare_file

    spare((file,), (out,))
    kinds = chosen_detectors(names_in(detectors))
    with comparison_progress(quiet) as hook:
        comparison = compare_file(
            file,
            reading.options(),
            detectors={
                name: lessons.dressed(kind(), reading, cutting) for name, kind in kinds.items()
            },
            lesson=lessons.lesson(),
            threshold=cutting.method(),
            buffer=buffer,
            progress=hook,
        )
    terminal.show_comparison(comparison, out, format_)
    if not comparison.succeeded:
        raise DataError(f"{file}: {comparison.complaint}")


@app.command()
@grouped
def watch(
    source: Annotated[
        str,
        typer.Argument(
            help="- is standard input, FILE grows, machine: this one; URLs: docs/connect.md."
        ),
    ],
    watching: Watching,
    model: Annotated[
        list[str] | None,
        option(LEARN, "FILE, or PATTERN=FILE for the series of that name; repeat."),
    ] = None,
    learn: Annotated[
        int | None, option(LEARN, "Train on a series without a model after so many rows.")
    ] = None,
    to: Annotated[
        list[str] | None,
        option(OUTPUT, "FILE or URL of readings and events; repeat; - is standard output."),
    ] = None,
    dead_letters: Annotated[
        str | None, option(OUTPUT, "FILE or URL of what cannot be a row, with the reason.")
    ] = None,
    quiet: Annotated[bool, option(OUTPUT, "Say nothing at the end.", "--quiet")] = False,
) -> None:
    """Watch a stream: score rows as they come, and say what is off where it is wanted."""
    from offbeat.connect import watch as watch_source

    gc.freeze()  # rows are many short-lived objects: looking through all of them costs a third
    gc.set_threshold(*GARBAGE)
    tally = watch_source(
        source,
        to or ["table:" if source.startswith("machine:") and sys.stdout.isatty() else "-"],
        model or (),
        learn=learn,
        retrain=watching.again(),
        fields=watching.fields(),
        stream=watching.stream(),
        options=watching.options(),
        dead_letters=dead_letters,
    )
    if not quiet:
        counts = ", ".join(f"{tally[name]:,} {name}" for name in ("rows", "events", "refused"))
        typer.echo(f"offbeat: {counts}", err=True)


@app.command()
@grouped
def monitoring(
    rules: Annotated[
        Path | None, option(OUTPUT, "Alerting rules for Prometheus to write: offbeat.yml.")
    ] = None,
    dashboard: Annotated[
        Path | None, option(OUTPUT, "Dashboard for Grafana to write: offbeat.json.")
    ] = None,
) -> None:
    """Write alerting rules and a dashboard for what `watch --to prometheus://` exports."""
    from offbeat.connect import write_monitoring

    if rules is None and dashboard is None:
        raise typer.BadParameter("give --rules or --dashboard, or both")
    for path in write_monitoring(rules, dashboard):
        typer.echo(f"written: {path}")


@app.command()
@grouped
def serve(serving: Serving) -> None:
    """Serve the library over HTTP, for this machine only unless OFFBEAT_TOKEN is set."""
    try:
        from offbeat.server.launch import serve as run_server
    except ModuleNotFoundError as missing:
        from offbeat.errors import MissingPartError

        if (missing.name or "").startswith("offbeat"):
            raise
        raise MissingPartError(
            f"the server needs {missing.name}: pip install 'offbeat[server]'"
        ) from None
    run_server(serving.options())
