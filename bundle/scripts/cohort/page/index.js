// Sorts the table of cases by a column, and shows the rows that a reader asks for. Without it the page shows them all.
"use strict";
const table = document.getElementById("cases");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const controls = ["find", "above", "status"].map((name) => document.getElementById(name));

// The value by which a cell is sorted: its number if it has one, its text otherwise; what is empty comes last.
function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value !== undefined) return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  return cell.textContent.trim() || null;
}

function sortBy(head) {
  const column = head.cellIndex;
  const first = head.dataset.first || "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = head.getAttribute("aria-sort") === first ? other : first;
  for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const keyed = rows.map((row, place) => [valueOf(row, column), place, row]);
  keyed.sort(([a, m], [b, n]) => {
    if (a === null || b === null) return (a === null) - (b === null) || m - n;
    const less = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    return sign * less || m - n;
  });
  body.append(...keyed.map(([, , row]) => row));
}

function show() {
  const [find, above, status] = controls;
  const wanted = find.value.trim().toLowerCase();
  let number = 0;
  for (const row of rows) {
    const fits =
      (!wanted || row.textContent.toLowerCase().includes(wanted)) &&
      (!above.checked || row.dataset.above === "1") &&
      (!status.value || row.dataset.status === status.value);
    row.hidden = !fits;
    number += fits;
  }
  document.getElementById("shown").textContent = `${number} of ${rows.length} shown`;
}

for (const head of table.tHead.rows[0].cells) {
  const button = head.querySelector("button");
  if (button) button.addEventListener("click", () => sortBy(head));
}
for (const control of controls) control.addEventListener("input", show);
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
show();
