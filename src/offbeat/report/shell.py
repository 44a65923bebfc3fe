"""What every page that opens offline is made with: its parts, its scripts' names, its data."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

__all__ = ["safe_json", "script_hash", "template_part", "written_version"]


def template_part(name: str, package: str = "offbeat.report") -> str:
    """The text of a file in the templates of a package."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """A script's name in the content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def safe_json(data: object) -> str:
    """JSON that is safe inside HTML."""
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def written_version() -> str:
    """The version that is installed."""
    try:
        return version("offbeat")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "(not installed)"
