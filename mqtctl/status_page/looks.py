"""Style sheet and script of the page; the same text always, so that their digests can be named in its policy."""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #5a5a5a; --paper: #fff; --grid: #dcdcdc; --line: #0072b2;
  --well: #1b6e3c; --over: #0b5394; --doubt: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --soft: #a5a5a5; --paper: #15181b; --grid: #33383d;
  --line: #56b4e9; } }
* { box-sizing: border-box; }
body { font: 16px/1.45 system-ui, "DejaVu Sans", Arial, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1200px; margin: 0 auto; padding: 0 14px 20px; }
.head { font-size: clamp(22px, 4.5vw, 38px); line-height: 1.2; font-weight: 700; color: #fff; margin: 12px 0;
  padding: 14px 16px; border-radius: 8px; overflow-wrap: anywhere; }
.well { background: var(--well); } .over { background: var(--over); } .doubt { background: var(--doubt); }
.bad { background: var(--bad); }
[hidden] { display: none; }
.simulated { border: 2px solid #d55e00; border-radius: 6px; padding: 6px 10px; margin: 10px 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 12px 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
small { color: var(--soft); display: block; }
code { font-size: 0.92em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 22px 0 8px; border-bottom: 1px solid var(--grid); }
.remarks { padding-left: 18px; margin: 6px 0; max-height: 260px; overflow-y: auto; }
.remarks time, figcaption, footer { color: var(--soft); font-size: 14px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 14px; }
figure { margin: 0; min-width: 0; } svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--soft); } svg text.axis { fill: var(--ink); }
.grid { stroke: var(--grid); } .bar { fill: var(--line); }
polyline { fill: none; stroke-width: 1.8; } .trace { stroke: var(--line); }
.target { stroke: #d55e00; stroke-dasharray: 5 4; stroke-width: 1.2; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 8px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; } td[colspan] { text-align: left; }
.open { color: var(--soft); } .now td { font-weight: 700; }
@media (max-width: 600px) { dl { grid-template-columns: 1fr; gap: 0; } dt { margin-top: 6px; font-size: 14px; } }
"""

SCRIPT = """
(function () {
  "use strict";
  var main = document.querySelector("main"), cut = document.getElementById("cut"), body = document.body;
  var ahead = body.dataset.now ? Date.parse(body.dataset.now) - Date.now() : 0, heard = Date.now();
  function inWords(s) {
    return s < 100 ? Math.round(s) + " s" : s < 6000 ? Math.round(s / 60) + " min"
      : s < 172800 ? (s / 3600).toFixed(1) + " h" : Math.round(s / 86400) + " d";
  }
  function tick() {
    document.querySelectorAll("[data-since]").forEach(function (place) {
      var age = (Date.now() + ahead - Date.parse(place.dataset.since)) / 1000;
      place.textContent = ", " + inWords(Math.max(age, 0)) + " ago";
    });
    if (body.dataset.events && Date.now() - heard > 25000) { cut.hidden = false; }
    document.title = cut.hidden ? main.querySelector("h1").textContent : cut.textContent;
  }
  if (body.dataset.events && window.EventSource) {
    if (location.search) { history.replaceState(null, "", location.pathname); }
    var source = new EventSource(body.dataset.events);
    source.onmessage = function (event) {
      var told = JSON.parse(event.data);
      heard = Date.now();
      ahead = Date.parse(told.now) - heard;
      cut.hidden = true;
      if (told.fragment) {
        var table = main.querySelector(".scroll"), at = table ? table.scrollLeft : 0;
        main.innerHTML = told.fragment;
        table = main.querySelector(".scroll");
        if (table) { table.scrollLeft = at; }
      }
      tick();
    };
    source.onerror = function () { cut.hidden = false; tick(); };
  }
  setInterval(tick, 1000);
  tick();
})();
"""
