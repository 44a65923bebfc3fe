"""The command is one library call; what it may need is loaded only when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from offbeat import cli, connect
from offbeat.connect import Fields, RetrainOptions, WatchOptions
from offbeat.connect.addresses import Address
from offbeat.connect.opening import SINKS, SOURCES
from offbeat.stream import StreamOptions

DOCS = Path(__file__).parents[2] / "docs"


def test_watch_is_one_call(monkeypatch, capsys) -> None:
    kept = list[Any]()

    def watch(*given: Any, **named: Any) -> Counter[str]:
        kept.append((given, named))
        return Counter(rows=1234, events=3)

    monkeypatch.setattr(connect, "watch", watch)
    given = ["--model", "a*=a.offbeat", "--model", "b", "--to", "x", "--to", "y", "--learn", "90"]
    given += ["--time", "/at", "--series", "who", "--values", "flow=/d/0,level"]
    given += ["--zone", "Europe/Berlin", "--lateness", "30s", "--checkpoint", "kept"]
    given += ["--every", "5", "--dead-letters", "dead", "--retrain", "7d", "--history", "9000"]
    given += ["--irregular", "--max-ahead", "50", "--max-behind", "60"]
    assert cli.run(cli.app, ["watch", "nats://h/s", *given]) == 0
    zone = "Europe/Berlin"
    assert kept == [
        (
            ("nats://h/s", ["x", "y"], ["a*=a.offbeat", "b"]),
            {
                "learn": 90,
                "fields": Fields("/at", "who", {"flow": "/d/0", "level": "level"}, zone),
                "retrain": RetrainOptions("7d", 9000),
                "stream": StreamOptions(
                    lateness="30s", irregular=True, max_ahead=50, max_behind=60, zone=zone
                ),
                "options": WatchOptions(checkpoint=Path("kept"), every=5.0),
                "dead_letters": "dead",
            },
        )
    ]
    assert capsys.readouterr().err == "offbeat: 1,234 rows, 3 events, 0 refused\n"


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, capsys) -> None:
    for arguments, told in (
        (["-"], "give a model, or say after how many rows one is learned"),
        (["-", "--model", "none.offbeat"], "none.offbeat cannot be read"),
        (["ftp://x", "--learn", "100"], "ftp:// is no source"),
        (["-", "--learn", "3"], "learn must be a whole number >= 60"),
        (["-", "--learn", "90", "--retrain", "soon"], "a duration such as 200ms"),
        (["-", "--learn", "90", "--history", "7d"], "--history says what --retrain learns"),
    ):
        assert cli.run(cli.app, ["watch", *arguments]) == 2
        shown = capsys.readouterr().err
        assert told in shown
        assert shown.count("\n") == 1


def test_nothing_is_loaded_that_is_not_asked_for() -> None:
    code = (
        "import sys, offbeat, offbeat.connect; parts = {'faststream', 'nats', 'redis', 'psutil',"
        "'aio_pika', 'zmqtt', 'httpx', 'apprise', 'sqlalchemy', 'prometheus_client'};"
        "assert not parts & set(sys.modules), parts & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("url", "part"),
    [("nats://h/s", "nats"), ("redis://h/s", "redis"), ("machine:", "psutil")],
)
def test_a_part_that_is_missing_names_the_line_that_installs_it(
    url: str, part: str, monkeypatch, capsys
) -> None:
    monkeypatch.setitem(sys.modules, part, None)
    assert cli.run(cli.app, ["watch", url, "--learn", "100"]) == 2
    assert f'needs {part}: pip install "offbeat[live]"' in capsys.readouterr().err


def test_every_scheme_is_documented() -> None:
    page = (DOCS / "connect.md").read_text()
    for scheme in {*SOURCES, *SINKS} - {"-", "file", "prometheus+https"}:
        assert f"`{scheme}:" in page, scheme


def test_addresses_are_taken_apart() -> None:
    for text, parts, name in (
        ("nats://u:p@h:1/a.b", ("nats", "nats://u:p@h:1", "a.b"), "nats://h:1/a.b"),
        ("mqtt://h/plant/#?client=x", ("mqtt", "mqtt://h", "plant/#"), "mqtt://h/plant/#"),
        ("sqlite:////tmp/x.db", ("sqlite", "sqlite://", "/tmp/x.db"), "sqlite:////tmp/x.db"),
        ("/var/log/x.ndjson", ("file", "/var/log/x.ndjson", "/var/log/x.ndjson"), None),
        ("-?format=csv", ("-", "-", "-"), "-"),
        ("machine:?step=2s", ("machine", "machine:", ""), None),
    ):
        address = Address.parse(text)
        assert (address.scheme, address.url, address.topic) == parts
        assert name is None or address.name == name
