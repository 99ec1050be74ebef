"""The page's style: light and dark, wide and narrow, on a screen and on paper."""

from __future__ import annotations

from mlx_agent.evaluate.drawing import COLOURS

DARK = ("#6db3f2", "#f0935a", "#7ccc80", "#cfa0ea", "#dcc04a", "#b0bcc4")
"""In place of the pictures' colours where the page is dark."""


def colour(number: int) -> str:
    """The name by which the page knows a colour of the pictures."""
    return f"--c{number}"


def _colours(some: tuple[str, ...]) -> str:
    return " ".join(f"{colour(number)}: {one};" for number, one in enumerate(some))


CSS = """
:root { color-scheme: light dark; --line: #bbb; --faint: #555; LIGHT }
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.5rem 0 .3rem; }
h4 { margin: .5rem 0 .2rem; font-size: 1rem; }
.note, figcaption { color: var(--faint); font-size: .9rem; }
.wide { overflow-x: auto; margin: 1rem 0 .3rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right;
  vertical-align: top; }
th { font-weight: 600; }
th[scope=row] { text-align: left; font-weight: 400; min-width: 6.5rem; overflow-wrap: anywhere; }
thead th:first-child { text-align: left; }
.n { white-space: nowrap; }
td small { display: block; color: var(--faint); }
code { font-size: .95em; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; display: block; }
blockquote { white-space: pre-wrap; margin: 0; padding-left: .8rem;
  border-left: 3px solid var(--line); overflow-wrap: anywhere; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.sides p { margin: 0; overflow-wrap: anywhere; }
article { margin: 1.5rem 0; padding-bottom: 1rem; border-bottom: 1px solid var(--line); }
del { text-decoration: line-through; color: #8a1f11; }
ins { text-decoration: underline; color: #0b4f8a; }
@media (max-width: 40rem) {
  .sides { grid-template-columns: 1fr; }
  figure { overflow-x: auto; }
  figure svg { width: 32rem; max-width: none; }
}
@media (prefers-color-scheme: dark) {
  :root { --line: #555; --faint: #aaa; DARK }
  body { color: #eee; background: #16181a; }
  del { color: #ff9c8f; }
  ins { color: #8fc7ff; }
}
@media print {
  body { color: #000; background: #fff; font-size: 11pt; }
  main { max-width: none; padding: 0; }
  .wide { overflow: visible; }
  figure, article, tr { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
}
""".replace("LIGHT", _colours(COLOURS)).replace("DARK", _colours(DARK))
