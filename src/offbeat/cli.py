"""The command line: each command is one library call, and a table or file of what it gave.

Exit codes: 0 done, 1 something is off and `--fail-on-anomaly` asked to be told, 2 a mistake in the
input, said in one line, 130 interrupted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.io import ReadOptions
    from offbeat.lstm import LSTMDetector
    from offbeat.thresholds import Threshold
    from offbeat.workflow import Lesson

__all__ = ["app", "main"]

app = typer.Typer(
    name="offbeat",
    help="Find what is off in a time series: an LSTM learns what is normal, you choose the cut.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of a shell."""
COMMANDS = ("check", "train", "score", "detect", "threshold", "report")
DATA, LEARN, CUT, OUTPUT = "The data", "What is learned", "The cut", "What comes out"

File = Annotated[
    str,
    typer.Argument(help="CSV, TSV, JSON lines, Parquet, Feather or a web-server log; - is stdin."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="File to write: .csv, .json, .parquet; - is standard output.",
        rich_help_panel=OUTPUT,
        callback=lambda path: None if path == Path("-") else path,
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", help="table, csv, json or parquet.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.", rich_help_panel=OUTPUT)]


def option(panel: str, text: str, *names: str) -> Any:
    """An option of a group, with the help that stands under the group's title."""
    return typer.Option(*names, help=text, rich_help_panel=panel)


@dataclass
class Reading:
    """How the file is read."""

    time: Annotated[str | None, option(DATA, "Column of time stamps; found if not named.")] = None
    channels: Annotated[
        str | None, option(DATA, "Columns to watch, with commas; all numbers if not named.")
    ] = None
    label: Annotated[str | None, option(DATA, "Column of 0 and 1, 1 = anomaly.")] = None
    delimiter: Annotated[str | None, option(DATA, "Between cells; found if not given.")] = None
    zone: Annotated[str | None, option(DATA, "Zone of local time stamps: Europe/Berlin.")] = None
    encoding: Annotated[str, option(DATA, "Of text files.")] = "utf8"
    every: Annotated[
        str | None, option(DATA, "Rows are events: count them per 30s, 1min, 1h ...")
    ] = None
    agg: Annotated[str | None, option(DATA, "With --every: count,sum(amount),mean(latency).")] = (
        None
    )
    step: Annotated[str | None, option(DATA, "Regular step: 1min; found if not given.")] = None

    def options(self) -> ReadOptions:
        from offbeat.io import ReadOptions

        return ReadOptions(
            time=self.time,
            channels=_names(self.channels) or None,
            label=self.label,
            delimiter=self.delimiter,
            zone=self.zone,
            every=self.every,
            agg=self.agg,
            encoding=self.encoding,
        )


@dataclass
class Learning:
    """What is learned, and how."""

    train: Annotated[
        str | None,
        option(LEARN, "Where training ends: 0.4, a row or a time stamp."),
    ] = None
    normal: Annotated[
        list[str] | None, option(LEARN, "START..END known to be normal: only this is learned.")
    ] = None
    exclude: Annotated[list[str] | None, option(LEARN, "START..END never learned.")] = None
    covariates: Annotated[
        str | None, option(LEARN, "Columns that are read but not judged, with commas.")
    ] = None
    settings: Annotated[
        list[str] | None,
        option(
            LEARN,
            "Any option of the library: horizon=12, training.max_epochs=50, "
            "preparation.impute=knn, scoring.skewness=0.5.",
            "--set",
        ),
    ] = None
    tutorial: Annotated[
        bool, option(LEARN, "The tutorials' plain configuration.", "--tutorial")
    ] = False
    seed: Annotated[int | None, option(LEARN, "Of the training; 0 if not given.")] = None

    def detector(self, reading: Reading, cutting: Cutting) -> LSTMDetector:
        from offbeat.lstm import LSTMDetector
        from offbeat.settings import with_settings

        made = LSTMDetector.tutorial() if self.tutorial else LSTMDetector()
        made.set_params(
            random_state=self.seed or 0,
            smoothing="centred" if cutting.centred else "trailing",
            covariates=_names(self.covariates),
        )
        step = [] if reading.step is None else [f"preparation.step={reading.step}"]
        return with_settings(made, [*step, *(self.settings or [])])

    def lesson(self, *, whole: bool = False) -> Lesson:
        from offbeat.workflow import Lesson, parse_span, parse_split

        return Lesson(
            train=None if self.train is None else parse_split(self.train),
            normal=tuple(parse_span(text) for text in self.normal or ()),
            exclude=tuple(parse_span(text) for text in self.exclude or ()),
            whole=whole and self.train is None,
        )

    def refuse_beside(self, model: Path) -> None:
        """A model is trained already: what would train another one is a mistake."""
        given = [field.name for field in fields(self) if getattr(self, field.name)]
        if given:
            flags = ", ".join("--set" if name == "settings" else f"--{name}" for name in given)
            raise typer.BadParameter(f"{flags} would train, but --model {model} is trained already")


@dataclass
class Cutting:
    """Where the cut lies."""

    threshold: Annotated[
        str | None,
        option(
            CUT,
            "1/week, percentile:99, sigma:3, iqr:1.5, mad:3.5, pot:1e-4, telemanom, rolling:7d, "
            "fbeta:1, cost:1:10 or a number.",
        ),
    ] = None
    centred: Annotated[bool, option(CUT, "Look back at history, both ways.", "--centred")] = False

    def method(self) -> Threshold | None:
        return _method(self.threshold)


Model = Annotated[
    Path | None, option(LEARN, "Use this model; without one, train on the first part.")
]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take groups of options: each field of a group becomes an option."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        group = groups.get(parameter.name)
        if group is None:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        kinds = get_type_hints(group, include_extras=True)
        parameters += [
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=kinds[field.name],
            )
            for field in fields(group)
        ]

    @wraps(command)
    def flat(**given: Any) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **given)

    ordered = sorted(parameters, key=lambda each: each.default is not Parameter.empty)
    flat.__signature__ = Signature(  # type: ignore[attr-defined]
        [each.replace(kind=Parameter.KEYWORD_ONLY) for each in ordered]
    )
    flat.__annotations__ = {each.name: each.annotation for each in ordered}
    return flat


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

    _spare((file,), (out,))
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

    with _progress(quiet) as hook:
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

    _spare((file, model), (out,))
    detection = _detect(file, model, reading, learning, cutting, quiet)
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

    _spare((file, model), (out, report))
    detection = _detect(file, model, reading, learning, cutting, quiet)
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
    _spare((file, model), (out,))
    detection = _detect(file, model, reading, learning, cutting, quiet)
    terminal.show_thresholds(detection, out, format_)
    if keep and model is not None and method is not None:
        set_model_threshold(model, method, file, reading.options())
        typer.echo(f"{model} now cuts at {method.title}", err=terminal.is_piped(out, format_))


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
    _spare((file, model), (out,))
    detection = _detect(file, model, reading, learning, cutting, quiet)
    typer.echo(f"report: {detection.report(out)}")


