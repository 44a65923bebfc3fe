"""Every figure, drawn once for the notebook, the report and the page.

`series_figure`, `score_figure` and `overview_figure` show what happened, `share_figure` shows who
made the score, `histogram_figure` and `precision_recall_figure` help to choose the cut, and
`training_figure` shows the training.
"""

from offbeat.figures.cuts import histogram_figure, precision_recall_figure
from offbeat.figures.lanes import overview_figure, score_figure, series_figure
from offbeat.figures.shares import share_figure
from offbeat.figures.training import training_figure

__all__ = [
    "histogram_figure",
    "overview_figure",
    "precision_recall_figure",
    "score_figure",
    "series_figure",
    "share_figure",
    "training_figure",
]
