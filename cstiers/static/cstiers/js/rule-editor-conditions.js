// Conditions of a rule: attribute, operator, value; groups of which all or any must hold.
import { button, el, iconButton, numberField, select, textField } from "./rule-editor-dom.js";

const DEEPEST = 3; // the site reads deeper groups; nobody reads them on a screen
const MANY = new Set(["in", "not_in", "any_of", "all_of", "none_of"]);
const NO_VALUE = new Set(["known", "missing"]);
const RULES = { segments: "Segment", touch: "Touch rule", tiers: "Tier rule" };
const MODES = [["all", "all of these hold"], ["any", "any of these holds"]];

/** The conditions of `rule.when`; `place` is where they stand, such as "tiers.0". */
export function conditions(rule, place, editor, stage) {
  if (!Array.isArray(rule.when)) { rule.when = []; }
  const anyAlone = rule.when.length === 1 && Array.isArray(rule.when[0].any);
  const list = anyAlone ? rule.when[0].any : rule.when;
  const setMode = (mode) => {
    rule.when = mode === "any" ? [{ any: list }] : list;
    editor.redraw();
  };
  const emptied = () => { if (anyAlone && !list.length) { rule.when = []; } };
  const words = el("span", { class: "rule-if" }, "if");
  const head = list.length > 1 ? el("div", { class: "rule-mode" }, words, select("How many must hold", `${place}.mode`, MODES, anyAlone ? "any" : "all", setMode)) : null;
  return el("div", { class: "rule-when" }, head, clauses(list, `${place}.when`, editor, stage, 0, emptied), adders(list, `${place}.when`, editor, stage, 0));
}

function adders(list, place, editor, stage, depth) {
  const add = (made) => {
    list.push(made);
    editor.redraw(`${place}.${list.length - 1}.${made.attribute ? "attribute" : "mode"}`);
  };
  const fresh = () => freshCondition(editor, stage);
  return el("div", { class: "rule-add" },
    button("Condition", "plus", `${place}.add`, () => add(fresh())),
    depth < DEEPEST ? button("Group", "plus", `${place}.group`, () => add({ any: [fresh(), fresh()] })) : null);
}

function freshCondition(editor, stage) {
  const first = editor.attributes(stage)[0];
  return { attribute: first.name, op: editor.catalogue.ops[first.kind][0][0], value: freshValue(first) };
}

function freshValue(attribute, op) {
  if (op === "between") { return ["", ""]; }
  if (attribute.kind === "yes/no") { return true; }
  return attribute.kind === "set" || MANY.has(op) ? [] : "";
}

function clauses(list, place, editor, stage, depth, emptied) {
  return el("ul", { class: "clauses" }, list.map((clause, index) => {
    const remove = () => {
      list.splice(index, 1);
      emptied();
      editor.redraw(list.length ? `${place}.${Math.max(index - 1, 0)}.remove` : `${place}.add`);
    };
    const here = `${place}.${index}`;
    const inner = clause.any || clause.all;
    return el("li", { class: Array.isArray(inner) ? "clause clause-group" : "clause" },
      Array.isArray(inner) ? group(clause, here, editor, stage, depth + 1, remove) : condition(clause, here, editor, stage, remove));
  }));
}

function group(clause, place, editor, stage, depth, remove) {
  const mode = Array.isArray(clause.any) ? "any" : "all";
  const list = clause[mode];
  const setMode = (wanted) => {
    delete clause[mode];
    clause[wanted] = list;
    editor.redraw();
  };
  return [
    el("div", { class: "rule-mode" }, select("How many of the group must hold", `${place}.mode`, MODES, mode, setMode), iconButton("Remove the group", "trash", `${place}.remove`, remove)),
    clauses(list, place, editor, stage, depth, () => { if (!list.length) { remove(); } }),
    adders(list, place, editor, stage, depth),
  ];
}

/** "tiers.0.when.1.0" → "Tier rule 1, condition 2.1". */
function where(place) {
  const [part, rule, , ...places] = place.split(".");
  const number = (each) => Number(each) + 1;
  return `${RULES[part]} ${number(rule)}, condition ${places.map(number).join(".")}`;
}

