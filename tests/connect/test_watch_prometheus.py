"""Prometheus: queries without a gap, an exporter that is scraped, rules and a dashboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from watchers import Running, free_port, lines, ndjson, records, until

from offbeat import cli
from offbeat.connect import Outcome, WatchOptions, sink_of, source_of
from offbeat.connect.exporter import METRICS, labels_of
from offbeat.connect.monitoring import ALERTS
from offbeat.errors import ConfigError, DataError

httpx = pytest.importorskip("httpx")


class Answers(BaseHTTPRequestHandler):
    """Range queries, answered as Prometheus does; a query of "down" is refused."""

    asked: list[dict[str, list[str]]] = []  # noqa: RUF012
    away = False

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        type(self).asked.append(asked)
        start, end, step = (float(asked[each][0]) for each in ("start", "end", "step"))
        values = [[start + i * step, str(i)] for i in range(round((end - start) / step) + 1)]
        result = [
            {"metric": {"__name__": "cpu", "instance": "a", "mode": mode}, "values": values}
            for mode in ("user", "system")
        ]
        told: dict[str, Any] = {"status": "success", "data": {"result": result}}
        if asked["query"] == ["bad("]:
            told = {"status": "error", "errorType": "bad_data", "error": "parse error"}
        if self.away:
            told = {"status": "error", "errorType": "unavailable", "error": "starting"}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    Answers.asked, Answers.away = [], False
    yield f"prometheus+http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_steps_are_asked_once_each_and_an_outage_leaves_no_gap(address: str) -> None:
    source = source_of(f"{address}?query=cpu&step=1s&since=20s&delay=1s&channel=mode")
    source.open(None)
    first = source.take(0.0)
    assert first is not None
    assert set(first.records[0]) == {"time", "series", "user", "system"}
    assert first.records[0]["series"] == 'cpu{instance="a"}'
    Answers.away = True
    time.sleep(1.1)
    with pytest.raises(OSError, match="starting"):
        source.take(0.0)
    Answers.away = False
    position = source.position()
    source.close()
    again = source_of(f"{address}?query=cpu&step=1s&since=20s&delay=1s&channel=mode")
    again.open(position)
    second = again.take(0.0)
    assert second is not None
    times = [each["time"] for each in [*first.records, *second.records]]
    assert times == [times[0] + i for i in range(len(times))]
    assert len(times) >= 20
    again.close()


def test_mistakes_in_an_address_are_told(address: str) -> None:
    for url, told in (
        (address, "asks nothing"),
        (f"{address}?query=cpu&step=soon", "soon"),
        (f"{address}?query=cpu&stp=1s", "no option 'stp': did you mean 'step'"),
    ):
        with pytest.raises(ConfigError, match=told):
            source_of(url)
    source = source_of(f"{address}?query=bad(&step=1s")
    source.open(None)
    with pytest.raises(DataError, match="parse error"):
        source.take(0.0)
    source.close()
    with pytest.raises(ConfigError, match="names no port"):
        sink_of("prometheus://localhost")


def test_what_is_exported(tmp_path: Path, normal: Path) -> None:
    path, port = tmp_path / "in.ndjson", free_port()
    path.write_text(ndjson(records()[:200]))
    to = [f"prometheus://127.0.0.1:{port}", f"{tmp_path}/out"]
    with Running(str(path), to, [str(normal)]):
        until(lambda: len(lines(tmp_path / "out", "reading")) == 200, "rows are missing")
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    for name in METRICS:
        assert f"# TYPE {name} gauge" in text
    assert "offbeat_rows_total 200.0" in text
    of_b = [each for each in lines(tmp_path / "out", "reading") if each["series"] == "pump b"]
    score, expected = of_b[-1]["score"], of_b[-1]["expected"]["flow"]
    assert f'offbeat_score{{series="pump b"}} {score}' in text
    assert f'offbeat_expected{{channel="flow",series="pump b"}} {expected}' in text


def test_labels_of_a_series() -> None:
    assert labels_of('cpu{instance="a:9100",kind="x"}') == {
        "series": "cpu",
        "instance": "a:9100",
        "exported_kind": "x",
    }
    assert labels_of("pump {a}") == {"series": "pump {a}"}


def test_a_series_of_which_nothing_comes_is_shown_no_more() -> None:
    port = free_port()
    sink = sink_of(f"prometheus://127.0.0.1:{port}?stale=0.2")
    sink.open(None)
    sink.put(Outcome(readings=[{"series": "a", "score": 1.0}]))
    address = f"http://127.0.0.1:{port}/metrics"
    assert 'series="a"' in httpx.get(address).text
    time.sleep(0.3)
    assert 'series="a"' not in httpx.get(address).text
    sink.close()


def program(name: str) -> str:
    """A program of the package `prometheus`; skipped where there is none, but not in CI."""
    found = shutil.which(name)
    if found is None:
        assert os.environ.get("CI") != "true", f"no {name}: apt-get install prometheus"
        pytest.skip(f"no {name}: apt-get install prometheus")
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Rules and dashboard."""
    folder = tmp_path_factory.mktemp("monitoring")
    rules, dashboard = folder / "rules.yml", folder / "dashboard.json"
    arguments = ["monitoring", "--rules", str(rules), "--dashboard", str(dashboard)]
    assert cli.run(cli.app, arguments) == 0
    return rules, dashboard


