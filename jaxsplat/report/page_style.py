"""Style and script of the report page; it must work from a file, without a network."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1a1d21; --soft: #5c6570; --line: #dfe3e8;
  --accent: #2458c5; --bad: #b3261e; --bad-tint: #fdecea; --good: #1b6e3c;
  --good-tint: #e7f4ec; --warn: #8a5300; --warn-tint: #fdf2dd; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171b; --panel: #1d2126; --ink: #e6e8eb; --soft: #a0a8b2; --line: #343a42;
  --accent: #8ab0ff; --bad: #ff9d94; --bad-tint: #43201d; --good: #84d6a4;
  --good-tint: #17372a; --warn: #f0c27a; --warn-tint: #3d2f14; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 48px 0 12px; padding-top: 16px;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
p { margin: 6px 0; max-width: 80ch; }
a { color: var(--accent); }
.soft { color: var(--soft); }
.small { font-size: 13px; }
.tiles { display: grid; gap: 12px; margin: 24px 0;
  grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.tile { background: var(--panel); border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 24px; line-height: 1.3; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px;
  font-variant-numeric: tabular-nums; }
table.metrics { width: 100%; }
th, td { padding: 6px 8px; text-align: right; vertical-align: bottom;
  white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; line-height: 1.25;
  white-space: normal; }
tr.mean td { font-weight: 600; border-bottom: 0; }
td:first-child { max-width: 280px; overflow: hidden; text-overflow: ellipsis; }
.facts td { white-space: normal; overflow-wrap: anywhere; text-align: left; }
.facts td:first-child { color: var(--soft); white-space: nowrap; }
details { margin: 10px 0; }
summary { cursor: pointer; color: var(--accent); }
.columns { display: grid; gap: 8px 40px;
  grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }
.strip { display: block; width: 100%; height: auto; max-width: 860px; margin: 8px 0; }
.strip text { fill: var(--soft); font-size: 12px; }
.strip .axis { stroke: var(--line); }
.strip .limit { stroke: var(--ink); stroke-dasharray: 4 3; }
.strip .is-good { fill: var(--good); } .strip .is-defect { fill: var(--bad); }
.strip .is-unknown { fill: var(--soft); }
.scale { display: inline-block; vertical-align: middle; width: 160px; height: 12px;
  border-radius: 3px; margin: 0 8px; }
.tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center;
  margin: 16px 0 8px; }
.tools button, .tools select { font: inherit; font-size: 13px; padding: 4px 12px;
  color: var(--ink); background: var(--panel); border: 1px solid var(--line);
  border-radius: 6px; cursor: pointer; }
.tools button[aria-pressed=true] { background: var(--accent); color: var(--paper);
  border-color: var(--accent); }
.query { display: grid; grid-template-columns: 220px 1fr; gap: 20px; padding: 16px 0;
  border-bottom: 1px solid var(--line); content-visibility: auto;
  contain-intrinsic-size: auto 280px; }
.query[hidden] { display: none; }
.query h3 { font-size: 14px; margin: 0 0 8px; overflow-wrap: anywhere; }
.query dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px;
  margin: 10px 0 0; font-size: 13px; font-variant-numeric: tabular-nums; }
.query dt { color: var(--soft); } .query dd { margin: 0; overflow-wrap: anywhere; }
.pictures { display: grid; gap: 12px; align-items: start;
  grid-template-columns: repeat(4, minmax(0, 1fr)); }
figure { margin: 0; } figcaption { color: var(--soft); font-size: 12px; }
figure img, .blank { display: block; width: 100%; border-radius: 6px;
  border: 1px solid var(--line); }
.blank { aspect-ratio: 1; display: grid; place-items: center; background: var(--panel);
  color: var(--soft); font-size: 13px; text-align: center; padding: 8px; }
.tag { display: inline-block; border-radius: 5px; padding: 1px 8px; font-size: 13px;
  font-weight: 600; margin: 0 6px 4px 0; background: var(--panel); }
.tag.right { color: var(--good); background: var(--good-tint); }
.tag.wrong { color: var(--bad); background: var(--bad-tint); }
.tag.doubt { color: var(--warn); background: var(--warn-tint); }
.note { border-left: 3px solid var(--warn); padding-left: 10px; }
@media (max-width: 860px) { .query { grid-template-columns: 1fr; }
  .pictures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  main { padding: 20px 16px 48px; } }
@media print { .tools { display: none; } .query { break-inside: avoid;
  content-visibility: visible; } }
"""

SCRIPT = """
for (const part of document.querySelectorAll("section.category")) {
  const list = part.querySelector(".queries");
  const rows = [...list.children];
  const buttons = [...part.querySelectorAll("button[data-filter]")];
  const kinds = part.querySelector("select[data-kind]");
  const order = part.querySelector("select[data-order]");
  const count = part.querySelector(".count");
  let filter = "all";
  function show() {
    let shown = 0;
    for (const row of rows) {
      const fits = (filter === "all" || row.dataset.state.split(" ").includes(filter))
        && (kinds.value === "" || row.dataset.kind === kinds.value);
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = shown + " of " + rows.length;
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(button.dataset.filter === filter));
  }
  function sort() {
    const sign = order.value === "up" ? 1 : -1;
    const score = row => Number(row.dataset.score);
    const sorted = order.value === "name" ? rows
      : [...rows].sort((a, b) => sign * (score(a) - score(b)));
    list.append(...sorted);
  }
  for (const button of buttons)
    button.addEventListener("click", () => { filter = button.dataset.filter; show(); });
  kinds.addEventListener("change", show);
  order.addEventListener("change", sort);
  part.querySelector(".tools").hidden = false;
  show();
}
"""
