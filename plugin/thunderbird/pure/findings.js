// What was found wrong with a draft, as pieces to show. Pure.
//
// The daemon counts characters as Unicode does (code points), JavaScript counts UTF-16 units.

/** The text in pieces `{text, kind}`; `kind` is that of an unsupported fact, else null. */
export function pieces(text, unsupported = []) {
  const letters = [...text];
  const found = [];
  let at = 0;
  for (const { start, end, kind } of [...unsupported].sort((a, b) => a.start - b.start)) {
    if (start < at || end > letters.length || end <= start) continue;
    found.push({ text: letters.slice(at, start).join(""), kind: null });
    found.push({ text: letters.slice(start, end).join(""), kind });
    at = end;
  }
  found.push({ text: letters.slice(at).join(""), kind: null });
  return found.filter((piece) => piece.text !== "");
}

/** What to tell: `{key, values}` of the message and what it is about, each thing once. */
export function findings(checks, bullets) {
  if (!checks) return [];
  const left = checks.uncovered.map(({ position, facts }) =>
    facts.length > 0
      ? { key: "uncoveredFacts", values: [bullets[position] ?? "", facts.join(", ")] }
      : { key: "uncovered", values: [bullets[position] ?? ""] },
  );
  const facts = [...new Set(checks.unsupported.map((fact) => fact.text))];
  const invented = facts.map((text) => ({ key: "unsupported", values: [text] }));
  const { language } = checks;
  const tongue = language ? [{ key: "language", values: [language.written, language.wanted] }] : [];
  return [...left, ...invented, ...tongue];
}
