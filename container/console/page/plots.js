// Small plots of the last minutes. What they show is said in words beside them.
import { svg, el, attribute, text } from "./dom.js";

const height = 24;

// path draws values as steps above a base line.
function path(values, most, high) {
  const y = (v) => (high - (Math.min(v, most) / most) * (high - 1)).toFixed(1);
  let d = "M0 " + high;
  let last = 0;
  values.forEach((v = 0, i) => {
    if (v === last && i > 0) return;
    d += "H" + i + "V" + y(v);
    last = v;
  });
  return d + "H" + values.length + "V" + high + "z";
}

// line draws values where there are any.
function line(values, most, high) {
  let d = "";
  let pen = false;
  values.forEach((v, i) => {
    if (!v) return void (pen = false);
    d += (pen ? "L" : "M") + (i + 0.5) + " " + (high - (v / most) * (high - 2) - 1).toFixed(1) + (pen ? "" : "h.01");
    pen = true;
  });
  return d;
}

// sparkline shows calls, and of them what failed or was refused.
export function sparkline() {
  const calls = svg("path", { class: "calls" });
  const bad = svg("path", { class: "bad" });
  const element = svg("svg", { class: "spark", viewBox: "0 0 150 " + height, preserveAspectRatio: "none", "aria-hidden": "true" }, calls, bad);
  return {
    element,
    set(points) {
      const most = Math.max(1, ...points.map((p) => p.calls || 0));
      attribute(element, "viewBox", "0 0 " + points.length + " " + height);
      attribute(calls, "d", path(points.map((p) => p.calls), most, height));
      attribute(bad, "d", path(points.map((p) => p.failed), most, height));
    },
  };
}

// plot is a larger one with a title and what its top stands for. Series are
// {key, class, line}.
export function plot(title, series, say) {
  const high = 48;
  const paths = series.map((s) => svg("path", { class: s.class }));
  const drawing = svg("svg", { viewBox: "0 0 150 " + high, preserveAspectRatio: "none", "aria-hidden": "true" }, ...paths);
  const value = el("span", { class: "plot-value" });
  const top = el("span", { class: "plot-top" });
  const element = el("figure", { class: "plot" }, el("figcaption", {}, el("span", {}, title), value), el("div", { class: "plot-area" }, drawing, top));
  return {
    element,
    set(points, nowSaid) {
      const of = (s) => points.map((p) => p[s.key] || 0);
      const most = Math.max(...series.map((s) => Math.max(0, ...of(s))));
      attribute(drawing, "viewBox", "0 0 " + points.length + " " + high);
      series.forEach((s, i) => attribute(paths[i], "d", (s.line ? line : path)(of(s), most || 1, high)));
      text(top, most ? "top " + say(most) : "nothing");
      text(value, nowSaid);
    },
  };
}

// strip shows the states of a breaker, or how full a limiter is.
export function strip() {
  const open = svg("path", { class: "bad" });
  const half = svg("path", { class: "half" });
  const fill = svg("path", { class: "calls" });
  const element = svg("svg", { class: "spark", viewBox: "0 0 150 " + height, preserveAspectRatio: "none", "aria-hidden": "true" }, fill, half, open);
  const pad = (values, n) => [...Array(Math.max(0, n - values.length)).fill(0), ...values];
  return {
    element,
    states(values, n) {
      const all = pad(values, n);
      attribute(element, "viewBox", "0 0 " + all.length + " " + height);
      attribute(fill, "d", path(all.map((v, i) => (i >= n - values.length && v === 0 ? 1 : 0)), 6, height));
      attribute(half, "d", path(all.map((v) => (v === 1 ? 3 : 0)), 6, height));
      attribute(open, "d", path(all.map((v) => (v === 2 ? 6 : 0)), 6, height));
    },
    level(values, n) {
      attribute(fill, "d", path(pad(values, n), 100, height));
      attribute(element, "viewBox", "0 0 " + Math.max(n, values.length) + " " + height);
    },
  };
}
