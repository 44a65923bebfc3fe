"""When: moments at which people did something, as they say it."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["ago"]

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONG = 14 * DAY


def ago(moment: str, now: datetime | None = None) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`, or the date."""
    then = datetime.fromisoformat(moment)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h ago"
    if seconds < LONG:
        days = int(seconds // DAY)
        return f"{days} day{'' if days == 1 else 's'} ago"
    return then.strftime("%Y-%m-%d")
