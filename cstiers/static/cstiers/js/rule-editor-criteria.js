// The score: criteria with their weight, scale and what a missing value means.
import { card, rowTools } from "./rule-editor-parts.js";
import { button, checkbox, el, field, iconButton, numberField, select, textField } from "./rule-editor-dom.js";

const NUMERIC = [["linear", "evenly from … to …"], ["log", "by powers from … to …"], ["steps", "in steps"], ["percentile", "percentile"]];
const NAMED = [["choices", "points by value"]];
const MISSING = [["share_out", "its weight is shared out"], ["points", "counts as … points"], ["undecided", "do not decide the customer"]];
const FRESH = {
  linear: () => ({ kind: "linear", low: 0, high: 100 }),
  log: () => ({ kind: "log", low: 1, high: 1000000 }),
  steps: () => ({ kind: "steps", below: 0, steps: [[50, 50], [100, 100]] }),
  percentile: () => ({ kind: "percentile", within: "everyone" }),
  choices: () => ({ kind: "choices", points: {}, other: 0 }),
};

export function criteria(doc, editor) {
  const list = Array.isArray(doc.criteria) ? doc.criteria : (doc.criteria = []);
  const place = (index) => `criteria.${index}`;
  const stage = editor.catalogue.stages.criteria;
  const add = () => {
    const first = editor.attributes(stage).find((each) => each.kind === "number" && each.unit === "points") || editor.attributes(stage)[0];
    list.push({ name: first.label, attribute: first.name, weight: 1, scale: FRESH[kinds(first)[0][0]](), missing: "share_out" });
    editor.redraw(`${place(list.length - 1)}.name`, `Criterion ${list.length} is added.`);
  };
  const row = (criterion, index) => el("div", { class: "rule", role: "group", "aria-label": `Criterion ${index + 1}` },
    el("div", { class: "rule-head" },
      el("span", { class: "rule-number", "aria-hidden": "true" }, String(index + 1)),
      textField("Name of the criterion", `${place(index)}.name`, criterion.name, (name) => {
        criterion.name = name;
        editor.changed();
      }, { class: "rule-name" }),
      el("span", { class: "badge badge-accent", "data-share": index }),
      el("span", { class: "rule-count", "data-known": index }),
      rowTools(list, index, list.length - 1, place, `criterion ${index + 1}`, editor)),
    fields(criterion, `Criterion ${index + 1}`, place(index), editor, stage),
    el("ul", { class: "rule-faults", "data-faults": place(index) }));
  return card("criteria", "Score", "0 to 100; each criterion gives points, weighted",
    list.length ? el("div", { class: "rules" }, list.map(row)) : el("p", { class: "rule-none quiet" }, "No score: the rules below decide by facts alone."),
    el("div", { class: "rule-foot" }, button("Add a criterion", "plus", "criteria.0.add-row", add)));
}

/** Shares of the weights, beside each criterion. */
export function shares(root, list) {
  const weights = (list || []).map((each) => (typeof each.weight === "number" ? each.weight : 0));
  const total = weights.reduce((sum, each) => sum + each, 0);
  root.querySelectorAll("[data-share]").forEach((badge) => {
    badge.textContent = total ? `${Math.round((100 * weights[Number(badge.dataset.share)]) / total)} %` : "0 %";
  });
}

function kinds(attribute) {
  return attribute.kind === "number" ? NUMERIC : NAMED;
}

function fields(criterion, called, place, editor, stage) {
  const attribute = editor.attribute(criterion.attribute) || { kind: "number", label: criterion.attribute };
  const scale = criterion.scale && typeof criterion.scale === "object" ? criterion.scale : (criterion.scale = FRESH[kinds(attribute)[0][0]]());
  const setAttribute = (name) => {
    const other = editor.attribute(name);
    if (criterion.name === attribute.label) { criterion.name = other.label; }
    criterion.attribute = name;
    if (kinds(other) !== kinds(attribute) || kinds(other) === NAMED) { criterion.scale = FRESH[kinds(other)[0][0]](); }
    editor.redraw();
  };
  const setMissing = (missing) => {
    criterion.missing = missing;
    delete criterion.points;
    if (missing === "points") { criterion.points = 50; }
    editor.redraw();
  };
  const put = (name) => (found) => {
    criterion[name] = found;
    editor.changed();
  };
  return el("div", { class: "rule-fields" },
    field("Attribute", select(`${called}: attribute`, `${place}.attribute`, editor.attributeOptions(stage, (each) => each.kind !== "date"), criterion.attribute, setAttribute)),
    field("Weight", numberField("Weight", `${place}.weight`, criterion.weight === undefined ? 1 : criterion.weight, put("weight"))),
    field("Scale", select("Scale", `${place}.kind`, kinds(attribute), scale.kind, (kind) => {
      criterion.scale = FRESH[kind]();
      editor.redraw();
    })),
    SCALES[scale.kind] ? SCALES[scale.kind](scale, `${place}.scale`, editor, attribute) : null,
    field("Missing value", select("Missing value", `${place}.missing`, MISSING, criterion.missing || "share_out", setMissing)),
    criterion.missing === "points" ? field("Points", numberField("Points for a missing value", `${place}.points`, criterion.points, put("points"))) : null);
}

