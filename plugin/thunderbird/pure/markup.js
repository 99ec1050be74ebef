// A draft as it goes into a mail. Pure: mail and model say text, and text it stays.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** The text as HTML says it. */
export const escaped = (text) => text.replace(/[&<>"']/gu, (sign) => ESCAPES[sign]);

/** The draft as HTML, in the element that says which draft it is. */
export function marked(text, draftId) {
  const paragraphs = text.split(/\n{2,}/u).map((paragraph) => `<p>${lines(paragraph)}</p>`);
  return `<div data-trimtab-draft="${escaped(draftId)}">${paragraphs.join("")}</div>`;
}

function lines(paragraph) {
  return escaped(paragraph).replace(/ {2}/gu, " &nbsp;").replace(/\n/gu, "<br>");
}
