"""Running a command: exit codes, and every mistake in one line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import typer

from offbeat.cli.commands import COMMANDS, app
from offbeat.cli.fleets import FLEET_COMMANDS, Working
from offbeat.cli.options import Reading

__all__ = ["main", "run"]

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of a shell."""


def main() -> None:
    """Run, and say what went wrong in one line."""
    raise SystemExit(run(app, sys.argv[1:]))


def run(application: Callable[..., Any], arguments: list[str]) -> int:
    """The exit code of one call."""
    try:
        code = application(arguments or ["--help"], standalone_mode=False)
        sys.stdout.flush()  # a full disk behind a pipe may only tell now
    except typer.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except typer.TyperException as mistake:
        asked = _asked(getattr(mistake, "ctx", None))
        return _complain(f"{mistake.format_message().rstrip('.')} (see {asked} --help)", 2)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has seen enough
        return 0
    except SystemExit:  # how typer ends a command whose reader has seen enough
        return 0
    except Exception as mistake:
        from offbeat.errors import OffbeatError

        if isinstance(mistake, OffbeatError):
            return _complain(_in_options(str(mistake)), 2)
        if isinstance(mistake, OSError):
            where = mistake.filename or "standard output"
            return _complain(f"{where}: {mistake.strerror or mistake}", 2)
        raise
    if code == INTERRUPTED:  # typer catches Ctrl-C and says nothing
        return _interrupted()
    return code if isinstance(code, int) else 0


def _asked(context: Any) -> str:
    """The command whose help says more."""
    command = getattr(context, "info_name", None)
    group = getattr(getattr(context, "parent", None), "info_name", None)
    if group == "fleet" and command in FLEET_COMMANDS:
        return f"offbeat fleet {command}"
    return f"offbeat {command}" if command in (*COMMANDS, "fleet") else "offbeat"


def _in_options(text: str) -> str:
    """The library's `zone=` as the command line's `--zone`."""
    names = "|".join(
        ["format", *(each.name for group in (Reading, Working) for each in fields(group))]
    )
    text = re.sub(rf"(?<![\w.'-])({names})=(?=[\w'.])", r"--\1 ", text)
    return re.sub(rf"(?<![\w.'-])({names})=", r"--\1", text)


def _interrupted() -> int:
    return _complain("interrupted; nothing half-written is left", INTERRUPTED)


def _complain(text: str, code: int) -> int:
    typer.echo(f"offbeat: {' '.join(text.split())}", err=True)
    return code
