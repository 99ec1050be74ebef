"""Draw docs/demo.svg: what `trimtab demo` prints. `make picture` runs it."""

import re
import sys

from rich.console import Console
from rich.text import Text

WIDTH = 92


def main() -> None:
    """Terminal output on standard input, an SVG of it on standard output."""
    console = Console(record=True, width=WIDTH, file=sys.stderr)
    console.print(Text.from_ansi(sys.stdin.read().strip("\n")))
    picture = console.export_svg(title="trimtab demo")
    # The reader's own fonts will do; the picture loads nothing from anywhere.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    sys.stdout.write("\n".join(line.rstrip() for line in picture.splitlines()) + "\n")


if __name__ == "__main__":
    main()
