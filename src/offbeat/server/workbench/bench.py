"""Workbench: all nouns on one store, one data folder and one set of worker processes."""

from __future__ import annotations

import logging

from sqlalchemy import select

from offbeat.server.files import DataFolder
from offbeat.server.files.folder import Shelf
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.runner import JobRunner
from offbeat.server.jobs.worker import Worker
from offbeat.server.options import ServerOptions
from offbeat.server.store import CutRow, DetectionRow, SeriesRow, Store, VersionRow
from offbeat.server.workbench.detections import DetectionShelf, ScoreHandler
from offbeat.server.workbench.exports import ExportDesk
from offbeat.server.workbench.feedback import FeedbackDesk
from offbeat.server.workbench.jobs import JobDesk
from offbeat.server.workbench.labels import LabelBook
from offbeat.server.workbench.models import ModelShelf
from offbeat.server.workbench.series import SeriesShelf
from offbeat.server.workbench.sessions import SessionBook
from offbeat.server.workbench.teaching import TeachingDesk
from offbeat.server.workbench.thresholds import ThresholdDesk
from offbeat.server.workbench.training import Training, TrainingHandler
from offbeat.server.workbench.watching.desk import WatcherDesk
from offbeat.server.workbench.watching.feed import Feed
from offbeat.server.workbench.watching.recording import Recorder

__all__ = ["Workbench"]

log = logging.getLogger("offbeat.workbench")


class Workbench:
    """Every operation of the server, see `offbeat.server.workbench`.

    Parameters
    ----------
    options
        See `ServerOptions`; refused here if they cannot be.
    """

    def __init__(self, options: ServerOptions) -> None:
        options.check()
        self.options = options
        self.folder = DataFolder(options.data)
        sqlite = f"sqlite:///{self.folder.root / 'offbeat.sqlite'}"
        self.store = Store(options.store or sqlite)
        queue = JobQueue(self.store)
        self._queue = queue
        self._reader = Worker("offbeat-reader", options.limits.reading_bytes)

        self.series = SeriesShelf(self.store, self.folder, queue, self._reader, options)
        self.models = ModelShelf(self.store, self.folder, queue)
        self._runner = JobRunner(
            queue,
            {
                "train": TrainingHandler(self.folder, self.series, self.models),
                "score": ScoreHandler(self.folder, self.series, self.models),
            },
            {"train": options.trainings, "score": 1},
        )
        self.jobs = JobDesk(queue, self._runner)
        self.training = Training(queue, self._runner, self.series, self.models)
        self.labels = LabelBook(self.store, self.series)
        self.detections = DetectionShelf(
            self.store,
            self.folder,
            queue,
            self._runner,
            series=self.series,
            models=self.models,
            labels=self.labels,
        )
        self.thresholds = ThresholdDesk(self.store, self.folder, self.models, self.detections)
        self.teaching = TeachingDesk(
            self.models, self.detections, self.labels, self.thresholds, queue, self._runner
        )
        self.feedback = FeedbackDesk(self.detections, self.labels)
        self._recorder = Worker("offbeat-recorder")
        self.watchers = WatcherDesk(
            self.store,
            self.folder,
            options,
            models=self.models,
            detections=self.detections,
            labels=self.labels,
            feedback=self.feedback,
            teaching=self.teaching,
            recorder=Recorder(
                self.store,
                self.folder,
                series=self.series,
                models=self.models,
                feed=Feed(self.store),
                worker=self._recorder,
            ),
        )
        self.exports = ExportDesk(self.folder, self.models, self.detections)
        self.sessions = SessionBook(self.store)

    def open(self) -> None:
        """Take the folder, bring the tables up to date, clear up after a stop, begin to work.

        Raises
        ------
        StoreError
            If the folder is in use, or the database does not answer.
        """
        self.folder.open()
        try:
            self.store.migrate()
            swept = self.folder.sweep(self._known_files())
            again, failed = self._queue.recover()
        except BaseException:
            self.folder.close()
            raise
        log.info("opened", extra={"swept": len(swept), "requeued": again, "failed": failed})
        self._reader.start()
        self._runner.start()
        self.watchers.open()

    def close(self) -> None:
        """Finish what is nearly done, park the rest, and give everything back."""
        self.watchers.close()
        self._runner.stop(self.options.grace)
        self._reader.close()
        self._recorder.close()
        self.store.close()
        self.folder.close()

    def is_ready(self) -> bool:
        """Whether the store answers and files can be written."""
        return self.store.answers() and self.folder.is_writable()

    def _known_files(self) -> dict[Shelf, set[str]]:
        with self.store.reading() as session:
            models = set(session.scalars(select(VersionRow.file)))
            cuts = set(session.scalars(select(CutRow.file).where(CutRow.file.is_not(None))))
            return {
                "series": set(session.scalars(select(SeriesRow.file))),
                "models": models | {name for name in cuts if name is not None},
                "scores": set(session.scalars(select(DetectionRow.file))),
            }
