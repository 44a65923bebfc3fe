"""Odd requests on both stores: a problem document each time, and never a mistake of the server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import postgres_database
from starlette.testclient import TestClient

from offbeat.server.app import create_app
from offbeat.server.options import ServerOptions

API = "/api/v1"
ODD = ["%00", "9" * 40, "-1", "..%2f..", "%25%27%22%3B--"]
BODIES: list[Any] = [
    {}, [], None, "x", {"threshold": "nan"}, {"threshold": {"kind": "x"}},
    {"start": 10**30, "end": 10**31, "verdict": "missed"}, {"start": "\0", "end": "x"},
    {"start": 0, "end": 10**30, "verdict": "missed", "feedback": "true_alarm"},
    {"name": "\0"}, {"name": "ok", "extra": 1}, {"version": 10**30}, {"path": ""},
    {"series_id": "\0", "model_id": "\0"}, {"feedback": "maybe"}, {"token": "x" * 10_000},
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def client(request: Any, inline: None, tmp_path_factory: Any) -> Iterator[TestClient]:
    data: Path = tmp_path_factory.mktemp("odd")
    if request.param == "sqlite":
        yield from _client(ServerOptions(data=data, grace=0.0))
        return
    with postgres_database() as url:
        yield from _client(ServerOptions(data=data, store=url, grace=0.0))


def _client(options: ServerOptions) -> Iterator[TestClient]:
    app = create_app(options)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def test_odd_requests(client: TestClient) -> None:
    series = client.post(f"{API}/series?name=odd", content="a\n" + "1\n2\n" * 50).json()["id"]
    described = client.get(f"{API}/openapi.json").json()["paths"]
    for path, operations in described.items():
        for method, odd in itertools.product(operations, ODD):
            for ids in (odd, series):
                url = path
                for part in ("series_id", "model_id", "job_id", "detection_id", "label_id"):
                    url = url.replace("{" + part + "}", ids)
                url = url.replace("{number}", odd)
                if (method, url) == ("delete", f"{API}/series/{series}"):
                    continue
                if ids == series:
                    url += f"?text={odd}&version={odd}&name={odd}&format={odd}&offset={odd}"
                _is_well(client.request(method.upper(), url), url)


def test_odd_bodies(client: TestClient) -> None:
    series = client.post(f"{API}/series?name=odd", content="a\n" + "1\n2\n" * 50).json()["id"]
    described = client.get(f"{API}/openapi.json").json()["paths"]
    for path, operations in described.items():
        url = path.replace("{number}", "0").replace("{series_id}", series)
        for method in set(operations) & {"post", "patch"}:
            for body in BODIES:
                made = client.request(method.upper(), url, json=body)
                _is_well(made, f"{url} {body}")


def _is_well(answer: Any, asked: str) -> None:
    assert answer.status_code < 500 or answer.status_code == 501, (asked, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", asked
        assert answer.json()["detail"], asked
