// The book: a row's actions open in a drawer, what is sent from it comes back in place. Without this file they are links and forms.
"use strict";
(function () {
  const drawer = document.getElementById("book-drawer");
  if (!drawer || !window.htmx) { return; }
  const body = document.getElementById("book-drawer-body");
  const fault = document.getElementById("book-drawer-error");
  const busy = document.getElementById("book-drawer-busy");
  const messages = document.getElementById("book-messages");
  let opener = "";

  function say(words) {
    fault.textContent = words;
    fault.hidden = !words;
  }
  function work(words) {
    busy.hidden = !words;
    if (words) { busy.querySelector("[data-words]").textContent = words; }
    drawer.setAttribute("aria-busy", String(Boolean(words)));
    body.querySelectorAll('[type="submit"]').forEach(function (button) { button.disabled = Boolean(words); });
  }
  function focusOn(element) {
    if (element) { element.focus(); }
  }
  // The row may have gone, where it no longer fits the filters: then the heading of the list takes the focus.
  function giveFocusBack() {
    focusOn(document.getElementById(opener) || document.getElementById("customers-heading"));
  }
  function wordsOf(request) {
    if (!request || !request.status) { return "The site does not answer. Nothing is lost: try again in a moment."; }
    if (request.status === 404) { return "This is no longer there, or no longer yours to see. Load the page anew."; }
    if (request.status === 403) { return "You may not do this, or your sign-in has ended. Load the page anew."; }
    return "The site could not do it (" + request.status + "). Try again; if it stays so, tell CS ops.";
  }

  document.body.addEventListener("htmx:configRequest", function (event) {
    const link = event.detail.elt;
    if (!link.hasAttribute("data-drawer")) { return; }
    opener = link.id;
    body.replaceChildren();
    say("");
    if (!drawer.open) { drawer.showModal(); }
    work("Loading …");
  });
  document.body.addEventListener("htmx:beforeRequest", function (event) {
    if (body.contains(event.detail.elt)) {
      say("");
      work("Saving …");
      messages.classList.remove("is-toast");
    }
  });
  document.body.addEventListener("htmx:beforeSwap", function (event) {
    const detail = event.detail;
    const answer = detail.xhr.responseText || "";
    if (detail.xhr.status === 422 && answer.includes('id="actions"')) {
      // A fault in what was typed: the forms again, with the fault beside it.
      detail.shouldSwap = true;
      detail.isError = false;
      detail.target = body;
      detail.selectOverride = "#actions";
      detail.swapOverride = "innerHTML";
      return;
    }
    const wanted = detail.target === body ? 'id="actions"' : 'id="book-live"';
    if (detail.shouldSwap && !answer.includes(wanted)) {
      detail.shouldSwap = false;
      work("");
      say("Your sign-in has ended. Load the page anew and sign in.");
    }
  });
  document.body.addEventListener("htmx:afterSwap", function (event) {
    const target = event.detail.target;
    if (target === body) {
      work("");
      focusOn(body.querySelector('[aria-invalid="true"], [autofocus]') || document.getElementById("actions-heading"));
    }
  });
  document.body.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target.id !== "book-live" || !drawer.open) { return; }
    work("");
    // A refusal: the drawer stays, with what was typed.
    const refusal = messages.querySelector(".error");
    if (refusal) {
      say(refusal.textContent.trim());
      messages.replaceChildren();
      focusOn(fault);
      return;
    }
    drawer.close();
    messages.classList.add("is-toast");
    giveFocusBack();
  });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:swapError"].forEach(function (name) {
    document.body.addEventListener(name, function (event) {
      work("");
      say(name === "htmx:timeout" ? "The site takes too long. Load the page anew to see whether it was done." : wordsOf(event.detail.xhr));
      if (drawer.open) { focusOn(fault); }
    });
  });

  drawer.addEventListener("click", function (event) {
    if (event.target === drawer || event.target.closest("[data-drawer-close]")) { drawer.close(); }
  });
  drawer.addEventListener("close", function () {
    if (document.activeElement === document.body || drawer.contains(document.activeElement)) { giveFocusBack(); }
  });
})();
