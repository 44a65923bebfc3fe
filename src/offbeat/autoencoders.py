"""Autoencoders: a window is said again from a few numbers; what comes out differently is off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from offbeat.baselines.forecasts import deviation
from offbeat.errors import whole_number
from offbeat.judging import Foresight
from offbeat.keeping import Arrays, State
from offbeat.losses import squared_loss
from offbeat.networked import NetworkDetector
from offbeat.networks import DenseAutoencoder, LSTMAutoencoder, RowNetwork
from offbeat.options import NetworkOptions
from offbeat.preparation import Prepared
from offbeat.scores import LARGEST, Smoothing, error_size
from offbeat.series import BoolArray, FloatArray, IntArray
from offbeat.training import EpochLog, Material, ProgressHook
from offbeat.windowed import usual_window

__all__ = ["AutoencoderDetector", "LSTMAutoencoderDetector", "Reconstruction"]

INPUT_CLIP = 8.0
"""Inputs further than so many training deviations from usual are read as that far."""
MAX_LESSONS = 4096
"""Most windows learned from, evenly over the training part."""
LESSONS_A_WINDOW = 4
"""Windows learned from overlap by all but this part of a window."""
HOPS_A_WINDOW = 8
"""Windows judged by an LSTM overlap by all but this part of a window."""
BLOCK_NUMBERS = 1 << 22
"""Numbers that a layer holds at a time, whatever the length of the series."""


@dataclass(frozen=True, eq=False)
class Reconstruction(Foresight):
    """What was said again, as a live watcher has it, and looking back.

    Parameters
    ----------
    looked_back
        Shape (T, C_targets), >= 0: mean error of a row over all windows that cover it. `error` is
        the mean over the last rows of the latest window that has ended.
    """

    looked_back: FloatArray = field(kw_only=True)

    def error_seen(self, mode: Smoothing) -> FloatArray:
        """`error` as it comes in, `looked_back` looking back."""
        return self.looked_back if mode == "centred" else self.error


class ReconstructionDetector(NetworkOptions, NetworkDetector):
    """Base of the autoencoders; a method fills in its network, for `window_` rows of the channels.

    Windows hold all channels and begin every `hop_` rows of a stretch without a gap. Where the
    score may not look ahead, a row gets the error of the last `hop_` rows of the latest window that
    has ended; looking back, it gets its own error, averaged over the windows that cover it.
    """

    def _usual_hop(self) -> int:
        """Rows from one window judged to the next."""
        return 1

    def _check_options(self) -> None:
        if self.window is not None:
            whole_number("window", self.window, least=2)
        whole_number("hidden_size", self.hidden_size, least=1)
        self.training.check()

    def _configure(self, n_rows: int) -> None:
        self.window_ = self.window or usual_window(self.season_, n_rows)
        self.hop_ = self._usual_hop()
        self.warm_up_ = self.window_ - 1
        self.min_rows_ = 2 * self.window_
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {
            "window": self.window_,
            **self._chosen_in_training(),
        }

    # ------------------------------------------------------------ learning

    def _learn(
        self,
        prepared: Prepared,
        learned: BoolArray,  # noqa: ARG002 - what is not learned is empty in `prepared`
        progress: ProgressHook | None,
    ) -> tuple[EpochLog, ...]:
        self._train(self._lessons(prepared), squared_loss, progress)
        self.deviation_: FloatArray = np.ones(len(self.targets_))
        residual = self._observed(prepared) - self._foresee(prepared).expected
        self.deviation_ = deviation(residual)
        return self.training_log_.epochs

    def _lessons(self, prepared: Prepared) -> Material:
        """Windows of the training part, one after the other, each a segment of its own."""
        window, step = self.window_, max(1, self.window_ // LESSONS_A_WINDOW)
        starts = np.concatenate(
            [np.arange(s, e - window + 1, step) for s, e in prepared.segments] or [np.arange(0)]
        )
        if len(starts) > MAX_LESSONS:
            starts = starts[np.linspace(0, len(starts) - 1, MAX_LESSONS).astype(int)]
        rows = (starts[:, None] + np.arange(window)).ravel()
        targets = np.clip(self._observed(prepared), -INPUT_CLIP, INPUT_CLIP).astype(np.float32)
        return Material(
            torch.from_numpy(prepared.network_inputs(INPUT_CLIP)[rows]),
            torch.from_numpy(targets[rows]),
            [(at, at + window) for at in range(0, len(rows), window)],
            chunk=window,
            warm_up=0,
            whole=True,
        )

    # ------------------------------------------------------------ saying again

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:  # noqa: ARG002
        observed = self._observed(prepared)
        expected, live = np.full(observed.shape, np.nan), np.full(observed.shape, np.nan)
        total, count = np.zeros(observed.shape), np.zeros(observed.shape)
        fed = prepared.network_inputs(INPUT_CLIP)
        for starts, end, last in self._blocks(prepared):
            said = self._said(fed, starts)  # (N, W, C)
            rows = starts[:, None] + np.arange(self.window_)  # (N, W)
            residual = observed[rows] - said
            size = error_size(residual, self.deviation_, self.scoring.error)
            for place in range(self.window_):  # no row twice in one place of the windows
                known = ~np.isnan(size[:, place])
                total[rows[:, place]] += np.where(known, size[:, place], 0.0)
                count[rows[:, place]] += known
            expected[rows[:, -self.hop_ :]] = said[:, -self.hop_ :]
            if not last:
                self._tell_live(live, rows[:, -1], _mean(size[:, -self.hop_ :]), end)
        nothing = np.isnan(observed)
        looked_back = np.where(nothing | (count == 0), np.nan, total / np.maximum(count, 1))
        scale = np.broadcast_to(self.deviation_, observed.shape)
        return Reconstruction(
            np.where(nothing, np.nan, live), expected, scale, looked_back=looked_back
        )

    def _blocks(self, prepared: Prepared) -> Iterator[tuple[IntArray, int, bool]]:
        """Starts of windows, the end of their stretch, and whether they are the last one of it.

        A window that ends with its stretch is there for the rows that the hops do not reach. It
        would not be there in a longer series, so a live watcher does not see it.
        """
        widest = max(self.hidden_size, len(self.channels_))
        n_windows = max(1, BLOCK_NUMBERS // (self.window_ * widest))
        for start, end in prepared.segments:
            starts = np.arange(start, end - self.window_ + 1, self.hop_)
            for at in range(0, len(starts), n_windows):
                yield starts[at : at + n_windows], end, False
            if len(starts) and starts[-1] < end - self.window_:
                yield np.array([end - self.window_]), end, True

    def _tell_live(self, live: FloatArray, ends: IntArray, size: FloatArray, end: int) -> None:
        """Put each window's error, (N, C), on the row it ends at and those before the next ends."""
        for later in range(self.hop_):
            rows = ends + later
            live[rows[rows < end]] = size[rows < end]

    @torch.no_grad()
    def _said(self, fed: np.ndarray, starts: IntArray) -> FloatArray:
        """What the network makes of the windows that start there, (N, W, C)."""
        windows = fed[starts[:, None] + np.arange(self.window_)]  # (N, W, n_inputs)
        said, _ = self.network_(torch.from_numpy(windows))
        return np.asarray(said.mean[:, :, 0].numpy(), dtype=np.float64)

    def _observed(self, prepared: Prepared) -> FloatArray:
        return np.clip(prepared.observed[:, self.targets_], -LARGEST, LARGEST)

    # ------------------------------------------------------------ keeping

    def state(self) -> tuple[State, Arrays]:
        """As `NetworkDetector.state`, with the deviation of the residuals."""
        state, arrays = super().state()
        return state, arrays | {"deviation": self.deviation_}

    def _restore(self, state: State, arrays: Arrays) -> None:
        super()._restore(state, arrays)
        self.deviation_ = arrays["deviation"]


