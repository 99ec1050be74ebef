// Message-IDs and people, as headers and compose windows have them. Pure.

const MESSAGE_ID = /<[!-;=?-~]+@[!-;=?-~]+>/gu;
const LONGEST = 500;
const MOST = 100;

/** The Message-IDs in a header's values, in their order, each once, with their brackets. */
export function messageIds(values = []) {
  const found = values.join(" ").match(MESSAGE_ID) ?? [];
  return [...new Set(found.filter((id) => id.length <= LONGEST))];
}

/** A Message-ID as headers have it, whether Thunderbird gives its brackets or not; or "". */
export function bracketed(id) {
  const [found] = messageIds([`<${(id ?? "").replace(/^<|>$/gu, "")}>`]);
  return found ?? "";
}

/** Without the brackets, as Thunderbird's queries want it. */
export const bare = (id) => id.replace(/^<|>$/gu, "");

/** In-Reply-To and References of an answer to a mail with these headers (RFC 5322, 3.6.4). */
export function answering(headerMessageId, headers) {
  const parent = bracketed(headerMessageId);
  const listed = messageIds(headers.references);
  const earlier = listed.length > 0 ? listed : messageIds(headers["in-reply-to"]).slice(0, 1);
  const thread = [...earlier.filter((id) => id !== parent), ...(parent ? [parent] : [])];
  const references = thread.length > MOST ? [thread[0], ...thread.slice(1 - MOST)] : thread;
  return { in_reply_to: parent, references };
}

/** `Ada <ada@a.example>`, as Thunderbird writes people, as `{name, address}`. */
export function person(text) {
  const [, name, address] = /^\s*(.*?)\s*<([^<>]*)>\s*$/su.exec(text) ?? [null, "", text.trim()];
  return { name: name.replace(/^"(.*)"$/su, "$1").replace(/\\(.)/gsu, "$1"), address };
}

/** The name of the daemon's account for an address, by its addresses or by the user's word. */
export function accountFor(accounts, address, identityId, chosen = {}) {
  const sought = address.toLowerCase();
  const fits = accounts.find((each) => each.addresses.includes(sought));
  if (fits !== undefined) return fits.account;
  return accounts.some((each) => each.account === chosen[identityId]) ? chosen[identityId] : null;
}

/** Whether a mail, read without decrypting it, is encrypted. */
export function isEncrypted(part) {
  const type = (part.contentType ?? "").toLowerCase();
  const status = part.decryptionStatus ?? "none";
  return (
    status !== "none" ||
    type === "multipart/encrypted" ||
    /^application\/(x-)?pkcs7-mime$/u.test(type) && !/signed-data/u.test(String(part.headers?.["content-type"])) ||
    (part.body ?? "").includes("-----BEGIN PGP MESSAGE-----") ||
    (part.parts ?? []).some(isEncrypted)
  );
}