function condition(clause, place, editor, stage, remove) {
  const attribute = editor.attribute(clause.attribute) || { name: clause.attribute, label: clause.attribute, kind: "number" };
  const ops = editor.catalogue.ops[attribute.kind];
  const setAttribute = (name) => {
    const other = editor.attribute(name);
    const sameKind = other.kind === attribute.kind && other.kind !== "choice" && other.kind !== "set";
    clause.attribute = name;
    if (!sameKind) {
      clause.op = editor.catalogue.ops[other.kind][0][0];
      clause.value = freshValue(other, clause.op);
    }
    editor.redraw();
  };
  const setOp = (op) => {
    const before = clause.value;
    const shape = (each) => (NO_VALUE.has(each) ? "none" : each === "between" ? "pair" : MANY.has(each) ? "many" : "one");
    if (shape(op) !== shape(clause.op)) {
      clause.value = freshValue(attribute, op);
      if (shape(op) === "many" && typeof before === "string" && before) { clause.value = [before]; }
      if (shape(op) === "one" && Array.isArray(before) && before.length) { clause.value = before[0]; }
      if (shape(op) === "pair" && !Array.isArray(before)) { clause.value = [before === undefined ? "" : before, ""]; }
      if (shape(op) === "none") { delete clause.value; }
    }
    clause.op = op;
    editor.redraw();
  };
  return [
    select(`${where(place)}: attribute`, `${place}.attribute`, editor.attributeOptions(stage), clause.attribute, setAttribute),
    select(`${attribute.label}: operator`, `${place}.op`, ops, clause.op, setOp),
    el("span", { class: "clause-value" }, NO_VALUE.has(clause.op) ? null : value(clause, attribute, place, editor)),
    iconButton(`Remove the condition on ${attribute.label}`, "close", `${place}.remove`, remove),
  ];
}

function value(clause, attribute, place, editor) {
  const set = (found) => {
    clause.value = found;
    editor.changed();
  };
  if (clause.op === "between") {
    const pair = Array.isArray(clause.value) ? clause.value : ["", ""];
    const put = (index) => (found) => {
      pair[index] = found;
      set([...pair]);
    };
    const end = (index, words) => bound(attribute, `${attribute.label}: ${words}`, `${place}.value.${index}`, pair[index], put(index), editor);
    return [end(0, "from"), el("span", { class: "quiet" }, "to"), end(1, "to below")];
  }
  if (attribute.kind === "yes/no") {
    return select(`${attribute.label}: yes or no`, `${place}.value`, [["true", "yes"], ["false", "no"]], String(clause.value), (found) => set(found === "true"));
  }
  if (attribute.kind === "number" || attribute.kind === "date") { return bound(attribute, attribute.label, `${place}.value`, clause.value, set, editor); }
  const words = editor.wordsOf(attribute);
  if (!MANY.has(clause.op)) { return one(attribute, `${place}.value`, clause, words, set); }
  return many(attribute, `${place}.value`, clause, words, set, editor);
}

function bound(attribute, name, key, found, set, editor) {
  if (attribute.kind === "date") { return textField(name, key, found, set, { type: "date" }); }
  const unit = { money: editor.catalogue.currency, points: "of 100", days: "days" }[attribute.unit];
  return [numberField(name, key, found, set), unit ? el("span", { class: "quiet unit" }, unit) : null];
}

/** One word: of those that customers have, or typed. */
function one(attribute, key, clause, words, set) {
  if (words.length) { return select(`${attribute.label}: value`, key, words, clause.value, set); }
  return textField(`${attribute.label}: value`, key, clause.value, set, { placeholder: "no customer has a value yet" });
}

/** Several words, ticked in a list; a word that nobody has yet can be added. */
function many(attribute, key, clause, words, set, editor) {
  const chosen = Array.isArray(clause.value) ? clause.value : [clause.value].filter(Boolean);
  const fold = (word) => String(word).toLowerCase();
  const has = (word) => chosen.some((each) => fold(each) === fold(word));
  const all = [...words, ...chosen.filter((each) => !words.some(([word]) => fold(word) === fold(each))).map((each) => [each, each])];
  const label = ([word, shown]) => (has(word) ? shown : null);
  const summary = el("summary", { class: "pick-summary" });
  const told = () => {
    const shown = all.map(label).filter(Boolean);
    summary.textContent = shown.length ? shown.join(", ") : "choose …";
    summary.setAttribute("aria-label", `${attribute.label}: ${shown.length ? shown.join(", ") : "nothing chosen yet"}`);
  };
  const toggle = (word, on) => {
    const rest = chosen.filter((each) => fold(each) !== fold(word));
    chosen.splice(0, chosen.length, ...rest, ...(on ? [word] : []));
    told();
    set([...chosen]);
  };
  const box = ([word, shown]) => {
    const input = el("input", { type: "checkbox", "data-key": `${key}.${word}`, on: { change: () => toggle(word, input.checked) } });
    input.checked = has(word);
    return el("label", { class: "rule-check" }, input, shown);
  };
  const typed = textField(`${attribute.label}: another value`, `${key}.other`, "", () => {}, { placeholder: "another value", "data-optional": true });
  const add = () => {
    const word = typed.value.trim();
    if (!word) { return; }
    chosen.push(...(has(word) ? [] : [word]));
    set([...chosen]);
    editor.redraw(`${key}.other`);
  };
  typed.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); add(); } });
  told();
  const closed = editor.isClosedVocabulary(attribute);
  return el("details", { class: "pick", "data-key": key, open: !chosen.length }, summary,
    el("div", { class: "pick-list", role: "group", "aria-label": `${attribute.label}: values` }, all.map(box),
      closed ? null : el("span", { class: "pick-other" }, typed, button("Add", "plus", `${key}.add`, add))));
}
