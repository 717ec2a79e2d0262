// The services, and the operations that belong to none, with what they do.
import { el, text, attribute, keyed, badge, number, seconds, count, plural } from "./dom.js";
import { model, healthOf, together, sum } from "./model.js";
import { sparkline, plot } from "./plots.js";
import { tree } from "./policies.js";

const sorts = {
  worst: ["Worst first", (a, b) => a.health.rank - b.health.rank || b.recent.failed_per_second - a.recent.failed_per_second],
  name: ["Name", () => 0],
  calls: ["Most calls", (a, b) => b.recent.per_second - a.recent.per_second],
  failed: ["Most failures", (a, b) => b.recent.failed_per_second - a.recent.failed_per_second],
  slow: ["Slowest", (a, b) => b.recent.p99_s - a.recent.p99_s],
  retries: ["Most retries", (a, b) => b.recent.retries_per_second - a.recent.retries_per_second],
};

export function servicesView(title, items) {
  const search = el("input", { type: "search", class: "search", "aria-label": "Search " + title, placeholder: "Search", oninput: () => anew() });
  const sort = el("select", { "aria-label": "Sort by", onchange: () => anew() }, ...Object.entries(sorts).map(([value, [name]]) => el("option", { value }, name)));
  const unhealthy = el("input", { type: "checkbox", class: "unhealthy", onchange: () => anew() });
  const shownCount = el("span", { class: "quiet", role: "status" });
  // A finger that has gone still hovers, as browsers see it.
  let finger = false;
  const rows = el("div", { class: "rows", onpointerover: (e) => { finger = e.pointerType === "touch"; } });
  const nothing = el("p", { class: "nothing" });
  const head = el("div", { class: "row head", "aria-hidden": "true" }, ...["", "Name", "Last five minutes", "Calls/s", "Failed", "p50", "p99", "Retries/s", "Refused/s"].map((n) => el("span", {}, n)));
  const element = el("div", {}, el("div", { class: "tools" }, search, sort, el("label", { class: "check" }, unhealthy, "Only what needs attention"), shownCount), head, rows, nothing);
  const put = keyed(rows, row);
  let places = new Map(); // of the rows that are shown
  // While somebody points at the list, or is in it by keyboard, rows stay where they are.
  // A click leaves its focus behind, which is no reason: that is not visible.
  const kept = () => rows.querySelector(":focus-visible") || (!finger && rows.matches(":hover"));
  // anew sorts for whoever asks for other rows or another order.
  function anew() {
    places.clear();
    update();
  }
  function update() {
    if (!kept()) places.clear();
    const place = (s) => places.get(s.name) ?? Infinity;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = items().map((s) => ({ ...s, health: healthOf(s), recent: together(s.methods) }));
    const some = all.filter((s) => (!unhealthy.checked || s.health.rank < 6) &&
      words.every((w) => (s.name + " " + s.policy + " " + s.circuit_breakers.join(" ") + " " + s.health.word).toLowerCase().includes(w)));
    some.sort((a, b) => place(a) - place(b) || sorts[sort.value][1](a, b) || a.name.localeCompare(b.name));
    places = new Map(some.map((s, i) => [s.name, i]));
    put(some, (s) => s.name);
    text(shownCount, some.length === all.length ? plural(all.length, "entry", "entries") : some.length + " of " + all.length);
    text(nothing, all.length === 0 ? "There is nothing here yet: services come when something first needs them, operations when they first run." :
      some.length === 0 ? "Nothing matches." : "");
    head.hidden = some.length === 0;
  }
  return { element, update, search, unhealthy };
}

let ids = 0;

function row() {
  const id = "details-" + ++ids;
  const state = badge();
  const name = el("span", { class: "name" });
  const policy = el("span", { class: "quiet policy" });
  const spark = sparkline();
  const cells = ["calls", "failed", "p50", "p99", "retries", "refused"].map((c) => el("span", { class: "cell " + c }));
  const button = el("button", { type: "button", class: "row-name", "aria-expanded": "false", "aria-controls": id, onclick: toggle }, name, policy);
  const details = el("div", { class: "details", id, hidden: true });
  const element = el("article", { class: "entry" },
    el("div", { class: "row" }, state.element, button, spark.element, ...cells), details);
  let service;
  let inside = null;
  function toggle() {
    const open = button.getAttribute("aria-expanded") !== "true";
    attribute(button, "aria-expanded", String(open));
    details.hidden = !open;
    if (open) {
      inside = detail(service);
      details.replaceChildren(inside.element);
      inside.update(service);
    } else {
      inside = null;
      details.replaceChildren();
    }
  }
  return {
    element,
    update(next) {
      service = next;
      state.set(next.health.kind, next.health.word);
      text(name, next.name);
      text(policy, (next.critical ? "critical · " : "") + next.policy);
      spark.set(sum(next.methods.map((m) => m.operation)));
      figures(cells, next.recent);
      inside?.update(next);
    },
  };
}

