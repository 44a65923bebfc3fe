"""What the LSTM is measured against: other methods behind the same contract.

forecasts       the last value, the value one period before
autoregression  the next row, linearly from those before, by least squares
arima           the same with moving averages and differences
windows         models of windows: components, centres, a forest, a support
pyod            any model of PyOD
plain           the smoothed distance from usual, and chance
"""

from offbeat.baselines.arima import ARIMADetector
from offbeat.baselines.autoregression import ARDetector
from offbeat.baselines.forecasts import (
    ForecastDetector,
    PersistenceDetector,
    SeasonalNaiveDetector,
)
from offbeat.baselines.plain import RandomDetector, SmoothedZDetector
from offbeat.baselines.pyod import PyODDetector
from offbeat.baselines.windows import (
    IsolationForestDetector,
    KMeansDetector,
    OneClassSVMDetector,
    WindowModelDetector,
    WindowPCADetector,
)

__all__ = [
    "ARDetector",
    "ARIMADetector",
    "ForecastDetector",
    "IsolationForestDetector",
    "KMeansDetector",
    "OneClassSVMDetector",
    "PersistenceDetector",
    "PyODDetector",
    "RandomDetector",
    "SeasonalNaiveDetector",
    "SmoothedZDetector",
    "WindowModelDetector",
    "WindowPCADetector",
]
