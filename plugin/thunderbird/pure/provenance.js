// Where a draft's rules come from, and what was learned from a mail, in messages for the user. Pure.

/** The daemon's reasons, each with its message; one that is not here is told in its own words. */
const REASONS = {
  "no agent yet": "why_no_agent",
  "too few lessons yet": "why_few_lessons",
  "your nearest mails agree on no rule": "why_no_agreement",
  "no mail of yours to go by": "why_no_mail",
  "the agent is being trained": "why_training",
  "the agent took too long": "why_slow",
  "the agent could not be started": "why_not_started",
  "the agent's answer was no list of rules": "why_no_rules",
  "the agent's files are damaged": "why_damaged",
  "the agent's files are missing": "why_missing",
  "the agent's base model is damaged": "why_base_damaged",
  "the agent's base model is missing": "why_base_missing",
  "the agent's process ended": "why_ended",
  "the agent's process failed": "why_failed",
};
const DAY_MS = 24 * 60 * 60 * 1000;

/** When an agent was trained, by its id (`work-20261127-031500-1a2b3c`, in UTC), or null. */
export function trainedAt(adapter) {
  const found = /-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]+$/u.exec(adapter ?? "");
  if (found === null) return null;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

/**
 * The one line, as `{key, values, why}`: a message and, where a lower rung answered, the reasons,
 * `{key, text}` each.
 */
export function provenance({ rung, degraded, rules, adapter }, now) {
  const why = reasons(degraded);
  const count = String(rules.length);
  if (rung === "few-shot") return { key: "fromNearest", values: [count], why };
  if (rung === "style-card") return { key: "fromCard", values: [count], why };
  if (rung === "zero-shot") return { key: "withoutVoice", values: [], why };
  const trained = trainedAt(adapter);
  if (trained === null) return { key: "fromAgent", values: [count], why };
  if (now - trained < DAY_MS) return { key: "fromLastNight", values: [count], why };
  return { key: "fromAgentOf", values: [count, trained.toISOString().slice(0, 10)], why };
}

/** `one; another: what stands in` -> the reasons. */
function reasons(degraded) {
  if (!degraded) return [];
  const texts = degraded.replace(/: [^:]*$/u, "").split("; ");
  return texts.map((text) => ({ key: REASONS[text] ?? null, text }));
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
