// The parts of a tiering model: ordered rules (segments, touch levels, tiers), goals in order, guards.
import { conditions } from "./rule-editor-conditions.js";
import { button, checkbox, el, iconButton, numberField, select, textField } from "./rule-editor-dom.js";

/** A card with a heading, a note and what belongs to the whole part. */
export function card(part, title, note, ...body) {
  const heading = `rules-${part}`;
  return el("section", { class: "card rule-card", "aria-labelledby": heading },
    el("div", { class: "card-head" }, el("h2", { id: heading }, title), el("span", { class: "card-note" }, note)),
    el("ul", { class: "rule-faults", "data-faults": part }), body);
}

/** The tools at the end of a row: up, down, remove. `last` is the place of the last row that may move. */
export function rowTools(list, index, last, place, what, editor) {
  const move = (by, end) => () => {
    const [row] = list.splice(index, 1);
    list.splice(index + by, 0, row);
    editor.redraw(`${place(index + by)}.${end}`, `${what} is now number ${index + by + 1}.`);
  };
  const remove = () => {
    list.splice(index, 1);
    editor.redraw(index > 0 ? `${place(index - 1)}.remove` : `${place(0)}.add-row`, `${what} is removed.`);
  };
  return el("div", { class: "rule-tools" },
    iconButton(`Move ${what} up`, "up", `${place(index)}.up`, move(-1, "up"), index === 0),
    iconButton(`Move ${what} down`, "down", `${place(index)}.down`, move(1, "down"), index >= last),
    iconButton(`Remove ${what}`, "trash", `${place(index)}.remove`, remove));
}

/** Ordered rules, the first that fits wins; the last takes everyone else and stays. */
function rules(part, list, editor, { what, gives, fresh, add }) {
  const place = (index) => `${part}.${index}`;
  const last = list.length - 1;
  const row = (rule, index) => {
    const catchAll = index === last;
    const name = `${what} ${index + 1}`;
    const head = el("div", { class: "rule-head" },
      el("span", { class: "rule-number", "aria-hidden": "true" }, String(index + 1)),
      gives(rule, place(index)),
      el("span", { class: "rule-count", "data-count": place(index), "data-last": catchAll }),
      catchAll ? null : rowTools(list, index, last - 1, place, name, editor));
    const body = catchAll ? el("p", { class: "rule-else" }, "everyone else") : conditions(rule, place(index), editor, editor.catalogue.stages[part]);
    return el("div", { class: catchAll ? "rule rule-last" : "rule", role: "group", "aria-label": catchAll ? `${what} for everyone else` : name },
      head, body, el("ul", { class: "rule-faults", "data-faults": place(index) }));
  };
  const insert = () => {
    list.splice(last, 0, fresh());
    editor.redraw(`${place(last)}.gives`, `${what} ${last + 1} is added.`);
  };
  return [el("div", { class: "rules" }, list.map(row)), el("div", { class: "rule-foot" }, button(add, "plus", `${part}.0.add-row`, insert))];
}

/** A list in the document, with a last rule that takes everyone. */
function withCatchAll(doc, part, made) {
  if (!Array.isArray(doc[part])) { doc[part] = []; }
  const list = doc[part];
  const end = list[list.length - 1];
  if (!end || (Array.isArray(end.when) && end.when.length)) { list.push(made()); }
  return list;
}

export function segments(doc, editor) {
  const list = withCatchAll(doc, "segments", () => ({ name: "Everyone", when: [] }));
  const rename = (rule) => (name) => {
    rule.name = name;
    editor.changed();
  };
  return card("segments", "Segments", "what a customer is; the first rule that fits decides", rules("segments", list, editor, {
    what: "Segment",
    add: "Add a segment",
    fresh: () => ({ name: `Segment ${list.length}`, when: [] }),
    gives: (rule, place) => {
      const before = rule.name;
      const input = textField("Name of the segment", `${place}.gives`, rule.name, rename(rule), { class: "rule-name", maxlength: 200 });
      // Rules that ask for the segment follow once the name is finished: half a name may be another segment's.
      input.addEventListener("change", () => {
        editor.renameSegment(before, rule.name);
        editor.redraw();
      });
      return input;
    },
  }));
}

export function touch(doc, editor) {
  if (!Array.isArray(doc.touch)) {
    const start = () => {
      doc.touch = [{ touch: "high", when: [] }, { touch: "low", when: [] }];
      editor.redraw("touch.0.gives", "Touch level rules are added.");
    };
    return card("touch", "Touch level", "an axis of its own, worked out before the tier",
      el("div", { class: "rule-none" }, el("p", { class: "quiet" }, "This model decides the tier directly. With rules for the touch level, tier rules can ask for it."), button("Decide the touch level first", "plus", "touch.0.add-row", start)));
  }
  const list = withCatchAll(doc, "touch", () => ({ touch: "low", when: [] }));
  const drop = () => {
    delete doc.touch;
    editor.redraw("touch.0.add-row", "Touch level rules are removed.");
  };
  const body = rules("touch", list, editor, {
    what: "Touch rule",
    add: "Add a touch rule",
    fresh: () => ({ touch: editor.catalogue.touch_levels[0][0], when: [] }),
    gives: (rule, place) => select("Touch level given", `${place}.gives`, editor.catalogue.touch_levels, rule.touch, (level) => {
      rule.touch = level;
      editor.changed();
    }),
  });
  if (list.length === 1) { body[1].append(button("Do without touch rules", "trash", "touch.drop", drop)); }
  return card("touch", "Touch level", "an axis of its own; the first rule that fits decides", body);
}

