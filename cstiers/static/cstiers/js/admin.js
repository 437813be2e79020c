// The admin's lists on a phone: each cell learns the name of its column, so that a row can become a card.
"use strict";
(function () {
  const list = document.getElementById("result_list");
  if (list) {
    const names = Array.from(list.querySelectorAll("thead th")).map(function (head) {
      const cell = head.querySelector(".head-cell");
      return cell ? cell.textContent.trim().replace(/\s+/g, " ") : "";
    });
    list.querySelectorAll("tbody tr").forEach(function (row) {
      Array.from(row.children).forEach(function (cell, place) {
        if (cell.tagName === "TD" && names[place]) { cell.dataset.label = names[place]; }
      });
    });
  }
  // A field with an error gets the focus, so that nobody hunts for it.
  const wrong = document.querySelector(".form-cell.errors input, .form-cell.errors select, .form-cell.errors textarea");
  if (wrong) { wrong.focus(); }
})();
