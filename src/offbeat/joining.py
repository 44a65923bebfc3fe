"""Joining: one score of those of an ensemble's members and witnesses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from offbeat.scores import Joined
from offbeat.series import FloatArray

__all__ = ["Combine", "Joint"]

Combine = Literal["log", "mean", "rank"]
QUANTILE = 0.99
"""A member's score is measured in units of this quantile of its training scores."""
MIN_UNIT = 1e-3


@dataclass(frozen=True, eq=False)
class Joint:
    """How scores of members and witnesses become one.

    Parameters
    ----------
    combine
        As in `EnsembleDetector`.
    weights
        One a member, shape (M,); they sum to 1.
    usual
        Per member its training scores, finite and ascending, shape (n,) each.
    units
        Per member a high quantile of them: its scores are measured in this.
    largest
        Largest training score of each witness.
    """

    combine: Combine
    weights: FloatArray
    usual: tuple[FloatArray, ...]
    units: tuple[float, ...]
    largest: tuple[float, ...]

    @classmethod
    def of(
        cls,
        combine: Combine,
        weights: FloatArray,
        members: Sequence[FloatArray],
        witnesses: Sequence[FloatArray],
    ) -> Joint:
        """From the training scores of members and witnesses, shape (n,) each with NaN."""
        usual = tuple(np.sort(score[~np.isnan(score)]) for score in members)
        return cls(
            combine,
            weights / weights.sum(),
            usual,
            tuple(float(np.quantile(own, QUANTILE)) if len(own) else 1.0 for own in usual),
            tuple(float(np.nanmax(score, initial=0.0)) for score in witnesses),
        )

    def score(self, scores: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Join scores (T,) of the members, then the witnesses.

        Returns
        -------
        The joined score (T,), NaN until every member has one, and the part of each member and
        witness in this order (M, T).
        """
        parts = np.empty((len(scores), len(scores[0])))
        for i in range(len(self.usual)):
            parts[i] = self.weights[i] * self._measured(scores[i], self.usual[i], self.units[i])
        for i, largest in enumerate(self.largest, start=len(self.usual)):
            parts[i] = _testimony(scores[i], largest)
        total = parts.sum(axis=0)
        return (np.expm1(total) if self.combine == "log" else total), np.nan_to_num(parts)

    def joined(self, judged: Sequence[Joined]) -> Joined:
        """Join what members, then witnesses, say, with the shares of channels and members."""
        score, parts = self.score([each.score for each in judged])
        total = np.maximum(parts.sum(axis=0), np.finfo(np.float64).tiny)
        member_shares = np.where(np.isnan(score), np.nan, parts / total)  # (M, T)
        shares = np.zeros_like(judged[0].channel_shares)
        for share, each in zip(member_shares, judged, strict=True):
            shares += share[:, None] * np.nan_to_num(each.channel_shares)
        return Joined(score, np.where(np.isnan(score)[:, None], np.nan, shares), member_shares.T)

    def _measured(self, score: FloatArray, usual: FloatArray, unit: float) -> FloatArray:
        """A member's score against its training scores, >= 0."""
        if self.combine == "rank":
            below = np.searchsorted(usual, np.nan_to_num(score)) / max(1, len(usual))
            return np.where(np.isnan(score), np.nan, below + _beyond(score, usual))
        far: FloatArray = score / max(unit, MIN_UNIT)
        return np.log1p(far) if self.combine == "log" else far


def _testimony(score: FloatArray, largest: float) -> FloatArray:
    """What a witness adds, in [0, 1]: the logarithm of how many times the largest training score
    a score is. Unlike a member's part it is 0 wherever the witness has nothing to say."""
    beyond = np.nan_to_num(score) / max(largest, MIN_UNIT)
    said: FloatArray = np.log(np.clip(beyond, 1.0, math.e))
    return said


def _beyond(score: FloatArray, known: FloatArray) -> FloatArray:
    """How far a score lies above all training scores, as a rank goes no further than 1."""
    top = known[-1] if len(known) else 0.0
    return np.log1p(np.maximum(score - top, 0.0))
