// Small pieces for the editor of tiering models: elements, buttons, fields, and a focus that survives a redraw.

/** An element; `on` holds listeners, `class` classes, everything else is an attribute (false and null leave it out). */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") {
      for (const [event, act] of Object.entries(value)) { node.addEventListener(event, act); }
    } else if (name === "class") {
      node.className = value;
    } else if (value === true) {
      node.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button with words. */
export function button(words, iconName, key, act) {
  return el("button", { type: "button", class: "btn btn-sm btn-quiet", "data-key": key, on: { click: act } }, icon(iconName), words);
}

/** A button that shows its icon only; `words` are its name. */
export function iconButton(words, iconName, key, act, disabled) {
  const attributes = { type: "button", class: "icon-button rule-tool", title: words, "aria-label": words, "data-key": key, disabled: Boolean(disabled), on: { click: act } };
  return el("button", attributes, icon(iconName));
}

/** A select; options are [value, words] or {label, options}. A value that is not offered is kept and shown. */
export function select(name, key, options, value, act, attributes) {
  const flat = options.flatMap((each) => (each.options ? each.options : [each]));
  const node = el("select", { "aria-label": name, "data-key": key, ...attributes, on: { change: () => act(node.value) } });
  const option = ([each, words]) => el("option", { value: each, selected: each === value }, words);
  if (!flat.some(([each]) => each === value)) { node.append(option([value === undefined || value === null ? "" : String(value), value ? `${value} (unknown)` : "Choose …"])); }
  for (const each of options) {
    node.append(each.options ? el("optgroup", { label: each.label }, each.options.map(option)) : option(each));
  }
  return node;
}

export function textField(name, key, value, act, attributes) {
  const node = el("input", { type: "text", "aria-label": name, "data-key": key, autocomplete: "off", ...attributes, on: { input: () => act(node.value) } });
  node.value = value === undefined || value === null ? "" : value;
  return node;
}

const NUMBER = /^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/;

/** "150,000" → 150000. What is no number stays as it was typed: the site says so, nothing is guessed. */
export function readNumber(text) {
  const typed = text.trim();
  return NUMBER.test(typed) ? Number(typed.replaceAll(",", "")) : typed;
}

export function numberWords(value) {
  return typeof value === "number" ? value.toLocaleString("en-GB", { maximumFractionDigits: 10 }) : String(value === undefined || value === null ? "" : value);
}

export function numberField(name, key, value, act, attributes) {
  const node = textField(name, key, numberWords(value), (text) => act(readNumber(text)), { inputmode: "decimal", class: "number", ...attributes });
  node.addEventListener("blur", () => { node.value = numberWords(readNumber(node.value)); });
  return node;
}

export function checkbox(words, key, checked, act, attributes) {
  const box = el("input", { type: "checkbox", "data-key": key, ...attributes, on: { change: () => act(box.checked) } });
  box.checked = checked;
  return el("label", { class: "rule-check" }, box, words);
}

/** A label above its field. */
export function field(words, control, wide) {
  return el("label", { class: wide ? "rule-field rule-field-wide" : "rule-field" }, el("span", {}, words), control);
}

/** Redraw `root` with `draw`, keeping the focus on the control with the same key (or the one asked for). */
export function redrawn(root, draw, key) {
  const active = root.contains(document.activeElement) ? document.activeElement : null;
  const wanted = key || (active && active.closest("[data-key]") && active.closest("[data-key]").dataset.key);
  const open = new Set(Array.from(root.querySelectorAll("details[open][data-key]"), (each) => each.dataset.key));
  root.replaceChildren(...draw());
  root.querySelectorAll("details[data-key]").forEach((each) => { each.open = each.open || open.has(each.dataset.key); });
  if (!wanted) { return; }
  const found = Array.from(root.querySelectorAll("[data-key]")).find((each) => each.dataset.key === wanted && !each.disabled);
  const nearby = wanted.replace(/\.(up|down)$/, (end) => (end === ".up" ? ".down" : ".up"));
  const other = Array.from(root.querySelectorAll("[data-key]")).find((each) => each.dataset.key === nearby && !each.disabled);
  const target = found || other;
  if (target) { target.focus({ preventScroll: false }); }
}
