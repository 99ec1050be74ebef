// The mail's body, in the compose editor: its own lines, and the draft put into it. Injected as a
// classic script; what is called is `trimtab.lines()`, `trimtab.draft()` and `trimtab.insert(draft)`.
// It decides nothing that can be decided elsewhere, and reaches no network.
"use strict";

globalThis.trimtab ??= (() => {
  const NOT_OWN =
    ".moz-cite-prefix, blockquote[type=cite], [_moz_quote], .moz-signature, .moz-forward-container";
  const MARKER = "data-trimtab-draft";
  const BLOCKS = new Set(
    "ADDRESS BLOCKQUOTE BODY CENTER DIV DL DD DT H1 H2 H3 H4 H5 H6 LI OL P PRE TABLE TD TH TR UL".split(" "),
  );
  let plainDraft = null; // a live range around the draft in a plain-text mail, which has no elements

  // --- lines -----------------------------------------------------------------------------------

  /**
   * The lines that are neither quote nor signature: `{text, item, start, end}`; places in the DOM.
   * `stand` is a text that stands for each of the others, if they are to be told at all.
   */
  function ownLines(stand = null) {
    const lines = [];
    let line = null;
    const close = () => {
      if (line !== null) lines.push(line);
      line = null;
    };
    const open = (node, offset) => {
      line ??= { text: "", item: isItem(node), start: [node, offset], end: [node, offset] };
    };
    const addText = (node) => {
      for (const { text, offset, last } of textLines(node)) {
        if (text.trim() !== "" || line !== null || !last) {
          open(node, offset);
          line.text += text;
          line.end = [node, offset + text.length];
        }
        if (!last) close();
      }
    };
    const visit = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return addText(node);
      if (node.nodeType !== Node.ELEMENT_NODE) return undefined;
      if (node.matches(NOT_OWN)) {
        close();
        if (stand !== null) lines.push({ text: stand, item: false });
        return undefined;
      }
      if (node.nodeName === "BR") {
        open(node.parentNode, [...node.parentNode.childNodes].indexOf(node));
        return close();
      }
      const block = BLOCKS.has(node.nodeName);
      if (block) close();
      node.childNodes.forEach(visit);
      return block ? close() : undefined;
    };
    visit(document.body);
    return lines;
  }

  /** A text node in lines: a line feed ends one where the editor shows it as such. */
  function textLines(node) {
    if (!getComputedStyle(node.parentElement).whiteSpace.startsWith("pre")) {
      return [{ text: node.data.replace(/[\n\u00a0]/gu, " "), offset: 0, last: true }];
    }
    let offset = 0;
    return node.data.split("\n").map((text, at, all) => {
      const found = { text, offset, last: at === all.length - 1 };
      offset += text.length + 1;
      return found;
    });
  }

  const isItem = (node) => (node.nodeType === 1 ? node : node.parentElement).closest("li") !== null;

  // --- where the draft goes --------------------------------------------------------------------

  function rangeOf(start, end) {
    const range = document.createRange();
    range.setStart(...start);
    range.setEnd(...end);
    return range;
  }

  /** What carries the marker. A mail that is quoted may carry one, too: that is none of ours. */
  function markedOnes() {
    const found = [...document.querySelectorAll(`[${MARKER}]`)];
    return found.filter((element) => element.closest(NOT_OWN) === null);
  }

  function formerDraft() {
    const former = markedOnes();
    if (former.length > 0) {
      const range = document.createRange();
      range.setStartBefore(former[0]);
      range.setEndAfter(former[former.length - 1]);
      return range;
    }
    return plainDraft !== null && !plainDraft.collapsed ? plainDraft : null;
  }

  function rangeOfRun(run) {
    const lines = run ? ownLines() : [];
    return run && run.to < lines.length ? rangeOf(lines[run.from].start, lines[run.to].end) : null;
  }

  /** The caret, or the place above the quote where it lies in what is not the user's. */
  function caret() {
    const { focusNode, focusOffset } = getSelection();
    const element = focusNode?.nodeType === Node.ELEMENT_NODE ? focusNode : focusNode?.parentElement;
    if (element && document.body.contains(element) && element.closest(NOT_OWN) === null) {
      return rangeOf([focusNode, focusOffset], [focusNode, focusOffset]);
    }
    const range = document.createRange();
    const other = document.body.querySelector(NOT_OWN);
    if (other !== null) range.setStartBefore(other);
    else range.selectNodeContents(document.body);
    range.collapse(other !== null);
    return range;
  }

  function select(range) {
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range.cloneRange());
  }

  // --- putting it in ---------------------------------------------------------------------------

  /** Puts the draft in, as one step for undo, in place of the former one or of the bullets. */
  function insert({ id, html, text, plain, run }) {
    const range = formerDraft() ?? rangeOfRun(run) ?? caret();
    select(range);
    if (plain) insertText(text, range);
    else document.execCommand("insertHTML", false, html);
    const done = plain ? plainDraft !== null : markedOnes().length > 0;
    if (!plain) caretAfter(id);
    return done;
  }

  function insertText(text, range) {
    const start = [range.startContainer, range.startOffset];
    document.execCommand("insertText", false, text);
    const { focusNode, focusOffset } = getSelection();
    plainDraft = rangeOf(start, [focusNode, focusOffset]);
  }

  function caretAfter(id) {
    const last = markedOnes().findLast((element) => element.getAttribute(MARKER) === id);
    if (last === undefined) return;
    getSelection().selectAllChildren(last.lastElementChild ?? last);
    getSelection().collapseToEnd();
  }

  return {
    insert,
    /** The own lines as they read. */
    lines: () => ownLines().map(({ text, item }) => ({ text, item })),
    /** The whole text with a quoting mark in place of each quote, for what reads quotes in text. */
    text: () => ownLines(">").map(({ text }) => text).join("\n"),
    /** The id of the draft that stands in the mail, or null. */
    draft: () => markedOnes()[0]?.getAttribute(MARKER) ?? null,
  };
})();
