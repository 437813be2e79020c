// Ticking rows of a list: <form data-rows> with <input type="checkbox" data-row> a row, one data-rows-page that ticks
// all of the page, one data-rows-all ("all that fit the filter"), and a data-rows-count that says how many are ticked.
// Without this script the boxes and buttons work as they are; only ticking a whole page at once is missing.
"use strict";
(function () {
  document.querySelectorAll("form[data-rows]").forEach(function (form) {
    // Of the form wherever they stand: a list whose rows have forms of their own has it above (<input form="…">).
    const rows = Array.from(form.elements).filter(function (part) { return part.matches("[data-row]"); });
    const page = form.querySelector("[data-rows-page]");
    const all = form.querySelector("[data-rows-all]");
    const count = form.querySelector("[data-rows-count]");
    function show() {
      const ticked = rows.filter(function (row) { return row.checked; }).length;
      const everything = Boolean(all && all.checked);
      if (page) {
        page.checked = ticked === rows.length && ticked > 0;
        page.indeterminate = ticked > 0 && ticked < rows.length;
        page.disabled = everything;
      }
      rows.forEach(function (row) { row.disabled = everything; });
      if (count) {
        count.textContent = everything ? all.dataset.rowsAll : ticked + (ticked === 1 ? " row" : " rows") + " ticked";
      }
    }
    if (page) {
      page.closest("label").hidden = false;
      page.addEventListener("change", function () {
        rows.forEach(function (row) { row.checked = page.checked; });
        show();
      });
    }
    form.addEventListener("change", show);
    rows.forEach(function (row) { if (!form.contains(row)) { row.addEventListener("change", show); } });
    show();
  });
})();
