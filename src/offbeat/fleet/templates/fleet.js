(function () {
  "use strict";

  var data = JSON.parse(document.getElementById("offbeat-data").textContent);
  var body = document.querySelector("#fleet-series tbody");
  if (!body) { return; }
  var heads = Array.from(document.querySelectorAll("#fleet-series th"));
  var search = document.getElementById("fleet-search");
  var count = document.getElementById("fleet-count");
  var previous = document.getElementById("fleet-previous");
  var next = document.getElementById("fleet-next");
  var PAGE = 50;
  var order = data.series.map(function (_, place) { return place; });
  var shown = order;
  var page = 0;

  function text(tag, value) {
    var made = document.createElement(tag);
    made.textContent = value;
    return made;
  }

  function cell(row, column, value) {
    var made = text("td", value);
    made.dataset.label = data.columns[column];
    if (data.numeric[column]) { made.className = "number"; }
    row.appendChild(made);
    return made;
  }

  function toggle(button, row, place) {
    var open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) { row.nextSibling.remove(); return; }
    var extra = document.createElement("tr");
    extra.className = "alarms";
    var held = document.createElement("td");
    held.colSpan = data.columns.length;
    var list = document.createElement("ul");
    (data.alarms[place] || []).forEach(function (line) { list.appendChild(text("li", line)); });
    var left = data.series[place][4] - (data.alarms[place] || []).length;
    if (left > 0) { list.appendChild(text("li", left.toLocaleString("en") + " more, milder ones are not in this file")); }
    held.appendChild(list);
    extra.appendChild(held);
    row.after(extra);
  }

  function lineOf(place) {
    var values = data.series[place];
    var row = document.createElement("tr");
    values.forEach(function (value, column) {
      if (column === 0) {
        var first = cell(row, 0, "");
        if (!values[4]) { first.textContent = value; return; }
        var button = text("button", value);
        button.type = "button";
        button.className = "open";
        button.setAttribute("aria-expanded", "false");
        button.addEventListener("click", function () { toggle(button, row, place); });
        first.appendChild(button);
        return;
      }
      cell(row, column, value === null ? "" : typeof value === "number" ? value.toLocaleString("en") + data.units[column] : value);
    });
    return row;
  }

  function draw() {
    var pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    body.replaceChildren.apply(body, shown.slice(page * PAGE, (page + 1) * PAGE).map(lineOf));
    var first = shown.length ? page * PAGE + 1 : 0;
    var last = Math.min((page + 1) * PAGE, shown.length);
    count.textContent = first.toLocaleString("en") + " to " + last.toLocaleString("en") + " of " + shown.length.toLocaleString("en");
    previous.disabled = page === 0;
    next.disabled = page === pages - 1;
  }

  function look() {
    var wanted = search.value.trim().toLowerCase();
    shown = order.filter(function (place) {
      return !wanted || data.series[place][0].toLowerCase().includes(wanted);
    });
    page = 0;
    draw();
  }

  heads.forEach(function (head, column) {
    head.querySelector("button").addEventListener("click", function () {
      var up = head.getAttribute("aria-sort") === "descending";
      heads.forEach(function (each) { each.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      order.sort(function (one, other) {
        var a = data.series[one][column], b = data.series[other][column];
        if (a === b) { return one - other; }
        if (a === null) { return 1; }
        if (b === null) { return -1; }
        return (a < b ? -1 : 1) * (up ? 1 : -1);
      });
      look();
    });
  });
  search.addEventListener("input", look);
  previous.addEventListener("click", function () { page -= 1; draw(); });
  next.addEventListener("click", function () { page += 1; draw(); });
  draw();
}());
