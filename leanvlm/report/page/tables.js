// Sort a table by a column when its header is clicked; without this script the table keeps its written order.

for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const isFalling = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", isFalling ? "descending" : "ascending");
      sortRows(table.tBodies[0], column, isFalling ? -1 : 1);
    });
  });
}

function sortRows(body, column, sign) {
  const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
  const isMissing = (text) => text === "" || text === "None";
  const order = (left, right) => {
    const [a, b] = [key(left), key(right)];
    if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b); // what is missing goes last, both ways
    const [x, y] = [Number(a), Number(b)];
    return sign * (Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y);
  };
  body.append(...[...body.rows].sort(order));
}
