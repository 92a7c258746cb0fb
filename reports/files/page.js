
// Tables sort by a click on a heading, and back by another one.
(() => {
  "use strict";
  const order = new Intl.Collator(document.documentElement.lang, {numeric: true, sensitivity: "base"});
  const key = cell => cell.dataset.sort ?? cell.firstElementChild.textContent;
  // A phone shows rows as cards, and a browser then forgets that they are a table's.
  const roles = {table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell"};
  const sort = (table, heads, column) => {
    const up = heads[column].getAttribute("aria-sort") !== "ascending";
    for (const head of heads) head.setAttribute("aria-sort", "none");
    heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map(row => [key(row.cells[column]), row]);
    // What is empty comes last, either way.
    rows.sort(([a], [b]) => (a === "") - (b === "") || (up ? 1 : -1) * order.compare(a, b));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const [tag, role] of Object.entries(roles)) {
      for (const element of [table, ...table.querySelectorAll(tag)]) {
        if (element.localName === tag) element.setAttribute("role", role);
      }
    }
    for (const head of table.querySelectorAll("tbody th")) head.setAttribute("role", "rowheader");
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, heads, column));
      const label = document.createElement("span"); // paper: browsers leave buttons out of headings that they repeat
      label.textContent = head.textContent;
      head.replaceChildren(button, label);
      head.setAttribute("role", "columnheader");
      head.setAttribute("aria-sort", "none");
    });
  }
})();
