// The blind test's page: shows a pair, sends what is chosen, and shows the result at the end.
// All text of mails is set as text, never as HTML.
"use strict";

const at = (id) => document.getElementById(id);
const KEYS = { 1: "left", 2: "right", 0: "tie" };
let shown = null; // the pair's index, null at the end
let back = null;
let busy = false;

async function ask(path, body) {
  const how = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch("blind/" + path, how).catch(() => null);
  if (answer === null) {
    throw new Error("trimtab has ended. What you chose is kept: run `trimtab eval --blind` to go on.");
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => null);
    throw new Error(told?.error?.message ?? "This session is over: run `trimtab eval --blind` again.");
  }
  return answer.json();
}

// One thing at a time: a key that comes while another is at work is not for what comes next.
async function once(work) {
  if (busy) return;
  busy = true;
  try {
    await work();
    at("trouble").hidden = true;
  } catch (error) {
    at("trouble").textContent = error.message;
    at("trouble").hidden = false;
  } finally {
    busy = false;
  }
}

function tell(answered, pairs, index) {
  at("bar").max = pairs;
  at("bar").value = answered;
  at("count").textContent = index === null
    ? `${answered} of ${pairs} answered`
    : `${index + 1} of ${pairs}`;
  at("live").textContent = index === null
    ? "All pairs are answered."
    : `Pair ${index + 1} of ${pairs}.`;
}

function open(part) {
  for (const id of ["pair", "end", "result"]) at(id).hidden = id !== part;
  for (const each of document.querySelectorAll("[data-choice]")) each.hidden = part !== "pair";
  at("show").hidden = part !== "end";
  at("keys").hidden = part === "result";
  at("back").disabled = back === null;
}

function points(intent) {
  return intent.map((point) => {
    const item = document.createElement("li");
    item.dir = "auto";
    item.textContent = point;
    return item;
  });
}

async function show(index) {
  const pair = await ask(`pairs/${index}`);
  shown = pair.index;
  back = pair.back;
  at("own").textContent = pair.own_text;
  at("intent").replaceChildren(...points(pair.intent));
  at("left").textContent = pair.left;
  at("right").textContent = pair.right;
  for (const each of document.querySelectorAll("[data-choice]")) {
    each.setAttribute("aria-pressed", String(each.dataset.choice === pair.choice));
  }
  tell(pair.answered, pair.pairs, pair.index);
  open("pair");
  arrive();
}

// To the top, where the next pair begins. A button that was pressed keeps the focus, if it is there.
function arrive() {
  window.scrollTo(0, 0);
  const button = document.activeElement?.closest("button");
  if (button && (button.hidden || button.disabled)) at("title").focus({ preventScroll: true });
}

async function goTo(place) {
  if (place.next !== null) return show(place.next);
  shown = null;
  back = place.back;
  tell(place.answered, place.pairs, null);
  open("end");
  window.scrollTo(0, 0);
  at("show").focus();
}

async function choose(choice) {
  if (shown !== null) await goTo(await ask(`pairs/${shown}`, { choice }));
}

async function goBack() {
  if (back !== null) await show(back);
}

// With their roles said, for on a phone they are not laid out as a table.
function cell(kind, role, text, column = "") {
  const made = document.createElement(kind);
  made.setAttribute("role", role);
  made.textContent = text;
  made.dataset.column = column;
  return made;
}

function row(cells, columns) {
  const made = document.createElement("tr");
  made.setAttribute("role", "row");
  made.append(
    cell("th", "rowheader", cells[0]),
    ...cells.slice(1).map((text, i) => cell("td", "cell", text, columns[i + 1])),
  );
  return made;
}

function sentence(text) {
  const made = document.createElement("p");
  made.textContent = text;
  return made;
}

async function showResult() {
  const result = await ask("result", {});
  back = null;
  at("title").textContent = "What you chose";
  at("sentences").replaceChildren(...result.sentences.map(sentence));
  at("columns").replaceChildren(
    ...result.columns.map((text) => cell("th", "columnheader", text)),
  );
  at("rows").replaceChildren(...result.rows.map((cells) => row(cells, result.columns)));
  at("live").textContent = "This is the result.";
  open("result");
  window.scrollTo(0, 0);
  at("title").focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!at("result").hidden) return;
  if (event.key in KEYS) once(() => choose(KEYS[event.key]));
  else if (event.key === "Backspace" || event.key === "ArrowLeft") once(goBack);
  else return;
  event.preventDefault();
});
for (const each of document.querySelectorAll("[data-choice]")) {
  each.addEventListener("click", () => once(() => choose(each.dataset.choice)));
}
at("back").addEventListener("click", () => once(goBack));
at("show").addEventListener("click", () => once(showResult));
once(async () => goTo(await ask("place")));