export function tiers(doc, editor) {
  const offered = editor.catalogue.tiers.filter((tier) => !tier.retired).map((tier) => [tier.slug, `${tier.rank} · ${tier.name}`]);
  const lowest = offered.length ? offered[offered.length - 1][0] : "";
  const list = withCatchAll(doc, "tiers", () => ({ tier: lowest, when: [] }));
  return card("tiers", "Tiers", "from the top, the first rule that fits decides", rules("tiers", list, editor, {
    what: "Tier rule",
    add: "Add a tier rule",
    fresh: () => ({ tier: offered.length ? offered[0][0] : "", when: [] }),
    gives: (rule, place) => select("Tier given", `${place}.gives`, offered, rule.tier, (slug) => {
      rule.tier = slug;
      editor.changed();
    }),
  }));
}

export function goals(doc, editor) {
  const kinds = editor.catalogue.goal_kinds;
  const list = Array.isArray(doc.goals) ? doc.goals : [];
  const place = (index) => `goals.${index}`;
  const words = (slug) => (kinds.find(([each]) => each === slug) || [slug, slug])[1];
  const left = kinds.filter(([slug]) => !list.includes(slug));
  const add = (slug) => {
    list.push(slug);
    doc.goals = list;
    editor.redraw("goals.0.add-row", `${words(slug)} is number ${list.length}.`);
  };
  const row = (slug, index) => el("li", { class: "rule rule-short" },
    el("div", { class: "rule-head" }, el("span", { class: "rule-number", "aria-hidden": "true" }, String(index + 1)), el("strong", {}, words(slug)), el("span", { class: "rule-count" }), rowTools(list, index, list.length - 1, place, words(slug), editor)));
  const choose = left.length ? el("div", { class: "rule-foot" }, select("Add a goal kind", "goals.0.add-row", [["", "Add a goal kind …"], ...left], "", (slug) => { if (slug) { add(slug); } })) : null;
  return card("goals", "Goals by importance", "the first open goal of this list is the leading goal",
    list.length ? el("ol", { class: "rules" }, list.map(row)) : el("p", { class: "rule-none quiet" }, kinds.length ? "No order: the leading goal is the first open one by name." : "There is no goal kind yet."), choose);
}

export function guards(doc, editor) {
  if (!doc.guards || typeof doc.guards !== "object") { doc.guards = {}; }
  const found = doc.guards;
  const put = (name, value) => {
    found[name] = value;
    editor.changed();
  };
  const part = (name, defaults) => ({ ...defaults, ...(found[name] && typeof found[name] === "object" ? found[name] : {}) });
  const number = (name, key, words, defaults, unit) => {
    const put_ = (value) => put(name, { ...part(name, defaults), [key]: value });
    return el("span", { class: "guard-number" }, numberField(words, `guards.${name}.${key}`, part(name, defaults)[key], put_), el("span", { class: "quiet unit" }, unit));
  };
  const days = (name) => {
    const value = typeof found[name] === "number" ? found[name] : part(name, { days: 0 }).days;
    return el("span", { class: "guard-number" }, numberField(`${name.replace("_", " ")}: days`, `guards.${name}.days`, value, (typed) => put(name, typed === 0 || typed === "" ? null : { days: typed })), el("span", { class: "quiet unit" }, "days; 0 is off"));
  };
  const band = { points: 2, percent: 5 };
  const hasBand = found.dead_band !== null && found.dead_band !== false;
  const closed = (found.first_year && found.first_year.touch_levels) || [];
  const close = (level) => (on) => {
    const levels = editor.catalogue.touch_levels.map(([each]) => each).filter((each) => (each === level ? on : closed.includes(each)));
    put("first_year", levels.length ? { touch_levels: levels } : null);
    editor.redraw();
  };
  const line = (title, words, ...controls) => el("div", { class: "guard" }, el("div", { class: "guard-words" }, el("strong", {}, title), el("span", { class: "quiet" }, words)), el("div", { class: "guard-controls" }, controls));
  return card("guards", "Guards", "keep a change from happening yet",
    el("div", { class: "guards" },
      line("Paid floor", "never below the tier the customer pays for", checkbox("on", "guards.paid_floor", found.paid_floor !== false, (on) => put("paid_floor", on))),
      line("First year", "not into these touch levels before the first renewal", editor.catalogue.touch_levels.map(([level, words]) => checkbox(words, `guards.first_year.${level}`, closed.includes(level), close(level)))),
      line("Dead band", "no change this close to a bound", checkbox("on", "guards.dead_band", hasBand, (on) => {
        put("dead_band", on ? { ...band } : null);
        editor.redraw();
      }), hasBand ? [number("dead_band", "points", "Dead band: points", band, "points"), number("dead_band", "percent", "Dead band: percent", band, "% of an amount")] : null),
      line("Minimum stay", "so long in a tier, unless goals changed", days("minimum_stay")),
      line("Renewal freeze", "no step down so close before the renewal", days("renewal_freeze")),
      line("Change limit", "a run over both numbers waits for a manager", number("change_limit", "percent", "Change limit: percent of customers", { percent: 5, customers: 20 }, "% of customers"), number("change_limit", "customers", "Change limit: customers", { percent: 5, customers: 20 }, "customers"))));
}
