"""Any model of PyOD, on windows."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from offbeat.baselines.windows import Arrays, WindowModel, WindowModelDetector
from offbeat.errors import ConfigError, DataError, ModelFileError
from offbeat.parts import optional_part
from offbeat.series import FloatArray

__all__ = ["PyODDetector"]

N_PROBED = 64
"""Windows that show whether a model judges each by itself."""


@dataclass(frozen=True, eq=False)
class _Model:
    """A fitted model of PyOD and the seed of what it draws."""

    model: Any
    seed: int

    def distance(self, windows: FloatArray) -> FloatArray:
        with _seeded(self.seed):
            return np.asarray(self.model.decision_function(windows), dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        raise ModelFileError(
            "a PyODDetector cannot be saved: a model of PyOD could only be kept as a pickle, which "
            "can run code when it is read; keep its options and fit it again"
        )


@dataclass(kw_only=True, eq=False, repr=False)
class PyODDetector(WindowModelDetector):
    """Scores windows by any model of PyOD that judges each window by itself.

    Needs `offbeat[pyod]`. It cannot be saved, as PyOD's models can only be kept as pickles.

    Parameters
    ----------
    model
        A detector of PyOD, not fitted, such as `pyod.models.lof.LOF()`; None takes
        `pyod.models.knn.KNN()`. One model is fitted a channel. Its `random_state`, if it has one
        and it is None, is this detector's.
    window, n_windows, view
        See `offbeat.options.WindowOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Raises
    ------
    ConfigError
        At `fit`, if the model compares the windows that it judges with each other, as ECOD and
        COPOD do: the score of a row would depend on later rows.
    ModelFileError
        At `save`, always.

    References
    ----------
    Zhao et al. 2019, "PyOD: A Python Toolbox for Scalable Outlier Detection".
    """

    model: Any = None

    def _check_options(self) -> None:
        super()._check_options()
        model = self.model
        if model is None:
            return
        wanted = ("fit", "decision_function", "get_params")
        if isinstance(model, type) or not all(hasattr(model, name) for name in wanted):
            raise ConfigError(
                f"model must be a detector of PyOD, such as pyod.models.knn.KNN(), {model!r} came"
            )

    def _learn_model(self, windows: FloatArray) -> WindowModel:
        model, seed = self._fresh_model(), int(self.random_state)
        name = type(model).__name__
        try:
            with _seeded(seed):
                model.fit(windows)
        except ValueError as reason:
            first_line = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
            raise DataError(
                f"{name} cannot learn from {len(windows)} windows: {first_line}"
            ) from None
        made = _Model(model, seed)
        probe = windows[:N_PROBED]
        alone, together = made.distance(probe[: len(probe) // 2 + 1]), made.distance(probe)
        if not np.allclose(alone, together[: len(alone)], rtol=1e-6, equal_nan=True):
            raise ConfigError(
                f"{name} compares the windows that it judges with each other, so a score would "
                f"depend on later rows: take a model that judges each by itself, such as KNN"
            )
        return made

    def _fresh_model(self) -> Any:
        if self.model is None:
            model = optional_part("pyod.models.knn", extra="pyod", needed_by="PyODDetector").KNN()
        else:
            model = copy.deepcopy(self.model)
        if model.get_params().get("random_state", 0) is None:
            model.set_params(random_state=int(self.random_state))
        return model

    def _read_model(self, arrays: Arrays) -> WindowModel:
        raise ModelFileError(f"a file cannot hold a model of PyOD, but has {', '.join(arrays)}")


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The global random states of NumPy and torch set for models that use them, and put back."""
    before = np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            np.random.seed(seed % 2**32)
            torch.manual_seed(seed)
            yield
    finally:
        np.random.set_state(before)
