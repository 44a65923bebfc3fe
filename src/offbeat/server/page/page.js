/* What the page does by itself: colours, keys, messages, uploads, and the cut that all charts share. */
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function ground() {
    var chosen = localStorage.getItem("offbeat-ground");
    root.dataset.ground = chosen || (dark.matches ? "dark" : "light");
    window.dispatchEvent(new Event("offbeat-ground"));
  }
  ground();
  dark.addEventListener("change", ground);

  function say(text, kind) {
    var place = document.querySelector(".say");
    if (!place) { return; }
    var line = document.createElement("div");
    line.className = kind || "";
    line.textContent = text;
    place.append(line);
    setTimeout(function () { line.remove(); }, kind === "alert" ? 9000 : 4200);
  }

  /* The cut: moved by the slider, the keys or a chart; all of them follow at once. */
  function slider() { return document.getElementById("cut-slider"); }
  function cutAt(position, range) { return range.dataset.low * Math.pow(range.dataset.high / range.dataset.low, position / 1000); }
  function showCut(value) {
    window.offbeat.cut = Number(value);
    var range = slider();
    if (range && value > 0) {
      range.value = 1000 * Math.log(value / range.dataset.low) / Math.log(range.dataset.high / range.dataset.low);
      range.setAttribute("aria-valuetext", "cut at " + Number(value).toPrecision(4));
    }
    window.dispatchEvent(new CustomEvent("offbeat-cut", { detail: Number(value) }));
  }
  function slid(range) {
    var value = cutAt(range.value, range);
    showCut(value);
    return value;
  }

  function typing(target) {
    return target.closest && target.closest("input:not([type=range]), textarea, select, dialog");
  }
  function shown(element) { return element.getClientRects().length > 0 && !element.disabled; }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    var dialog = document.querySelector("dialog[open]");
    if (event.key === "Escape" && document.activeElement && typing(event.target)) { event.target.blur(); }
    if (dialog || typing(event.target)) { return; }
    var range = slider();
    var step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && range && event.target !== range) {
      range.value = Number(range.value) + step * (event.shiftKey ? 40 : 4);
      range.dispatchEvent(new Event("input", { bubbles: true }));
      event.preventDefault();
      return;
    }
    if (event.key === "?") { help(); return; }
    var found = Array.from(document.querySelectorAll("[data-key]")).find(function (each) {
      return each.dataset.key.toLowerCase() === event.key.toLowerCase() && shown(each);
    });
    if (!found) { return; }
    event.preventDefault();
    if (found.matches("input, select")) { found.focus(); } else { found.click(); }
  });

  /* The keys of this view are read from the view: the help cannot be out of date. */
  function help() {
    var dialog = document.getElementById("keys");
    var list = dialog.querySelector(".keys");
    list.textContent = "";
    function line(key, what) {
      var kbd = document.createElement("kbd"), text = document.createElement("span");
      kbd.textContent = key; text.textContent = what;
      list.append(kbd, text);
    }
    if (slider()) { line("← →", "move the cut; with Shift ten times as far"); }
    document.querySelectorAll("[data-key]").forEach(function (each) {
      if (shown(each)) { line(each.dataset.key, each.dataset.does || each.getAttribute("aria-label") || each.innerText.replace(/\s+/g, " ").trim()); }
    });
    line("Tab", "go through everything that can be used");
    line("?", "this list");
    dialog.showModal();
  }

  function token() { return localStorage.getItem("offbeat-csrf") || ""; }

  /* A file goes to the API as it is; what the server says of it is shown as it says it. */
  function upload(zone, file) {
    var line = zone.querySelector("[data-state]"), bar = zone.querySelector("progress");
    var request = new XMLHttpRequest();
    var name = file.name.replace(/\.(csv|tsv|txt|parquet|feather|arrow|jsonl?|ndjson|log)?(\.gz)?$/i, "") || file.name;
    line.className = "";
    line.textContent = "Reading " + file.name + " …";
    bar.hidden = false;
    request.open("POST", "/api/v1/series?name=" + encodeURIComponent(name));
    request.setRequestHeader("X-CSRF-Token", token());
    request.upload.onprogress = function (event) { if (event.lengthComputable) { bar.value = event.loaded / event.total; } };
    request.onload = function () {
      var answer = {};
      try { answer = JSON.parse(request.responseText); } catch (problem) { answer = {}; }
      if (request.status < 300 && answer.id) { location.href = "/series/" + answer.id + "/train"; return; }
      bar.hidden = true;
      line.className = "wrong";
      line.textContent = answer.detail || "The server answered " + request.status + ".";
    };
    request.onerror = function () {
      bar.hidden = true;
      line.className = "wrong";
      line.textContent = "The server could not be reached; nothing was taken in.";
    };
    request.send(file);
  }
  document.addEventListener("change", function (event) {
    var zone = event.target.closest(".drop");
    if (zone && event.target.files.length) { upload(zone, event.target.files[0]); event.target.value = ""; }
  });
  ["dragover", "dragleave", "drop"].forEach(function (kind) {
    document.addEventListener(kind, function (event) {
      var zone = document.querySelector(".drop");
      if (!zone || !event.dataTransfer || !Array.from(event.dataTransfer.types).includes("Files")) { return; }
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) { upload(zone, event.dataTransfer.files[0]); }
    });
  });

  /* Labels come in as a file; the server reads them like any other call. */
  function sendFile(path, file, done) {
    fetch(path, { method: "POST", body: file, headers: { "X-CSRF-Token": token() } }).then(function (answer) {
      return answer.json().then(function (body) {
        if (answer.ok) { done(body); } else { say(body.detail || "Refused.", "alert"); }
      });
    }).catch(function () { say("The server could not be reached.", "alert"); });
  }

  window.offbeat = {
    say: say, showCut: showCut, slid: slid, sendFile: sendFile, help: help,
    ground: function () {
      localStorage.setItem("offbeat-ground", root.dataset.ground === "dark" ? "light" : "dark");
      ground();
    },
    remember: function (query) {
      var url = location.pathname + (query ? "?" + query : "");
      if (url === location.pathname + location.search) { return; }
      history.replaceState(history.state, "", url);
    },
    leave: function () {
      fetch("/api/v1/session", { method: "DELETE", headers: { "X-CSRF-Token": token() } }).finally(function () {
        localStorage.removeItem("offbeat-csrf");
        location.href = "/login";
      });
    }
  };
})();
