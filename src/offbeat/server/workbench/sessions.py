"""Sessions: who logged in to the page. The store knows only hashes of what the browser holds."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select

from offbeat.server.store import SessionRow, Store, now_text

__all__ = ["Login", "Role", "SessionBook", "Visitor"]

Role = Literal["full", "read"]
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Login:
    """What a browser gets: a cookie, and a token that it sends along with every change."""

    cookie: str
    csrf_token: str
    expires_at: str


@dataclass(frozen=True)
class Visitor:
    """Who a cookie belongs to."""

    name: str
    role: Role
    csrf_hash: str

    def owns(self, csrf_token: str) -> bool:
        """Whether the token goes with the cookie."""
        return hmac.compare_digest(self.csrf_hash, _hash(csrf_token))


class SessionBook:
    """Who is logged in.

    Parameters
    ----------
    store
        Where the rows are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, name: str, role: Role) -> Login:
        """Log somebody in."""
        cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        until = (datetime.now(UTC) + LIFETIME).isoformat(timespec="microseconds")
        row = SessionRow(
            cookie_hash=_hash(cookie),
            csrf_hash=_hash(csrf),
            role=role,
            expires_at=until,
            created_by=name,
        )
        with self._store.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at < now_text()))
            session.add(row)
        return Login(cookie, csrf, until)

    def visitor(self, cookie: str) -> Visitor | None:
        """Who holds this cookie; None if it is unknown or too old."""
        wanted = select(SessionRow).where(SessionRow.cookie_hash == _hash(cookie))
        with self._store.reading() as session:
            row = session.scalar(wanted)
        if row is None or row.expires_at < now_text():
            return None
        return Visitor(row.created_by, "full" if row.role == "full" else "read", row.csrf_hash)

    def end(self, cookie: str) -> None:
        """Log out."""
        with self._store.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.cookie_hash == _hash(cookie)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
