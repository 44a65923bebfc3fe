"""What every page that opens offline is made with: its parts, its scripts' names, its data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from string import Template

from offbeat.io import atomic_path

__all__ = ["Page", "template_part", "tiles"]


@dataclass(frozen=True, kw_only=True)
class Page:
    """What stands on a page; all but the title, brand and span is HTML.

    Parameters
    ----------
    brand
        What kind of page it is.
    title
        Heading.
    span
        What it is about: from when to when, how much.
    summary, tiles
        What was found, in words and in figures.
    without_script
        What is missing where scripts do not run.
    sections
        Heading and body of each, by anchor.
    style
        Beyond the style of every page.
    data
        What the scripts need.
    scripts
        Only these may run.
    images
        Further sources that the security policy allows images from; none if empty.
    """

    brand: str
    title: str
    span: str
    summary: str
    tiles: str
    without_script: str
    sections: Mapping[str, tuple[str, str]]
    data: object
    scripts: Sequence[str]
    style: str = ""
    images: str = ""

    def write(self, path: str | Path) -> Path:
        """Write the file; an existing one is replaced, and only by a complete one."""
        target, text = Path(path), self._text()
        with atomic_path(target) as unfinished:
            unfinished.write_text(text, encoding="utf-8", newline="\n")
        return target

    def _text(self) -> str:
        links = (f'<a href="#{name}">{heading}</a>' for name, (heading, _) in self.sections.items())
        return Template(template_part("page.html")).substitute(
            script_hashes=" ".join(_script_hash(each) for each in self.scripts),
            images=f"; img-src {self.images}" if self.images else "",
            version=_written_version(),
            brand=html.escape(self.brand),
            title=html.escape(self.title),
            style=template_part("report.css") + self.style,
            span=html.escape(self.span),
            summary=self.summary,
            tiles=self.tiles,
            navigation=" ".join(links),
            without_script=self.without_script,
            sections="\n".join(
                f'<section id="{name}"><h2>{heading}</h2>{body}</section>'
                for name, (heading, body) in self.sections.items()
            ),
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            data=_safe_json(self.data),
            scripts="\n".join(f"<script>{each}</script>" for each in self.scripts),
        )


def tiles(figures: Iterable[tuple[str, str, str]]) -> str:
    """The figures at the head of a page: name, value, and what stands below it."""
    cells = (
        f"<div><dt>{name}</dt><dd>{html.escape(value)}<small>{html.escape(small)}</small></dd></div>"
        for name, value, small in figures
    )
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def template_part(name: str, package: str = "offbeat.report") -> str:
    """The text of a file in the templates of a package."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def _script_hash(script: str) -> str:
    """A script's name in the content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _safe_json(data: object) -> str:
    """JSON that is safe inside HTML."""
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _written_version() -> str:
    """The version that is installed."""
    try:
        return version("offbeat")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "(not installed)"
