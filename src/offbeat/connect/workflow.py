"""From addresses to a watch: the one call of `offbeat watch`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event

from offbeat.connect.fields import Fields
from offbeat.connect.learning import Learner
from offbeat.connect.opening import sink_of, source_of
from offbeat.connect.retraining import Retrainer, RetrainOptions
from offbeat.connect.routing import ModelRule, Router, models_beside
from offbeat.connect.watching import Watch, WatchOptions, stop_on_signals, to_standard_error
from offbeat.stream import StreamOptions

__all__ = ["watch"]

MACHINE_ROWS = 120
"""Rows after which this machine is learned if nobody says otherwise: two minutes."""


def watch(
    source: str,
    to: Sequence[str],
    models: Sequence[str] = (),
    *,
    learn: int | None = None,
    retrain: RetrainOptions | None = None,
    fields: Fields = Fields(),
    stream: StreamOptions = StreamOptions(),
    options: WatchOptions = WatchOptions(),
    dead_letters: str | None = None,
    stop: Event | None = None,
    say: Callable[[str], None] = to_standard_error,
) -> Counter[str]:
    """Watch a source until it ends, or until Ctrl-C, SIGTERM or `stop`.

    Parameters
    ----------
    source, to, dead_letters
        Addresses, see `SOURCES` and `SINKS` of `offbeat.connect.opening`.
    models
        Model files, each as `FILE` or `PATTERN=FILE`; the first whose pattern fits watches a
        series.
    learn
        Rows after which a model is trained for a series that no other one watches; None refuses
        such series, but learns this machine after two minutes.
    retrain
        When every model is trained again beside the stream, see `RetrainOptions`; None never.
    fields, stream, options
        What stands where in a record, how series are watched, and what is kept.
    stop, say
        As `Watch` takes them.

    Returns
    -------
    The tally: rows, events and refused messages.
    """
    if not models and learn is None and source.startswith("machine:"):
        learn = MACHINE_ROWS
    rules = [ModelRule.parse(text) for text in models]
    models_in = None if options.checkpoint is None else models_beside(options.checkpoint)
    learner = None if learn is None else Learner(learn, models_in)
    retrainer = None if retrain is None else Retrainer(retrain, models_in)
    made = Watch(
        source_of(source),
        [sink_of(url) for url in to],
        Router(rules, stream, learner, retrainer),
        fields,
        options,
        dead_letters=None if dead_letters is None else sink_of(dead_letters),
        stop=stop,
        say=say,
    )
    if stop is not None:
        return made.run()
    with stop_on_signals() as made.stop:
        return made.run()
