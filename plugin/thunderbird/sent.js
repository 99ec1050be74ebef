// Sending: nothing of ours leaves with the mail, and the daemon hears what the user made of a draft.

import { draftNamedBy } from "./compose.js";
import { draftIn, ownTextIn } from "./insert.js";
import { isUncertain } from "./pure/drafting.js";
import { goesBackTo, unquoted } from "./pure/quotes.js";
import { foreignHeaders, namedDraft, unmarked } from "./pure/sending.js";
import { call } from "./transport.js";

const NOT_OWN =
  ".moz-cite-prefix, blockquote[type=cite], .moz-signature, .moz-forward-container";

/** What is to be changed in the mail before it leaves, and what is to be reported after that. */
export async function beforeSend(tabId, details, inserted) {
  const report = await reportOf(tabId, details, inserted).catch(() => null); // sending goes on
  return { change: clean(details), report };
}

async function reportOf(tabId, details, inserted) {
  const draftId = inserted?.id ?? (await draftOf(tabId, details));
  const text = draftId ? await ownText(tabId, details) : "";
  const used = text.trim() !== "" && (!inserted || goesBackTo(inserted.text, text));
  return used ? { draftId, text } : null;
}

/** The draft that a mail goes back to which no window of today has put it into. */
async function draftOf(tabId, details) {
  const named = namedDraft(details.customHeaders);
  return named ?? (await draftIn(tabId).catch(() => null)) ?? (await draftNamedBy(details));
}

function clean({ isPlainText, body, customHeaders }) {
  const change = {};
  if (namedDraft(customHeaders) !== null) change.customHeaders = foreignHeaders(customHeaders);
  const html = isPlainText ? null : unmarked(body ?? "");
  if (html !== null) change.body = html;
  return change;
}

async function ownText(tabId, { isPlainText, body, plainTextBody }) {
  if (isPlainText) return (await ownTextIn(tabId).catch(() => null)) ?? unquoted(plainTextBody ?? "");
  const mail = new DOMParser().parseFromString(body ?? "", "text/html");
  mail.querySelectorAll(NOT_OWN).forEach((element) => element.remove());
  return browser.messengerUtilities.convertToPlainText(mail.documentElement.outerHTML);
}

/** Tells the daemon; the answer says what was changed. Raises ApiError. */
export async function report(sending) {
  const { draftId, text, messageId } = sending;
  const path = `/v1/drafts/${encodeURIComponent(draftId)}/sent`;
  try {
    return await call("POST", path, { text, message_id: messageId ?? "" });
  } catch (error) {
    if (isUncertain(error.code)) await keep([...(await kept()), sending]);
    throw error;
  }
}

/** Tells the daemon, which answers again, what it could not be told before. */
export async function reportKept() {
  const waiting = await kept();
  await keep([]);
  for (const sending of waiting) await report(sending).catch(() => {}); // kept again, or of no use
}

// In memory only: a mail's text gets no second place on the disk, and a report that is lost with
// Thunderbird is made up for by the Sent folder.
const keep = (unreported) => browser.storage.session.set({ unreported });
const kept = async () => (await browser.storage.session.get({ unreported: [] })).unreported;

/** Has the daemon learn nothing of it. Raises ApiError. */
export function takeBack(draftId) {
  return call("DELETE", `/v1/drafts/${encodeURIComponent(draftId)}/sent`);
}
