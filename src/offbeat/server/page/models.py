"""Models: all there are, and the door for one that was trained elsewhere."""

from __future__ import annotations

from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.heading import address
from offbeat.server.page.pieces import card, cell, link, table, tag, words
from offbeat.server.page.visit import Visit
from offbeat.server.page.when import ago
from offbeat.server.records import ModelRecord
from offbeat.wording import cut_middle, plural

__all__ = ["models_view"]

MOST = 1000


async def models_view(visit: Visit) -> None:
    """All models, the newest first."""
    tools = head_line("Models", lead="What has learned, and where it cuts.")
    if visit.may_act:
        with tools, tag("label", "button", data_key="I", data_does="a model from a file"):
            words("span", "From a file")
            chosen = tag("input", "veil", type="file", accept=".offbeat", aria_label="Model file")
            chosen.on("change", js_handler=TAKE)
    models = await visit.ask(visit.bench.models.find, limit=MOST)
    if not models:
        with honest("No model yet", "Models come from trainings, or from the command line."):
            link("To the overview", "/", "button main")
        return
    series = {
        each.id: each.name for each in await visit.ask(visit.bench.series.find, limit=100_000)
    }
    with card(), table(("Model", "Detector", "Versions", "Cut", "Series", "Trained")):
        for model in models:
            _line(visit, model, series)


def _line(visit: Visit, model: ModelRecord, series: dict[str, str]) -> None:
    home = model.active.series_id
    if home is None:
        scored = visit.bench.detections.find(model_id=model.id, limit=1)
        home = scored[0].series_id if scored else None
    with tag("tr"):
        with tag("td"):
            if home in series and home is not None:
                link(cut_middle(model.name, 50), address(home, "/versions", model=model.id), "pick")
            else:
                words("span", cut_middle(model.name, 50))
            words("span", f"by {model.created_by}", "sub")
        cell(model.active.detector)
        cell(f"{model.active.number} in use, {plural(model.n_versions, 'version')}")
        cell(model.active.threshold)
        cell(cut_middle(series.get(home or "", "none yet"), 40))
        cell(ago(model.active.created_at))


TAKE = """(e) => {
  const file = e.target.files[0];
  if (!file) return;
  const name = encodeURIComponent(file.name.replace(/\\.offbeat$/, ""));
  offbeat.sendFile("/api/v1/models?name=" + name, file, () => location.reload());
  e.target.value = "";
}"""
