// Runs before the first paint: the theme and the sidebar as the person left them in this browser.
"use strict";
(function () {
  const root = document.documentElement;
  function remembered(key) {
    try { return window.localStorage.getItem(key); } catch { return null; }
  }
  const theme = remembered("cstiers.theme");
  root.dataset.theme = ["light", "dark", "auto"].includes(theme) ? theme : "auto";
  if (remembered("cstiers.sidebar") === "closed") {
    root.dataset.sidebar = "closed";
  }
  root.classList.add("js");
})();
