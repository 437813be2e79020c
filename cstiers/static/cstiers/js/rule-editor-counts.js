// Live counts: the document as it stands is sent to the site, which computes with the real engine and stores nothing.
import { el, readNumber } from "./rule-editor-dom.js";
import { shares } from "./rule-editor-criteria.js";

const PAUSE = 400; // milliseconds without a key before the site is asked

const many = (number) => number.toLocaleString("en-GB");
const customers = (number) => `${many(number)} customer${number === 1 ? "" : "s"}`;

/** Of a rule: what is empty or no number; else what a fault names; else what the rule begins with. */
function faultyFields(row, faults, onlyBare) {
  const fields = Array.from(row.querySelectorAll("input:not([type=checkbox]):not([data-optional]), select:not([data-optional])"));
  const bare = (each) => each.value.trim() === "" || (each.classList.contains("number") && typeof readNumber(each.value) !== "number");
  const unpicked = Array.from(row.querySelectorAll("details.pick")).filter((each) => !each.querySelector("input:checked")).map((each) => each.querySelector("summary"));
  const wrong = [...fields.filter(bare), ...unpicked];
  if (wrong.length || onlyBare) { return wrong; }
  const words = faults.map((fault) => fault.words.toLowerCase()).join(" ");
  const named = fields.filter((each) => each.tagName === "SELECT" && each.selectedOptions.length && / attribute$/.test(each.getAttribute("aria-label")) && words.includes(each.selectedOptions[0].text.toLowerCase()));
  return named.length ? named : fields.slice(0, 1);
}

export class Counts {
  constructor(form, root, summary, url) {
    Object.assign(this, { form, root, summary, url, timer: 0, asked: null, answer: null, refused: root.hasAttribute("data-refused") });
    // What is saved or published is no longer a draft to count: the site would refuse to.
    document.addEventListener("submit", () => this.stop());
    window.addEventListener("pagehide", () => this.stop());
  }

  stop() {
    window.clearTimeout(this.timer);
    if (this.asked) { this.asked.abort(); }
  }

  /** Ask after a pause; an answer that comes too late is thrown away. */
  later() {
    this.stop();
    this.root.classList.add("is-counting");
    this.summary.setAttribute("aria-busy", "true");
    this.timer = window.setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const asked = new AbortController();
    this.asked = asked;
    const body = new FormData();
    body.set("definition", this.form.elements.definition.value);
    body.set("csrfmiddlewaretoken", this.form.elements.csrfmiddlewaretoken.value);
    try {
      const response = await window.fetch(this.url, { method: "POST", body, credentials: "same-origin", signal: asked.signal, headers: { Accept: "application/json" } });
      if (!response.ok) { throw new Error(String(response.status)); }
      this.answer = await response.json();
    } catch (failed) {
      if (failed.name === "AbortError") { return; }
      this.answer = { faults: [{ words: "The counts could not be asked for. Saving still works.", part: "", index: -1 }], failed: true };
    }
    if (this.asked === asked) { this.paint(); }
  }

  /** Put the last answer beside the rules (after every redraw, too). */
  paint(settled = true) {
    const answer = this.answer;
    if (!answer) { return; }
    if (settled) {
      this.root.classList.remove("is-counting");
      this.summary.removeAttribute("aria-busy");
    }
    this.paintFaults(answer.faults);
    this.root.classList.toggle("is-stale", answer.faults.length > 0);
    if (!answer.faults.length) {
      const about = answer.about ? "about " : "";
      this.root.querySelectorAll("[data-count]").forEach((place) => this.paintRule(place, answer, about));
      this.root.querySelectorAll("[data-known]").forEach((place) => {
        const known = answer.criteria[Number(place.dataset.known)];
        place.textContent = known === undefined ? "" : `known for ${about}${many(known)} of ${many(answer.customers)}`;
      });
    }
    if (settled) { this.paintSummary(answer); }
    if (settled && this.refused) {
      this.refused = false;
      this.focusFirstFault();
    }
  }

