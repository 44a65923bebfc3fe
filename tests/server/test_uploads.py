"""What comes in: too much, the wrong path, odd names and files that are something else."""

from __future__ import annotations

import gzip
import http.client
import io
import pickle
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import uvicorn
from serving import API, LIMITS, TOKEN, csv_of, is_problem
from starlette.testclient import TestClient

from offbeat.server.app import create_app
from offbeat.server.options import ServerOptions


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "SOURCE/../../../../../../etc/passwd",
        "SOURCE/link.csv",
        "../server",
        "SOURCE",
        "SOURCE/\0.csv",
    ],
)
def test_no_path_outside_the_folder(
    guarded: TestClient, full: dict[str, str], source: Path, path: str
) -> None:
    link = source / "link.csv"
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/passwd")
    answer = guarded.post(
        f"{API}/series/paths", headers=full, json={"path": path.replace("SOURCE", str(source))}
    )
    assert answer.status_code in (403, 404, 422)
    assert "root:" not in answer.text


def test_a_path_inside_the_folder(guarded: TestClient, full: dict[str, str], source: Path) -> None:
    asked = {"path": str(source / "good.csv"), "name": "registered"}
    made = guarded.post(f"{API}/series/paths", headers=full, json=asked)
    assert made.json()["origin"] == str(source / "good.csv")
    assert made.json()["n_rows"] == 50


@pytest.mark.parametrize("part", ["../../etc/passwd", "%2e%2e%2fsecret", "..%5c..", "a/b", "x\0y"])
def test_no_path_in_an_id(guarded: TestClient, full: dict[str, str], part: str) -> None:
    for noun in ("series", "models", "jobs", "detections"):
        url = f"{API}/{noun}/{part}".replace("\0", "%00")
        assert guarded.get(url, headers=full).status_code == 404


def upload(client: TestClient, full: dict[str, str], data: bytes | str, name: str = "x") -> Any:
    return client.post(f"{API}/series", params={"name": name}, content=data, headers=full)


def test_a_packed_bomb(guarded: TestClient, full: dict[str, str]) -> None:
    bomb = gzip.compress(b"a\n" + b"1\n" * 40_000_000)
    assert len(bomb) < LIMITS.upload_bytes
    assert "unpacks to more than" in is_problem(upload(guarded, full, bomb), 413)
    twice = gzip.compress(b"a\n" + b"1\n" * 500_000) * 4  # each alone is small enough
    assert "unpacks to more than" in is_problem(upload(guarded, full, twice), 413)


def test_a_parquet_bomb(guarded: TestClient, full: dict[str, str]) -> None:
    file = io.BytesIO()
    pl.DataFrame({"a": pl.repeat(1.0, 3_000_000, eager=True)}).write_parquet(file)
    assert len(file.getvalue()) < LIMITS.upload_bytes
    assert "at most 5000 rows" in is_problem(upload(guarded, full, file.getvalue()), 422)


def test_a_zip_is_named_as_what_it_is(guarded: TestClient, full: dict[str, str]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("big.csv", b"0" * 10_000_000)
    assert "zip" in is_problem(upload(guarded, full, file.getvalue()), 422)


def test_too_many_rows(guarded: TestClient, full: dict[str, str]) -> None:
    assert "rows" in is_problem(upload(guarded, full, csv_of(6_000)), 422)


@pytest.mark.parametrize("data", ["", "a\nx\ny\n", b"\0\1\2\3", "a,b\n1,2\n3,4,5\n"])
def test_bad_files_are_one_sentence(
    guarded: TestClient, full: dict[str, str], data: str | bytes
) -> None:
    assert is_problem(upload(guarded, full, data), 422).count("\n") == 0


def test_a_pickle_is_no_model(guarded: TestClient, full: dict[str, str], tmp_path: Path) -> None:
    class Bad:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    for data in (pickle.dumps(Bad()), b"PK\x03\x04rest", b"nothing"):
        answer = guarded.post(f"{API}/models?name=m", content=data, headers=full)
        assert "m " in is_problem(answer, 422)
    assert not (tmp_path / "ran").exists()


SCRIPT = "<script>alert(1)</script>"
SQL = "x'); DROP TABLE series; --"


@pytest.mark.parametrize("name", [SCRIPT, SQL, "=cmd|' /C calc'!A0", "räksmörgås", "% _ \\"])
def test_odd_names_are_only_names(guarded: TestClient, full: dict[str, str], name: str) -> None:
    made = upload(guarded, full, csv_of(50, name=f'"{name}"'), name)
    assert made.status_code == 201
    record = made.json()
    assert record["name"] == name
    assert record["channels"] == [name]
    assert made.headers["content-type"] == "application/json"
    assert made.headers["x-content-type-options"] == "nosniff"
    found = guarded.get(f"{API}/series", params={"text": name}, headers=full).json()["items"]
    assert {each["name"] for each in found} == {name}
    label = {"start": 1, "end": 3, "verdict": "missed", "note": name}
    guarded.post(f"{API}/series/{record['id']}/labels", json=label, headers=full)
    csv = guarded.get(f"{API}/series/{record['id']}/labels/file", headers=full)
    assert csv.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 201, "\x1b[31m"])
