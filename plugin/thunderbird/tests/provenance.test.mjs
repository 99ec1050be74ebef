import assert from "node:assert/strict";
import { test } from "node:test";
import { noticed, provenance, trainedAt } from "../pure/provenance.js";

const rules = Array(12).fill({});
const now = new Date("2026-11-28T08:00:00Z");

test("an agent's age is in its id", () => {
  assert.equal(trainedAt("my-work-20261127-031500-1a2b3c").toISOString(), "2026-11-27T03:15:00.000Z");
  assert.equal(trainedAt(null), null);
  assert.equal(trainedAt("something"), null);
});

test("the line says whose rules they are", () => {
  const line = (fields) => provenance({ rules, degraded: null, adapter: null, ...fields }, now);
  const tonight = { rung: "adapter", adapter: "work-20261128-031500-1a2b3c" };
  assert.deepEqual(line(tonight), { key: "fromLastNight", values: ["12"], why: [] });
  const older = { rung: "adapter", adapter: "work-20261120-031500-1a2b3c" };
  assert.deepEqual(line(older).values, ["12", "2026-11-20"]);
  assert.equal(line({ rung: "adapter" }).key, "fromAgent");
});

test("a lower rung says why it is one", () => {
  const degraded = "no agent yet; too few lessons yet; news: your usual greeting, length and sign-off";
  const found = provenance({ rung: "style-card", rules, degraded, adapter: null }, now);
  assert.equal(found.key, "fromCard");
  assert.deepEqual(found.why, [
    { key: "why_no_agent", text: "no agent yet" },
    { key: "why_few_lessons", text: "too few lessons yet" },
    { key: null, text: "news" },
  ]);
  assert.equal(provenance({ rung: "zero-shot", rules: [], degraded: "a: b" }, now).key, "withoutVoice");
  assert.equal(provenance({ rung: "few-shot", rules, degraded: "a: b" }, now).key, "fromNearest");
});

test("what was noticed names the first change and counts the others", () => {
  const change = (removed, put) => ({ at: 0, removed, put });
  assert.equal(noticed({ unchanged: true, changes: [] }).key, "noticedNothing");
  assert.deepEqual(noticed({ unchanged: false, changes: [change("Dear", "Hi")] }), {
    key: "noticedChanged",
    values: ["Dear", "Hi", "0"],
  });
  const more = noticed({ unchanged: false, changes: [change("", "x".repeat(60)), change("a", "")] });
  assert.equal(more.key, "noticedPutMore");
  assert.equal(more.values[1].length, 40);
  assert.equal(noticed({ unchanged: false, changes: [change("a", "")] }).key, "noticedRemoved");
});
