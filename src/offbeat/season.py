"""The period of a series: the lag at which it looks most like itself, if there is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.series import BoolArray, FloatArray

__all__ = ["Season", "common_period", "estimate_period"]

MIN_STRENGTH = 0.3
"""Below this correlation with itself one period earlier a series counts as having no period."""
CLEAR_STRENGTH = 0.8
"""From here on a few periods are proof enough."""
Z_LIMIT = 3.0
"""Standard errors by which a correlation has to stand out from those that chance gives."""
SPARSE_WEIGHT = 2 / 3
"""Share of a standard error that one moving row in so many makes; set by trials with spikes."""
FUNDAMENTAL_SHARE = 0.9
"""The shortest lag wins whose strength is at least this share of the best one's."""
MIN_PERIODS = 2.8
"""Periods that have to fit into the data: three, with room for a peak that trends push outwards."""
MIN_LAG = 2
MIN_ROWS = 12
MIN_PAIRS = 6
BIN_RATIO = 1.15
"""One candidate is taken from each range of lags [k, 1.15 k)."""
RISE_SHARE = 0.5
"""A candidate rises out of the trough before it at least half as far as the best one does."""
MAX_CANDIDATES = 24
CLIP_SIGMAS = 8.0
MAD_TO_SIGMA = 1.4826
NO_SPREAD = 1e-9
"""What is left after the trend, as a share of the values' size, that counts as nothing."""
N_SAMPLED_LAGS = 8
PEAK_WIDTH = 0.1
"""A peak of the autocorrelation is looked at so far to both sides, as a share of its lag."""
SAME_PERIOD = 0.1
"""Periods that differ by no more than this share are the same one."""


@dataclass(frozen=True)
class Season:
    """A repeating pattern.

    Parameters
    ----------
    period
        Rows after which it repeats.
    strength
        Correlation of the series with itself one period earlier, slow movement removed; 0 to 1.
    """

    period: int
    strength: float


@dataclass(frozen=True, eq=False)
class _Flat:
    """Values without trend, 0 where missing, with running sums for means over any span."""

    values: FloatArray
    known: BoolArray
    sums: FloatArray
    counts: FloatArray


def estimate_period(values: FloatArray, *, max_lag: int | None = None) -> Season | None:
    """Find the period of one channel.

    Candidates are the highest peaks of the autocorrelation (by FFT, after a straight trend is
    removed). Each is then judged without slow movement: the mean over one period is subtracted
    before the correlation at that lag is taken, so drifts and random walks do not pass for
    seasons. Among equals the shortest lag wins.

    Parameters
    ----------
    values
        Shape (T,); NaN is left out.
    max_lag
        Longest period in rows to look for; about a third of the rows is the most that is
        possible, and the default.

    Returns
    -------
    The season, or None where nothing repeats clearly enough.
    """
    n_rows = len(values)
    longest = int(n_rows / MIN_PERIODS)
    longest = longest if max_lag is None else min(max_lag, longest)
    flat = _flatten(values)
    if flat is None or longest < MIN_LAG:
        return None
    judged = []
    for lag in _candidates(_autocorrelation(flat, longest + 1)):
        strength, needed = _judge(flat, lag)
        if strength >= needed:
            judged.append(Season(lag, min(strength, 1.0)))
    if not judged:
        return None
    best = max(season.strength for season in judged)
    shortest = next(s for s in judged if s.strength >= FUNDAMENTAL_SHARE * best)
    return _refine(flat, shortest)


def common_period(values: FloatArray) -> Season | None:
    """One period for several channels, shape (T, C): the median of theirs, weighted by strength.

    Its strength is the mean of the channels that agree with it. None if no channel has one.
    """
    found = [estimate_period(values[:, column]) for column in range(values.shape[1])]
    seasons = sorted((s for s in found if s is not None), key=lambda season: season.period)
    if not seasons:
        return None
    weight = np.cumsum([season.strength for season in seasons])
    middle = seasons[int(np.searchsorted(weight, weight[-1] / 2))].period
    agree = [s.strength for s in seasons if abs(s.period - middle) <= SAME_PERIOD * middle]
    return Season(middle, float(np.mean(agree)))


def _flatten(values: FloatArray) -> _Flat | None:
    """Straight trend removed, outliers clipped, unit variance; None if nothing is left."""
    known = ~np.isnan(values)
    rows = np.flatnonzero(known)
    if len(rows) < MIN_ROWS:
        return None
    level = _clipped(values[rows])  # before the trend too: one absurd value would tilt it
    size = float(np.abs(level).max())
    if size == 0:
        return None
    level = level / size
    at = (rows - rows.mean()) / len(values)
    slope = (at @ (level - level.mean())) / (at @ at)
    rest = level - level.mean() - slope * at
    if rest.std() <= NO_SPREAD:
        return None
    rest = _clipped(rest)
    rest = (rest - rest.mean()) / rest.std()
    flat = np.zeros(len(values))
    flat[rows] = rest
    sums = np.concatenate([[0.0], np.cumsum(flat)])
    counts = np.concatenate([[0.0], np.cumsum(known)])
    return _Flat(flat, known, sums, counts)


