"""The import rules of the design, over the import graph."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("daemon", "mlx_agent", "plugin")
MAY_LOAD_MLX = {
    "mlx_agent.engine",
    "mlx_agent.worker",
    "mlx_agent.agent",
    "mlx_agent.chatting",
    "mlx_agent.train.run",
    "mlx_agent.train.checkpoints",
    "mlx_agent.train.course",
    "mlx_agent.pocket.pretrain",
}
MAY_CALL_THE_CLIENT = {"daemon.cli", "daemon.commands", "daemon.demo"}
"""The command and the demo speak to a running daemon as any mail client does; `daemon.cli` prints
the sentences of the client's errors."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            yield name, ast.parse(path.read_text("utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


GRAPH = {name: set(imports(tree)) for name, tree in modules()}


def importing(package: str) -> dict[str, set[str]]:
    """Modules that import `package`, with what they import of it."""
    found = {}
    for name, targets in GRAPH.items():
        hits = {t for t in targets if t == package or t.startswith(f"{package}.")}
        if hits and name.split(".")[0] != package:
            found[name] = hits
    return found


def test_nothing_imports_the_daemon() -> None:
    """Imports point down: the daemon is the composition root."""
    assert importing("daemon") == {}


def test_only_the_daemon_imports_mlx_agent() -> None:
    """The plugin stands alone."""
    assert {name.split(".")[0] for name in importing("mlx_agent")} <= {"daemon"}


def test_the_client_is_called_by_the_command_and_the_demo_alone() -> None:
    """The daemon does not talk to itself over its socket."""
    callers = {".".join(name.split(".")[:2]) for name in importing("plugin")}
    assert callers <= MAY_CALL_THE_CLIENT


@pytest.mark.parametrize("library", ["mlx", "mlx_lm"])
def test_mlx_is_loaded_in_the_worker_only(library: str) -> None:
    """The daemon starts fast, stays small, and outlives a crash of the GPU."""
    assert set(importing(library)) <= MAY_LOAD_MLX


def test_no_module_of_the_daemon_imports_one_that_loads_mlx() -> None:
    """Not even by way of mlx_agent."""
    for name, targets in GRAPH.items():
        if name.startswith("daemon"):
            assert not targets & MAY_LOAD_MLX, name


def test_sql_is_written_in_the_store_alone() -> None:
    """All SQL lives in `daemon.store`; `daemon.lock` and the rest know no sqlite3."""
    users = {name for name, targets in GRAPH.items() if "sqlite3" in targets}
    assert all(name.startswith("daemon.store") for name in users), users


def test_imap_is_spoken_in_three_modules() -> None:
    """A connection, what is asked over it, and the wait for news: the only IMAP I/O."""
    allowed = {f"daemon.mailbox.{name}" for name in ("connection", "imap", "idle")}
    assert set(importing("imapclient")) <= allowed


def functions() -> Iterator[tuple[str, int]]:
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}.{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_no_function_is_over_sixty_lines() -> None:
    """A long function hides a second one."""
    assert [name for name, lines in functions() if lines > 60] == []


def test_modules_stay_small_and_have_telling_names() -> None:
    """At most 300 lines of code; nothing called utils or helpers."""
    for name, tree in modules():
        lines = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.expr)}
        assert len(lines) <= 300, f"{name} has {len(lines)} lines"
        assert name.split(".")[-1] not in {"utils", "util", "helpers", "common", "misc"}, name
