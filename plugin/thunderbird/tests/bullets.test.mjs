import assert from "node:assert/strict";
import { test } from "node:test";
import { bulletRun, bulletsOf, runOfText, textOfRun } from "../pure/bullets.js";

const lines = (...texts) => texts.map((text) => ({ text, item: false }));

test("a bullet is a line, with or without a mark", () => {
  assert.deepEqual(bulletsOf("- one\n\n* two\n three \n-\n•  four"), ["one", "two", "three", "four"]);
  assert.deepEqual(bulletsOf("-5 degrees\n2*3"), ["-5 degrees", "2*3"]);
  assert.deepEqual(bulletsOf(" \n\n"), []);
});

test("bullets in a mail are the first run of marked lines", () => {
  const mail = lines("Hello", "", "- one", "", "* two", "", "Bye", "- three");
  assert.deepEqual(bulletRun(mail), { from: 2, to: 4 });
  assert.equal(textOfRun(mail, bulletRun(mail)), "one\ntwo");
});

test("a mail without bullets has none to take along", () => {
  assert.equal(bulletRun(lines("Hello", "", "Bye")), null);
  assert.equal(textOfRun(lines("Hello"), null), "");
  assert.equal(bulletRun([]), null);
});

test("an item of a list is a bullet without a mark", () => {
  const mail = [{ text: "one", item: true }, { text: "two", item: true }, { text: "", item: false }];
  assert.deepEqual(bulletRun(mail), { from: 0, to: 1 });
});

test("a draft is found again by its lines, and only as it was", () => {
  const mail = lines("Before", "Dear Al, ", "", "yes.", "After");
  assert.deepEqual(runOfText(mail, "Dear Al,\n\nyes."), { from: 1, to: 3 });
  assert.equal(runOfText(mail, "Dear Al,\n\nno."), null);
});
