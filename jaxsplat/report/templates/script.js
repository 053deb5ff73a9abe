for (const part of document.querySelectorAll("section.category")) {
  const list = part.querySelector(".queries");
  const rows = [...list.children];
  const buttons = [...part.querySelectorAll("button[data-filter]")];
  const kinds = part.querySelector("select[data-kind]");
  const parts = part.querySelector("select[data-parts]");
  const order = part.querySelector("select[data-order]");
  const count = part.querySelector(".count");
  let filter = "all";
  function show() {
    let shown = 0;
    for (const row of rows) {
      const fits = (filter === "all" || row.dataset.state.split(" ").includes(filter))
        && (kinds.value === "" || row.dataset.kind === kinds.value)
        && (!parts || parts.value === "" || row.dataset.shows === parts.value);
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
  if (parts) parts.addEventListener("change", show);
  for (const button of part.querySelectorAll("button[data-part]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      filter = "all";
      kinds.value = "";
      parts.value = button.dataset.part;
      show();
      list.scrollIntoView();
    });
  }
  part.querySelector(".tools").hidden = false;
  show();
  // The query is laid over the twin when it is first asked for.
  for (const wipe of part.querySelectorAll("input.wipe")) {
    wipe.hidden = false;
    wipe.addEventListener("input", () => {
      const twin = wipe.closest("figure");
      let over = twin.querySelector("img.over");
      if (!over) {
        const query = twin.parentElement.querySelector("img");
        over = document.createElement("img");
        over.className = "over";
        over.alt = "";
        over.src = query.src;
        twin.prepend(over);
      }
      over.style.clipPath = "inset(0 " + (100 - wipe.value) + "% 0 0)";
    });
  }
}
