// Bullets: the lines of the window, and those that the user has begun in the mail itself. Pure.

const MARKED = /^\s*[-*•–]\s+(?=\S)/u;
const MARK_ALONE = /^\s*[-*•–]?\s*$/u;

/** The bullets of a text, one a line, without their marks and without empty lines. */
export function bulletsOf(text) {
  return text
    .split(/\r?\n/u)
    .filter((line) => !MARK_ALONE.test(line))
    .map((line) => line.replace(MARKED, "").trim());
}

/**
 * The first run of bullets among the lines of a mail: `{from, to}`, both inclusive, or null.
 *
 * Lines are `{text, item}`; an item of a list is a bullet without a mark. Empty lines belong to the
 * run if another bullet follows; whatever else the user has written ends it, and stays theirs.
 */
export function bulletRun(lines) {
  const isBullet = ({ text, item }) => (item ? !MARK_ALONE.test(text) : MARKED.test(text));
  const from = lines.findIndex(isBullet);
  if (from < 0) return null;
  let to = from;
  for (let at = from + 1; at < lines.length; at += 1) {
    if (isBullet(lines[at])) to = at;
    else if (!MARK_ALONE.test(lines[at].text)) break;
  }
  return { from, to };
}

/** The bullets of such a run, as text for the window. */
export function textOfRun(lines, run) {
  if (run === null) return "";
  const texts = lines.slice(run.from, run.to + 1).map((line) => line.text);
  return bulletsOf(texts.join("\n")).join("\n");
}

/** The lines, as indices `{from, to}`, that hold just this text; null if it is not there as it was. */
export function runOfText(lines, text) {
  const sought = text.split("\n").map((line) => line.trimEnd());
  const found = lines.map((line) => line.text.trimEnd());
  for (let from = 0; from + sought.length <= found.length; from += 1) {
    if (sought.every((line, at) => found[from + at] === line)) {
      return { from, to: from + sought.length - 1 };
    }
  }
  return null;
}
