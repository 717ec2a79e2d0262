// Circuit breakers and rate limiters.
import { el, text, attribute, keyed, badge, span, clock, number, count, plural } from "./dom.js";
import { model, now } from "./model.js";
import { strip } from "./plots.js";
import { steer } from "./controls.js";

export function breakersView() {
  return view("circuit breakers", () => [...model.breakers.values()], (b) => rankOf(b) < 3, rankOf, breakerCard);
}

export function limitersView() {
  return view("rate limiters", () => [...model.limiters.values()], (l) => l.tokens < 1 || l.mode !== "automatic", (l) => (l.mode !== "automatic" ? 0 : l.tokens < 1 ? 1 : 2), limiterCard);
}

const rankOf = (b) => (b.state === "open" ? 0 : b.state === "half-open" ? 1 : b.mode !== "automatic" ? 2 : 3);

function view(title, items, needs, rank, card) {
  const search = el("input", { type: "search", class: "search", "aria-label": "Search " + title, placeholder: "Search", oninput: () => update() });
  const unhealthy = el("input", { type: "checkbox", class: "unhealthy", onchange: () => update() });
  const shownCount = el("span", { class: "quiet", role: "status" });
  const list = el("ul", { class: "cards", "aria-label": title });
  const nothing = el("p", { class: "nothing" });
  const put = keyed(list, card);
  function update() {
    const all = items();
    const wanted = search.value.toLowerCase();
    const some = all.filter((i) => (!unhealthy.checked || needs(i)) && i.name.toLowerCase().includes(wanted));
    some.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    put(some, (i) => i.name);
    text(shownCount, some.length === all.length ? plural(all.length, "entry", "entries") : some.length + " of " + all.length);
    text(nothing, all.length === 0 ? "There are none." : some.length === 0 ? "Nothing matches." : "");
  }
  return { element: el("div", {}, el("div", { class: "tools" }, search, el("label", { class: "check" }, unhealthy, "Only what needs attention"), shownCount), list, nothing), update, search, unhealthy };
}

function frame(isLimiter) {
  const state = badge();
  const name = el("h3");
  const plotted = strip();
  const facts = el("p");
  const more = el("p", { class: "quiet" });
  let item;
  const button = el("button", { type: "button", class: "small", onclick: () => steer(item, isLimiter) }, "Steer…");
  const element = el("li", { class: "card" }, el("div", { class: "card-head" }, state.element, name, button), plotted.element, facts, more);
  return {
    element, state, plotted, facts, more,
    set(next) {
      item = next;
      text(name, next.name);
      attribute(button, "aria-label", "Steer " + next.name);
      button.hidden = !model.controls.allowed;
    },
  };
}

const by = (c) => (c ? " by " + c.by + ": " + c.reason + (c.until ? ", for another " + span(new Date(c.until) - now()) : ", until somebody ends it") : " by the application");

function breakerCard() {
  const f = frame(false);
  return {
    element: f.element,
    update(b) {
      f.set(b);
      const steered = b.mode !== "automatic";
      f.state.set(steered ? "steered" : { open: "down", "half-open": "testing", closed: "ok" }[b.state],
        b.mode === "forced_open" ? "forced open" : b.mode === "disabled" ? "disabled" : b.state);
      f.plotted.states(model.breakerHistory.get(b.name) || [], model.steps);
      const since = "since " + clock(new Date(b.since)) + ", for " + span(now() - new Date(b.since));
      text(f.facts, (steered ? (b.mode === "forced_open" ? "Refuses all calls" : "Lets all calls pass") + by(b.control) + ", " : "") + since +
        (b.probeAt > now() ? " · next probe in " + span(b.probeAt - now()) : "") + (b.rejected ? " · refused " + count(b.rejected) : ""));
      text(f.more, b.last_trip ? "Last opened " + clock(new Date(b.last_trip.at)) + " by " + b.last_trip.operation + (b.last_trip.error ? ": " + b.last_trip.error : "") : "Has not opened since the console looks.");
    },
  };
}

function limiterCard() {
  const f = frame(true);
  return {
    element: f.element,
    update(l) {
      f.set(l);
      const kind = l.mode !== "automatic" ? ["steered", "limit changed"] : l.tokens < 1 ? ["failing", "used up"] : ["ok", "has room"];
      f.state.set(...kind);
      f.plotted.level(model.limiterHistory.get(l.name) || [], model.steps);
      text(f.facts, number(l.requests_per_second) + " a second, " + count(l.burst) + " at once · " + number(Math.max(0, l.tokens)) + " left now" +
        (l.max_wait_s ? " · waits up to " + span(l.max_wait_s * 1000) : "") + (l.rejected ? " · refused " + count(l.rejected) : ""));
      text(f.more, l.mode !== "automatic" ? "Changed" + by(l.control) : "The plot shows how much of the burst is left.");
    },
  };
}
