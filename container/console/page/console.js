// The page: follows api/events, and draws what is looked at.
import { el, text, attribute, count } from "./dom.js";
import { model, apply } from "./model.js";
import { overview } from "./overview.js";
import { servicesView } from "./services.js";
import { breakersView, limitersView } from "./resources.js";
import { eventsView } from "./events.js";
import { policiesView } from "./policies.js";

// Operations of no service are shown as if each were one with a single method.
const operations = () => model.state.operations.map((o) => ({
  name: o.operation, type: "", policy: "", circuit_breakers: [...model.breakers.keys()].filter((b) => b === o.operation || b.startsWith(o.operation + "/")),
  state: model.breakers.get(o.operation)?.state || "closed", methods: [o],
}));

const views = {
  services: ["Services", () => servicesView("services", () => model.state.services), () => model.state.services.length],
  operations: ["Operations", () => servicesView("operations", operations), () => model.state.operations.length],
  breakers: ["Circuit breakers", breakersView, () => model.breakers.size],
  limiters: ["Limits", limitersView, () => model.limiters.size + model.bulkheads.size],
  events: ["Events", eventsView, () => model.log.length],
  policies: ["Policies", policiesView, null],
};
const names = Object.keys(views);
const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
const made = {};
let current = null;

for (const name of names) {
  const panel = el("div", { id: "view-" + name, role: "tabpanel", "aria-labelledby": "tab-" + name, hidden: true });
  main.append(panel);
  tabs.append(el("a", { id: "tab-" + name, href: "#" + name, role: "tab", "aria-controls": "view-" + name, "aria-selected": "false", tabindex: "-1" },
    views[name][0], el("span", { class: "tab-count" })));
}

function choose(name, focus) {
  if (!views[name]) name = model.state && !model.state.services.length && model.state.operations.length ? "operations" : "services";
  current = name;
  for (const n of names) {
    const chosen = n === name;
    const tab = document.getElementById("tab-" + n);
    attribute(tab, "aria-selected", String(chosen));
    attribute(tab, "tabindex", chosen ? "0" : "-1");
    document.getElementById("view-" + n).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  show();
  draw();
}

// show has the chosen tab in sight, where there is no room for all.
function show() {
  const tab = document.getElementById("tab-" + current)?.getBoundingClientRect();
  const room = tabs.getBoundingClientRect();
  if (!tab || (tab.left >= room.left && tab.right <= room.right)) return;
  tabs.scrollLeft += tab.left - room.left - Math.max(0, (room.width - tab.width) / 2);
}
addEventListener("resize", show);

tabs.addEventListener("keydown", (e) => {
  const to = { ArrowRight: 1, ArrowLeft: -1, Home: -names.length, End: names.length }[e.key];
  if (!to) return;
  e.preventDefault();
  const at = Math.abs(to) === names.length ? (to < 0 ? 0 : names.length - 1) : (names.indexOf(current) + to + names.length) % names.length;
  history.replaceState(null, "", "#" + names[at]);
  choose(names[at], true);
});
addEventListener("hashchange", () => choose(location.hash.slice(1)));

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) && e.target.type !== "checkbox";
  const view = made[current];
  if (e.key === "Escape" && typing) e.target.blur();
  if (typing) return;
  if (e.key === "/" && view?.search) {
    e.preventDefault();
    view.search.focus();
  } else if (e.key === "u" && view?.unhealthy) {
    view.unhealthy.click();
  } else if (names[e.key - 1]) {
    location.hash = names[e.key - 1];
    choose(names[e.key - 1], true);
  }
});

// Nothing moves under a pressed pointer: the click would be lost, or be another row's.
// Not for longer than three seconds, as browsers do not tell of each release.
let heldUntil = 0;
addEventListener("pointerdown", () => { heldUntil = performance.now() + 3000; }, true);
addEventListener("pointerup", () => { heldUntil = 0; }, true);

// draw updates the top and the view that is looked at; the rest when it is.
let drawing = false;
function draw() {
  if (drawing) return;
  const held = heldUntil - performance.now();
  if (held > 0) return setTimeout(draw, held);
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (!model.state) return;
    if (heldUntil > performance.now()) return draw();
    if (!current) return choose(location.hash.slice(1));
    overview();
    facts();
    if (!made[current]) {
      made[current] = views[current][1]();
      document.getElementById("view-" + current).append(made[current].element);
    }
    made[current].update();
    for (const n of names) text(document.querySelector("#tab-" + n + " .tab-count"), views[n][2] ? count(views[n][2]()) : "");
  });
}

function facts() {
  const p = model.state.profile;
  const parts = [];
  if (p.name) parts.push("profile " + p.name);
  if (model.controls.allowed) parts.push("you may steer, as " + model.controls.name);
  else parts.push("read-only");
  if (p.error || model.state.reloads.last_error) parts.push("the last reload was refused");
  text(document.getElementById("facts"), parts.join(" · "));
}

// Following. EventSource comes back by itself, and then hears everything anew.
const live = document.getElementById("live");
function say(is, what) {
  model.live = is;
  attribute(live, "class", is ? "live on" : "live off");
  text(live, what);
}

async function loadProfile() {
  try {
    const answer = await fetch("api/profile");
    if (answer.ok) model.profile = { ...(await answer.json()), at: Date.now() };
  } catch { /* the stream says that the application has gone */ }
  draw();
}

let reloads = "";
let heard = 0;
function follow() {
  const events = new EventSource("api/events");
  events.onopen = () => { model.log = []; };
  events.onerror = () => {
    say(false, "not live: the application can't be reached");
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  };
  for (const [name, change] of Object.entries(apply)) {
    events.addEventListener(name, (e) => {
      heard = Date.now();
      change(JSON.parse(e.data));
      say(true, "live");
      const now = model.state.reloads.succeeded + " " + model.state.reloads.failed;
      if (now !== reloads) {
        reloads = now;
        loadProfile();
      }
      draw();
    });
  }
}
setInterval(() => {
  if (model.live && Date.now() - heard > 15000) say(false, "not live: nothing came for " + Math.round((Date.now() - heard) / 1000) + " s");
  if (model.state && !document.hidden) draw(); // times go on
}, 1000);

const theme = document.getElementById("theme");
theme.value = document.documentElement.dataset.theme;
theme.addEventListener("change", () => {
  document.documentElement.dataset.theme = theme.value;
  try {
    localStorage.setItem("clad-theme", theme.value);
  } catch { /* nothing is kept in this browser */ }
});

follow();
