"""Classical models of windows, one model a channel: components, centres, a forest, a support."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from offbeat.errors import ConfigError, one_of, whole_number
from offbeat.memory import View, seen_as
from offbeat.options import WindowOptions
from offbeat.series import FloatArray, IntArray
from offbeat.sliding import sliding_windows
from offbeat.storable import part, under
from offbeat.windowed import Unit, WindowDetector

__all__ = [
    "IsolationForestDetector",
    "KMeansDetector",
    "OneClassSVMDetector",
    "WindowModel",
    "WindowModelDetector",
    "WindowPCADetector",
]

BLOCK = 4096
"""Windows judged at a time, whatever the length of the series."""
NO_VARIANCE = 1e-12
N_STARTS = 3
"""Starts of k-means; the best is kept."""

Arrays = Mapping[str, np.ndarray]


class WindowModel(Protocol):
    """What a method knows of one channel's windows."""

    def distance(self, windows: FloatArray) -> FloatArray:
        """How unusual each window is: (N, W) -> (N,), high = anomalous."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What the model can be built again from; what has two axes has W columns."""


class WindowModelDetector(WindowOptions, WindowDetector):
    """Base of the detectors that learn one model a channel from windows drawn at random.

    A method fills in how a model is made of windows and how it is read back from a file. What the
    model says of a window is measured against what it says of the training part, so that channels
    and methods can be compared.
    """

    @abstractmethod
    def _learn_model(self, windows: FloatArray) -> WindowModel:
        """A model of the windows of one channel, shape (N, W), N >= 1."""

    @abstractmethod
    def _read_model(self, arrays: Arrays) -> WindowModel:
        """The model that gave these arrays."""

    def _check_options(self) -> None:
        super()._check_options()
        whole_number("n_windows", self.n_windows, least=1)
        one_of("view", self.view, get_args(View))

    def _learn_windows(self, scaled: FloatArray, starts: list[IntArray]) -> None:
        draw = np.random.default_rng(self.random_state)
        self.models_: list[WindowModel | None] = []
        self.units_: list[Unit] = []
        for column, own in zip(scaled.T, starts, strict=True):
            kept = np.sort(draw.permutation(own)[: self.n_windows])
            model = self._learn_model(self._seen(column, kept)) if len(kept) else None
            self.models_.append(model)
            self.units_.append(Unit.of(self._distance(model, column, kept)))

    def _distances(
        self,
        scaled: FloatArray,
        starts: list[IntArray],
        *,
        training: bool,  # noqa: ARG002 - these models know no window by heart
    ) -> list[FloatArray]:
        channels = zip(scaled.T, starts, self.models_, self.units_, strict=True)
        return [
            unit.standardised(self._distance(model, column, own))
            for column, own, model, unit in channels
        ]

    def _distance(
        self, model: WindowModel | None, column: FloatArray, starts: IntArray
    ) -> FloatArray:
        """What a model says of the windows that start there, (N,); NaN where there is no model."""
        distance = np.full(len(starts), np.nan)
        if model is not None:
            for at in range(0, len(starts), BLOCK):
                block = starts[at : at + BLOCK]
                distance[at : at + BLOCK] = model.distance(self._seen(column, block))
        return distance

    def _seen(self, column: FloatArray, starts: IntArray) -> FloatArray:
        """The windows of a channel that start there, as they are compared, (N, W)."""
        return seen_as(sliding_windows(column, self.window_)[starts], self.view)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `Detector.state`, with the models."""
        state, arrays = super().state()
        arrays["units"] = np.array([(unit.usual, unit.more) for unit in self.units_])
        for column, model in enumerate(self.models_):
            if model is not None:
                arrays |= under(f"model{column}", model.arrays())
        return state, arrays

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.units_ = [Unit(float(usual), float(more)) for usual, more in arrays["units"]]
        self.models_ = []
        for column in range(len(self.targets_)):
            own = part(f"model{column}", arrays)
            for name, array in own.items():
                if array.ndim == 2 and array.shape[1] != self.window_:  # noqa: PLR2004
                    raise ValueError(f"{name} of {self.window_} rows were expected, {array.shape}")
            self.models_.append(self._read_model(own) if own else None)


@dataclass(frozen=True, eq=False)
class _Components:
    """Mean window (1, W) and principal axes (K, W)."""

    mean: FloatArray
    axes: FloatArray

    def distance(self, windows: FloatArray) -> FloatArray:
        rest = windows - self.mean
        rest = rest - (rest @ self.axes.T) @ self.axes
        size: FloatArray = np.sqrt((rest**2).mean(axis=1))
        return size

    def arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "axes": self.axes}


@dataclass(kw_only=True, eq=False, repr=False)
class WindowPCADetector(WindowModelDetector):
    """Describes windows by principal components and scores what they leave over.

    Finds shapes that are no mixture of the usual ones; what only grows or shrinks along a usual
    shape is not seen.

    Parameters
    ----------
    n_components
        How many, or the share of the variance that they must explain, in (0, 1). At least one
        direction is always left to judge by.
    window, n_windows, view
        See `offbeat.options.WindowOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    References
    ----------
    Shyu et al. 2003, "A Novel Anomaly Detection Scheme Based on Principal Component Classifier".
    """

    n_components: int | float = 0.9

    def _check_options(self) -> None:
        super()._check_options()
        share = self.n_components
        if isinstance(share, float):
            if not 0 < share < 1:
                raise ConfigError(f"n_components as a share must lie in (0, 1), {share!r} came")
        else:
            whole_number("n_components", share, least=1)

    def _learn_model(self, windows: FloatArray) -> WindowModel:
        mean = windows.mean(axis=0, keepdims=True)
        _, sizes, axes = np.linalg.svd(windows - mean, full_matrices=False)
        variance = sizes**2
        n_axes = int((variance > NO_VARIANCE * len(windows)).sum())
        if isinstance(self.n_components, float):
            explained = np.cumsum(variance) / max(float(variance.sum()), NO_VARIANCE)
            n_wanted = 1 + int(np.searchsorted(explained, self.n_components))
        else:
            n_wanted = self.n_components
        return _Components(mean, axes[: min(n_wanted, n_axes, self.window_ - 1)])

    def _read_model(self, arrays: Arrays) -> WindowModel:
        return _Components(arrays["mean"], arrays["axes"])


@dataclass(frozen=True, eq=False)
class _Centres:
    """Typical windows, (K, W)."""

    centres: FloatArray

    def distance(self, windows: FloatArray) -> FloatArray:
        nearest = _distances(windows, self.centres).min(axis=1)
        size: FloatArray = nearest / np.sqrt(windows.shape[1])
        return size

    def arrays(self) -> dict[str, np.ndarray]:
        return {"centres": self.centres}


@dataclass(kw_only=True, eq=False, repr=False)
class KMeansDetector(WindowModelDetector):
    """Sums windows up by a few typical ones and scores the distance to the nearest.

    A memory of shapes in a nutshell: quicker and smaller than `ShapeMemoryDetector`, and coarser.

    Parameters
    ----------
    n_clusters
        How many typical windows; fewer where the training part has fewer different ones.
    window, n_windows, view
        See `offbeat.options.WindowOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    References
    ----------
    Yairi et al. 2001, "Fault Detection by Mining Association Rules from House-keeping Data"
    (clusters of windows of telemetry).
    """

    n_clusters: int = 32

    def _check_options(self) -> None:
        super()._check_options()
        whole_number("n_clusters", self.n_clusters, least=1)

    def _learn_model(self, windows: FloatArray) -> WindowModel:
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        different = np.unique(windows, axis=0)
        if len(different) <= self.n_clusters:
            return _Centres(different)
        means = KMeans(self.n_clusters, n_init=N_STARTS, random_state=self.random_state)
        # Threads add up in any order, which is not the same twice.
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # windows that differ by a rounding error only: fewer centres are as good
            warnings.simplefilter("ignore", ConvergenceWarning)
            return _Centres(means.fit(windows).cluster_centers_)

    def _read_model(self, arrays: Arrays) -> WindowModel:
        return _Centres(arrays["centres"])


@dataclass(frozen=True, eq=False)
class _Forest:
    """The windows (N, W) that a forest was grown from, and the forest."""

    windows: FloatArray
    forest: Any

    @classmethod
    def grown(cls, windows: FloatArray, n_trees: int, seed: int) -> Self:
        from sklearn.ensemble import IsolationForest

        return cls(windows, IsolationForest(n_estimators=n_trees, random_state=seed).fit(windows))

    def distance(self, windows: FloatArray) -> FloatArray:
        return -np.asarray(self.forest.score_samples(windows), dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"windows": self.windows}


@dataclass(kw_only=True, eq=False, repr=False)
class IsolationForestDetector(WindowModelDetector):
    """Scores how few random cuts set a window apart from the others.

    A model file holds the windows and the seed; the forest is grown again when it is read, which
    gives the same one with the same version of scikit-learn.

    Parameters
    ----------
    n_trees
        Trees of the forest.
    window, n_windows, view
        See `offbeat.options.WindowOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    References
    ----------
    Liu et al. 2008, "Isolation Forest".
    """

    n_trees: int = 100

    def _check_options(self) -> None:
        super()._check_options()
        whole_number("n_trees", self.n_trees, least=1)

    def _learn_model(self, windows: FloatArray) -> WindowModel:
        # as they will stand in a file, so that the forest read back is the same
        return self._grown(windows.astype(np.float32))

    def _read_model(self, arrays: Arrays) -> WindowModel:
        return self._grown(arrays["windows"])

    def _grown(self, windows: FloatArray) -> WindowModel:
        return _Forest.grown(windows, self.n_trees, int(self.random_state))


@dataclass(frozen=True, eq=False)
class _Support:
    """Support vectors (S, W) with their weights (S,), and the width of the kernel (1,)."""

    vectors: FloatArray
    weights: FloatArray
    gamma: FloatArray

    def distance(self, windows: FloatArray) -> FloatArray:
        near = np.exp(-self.gamma * _distances(windows, self.vectors, "sqeuclidean"))  # (N, S)
        far: FloatArray = 1.0 - near @ self.weights / self.weights.sum()
        return far

    def arrays(self) -> dict[str, np.ndarray]:
        return {"vectors": self.vectors, "weights": self.weights, "gamma": self.gamma}


@dataclass(kw_only=True, eq=False, repr=False)
class OneClassSVMDetector(WindowModelDetector):
    """Draws a line around the usual windows (radial kernel) and scores how far outside one lies.

    Far outside all windows are equally odd.

    Parameters
    ----------
    nu
        Share of the training windows that may lie outside, in (0, 1].
    window, n_windows, view
        See `offbeat.options.WindowOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    References
    ----------
    Schölkopf et al. 2001, "Estimating the Support of a High-Dimensional Distribution".
    """

    nu: float = 0.1

    def _check_options(self) -> None:
        super()._check_options()
        if isinstance(self.nu, bool) or not 0 < self.nu <= 1:
            raise ConfigError(f"nu must lie in (0, 1], {self.nu!r} came")

    def _learn_model(self, windows: FloatArray) -> WindowModel:
        from sklearn.svm import OneClassSVM

        # scikit-learn's "scale", written out as the file needs the number
        gamma = 1.0 / (windows.shape[1] * max(float(windows.var()), NO_VARIANCE))
        svm = OneClassSVM(nu=self.nu, gamma=gamma)
        svm.random_state = self.random_state  # unused, but else drawn from the global state
        svm.fit(windows)
        return _Support(svm.support_vectors_, svm.dual_coef_[0], np.array([gamma]))

    def _read_model(self, arrays: Arrays) -> WindowModel:
        return _Support(arrays["vectors"], arrays["weights"], arrays["gamma"])


def _distances(
    left: FloatArray, right: FloatArray, metric: Literal["euclidean", "sqeuclidean"] = "euclidean"
) -> FloatArray:
    """(N, W) and (M, W) -> (N, M)."""
    from scipy.spatial.distance import cdist  # loading it takes half a second

    found: FloatArray = cdist(left, right, metric)
    return found
