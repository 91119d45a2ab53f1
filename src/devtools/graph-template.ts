/** The inside of the element: what is constant of it. */
export const GRAPH_HTML = `<style>
:host {
  --graph-up: light-dark(#b35c00, #f2a649);
  --graph-down: light-dark(#0b6fb0, #56b4f0);
  --graph-accent: light-dark(#5b4bb5, #b4a5ff);
  --graph-warn: light-dark(#b3261e, #ff8577);
  --graph-line: light-dark(#d3dee6, #2a3b47);
  --graph-muted: light-dark(#536876, #8fa5b3);
  display: block;
  container-type: inline-size;
  min-width: 0;
  font: 12px / 16px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums;
}
:host([hidden]) { display: none }
.top { display: flex; align-items: center; gap: 8px; margin-bottom: 6px }
.state { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--graph-muted) }
button {
  font: inherit; color: inherit; background: none; cursor: pointer;
  border: 1px solid var(--graph-line); border-radius: 99px; padding: 3px 12px; min-height: 26px;
}
button:hover { border-color: var(--graph-muted) }
button[aria-pressed="true"] { border-color: var(--graph-accent); background: color-mix(in srgb, var(--graph-accent) 14%, transparent) }
:focus-visible { outline: 2px solid var(--graph-accent); outline-offset: 2px }
.plots { position: relative; outline-offset: 4px; touch-action: pan-y; cursor: crosshair }
canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none }
.lane { display: grid; grid-template-columns: 1fr auto; gap: 0 8px; padding-bottom: 8px }
.lane[hidden] { display: none }
.lane b { font-weight: 600 }
.lane span { text-align: right; white-space: nowrap }
.lane i { font-style: normal }
.p { white-space: pre }
.p.i { color: var(--graph-muted) }
th i { font-style: normal }
.up { color: var(--graph-up) }
.down { color: var(--graph-down) }
.plot { grid-column: 1 / -1; height: var(--graph-lane, 34px); margin-top: 2px }
.axis { display: flex; justify-content: space-between; color: var(--graph-muted); font-size: 10px; line-height: 12px; margin-top: -4px }
table { width: 100%; border-collapse: collapse; margin-top: 8px }
th { font-weight: 400; color: var(--graph-muted); font-size: 11px }
th, td { text-align: right; padding: 1px 0 1px 8px; white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0; overflow: hidden; text-overflow: ellipsis; max-width: 0; width: 34% }
tbody tr { border-top: 1px solid var(--graph-line) }
td:first-child i { font-style: normal; color: var(--graph-muted) }
@container (max-width: 379px) { .wide { display: none } }
</style>
<div class="top"><span class="state" role="status"></span><button type="button" aria-pressed="false">Pause</button></div>
<div class="plots" tabindex="0" role="slider" aria-label="Network history. Arrow keys look back, Escape returns, Space pauses." aria-valuemin="-15" aria-valuemax="0" aria-valuenow="0">
<div class="lane" data-lane="rtt"><b>Round trip</b><span></span><div class="plot"></div></div>
<div class="lane" data-lane="age" hidden><b>Newest state</b><span></span><div class="plot"></div></div>
<div class="lane" data-lane="loss"><b>Lost</b><span></span><div class="plot"></div></div>
<div class="lane" data-lane="traffic"><b>Traffic</b><span></span><div class="plot"></div></div>
<div class="lane" data-lane="waiting"><b>Waiting</b><span></span><div class="plot"></div></div>
<div class="axis"><span>−15 s</span><span>−10 s</span><span>−5 s</span><span>now</span></div>
<canvas aria-hidden="true"></canvas>
</div>
<table><thead><tr><th>channel</th><th><i class="up">↑</i>/s</th><th><i class="down">↓</i>/s</th><th>bytes/s</th><th class="wide">waiting</th><th>again</th></tr></thead><tbody></tbody></table>`
