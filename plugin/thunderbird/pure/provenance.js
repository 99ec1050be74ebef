// Where a draft's rules come from, and what was learned from a mail, in messages for the user. Pure.

const DAY_MS = 24 * 60 * 60 * 1000;

/** When an agent was trained, by its id (`work-20261127-031500-1a2b3c`, in UTC), or null. */
export function trainedAt(adapter) {
  const found = /-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]+$/u.exec(adapter ?? "");
  if (found === null) return null;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

/** The one line, as `{key, values, why}`: a message and, where a lower rung answered, its reasons. */
export function provenance({ rung, degraded, rules, adapter }, now) {
  const why = degraded ? degraded.replace(/: [^:]*$/u, "") : "";
  const count = String(rules.length);
  if (rung === "few-shot") return { key: "fromNearest", values: [count], why };
  if (rung === "style-card") return { key: "fromCard", values: [count], why };
  if (rung === "zero-shot") return { key: "withoutVoice", values: [], why };
  const trained = trainedAt(adapter);
  if (trained === null) return { key: "fromAgent", values: [count], why };
  if (now - trained < DAY_MS) return { key: "fromLastNight", values: [count], why };
  return { key: "fromAgentOf", values: [count, trained.toISOString().slice(0, 10)], why };
}

/** What was noticed of a sent mail, as `{key, values}`; changes are `{removed, put}`. */
export function noticed({ unchanged, changes }) {
  if (unchanged) return { key: "noticedNothing", values: [] };
  const [first] = changes;
  const more = String(changes.length - 1);
  if (first === undefined) return { key: "noticedEdit", values: [] };
  const values = [short(first.removed), short(first.put), more];
  const kind = first.removed === "" ? "Put" : first.put === "" ? "Removed" : "Changed";
  return { key: `noticed${kind}${changes.length > 1 ? "More" : ""}`, values };
}

function short(text) {
  const letters = [...text];
  return letters.length > 40 ? `${letters.slice(0, 39).join("")}…` : text;
}
