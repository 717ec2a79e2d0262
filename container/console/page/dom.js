// Making and updating elements. Everything is text: nothing that is shown is ever
// read as markup.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined));
  return made;
}

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// text sets what an element says, and leaves it alone where it says that already:
// screen readers read what is set.
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// keyed returns a function that makes a container hold one element for each item, in
// their order. What is there stays there, with its focus.
export function keyed(container, make) {
  const known = new Map();
  return (items, key) => {
    const wanted = new Map();
    for (const item of items) if (!wanted.has(key(item))) wanted.set(key(item), item);
    // First, so that what follows what goes has not to be moved: a moved element loses
    // its focus.
    for (const [k, entry] of known) {
      if (wanted.has(k)) continue;
      entry.element.remove();
      known.delete(k);
    }
    let at = container.firstElementChild;
    for (const [k, item] of wanted) {
      let entry = known.get(k);
      if (!entry) known.set(k, (entry = make(item)));
      entry.update(item);
      if (entry.element === at) at = at.nextElementSibling;
      else container.insertBefore(entry.element, at);
    }
  };
}

const shapes = {
  ok: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z",
  idle: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1zm0 1.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7z",
  down: "M3.700.500h4.600l3.200 3.200v4.600l-3.200 3.200H3.700L.500 8.300V3.700z",
  testing: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1zm0 1.500v7a3.500 3.500 0 0 1 0-7z",
  failing: "M6 .800 11.700 11H.300z",
  steered: "M3 5V3.800a3 3 0 0 1 6 0V5h1v6.500H2V5zm1.500 0h3V3.800a1.500 1.500 0 0 0-3 0z",
};

// badge tells a state by shape, word and colour.
export function badge() {
  const path = svg("path", { d: shapes.idle });
  const word = el("span");
  const element = el("span", { class: "badge idle" }, svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, path), word);
  return {
    element,
    set(kind, said) {
      attribute(element, "class", "badge " + kind);
      attribute(path, "d", shapes[kind]);
      text(word, said);
    },
  };
}

export function number(n) {
  if (n === 0) return "0";
  if (n >= 100) return Math.round(n).toLocaleString("en");
  if (n >= 10) return n.toFixed(1).replace(/\.0$/, "");
  if (n >= 0.995) return n.toFixed(2).replace(/\.?0+$/, "");
  return n.toPrecision(2);
}

export const count = (n) => Math.round(n).toLocaleString("en");

export function seconds(s) {
  if (!s) return "–";
  if (s < 0.001) return number(s * 1e6) + " µs";
  if (s < 1) return number(s * 1e3) + " ms";
  return number(s) + " s";
}

export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
}

export function clock(date) {
  const time = date.toLocaleTimeString("en-GB");
  return Date.now() - date < 20 * 3600e3 ? time : date.toISOString().slice(0, 10) + " " + time;
}

export function plural(n, one, many) {
  return count(n) + " " + (n === 1 ? one : many);
}
