// The dialog that steers a breaker or a limiter.
import { el, text } from "./dom.js";
import { model } from "./model.js";

const dialog = document.getElementById("control");
dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });

const breakerModes = [
  ["forced_open", "Force open", "Refuse every call at once, as if it were down."],
  ["disabled", "Disable", "Let every call pass and count nothing: no protection."],
  ["reset", "Reset", "Close it and forget what it counted."],
  ["automatic", "Automatic", "Leave it to what it counts."],
];
const limiterModes = [
  ["overridden", "Another rate", "In place of the one that the settings say."],
  ["automatic", "Automatic", "The rate of the settings again."],
];
const times = [["5m", "5 minutes"], ["10m", "10 minutes"], ["1h", "an hour"], ["8h", "8 hours"], ["forever", "until somebody ends it"]];
const lasting = new Set(["forced_open", "disabled", "overridden"]);

export function steer(item, isLimiter) {
  if (!item) return;
  const modes = isLimiter ? limiterModes : breakerModes;
  const radios = modes.map(([mode, name, about], i) => el("label", { class: "choice" },
    el("input", { type: "radio", name: "mode", value: mode, required: true, checked: i === 0 }),
    el("span", {}, el("strong", {}, name), el("span", { class: "quiet" }, about))));
  const rate = el("input", { name: "rate", type: "number", min: "0.001", step: "any", value: isLimiter ? String(item.requests_per_second) : "" });
  const burst = el("input", { name: "burst", type: "number", min: "0", step: "1", value: "0" });
  const limits = el("div", { class: "pair" },
    el("label", {}, "Requests a second", rate), el("label", {}, "At once (0: as usual for that rate)", burst));
  limits.hidden = !isLimiter;
  const until = el("select", { name: "for" }, ...times.map(([value, name]) => el("option", { value, selected: value === "10m" }, name)));
  const lasts = el("label", {}, "Ends by itself after", until);
  const reason = el("input", { name: "reason", type: "text", required: true, maxlength: "200", autocomplete: "off", placeholder: "the bank migrates until 15:00" });
  const failure = el("p", { class: "failure", role: "alert" });
  const send = el("button", { type: "submit", class: "primary" }, "Do it");
  const form = el("form", {},
    el("h2", { id: "control-title" }, "Steer " + item.name),
    el("fieldset", {}, el("legend", {}, isLimiter ? "The rate limiter" : "The circuit breaker"), ...radios),
    limits, lasts,
    el("label", {}, "Reason, for the event log", reason), failure,
    el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), send));
  const chosen = () => form.elements.mode.value;
  const adapt = () => {
    lasts.hidden = !lasting.has(chosen());
    limits.hidden = chosen() !== "overridden";
  };
  form.addEventListener("change", adapt);
  adapt();
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    send.disabled = true;
    const body = { mode: chosen(), reason: reason.value };
    if (lasting.has(body.mode)) body.for = until.value;
    if (body.mode === "overridden") Object.assign(body, { requests_per_second: Number(rate.value), burst: Number(burst.value) });
    text(failure, await post((isLimiter ? "api/rate_limiters/" : "api/circuit_breakers/") + encodeURIComponent(item.name), body));
    send.disabled = false;
    if (!failure.textContent) dialog.close();
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  form.elements.mode[0].focus();
}

// post returns what went wrong, or "".
async function post(address, body) {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.ok) return "";
    const said = await answer.json().catch(() => ({}));
    return said.error || "The application answered " + answer.status + ".";
  } catch {
    return "The application can't be reached.";
  }
}

