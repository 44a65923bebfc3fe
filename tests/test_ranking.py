"""What else moved: series and channels, the most off first."""

from __future__ import annotations

import numpy as np
import pytest

import contract
from offbeat import ConfigError, DataError, SmoothedZDetector, rank_span
from offbeat.detection import Detection


def detected(size: float, channel: int, n_channels: int = 3) -> Detection:
    data = contract.waves(n_channels=n_channels)
    data[700:720, channel] += size
    return SmoothedZDetector(covariates=()).fit(data[:600]).detect(data)


def test_the_loudest_comes_first() -> None:
    ranking = rank_span({"calm": detected(0.0, 0), "loud": detected(9.0, 1)}, 700, 720)
    assert [each.series for each in ranking.series] == ["loud", "calm"]
    first = ranking.channels[0]
    assert (first.series, first.channel) == ("loud", "channel_1")
    assert first.severity <= ranking.series[0].severity
    assert 700 <= first.peak_time < 720
    assert ranking.series[0].events == 1
    of_loud = [each.share for each in ranking.channels if each.series == "loud"]
    assert sum(of_loud) == pytest.approx(1)
    assert len(ranking.to_frame()) == 6


def test_a_series_without_a_score_there_is_named() -> None:
    data = contract.waves(n_channels=3)
    fitted = SmoothedZDetector(covariates=()).fit(data[:600])
    data[700:760] = np.nan
    ranking = rank_span({"a": fitted.detect(data)}, 740, 750)
    assert ranking.unknown == ("a",)
    assert not ranking.series


def test_what_cannot_be_ranked_is_refused() -> None:
    one = detected(0.0, 0)
    with pytest.raises(DataError, match="nothing to rank"):
        rank_span({}, 0, 5)
    with pytest.raises(DataError, match="must end after"):
        rank_span([one], 9, 5)
    with pytest.raises(ConfigError, match="same name"):
        rank_span([one, one], 0, 5)
    with pytest.raises(ConfigError, match="time column"):
        rank_span([one], np.datetime64("2026-01-01"), np.datetime64("2026-01-02"))
