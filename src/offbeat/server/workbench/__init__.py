"""The workbench: every operation of the server as plain Python, with no HTTP in it.

    bench = Workbench(ServerOptions(data=Path("offbeat-data")))
    bench.open()
    series = bench.series.upload(path, name="pump house", by="mara")
    job = bench.training.start(series.id, TrainingRequest(), by="mara")
    job = bench.jobs.wait(job.id)
    detection = bench.detections.open(series.id, job.model_id)
    bench.close()

The REST routes and the page call the same methods. Each noun is one file and one attribute:
`series`, `models`, `training`, `jobs`, `detections`, `thresholds`, `labels`, `feedback`, `exports`,
`sessions`, `watchers`. What they hand out are the records of `offbeat.server.records` and the
library's own `Series` and `Detection`; what they refuse is an `OffbeatError` with one sentence.
"""

from __future__ import annotations

from offbeat.server.workbench.bench import Workbench
from offbeat.server.workbench.exports import Exported
from offbeat.server.workbench.thresholds import Preview
from offbeat.server.workbench.training import TrainingRequest
from offbeat.server.workbench.watching.request import WatcherRequest

__all__ = ["Exported", "Preview", "TrainingRequest", "WatcherRequest", "Workbench"]
