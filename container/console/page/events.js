// The event log.
import { el, text, attribute, keyed, clock, count } from "./dom.js";
import { model } from "./model.js";

const kinds = {
  transition: ["State", "state"], tripped: ["Opened by", "bad"], probed: ["Probe", "state"], attempt_failed: ["Failed", "bad"], retry: ["Retry", ""],
  rejected: ["Refused", "warn"], timeout: ["Timeout", "bad"], overrun: ["Overrun", "warn"], waited: ["Waited", ""], reload: ["Reload", "state"], control: ["Steered", "state"],
  hedged: ["Hedge", ""], hedge_won: ["Hedge won", ""], fell_back: ["Fallback", "warn"], stale: ["Old answer", "warn"], chaos: ["Chaos", "warn"], shared: ["Fleet", "state"],
};
const groups = {
  all: ["Everything", () => true],
  rare: ["States, reloads, controls, fleet", (e) => ["transition", "tripped", "reload", "control", "shared"].includes(e.kind)],
  failures: ["Failures", (e) => ["attempt_failed", "timeout", "overrun", "tripped"].includes(e.kind)],
  instead: ["Hedges, fallbacks, old answers", (e) => ["hedged", "hedge_won", "fell_back", "stale"].includes(e.kind)],
  refused: ["Refusals and waits", (e) => ["rejected", "waited"].includes(e.kind)],
};

export function eventsView() {
  const search = el("input", { type: "search", class: "search", "aria-label": "Search events", placeholder: "Search", oninput: () => update() });
  const group = el("select", { "aria-label": "Kind of events", onchange: () => update() }, ...Object.entries(groups).map(([value, [name]]) => el("option", { value }, name)));
  const pause = el("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    attribute(pause, "aria-pressed", String(paused));
    held = paused ? model.log : null;
    update();
  } }, "Hold still");
  const list = el("ol", { class: "log", reversed: true, "aria-label": "Events, the newest first" });
  const nothing = el("p", { class: "nothing" });
  const put = keyed(list, entry);
  let held = null;
  function update() {
    const words = search.value.toLowerCase();
    const some = (held || model.log).filter((e) => groups[group.value][1](e) && [e.subject, e.by, e.text, e.kind].join(" ").toLowerCase().includes(words));
    put(some, (e) => e.id);
    text(nothing, some.length ? "" : "Nothing of that kind has happened since the console looks.");
  }
  return { element: el("div", {}, el("div", { class: "tools" }, search, group, pause), list, nothing), update, search };
}

function entry(e) {
  const [name, tone] = kinds[e.kind] || [e.kind, ""];
  const at = new Date(e.at);
  const element = el("li", { class: "log-entry " + tone },
    el("time", { datetime: e.at, title: at.toLocaleString() }, clock(at)), el("span", { class: "kind" }, name),
    el("span", { class: "log-text" }, el("strong", {}, e.subject || "profile"), " ", e.text, e.by && e.kind === "control" ? " (" + e.by + ")" : "",
      e.times ? el("span", { class: "times" }, "×" + count(e.times)) : ""));
  return { element, update() {} };
}