function ends(scale, place, editor) {
  const put = (name) => (found) => {
    scale[name] = found;
    editor.changed();
  };
  return [
    field("0 points at", numberField("0 points at", `${place}.low`, scale.low, put("low"))),
    field("100 points at", numberField("100 points at", `${place}.high`, scale.high, put("high"))),
  ];
}

function steps(scale, place, editor) {
  const list = Array.isArray(scale.steps) ? scale.steps : (scale.steps = []);
  const row = (step, index) => el("li", {},
    "from", numberField(`Step ${index + 1}: from`, `${place}.${index}.from`, step[0], (found) => {
      step[0] = found;
      editor.changed();
    }),
    "on", numberField(`Step ${index + 1}: points`, `${place}.${index}.points`, step[1], (found) => {
      step[1] = found;
      editor.changed();
    }), "points",
    iconButton(`Remove step ${index + 1}`, "close", `${place}.${index}.remove`, () => {
      list.splice(index, 1);
      editor.redraw(`${place}.add`);
    }));
  const add = () => {
    list.push(["", ""]);
    editor.redraw(`${place}.${list.length - 1}.from`);
  };
  const below = numberField("Points below the first step", `${place}.below`, scale.below === undefined ? 0 : scale.below, (found) => {
    scale.below = found;
    editor.changed();
  });
  return el("div", { class: "rule-field-wide scale-list" }, el("span", { class: "scale-below" }, "below the first step", below, "points"), el("ul", {}, list.map(row)), button("Step", "plus", `${place}.add`, add));
}

function choices(scale, place, editor, attribute) {
  const points = scale.points && typeof scale.points === "object" ? scale.points : (scale.points = {});
  const fold = (word) => String(word).toLowerCase();
  const words = attribute.kind === "yes/no" ? [["yes", "yes"], ["no", "no"]] : editor.wordsOf(attribute);
  const shown = [...words.filter(([word]) => Object.keys(points).some((each) => fold(each) === fold(word)) || words.length <= 12), ...Object.keys(points).filter((each) => !words.some(([word]) => fold(word) === fold(each))).map((each) => [each, each])];
  const keyOf = (word) => Object.keys(points).find((each) => fold(each) === fold(word)) || word;
  const left = words.filter(([word]) => !shown.some(([each]) => each === word));
  const row = ([word, label]) => el("li", {}, el("span", { class: "scale-word" }, label), numberField(`Points of ${label}`, `${place}.${word}`, points[keyOf(word)], (found) => {
    if (found === "") { delete points[keyOf(word)]; } else { points[keyOf(word)] = found; }
    editor.changed();
  }, { placeholder: "as others", "data-optional": true }), "points");
  const add = left.length ? select("Another value", `${place}.add`, [["", "Another value …"], ...left], "", (word) => {
    if (word) { points[word] = 50; }
    editor.redraw(`${place}.${word}`);
  }, { "data-optional": true }) : null;
  const asMissing = scale.other === undefined || scale.other === null;
  const others = el("span", { class: "scale-below" }, "all others", asMissing ? null : numberField("Points of all other values", `${place}.other`, scale.other, (found) => {
    scale.other = found;
    editor.changed();
  }), asMissing ? null : "points", checkbox("count as missing", `${place}.as-missing`, asMissing, (on) => {
    if (on) { delete scale.other; } else { scale.other = 0; }
    editor.redraw();
  }));
  return el("div", { class: "rule-field-wide scale-list" }, el("ul", {}, shown.map(row)), add, others);
}

function percentile(scale, place, editor) {
  const among = select("Among", `${place}.within`, [["everyone", "all active customers"], ["segment", "customers of the same segment"]], scale.within || "everyone", (within) => {
    scale.within = within;
    editor.changed();
  });
  const turned = checkbox("the lowest value gets most", `${place}.reverse`, Boolean(scale.reverse), (on) => {
    scale.reverse = on;
    editor.changed();
  });
  return [field("Among", among), el("div", { class: "rule-field" }, el("span", {}, "Direction"), turned)];
}

const SCALES = { linear: ends, log: ends, steps, choices, percentile };
