
// Tables sort by a click on a heading, and back by another one. What is typed into
// the search leaves the rows that have it.
(() => {
  "use strict";
  const order = new Intl.Collator(document.documentElement.lang, {numeric: true, sensitivity: "base"});
  const key = cell => cell.dataset.sort ?? cell.firstElementChild.textContent;
  const rowsOf = body => [...body.rows].filter(row => row.className !== "group");
  // What is empty comes last, either way.
  const by = sign => ([a], [b]) => (a === "") - (b === "") || sign * order.compare(a, b);
  // A phone shows rows as cards, and a browser then forgets that they are a table's.
  const roles = {table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell"};
  // The rows of each group, then the groups by the first of their rows.
  const sort = (table, heads, column) => {
    const up = heads[column].getAttribute("aria-sort") !== "ascending";
    for (const head of heads) head.setAttribute("aria-sort", "none");
    heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
    const groups = [...table.tBodies].map(body => {
      const rows = rowsOf(body).map(row => [key(row.cells[column]), row]).sort(by(up ? 1 : -1));
      body.append(...rows.map(([, row]) => row));
      return [rows[0][0], body];
    });
    table.append(...groups.sort(by(up ? 1 : -1)).map(([, body]) => body));
  };
  const tables = [...document.querySelectorAll("table.sortable")];
  for (const table of tables) {
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

  const form = document.querySelector("form");
  if (!form) return;
  form.hidden = false; // without this script it would do nothing
  form.addEventListener("submit", event => event.preventDefault());
  const input = form.querySelector("input"), output = form.querySelector("output");
  const plain = text => text.toLocaleLowerCase(document.documentElement.lang);
  let index; // what each row can be found by: its own words, and those of its group
  const build = () => tables.map(table => ({
    section: table.closest("section"),
    groups: [...table.tBodies].map(body => ({
      body,
      rows: rowsOf(body).map(row => ({row, words: plain(row.textContent + " " + (body.querySelector(".group")?.textContent ?? ""))})),
    })),
  }));
  const search = () => {
    index ??= build();
    const asked = plain(input.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const {section, groups} of index) {
      let inTable = 0;
      for (const {body, rows} of groups) {
        let inGroup = 0;
        for (const {row, words} of rows) {
          const fits = asked.every(word => words.includes(word));
          row.hidden = !fits;
          inGroup += fits;
        }
        body.hidden = inGroup === 0;
        inTable += inGroup;
      }
      section.hidden = inTable === 0;
      found += inTable;
    }
    output.textContent = asked.length ? output.dataset.found.replace("{n}", found) : "";
  };
  input.addEventListener("input", search);
})();
