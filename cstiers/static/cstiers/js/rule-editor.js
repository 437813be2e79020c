// The editor of a tiering model's draft. Without scripts the document is edited as text; here rules are built by choosing
// attribute, operator and value, and what is built is written into that text.
import { criteria } from "./rule-editor-criteria.js";
import { Counts } from "./rule-editor-counts.js";
import { el, redrawn } from "./rule-editor-dom.js";
import { goals, guards, segments, tiers, touch } from "./rule-editor-parts.js";

const CLOSED = new Set(["segment", "touch", "goals_ask_for", "goal", "open_goals", "paid_tier"]);
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Whether the document has the shape that can be shown as rules; what is in the rules the site judges. */
function canBeShown(doc) {
  const lists = ["segments", "criteria", "touch", "tiers"].map((part) => doc && doc[part]).filter((list) => list !== undefined);
  const clause = (each) => isObject(each) && (Array.isArray(each.any || each.all) ? (each.any || each.all).every(clause) : typeof each.attribute === "string");
  const row = (each) => isObject(each) && (each.when === undefined || (Array.isArray(each.when) && each.when.every(clause)));
  return isObject(doc) && lists.every((list) => Array.isArray(list) && list.every(row)) && (doc.goals === undefined || Array.isArray(doc.goals));
}

function start(root) {
  const form = root.closest("form");
  const text = form.elements.definition;
  const fold = document.getElementById("rule-text");
  const said = document.getElementById("rule-said");
  const catalogue = JSON.parse(document.getElementById("rule-catalogue").textContent);
  const attributes = new Map(catalogue.groups.flatMap((group) => group.attributes).map((each) => [each.name, each]));
  const counts = new Counts(form, root, document.getElementById("rule-summary"), root.dataset.countUrl);
  let doc = null;
  let dirty = root.hasAttribute("data-dirty");

  const editor = {
    catalogue,
    attribute: (name) => attributes.get(name),
    attributes: (stage) => Array.from(attributes.values()).filter((each) => usable(each, stage)),
    attributeOptions: (stage, also = () => true) => catalogue.groups
      .map((group) => ({ label: group.label, options: group.attributes.filter((each) => usable(each, stage) && also(each)).map((each) => [each.name, each.label]) }))
      .filter((group) => group.options.length),
    isClosedVocabulary: (attribute) => CLOSED.has(attribute.name),
    wordsOf: (attribute) => (attribute.name === "segment" ? (doc.segments || []).map((each) => [each.name, each.name]) : attribute.words || []),
    renameSegment(before, after) { eachCondition(doc, (clause) => { if (clause.attribute === "segment") { clause.value = renamed(clause.value, before, after); } }); },
    changed() {
      dirty = true;
      text.value = JSON.stringify(doc, null, 2);
      counts.local(doc);
      counts.later();
    },
    redraw(key, words) {
      redrawn(root, draw, key);
      if (words) { said.textContent = words; }
      editor.changed();
      counts.paint(false);
    },
  };
  // Tier rules read the touch level only where the model works it out.
  const usable = (attribute, stage) => attribute.stage <= stage && (attribute.name !== "touch" || (doc && Array.isArray(doc.touch)));
  const draw = () => [segments(doc, editor), criteria(doc, editor), touch(doc, editor), tiers(doc, editor), goals(doc, editor), guards(doc, editor)];

  function read() {
    try { doc = JSON.parse(text.value); } catch (unreadable) { doc = null; }
    const shown = doc !== null && canBeShown(doc);
    if (shown) {
      redrawn(root, draw);
      counts.local(doc);
    } else {
      root.replaceChildren(el("p", { class: "note note-warn" }, "This text cannot be shown as rules. Mend it below, as text."));
      fold.open = true;
    }
    counts.later();
  }

  text.addEventListener("change", () => {
    dirty = true;
    read();
  });
  form.addEventListener("submit", () => { dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) { event.preventDefault(); } });
  // What is published is what was saved.
  document.querySelectorAll(".object-tools form").forEach((other) => other.addEventListener("submit", (event) => {
    if (!dirty) { return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    sayUnsaved();
  }, true));
  if (!form.querySelector(".errors")) { fold.open = false; }
  document.body.classList.add("has-rule-editor");
  read();
  // The parts are built after the page was scrolled to where its address says.
  if (window.location.hash.startsWith("#rules-")) { document.getElementById(window.location.hash.slice(1))?.scrollIntoView(); }
}

/** At the top of the page, where the buttons are: nothing else lies over it. */
function sayUnsaved() {
  document.getElementById("rule-unsaved")?.remove();
  const note = el("p", { class: "note note-warn", id: "rule-unsaved", role: "alert", tabindex: "-1" }, "Save the draft first: what is published, copied or previewed is what was saved.");
  document.getElementById("content-main").prepend(note);
  note.focus({ preventScroll: true });
  note.scrollIntoView({ block: "center" });
}

function renamed(value, before, after) {
  if (Array.isArray(value)) { return value.map((each) => (each === before ? after : each)); }
  return value === before ? after : value;
}

function eachCondition(doc, act) {
  const walk = (clause) => ((clause.any || clause.all) ? (clause.any || clause.all).forEach(walk) : act(clause));
  for (const part of ["touch", "tiers"]) { (doc[part] || []).forEach((rule) => (rule.when || []).forEach(walk)); }
}

document.querySelectorAll("[data-rule-editor]").forEach(start);
