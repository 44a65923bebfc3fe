"""Files for Prometheus and Grafana: alerting rules, and a dashboard of what is exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from offbeat.io import atomic_path

__all__ = ["dashboard", "rules", "write_monitoring"]

ALERTS = (
    (
        "OffbeatAnomaly",
        'offbeat_event_open{kind="anomaly"} == 1',
        "0m",
        "warning",
        "{{ $labels.series }} is not as expected",
    ),
    (
        "OffbeatSevereAnomaly",
        "offbeat_severity > 3",
        "0m",
        "critical",
        "{{ $labels.series }} is far from what was expected: severity {{ $value }}",
    ),
    (
        "OffbeatNoData",
        'offbeat_event_open{kind="no data"} == 1',
        "0m",
        "warning",
        "nothing comes from {{ $labels.series }}",
    ),
    (
        "OffbeatStuck",
        'offbeat_event_open{kind="stuck"} == 1',
        "0m",
        "warning",
        "a channel of {{ $labels.series }} keeps one value",
    ),
    (
        "OffbeatDrift",
        'offbeat_event_open{kind="drift"} == 1',
        "0m",
        "info",
        "{{ $labels.series }} has moved away from what was learned: train again",
    ),
    ("OffbeatStill", "rate(offbeat_rows_total[5m]) == 0", "5m", "warning", "no rows are scored"),
    ("OffbeatGone", "absent(offbeat_rows_total)", "5m", "critical", "offbeat watch is not there"),
)
"""Name, expression, for how long, severity, summary."""


def rules() -> str:
    """Alerting rules for Prometheus, as YAML."""
    lines = ["groups:", "  - name: offbeat", "    rules:"]
    for name, expression, length, severity, summary in ALERTS:
        lines += [
            f"      - alert: {name}",
            f"        expr: {json.dumps(expression)}",  # JSON text is YAML text
            f"        for: {length}",
            "        labels:",
            f"          severity: {severity}",
            "        annotations:",
            f"          summary: {json.dumps(summary)}",
        ]
    return "\n".join(lines) + "\n"


def dashboard() -> dict[str, Any]:
    """A dashboard for Grafana, to be imported."""
    series = "label_values(offbeat_severity, series)"
    of_series = '{series=~"$series"}'
    panels = [
        _panel(1, "Severity: 1 is the limit", 0, 24, [f"offbeat_severity{of_series}"]),
        _panel(
            2,
            "Values, and what was expected of them",
            9,
            24,
            [f"offbeat_{each}{of_series}" for each in ("value", "expected", "lower", "upper")],
        ),
        _panel(3, "What is going on", 18, 12, [f"offbeat_event_open{of_series} == 1"]),
        _panel(4, "Rows a second", 18, 12, ["rate(offbeat_rows_total[5m])"], left=12),
    ]
    return {
        "uid": "offbeat",
        "title": "Offbeat",
        "tags": ["offbeat"],
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "type": "datasource", "query": "prometheus"},
                {
                    "name": "series",
                    "type": "query",
                    "datasource": _source(),
                    "query": {"query": series, "refId": "series"},
                    "definition": series,
                    "refresh": 2,
                    "multi": True,
                    "includeAll": True,
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": panels,
    }


def write_monitoring(rules_file: Path | None, dashboard_file: Path | None) -> list[Path]:
    """Write what is asked for; the files that were written."""
    texts = [(rules_file, rules()), (dashboard_file, json.dumps(dashboard(), indent=2) + "\n")]
    written = list[Path]()
    for path, text in texts:
        if path is not None:
            with atomic_path(path) as place:
                place.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _source() -> dict[str, str]:
    return {"type": "prometheus", "uid": "${source}"}


def _panel(
    number: int, title: str, y: int, width: int, queries: list[str], left: int = 0
) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": _source(),
        "gridPos": {"x": left, "y": y, "w": width, "h": 9},
        "targets": [
            {"refId": chr(ord("A") + i), "expr": query, "datasource": _source()}
            for i, query in enumerate(queries)
        ],
    }