def _clipped(values: FloatArray) -> FloatArray:
    """No further from the median than `CLIP_SIGMAS`; unchanged if most values are equal."""
    middle = np.median(values)
    limit = CLIP_SIGMAS * MAD_TO_SIGMA * np.median(np.abs(values - middle))
    return np.clip(values, middle - limit, middle + limit) if limit > 0 else values


def _autocorrelation(flat: _Flat, longest: int) -> FloatArray:
    """At lags 0..longest, each over the pairs of rows that are both known."""
    size = 1 << (2 * len(flat.values) - 1).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(flat.values, size)) ** 2, size)[: longest + 1]
    if flat.known.all():
        pairs = len(flat.values) - np.arange(longest + 1)
    else:
        known = np.fft.rfft(flat.known.astype(np.float64), size)
        pairs = np.rint(np.fft.irfft(np.abs(known) ** 2, size)[: longest + 1])
    enough = pairs >= MIN_PAIRS
    correlation: FloatArray = np.where(enough, products / np.maximum(pairs, 1), 0.0)
    return correlation


def _candidates(correlation: FloatArray) -> list[int]:
    """Lags of the peaks that rise clearly out of the trough before them, shortest first."""
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:])) + 1
    peaks = peaks[peaks >= MIN_LAG]
    if len(peaks) == 0:
        return []
    bins = np.floor(np.log(peaks) / np.log(BIN_RATIO)).astype(np.int64)
    order = np.lexsort((-correlation[peaks], bins))
    first = np.concatenate([[True], np.diff(bins[order]) > 0])
    chosen = np.sort(peaks[order[first]])
    trough = np.array([correlation[lag // 2 : lag].min() for lag in chosen])
    rise = correlation[chosen] - trough
    clear = chosen[rise >= RISE_SHARE * rise.max()]
    return [int(lag) for lag in clear[:MAX_CANDIDATES]]


def _judge(flat: _Flat, lag: int) -> tuple[float, float]:
    """Correlation at this lag without slow movement, and what it must reach to count."""
    quick = _without_slow(flat, lag)
    if quick is None:
        return 0.0, 1.0
    strength, n_pairs = _correlation_at(quick, lag)
    if n_pairs < MIN_PAIRS:
        return 0.0, 1.0
    # Bartlett 1946: a series that is smooth by itself has fewer independent pairs than rows.
    half = lag // 2
    lags = np.unique(np.linspace(1, max(half, 1), N_SAMPLED_LAGS).astype(np.int64))
    own = [_correlation_at(quick, int(each))[0] ** 2 for each in lags]
    error = np.sqrt((1 + 2 * half * float(np.mean(own))) / n_pairs)
    # And a few spikes meet each other by chance, however many rows lie between them.
    n_moving = 1 / float((quick.values**4).sum()) * float((quick.values**2).sum()) ** 2
    error = max(error, SPARSE_WEIGHT / np.sqrt(n_moving))
    return strength, max(MIN_STRENGTH, min(CLEAR_STRENGTH, Z_LIMIT * error))


def _without_slow(flat: _Flat, lag: int) -> _Flat | None:
    """The mean over one period subtracted, unit variance; None if nothing is left."""
    half = lag // 2
    inside = slice(half, len(flat.values) - half)
    known = flat.known[inside]
    n_known = int(known.sum())
    if n_known < MIN_ROWS:
        return None
    total, count = _period_sums(flat.sums, lag), _period_sums(flat.counts, lag)
    quick = np.where(known, flat.values[inside] - total / np.maximum(count, 1), 0.0)
    quick = np.where(known, quick - quick.sum() / n_known, 0.0)
    variance = float(quick @ quick) / n_known
    if variance <= NO_SPREAD:
        return None
    return _Flat(quick / np.sqrt(variance), known, flat.sums, flat.counts)


def _period_sums(sums: FloatArray, lag: int) -> FloatArray:
    """Sum over one period around each row; an even period takes half of both its ends."""
    width = 2 * (lag // 2) + 1
    total: FloatArray = sums[width:] - sums[:-width]
    if lag % 2 == 0:
        inner = sums[width - 1 : -1] - sums[1 : len(sums) - width + 1]
        total = (total + inner) / 2
    return total


def _refine(flat: _Flat, season: Season) -> Season:
    """Move to the middle of the peak, which noise hides."""
    lag = season.period
    quick = _without_slow(flat, lag)
    around, box = round(lag * PEAK_WIDTH), 2 * round(lag * PEAK_WIDTH / 4) + 1
    if quick is None or around == 0:
        return season
    start, stop = lag - around - box + 1, lag + around + box
    correlation = _autocorrelation(quick, min(stop, len(quick.values)) - 1)[start:]
    # Two boxes are a triangle: the middle weighs most.
    sums = np.concatenate([[0.0], np.cumsum(correlation)])
    sums = np.concatenate([[0.0], np.cumsum(sums[box:] - sums[:-box])])
    peak = sums[box:] - sums[:-box]
    return Season(lag - around + int(np.argmax(peak)), season.strength) if len(peak) else season


def _correlation_at(flat: _Flat, lag: int) -> tuple[float, int]:
    """Of values of unit variance, and the number of pairs that it is taken over."""
    n_pairs = int(np.count_nonzero(flat.known[lag:] & flat.known[:-lag]))
    if n_pairs == 0:
        return 0.0, 0
    return float(flat.values[lag:] @ flat.values[:-lag]) / n_pairs, n_pairs
