"""Problems: every error has its status, and nothing of the inside gets out."""

from __future__ import annotations

import errno
import json

import pytest

from offbeat import errors
from offbeat.errors import DataError, OffbeatError
from offbeat.server import faults
from offbeat.server.faults import TooManyTriesError
from offbeat.server.problems import STATUS, problem_of

FAULTS = [getattr(faults, name) for name in faults.__all__]
LIBRARY = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


def test_the_drawn_tree_names_every_fault_and_its_status() -> None:
    assert faults.__doc__ is not None
    lines = [line.split() for line in faults.__doc__.splitlines() if "──" in line]
    drawn = {line[1]: int(line[2]) for line in lines}
    assert drawn == {each.__name__: STATUS[each][0] for each in FAULTS}


def test_every_error_has_a_status() -> None:
    assert set(STATUS) == {*FAULTS, *LIBRARY} - {OffbeatError}


def test_the_librarys_own_sentence() -> None:
    answer = problem_of(DataError("m.csv, line 3: 'x' is\nno number"), "abc")
    assert answer.media_type == "application/problem+json"
    assert json.loads(bytes(answer.body)) == {
        "type": "urn:offbeat:problem:data",
        "title": "The data cannot be used",
        "status": 422,
        "detail": "m.csv, line 3: 'x' is no number",
        "request_id": "abc",
    }


def test_a_mistake_of_the_server_says_nothing_of_the_inside() -> None:
    answer = problem_of(RuntimeError("password=secret at /srv/x.py"))
    assert answer.status_code == 500
    assert b"secret" not in bytes(answer.body)


def test_a_full_disk_is_told() -> None:
    answer = problem_of(OSError(errno.ENOSPC, "No space left", "/srv/data/x"))
    assert answer.status_code == 507
    assert b"/srv" not in bytes(answer.body)


@pytest.mark.parametrize("wait", [1, 59])
def test_who_tries_too_often_is_told_how_long_to_wait(wait: int) -> None:
    assert problem_of(TooManyTriesError("wait", wait)).headers["retry-after"] == str(wait)
