"""Options of the command line, in groups that several commands share."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from offbeat.connect import Fields, RetrainOptions, WatchOptions
    from offbeat.detector import Detector
    from offbeat.io import ReadOptions
    from offbeat.lesson import Lesson
    from offbeat.mutes import Mute
    from offbeat.server.options import ServerOptions
    from offbeat.stream import StreamOptions
    from offbeat.thresholds import Threshold

__all__ = [
    "CUT",
    "JUDGE",
    "LEARN",
    "OUTPUT",
    "Buffer",
    "Cutting",
    "File",
    "Format",
    "Learning",
    "Lessons",
    "Model",
    "Out",
    "Quiet",
    "Reading",
    "Serving",
    "Watching",
    "mutes_in",
    "names_in",
    "option",
]

DATA, LEARN, CUT = "The data", "What is learned", "The cut"
JUDGE, OUTPUT = "How it is judged", "What comes out"
SERVE, WATCH = "The server", "How it is watched"

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


D = TypeVar("D", bound="Detector")


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
        """As the library takes them."""
        from offbeat.io import ReadOptions

        return ReadOptions(
            time=self.time,
            channels=names_in(self.channels) or None,
            label=self.label,
            delimiter=self.delimiter,
            zone=self.zone,
            every=self.every,
            agg=self.agg,
            encoding=self.encoding,
        )


@dataclass
class Lessons:
    """What is learned, whatever learns it."""

    train: Annotated[
        str | None,
        option(LEARN, "Where training ends: 0.4, a row or a time stamp."),
    ] = None
    normal: Annotated[
        list[str] | None, option(LEARN, "START..END known to be normal: only this is learned.")
    ] = None
    exclude: Annotated[list[str] | None, option(LEARN, "START..END never learned.")] = None
    covariates: Annotated[
        str | None,
        option(LEARN, "Columns that are read but not judged, with commas; found if not named."),
    ] = None
    seed: Annotated[int | None, option(LEARN, "Of the training; 0 if not given.")] = None

    def dressed(self, detector: D, reading: Reading, cutting: Cutting) -> D:
        """The detector with what all detectors can be told."""
        from offbeat.settings import with_settings

        detector.set_params(
            random_state=self.seed or 0,
            smoothing="centred" if cutting.centred else "trailing",
            covariates=None if self.covariates is None else names_in(self.covariates),
            rules=detector.rules.with_mutes(cutting.mutes()),
        )
        step = [] if reading.step is None else [f"preparation.step={reading.step}"]
        return with_settings(detector, step)

    def lesson(self, *, whole: bool = False) -> Lesson:
        """The training part; `whole` is what is learned where nobody says where to stop."""
        from offbeat.lesson import Lesson, parse_span, parse_split

        return Lesson(
            train=None if self.train is None else parse_split(self.train),
            normal=tuple(parse_span(text) for text in self.normal or ()),
            exclude=tuple(parse_span(text) for text in self.exclude or ()),
            whole=whole and self.train is None,
        )


@dataclass
class Learning(Lessons):
    """What is learned, and how."""

    settings: Annotated[
        list[str] | None,
        option(
            LEARN,
            "Any option of the library: horizon=12, training.max_epochs=50, "
            "preparation.impute=knn, scoring.skewness=0.5; @FILE reads them from YAML.",
            "--set",
        ),
    ] = None
    tutorial: Annotated[
        bool, option(LEARN, "The tutorials' plain configuration.", "--tutorial")
    ] = False

    def detector(self, reading: Reading, cutting: Cutting, name: str = "lstm") -> Detector:
        """The detector of this name on the roster, with every option that was given."""
        from offbeat.lstm import LSTMDetector
        from offbeat.roster import chosen_detectors
        from offbeat.settings import settings_in, with_settings

        kind = chosen_detectors([name])[name]
        if self.tutorial and kind is not LSTMDetector:
            raise typer.BadParameter(f"--tutorial is a configuration of the lstm, not of {name}")
        made = LSTMDetector.tutorial() if self.tutorial else kind()
        given: list[str] = []
        for text in self.settings or []:
            given += settings_in(text[1:]) if text.startswith("@") else [text]
        return with_settings(self.dressed(made, reading, cutting), given)

    def refuse_beside(self, model: Path, *others: str) -> None:
        """A model is trained already: what would train another one is a mistake."""
        given = [field.name for field in fields(self) if getattr(self, field.name)]
        flags = ["--set" if name == "settings" else f"--{name}" for name in given]
        if flags := [*flags, *others]:
            raise typer.BadParameter(
                f"{', '.join(flags)} would train, but --model {model} is trained already"
            )


@dataclass
class Cutting:
    """Where the cut lies."""

    threshold: Annotated[
        str | None,
        option(
            CUT,
            "1/week, percentile:99, sigma:3, iqr:1.5, mad:3.5, pot:1e-4, telemanom, rolling:7d, "
            "fbeta:1, cost:10:1 or a number.",
        ),
    ] = None
    centred: Annotated[bool, option(CUT, "Look back at history, both ways.", "--centred")] = False
    mute: Annotated[
        list[str] | None,
        option(CUT, "When events are kept quiet: 'Mon-Fri 02:00-03:00 Europe/Berlin'."),
    ] = None

    def method(self) -> Threshold | None:
        """The threshold that was named, or None."""
        from offbeat.thresholds import parse_threshold

        return None if self.threshold is None else parse_threshold(self.threshold)

    def mutes(self) -> tuple[Mute, ...]:
        """The times that were named."""
        return mutes_in(self.mute)


@dataclass
class Serving:
    """Where the server listens, and where it keeps things."""

    host: Annotated[str, option(SERVE, "Address; any but loopback needs OFFBEAT_TOKEN.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, option(SERVE, "0 takes a free one.")] = 8000
    data: Annotated[Path, option(SERVE, "Folder of series, models and scores.")] = Path(
        "offbeat-data"
    )
    store: Annotated[
        str | None,
        typer.Option(
            help="postgresql://user@host/name; SQLite in the data folder if not given.",
            rich_help_panel=SERVE,
            envvar="OFFBEAT_STORE",
            show_envvar=True,
        ),
    ] = None
    source: Annotated[
        list[Path] | None, option(SERVE, "Folder whose files may be registered by path; repeat.")
    ] = None
    trainings: Annotated[int, option(SERVE, "Trainings at a time.")] = 1
    grace: Annotated[
        float, option(SERVE, "Seconds that a stop waits for jobs before it parks them.")
    ] = 10.0
    secure_cookies: Annotated[
        bool, option(SERVE, "The page's cookie over HTTPS only.", "--secure-cookies")
    ] = False
    no_example: Annotated[
        bool, option(SERVE, "A new store begins empty, not with a recording.", "--no-example")
    ] = False

    def options(self) -> ServerOptions:
        """As the server takes them; the tokens come from the environment."""
        from offbeat.server.options import ServerOptions

        token, read_token = ServerOptions.tokens_from(os.environ)
        return ServerOptions(
            host=self.host,
            port=self.port,
            data=self.data,
            store=self.store,
            token=token,
            read_token=read_token,
            sources=tuple(self.source or ()),
            trainings=self.trainings,
            grace=self.grace,
            secure_cookies=self.secure_cookies,
            example=not self.no_example,
        )


@dataclass
class Watching:
    """What stands where in a record, and how a stream is watched."""

    time: Annotated[
        str | None, option(DATA, "Time stamp: a name or /json/pointer, or now; found if not given.")
    ] = None
    series: Annotated[str | None, option(DATA, "Name of the series: a name or /json/pointer.")] = (
        None
    )
    values: Annotated[
        str | None, option(DATA, "Channels: flow,level=/data/level; all other fields if not named.")
    ] = None
    zone: Annotated[str | None, option(DATA, "Zone of local time stamps: Europe/Berlin.")] = None
    lateness: Annotated[
        str | None, option(WATCH, "How late a row may come: 30s; scored at once if not given.")
    ] = None
    irregular: Annotated[
        bool, option(WATCH, "Time stamps keep no step: a row is the mean of one.", "--irregular")
    ] = False
    max_ahead: Annotated[
        int, option(WATCH, "A row so many ahead of its series waits until the next ones agree.")
    ] = 1_000
    max_behind: Annotated[
        int, option(WATCH, "Rows that go on so many behind begin a new clock.")
    ] = 2_500
    checkpoint: Annotated[
        Path | None, option(WATCH, "File that keeps where all stands; a new start goes on from it.")
    ] = None
    every: Annotated[float, option(WATCH, "Seconds from one checkpoint to the next.")] = 1.0
    retrain: Annotated[
        str | None,
        option(LEARN, "Train models again beside the stream so often: 7d, or 5000 (rows)."),
    ] = None
    history: Annotated[
        str | None,
        option(LEARN, "How far back they learn: 28d, or 9000; as --retrain if not given."),
    ] = None

    def fields(self) -> Fields:
        """As the library takes them."""
        from offbeat.connect import Fields

        return Fields.parse(self.time, self.series, self.values, self.zone)

    def stream(self) -> StreamOptions:
        """As the library takes them."""
        from offbeat.stream import StreamOptions

        return StreamOptions(
            lateness=self.lateness or 0,
            irregular=self.irregular,
            max_ahead=self.max_ahead,
            max_behind=self.max_behind,
            zone=self.zone,
        )

    def again(self) -> RetrainOptions | None:
        """As the library takes them."""
        from offbeat.connect import RetrainOptions

        if self.retrain is None:
            if self.history is not None:
                raise typer.BadParameter("--history says what --retrain learns: give that too")
            return None
        return RetrainOptions.parse(self.retrain, self.history)

    def options(self) -> WatchOptions:
        """As the library takes them."""
        from offbeat.connect import WatchOptions

        return WatchOptions(checkpoint=self.checkpoint, every=self.every)


Model = Annotated[
    Path | None, option(LEARN, "Use this model; without one, train on the first part.")
]
Buffer = Annotated[
    int | None,
    option(JUDGE, "Soft edge of VUS in rows; the period, or 125, if not given."),
]


def mutes_in(texts: list[str] | None) -> tuple[Mute, ...]:
    """Mutes as they were written."""
    from offbeat.mutes import parse_mute

    return tuple(parse_mute(text) for text in texts or ())


def names_in(text: str | None) -> tuple[str, ...]:
    """`a, b` as two names."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()
