"""Feedback on events: what a person says of an alarm becomes a label of its span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offbeat.detection import Detection
from offbeat.events import Event
from offbeat.labels import event_span
from offbeat.server.faults import NotThereError
from offbeat.server.records import Feedback, LabelRecord, Moment
from offbeat.server.workbench.detections import DetectionShelf
from offbeat.server.workbench.labels import LabelBook
from offbeat.server.workbench.moments import moment_number, moment_text

__all__ = ["FeedbackDesk", "Judged"]


@dataclass(frozen=True)
class Judged:
    """An event, its span [start, end) in time, and what people said of it.

    Parameters
    ----------
    number
        Its place among the events of now, from 0; it changes when the cut does.
    event
        As the library found it.
    start, end
        Half-open: `end` is the moment of the first row after it.
    label
        The latest label that touches it, or None.
    """

    number: int
    event: Event
    start: Moment
    end: Moment
    label: LabelRecord | None

    def to_dict(self) -> dict[str, Any]:
        """The event as the library gives it, and `number`, `span` and `verdict` beside."""
        return {
            **self.event.to_dict(),
            "number": self.number,
            "span": [self.start, self.end],
            "verdict": None if self.label is None else self.label.verdict,
            "label_id": None if self.label is None else self.label.id,
        }


class FeedbackDesk:
    """Where people say what an alarm was.

    Parameters
    ----------
    detections, labels
        Where events come from, and where what is said of them goes.
    """

    def __init__(self, detections: DetectionShelf, labels: LabelBook) -> None:
        self._detections, self._labels = detections, labels

    def events(self, series_id: str, model_id: str, *, version: int | None = None) -> list[Judged]:
        """The events under the cut in force, with what people said of them."""
        detection = self._detections.open(series_id, model_id, version=version)
        return self.judged(detection, series_id)

    def judged(self, detection: Detection, series_id: str) -> list[Judged]:
        """The events of any detection of this series, such as one under another cut."""
        labels = sorted(self._labels.find(series_id), key=lambda each: each.created_at)
        spans = [(moment_number(each.start), moment_number(each.end)) for each in labels]
        found: list[Judged] = []
        for number, event in enumerate(detection.events):
            first, last = (moment_number(edge) for edge in event_span(detection, event))
            touching = [
                label
                for label, (start, end) in zip(labels, spans, strict=True)
                if start < last and first < end
            ]
            start = moment_text(first, has_clock=detection.series.has_clock)
            end = moment_text(last, has_clock=detection.series.has_clock)
            assert start is not None
            assert end is not None  # both are numbers
            label = touching[-1] if touching else None
            found.append(Judged(number, event, start, end, label))
        return found

    def say(
        self,
        series_id: str,
        start: Moment,
        end: Moment,
        feedback: Feedback,
        *,
        by: str,
        model_id: str | None = None,
        note: str = "",
    ) -> LabelRecord | None:
        """Say what an alarm was: the span of `Judged`, or any other that was missed.

        "clear" takes back all that was said of the span.

        Returns
        -------
        The label; None after "clear".
        """
        if feedback == "clear":
            self._labels.remove_overlapping(series_id, start, end)
            return None
        return self._labels.add(
            series_id, start, end, feedback, by=by, note=note, source="feedback", model_id=model_id
        )

    def say_of(
        self,
        series_id: str,
        model_id: str,
        number: int,
        feedback: Feedback,
        *,
        by: str,
        version: int | None = None,
        note: str = "",
    ) -> LabelRecord | None:
        """The same of an event by its number under the cut in force.

        Raises
        ------
        NotThereError
            If there is no such event.
        """
        events = self.events(series_id, model_id, version=version)
        if not 0 <= number < len(events):
            raise NotThereError(f"there is no event {number}: {len(events)} are there")
        span = events[number]
        return self.say(
            series_id, span.start, span.end, feedback, by=by, model_id=model_id, note=note
        )
