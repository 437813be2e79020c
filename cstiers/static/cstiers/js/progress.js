// Shows how far a job is. <div data-progress-url="…"> is asked every two seconds for JSON
// {status, done, total, message, note, finished}; when finished the page is loaded again to show the result.
"use strict";
(function () {
  function show(box, answer) {
    const bar = box.querySelector("progress");
    const words = box.querySelector("[data-progress-words]");
    const count = box.querySelector("[data-progress-count]");
    const note = box.parentElement.querySelector("[data-progress-note]");
    if (bar && answer.total) {
      bar.max = answer.total;
      bar.value = answer.done;
    }
    if (words && answer.message) { words.textContent = answer.message; }
    if (note && answer.note) { note.textContent = answer.note; }
    if (count && answer.total) { count.textContent = answer.done.toLocaleString() + " of " + answer.total.toLocaleString(); }
  }
  function follow(box) {
    let failures = 0;
    function ask() {
      window.fetch(box.dataset.progressUrl, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then(function (response) {
          if (!response.ok) { throw new Error(String(response.status)); }
          return response.json();
        })
        .then(function (answer) {
          failures = 0;
          show(box, answer);
          if (answer.finished) { window.location.reload(); } else { window.setTimeout(ask, 2000); }
        })
        .catch(function () {
          failures += 1;
          if (failures < 30) { window.setTimeout(ask, Math.min(2000 * failures, 15000)); }
        });
    }
    window.setTimeout(ask, 1000);
  }
  document.querySelectorAll("[data-progress-url]").forEach(follow);
})();