@dataclass(kw_only=True, eq=False, repr=False)
class AutoencoderDetector(ReconstructionDetector):
    """Presses windows of all channels through a few numbers and scores what is lost on the way.

    The nonlinear kin of `WindowPCADetector`; it sees how channels belong together.

    Parameters
    ----------
    code_size
        Numbers that a window is pressed into.
    window, hidden_size, training
        See `offbeat.options.NetworkOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    network_, training_log_
        The trained network and its diary.
    deviation_
        Deviation of the residuals in the training part per target, shape (C,), scaled units.

    References
    ----------
    Sakurada & Yairi 2014, "Anomaly Detection Using Autoencoders with Nonlinear Dimensionality
    Reduction".
    """

    code_size: int = 8

    def _check_options(self) -> None:
        super()._check_options()
        whole_number("code_size", self.code_size, least=1)

    def _build_network(self) -> RowNetwork:
        return DenseAutoencoder(
            len(self.channels_),
            len(self.targets_),
            window=self.window_,
            hidden_size=self.hidden_size,
            code_size=self.code_size,
        )


class LSTMAutoencoderDetector(ReconstructionDetector):
    """One LSTM reads a window of all channels, another says it again; what comes out differently
    is off.

    Windows judged are an eighth of a window apart, so a live score is up to so many rows late.

    Parameters
    ----------
    window, hidden_size, training
        See `offbeat.options.NetworkOptions`.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    network_, training_log_
        The trained network and its diary.
    deviation_
        Deviation of the residuals in the training part per target, shape (C,), scaled units.

    References
    ----------
    Malhotra et al. 2016, "LSTM-based Encoder-Decoder for Multi-sensor Anomaly Detection",
    https://arxiv.org/abs/1607.00148.
    """

    def _usual_hop(self) -> int:
        return max(1, self.window_ // HOPS_A_WINDOW)

    def _build_network(self) -> RowNetwork:
        return LSTMAutoencoder(
            len(self.channels_), len(self.targets_), hidden_size=self.hidden_size
        )


def _mean(size: FloatArray) -> FloatArray:
    """Mean over the rows of each window without NaN, (N, W, C) -> (N, C); NaN where all are."""
    known = ~np.isnan(size)
    count = known.sum(axis=1)
    total = np.where(known, size, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
