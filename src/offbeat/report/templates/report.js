(function () {
  "use strict";

  var data = JSON.parse(document.getElementById("offbeat-data").textContent);
  var divs = Array.from(document.querySelectorAll(".figure"));
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var narrow = window.matchMedia("(max-width: 700px)");
  var touch = window.matchMedia("(pointer: coarse)");
  var printing = false;
  var current = -1;
  var following = false;

  /* A figure as its JSON has it, in the colours and margins of this screen. */
  function dressed(name) {
    var night = dark.matches && !printing;
    var text = JSON.stringify(data.figures[name]);
    if (night) {
      Object.keys(data.night).forEach(function (day) {
        text = text.replaceAll(day, data.night[day]);
      });
    }
    var figure = JSON.parse(text);
    figure.data.forEach(function (trace) {
      if (typeof trace.x === "number") { trace.x = figure.data[trace.x].x; }
    });
    var ink = getComputedStyle(document.documentElement).getPropertyValue("--figure-ink").trim();
    figure.layout.font = Object.assign({}, figure.layout.font, { color: printing ? "#333" : ink });
    if (narrow.matches) {
      figure.layout.margin = Object.assign({}, figure.layout.margin, { l: 40, r: 6 });
      figure.layout.font.size = 11;
    }
    if (touch.matches) { figure.layout.dragmode = false; }
    return figure;
  }

  function draw(div) {
    var figure = dressed(div.dataset.figure);
    var view = div.layout && div.dataset.time ? div.layout.xaxis.range : null;
    if (view) { figure.layout.xaxis.range = view.slice(); }
    if (div.dataset.log === "yes") { Object.assign(figure.layout.yaxis, { type: "log", dtick: 1, tickformat: "~g" }); }
    if (printing) { figure.layout.width = 690; }
    div.style.height = figure.layout.height + "px";
    var config = Object.assign({}, data.config, { displayModeBar: touch.matches ? false : "hover" });
    return Plotly.react(div, figure.data, figure.layout, config);
  }

  function logAxis(on) {
    return {
      "yaxis.type": on ? "log" : "linear",
      "yaxis.dtick": on ? 1 : null,
      "yaxis.tickformat": on ? "~g" : null,
      "yaxis.autorange": true
    };
  }

  function drawAll() { divs.forEach(draw); }

  /* Lowest and highest value that each y axis shows between two moments. */
  function heights(div, from, to) {
    var found = {};
    div._fullData.forEach(function (trace) {
      if (!trace.y || !trace.x || trace.visible !== true) { return; }
      var span = found[trace.yaxis] || (found[trace.yaxis] = [Infinity, -Infinity]);
      for (var i = 0; i < trace.y.length; i += 1) {
        var x = trace.x[i], y = trace.y[i];
        if (x === null || y === null || x < from || x > to) { continue; }
        if (y < span[0]) { span[0] = y; }
        if (y > span[1]) { span[1] = y; }
      }
    });
    return found;
  }

  function lookAt(from, to) {
    divs.filter(function (div) { return div.dataset.time; }).forEach(function (div) {
      var change = { "xaxis.range": [from, to] };
      if (div.dataset.fit) {
        var found = heights(div, from, to);
        Object.keys(found).forEach(function (axis) {
          var low = found[axis][0], high = found[axis][1];
          var key = axis.replace("y", "yaxis");
          if (!(high >= low) || div.layout[key].visible === false) { return; }
          if (div.layout[key].type === "log") { return; }
          var room = 0.06 * (high - low) || 0.5 * Math.abs(high) || 1;
          change[key + ".range"] = [low - room, high + room];
        });
      }
      follow(function () { return Plotly.relayout(div, change); });
    });
  }

  function lookAtAll() {
    divs.filter(function (div) { return div.dataset.time; }).forEach(function (div) {
      var change = { "xaxis.range": data.span.slice() };
      Object.keys(div.layout).forEach(function (key) {
        var keeps = div.layout[key].visible === false || div.dataset.fit !== "yes";
        if (/^yaxis\d*$/.test(key) && !keeps) { change[key + ".autorange"] = true; }
      });
      follow(function () { return Plotly.relayout(div, change); });
    });
    mark(-1);
  }

  function follow(change) {
    following = true;
    return Promise.resolve(change()).finally(function () { following = false; });
  }

  /* What a person zooms in one figure, the other figures over time show as well. */
  function linkZoom(div) {
    div.on("plotly_relayout", function (change) {
      if (following || printing) { return; }
      if (change["xaxis.range[0]"] !== undefined) {
        var range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
        divs.forEach(function (other) {
          if (other !== div && other.dataset.time) {
            follow(function () { return Plotly.relayout(other, { "xaxis.range": range.slice() }); });
          }
        });
      }
    });
    div.on("plotly_doubleclick", function () { lookAtAll(); return false; });
  }

  function mark(event) {
    current = event;
    document.querySelectorAll("tr[data-event]").forEach(function (row) {
      row.classList.toggle("here", Number(row.dataset.event) === event);
    });
    document.querySelectorAll("[data-go]").forEach(function (button) {
      var step = button.dataset.go;
      button.disabled = (step === "all" && event < 0) ||
        (step === "previous" && event <= 0) || (step === "next" && event >= data.events.length - 1);
    });
  }

  function showEvent(event, scroll) {
    var view = data.events[event];
    if (!view) { return; }
    lookAt(view[0], view[1]);
    mark(event);
    if (scroll) { document.getElementById("events").scrollIntoView({ block: "start" }); }
  }

  function sortBy(header) {
    var table = header.closest("table"), body = table.tBodies[0];
    var place = header.cellIndex;
    var up = header.getAttribute("aria-sort") !== "ascending";
    Array.from(table.tHead.rows[0].cells).forEach(function (cell) { cell.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    Array.from(body.rows).sort(function (a, b) {
      var one = a.cells[place].dataset.value, other = b.cells[place].dataset.value;
      var order = isNaN(one) || isNaN(other) ? String(one).localeCompare(other) : one - other;
      return up ? order : -order;
    }).forEach(function (row) { body.appendChild(row); });
  }

  document.addEventListener("click", function (click) {
    var button = click.target.closest("button");
    if (button && button.dataset.go === "all") { return lookAtAll(); }
    if (button && button.dataset.go) { return showEvent(current + (button.dataset.go === "next" ? 1 : -1), false); }
    if (button && button.dataset.log) {
      var div = document.querySelector('[data-figure="' + button.dataset.log + '"]');
      var log = div.dataset.log !== "yes";
      div.dataset.log = log ? "yes" : "no";
      button.setAttribute("aria-pressed", String(log));
      return Plotly.relayout(div, logAxis(log));
    }
    var header = click.target.closest("th");
    if (button && header) { return sortBy(header); }
    var row = click.target.closest("tr[data-event]");
    if (row && !window.getSelection().toString()) { showEvent(Number(row.dataset.event), true); }
  });

  window.addEventListener("beforeprint", function () {
    printing = true;
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
    drawAll();
  });
  window.addEventListener("afterprint", function () {
    printing = false;
    drawAll();
  });
  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);

  Promise.all(divs.map(draw)).then(function () {
    divs.filter(function (div) { return div.dataset.time; }).forEach(linkZoom);
    mark(-1);
    document.documentElement.dataset.drawn = "yes";
  });
}());
