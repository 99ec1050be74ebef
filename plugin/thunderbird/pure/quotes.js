// What a person wrote in a mail, without what they quote and without the signature. Pure.

const QUOTED = /^\s*>/u;
const BEGINS_OLD_MAIL = /^-{2,}\s*(original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht)/iu;
const BEGINS_INTRODUCTION = /^(on|am|le|el|il|op)\s/iu;
const WROTE = /\b(wrote|writes|schrieb|écrit|escribió|scritto|schreef)\b/iu;
const SIGNATURE = /^-- ?$/u;

/** The text above old mails and the signature, without quoted lines and what introduces them. */
export function unquoted(text) {
  const lines = text.replace(/\r\n?/gu, "\n").split("\n");
  const end = lines.findIndex((line) => SIGNATURE.test(line) || BEGINS_OLD_MAIL.test(line));
  const above = end < 0 ? lines : lines.slice(0, end);
  const own = above.filter((line, at) => !QUOTED.test(line) && !introduces(above, at));
  return own.join("\n").replace(/\n{3,}/gu, "\n\n").trim();
}

/** Whether a line, alone or with the next one, is the "On ... wrote:" of a quote right below. */
function introduces(lines, at) {
  const [line, next = ""] = [lines[at], lines[at + 1] ?? ""];
  if (saysWho(line)) return isAboveQuote(lines, at);
  return BEGINS_INTRODUCTION.test(line) && saysWho(`${line} ${next}`) && isAboveQuote(lines, at + 1);
}

const saysWho = (line) => /:\s*$/u.test(line) && (/\d/u.test(line) || WROTE.test(line));

function isAboveQuote(lines, at) {
  const next = lines.slice(at + 1).find((line) => line.trim() !== "");
  return next !== undefined && QUOTED.test(next);
}

/**
 * Whether what was sent still goes back to the draft: enough of the draft's words are in it.
 *
 * A user who undid the draft and wrote another mail has made no edit of it.
 */
export function goesBackTo(draft, sent) {
  const words = (text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
  const drafted = [...words(draft)];
  const kept = words(sent);
  return drafted.filter((word) => kept.has(word)).length >= drafted.length * 0.3;
}
