"""Notifications: opened, still on, recovered; merged, cooled down, muted, and told once."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import numpy as np
import pytest
from watchers import lines, ndjson, records

from offbeat.connect import Outcome, watch
from offbeat.connect.addresses import Address
from offbeat.connect.notifying import NotificationSink
from offbeat.errors import ConfigError
from offbeat.stream import LiveEvent

pytest.importorskip("apprise")
AT = np.datetime64("2026-03-07T03:00:00", "ns")  # a Saturday


class Heard:
    """A sink whose messages are kept, and whose clock is moved."""

    def __init__(self, options: str = "") -> None:
        self.now, self.texts, self.away = 0.0, list[str](), False
        address = Address.parse(f"notify:json://127.0.0.1{options}")
        self.sink = NotificationSink(address, clock=lambda: self.now)
        self.sink._apprise.notify = self._notify
        self.sink.open(None)

    def _notify(self, *, title: str, body: str) -> bool:
        assert title == "Offbeat"
        if not self.away:
            self.texts.append(body)
        return not self.away

    def event(self, phase: Any, name: str = "1", series: str = "pump", kind: Any = "stuck") -> None:
        event = LiveEvent(name, series, kind, phase, AT, AT, "it is off")
        self.sink.put(Outcome(events=[event]))
        self.sink.flush()

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.sink.put(Outcome())
        self.sink.flush()


def test_opened_still_on_and_recovered() -> None:
    heard = Heard("?remind=10min")
    heard.event("opened")
    heard.event("going on")
    heard.pass_by(599)
    heard.pass_by(2)
    heard.event("closed")
    states = [text.partition(":")[0] for text in heard.texts]
    assert states == ["opened", "still on", "recovered"]
    assert heard.texts[0] == "opened: pump, it is off (since 2026-03-07T03:00:00Z)"


def test_what_opens_again_at_once_is_the_same_trouble() -> None:
    heard = Heard("?cooldown=1min")
    for name, seconds in (("1", 30), ("2", 40), ("3", 0)):
        heard.event("opened", name)
        heard.event("closed", name)
        heard.event("opened", f"other {name}", series="other")
        heard.pass_by(seconds)
    assert [t.partition(",")[0] for t in heard.texts if "pump" in t] == [
        "opened: pump",
        "recovered: pump",
        "opened: pump",
        "recovered: pump",
    ]
    assert len([t for t in heard.texts if "other" in t]) == 3


def test_many_are_merged_into_one() -> None:
    heard = Heard("?merge=10s&text={series} {state}")
    for number in range(25):
        heard.event("opened", str(number), series=f"pump {number}")
    assert heard.texts == []
    heard.pass_by(10)
    assert len(heard.texts) == 1
    assert heard.texts[0].splitlines()[::20] == ["pump 0 opened", "and 5 more"]


def test_muted_times_are_quiet_to_the_end() -> None:
    heard = Heard("?mute=Mon-Fri 02:00-04:00;Sat")
    heard.event("opened")
    heard.event("closed")
    assert heard.texts == []


def test_a_service_that_refuses_is_asked_again() -> None:
    heard = Heard()
    heard.away = True
    with pytest.raises(OSError, match="not taken"):
        heard.event("opened")
    heard.away = False
    heard.sink.flush()
    assert len(heard.texts) == 1


def test_what_was_told_before_a_kill_is_not_told_again() -> None:
    heard, again = Heard(), Heard()
    heard.event("opened")
    again.sink.open(heard.sink.position())
    again.event("opened")
    again.event("closed")
    assert [text.partition(":")[0] for text in again.texts] == ["recovered"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("notify:nothing", "no URL of Apprise"),
        ("notify:json://h?text={what}", "text has no 'what'"),
        ("notify:json://h?text={", "text="),
        ("notify:json://h?mute=never", "a mute such as"),
        ("notify:json://h?remind=often", "often"),
    ],
)
def test_mistakes_are_told(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        NotificationSink(Address.parse(url))


def test_options_of_apprise_stay_with_it() -> None:
    address = Address.parse("notify:mailto://u:p@h?to=a@b.c&remind=5min&name=x")
    assert address.topic == "mailto://u:p@h?to=a@b.c&name=x"
    assert address.options == {"remind": "5min"}


def test_a_watch_posts_what_its_events_are(tmp_path: Path, normal: Path) -> None:
    posted = list[dict[str, Any]]()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "in.ndjson").write_text(ndjson(records()))
    to = [f"notify:json://127.0.0.1:{server.server_port}/?cooldown=1ms", f"{tmp_path}/out"]
    watch(f"{tmp_path}/in.ndjson?follow=no", to, [str(normal)], stop=Flag())
    server.shutdown()
    server.server_close()
    text = "\n".join(each["message"] for each in posted)
    opened = {e["series"] for e in lines(tmp_path / "out", "event") if e["phase"] == "opened"}
    assert all(f"opened: {series}" in text for series in opened)
    assert "recovered: pump a" in text
