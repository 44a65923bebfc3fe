"""Series: take in, list, look at, check, delete."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from offbeat.errors import ConfigError, DataError, nearest_names
from offbeat.io import ReadOptions
from offbeat.series import Series
from offbeat.server.faults import NotAllowedError, NotThereError, TooLargeError
from offbeat.server.files import DataFolder, StoredFile, read_stored_series
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.tasks import CheckTask, ReadTask
from offbeat.server.jobs.worker import TaskFailedError, Worker, WorkerLostError
from offbeat.server.options import ServerOptions
from offbeat.server.records import SeriesRecord
from offbeat.server.store import DetectionRow, JobRow, LabelRow, SeriesRow, Store, new_id, row_of
from offbeat.server.workbench.memory import Memory
from offbeat.server.workbench.moments import moment_text

__all__ = ["LONGEST_NAME", "SeriesShelf", "clean_name"]

LONGEST_NAME = 200
MEMORY_BYTES = 256 << 20
GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 1 << 20


class SeriesShelf:
    """The series in the store.

    Parameters
    ----------
    store, folder, queue
        Where rows, files and jobs are.
    reader
        The process that reads uploads and checks data.
    options
        Limits, and the folders from which files may be registered.
    """

    def __init__(
        self,
        store: Store,
        folder: DataFolder,
        queue: JobQueue,
        reader: Worker,
        options: ServerOptions,
    ) -> None:
        self._store, self._folder, self._queue = store, folder, queue
        self._reader, self._options = reader, options
        self._memory: Memory[Series] = Memory(MEMORY_BYTES)

    def upload(
        self,
        path: Path,
        *,
        name: str,
        by: str,
        read: Mapping[str, Any] | None = None,
        origin: str = "upload",
    ) -> SeriesRecord:
        """Take a file in; the series is in the store once this returns.

        Parameters
        ----------
        path
            A CSV, TSV, JSON lines, Parquet, Arrow or log file; it is read and may then go.
        name
            What people call the series.
        by
            Who sends it.
        read
            Fields of `ReadOptions` that a person chose.
        origin
            "upload", or where it lies.

        Raises
        ------
        DataError
            If the file cannot be used; the library's own sentence.
        TooLargeError
            If it is packed and far larger than it looks.
        """
        name = clean_name(name)
        options = {**_read_options(read or {}), "name": name}
        self._refuse_bomb(path)
        file = f"{new_id()}.parquet"
        limits = self._options.limits
        found: dict[str, Any] = {}

        def write(unfinished: Path) -> None:
            task = ReadTask(str(path), str(unfinished), options, limits.rows, limits.cells)
            found.update(self._ask(task))

        stored = self._folder.keep("series", file, write)
        row = SeriesRow(
            **{key: value for key, value in found.items() if key != "name"},
            name=name,
            origin=origin,
            file=stored.name,
            bytes=stored.bytes,
            checksum=stored.checksum,
            created_by=by,
        )
        with self._store.writing() as session:
            session.add(row)
            session.flush()
            return _record(row, 0)

    def register(
        self, path: str, *, name: str | None = None, by: str, read: Mapping[str, Any] | None = None
    ) -> SeriesRecord:
        """Take in a file that lies in a folder the server may read.

        Raises
        ------
        NotAllowedError
            If it lies anywhere else, whatever links or dots lead there.
        """
        try:
            found = Path(path).resolve()
        except (OSError, ValueError):
            raise NotThereError(f"{path!r} is no path") from None
        roots = [root.resolve() for root in self._options.sources]
        if not any(found.is_relative_to(root) for root in roots):
            raise NotAllowedError(
                "this path is in no folder that the server may read: upload the file, or start the "
                "server with --source FOLDER"
            )
        if not found.is_file():
            raise NotThereError(f"there is no file {path}")
        return self.upload(found, name=name or found.stem, by=by, read=read, origin=str(found))

    def find(self, *, text: str = "", offset: int = 0, limit: int = 100) -> list[SeriesRecord]:
        """Series whose name holds the text, the newest first."""
        counted = (
            select(LabelRow.series_id, func.count().label("n"))
            .group_by(LabelRow.series_id)
            .subquery()
        )
        wanted = (
            select(SeriesRow, counted.c.n)
            .outerjoin(counted, counted.c.series_id == SeriesRow.id)
            .order_by(SeriesRow.created_at.desc(), SeriesRow.id)
        )
        if text:
            wanted = wanted.where(SeriesRow.name.icontains(text, autoescape=True))
        with self._store.reading() as session:
            rows = session.execute(wanted.offset(offset).limit(limit)).all()
            return [_record(row, number or 0) for row, number in rows]

    def count(self) -> int:
        """How many there are."""
        with self._store.reading() as session:
            return session.scalar(select(func.count()).select_from(SeriesRow)) or 0

    def get(self, series_id: str) -> SeriesRecord:
        """One series.

        Raises
        ------
        NotThereError
            If there is no such series.
        """
        with self._store.reading() as session:
            row = row_of(session, SeriesRow, series_id)
            labels = select(func.count()).where(LabelRow.series_id == series_id)
            return _record(row, session.scalar(labels) or 0)

    def load(self, series_id: str) -> Series:
        """The series itself, as it came."""
        with self._store.reading() as session:
            row = row_of(session, SeriesRow, series_id)

        def read() -> tuple[Series, int]:
            path = self._folder.check("series", StoredFile(row.file, row.bytes, row.checksum))
            series = read_stored_series(path)
            return series, series.values.nbytes

        return self._memory.get(series_id, read)

    def path(self, series_id: str) -> Path:
        """Where the series lies, for a worker."""
        with self._store.reading() as session:
            return self._folder.path("series", row_of(session, SeriesRow, series_id).file)

    def rename(self, series_id: str, name: str) -> SeriesRecord:
        """Call it something else."""
        with self._store.writing() as session:
            row_of(session, SeriesRow, series_id).name = clean_name(name)
        return self.get(series_id)

    def check(self, series_id: str, *, step: str | None = None) -> dict[str, Any]:
        """What `offbeat.check` says of it, as `CheckReport.to_dict` gives it.

        Parameters
        ----------
        series_id
            Which.
        step
            Regular step; None infers it, and what was found is remembered.
        """
        with self._store.reading() as session:
            row = row_of(session, SeriesRow, series_id)
            if step is None and row.check is not None:
                return {**row.check, "name": row.name}
        path = self._folder.path("series", row.file)
        report = self._ask(CheckTask(str(path), step))
        if step is None:
            with self._store.writing() as session:
                row_of(session, SeriesRow, series_id).check = report
        return {**report, "name": row.name}

    def delete(self, series_id: str) -> None:
        """Take a series away, with its labels and kept scores; models trained on it stay.

        Raises
        ------
        ConflictError
            If a job needs it.
        """
        with self._store.writing() as session:
            row = row_of(session, SeriesRow, series_id)
            self._queue.refuse_if_busy(session, JobRow.series_id, series_id, "this series")
            scores = select(DetectionRow.file).where(DetectionRow.series_id == series_id)
            files = session.scalars(scores).all()
            session.delete(row)
        self._folder.remove("series", row.file)
        for file in files:
            self._folder.remove("scores", file)
        self._memory.forget(series_id)

    def forget(self, series_id: str) -> None:
        """Read the file anew the next time: it is another one now."""
        self._memory.forget(series_id)

    def _ask(self, task: ReadTask | CheckTask) -> dict[str, Any]:
        try:
            return self._reader.run(task)
        except TaskFailedError as problem:
            raise DataError(str(problem)) from None
        except WorkerLostError:
            raise TooLargeError(
                "this file needs more memory to be read than the server may use: send a part"
            ) from None

    def _refuse_bomb(self, path: Path) -> None:
        """A packed file that is far larger than it looks is not unpacked."""
        room = self._options.limits.unpacked_bytes
        with path.open("rb") as file:
            block = file.read(BLOCK)
            if not block.startswith(GZIP_MAGIC):
                return
            size, unpacker = 0, zlib.decompressobj(wbits=31)
            while block:
                try:
                    size += len(unpacker.decompress(block, BLOCK))
                except zlib.error:
                    return  # the reader says better what is wrong
                if size > room:
                    raise TooLargeError(
                        f"the file unpacks to more than {room} bytes, the limit: send a part"
                    )
                if unpacker.eof:  # packed files may stand one behind the other
                    rest, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
                    block = rest or file.read(BLOCK)
                else:
                    block = unpacker.unconsumed_tail or file.read(BLOCK)


def clean_name(name: str) -> str:
    """A name as people read it.

    Raises
    ------
    ConfigError
        If it is empty, too long, or holds control characters.
    """
    shown = " ".join(name.split())
    if not shown or len(shown) > LONGEST_NAME or not shown.isprintable():
        raise ConfigError(
            f"a name is 1 to {LONGEST_NAME} printable characters, {name[:LONGEST_NAME]!r} came"
        )
    return shown


def _read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a person chose, checked as the library does."""
    known = [field.name for field in fields(ReadOptions)]
    for key in given:
        if key not in known:
            raise ConfigError(f"no option {key!r} to read a file: {nearest_names(key, known)}")
    chosen = {key: value for key, value in given.items() if value is not None}
    if "channels" in chosen:
        chosen["channels"] = tuple(chosen["channels"])
    ReadOptions(**chosen)  # refuses what it cannot have
    return chosen


def _record(row: SeriesRow, n_labels: int) -> SeriesRecord:
    return SeriesRecord(
        id=row.id,
        name=row.name,
        origin=row.origin,
        n_rows=row.n_rows,
        channels=tuple(row.channels),
        start=moment_text(row.start, has_clock=row.has_clock),
        end=moment_text(row.end, has_clock=row.has_clock),
        has_clock=row.has_clock,
        has_label=row.has_label,
        zone=row.zone,
        notes=tuple(row.notes),
        n_labels=n_labels,
        bytes=row.bytes,
        created_at=row.created_at,
        created_by=row.created_by,
    )
