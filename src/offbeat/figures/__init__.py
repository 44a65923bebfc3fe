"""Every figure, drawn once for the notebook, the report and the page.

`series_figure`, `score_figure` and `overview_figure` show what happened, `share_figure` shows who
made the score, `histogram_figure` and `precision_recall_figure` help to choose the cut, and
`training_figure` shows the training. `cut_figure` and `cut_histogram_figure` have a cut that can be
dragged, for a page that listens.
"""

from offbeat.figures.cuts import histogram_figure, precision_recall_figure
from offbeat.figures.lanes import leading_channels, overview_figure, score_figure, series_figure
from offbeat.figures.movable import cut_figure, cut_histogram_figure
from offbeat.figures.shares import share_figure
from offbeat.figures.training import loss_figure, training_figure
from offbeat.figures.values import values_figure
from offbeat.figures.versions import severity_figure

__all__ = [
    "cut_figure",
    "cut_histogram_figure",
    "histogram_figure",
    "leading_channels",
    "loss_figure",
    "overview_figure",
    "precision_recall_figure",
    "score_figure",
    "series_figure",
    "severity_figure",
    "share_figure",
    "training_figure",
    "values_figure",
]
