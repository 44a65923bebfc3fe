"""EnsembleDetector: several detectors look at the same rows, and their scores are joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self, get_args

import numpy as np

from offbeat.baselines import ARDetector
from offbeat.contamination import Taught
from offbeat.detection import EventRules
from offbeat.detector import Detector
from offbeat.errors import ConfigError, ModelFileError, one_of
from offbeat.grid import Grid
from offbeat.joining import Combine, Joint
from offbeat.judging import Foreseen, Foresight, Judged
from offbeat.lstm import LSTMDetector
from offbeat.preparation import Preparation, Prepared
from offbeat.registry import MEMBERS
from offbeat.scores import MODES, Scoring, Smoothing
from offbeat.series import BoolArray, FloatArray
from offbeat.storable import part, under
from offbeat.thresholds import Calibration, Threshold
from offbeat.training import EpochLog, ProgressHook
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["Combine", "EnsembleDetector"]


class EnsembleDetector(Detector):
    """Joins the scores of its members, each measured against its own training scores.

    Parameters
    ----------
    members
        Detectors, not fitted; the first leads: expected values and bands are its own. They take
        over the ensemble's `smoothing`, `random_state`, `covariates` and `preparation`, of which
        they keep their own `difference`. None takes an `LSTMDetector` and a
        `ShapeMemoryDetector`.
    combine
        "log": mean of log(1 + score), so that no single member shouts the others down; "mean" of
        the scores; "rank": mean of the share of training scores that lie below.
    weights
        One a member, >= 0; None weighs them alike.
    witnesses
        Detectors that only speak up where a row is further off than any of the training part, and
        then make 1 + the joined score up to e times as large ("mean" and "rank": add up to 1). They
        take over the ensemble's options as members do. None takes an `ARDetector` beside the usual
        members, and none beside others.
    smoothing, random_state, covariates, preparation, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    members_, witnesses_
        The fitted members and witnesses.
    """

    scoring = Scoring()

    def __init__(
        self,
        *,
        members: tuple[Detector, ...] | None = None,
        combine: Combine = "log",
        weights: tuple[float, ...] | None = None,
        witnesses: tuple[Detector, ...] | None = None,
        smoothing: Smoothing = "trailing",
        random_state: int = 0,
        covariates: tuple[str, ...] | None = None,
        preparation: Preparation = Preparation(),
        threshold: Threshold | None = None,
        rules: EventRules = EventRules(),
    ) -> None:
        self.members = members
        self.combine = combine
        self.weights = weights
        self.witnesses = witnesses
        self.smoothing = smoothing
        self.random_state = random_state
        self.covariates = covariates
        self.preparation = preparation
        self.threshold = threshold
        self.rules = rules

    # ------------------------------------------------------------ what a method fills in

    def _check_options(self) -> None:
        one_of("combine", self.combine, get_args(Combine))
        given, witnesses = self._given_members(), self._given_witnesses()
        if not given or not all(isinstance(member, Detector) for member in given):
            raise ConfigError(f"members must be one or more detectors, {self.members!r} came")
        if not all(isinstance(witness, Detector) for witness in witnesses):
            raise ConfigError(f"witnesses must be detectors, {self.witnesses!r} came")
        if any(isinstance(each, EnsembleDetector) for each in (*given, *witnesses)):
            raise ConfigError("an ensemble cannot be a member or a witness: give its members")
        weights = self._weights(len(given))
        if len(weights) != len(given) or min(weights) < 0 or not 0 < weights.sum() < np.inf:
            raise ConfigError(
                f"weights must be {len(given)} numbers >= 0 and not all 0, {self.weights!r} came"
            )
        for each in (*self._fresh_members(), *self._fresh_witnesses()):
            each._check_options()

    def _configure(self, n_rows: int) -> None:
        self.members_, self.witnesses_ = self._fresh_members(), self._fresh_witnesses()
        for each in (*self.members_, *self.witnesses_):
            each.season_, each.origin_ = self.season_, self.origin_
            each._configure(n_rows)
        self.warm_up_ = max(member.warm_up_ for member in self.members_)
        self.min_rows_ = max(member.min_rows_ for member in self.members_)

    def _learn(
        self, prepared: Prepared, learned: BoolArray, progress: ProgressHook | None
    ) -> tuple[EpochLog, ...]:
        for each in (*self.members_, *self.witnesses_):
            each.confirmed_ = self.confirmed_
        leader = self.members_[0]
        leader.left_out_ = []  # the ensemble leaves out for all
        log = leader._fit_rows(prepared.grid, learned, progress)
        self.prepared_by_ = leader.prepared_by_  # what is expected is in the leader's units
        return log

    def _learn_rest(self, grid: Grid, taught: Taught, progress: ProgressHook | None) -> None:
        for each in (*self.members_[1:], *self.witnesses_):
            each._fit_grid(grid, taught.learned, progress, taught.odd)

    def _settle(
        self, grid: Grid, taught: Taught, live: Foreseen, log: tuple[EpochLog, ...]
    ) -> Self:
        self.members_[0]._settle(grid, taught, live, log)
        return super()._settle(grid, taught, live, log)

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:
        return self.members_[0]._foresee(prepared, training=training)

    def _chosen(self) -> dict[str, object]:
        everyone = (*self.members_, *self.witnesses_)
        return {type(each).__name__: each._chosen() for each in everyone}

    def _learns_anew(self) -> bool:
        return self.members_[0]._learns_anew()

    def _reasons(self) -> dict[str, str]:
        return {
            f"{type(member).__name__}: {name}": reason
            for member in (*self.members_, *self.witnesses_)
            for name, reason in member._reasons().items()
        }

    # ------------------------------------------------------------ joining

    @property
    def signal_names(self) -> tuple[str, ...]:
        """The members and the witnesses."""
        return tuple(type(each).__name__ for each in (*self.members_, *self.witnesses_))

    def _given_members(self) -> tuple[Detector, ...]:
        return (LSTMDetector(), ShapeMemoryDetector()) if self.members is None else self.members

    def _given_witnesses(self) -> tuple[Detector, ...]:
        usual = (ARDetector(),) if self.members is None else ()
        return usual if self.witnesses is None else self.witnesses

    def _fresh_members(self) -> tuple[Detector, ...]:
        prepared = replace(self.preparation, contamination="off")  # the ensemble decides for all
        return tuple(self._fresh_one(member, prepared) for member in self._given_members())

    def _fresh_witnesses(self) -> tuple[Detector, ...]:
        return tuple(self._fresh_one(each, self.preparation) for each in self._given_witnesses())

    def _fresh_one(self, given: Detector, preparation: Preparation) -> Detector:
        return given.fresh().set_params(
            smoothing=self.smoothing,
            random_state=self.random_state,
            covariates=self.covariates,
            preparation=replace(preparation, difference=given.preparation.difference),
        )

    def _weights(self, n_members: int) -> FloatArray:
        if self.weights is not None:
            return np.array(self.weights, dtype=float)
        return np.ones(n_members)

    def _calibrate(
        self, grid: Grid, taught: Taught, live: Foreseen
    ) -> dict[Smoothing, Calibration]:
        """The members have scored the training part already; no witness speaks up there."""
        del grid, taught, live
        self.band_ = self.members_[0].band_
        self.standards_ = {}
        made: dict[Smoothing, Calibration] = {}
        for mode in MODES:
            scores = [each.calibrations_[mode].score for each in (*self.members_, *self.witnesses_)]
            usual, merge_gap = self.joint(mode).score(scores)[0], self._merge_gap(mode)
            made[mode] = Calibration(usual, self.rows_per_day_, merge_gap=merge_gap)
        return made

    def _judge(self, grid: Grid, mode: Smoothing) -> Judged:
        judged = [each._judge(grid, mode) for each in (*self.members_, *self.witnesses_)]
        joined = self.joint(mode).joined([each.joined for each in judged])
        return replace(judged[0], joined=joined)

    def joint(self, mode: Smoothing) -> Joint:
        """How the scores of the fitted members and witnesses are joined."""
        return Joint.of(
            self.combine,
            self._weights(len(self.members_)),
            [each.calibrations_[mode].score for each in self.members_],
            [each.calibrations_[mode].score for each in self.witnesses_],
        )

    # ------------------------------------------------------------ keeping

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `Detector.state`, with the members' states."""
        state, arrays = super().state()
        state["options"] |= {"members": None, "witnesses": None}
        for kind, group in (("member", "members"), ("witness", "witnesses")):
            entries = state[group] = list[dict[str, Any]]()
            for number, each in enumerate(getattr(self, f"{group}_")):
                inner, own = each.state()
                entries.append({"detector": type(each).__name__, "state": inner})
                arrays |= under(f"{kind}{number}", own)
        return state, arrays

    @classmethod
    def from_state(cls, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """A fitted ensemble from what `state` gave."""
        members = _read_back("member", state["members"], arrays)
        witnesses = _read_back("witness", state.get("witnesses", []), arrays)  # later than format 2
        options = {**state["options"], "members": members, "witnesses": witnesses}
        return super().from_state({**state, "options": options}, arrays)

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.members_, self.witnesses_ = self._given_members(), self._given_witnesses()


def _read_back(
    kind: str, entries: list[dict[str, Any]], arrays: dict[str, np.ndarray]
) -> tuple[Detector, ...]:
    """Fitted members or witnesses from what `state` wrote of them."""
    found = []
    for number, entry in enumerate(entries):
        made = MEMBERS.get(entry["detector"])
        if made is None:
            raise ModelFileError(f"a {kind} {entry['detector']!r} is not known here")
        found.append(made.from_state(entry["state"], part(f"{kind}{number}", arrays)))
    return tuple(found)
