// The top of the page: what is down, since when, and what is done about it.
import { el, text, keyed, badge, span, clock, plural, number, count, attribute } from "./dom.js";
import { model, now, healthOf, sum, fleet, partitionedBy } from "./model.js";
import { plot } from "./plots.js";
import { steer } from "./controls.js";

const list = document.getElementById("incidents");
const verdict = document.getElementById("verdict");
const more = document.getElementById("verdict-more");
const advice = document.getElementById("advice");

// storeBreaker stands before the store that instances share.
const storeBreaker = "clad.store";

// manyPartitions of a service that are down are told of together.
const manyPartitions = 3;

// incidents are what needs attention, the worst first.
function incidents() {
  const found = [];
  const crowded = model.state.services.filter((s) => (s.partitions?.open || []).length > manyPartitions);
  for (const s of crowded) found.push({ key: "p " + s.name, rank: 1, partitioned: s });
  for (const b of model.breakers.values()) {
    if (b.state === "closed" && b.mode === "automatic") continue;
    if (b.state === "open" && b.mode === "automatic" && crowded.includes(partitionedBy(b))) continue;
    const services = model.state.services.filter((s) => s.circuit_breakers.includes(b.name));
    const critical = services.some((s) => s.critical);
    const rank = b.name === storeBreaker ? 3 : (b.state === "open" ? 0 : b.state === "half-open" ? 2 : 4) - (critical ? 1 : 0);
    found.push({ key: "b " + b.name, rank, breaker: b, services, critical, since: new Date(b.since) });
  }
  for (const l of model.limiters.values()) {
    if (l.mode !== "automatic") found.push({ key: "l " + l.name, rank: 5, limiter: l });
  }
  const apart = fleet().alone;
  if (apart.length) found.push({ key: "alone", rank: 3, alone: apart });
  const refused = model.state.reloads.last_error || model.state.profile.error;
  if (refused) found.push({ key: "reload", rank: 4, refused });
  for (const s of model.state.services) {
    const health = healthOf(s);
    if (health.kind === "failing") found.push({ key: "s " + s.name, rank: 6, service: s, health });
  }
  return found.sort((a, b) => a.rank - b.rank || (a.since || 0) - (b.since || 0));
}

const shown = keyed(list, () => {
  const state = badge();
  const name = el("strong", { class: "incident-name" });
  const since = el("span", { class: "quiet" });
  const done = el("p");
  const cause = el("p", { class: "cause" });
  const todo = el("p", { class: "todo" });
  let item;
  const button = el("button", { type: "button", class: "small", onclick: () => steer(item.breaker || item.limiter, !!item.limiter) }, "Steer…");
  const element = el("li", { class: "incident" },
    el("div", { class: "incident-head" }, state.element, name, since, button), done, cause, todo);
  return {
    element,
    update(next) {
      item = next;
      attribute(element, "class", "incident " + kindOf(item));
      attribute(button, "hidden", !model.controls.allowed || (!item.breaker && !item.limiter) ? "" : null);
      attribute(button, "aria-label", "Steer " + (item.breaker || item.limiter)?.name);
      const told = tell(item);
      state.set(told.kind, told.word);
      text(name, told.name);
      text(since, told.since);
      text(done, told.done);
      text(cause, told.cause || "");
      cause.hidden = !told.cause;
      text(todo, told.todo || "");
      todo.hidden = !told.todo;
    },
  };
});

const kindOf = (i) => (i.breaker?.name === storeBreaker ? "failing" : i.breaker ? (i.breaker.state === "open" ? "down" : i.breaker.state === "half-open" ? "testing" : "steered") : i.limiter ? "steered" : i.partitioned ? "down" : "failing");

