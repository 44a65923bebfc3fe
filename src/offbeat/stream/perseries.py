"""Arrays with one entry a series: they grow with the number of series and go into a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from offbeat.errors import DataError
from offbeat.series import BoolArray, FloatArray, IntArray
from offbeat.storable import part, under

__all__ = ["PerSeries", "Recent"]


class PerSeries:
    """Base of what remembers something of every series, in arrays over all series (S, ...).

    Attributes that are `PerSeries` themselves, or tuples of such, grow and are kept with it.
    """

    def __init__(self) -> None:
        self._fresh: dict[str, np.ndarray] = {}

    def _remember(self, name: str, fresh: object, dtype: type | None = None) -> None:
        """Have an array of this name, in which a new series starts with `fresh`."""
        self._fresh[name] = np.array(fresh, dtype=dtype)
        setattr(self, name, np.empty((0, *self._fresh[name].shape), self._fresh[name].dtype))

    def grow(self, n_series: int) -> None:
        """Make room for so many series; those that are there stay as they are."""
        for name, fresh in self._fresh.items():
            old = getattr(self, name)
            new = np.empty((n_series, *fresh.shape), fresh.dtype)
            new[: len(old)], new[len(old) :] = old, fresh
            setattr(self, name, new)
        for _, inner in self._inner():
            inner.grow(n_series)

    def state(self, n_series: int) -> dict[str, np.ndarray]:
        """What is remembered of the first `n_series` series, by name."""
        arrays = {name: getattr(self, name)[:n_series] for name in self._fresh}
        for name, inner in self._inner():
            arrays |= under(name, inner.state(n_series))
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray], n_series: int) -> None:
        """Take back what `state` gave, after `grow`.

        Raises
        ------
        DataError
            If an array is missing or is of another shape: it comes from another model.
        """
        for name, fresh in self._fresh.items():
            kept = arrays.get(name)
            if kept is None or kept.shape != (n_series, *fresh.shape):
                raise DataError(f"the checkpoint does not fit this model: array {name!r}")
            getattr(self, name)[:n_series] = kept
        for name, inner in self._inner():
            inner.restore(part(name, arrays), n_series)

    def skip(self, rows: IntArray, n_rows: IntArray) -> None:
        """Let so many rows (B,) without a value pass, after `reach` of them were stepped."""
        for _, inner in self._inner():
            inner.skip(rows, n_rows)

    def reach(self) -> int:
        """Rows after which nothing is remembered of what was before: the longest of the arrays."""
        own = [fresh.shape[0] for fresh in self._fresh.values() if fresh.ndim]
        return int(max([1, *own, *(inner.reach() for _, inner in self._inner())]))

    def n_bytes(self) -> int:
        """Memory that the arrays take."""
        own = sum(getattr(self, name).nbytes for name in self._fresh)
        return int(own) + sum(inner.n_bytes() for _, inner in self._inner())

    def _inner(self) -> Iterator[tuple[str, PerSeries]]:
        for name, value in vars(self).items():
            if isinstance(value, PerSeries):
                yield name, value
            elif isinstance(value, tuple):
                for number, each in enumerate(value):
                    if isinstance(each, PerSeries):
                        yield f"{name}{number}", each


class Recent(PerSeries):
    """The last rows of every series.

    Parameters
    ----------
    n_rows
        How many.
    shape
        Of a row.
    fresh
        What stands for rows before the first one.
    """

    kept: np.ndarray  # (S, 2 n, ...): every row twice, n apart, so that a window is one piece
    at: IntArray  # (S,): where the next row goes

    def __init__(self, n_rows: int, shape: tuple[int, ...], fresh: float = np.nan) -> None:
        super().__init__()
        self.n_rows = n_rows
        self._remember("kept", np.full((2 * n_rows, *shape), fresh))
        self._remember("at", 0, np.int64)

    def push(self, rows: IntArray, values: FloatArray | BoolArray | IntArray) -> None:
        """Take in one row each (B, ...) of the series `rows` (B,)."""
        at = self.at[rows]
        self.kept[rows, at] = values
        self.kept[rows, at + self.n_rows] = values
        self.at[rows] = (at + 1) % self.n_rows

    def window(self, rows: IntArray) -> np.ndarray:
        """The last rows, the oldest first, (B, n, ...)."""
        places = self.at[rows][:, None] + np.arange(self.n_rows)
        window: np.ndarray = self.kept[rows[:, None], places]
        return window
