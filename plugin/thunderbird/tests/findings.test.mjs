import assert from "node:assert/strict";
import { test } from "node:test";
import { findings, pieces } from "../pure/findings.js";

const fact = (text, start) => ({ kind: "number", text, start, end: start + [...text].length });

test("facts are marked where the daemon counts them, in code points", () => {
  assert.deepEqual(pieces("😀 at 15:00, ok", [fact("15:00", 5)]), [
    { text: "😀 at ", kind: null },
    { text: "15:00", kind: "number" },
    { text: ", ok", kind: null },
  ]);
});

test("places that overlap or lie outside are left alone", () => {
  const found = pieces("12 and 34", [fact("34", 7), fact("12", 0), fact("2 a", 1), fact("4567", 8)]);
  assert.equal(found.map((piece) => piece.text).join(""), "12 and 34");
  assert.deepEqual(found.filter((piece) => piece.kind).map((piece) => piece.text), ["12", "34"]);
});

test("a text without findings is one piece, an empty one none", () => {
  assert.deepEqual(pieces("All well."), [{ text: "All well.", kind: null }]);
  assert.deepEqual(pieces("", []), []);
});

test("each finding is told once", () => {
  const checks = {
    uncovered: [{ position: 1, facts: [] }, { position: 0, facts: ["3pm"] }],
    unsupported: [fact("42", 0), fact("42", 9)],
    language: { written: "en", wanted: "de" },
  };
  assert.deepEqual(findings(checks, ["call at 3pm", "bring cake"]), [
    { key: "uncovered", values: ["bring cake"] },
    { key: "uncoveredFacts", values: ["call at 3pm", "3pm"] },
    { key: "unsupported", values: ["42"] },
    { key: "language", values: ["en", "de"] },
  ]);
  assert.deepEqual(findings(null, []), []);
});
