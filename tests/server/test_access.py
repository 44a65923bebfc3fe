"""Every door is tried: no token, a wrong one, another site, too much, the wrong path, odd names."""

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
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from offbeat.errors import ConfigError
from offbeat.server.access import COOKIE
from offbeat.server.app import create_app
from offbeat.server.options import Limits, ServerOptions

TOKEN, READ_TOKEN = "a-long-enough-token", "another-long-token"
API = "/api/v1"
LIMITS = Limits(
    upload_bytes=200_000, unpacked_bytes=2_000_000, rows=5_000, cells=20_000, body_bytes=20_000
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "good.csv").write_text(csv_of(50))
    return folder


@pytest.fixture(scope="module")
def guarded_options(
    options: ServerOptions, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> ServerOptions:
    data = tmp_path_factory.mktemp("guarded")
    return replace(
        options, data=data, token=TOKEN, read_token=READ_TOKEN, sources=(source,), limits=LIMITS
    )


@pytest.fixture(scope="module")
def guarded(inline: None, guarded_options: ServerOptions) -> Iterator[TestClient]:
    app = create_app(guarded_options)
    with TestClient(app, base_url="http://server.example") as client:
        yield client


@pytest.fixture
def full(guarded: TestClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def fresh_tries(guarded: TestClient) -> None:
    guarded.app.state.gate._tries._wrong.clear()  # type: ignore[attr-defined]


def csv_of(n_rows: int, name: str = "a") -> str:
    return f"{name}\n" + "\n".join(str(row % 7) for row in range(n_rows)) + "\n"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def is_problem(answer: Any, status: int) -> str:
    """The sentence of a problem document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("urn:offbeat:problem:")
    assert "Traceback" not in said["detail"]
    return str(said["detail"])


# ---------------------------------------------------------------- who asks


@pytest.mark.parametrize("path", [f"{API}/series", f"{API}/openapi.json", "/metrics"])
def test_without_a_token_nothing_is_told(guarded: TestClient, path: str) -> None:
    answer = guarded.get(path)
    assert "token" in is_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_every_route_is_guarded(guarded: TestClient, fresh_tries: None) -> None:
    described = guarded.get(f"{API}/openapi.json", headers=bearer(TOKEN)).json()["paths"]
    open_ones = {("/healthz", "get"), ("/readyz", "get"), (f"{API}/session", "post")}
    for path, operations in described.items():
        for method in operations:
            if (path, method) not in open_ones:
                answer = guarded.request(method.upper(), path.replace("{number}", "1"))
                assert answer.status_code == 401, (method, path)
            if method != "get" and not path.endswith("/session"):
                answer = guarded.request(
                    method.upper(), path.replace("{number}", "1"), headers=bearer(READ_TOKEN)
                )
                assert "read only" in is_problem(answer, 403)


@pytest.mark.parametrize("given", ["Bearer wrong", "Bearer", "Basic eDp5", f"Bearer {TOKEN}x", ""])
def test_a_wrong_token(guarded: TestClient, fresh_tries: None, given: str) -> None:
    is_problem(guarded.get(f"{API}/series", headers={"Authorization": given}), 401)


def test_wrong_tokens_are_slowed_down(guarded: TestClient, fresh_tries: None) -> None:
    for _ in range(LIMITS.log_in_tries):
        is_problem(guarded.post(f"{API}/session", json={"token": "guess"}), 401)
    answer = guarded.post(f"{API}/session", json={"token": TOKEN})
    is_problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 0
    is_problem(guarded.get(f"{API}/series", headers=bearer(TOKEN)), 429)
    guarded.app.state.gate._tries._wrong.clear()  # type: ignore[attr-defined]


def test_any_address_but_loopback_needs_a_token() -> None:
    with pytest.raises(ConfigError, match="OFFBEAT_TOKEN"):
        ServerOptions(host="0.0.0.0").check()
    with pytest.raises(ConfigError, match="at least 16"):
        ServerOptions(token="short").check()
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        ServerOptions(host=host).check()
    ServerOptions(host="0.0.0.0", token=TOKEN).check()


def test_another_name_of_this_machine_is_refused(client: TestClient) -> None:
    """A page of another site that bends its own name to this machine (DNS rebinding)."""
    for host in ("evil.example", "", "127.0.0.1.evil.example"):
        assert client.get(f"{API}/series", headers={"Host": host}).status_code == 403
    assert client.get(f"{API}/series", headers={"Host": "localhost:8000"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_another_site_changes_nothing(client: TestClient) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9"):
        answer = client.post(f"{API}/series?name=x", content="a\n1\n", headers={"Origin": origin})
        assert "another site" in is_problem(answer, 403)


def test_a_session_with_its_csrf_token(guarded: TestClient, fresh_tries: None) -> None:
    browser = TestClient(guarded.app, base_url="http://server.example")
    answer = browser.post(f"{API}/session", json={"token": TOKEN, "name": "mara\n<b>"})
    session = answer.json()
    assert (session["name"], session["role"]) == ("mara<b>", "full")
    cookie = answer.headers["set-cookie"]
    assert COOKIE in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert browser.get(f"{API}/session").json()["name"] == "mara<b>"
    text = csv_of(50)
    for headers in ({}, {"X-CSRF-Token": "guess"}):
        answer = browser.post(f"{API}/series?name=x", content=text, headers=headers)
        is_problem(answer, 403)
    right = {"X-CSRF-Token": session["csrf_token"]}
    made = browser.post(f"{API}/series?name=x", content=text, headers=right)
    assert made.json()["created_by"] == "mara<b>"
    kept = {"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    assert browser.delete(f"{API}/session", headers=right).status_code == 204
    is_problem(guarded.get(f"{API}/series", headers=kept), 401)


def test_a_browser_without_a_session_is_sent_to_the_log_in(guarded: TestClient) -> None:
    answer = guarded.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert guarded.get("/login").status_code == 404  # reached, and there is no page yet
    is_problem(guarded.get("/anything"), 401)


def test_a_live_connection_needs_a_session(guarded: TestClient, client: TestClient) -> None:
    for browser, headers in (
        (guarded, {}),
        (client, {"Origin": "http://evil.example"}),
        (client, {"Host": "evil.example"}),
    ):
        opening = browser.websocket_connect("/anything", headers=headers)
        with pytest.raises(WebSocketDisconnect) as closed, opening:
            pass
        assert closed.value.code == 1008


def test_who_may_read_only_can_log_out(guarded: TestClient, fresh_tries: None) -> None:
    browser = TestClient(guarded.app, base_url="http://server.example")
    session = browser.post(f"{API}/session", json={"token": READ_TOKEN}).json()
    right = {"X-CSRF-Token": session["csrf_token"]}
    assert session["role"] == "read"
    assert browser.get(f"{API}/series").status_code == 200
    is_problem(browser.post(f"{API}/series?name=x", content="a\n1\n", headers=right), 403)
    assert browser.delete(f"{API}/session", headers=right).status_code == 204


# ---------------------------------------------------------------- what comes in


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
