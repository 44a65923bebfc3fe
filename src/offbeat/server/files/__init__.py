"""The data folder: series, models and scores as files, each whole or not there.

`offbeat.server.files.scores` is not imported here: it needs PyTorch, reading an upload does not.
"""

from __future__ import annotations

from offbeat.server.files.folder import DataFolder, Shelf, StoredFile
from offbeat.server.files.series import read_stored_series, write_series

__all__ = [
    "DataFolder",
    "Shelf",
    "StoredFile",
    "read_stored_series",
    "write_series",
]
