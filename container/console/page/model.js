// What the console knows, from the events of api/events.

export const model = {
  state: null, // the last State, kept up to date by ticks
  operations: new Map(), // by id: Operation
  series: new Map(), // by operation: points, the newest last
  breakers: new Map(), // by name: CircuitBreaker, with when it was received
  breakerHistory: new Map(),
  limiters: new Map(),
  limiterHistory: new Map(),
  bulkheads: new Map(),
  log: [], // newest first
  profile: null,
  steps: 150,
  step: 2,
  sequence: 0,
  skew: 0, // what this machine's clock is behind the application's, in ms
  live: false,
  controls: { allowed: false },
};

const maxLog = 500;

// now is the application's time.
export const now = () => Date.now() + model.skew;

export const apply = {
  state(s) {
    model.skew = new Date(s.at) - Date.now();
    if (s.controls) model.controls = s.controls;
    model.state = s;
    model.operations = new Map();
    for (const service of s.services) for (const m of service.methods) model.operations.set(m.operation, m);
    for (const o of s.operations) model.operations.set(o.operation, o);
    model.breakers = new Map(s.circuit_breakers.map((b) => [b.name, received(b)]));
    model.limiters = new Map(s.rate_limiters.map((l) => [l.name, l]));
    model.bulkheads = new Map(s.bulkheads.map((b) => [b.name, b]));
  },
  history(h) {
    model.steps = h.steps;
    model.step = h.step_s;
    model.sequence = h.sequence;
    model.series = new Map();
    for (const [id, s] of Object.entries(h.operations)) {
      model.series.set(id, s.calls.map((calls, i) => ({
        calls, failed: s.failed[i], retries: s.retries[i], rejected: s.rejected[i],
        timeouts: s.timeouts[i], p50_ms: s.p50_ms[i], p99_ms: s.p99_ms[i],
      })));
    }
    model.breakerHistory = new Map(Object.entries(h.circuit_breakers).map(([name, digits]) => [name, Array.from(digits, Number)]));
    model.limiterHistory = new Map(Object.entries(h.rate_limiters));
  },
  log(entries) {
    const known = new Set(model.log.map((e) => e.id));
    model.log = [...entries.filter((e) => !known.has(e.id)), ...model.log];
    model.log.sort((a, b) => new Date(b.at) - new Date(a.at) || b.id - a.id);
    model.log.length = Math.min(model.log.length, maxLog);
  },
  tick(t) {
    if (!model.state) return;
    model.skew = new Date(t.at) - Date.now();
    Object.assign(model.state, { ready: t.ready, totals: t.totals, reloads: t.reloads, profile: t.profile, dry_run: t.dry_run });
    for (const b of t.circuit_breakers || []) model.breakers.set(b.name, received(b));
    for (const l of t.rate_limiters || []) model.limiters.set(l.name, l);
    for (const b of t.bulkheads || []) model.bulkheads.set(b.name, b);
    for (const service of model.state.services) {
      service.state = t.services?.[service.name] ?? service.state;
      service.partitions = t.partitions?.[service.name] ?? service.partitions;
    }
    if (!t.sequence || t.sequence <= model.sequence) return;
    model.sequence = t.sequence;
    const busy = new Map((t.operations || []).map((o) => [o.operation, o]));
    for (const [id, o] of model.operations) {
      const news = busy.get(id);
      if (news) Object.assign(o, { totals: news.totals, recent: news.recent, active: news.active });
      else Object.assign(o, { recent: {}, active: 0 });
    }
    for (const [id, points] of model.series) if (!t.points?.[id]) push(points, {});
    for (const [id, p] of Object.entries(t.points || {})) {
      if (!model.series.has(id)) model.series.set(id, []);
      push(model.series.get(id), p);
    }
    const states = { closed: 0, "half-open": 1, open: 2 };
    for (const [name, b] of model.breakers) {
      if (!model.breakerHistory.has(name)) model.breakerHistory.set(name, []);
      push(model.breakerHistory.get(name), states[b.state] ?? 0);
    }
    for (const [name, l] of model.limiters) {
      if (!model.limiterHistory.has(name)) model.limiterHistory.set(name, []);
      push(model.limiterHistory.get(name), Math.min(100, Math.max(0, (100 * l.tokens) / Math.max(1, l.requests_per_period || l.burst))));
    }
  },
};

