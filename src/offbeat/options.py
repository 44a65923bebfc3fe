"""Options that the plain detectors share, written down once.

A detector made with `@dataclass(kw_only=True, eq=False, repr=False)` on top of `SharedOptions` has
a constructor that only stores, with every option in its signature, as scikit-learn wants it.
"""

# No `from __future__ import annotations` here: constructors made in other modules take over these
# hints, and only as types, not as text, can they be read there (`offbeat.settings`).

from dataclasses import dataclass

from offbeat.detection import EventRules
from offbeat.memory import View
from offbeat.preparation import Preparation
from offbeat.scores import Scoring, Smoothing
from offbeat.thresholds import Threshold
from offbeat.training import Training

__all__ = [
    "LEVEL_PREPARATION",
    "WINDOW_SCORING",
    "LevelOptions",
    "NetworkOptions",
    "SharedOptions",
    "WindowOptions",
]

LEVEL_PREPARATION = Preparation(difference="never")
"""For methods that speak of values: a channel that wanders is not turned into its changes."""
WINDOW_SCORING = Scoring(spike=0.0)
"""A window tells nothing of what is over in one row that its mean does not."""


@dataclass(kw_only=True, eq=False, repr=False)
class SharedOptions:
    """What every detector can be told.

    Parameters
    ----------
    smoothing
        "trailing" (default): what a live watcher would have seen. "centred": looking back.
    random_state
        Seed. The global random state is left alone.
    covariates
        Channels that are not judged, such as commands; None takes those that look like switches
        in the training part, () none.
    preparation, scoring, rules
        Options in groups, see `Preparation`, `Scoring`, `EventRules`.
    threshold
        Method of `offbeat.thresholds`; None takes the default.
    """

    smoothing: Smoothing = "trailing"
    random_state: int = 0
    covariates: tuple[str, ...] | None = None
    preparation: Preparation = Preparation()
    scoring: Scoring = Scoring()
    threshold: Threshold | None = None
    rules: EventRules = EventRules()


@dataclass(kw_only=True, eq=False, repr=False)
class LevelOptions(SharedOptions):
    """`SharedOptions` of a method that speaks of values, not of changes."""

    preparation: Preparation = LEVEL_PREPARATION


@dataclass(kw_only=True, eq=False, repr=False)
class WindowOptions(LevelOptions):
    """`SharedOptions` of a method that looks at one window of one channel at a time.

    Parameters
    ----------
    window
        Rows of a window; None takes the period found in the training part (8 to 200), or 64.
    n_windows
        Most windows learned from, drawn at random from the training part.
    view
        How windows are compared: "values" as they are; "level" without their mean; "shape"
        standardised by themselves too.
    """

    window: int | None = None
    n_windows: int = 2500
    view: View = "values"
    scoring: Scoring = WINDOW_SCORING


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkOptions(SharedOptions):
    """`SharedOptions` of a network that is trained on windows of all channels.

    Parameters
    ----------
    window
        Rows of a window; None takes the period found in the training part (8 to 200), or 64.
    hidden_size
        Numbers between the layers.
    training
        See `Training`.
    """

    window: int | None = None
    hidden_size: int = 64
    training: Training = Training()
