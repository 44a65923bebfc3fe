"""Evaluations and comparisons as tables and words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from offbeat import wording
from offbeat.terminal.writing import plain_console, written

if TYPE_CHECKING:
    from offbeat.accuracy import Accuracy
    from offbeat.comparison import Comparison
    from offbeat.evaluation import Evaluation
    from offbeat.metrics import PrecisionRecall

__all__ = ["show_comparison", "show_evaluation"]

Cell = Callable[["Evaluation"], str]
DAY_S = 86_400.0


def show_evaluation(comparison: Comparison, out: Path | None, format_: str | None) -> None:
    """One detector and the reference lines side by side, a line a figure."""
    if written(comparison.to_frame(), out, format_, "evaluation"):
        return
    each = comparison.evaluations
    table = Table("", *(one.detector for one in each))
    for title, cell in _evaluation_lines(each[0]):
        table.add_row(title, *(cell(one) for one in each))
    _show_judged(comparison, table)
    if len(each) == 1 and not comparison.failures:
        plain_console().print(
            "no random score beside it: the training part of the model is not in this file"
        )


def show_comparison(comparison: Comparison, out: Path | None, format_: str | None) -> None:
    """A line a detector, the best first; why one failed stands below."""
    if written(comparison.to_frame(), out, format_, "comparison"):
        return
    columns = _comparison_columns(comparison.evaluations[0])
    table = Table(Column("detector", no_wrap=True), *columns)
    for one in comparison.evaluations:
        table.add_row(one.detector, *(cell(one) for cell in columns.values()))
    for failure in comparison.failures:
        table.add_row(failure.detector, "failed", style="dim")
    _show_judged(comparison, table)


# ---------------------------------------------------------------- pieces


def _show_judged(comparison: Comparison, table: Table) -> None:
    """What was learned and judged, the table, and what to know about it."""
    console = plain_console()
    for line in _judged_words(comparison.evaluations[0]):
        console.print(escape(line))
    console.print(table)
    notes: dict[str, list[str]] = {}
    for one in comparison.evaluations:
        for note in one.notes:
            notes.setdefault(note, []).append(one.detector)
    n_all = len(comparison.evaluations)
    for note, names in notes.items():
        whose = "" if len(names) == n_all else f"{', '.join(names)}: "
        console.print(escape(f"{whose}{note}"))
    for failure in comparison.failures:
        console.print(escape(f"{failure.detector} failed: {failure.reason}"))


def _judged_words(one: Evaluation) -> list[str]:
    learned, judged = (_length(n, one.rows_per_day) for n in (one.n_learned, one.n_judged))
    fresh = f"{judged} that it has not seen" if one.fit_seconds is None else f"the next {judged}"
    words = [f"learned {learned}, judged {fresh}; cut at {one.threshold}, from the learned rows"]
    found = one.accuracy
    if found is None:
        words.append("no labels: name their column with --label to see the accuracy")
    elif found.n_true:
        words.append(
            f"{wording.plural(found.n_anomalous, 'judged row')} labelled, in "
            f"{wording.plural(found.n_true, 'event')}; VUS with a buffer of {found.buffer} rows"
        )
    return words


def _length(n_rows: int, rows_per_day: float | None) -> str:
    """`120 rows`, with how long they are where there is a clock."""
    rows = wording.plural(n_rows, "row")
    return rows if rows_per_day is None else f"{rows} ({wording.lasted(n_rows, rows_per_day)})"


def _of(read: Callable[[Accuracy], object], digits: int = 3) -> Cell:
    """A figure of the accuracy as a cell, empty where it has no value."""

    def cell(one: Evaluation) -> str:
        value = None if one.accuracy is None else read(one.accuracy)
        if value is None:
            return ""
        return f"{value:.{digits}f}" if isinstance(value, float) else str(value)

    return cell


def _rates(read: Callable[[Accuracy], PrecisionRecall | None]) -> Cell:
    def cell(one: Evaluation) -> str:
        rates = None if one.accuracy is None else read(one.accuracy)
        if rates is None:
            return ""
        return " / ".join(f"{rate:.2f}" for rate in (rates.precision, rates.recall, rates.f1))

    return cell


def _delay(read: Callable[[Accuracy], float | None], *, short: bool = False) -> Cell:
    """A delay in rows and on the clock; on the clock alone if it must be short."""

    def cell(one: Evaluation) -> str:
        rows = None if one.accuracy is None else read(one.accuracy)
        if rows is None:
            return ""
        text = "1 row" if rows == 1 else f"{wording.number(rows, 3)} rows"
        if one.rows_per_day is None:
            return text
        clock = wording.duration(rows * DAY_S / one.rows_per_day)
        return clock if short else f"{text} ({clock})"

    return cell


def _alarms(one: Evaluation) -> str:
    n_scored = one.n_judged - one.n_unscored
    pace = one.rows_per_day or 1000
    return wording.number(one.n_events * pace / n_scored, 3) if n_scored else ""


def _found(one: Evaluation) -> str:
    found = one.accuracy
    return "" if found is None else f"{found.n_found} of {found.n_true}"


def _nab(one: Evaluation) -> str:
    nab = None if one.accuracy is None else one.accuracy.nab
    return "" if nab is None else f"{nab.score:.1f} (at random {nab.random:.1f})"


def _comparison_columns(first: Evaluation) -> dict[str, Cell]:
    """Titles and cells of a comparison."""
    labelled: dict[str, Cell] = {
        "VUS-PR": _of(lambda a: a.vus_pr),
        "AUC-PR": _of(lambda a: a.auc_pr),
        "found": _found,
        "false": _of(lambda a: a.n_false),
        "event F1": _of(lambda a: a.events and a.events.f1, 2),
        "median delay": _delay(lambda a: a.median_delay, short=True),
    }
    return {
        **(labelled if first.accuracy is not None else {}),
        "flagged": lambda one: "" if one.flagged is None else wording.percent(one.flagged),
        **({"events": lambda one: str(one.n_events)} if first.accuracy is None else {}),
        _alarms_title(first): _alarms,
        "fit": _fit,
        "score": lambda one: wording.duration(one.score_seconds),
    }


def _evaluation_lines(first: Evaluation) -> list[tuple[str, Cell]]:
    """Titles and cells of one evaluation."""
    labelled: list[tuple[str, Cell]] = [
        ("VUS-PR", _of(lambda a: a.vus_pr)),
        ("VUS-ROC", _of(lambda a: a.vus_roc)),
        ("AUC-PR", _of(lambda a: a.auc_pr)),
        ("AUC-ROC", _of(lambda a: a.auc_roc)),
        ("events: precision / recall / F1", _rates(lambda a: a.events)),
        ("rows: precision / recall / F1", _rates(lambda a: a.points)),
        ("ranges: precision / recall / F1", _rates(lambda a: a.ranges)),
        ("affiliation: precision / recall / F1", _rates(lambda a: a.affiliation)),
        ("events found", _found),
        ("false alarms", _of(lambda a: a.n_false)),
        ("delay, mean", _delay(lambda a: a.mean_delay)),
        ("delay, median", _delay(lambda a: a.median_delay)),
        ("NAB score", _nab),
    ]
    return [
        *(labelled if first.accuracy is not None else []),
        ("rows flagged", lambda one: "" if one.flagged is None else wording.percent(one.flagged)),
        ("events", lambda one: str(one.n_events)),
        (_alarms_title(first), _alarms),
        ("rows without a score", lambda one: str(one.n_unscored)),
        ("fit", _fit),
        ("score", lambda one: wording.duration(one.score_seconds)),
        ("rows scored a second", lambda one: wording.number(one.rows_per_second, 2)),
    ]


def _alarms_title(one: Evaluation) -> str:
    return "alarms / 1,000 rows" if one.rows_per_day is None else "alarms a day"


def _fit(one: Evaluation) -> str:
    return "" if one.fit_seconds is None else wording.duration(one.fit_seconds)