def test_names_that_nobody_can_read(guarded: TestClient, full: dict[str, str], name: str) -> None:
    assert "name" in is_problem(upload(guarded, full, csv_of(50), name), 422)


@pytest.mark.parametrize(
    "body",
    [
        {"settings": ["@/etc/passwd"]},
        {"settings": ["training.max_epochs=many"]},
        {"detector": "os.system"},
        {"thresold": "1/week"},
        {"threshold": "1/fortnight-ish"},
        {"normal": [["x", "y"]]},
        {"train": "soon"},
        {"channels": ["nobody"]},
    ],
)
def test_bad_trainings_are_refused_at_once(
    guarded: TestClient, full: dict[str, str], body: dict[str, Any]
) -> None:
    made = upload(guarded, full, csv_of(400)).json()
    answer = guarded.post(f"{API}/series/{made['id']}/train", json=body, headers=full)
    is_problem(answer, 422)
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("start,end,verdict\n5,1,missed\n", "labels.csv, line 2"),
        ("start,end,verdict\n1,5,missed\n1,5,odd\n", "labels.csv, line 3"),
        ("start,end\n1,5\n", "verdict is missing"),
        ("", "0 came"),
        ("start,end,verdict\n9999,10000,missed\n", "outside"),
    ],
)
def test_bad_labels_name_their_line(
    guarded: TestClient, full: dict[str, str], data: str, match: str
) -> None:
    made = upload(guarded, full, csv_of(60)).json()
    url = f"{API}/series/{made['id']}/labels"
    answer = guarded.post(f"{url}/file", content=data, headers=full)
    assert match in is_problem(answer, 422)
    assert guarded.get(url, headers=full).json() == []  # all lines or none


def test_headers_that_keep_a_browser_safe(guarded: TestClient, full: dict[str, str]) -> None:
    for path in (f"{API}/series", "/healthz"):
        headers = guarded.get(path, headers=full).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert guarded.get(f"{API}/series", headers=full).headers["cache-control"] == "no-store"


# ---------------------------------------------------------------- a real socket


@pytest.fixture(scope="module")
def address(inline: None, guarded_options: ServerOptions, tmp_path_factory: Any) -> Iterator[Any]:
    options = replace(guarded_options, data=tmp_path_factory.mktemp("real"))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(options), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield listening.getsockname()
    server.should_exit = True
    thread.join()


def test_two_gigabytes_are_refused_before_they_are_sent(address: Any) -> None:
    connection = http.client.HTTPConnection(*address[:2], timeout=10)
    connection.putrequest("POST", f"{API}/series?name=big")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(2 << 30))
    connection.endheaders(b"a\n1\n")
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"at most 200000 bytes" in answer.read()
    connection.close()


def test_what_does_not_say_how_long_it_is_is_cut_off(address: Any) -> None:
    connection = http.client.HTTPConnection(*address[:2], timeout=10)
    connection.putrequest("POST", f"{API}/series?name=big")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    block = b"1\n" * 8_192
    sent = 0
    try:
        for _ in range(2_000):
            connection.send(b"%x\r\n%s\r\n" % (len(block), block))
            sent += len(block)
    except OSError:
        pass  # the server has hung up
    else:
        pytest.fail("all of it was taken")
    assert sent < 30_000_000
    connection.close()


def test_arrays_keep_every_digit() -> None:
    from offbeat.server.api.asking import PlainJSON

    values = np.array([0.1 + 0.2, 1e-300, np.nan, 5e-324])
    assert PlainJSON(values).body == b"[0.30000000000000004,1e-300,null,5e-324]"
