// Circuit breakers, rate limiters and bulkheads.
import { el, text, attribute, keyed, badge, span, clock, number, count, plural, seconds } from "./dom.js";
import { model, now } from "./model.js";
import { strip } from "./plots.js";
import { steer } from "./controls.js";

export function breakersView() {
  return view("circuit breakers", () => [...model.breakers.values()], (b) => rankOf(b) < 3, rankOf, breakerCard);
}

export function limitersView() {
  const limiters = view("rate limiters", () => [...model.limiters.values()], (l) => stateOf(l)[0] !== "ok", (l) => ({ steered: 0, failing: 1, ok: 2 })[stateOf(l)[0]], limiterCard);
  const list = el("ul", { class: "cards", "aria-labelledby": "bulkheads" });
  const section = el("section", { class: "bulkheads", "aria-labelledby": "bulkheads" }, el("h2", { id: "bulkheads" }, "Bulkheads"), list);
  const put = keyed(list, bulkheadCard);
  limiters.element.append(section);
  return {
    ...limiters,
    update() {
      limiters.update();
      section.hidden = model.bulkheads.size === 0;
      put([...model.bulkheads.values()], (b) => b.name);
    },
  };
}

// stateOf is how a limiter is. One that is shared holds few tokens, and none where
// nobody calls.
function stateOf(l) {
  if (l.mode !== "automatic") return ["steered", "limit changed"];
  if (l.shared) return l.shared.alone ? ["failing", "alone"] : ["ok", "shared"];
  return l.tokens < 1 ? ["failing", "used up"] : ["ok", "has room"];
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

// shared says what is known of the fleet that shares a breaker or a limiter.
function shared(s) {
  if (!s) return "";
  const heard = s.listening ? "hears of what the others find" : s.heard ? "the store answered " + span(now() - new Date(s.heard)) + " ago" : "the store has not answered yet";
  return " · " + (s.alone ? "goes on alone" : "shared by " + plural(s.instances, "instance", "instances")) + ", " + heard;
}

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
        (b.probeAt > now() ? " · next probe in " + span(b.probeAt - now()) : "") + (b.rejected ? " · refused " + count(b.rejected) : "") + shared(b.shared));
      text(f.more, b.last_trip ? "Last opened " + clock(new Date(b.last_trip.at)) + " by " + b.last_trip.operation + (b.last_trip.error ? ": " + b.last_trip.error : b.last_trip.slow ? ", as too many calls were slow" : "") : "Has not opened since the console looks.");
    },
  };
}

function limiterCard() {
  const f = frame(true);
  return {
    element: f.element,
    update(l) {
      f.set(l);
      f.state.set(...stateOf(l));
      f.plotted.level(model.limiterHistory.get(l.name) || [], model.steps);
      text(f.facts, (l.requests_per_period ? count(l.requests_per_period) + " per " + (l.per_s < 60 ? seconds(l.per_s) : span(l.per_s * 1000).replace(/ 0 (s|min|h)$/, "")) : number(l.requests_per_second) + " a second, " + count(l.burst) + " at once") + " · " + number(Math.max(0, l.tokens)) + (l.shared ? " held here" : " left now") +
        (l.max_wait_s ? " · waits up to " + span(l.max_wait_s * 1000) : "") + (l.rejected ? " · refused " + count(l.rejected) : "") + shared(l.shared));
      text(f.more, l.mode !== "automatic" ? "Changed" + by(l.control) : l.shared ? "The plot shows how much of the burst this instance holds." : "The plot shows how much of the " + (l.requests_per_period ? "limit" : "burst") + " is left.");
    },
  };
}

function bulkheadCard() {
  const state = badge();
  const name = el("h3");
  const facts = el("p");
  const more = el("p", { class: "quiet", hidden: true });
  return {
    element: el("li", { class: "card" }, el("div", { class: "card-head" }, state.element, name), facts, more),
    update(b) {
      text(name, b.name);
      state.set(...(b.in_use >= b.max_concurrent ? ["failing", "full"] : ["ok", "has room"]));
      text(facts, count(b.in_use) + " of " + count(b.max_concurrent) + " in use · " + count(b.waiting) + " waiting" +
        (b.max_wait_s ? " · waits up to " + seconds(b.max_wait_s) : "") + (b.reserve ? " · " + number(100 * b.reserve) + " % for critical calls" : "") +
        (b.rejected ? " · refused " + count(b.rejected) : ""));
      const a = b.adaptive_limit;
      more.hidden = !a;
      if (a) {
        text(more, "Finds its limit from " + count(a.min) + " to " + count(a.max) + " by how long calls take" + (a.unloaded_s ? ": " + seconds(a.unloaded_s) + " without a queue" : ", which it has not measured yet") +
          (a.measuring ? "; it measures now, and lets in fewer." : "."));
      }
    },
  };
}