  paintRule(place, answer, about) {
    const [part, index] = place.dataset.count.split(".");
    const count = (answer[part] || [])[Number(index)];
    if (!count) {
      place.textContent = "";
    } else if (place.hasAttribute("data-last")) {
      place.replaceChildren(el("strong", {}, `${about}${many(count.gets)}`), " left over");
    } else {
      place.replaceChildren(el("strong", {}, `${about}${many(count.matches)}`), ` match, ${about}${many(count.gets)} get it`);
      place.classList.toggle("is-nobody", count.gets === 0);
    }
  }

  paintFaults(faults) {
    this.root.querySelectorAll("[data-faults]").forEach((list) => {
      const [part, index] = list.dataset.faults.split(".");
      const here = faults.filter((fault) => fault.part === part && (index === undefined ? fault.index < 0 : fault.index === Number(index)));
      list.replaceChildren(...here.map((fault) => el("li", {}, fault.words)));
      if (index !== undefined || part === "guards") { this.markRow(list, here, index === undefined); }
    });
  }

  /** Fields of a faulty rule say so to those who cannot see it; what was counted before it became faulty goes. */
  markRow(list, faults, onlyBare) {
    const row = list.parentElement;
    row.querySelectorAll("[aria-invalid]").forEach((each) => {
      each.removeAttribute("aria-invalid");
      each.removeAttribute("aria-describedby");
    });
    if (!faults.length) { return; }
    row.querySelectorAll("[data-count], [data-known]").forEach((place) => {
      place.textContent = "";
      place.classList.remove("is-nobody");
    });
    list.id = `faults-${list.dataset.faults.replace(".", "-")}`;
    for (const each of faultyFields(row, faults, onlyBare)) {
      each.setAttribute("aria-invalid", "true");
      each.setAttribute("aria-describedby", list.id);
    }
  }

  /** After a refused save: the first field that is at fault. */
  focusFirstFault() {
    const field = this.root.querySelector("[aria-invalid]");
    if (field) { field.focus(); }
  }

  paintSummary(answer) {
    if (answer.faults.length) {
      const places = new Set(Array.from(this.root.querySelectorAll("[data-faults]"), (each) => each.dataset.faults));
      const shown = (fault) => places.has(fault.index < 0 ? fault.part : `${fault.part}.${fault.index}`);
      const rest = answer.faults.filter((fault) => !shown(fault));
      const words = rest.length ? rest.map((fault) => fault.words) : [`${answer.faults.length === 1 ? "One thing" : `${answer.faults.length} things`} to mend before this can be counted or saved; see beside the rules.`];
      const refused = this.root.hasAttribute("data-refused") ? el("p", { class: "summary-line" }, el("strong", {}, "Nothing is saved yet.")) : "";
      this.summary.replaceChildren(refused, el("ul", { class: "summary-faults" }, words.map((each) => el("li", {}, each))));
      return;
    }
    const about = answer.about ? "about " : "";
    const notes = [];
    if (answer.moves) { notes.push(answer.directions); }
    if (answer.first_tiers) { notes.push(`${many(answer.first_tiers)} get their first tier`); }
    if (answer.undecided) { notes.push(`${many(answer.undecided)} not decided`); }
    for (const held of answer.held) { notes.push(`${many(held.customers)} held by ${held.guard.toLowerCase()}`); }
    if (answer.over_limit) { notes.push("over the change limit: a manager would have to approve"); }
    const tier = (line) => el("li", {}, el("span", { class: `tier tier-${line.rank ? Math.min(line.rank, 6) : "retired"}` }, el("span", { class: "tier-mark", "aria-hidden": "true" }, String(line.rank || "")), line.name), el("span", { class: "num" }, ` ${many(line.now)} → `, el("strong", {}, many(line.then))));
    this.summary.replaceChildren(
      el("p", { class: "summary-line" }, el("strong", {}, `${about}${many(answer.moves)} of ${customers(answer.customers)} would change tier`), notes.length ? el("span", { class: "quiet" }, ` ${notes.join(" · ")}`) : null),
      el("ul", { class: "summary-tiers", tabindex: "0", "aria-label": "Customers by tier, now and then" }, answer.spread.map(tier)));
  }

  /** What is known without asking. */
  local(doc) { shares(this.root, doc.criteria); }
}
