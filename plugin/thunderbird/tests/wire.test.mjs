import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser, Joiner } from "../pure/wire.js";

test("a message in pieces is put together, beside another one's", () => {
  const joiner = new Joiner();
  assert.deepEqual(joiner.take({ id: "1", status: 200, data: null }), { id: "1", status: 200, data: null });
  assert.equal(joiner.take({ id: "2", part: '{"id":"2",', last: false }), null);
  assert.equal(joiner.take({ id: "3", part: "{", last: false }), null);
  assert.deepEqual(joiner.take({ id: "2", part: '"end":true}', last: true }), { id: "2", end: true });
  assert.deepEqual(joiner.take({ id: "3", part: "}", last: true }), {});
});

test("events are the same wherever the stream is cut", () => {
  const text = ': ping\n\nevent: rules\ndata: {"rules":[]}\n\nevent: text\r\ndata: {"text":"a: b"}\r\n\r\n';
  const wanted = [
    { event: "rules", data: { rules: [] } },
    { event: "text", data: { text: "a: b" } },
  ];
  for (let cut = 0; cut <= text.length; cut += 1) {
    const parser = new EventParser();
    assert.deepEqual([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))], wanted);
  }
});
