"""Optional parts: packages that only some methods need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from offbeat.errors import MissingPartError

__all__ = ["optional_part"]


def optional_part(module: str, *, extra: str, needed_by: str) -> Any:
    """Import a module of a package that may not be installed.

    Parameters
    ----------
    module
        Its full name, such as "statsmodels.tsa.arima.model".
    extra
        The extra of offbeat that brings it.
    needed_by
        Who asks, for the message.

    Raises
    ------
    MissingPartError
        If it is not installed, with the line that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as reason:
        package = module.partition(".")[0]
        if reason.name is None or reason.name.partition(".")[0] != package:
            raise  # the package is there; something that it needs itself is not
        raise MissingPartError(
            f'{needed_by} needs {package}: pip install "offbeat[{extra}]"'
        ) from None