function tell(i) {
  if (i.limiter) {
    const c = i.limiter.control;
    return {
      kind: "steered", word: "limit changed", name: i.limiter.name, since: "",
      done: "It lets " + number(i.limiter.requests_per_second) + " a second through, other than its settings say. " + ends(c, "the settings are in force again"),
      cause: c && "By " + c.by + ": " + c.reason,
    };
  }
  if (i.service) {
    const s = i.service;
    const failing = i.health.word === "failing";
    return {
      kind: "failing", word: i.health.word, name: s.name, since: "now",
      done: failing ? "Many of its calls fail. No circuit breaker is open: its policies retry what may be retried, and hand the rest to the callers." :
        "Some of its calls are refused by a limit, so that there are not more than it may have.",
      todo: failing ? "Look at what its calls fail of, under Events." : "",
    };
  }
  if (i.partitioned) {
    const p = i.partitioned.partitions;
    return {
      kind: "down", word: "down in part", name: i.partitioned.name, since: "",
      done: count(p.open.length) + " of " + count(p.known) + " partitions are down: " + some(p.open, 5) + ". Their calls are refused at once; the others go on.",
    };
  }
  if (i.refused) {
    const { last_at: at } = model.state.reloads;
    return {
      kind: "failing", word: "reload refused", name: model.state.profile.name ? "profile " + model.state.profile.name : "profile", since: at ? "since " + clock(new Date(at)) : "",
      done: "What is in force is older than what the files say: the last good profile stays.", cause: i.refused,
      todo: "Mend what it says; the next sound profile is put in force.",
    };
  }
  if (i.alone) {
    return {
      kind: "failing", word: "alone", name: some(i.alone, 5), since: heard(fleet().heard),
      done: "The store does not answer, so this instance goes by what it knows itself: a limit is divided by the instances last known, a circuit breaker decides alone. No call fails because of it.",
    };
  }
  const b = i.breaker;
  const names = partitionedBy(b) ? [] : i.services.map((s) => s.name);
  const told = {
    name: names.length ? (names.length > 3 ? plural(names.length, "service", "services") : names.join(", ")) : b.name,
    since: "since " + clock(new Date(b.since)) + ", for " + span(now() - new Date(b.since)) +
      (names.length && !(names.length === 1 && names[0] === b.name) ? " · circuit breaker " + b.name : "") + (i.critical ? " · critical" : ""),
  };
  const c = b.control;
  const trip = b.last_trip;
  told.cause = c ? "By " + c.by + ": " + c.reason :
    trip && b.mode === "automatic" ? "What opened it: " + (trip.slow ? "too many calls were slow, of " + trip.operation + " perhaps." : "a failure of " + trip.operation + (trip.error ? ": " + trip.error : ", a panic") + ".") : "";
  const refused = b.rejected ? plural(b.rejected, "call has", "calls have") + " been refused since. " : "";
  if (b.mode === "forced_open") {
    return { ...told, kind: "steered", word: "forced open", done: "Somebody has closed it off: all calls are refused at once. " + refused + ends(c, "it is automatic again") };
  }
  if (b.mode === "disabled") {
    return { ...told, kind: "steered", word: "unprotected", done: "Its circuit breaker is disabled: all calls pass, whatever comes of them. " + ends(c, "it is automatic again") };
  }
  if (b.state === "half-open") {
    return { ...told, kind: "testing", word: "being probed", done: "A few calls pass as probes; the rest are refused. If the probes succeed, it closes by itself. " + refused };
  }
  if (b.name === storeBreaker) {
    return { ...told, kind: "failing", word: "store away", done: "The store that the instances share is not asked until it answers a probe. What is shared goes on without it." };
  }
  const probe = b.probeAt > now() ? "Next probe in " + span(b.probeAt - now()) + ". " : "The next call is a probe. ";
  return {
    ...told, kind: "down", word: "down",
    done: "Calls are refused at once, so that nobody waits for it and it can recover. " + probe + refused,
  };
}

const heard = (at) => (at ? "the store answered " + span(now() - new Date(at)) + " ago" : "the store has not answered yet");

// some are the first of many names.
const some = (names, most) => (names.length > most ? names.slice(0, most).join(", ") + " and " + count(names.length - most) + " more" : names.join(", "));

function ends(control, what) {
  if (!control) return "The application did so, and ends it.";
  if (!control.until) return "It stays so until somebody ends it.";
  return "In " + span(new Date(control.until) - now()) + " " + what + ".";
}

const figures = document.getElementById("figures");
const plots = [
  { plot: plot("Calls", [{ key: "calls", class: "calls" }], perSecond), rate: "calls" },
  { plot: plot("Failed", [{ key: "failed", class: "bad" }], perSecond), rate: "failed" },
  { plot: plot("Retries", [{ key: "retries", class: "other" }], perSecond), rate: "retries" },
  { plot: plot("Refused", [{ key: "rejected", class: "half" }], perSecond), rate: "rejected" },
];
figures.append(...plots.map((p) => p.plot.element));

function perSecond(n) {
  return number(n / model.step) + "/s";
}

// rate is that of the last ten seconds.
const rate = (points, key) => points.slice(-5).reduce((all, p) => all + (p[key] || 0), 0) / Math.min(5, Math.max(1, points.length)) / model.step;

export function overview() {
  if (!model.state) return;
  const found = incidents();
  shown(found.slice(0, 50), (i) => i.key);
  const down = found.filter((i) => i.partitioned || (i.breaker?.state === "open" && i.breaker.name !== storeBreaker));
  const rest = found.length - down.length;
  const services = model.state.services.length;
  const what = down.length ? (down.length === 1 ? (down[0].partitioned ? "Partitions of " + down[0].partitioned.name + " are down" : nameOf(down[0]) + " is down") : down.length + " dependencies are down") :
    rest ? "Nothing is down, " + plural(rest, "thing needs", "things need") + " a look" :
      model.breakers.size || services ? "Everything works" : "Nothing is wrapped yet";
  text(verdict, what);
  attribute(verdict, "class", down.length ? "down" : rest ? "failing" : "ok");
  const parts = [plural(services, "service", "services"), plural(model.breakers.size, "circuit breaker", "circuit breakers"), plural(model.limiters.size, "rate limiter", "rate limiters"), plural(model.bulkheads.size, "bulkhead", "bulkheads")];
  const shares = fleet();
  const storeAway = (model.breakers.get(storeBreaker)?.state ?? "closed") !== "closed";
  text(more, parts.join(", ") + " watched. " + (model.state.ready ? "The application is ready." : "The application is not ready: something critical is down.") +
    (shares.together.length ? " " + some(shares.together, 3) + (shares.together.length === 1 ? " is" : " are") + " shared by " + plural(shares.instances, "instance", "instances") + ", " + (storeAway ? heard(shares.heard) + ", and is away." : shares.listening ? "each hears of what the others find." : heard(shares.heard) + ".") : "") +
    (found.length > 50 ? " The worst 50 of " + found.length + " are listed." : ""));
  text(advice, down.length ? "What to do: see to what is called, not to this application. When that works again, a probe finds out and calls pass by themselves; nothing here wants a restart." : "");
  document.title = (down.length ? "(" + down.length + " down) " : "") + "clad";
  const all = sum(model.operations.keys());
  for (const p of plots) p.plot.set(all, number(rate(all, p.rate)) + "/s");
}

const nameOf = (i) => (i.services.length === 1 && !partitionedBy(i.breaker) ? i.services[0].name : i.breaker.name);
