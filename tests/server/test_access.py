"""Every door is tried: no token, a wrong one, another site, a session that ended."""

from __future__ import annotations

import pytest
from serving import API, LIMITS, READ_TOKEN, TOKEN, bearer, csv_of, is_problem
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from offbeat.errors import ConfigError
from offbeat.server.access import COOKIE
from offbeat.server.options import ServerOptions


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
