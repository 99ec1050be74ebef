// Putting a draft into the mail, and finding out what already stands there.

import { bulletRun, runOfText, textOfRun } from "./pure/bullets.js";
import { marked } from "./pure/markup.js";
import { unquoted } from "./pure/quotes.js";
import { foreignHeaders, HEADER } from "./pure/sending.js";

async function inEditor(tabId, func, ...args) {
  const target = { tabId };
  await browser.scripting.executeScript({ target, files: ["content/body.js"] });
  const [{ result }] = await browser.scripting.executeScript({ target, func, args });
  return result;
}

/** The bullets that the user has begun in the mail, as text for the window; "" without any. */
export async function bulletsIn(tabId) {
  const { lines, draft } = await read(tabId);
  return draft === null ? textOfRun(lines, bulletRun(lines)) : "";
}

/** What of a plain-text mail is the user's own. */
export async function ownTextIn(tabId) {
  return unquoted(await inEditor(tabId, () => globalThis.trimtab.text()));
}

/** The id of the draft that stands in the mail, or null; a plain-text mail does not say. */
export async function draftIn(tabId) {
  return (await read(tabId)).draft;
}

/** Puts the draft in, in place of the former one or of bullets `taken` along. */
export async function insertDraft(tabId, { draftId, text, inserted, taken }) {
  const { isPlainText } = await browser.compose.getComposeDetails(tabId);
  const { lines, draft } = await read(tabId);
  const former = isPlainText && inserted ? runOfText(lines, inserted.text) : null;
  const bullets = draft === null && taken ? bulletRun(lines) : null;
  const html = isPlainText ? "" : marked(text, draftId);
  const what = { id: draftId, html, text, plain: isPlainText, run: former ?? bullets };
  const done = await inEditor(tabId, (given) => globalThis.trimtab.insert(given), what);
  if (done) await nameDraft(tabId, draftId);
  return done;
}

const read = (tabId) =>
  inEditor(tabId, () => ({ lines: globalThis.trimtab.lines(), draft: globalThis.trimtab.draft() }));

/** Names the draft in a header, which a stored mail keeps; taken out before the mail is sent. */
async function nameDraft(tabId, draftId) {
  const { customHeaders } = await browser.compose.getComposeDetails(tabId);
  const headers = [...foreignHeaders(customHeaders), { name: HEADER, value: draftId }];
  await browser.compose.setComposeDetails(tabId, { customHeaders: headers });
}

/** Puts the user back into the mail. */
export async function backToMail(tabId) {
  const { windowId } = await browser.tabs.get(tabId);
  await browser.windows.update(windowId, { focused: true });
}
