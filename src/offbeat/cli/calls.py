"""From words to calls: what several commands do before and around their one library call."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbeat.cli.options import Cutting, Learning, Reading

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["comparison_progress", "detected", "progress", "spare"]


def detected(
    file: str,
    model: Path | None,
    reading: Reading,
    learning: Learning,
    cutting: Cutting,
    quiet: bool,
) -> Detection:
    """`detect_file` as the groups of options say."""
    from offbeat.terminal import warn_of_stillness
    from offbeat.workflow import detect_file

    if model is not None:
        learning.refuse_beside(model)
    kept = model is not None and not cutting.centred  # the model looks back as it was trained to
    with progress(quiet or model is not None) as hook:
        detection = detect_file(
            file,
            reading.options(),
            model=model,
            detector=None if kept else learning.detector(reading, cutting),
            step=reading.step,
            lesson=learning.lesson(),
            threshold=cutting.method(),
            mutes=cutting.mutes(),
            progress=hook,
        )
    warn_of_stillness(detection.settings, detection.series.channels)
    return detection


def spare(read: tuple[str | Path | None, ...], written: tuple[Path | None, ...]) -> None:
    """Refuse to write over what is read, before any work is done."""
    from offbeat.workflow import refuse_same_file

    for source in read:
        for target in written:
            if source is not None and target is not None:
                refuse_same_file(source, target)


def progress(quiet: bool) -> AbstractContextManager[Any]:
    """A bar of epochs where a person watches."""
    from offbeat.progress import progress_bar

    return nullcontext() if quiet or not sys.stderr.isatty() else progress_bar()


def comparison_progress(quiet: bool) -> AbstractContextManager[Any]:
    """A bar of detectors where a person watches."""
    from offbeat.progress import comparison_bar

    return nullcontext() if quiet or not sys.stderr.isatty() else comparison_bar()