def test_rules_and_dashboard_ask_for_all_that_is_exported(written, capsys) -> None:
    yaml = pytest.importorskip("yaml")
    rules, dashboard = written
    made = yaml.safe_load(rules.read_text())["groups"][0]["rules"]
    assert [each["alert"] for each in made] == [each[0] for each in ALERTS]
    panels = json.loads(dashboard.read_text())["panels"]
    asked = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    asked += " ".join(each["expr"] for each in made)
    for name in (*METRICS, "offbeat_rows_total"):
        assert name in asked or name == "offbeat_score", name
    assert cli.run(cli.app, ["monitoring"]) == 2
    assert "give --rules or --dashboard" in capsys.readouterr().err


def test_promtool_takes_the_rules_and_the_queries_of_the_dashboard(written, tmp_path) -> None:
    promtool, (rules, dashboard) = program("promtool"), written
    done = subprocess.run(
        [promtool, "check", "rules", rules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout
    panels = json.loads(dashboard.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    lines_ = ["groups:", "  - name: queries", "    rules:"]
    for number, query in enumerate(asked):  # as rules that record, which promtool parses
        plain = json.dumps(query.replace("$series", ".*"))
        lines_ += [f"      - record: q{number}", f"        expr: {plain}"]
    (tmp_path / "queries.yml").write_text("\n".join(lines_) + "\n")
    command = [promtool, "check", "rules", tmp_path / "queries.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


def test_the_dashboard_is_built_as_grafana_expects(written) -> None:
    made = json.loads(written[1].read_text())
    assert isinstance(made["schemaVersion"], int)
    assert isinstance(made["uid"], str)
    assert 0 < len(made["uid"]) <= 40
    assert made["title"]
    assert set(made["time"]) == {"from", "to"}
    variables = {each["name"]: each for each in made["templating"]["list"]}
    assert (variables["source"]["type"], variables["source"]["query"]) == (
        "datasource",
        "prometheus",
    )
    taken, numbers = set[tuple[int, int]](), list[int]()
    for panel in made["panels"]:
        numbers.append(panel["id"])
        assert panel["type"] == "timeseries"
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])
        }
        assert not cells & taken
        taken |= cells
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters) > 0
        for target in panel["targets"]:
            assert target["expr"]
            assert target["datasource"]["uid"] == "${source}"
            used = set(re.findall(r"\$\{?(\w+)", target["expr"]))
            assert used <= {*variables, "__rate_interval"}
    assert len(set(numbers)) == len(numbers)


def test_a_real_prometheus_scrapes_alerts_and_is_asked(tmp_path: Path, normal: Path) -> None:
    prometheus = program("prometheus")
    export, port = free_port(), free_port()
    assert cli.run(cli.app, ["monitoring", "--rules", str(tmp_path / "rules.yml")]) == 0
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        "scrape_configs:\n"
        f"  [{{job_name: o, static_configs: [{{targets: ['127.0.0.1:{export}']}}]}}]\n"
    )
    rows = records()
    off = next(i for i, row in enumerate(rows) if i > 100 and (row["pressure"] or 0) > 20) + 1
    (tmp_path / "in.ndjson").write_text(ndjson(rows[:off]))
    server = subprocess.Popen(
        [
            *(prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"),
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    to, out = [f"prometheus://127.0.0.1:{export}"], tmp_path / "out"
    exporting = Running(f"{tmp_path}/in.ndjson", to, [str(normal)])
    query = quote('offbeat_value{channel="flow"}')
    source = f"prometheus+http://127.0.0.1:{port}?query={query}&step=1s&since=5s&delay=1s"
    options = WatchOptions(first_delay=0.1, last_delay=0.2)
    try:
        with exporting, Running(source, [str(out)], learn=60, options=options):
            until(lambda: bool(firing(port)), "no alert fires")
            until(lambda: len(lines(out, "reading")) > 0, "nothing came from Prometheus")
    finally:
        server.terminate()
        server.wait()
    assert "offbeat_value{" in lines(out, "reading")[0]["series"]


def firing(port: int) -> list[str]:
    try:
        alerts = httpx.get(f"http://127.0.0.1:{port}/api/v1/alerts").json()["data"]["alerts"]
    except (httpx.HTTPError, ValueError, KeyError):
        return []
    return [each["labels"]["alertname"] for each in alerts if each["state"] == "firing"]
