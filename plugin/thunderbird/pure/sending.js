// The mail on its way out: what must not leave with it. Pure.

export const HEADER = "X-Trimtab-Draft";
const MARKER = /(<[a-z][a-z0-9]*\b[^<>]*?)\s+data-trimtab-draft="[^"]*"/giu;

/** The HTML without the marker of the draft, or null where it has none. */
export function unmarked(html) {
  const clean = html.replace(MARKER, "$1");
  return clean === html ? null : clean;
}

/** The custom headers without ours. */
export function foreignHeaders(headers = []) {
  return headers.filter(({ name }) => name.toLowerCase() !== HEADER.toLowerCase());
}

/** The id that the custom headers name, or null. */
export function namedDraft(headers = []) {
  const ours = headers.find(({ name }) => name.toLowerCase() === HEADER.toLowerCase());
  return ours?.value ?? null;
}