function figures(cells, r) {
  const failed = r.per_second ? (100 * (r.failed_per_second || 0)) / r.per_second : 0;
  const said = [number(r.per_second || 0), failed ? number(failed) + " %" : "0 %", seconds(r.p50_s), seconds(r.p99_s), number(r.retries_per_second || 0), number(r.rejected_per_second || 0)];
  const names = ["calls a second", "failed", "median", "99th percentile", "retries a second", "refused a second"];
  cells.forEach((cell, i) => {
    text(cell, said[i]);
    attribute(cell, "title", said[i] + " " + names[i]);
    attribute(cell, "data-name", names[i]);
    attribute(cell, "data-zero", /^(0|0 %|–)$/.test(said[i]) ? "" : null);
  });
}

// detail is what unfolds: larger plots, the methods, and the policies.
function detail(service) {
  const ms = (n) => seconds(n / 1000);
  const perStep = (n) => number(n / model.step) + "/s";
  const plots = [
    [plot("Calls, and of them failed", [{ key: "calls", class: "calls" }, { key: "failed", class: "bad" }], perStep), (r) => number(r.per_second) + "/s"],
    [plot("How long: median and 99th percentile", [{ key: "p99_ms", class: "p99", line: true }, { key: "p50_ms", class: "p50", line: true }], ms), (r) => seconds(r.p50_s) + ", " + seconds(r.p99_s)],
    [plot("Retries", [{ key: "retries", class: "other" }], perStep), (r) => number(r.retries_per_second) + "/s"],
    [plot("Refused, by breakers and limits", [{ key: "rejected", class: "half" }], perStep), (r) => number(r.rejected_per_second) + "/s"],
  ];
  const facts = el("p", { class: "quiet facts-line" });
  const instead = el("p", { class: "facts-line instead" });
  const body = el("tbody");
  const put = keyed(body, methodRow);
  const table = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Methods of " + service.name },
    el("table", {}, el("caption", {}, "Since the application started, and of late"), el("thead", {}, el("tr", {},
      ...["Method", "Policy", "Last five minutes", "Calls", "Failed", "Answered no", "Cancelled", "Retries", "Refused", "Timeouts", "p50", "p99"].map((n) => el("th", { scope: "col" }, n)))), body));
  const policies = el("div", { class: "policies" });
  let drawn = "";
  return {
    element: el("div", {}, facts, instead, el("div", { class: "plots" }, ...plots.map(([p]) => p.element)), table, policies),
    update(s) {
      const rare = [["fallbacks", "handed to the fallback"], ["stale", "with an old answer"], ["hedges", "hedges"], ["hedges_won", "of them faster"], ["retry_budget", "retries beyond the budget"], ["shed", "shed"], ["chaos", "struck by chaos"]]
        .map(([key, said]) => [s.methods.reduce((n, m) => n + (m.totals[key] || 0), 0), said]).filter(([n]) => n).map(([n, said]) => count(n) + " " + said);
      text(facts, [s.type, s.constructor && s.constructor + " at " + s.at, s.circuit_breakers.length && "circuit breakers: " + few(s.circuit_breakers), partitions(s.partitions)].filter(Boolean).join(" · "));
      text(instead, rare.length ? "Since the start: " + rare.join(" · ") : "");
      instead.hidden = !rare.length;
      const points = sum(s.methods.map((m) => m.operation));
      for (const [p, say] of plots) p.set(points, say(s.recent));
      put(s.methods, (m) => m.operation);
      const used = [...new Set([s.policy, ...s.methods.map((m) => m.policy)])].filter((p) => p && p !== "none");
      const key = used.join("\0") + (model.profile ? model.profile.at : "");
      if (key !== drawn) {
        drawn = key;
        policies.replaceChildren(...used.map((p) => tree(["policies", p], p)).filter(Boolean));
      }
    },
  };
}

const few = (names) => (names.length > 8 ? names.slice(0, 8).join(", ") + " and " + count(names.length - 8) + " more" : names.join(", "));

function partitions(p) {
  return p && count(p.known) + " of " + count(p.max) + " partitions" + (p.open ? ", down: " + few(p.open) : "") + (p.dropped ? ", " + count(p.dropped) + " made room for others" : "");
}

function methodRow() {
  const name = el("th", { scope: "row" });
  const spark = sparkline();
  const cells = Array.from({ length: 10 }, () => el("td"));
  const element = el("tr", {}, name, cells[0], el("td", {}, spark.element), ...cells.slice(1));
  return {
    element,
    update(m) {
      text(name, m.name || m.operation);
      const t = m.totals;
      const guard = m.guard && m.guard !== "guarded" ? m.policy + " (" + m.guard.replaceAll("_", " ") + ")" : m.policy;
      const said = [guard || "", count(t.operations || 0), count(t.failed || 0), count(t.answered || 0), count(t.cancelled || 0), count(t.retries || 0),
        count((t.circuit_open || 0) + (t.rate_limited || 0) + (t.bulkhead_full || 0)), count(t.timeouts || 0), seconds(m.recent.p50_s), seconds(m.recent.p99_s)];
      cells.forEach((cell, i) => text(cell, said[i]));
      spark.set(sum([m.operation]));
    },
  };
}
