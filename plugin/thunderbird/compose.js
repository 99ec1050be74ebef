// A compose window -> what the daemon is told of the mail: account, people, subject, thread.

import { call, ApiError } from "./transport.js";
import { accountFor, answering, bare, isEncrypted, messageIds, person } from "./pure/thread.js";
import { unquoted } from "./pure/quotes.js";
import { HEADER } from "./pure/sending.js";

const EARLIER = 3;
const LONGEST = 20_000;
const MOST_DRAFTS = 10;
const OUR_HEADER = HEADER.toLowerCase();

/** What is read once for a compose window: its thread, and whose account an address is. */
export const newMemory = () => ({ threads: new Map(), accounts: new Map() });

/** All of a request that is not the user's wish; raises ApiError. */
export async function situationOf(tabId, memory) {
  const details = await browser.compose.getComposeDetails(tabId);
  const settings = await browser.storage.local.get({ encrypted: false, accounts: {} });
  const { type, relatedMessageId, identityId } = details;
  const from = await senderOf(details);
  const [account, thread] = await Promise.all([
    once(memory.accounts, [from.address, identityId, settings.accounts], () =>
      accountOf(from, identityId, settings.accounts),
    ),
    once(memory.threads, [type, relatedMessageId, settings.encrypted], () =>
      threadOf(details, settings.encrypted),
    ),
  ]);
  const people = { from, to: peopleOf(details.to), cc: peopleOf(details.cc) };
  const { secret, ...told } = thread;
  return { account, ...people, subject: secret ? "" : (details.subject ?? ""), ...told };
}

/** What `find` gives, asked for once as long as it does not fail. */
function once(known, what, find) {
  const key = JSON.stringify(what);
  if (!known.has(key)) {
    const found = find();
    known.set(key, found);
    found.catch(() => known.delete(key));
  }
  return known.get(key);
}

/** What `POST /v1/warm` takes of it. */
export function warmOf({ account, from, to, cc, subject, context, reply }) {
  return { account, from, to, cc, subject, context, reply };
}

async function senderOf({ from, identityId }) {
  const identity = await browser.identities.get(identityId);
  const written = from ? person(from) : null;
  return written?.address ? written : { name: identity.name ?? "", address: identity.email };
}

const peopleOf = (recipients) =>
  [recipients ?? []].flat().filter((one) => typeof one === "string").map(person);

async function accountOf({ address }, identityId, chosen) {
  const { accounts } = await call("GET", "/v1/status");
  const account = accountFor(accounts, address, identityId, chosen);
  if (account !== null) return account;
  throw new ApiError("no_account", browser.i18n.getMessage("noAccount", [address]));
}

// --- the thread --------------------------------------------------------------------------------

/** What is told of the thread; `secret` where the mail is encrypted, as its subject may be, too. */
async function threadOf(details, allowEncrypted) {
  const found = await relatedTo(details);
  if (found === null) return { context: [], reply: false, secret: false };
  const { message, full, reply } = found;
  const secret = !allowEncrypted && isEncrypted(full);
  const names = answering(message.headerMessageId, full.headers ?? {});
  const earlier = names.references.filter((id) => id !== names.in_reply_to).reverse().slice(0, EARLIER);
  const messages = [message, ...(await Promise.all(earlier.map(messageOf)))];
  const read = await Promise.all(messages.map((one) => one && contextOf(one, allowEncrypted)));
  const context = read.filter((one) => one);
  return { context, reply, secret, ...(reply ? names : {}) };
}

/** The mail that is answered or forwarded, with its parts; of a stored draft, by its headers. */
async function relatedTo({ type, relatedMessageId }) {
  if (!relatedMessageId || !["reply", "forward", "draft"].includes(type)) return null;
  const message = await browser.messages.get(relatedMessageId).catch(() => null);
  if (message === null) return null;
  const full = (await readable(relatedMessageId)) ?? {};
  if (type !== "draft" || !isDraft(full.headers ?? {})) {
    return { message, full, reply: type !== "forward" };
  }
  const [answered] = messageIds(full.headers["in-reply-to"]);
  const original = answered ? await messageOf(answered) : null;
  if (original === null) return null;
  return { message: original, full: (await readable(original.id)) ?? {}, reply: true };
}

/** Of a reopened draft Thunderbird names the draft itself as related, or the mail that it answers. */
const isDraft = (headers) => OUR_HEADER in headers || "x-mozilla-draft-info" in headers;

/** The id that a reopened mail has in its header, or null: by itself, or as it lies in Drafts. */
export async function draftNamedBy({ type, relatedMessageId, subject }) {
  if (type !== "draft") return null;
  const named = relatedMessageId ? await namedIn(relatedMessageId) : null;
  if (named !== null) return named;
  const folders = await browser.folders.query({ specialUse: ["drafts"] });
  const wanted = { folderId: folders.map((folder) => folder.id) };
  const { messages } = await browser.messages.query(wanted).catch(() => ({ messages: [] }));
  const alike = messages.filter((message) => subject.endsWith(message.subject)); // without "Re:"
  const newest = alike.sort((one, other) => other.date - one.date).slice(0, MOST_DRAFTS);
  const ids = await Promise.all(newest.map((message) => namedIn(message.id)));
  return ids.find((id) => id !== null) ?? null;
}

async function namedIn(id) {
  return (await readable(id))?.headers?.[OUR_HEADER]?.[0]?.trim() ?? null;
}

/** A mail's parts, nothing decrypted; null where it cannot be had (offline, deleted). */
const readable = (id) => browser.messages.getFull(id, { decrypt: false }).catch(() => null);

async function messageOf(messageId) {
  const query = { headerMessageId: bare(messageId) };
  const { messages } = await browser.messages.query(query).catch(() => ({ messages: [] }));
  return messages[0] ?? null;
}

async function contextOf(message, allowEncrypted) {
  const full = await readable(message.id);
  if (full === null || (isEncrypted(full) && !allowEncrypted)) return null;
  const text = unquoted(await textOf(message.id)).slice(0, LONGEST);
  const sent_at = new Date(message.date).toISOString();
  return text === "" ? null : { author: person(message.author), sent_at, text };
}

async function textOf(id) {
  const parts = await browser.messages.listInlineTextParts(id).catch(() => []);
  const plain = parts.filter((part) => part.contentType === "text/plain");
  if (plain.length > 0) return plain.map((part) => part.content).join("\n\n");
  const html = parts.filter((part) => part.contentType === "text/html");
  const texts = html.map((part) => browser.messengerUtilities.convertToPlainText(part.content));
  return (await Promise.all(texts)).join("\n\n");
}
