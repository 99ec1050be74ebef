import assert from "node:assert/strict";
import { test } from "node:test";
import { goesBackTo, unquoted } from "../pure/quotes.js";

test("own text is without quotes, what introduces them, and signature", () => {
  const mail = "Yes.\n\nOn 3 March 2026 at 9:30, Ada wrote:\n> Could you come?\n\nSee you\n-- \nAda Field";
  assert.equal(unquoted(mail), "Yes.\n\nSee you");
});

test("an introduction in two lines, in German, and without a date goes too", () => {
  assert.equal(unquoted("Ja.\n\nAm 3. März 2026 um 9:30 Uhr\nschrieb Ada Field:\n\n> Kommst du?"), "Ja.");
  assert.equal(unquoted("Yes.\nAlice wrote:\n> Thursday?"), "Yes.");
});

test("a line that ends in a colon stays where no quote follows", () => {
  assert.equal(unquoted("Two things for 2026:\none\ntwo"), "Two things for 2026:\none\ntwo");
});

test("what is below an old mail's mark is cut", () => {
  assert.equal(unquoted("FYI\r\n\r\n-----Original Message-----\r\nFrom: x"), "FYI");
  assert.equal(unquoted("FYI\n\n-------- Weitergeleitete Nachricht --------\nVon: x"), "FYI");
});

test("an edited draft goes back to the draft, another mail does not", () => {
  const draft = "Dear Al,\n\nThursday works for me. The plan is ready.\n\nAda";
  assert.equal(goesBackTo(draft, "Hi Al, Thursday works. The plan is nearly ready. Ada"), true);
  assert.equal(goesBackTo(draft, "Sorry, I have to cancel everything."), false);
});
