// A field to copy: <input data-copy> with a <button data-copy-button hidden> beside it. Without this script one marks and copies.
"use strict";
(function () {
  document.querySelectorAll("[data-copy]").forEach(function (field) {
    const place = field.closest(".field");
    const button = place.querySelector("[data-copy-button]");
    const said = place.querySelector("[data-copy-said]");
    field.addEventListener("focus", function () { field.select(); });
    if (document.activeElement === field) { field.select(); }
    if (!button || !navigator.clipboard) { return; }
    button.hidden = false;
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(field.value).then(
        function () { said.textContent = "Copied."; },
        function () { field.focus(); said.textContent = "Press Ctrl+C to copy it."; }
      );
    });
  });
})();
