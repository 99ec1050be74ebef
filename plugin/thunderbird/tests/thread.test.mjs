import assert from "node:assert/strict";
import { test } from "node:test";
import { accountFor, answering, bare, bracketed, isEncrypted, messageIds, person } from "../pure/thread.js";

test("message-ids are read from folded headers, each once", () => {
  assert.deepEqual(messageIds(["<a@x.example>\r\n <b@x.example> <a@x.example>", "junk"]), [
    "<a@x.example>",
    "<b@x.example>",
  ]);
  assert.deepEqual(messageIds(undefined), []);
  assert.deepEqual(messageIds([`<${"a".repeat(600)}@x.example>`]), []);
});

test("an id is the same with and without brackets", () => {
  assert.equal(bracketed("a@x.example"), "<a@x.example>");
  assert.equal(bracketed("<a@x.example>"), "<a@x.example>");
  assert.equal(bracketed("no id"), "");
  assert.equal(bracketed(undefined), "");
  assert.equal(bare("<a@x.example>"), "a@x.example");
});

test("an answer names its thread and its parent last", () => {
  assert.deepEqual(answering("c@x.example", { references: ["<a@x.example> <b@x.example>"] }), {
    in_reply_to: "<c@x.example>",
    references: ["<a@x.example>", "<b@x.example>", "<c@x.example>"],
  });
  assert.deepEqual(answering("c@x.example", { "in-reply-to": ["<b@x.example>"] }).references, [
    "<b@x.example>",
    "<c@x.example>",
  ]);
});

test("of a long thread the first mail and the latest stay", () => {
  const ids = Array.from({ length: 150 }, (_, at) => `<${at}@x.example>`);
  const { references } = answering("last@x.example", { references: [ids.join(" ")] });
  assert.equal(references.length, 100);
  assert.deepEqual([references[0], references[99]], ["<0@x.example>", "<last@x.example>"]);
});

test("people are read as Thunderbird writes them", () => {
  assert.deepEqual(person("Ada Field <ada@field.example>"), { name: "Ada Field", address: "ada@field.example" });
  assert.deepEqual(person('"Field, \\"A\\" Ada" <ada@field.example>').name, 'Field, "A" Ada');
  assert.deepEqual(person(" ada@field.example "), { name: "", address: "ada@field.example" });
});

test("the account is the one with the address, else the one that the user chose", () => {
  const accounts = [
    { account: "work", addresses: ["ada@work.example"] },
    { account: "home", addresses: ["ada@home.example", "a@home.example"] },
  ];
  assert.equal(accountFor(accounts, "A@Home.example", "id1"), "home");
  assert.equal(accountFor(accounts, "x@else.example", "id1"), null);
  assert.equal(accountFor(accounts, "x@else.example", "id1", { id1: "work" }), "work");
  assert.equal(accountFor(accounts, "x@else.example", "id1", { id1: "gone" }), null);
});

test("encrypted mail is known by its type, its armour, or by Thunderbird's word", () => {
  assert.equal(isEncrypted({ contentType: "message/rfc822", parts: [{ contentType: "text/plain", body: "hi" }] }), false);
  assert.equal(isEncrypted({ contentType: "message/rfc822", parts: [{ contentType: "multipart/encrypted" }] }), true);
  assert.equal(isEncrypted({ contentType: "application/pkcs7-mime" }), true);
  const signed = { "content-type": ["application/pkcs7-mime; smime-type=signed-data"] };
  assert.equal(isEncrypted({ contentType: "application/pkcs7-mime", headers: signed }), false);
  assert.equal(isEncrypted({ contentType: "text/plain", body: "-----BEGIN PGP MESSAGE-----\n" }), true);
  assert.equal(isEncrypted({ contentType: "message/rfc822", decryptionStatus: "skipped" }), true);
});
