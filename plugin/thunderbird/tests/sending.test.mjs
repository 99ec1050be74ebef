import assert from "node:assert/strict";
import { test } from "node:test";
import { escaped, marked } from "../pure/markup.js";
import { foreignHeaders, namedDraft, unmarked } from "../pure/sending.js";

test("a draft goes in as text, in paragraphs, in its marker", () => {
  assert.equal(
    marked("Hi <b>&\n\nTwo  blanks\nand a line", "d1"),
    '<div data-trimtab-draft="d1"><p>Hi &lt;b&gt;&amp;</p><p>Two &nbsp;blanks<br>and a line</p></div>',
  );
  assert.equal(escaped(`<a href="x" onclick='y'>`), "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;");
});

test("the marker is taken out, and nothing else", () => {
  const html = `<p>a data-trimtab-draft="x" b</p><div class="c" data-trimtab-draft="d1" id="e"><p>t</p></div>`;
  const clean = `<p>a data-trimtab-draft="x" b</p><div class="c" id="e"><p>t</p></div>`;
  assert.equal(unmarked(html), clean);
  assert.equal(unmarked(clean), null);
  assert.equal(unmarked(marked("t", "d1")), "<div><p>t</p></div>");
});

test("the header is taken out, and no other", () => {
  const headers = [{ name: "x-trimtab-draft", value: "d1" }, { name: "X-Other", value: "1" }];
  assert.equal(namedDraft(headers), "d1");
  assert.deepEqual(foreignHeaders(headers), [{ name: "X-Other", value: "1" }]);
  assert.equal(namedDraft(undefined), null);
});
