"""The essence of the accuracy table as one picture, `docs/accuracy.png`.

Reads `benchmarks/results/accuracy_series.csv` and the published figures; needs Chromium, as the
browser tests do. Run it after `make bench-accuracy`: `python benchmarks/picture.py`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
from playwright.sync_api import sync_playwright

from accuracy import RESULTS, ROOT, family_means, published_means
from cases import FAMILIES, published_cases

WIDTH, HEIGHT = 1000, 420
BARS = {"ensemble": "#2F6BFF", "lstm": "#8FB2FF", "smoothed-z": "#D4D8DE"}
TITLES = {
    "ensemble": "Offbeat: the ensemble",
    "lstm": "Offbeat: LSTM alone",
    "smoothed-z": "smoothed |z|",
}
PUBLISHED = {"#F2A541": "best published of the family", "#B7BBC2": "published LSTM (LSTMAD)"}


def main() -> None:
    """Draw it, looking back as the published figures do."""
    table = pl.read_csv(RESULTS / "accuracy_series.csv")
    centred = table.filter(pl.col("look") == "centred")
    published = published_means(published_cases(), table)
    families = [f for f in FAMILIES if f in published["published LSTM (LSTMAD)"]]
    figure = go.Figure()
    for name, colour in BARS.items():
        means = family_means(centred.filter(pl.col("detector") == name), table)
        heights = [means[family] for family in families]
        figure.add_bar(x=families, y=heights, name=TITLES[name], marker_color=colour)
    for (title, means), colour in zip(reversed(published.items()), PUBLISHED, strict=True):
        assert PUBLISHED[colour] == title
        figure.add_bar(x=families, y=[means[f] for f in families], name=title, marker_color=colour)
    figure.update_layout(
        template="plotly_white",
        width=WIDTH,
        height=HEIGHT,
        margin={"l": 60, "r": 20, "t": 70, "b": 40},
        yaxis={"title": "mean VUS-PR", "range": [0, 0.9]},
        legend={"orientation": "h", "y": 1.18},
        font={"family": "sans-serif", "size": 14},
    )
    shoot(figure, ROOT / "docs" / "accuracy.png")


def shoot(figure: go.Figure, path: Path) -> None:
    """Open the figure in Chromium and keep what it shows."""
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_path = Path(folder) / "figure.html"
        figure.write_html(page_path, config={"displayModeBar": False})
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH + 16, "height": HEIGHT + 16}, device_scale_factor=2
        )
        page.goto(page_path.as_uri())
        page.wait_for_selector(".main-svg")
        page.screenshot(path=path)
        browser.close()
    print(path)


if __name__ == "__main__":
    main()
