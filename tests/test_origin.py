"""Origin: later data are held against the training part, and its own rows are known again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from offbeat.errors import ConfigError, DataError
from offbeat.grid import regularise
from offbeat.origin import Origin
from offbeat.series import Series

N_ROWS = 60


def series(*, clock: bool = True, minutes: int = 5) -> Series:
    """Two waves, a switch and a channel that stands still."""
    rows = np.arange(N_ROWS)
    columns = [np.sin(rows), np.cos(rows), rows // 20 % 2, np.full(N_ROWS, 7)]
    start, step = np.datetime64("2026-03-01", "ns"), np.timedelta64(minutes, "m")
    time = start + rows * step if clock else rows
    return Series(np.stack(columns, axis=1).astype(float), time, ("a", "b", "on", "still"))


def origin(data: Series, covariates: tuple[str, ...] | None = (), n_learned: int = 40) -> Origin:
    return Origin.of(regularise(data), np.arange(len(data)) < n_learned, covariates)


@pytest.mark.parametrize("clock", [True, False])
def test_an_origin_comes_back_from_json_and_knows_its_rows_again(clock: bool) -> None:
    data = series(clock=clock)
    made = origin(data, ("on",))
    again = Origin.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.to_dict() == made.to_dict()
    assert (again.targets, again.span, again.step) == (made.targets, made.span, made.step)
    for each in (made, again):
        assert each.rows_in(data).tolist() == [row < 40 for row in range(N_ROWS)]
        assert not each.rows_in(series(clock=not clock)).any()
        assert not each.rows_in(data.rows(1, N_ROWS)).any()  # a row of them is missing
        changed = Series(data.values + 1e-9, data.time, data.channels)
        assert not each.rows_in(changed).any()


def test_covariates_are_those_named_or_what_looks_like_a_switch() -> None:
    data = series()
    assert origin(data).targets == [0, 1, 2, 3]
    assert origin(data, ("b", "on")).targets == [0, 3]
    assert origin(data).still == ("still",)
    assert origin(data).over_all_channels(np.ones((2, 4))).tolist() == [[1.0] * 4] * 2
    wide = origin(data, ("b", "on")).over_all_channels(np.ones((1, 2)))
    assert np.isnan(wide).tolist() == [[False, True, True, False]]
    with pytest.raises(ConfigError, match="every channel is a covariate"):
        origin(data, data.channels)
    with pytest.raises(DataError, match="no channel 'c'"):
        origin(data, ("c",))


def test_a_channel_without_a_value_in_the_training_part_is_refused_by_name() -> None:
    values = series().values.copy()
    values[:40, 1] = np.nan
    with pytest.raises(DataError, match="channel 'b' has no value in the training part"):
        origin(Series(values, series().time, series().channels))


def test_data_of_other_channels_or_another_step_are_refused() -> None:
    made = origin(series())
    assert len(made.regular(series(), None)[1].series) == N_ROWS
    with pytest.raises(DataError, match="a step of 5 min, these data have 1 min"):
        made.regular(series(minutes=1), None)
    assert len(made.regular(series(minutes=1), "5min")[1].series) == N_ROWS // 5
    with pytest.raises(DataError, match=r"4 channel.* were trained on, 2 came"):
        made.regular(np.zeros((50, 2)), None)
    with pytest.raises(DataError, match="no channel 'still'"):
        made.regular(series().select(("a", "b", "on")), None)