# ---------------------------------------------------------------- from words to calls


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _method(text: str | None) -> Threshold | None:
    from offbeat.thresholds import parse_threshold

    return None if text is None else parse_threshold(text)


def _detect(
    file: str,
    model: Path | None,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    quiet: bool,
) -> Detection:
    from offbeat.terminal import warn_of_stillness
    from offbeat.workflow import detect_file

    if model is not None:
        learning.refuse_beside(model)
    kept = model is not None and not cutting.centred  # the model looks back as it was trained to
    with _progress(quiet or model is not None) as hook:
        detection = detect_file(
            file,
            reading.options(),
            model=model,
            detector=None if kept else learning.detector(reading, cutting),
            step=reading.step,
            lesson=learning.lesson(),
            threshold=cutting.method(),
            progress=hook,
        )
    warn_of_stillness(detection.settings, detection.series.channels)
    return detection


def _spare(read: tuple[str | Path | None, ...], written: tuple[Path | None, ...]) -> None:
    """Refuse to write over what is read, before any work is done."""
    from offbeat.workflow import refuse_same_file

    for source in read:
        for target in written:
            if source is not None and target is not None:
                refuse_same_file(source, target)


def _progress(quiet: bool) -> AbstractContextManager[Any]:
    from offbeat.progress import progress_bar

    return nullcontext() if quiet or not sys.stderr.isatty() else progress_bar()


# ---------------------------------------------------------------- errors, in one place


def main() -> None:
    """Run, and say what went wrong in one line."""
    raise SystemExit(run(app, sys.argv[1:]))


def run(application: Callable[..., Any], arguments: list[str]) -> int:
    """The exit code of one call."""
    try:
        code = application(arguments or ["--help"], standalone_mode=False)
        sys.stdout.flush()  # a full disk behind a pipe may only tell now
    except typer.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except typer.TyperException as mistake:
        command = getattr(getattr(mistake, "ctx", None), "info_name", None)
        asked = f"offbeat {command}" if command in COMMANDS else "offbeat"
        return _complain(f"{mistake.format_message().rstrip('.')} (see {asked} --help)", 2)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has seen enough
        return 0
    except SystemExit:  # how typer ends a command whose reader has seen enough
        return 0
    except Exception as mistake:
        from offbeat.errors import OffbeatError

        if isinstance(mistake, OffbeatError):
            return _complain(_in_options(str(mistake)), 2)
        if isinstance(mistake, OSError):
            where = mistake.filename or "standard output"
            return _complain(f"{where}: {mistake.strerror or mistake}", 2)
        raise
    if code == INTERRUPTED:  # typer catches Ctrl-C and says nothing
        return _interrupted()
    return code if isinstance(code, int) else 0


def _in_options(text: str) -> str:
    """The library's `zone=` as the command line's `--zone`."""
    names = "|".join(["format", *(field.name for field in fields(Reading))])
    text = re.sub(rf"(?<![\w.'-])({names})=(?=[\w'.])", r"--\1 ", text)
    return re.sub(rf"(?<![\w.'-])({names})=", r"--\1", text)


def _interrupted() -> int:
    return _complain("interrupted; nothing half-written is left", INTERRUPTED)


def _complain(text: str, code: int) -> int:
    typer.echo(f"offbeat: {' '.join(text.split())}", err=True)
    return code
