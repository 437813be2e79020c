// The admin's lists on a phone: each cell learns the name of its column, so that a row can become a card.
"use strict";
(function () {
  const list = document.getElementById("result_list");
  if (list) {
    const names = Array.from(list.querySelectorAll("thead th")).map(function (head) {
      const cell = head.querySelector(".head-cell");
      if (!cell) { return ""; }
      const shown = cell.cloneNode(true);  // without how its numbers came
      shown.querySelectorAll(".traced-mark, .visually-hidden, [popover]").forEach(function (part) { part.remove(); });
      return shown.textContent.trim().replace(/\s+/g, " ");
    });
    list.querySelectorAll("tbody tr").forEach(function (row) {
      Array.from(row.children).forEach(function (cell, place) {
        if (cell.tagName === "TD" && names[place]) { cell.dataset.label = names[place]; }
      });
    });
  }
  // The autocomplete draws its own box; it gets the name of the field it stands for.
  function nameBoxes() {
    document.querySelectorAll("select.admin-autocomplete").forEach(function (select) {
      const box = select.nextElementSibling && select.nextElementSibling.querySelector(".select2-selection");
      if (!box) { return; }
      const label = select.labels && select.labels[0];
      const name = select.getAttribute("aria-label") || (label ? label.textContent.trim() : "");
      const shown = box.querySelector(".select2-selection__rendered");
      box.setAttribute("aria-label", name + (shown && shown.title ? ": " + shown.title : ""));
      box.removeAttribute("aria-labelledby");
      const search = box.querySelector("input.select2-search__field");
      if (search) { search.setAttribute("aria-label", name); }
      if (shown && shown.getAttribute("role")) { shown.setAttribute("aria-label", name); }
    });
  }
  // It draws when it finds the time, and again after each choice: whenever a piece of the form is new, name what is there.
  const form = document.getElementById("main");
  if (form) {
    new MutationObserver(nameBoxes).observe(form, { childList: true, subtree: true });
    nameBoxes();
  }

  // A field with an error gets the focus, so that nobody hunts for it.
  const wrong = document.querySelector(".form-cell.errors input, .form-cell.errors select, .form-cell.errors textarea");
  if (wrong) { wrong.focus(); }
})();
