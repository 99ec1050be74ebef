// One drafting as a state machine: what the window shows, and what is asked next. Pure.
//
// `phase` is idle, asking, writing, done or failed. A draft that was done is kept while the next one
// is asked for, and comes back if that one is cancelled or fails. The state is JSON.

import { bulletsOf } from "./bullets.js";

const ASPECTS = (
  "greeting opening length sentences tone contractions requests exclamation capitals subject layout " +
  "shorthand marks phrases closing sign-off signature"
).split(" ");
const UNCERTAIN = new Set(["connection_lost", "daemon_not_running", "daemon_not_ready"]);
const DRAFT = ["text", "draftId", "checks", "rules", "rung", "degraded", "adapter", "drafted"];

/** Whether a request that failed so may be made again, and may have arrived. */
export const isUncertain = (code) => UNCERTAIN.has(code);

/** Nothing yet. */
export function fresh() {
  return {
    phase: "idle",
    bullets: "",
    taken: false,
    instruction: "",
    rules: [],
    rung: null,
    degraded: null,
    adapter: null,
    text: "",
    draftId: null,
    checks: null,
    drafted: null,
    kept: null,
    request: null,
    trouble: null,
    inserted: null,
    sending: null,
    noticed: null,
  };
}

/** Whether a draft is on its way. */
export const busy = ({ phase }) => phase === "asking" || phase === "writing";

/** The aspects that the user has ticked off. */
export const rulesOff = ({ rules }) => rules.filter((rule) => !rule.on).map((rule) => rule.aspect);

/**
 * The body of the next `POST /v1/drafts`; `newKey` is used unless this repeats what may have arrived.
 *
 * The same bullets again are the former draft written anew.
 */
export function requestOf(state, situation, wish, newKey) {
  const bullets = bulletsOf(state.bullets);
  const again = JSON.stringify(state.drafted?.bullets) === JSON.stringify(bullets);
  const replaces = again && state.drafted.account === situation.account ? state.drafted.id : "";
  const instruction = [wish, state.instruction.trim()].filter((part) => part !== "").join(" ");
  const body = { ...situation, bullets, instruction, rules_off: rulesOff(state), replaces };
  const repeats = isUncertain(state.trouble?.code) && same(state.request, body);
  return { ...body, key: repeats ? state.request.key : newKey };
}

function same(request, body) {
  return JSON.stringify({ ...request, key: "" }) === JSON.stringify({ ...body, key: "" });
}

/** A request is on its way. */
export function began(state, request) {
  const kept = state.phase === "done" ? Object.fromEntries(DRAFT.map((name) => [name, state[name]])) : state.kept;
  const empty = { text: "", draftId: null, checks: null, trouble: null };
  return { ...state, ...empty, phase: "asking", request, kept };
}

/** The daemon sent an event. */
export function heard(state, { event, data }) {
  if (event === "rules") return { ...state, ...ruled(state, data), phase: "writing" };
  if (event === "text") return { ...state, text: state.text + data.text };
  if (event === "replace") return { ...state, text: data.text };
  if (event === "done") return { ...state, ...finished(state, data), phase: "done" };
  return state;
}

function ruled(state, { draft_id, rules, rung, degraded }) {
  const now = rules.map((rule) => ({ ...rule, on: true }));
  const off = state.rules.filter((rule) => !rule.on && !now.some((one) => one.aspect === rule.aspect));
  const place = ({ aspect }) => ASPECTS.indexOf(aspect);
  const shown = [...now, ...off].sort((a, b) => place(a) - place(b));
  return { draftId: draft_id, rules: shown, rung, degraded, adapter: null };
}

function finished({ request }, { draft, checks }) {
  const drafted = { id: draft.id, bullets: request.bullets, account: request.account };
  const { adapter } = draft.provenance;
  return { text: draft.text, draftId: draft.id, checks, adapter, drafted, kept: null };
}

/** The draft failed: the trouble is told, and what was there before is there again. */
export function failed(state, { code, message }) {
  const drafted = code === "draft_not_found" ? { drafted: null } : {};
  return { ...stopped(state), ...drafted, trouble: { code, message } };
}

/** The user has cancelled it, or it has failed. Without a former draft, what has come stays. */
export function stopped(state) {
  if (state.kept === null) return { ...state, phase: "failed", draftId: null };
  const rules = state.kept.rules.map((rule) => {
    const now = state.rules.find((one) => one.aspect === rule.aspect);
    return { ...rule, on: now?.on ?? rule.on };
  });
  return { ...state, ...state.kept, rules, kept: null, phase: "done" };
}

/** The user ticks a rule on or off. */
export function ticked(state, aspect, on) {
  const rules = state.rules.map((rule) => (rule.aspect === aspect ? { ...rule, on } : rule));
  return { ...state, rules };
}