function push(points, p) {
  points.push(p);
  if (points.length > model.steps) points.shift();
}

function received(b) {
  b.probeAt = b.retry_after_s ? now() + b.retry_after_s * 1000 : 0;
  return b;
}

// sum adds up the series of operations, for a service.
export function sum(ids) {
  const all = [];
  for (const id of ids) {
    const points = model.series.get(id);
    if (!points) continue;
    for (let i = 1; i <= points.length; i++) {
      const to = (all[model.steps - i] ??= { calls: 0, failed: 0, retries: 0, rejected: 0, timeouts: 0, p50_ms: 0, p99_ms: 0 });
      const from = points[points.length - i];
      for (const key of ["calls", "failed", "retries", "rejected", "timeouts"]) to[key] += from[key] || 0;
      for (const key of ["p50_ms", "p99_ms"]) to[key] = Math.max(to[key], from[key] || 0); // of the slowest
    }
  }
  for (let i = 0; i < model.steps; i++) all[i] ??= {};
  return all;
}

// healthOf says how a service is: its breakers, and what its calls do.
export function healthOf(service) {
  const breakers = service.circuit_breakers.map((name) => model.breakers.get(name)).filter(Boolean);
  const of = (test) => breakers.some(test);
  const r = together(service.methods);
  const forced = breakers.find((b) => b.mode !== "automatic");
  if (of((b) => b.state === "open")) {
    if (service.state !== "open" || !breakers.every((b) => b.state === "open")) return { kind: "down", word: "down in part", rank: 1 };
    return forced?.mode === "forced_open" ? { kind: "steered", word: "forced open", rank: 0 } : { kind: "down", word: "down", rank: 0 };
  }
  if (of((b) => b.state === "half-open")) return { kind: "testing", word: "being probed", rank: 2 };
  if (forced) return { kind: "steered", word: "unprotected", rank: 3 };
  if (r.per_second > 0 && r.failed_per_second / r.per_second >= 0.2) return { kind: "failing", word: "failing", rank: 4 };
  if (r.rejected_per_second > 0) return { kind: "failing", word: "refusing", rank: 5 };
  if (service.methods.every((m) => !m.totals.operations)) return { kind: "idle", word: "no calls yet", rank: 7 };
  return { kind: "ok", word: "working", rank: 6 };
}

// partitionedBy is the service of whose partitions a breaker is one's.
export const partitionedBy = (breaker) => model.state.services.find((s) => s.partitions && breaker.name.startsWith(s.name + "/"));

// fleet is what is shared, by the breakers and limiters that are: those that go on
// alone, with how many instances the others are, and when the store last answered. What
// listens may have had nothing to hear for long.
export function fleet() {
  const shared = [...model.breakers.values(), ...model.limiters.values()].filter((i) => i.shared);
  const names = (items) => [...new Set(items.map((i) => i.name))];
  return {
    together: names(shared.filter((i) => !i.shared.alone)), alone: names(shared.filter((i) => i.shared.alone)),
    instances: Math.max(1, ...shared.map((i) => i.shared.instances)),
    listening: shared.length > 0 && shared.every((i) => i.shared.listening),
    heard: shared.map((i) => i.shared.heard).filter(Boolean).sort((a, b) => new Date(b) - new Date(a))[0],
  };
}

// together adds up what operations did of late; quantiles are of the slowest.
export function together(operations) {
  const all = { per_second: 0, failed_per_second: 0, retries_per_second: 0, rejected_per_second: 0, p50_s: 0, p90_s: 0, p99_s: 0 };
  for (const o of operations) {
    for (const key of Object.keys(all)) {
      const value = o.recent[key] || 0;
      all[key] = key.startsWith("p") && key.endsWith("_s") ? Math.max(all[key], value) : all[key] + value;
    }
  }
  return all;
}
