// What is in force, as a tree, with where each value comes from.
import { el } from "./dom.js";
import { model } from "./model.js";

// nested makes a tree of the settings below a path, in their order.
function nested(path) {
  const root = { children: new Map() };
  for (const s of model.profile?.settings || []) {
    if (!path.every((key, i) => s.path[i] === key)) continue;
    let at = root;
    for (const key of s.path.slice(path.length)) {
      if (!at.children.has(key)) at.children.set(key, { children: new Map() });
      at = at.children.get(key);
    }
    at.setting = s;
  }
  return root;
}

// tree draws what is below a path; null where that is nothing.
export function tree(path, title) {
  const root = nested(path);
  if (!root.children.size && !root.setting) return null;
  const own = root.setting ? value(root.setting) : [];
  const layered = path[0] === "policies";
  const order = layered && root.children.get("order");
  if (order) root.children.delete("order"); // says how the rest nests, which is how it is drawn
  const list = el("ul", { class: layered ? "tree layers" : "tree" }, ...[...root.children].map(([key, node]) => branch(key, node)));
  return el("section", { class: "policy-tree" }, el("h3", {}, title, ...own), usedBy(path, title),
    layered && root.children.size > 1 ? el("p", { class: "quiet" }, "From the outside in: a call passes the first layer first.") : null,
    order && order.setting.origin !== "default" ? el("p", {}, el("span", { class: "key" }, "order"), ...value(order.setting)) : null, list);
}

function usedBy(path, name) {
  if (path[0] !== "policies") return null;
  const users = [];
  for (const s of model.state?.services || []) {
    if (s.policy === name) users.push(s.name);
    for (const m of s.methods) if (m.policy === name && s.policy !== name) users.push(m.operation);
  }
  if (!users.length) return null;
  return el("p", { class: "quiet" }, "Used by " + (users.length > 8 ? users.slice(0, 8).join(", ") + " and " + (users.length - 8) + " more" : users.join(", ")));
}

function branch(key, node) {
  const label = el("span", { class: "key" }, key.replaceAll("_", " "));
  const item = el("li", {}, label, ...(node.setting ? value(node.setting) : []));
  if (node.children.size) item.append(el("ul", {}, ...[...node.children].map(([k, n]) => branch(k, n))));
  return item;
}

function value(setting) {
  return [" ", el("span", { class: "value" }, setting.value), " ", el("span", { class: "origin" + (setting.origin === "default" ? " default" : "") }, setting.origin)];
}

const sections = [["policies", "Policies"], ["circuit_breakers", "Circuit breakers with a name"], ["rate_limiters", "Rate limiters with a name"], ["bulkheads", "Bulkheads with a name"], ["services", "Choices for services"]];

export function policiesView() {
  const search = el("input", { type: "search", class: "search", "aria-label": "Search policies", placeholder: "Search", oninput: () => update() });
  const status = el("div", { class: "status-lines" });
  const body = el("div");
  let drawn = null;
  function update() {
    facts(status);
    const words = search.value.toLowerCase();
    const key = words + "\0" + (model.profile?.at || "");
    if (key === drawn) return;
    drawn = key;
    const parts = [];
    for (const [section, title] of sections) {
      const names = [...new Set((model.profile?.settings || []).filter((s) => s.path[0] === section && s.path.length > 1).map((s) => s.path[1]))];
      const trees = names.filter((n) => n.toLowerCase().includes(words)).map((n) => tree([section, n], n)).filter(Boolean);
      if (trees.length) parts.push(el("h2", {}, title), el("div", { class: "policies" }, ...trees));
    }
    body.replaceChildren(...(parts.length ? parts : [el("p", { class: "nothing" }, "Nothing matches.")]));
  }
  return { element: el("div", {}, el("div", { class: "tools" }, search), status, body), update, search };
}

// facts says which profile is in force, how reloads went, and what a dry run says.
function facts(into) {
  const s = model.state;
  const said = [];
  if (s.profile.name) said.push("Profile " + s.profile.name + (s.profile.loaded_at ? ", read " + new Date(s.profile.loaded_at).toLocaleString("en-GB") : "") + ".");
  const r = s.reloads;
  if (r.last_at) said.push("Reloads since the console looks: " + r.succeeded + " put in force, " + r.failed + " refused; the last one " + (r.last_error ? "was refused" : "is in force") + ".");
  else said.push("It was not reloaded since the console looks.");
  const trouble = r.last_error || s.profile.error;
  const lines = said.map((line) => el("p", {}, line));
  if (trouble) lines.push(el("p", { class: "trouble" }, "What is in force is older than what the files say: " + trouble));
  if (s.dry_run) lines.push(dryRun(s.dry_run));
  const text = lines.map((l) => l.textContent).join("\n");
  if (into.dataset.said === text) return;
  into.dataset.said = text;
  into.replaceChildren(...lines);
}

function dryRun(d) {
  const rows = (d.operations || []).map((o) => el("tr", {}, el("th", { scope: "row" }, o.operation), ...["trips", "rejections", "retries"].map((k) => el("td", {}, String(o[k] || 0)))));
  return el("section", { class: "dry-run" }, el("h2", {}, "Dry run of " + d.profile),
    el("p", {}, "On the calls since " + new Date(d.since).toLocaleString("en-GB") + " it would have opened circuit breakers " + d.trips + " times, refused " + d.rejections + " calls and made " + d.retries + " retries." +
      (d.assumed ? " Of the retries nobody made " + d.assumed + ": their outcome is assumed." : "") +
      (d.unseen ? " The policies in force refused " + d.unseen + " calls, of which it can't tell." : "")),
    rows.length ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Dry run by operation" }, el("table", {}, el("thead", {}, el("tr", {}, ...["Operation", "Opened", "Refused", "Retries"].map((n) => el("th", { scope: "col" }, n)))), el("tbody", {}, ...rows))) : "");
}
