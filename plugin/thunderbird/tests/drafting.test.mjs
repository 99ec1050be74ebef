import assert from "node:assert/strict";
import { test } from "node:test";
import { began, busy, failed, fresh, heard, requestOf, rulesOff, stopped, ticked } from "../pure/drafting.js";

const situation = { account: "work", from: { name: "", address: "a@x.example" } };
const greeting = { aspect: "greeting", instruction: "Greet." };
const tone = { aspect: "tone", instruction: "Be brief." };
const ruled = { draft_id: "d1", rules: [greeting, tone], rung: "adapter", degraded: null };
const checks = { uncovered: [], unsupported: [], language: null };

const started = (bullets = "one") => {
  const state = { ...fresh(), bullets };
  return began(state, requestOf(state, situation, "", "k1"));
};
const told = (state, ...events) =>
  events.reduce((now, [event, data]) => heard(now, { event, data }), state);
const finished = (state, id = "d1", text = "Hi.") =>
  told(
    state,
    ["rules", { ...ruled, draft_id: id }],
    ["text", { text: "H" }],
    ["done", { draft: { id, text, provenance: { adapter: "work-1" } }, checks }],
  );

test("a draft goes from rules over text to its end", () => {
  const asked = started();
  assert.equal(busy(asked), true);
  const writing = told(asked, ["rules", ruled], ["text", { text: "He" }], ["text", { text: "llo" }]);
  assert.deepEqual([writing.phase, writing.text, writing.rules.length], ["writing", "Hello", 2]);
  assert.equal(told(writing, ["replace", { text: "Hi." }]).text, "Hi.");
  const done = finished(asked);
  assert.deepEqual([done.phase, done.text, done.draftId, busy(done)], ["done", "Hi.", "d1", false]);
});

test("a rule that was ticked off is asked to be left out, and stays in its place to be ticked on", () => {
  const off = ticked(finished(started()), "greeting", false);
  assert.deepEqual(rulesOff(off), ["greeting"]);
  const request = requestOf(off, situation, "", "k2");
  assert.deepEqual([request.rules_off, request.replaces, request.key], [["greeting"], "d1", "k2"]);
  const again = told(began(off, request), ["rules", { ...ruled, draft_id: "d2", rules: [tone] }]);
  assert.deepEqual(again.rules.map((rule) => [rule.aspect, rule.on]), [["greeting", false], ["tone", true]]);
});

test("other bullets are another draft, the same ones the former written anew", () => {
  const done = finished(started());
  assert.equal(requestOf(done, situation, "Make it shorter.", "k2").replaces, "d1");
  assert.equal(requestOf({ ...done, bullets: "- two" }, situation, "", "k2").replaces, "");
  assert.equal(requestOf(done, { ...situation, account: "home" }, "", "k2").replaces, "");
});

test("a wish stands before the user's instruction", () => {
  const state = { ...fresh(), bullets: "one", instruction: " No names. " };
  assert.equal(requestOf(state, situation, "Make it shorter.", "k").instruction, "Make it shorter. No names.");
});

test("what may have arrived is asked for under its old key, what is another thing is not", () => {
  const lost = failed(started(), { code: "connection_lost", message: "Gone." });
  assert.equal(requestOf(lost, situation, "", "k2").key, "k1");
  assert.equal(requestOf({ ...lost, bullets: "two" }, situation, "", "k2").key, "k2");
  const refused = failed(started(), { code: "writer_unavailable", message: "No." });
  assert.equal(requestOf(refused, situation, "", "k2").key, "k2");
});

test("a draft that is cancelled or fails gives the former one back, with the ticks of now", () => {
  const off = ticked(finished(started()), "tone", false);
  const second = told(began(off, { ...off.request, key: "k2" }), ["rules", { ...ruled, rules: [greeting] }], ["text", { text: "Half" }]);
  const back = stopped(second);
  assert.deepEqual([back.phase, back.text, back.draftId, rulesOff(back)], ["done", "Hi.", "d1", ["tone"]]);
  const told_ = failed(second, { code: "x", message: "No." });
  assert.deepEqual([told_.text, told_.trouble.message], ["Hi.", "No."]);
});

test("without a former draft what has come stays to be read, but is none", () => {
  const half = stopped(told(started(), ["rules", ruled], ["text", { text: "Half" }]));
  assert.deepEqual([half.phase, half.text, half.draftId, half.bullets], ["failed", "Half", null, "one"]);
});

test("a former draft that the daemon does not know is not written anew", () => {
  const done = finished(started());
  const gone = failed(began(done, { ...done.request, key: "k2" }), { code: "draft_not_found", message: "No." });
  assert.equal(requestOf(gone, situation, "", "k3").replaces, "");
});
