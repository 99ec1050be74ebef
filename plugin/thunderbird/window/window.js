// The window shows the session's state and says what the user does. It decides nothing, and what
// mail and model say goes in as text only.

import { busy } from "../pure/drafting.js";
import { findings, pieces } from "../pure/findings.js";
import { provenance } from "../pure/provenance.js";

const WISHES = {
  shorter: "Make it shorter.",
  warmer: "Make it warmer.",
  formal: "Make it more formal.",
};
const CALM_MS = 1000; // an Escape that comes a moment too late to cancel closes nothing
const tabId = new URLSearchParams(location.search).get("tab");
const at = (id) => document.getElementById(id);
const say = (key, values) => browser.i18n.getMessage(key, values);

let port = null;
let state = null;
let touched = false;
let asked = null; // the wish of a draft that was asked for before the first state was here
let busyUntil = -Infinity;

// --- to and from the background ------------------------------------------------------------------

function connect() {
  port = browser.runtime.connect({ name: `window:${tabId}` });
  port.onMessage.addListener((message) => show(message.state));
  port.onDisconnect.addListener(() => {
    port = null;
  });
}

/** The background may have been unloaded meanwhile: it is there again when it is spoken to. */
function tell(action, what = {}) {
  if (port === null) connect();
  port.postMessage({ action, ...what });
}

/** What happens while the background does not hold the line, such as after sending, is stored. */
function hearStored(changes) {
  const { newValue } = changes[`session:${tabId}`] ?? {};
  if (port === null && newValue) show(newValue);
}

const typed = () => tell("typed", { bullets: at("bullets").value, instruction: at("instruction").value });

// --- what is shown -------------------------------------------------------------------------------

function show(next) {
  const before = state;
  state = next;
  if (busy(next)) busyUntil = performance.now();
  if (before === null) meet(next);
  else if (!touched) showTyped(next);
  showPhase(next);
  if (before?.phase !== next.phase) keepFocus(next);
  showTrouble(next.trouble);
  if (before?.rules !== next.rules) showRules(next);
  showProvenance(next);
  showText(next);
  showNoticed(next.noticed);
}

function showTyped({ bullets, instruction }) {
  at("bullets").value = bullets;
  at("instruction").value = instruction;
}

/** The first state: what was typed before it came goes below what was kept. */
function meet(next) {
  const early = at("bullets").value;
  const bullets = [next.bullets, early].filter((text) => text !== "").join("\n");
  showTyped({ ...next, bullets });
  if (early !== "") onInput();
  if (asked !== null) draft(asked);
}

function showPhase(next) {
  const writing = busy(next);
  at("cancel").hidden = !writing;
  at("draft").disabled = writing;
  at("phase").textContent = writing ? say(next.phase) : "";
  at("drafted").hidden = next.text === "" && next.phase !== "writing";
  for (const id of ["insert", "again", ...Object.keys(WISHES)]) {
    at(id).disabled = next.phase !== "done";
  }
}

/** A button that is pressed and gone would leave the keyboard nowhere. */
function keepFocus(next) {
  const id = busy(next) ? "cancel" : next.phase === "done" ? "insert" : "bullets";
  const { activeElement } = document;
  const lost = activeElement === document.body || activeElement.disabled || activeElement.hidden;
  if (lost) at(id).focus();
}

function showTrouble(trouble) {
  const text = trouble?.message ?? "";
  if (at("trouble").textContent !== text) at("trouble").textContent = text;
  at("trouble").hidden = text === "";
}

function showRules({ rules }) {
  at("rules").replaceChildren(...rules.map(ruleItem));
}

function ruleItem({ aspect, instruction, on }) {
  const box = element("input", { type: "checkbox", name: aspect, checked: on });
  box.addEventListener("change", () => tell("tick", { aspect, on: box.checked }));
  const name = element("span", { className: "aspect", textContent: aspectName(aspect) });
  const text = element("span", { textContent: instruction });
  const label = element("label", {});
  label.append(box, name, text);
  const item = element("li", {});
  item.append(label);
  return item;
}

const aspectName = (aspect) => say(`aspect_${aspect.replace("-", "_")}`) || aspect;

function showProvenance(next) {
  at("ruled").hidden = next.rung === null;
  if (next.rung === null) return;
  const rules = next.rules.filter((rule) => rule.on);
  const { key, values, why } = provenance({ ...next, rules }, new Date());
  const reasons = why.map((reason) => (reason.key ? say(reason.key) : reason.text)).join("; ");
  const line = reasons ? say("because", [reasons, say(key, values)]) : say(key, values);
  if (at("provenance").textContent !== line) at("provenance").textContent = line;
}

/** While it streams only what is new goes in, so that a screen reader reads each piece once. */
function showText({ text, phase, checks, drafted }) {
  const place = at("text");
  const shown = place.textContent;
  if (phase !== "done" && text.startsWith(shown)) place.append(text.slice(shown.length));
  else if (phase === "done" || text !== shown) place.replaceChildren(...markedUp(text, checks));
  const found = phase === "done" ? findings(checks, drafted?.bullets ?? []) : [];
  const items = found.map(({ key, values }) => element("li", { textContent: say(key, values) }));
  at("findings").replaceChildren(...items);
}

function markedUp(text, checks) {
  return pieces(text, checks?.unsupported).map(({ text: piece, kind }) =>
    kind === null ? document.createTextNode(piece) : element("mark", { textContent: piece }),
  );
}

function showNoticed(noticed) {
  at("noticed").hidden = noticed === null;
  if (noticed === null) return;
  at("noticed-text").textContent = say(noticed.key, noticed.values);
  at("takeback").hidden = noticed.draftId === null;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

// --- what the user does --------------------------------------------------------------------------

function draft(wish = "") {
  if (state === null) {
    asked = wish;
    return;
  }
  typed();
  tell("draft", { wish });
}

function onKey(event) {
  if (event.isComposing) return;
  const accel = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && accel) {
    event.preventDefault();
    if (event.shiftKey) tell("insert");
    else draft();
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (state !== null && busy(state)) tell("cancel");
    else if (performance.now() - busyUntil > CALM_MS) window.close();
  } else if (event.key === "Enter" && event.target === at("instruction")) {
    draft();
  }
}

function onInput() {
  if (state === null) return; // `meet` takes it: what was kept is not to be overwritten
  touched = true;
  typed();
}

function begin() {
  document.documentElement.lang = browser.i18n.getUILanguage();
  for (const each of document.querySelectorAll("[data-i18n]")) {
    each.textContent = say(each.dataset.i18n);
  }
  at("bullets").addEventListener("input", onInput);
  at("instruction").addEventListener("input", onInput);
  document.addEventListener("keydown", onKey);
  at("draft").addEventListener("click", () => draft());
  at("again").addEventListener("click", () => draft());
  for (const [id, wish] of Object.entries(WISHES)) {
    at(id).addEventListener("click", () => draft(wish));
  }
  at("cancel").addEventListener("click", () => tell("cancel"));
  at("insert").addEventListener("click", () => tell("insert"));
  at("takeback").addEventListener("click", () => tell("takeBack"));
  browser.storage.session.onChanged.addListener(hearStored);
  tell("opened");
}

begin();
