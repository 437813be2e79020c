// The shell: theme button, sidebar and drawer, finding in the navigation, keyboard shortcuts, menus, confirmations.
"use strict";
(function () {
  const root = document.documentElement;

  function remember(key, value) {
    try { window.localStorage.setItem(key, value); } catch { /* private window: the choice lasts for this page */ }
  }

  // ---- theme: system, light, dark in turn
  const THEMES = ["auto", "light", "dark"];
  const THEME_WORDS = { auto: "as the system", light: "light", dark: "dark" };
  function nameTheme() {
    document.querySelectorAll("[data-theme-toggle]").forEach(function (button) {
      const words = "Theme: " + THEME_WORDS[root.dataset.theme] + ". Change";
      button.setAttribute("aria-label", words);
      button.title = words;
    });
  }
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-theme-toggle]")) { return; }
    root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    remember("cstiers.theme", root.dataset.theme);
    nameTheme();
  });
  nameTheme();

  // ---- sidebar: collapses on a desktop, slides in on a phone
  const sidebar = document.getElementById("sidebar");
  const opener = document.querySelector("[data-nav-toggle]");
  const narrow = window.matchMedia("(max-width: 960px)");

  function drawerOpen() { return root.classList.contains("nav-open"); }
  function setDrawer(open) {
    root.classList.toggle("nav-open", open);
    describeSidebar();
    if (open) {
      const first = sidebar.querySelector("a, button, input");
      if (first) { first.focus(); }
    } else if (opener) {
      opener.focus();
    }
  }
  function describeSidebar() {
    if (!opener) { return; }
    const shown = narrow.matches ? drawerOpen() : root.dataset.sidebar !== "closed";
    opener.setAttribute("aria-expanded", String(shown));
  }
  if (sidebar && opener) {
    opener.addEventListener("click", function (event) {
      event.preventDefault();
      if (narrow.matches) {
        setDrawer(!drawerOpen());
        return;
      }
      const closing = root.dataset.sidebar !== "closed";
      if (closing) { root.dataset.sidebar = "closed"; } else { delete root.dataset.sidebar; }
      remember("cstiers.sidebar", closing ? "closed" : "open");
      describeSidebar();
    });
    document.addEventListener("click", function (event) {
      if (event.target.closest("[data-nav-close]")) {
        event.preventDefault();
        setDrawer(false);
      }
    });
    document.addEventListener("keydown", function (event) {
      if (!drawerOpen()) { return; }
      if (event.key === "Escape") { setDrawer(false); }
      if (event.key === "Tab") { keepInside(event); }
    });
    narrow.addEventListener("change", function () { root.classList.remove("nav-open"); describeSidebar(); });
    describeSidebar();
    const current = sidebar.querySelector('[aria-current="page"]');
    // scrollIntoView would move the page as well; only the list of pages is to move.
    const list = sidebar.querySelector(".nav") || sidebar;
    if (current && current.offsetTop > sidebar.clientHeight - 140) { list.scrollTop = current.offsetTop - sidebar.clientHeight / 2; }
  }
  function keepInside(event) {
    const stops = Array.from(sidebar.querySelectorAll("a[href], button, input, summary")).filter(function (stop) {
      return stop.offsetParent !== null;
    });
    if (!stops.length) { return; }
    const first = stops[0];
    const last = stops[stops.length - 1];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
    if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
  }

  // ---- groups of the navigation stay as the person left them
  document.querySelectorAll(".nav-group[data-group]").forEach(function (group) {
    const key = "cstiers.nav." + group.dataset.group;
    let closed = null;
    try { closed = window.localStorage.getItem(key); } catch { closed = null; }
    if (closed === "closed" && !group.querySelector('[aria-current="page"]')) { group.open = false; }
    group.addEventListener("toggle", function () {
      if (!group.closest(".is-filtering")) { remember(key, group.open ? "open" : "closed"); }
    });
  });

  // ---- find a page by its name
  const finder = document.querySelector("[data-nav-find]");
  if (finder) {
    const nav = document.querySelector(".nav");
    finder.addEventListener("input", function () {
      const wanted = finder.value.trim().toLowerCase();
      let hits = 0;
      nav.classList.toggle("is-filtering", wanted !== "");
      nav.querySelectorAll(".nav-group, .nav-section").forEach(function (group) {
        let found = 0;
        group.querySelectorAll("li").forEach(function (item) {
          const fits = item.textContent.toLowerCase().includes(wanted);
          item.hidden = !fits;
          found += fits ? 1 : 0;
        });
        group.hidden = found === 0;
        if (wanted && found) { group.open = true; }
        hits += found;
      });
      nav.classList.toggle("has-hits", hits > 0);
    });
    finder.addEventListener("keydown", function (event) {
      if (event.key === "Enter") {
        const first = nav.querySelector("li:not([hidden]) a");
        if (finder.value.trim() && first) { event.preventDefault(); first.click(); }
      }
      if (event.key === "Escape") { finder.value = ""; finder.dispatchEvent(new Event("input")); }
    });
  }

  // ---- a table that fits keeps its head in sight; a wider one scrolls sideways, by keyboard too
  function nameOf(wrap) {
    const caption = wrap.querySelector("caption");
    const around = wrap.closest("details, .card, section, fieldset");
    const heading = caption || (around && around.querySelector("summary, h2, h3, legend"));
    return heading ? heading.textContent.trim().replace(/\s+/g, " ") : "Table";
  }
  function measureTables() {
    document.querySelectorAll(".table-wrap, .tabular-scroll").forEach(function (wrap) {
      const scrolls = wrap.scrollWidth > wrap.clientWidth + 1 || wrap.scrollHeight > wrap.clientHeight + 1;
      if (scrolls && !wrap.hasAttribute("tabindex")) {
        wrap.tabIndex = 0;
        wrap.setAttribute("role", "group");
        wrap.setAttribute("aria-label", nameOf(wrap));
      }
      if (!scrolls) { ["tabindex", "role", "aria-label"].forEach(function (name) { wrap.removeAttribute(name); }); }
    });
    document.querySelectorAll(".table-sticky").forEach(function (wrap) {
      wrap.classList.toggle("fits", wrap.firstElementChild.scrollWidth <= wrap.clientWidth + 1);
    });
  }
  measureTables();
  window.addEventListener("resize", measureTables);
  document.addEventListener("toggle", measureTables, true);
  if (document.fonts && document.fonts.ready) { document.fonts.ready.then(measureTables); }

  // ---- "/" goes to the search of the page, "?" shows which keys there are
  document.addEventListener("keydown", function (event) {
    if ((event.key !== "/" && event.key !== "?") || event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.target.closest("input, textarea, select, [contenteditable]")) { return; }
    if (event.key === "?") {
      const keys = document.getElementById("shortcuts");
      if (keys && keys.togglePopover) { keys.togglePopover(); }
      return;
    }
    const box = document.getElementById("searchbar") || document.querySelector("[data-search]");
    if (box) { event.preventDefault(); box.focus(); box.select(); }
  });

  // ---- menus made of <details> close on a click elsewhere and on Escape
  document.addEventListener("click", function (event) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (!menu.contains(event.target)) { menu.open = false; }
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // ---- a button or form with data-confirm asks first; a form is sent once
  document.addEventListener("submit", function (event) {
    const asking = (event.submitter && event.submitter.dataset.confirm) || event.target.dataset.confirm;
    if (asking && !window.confirm(asking)) {
      event.preventDefault();
      return;
    }
    if (event.target.hasAttribute("data-once")) {
      window.setTimeout(function () {
        event.target.querySelectorAll('[type="submit"]').forEach(function (button) { button.disabled = true; });
      }, 0);
    }
  });

  // ---- a select with data-autosubmit sends its form (filters)
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-autosubmit]")) { event.target.form.requestSubmit(); }
  });
})();
