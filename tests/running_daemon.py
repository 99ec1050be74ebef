"""`trimtab run` as a process of its own, reached by both of its sockets."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from command import TRIMTAB
from tools import free_port

from daemon.paths import Paths, find_paths
from plugin.client import Client, Port

ACCOUNT = """
[accounts.work]
name = "Ada Field"
addresses = ["ada@field.example"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A daemon; `said` is where its standard error goes."""

    paths: Paths
    port: int
    process: subprocess.Popen[bytes]
    said: Path

    @property
    def token(self) -> str:
        return self.paths.token.read_text("ascii").strip()

    @property
    def peak(self) -> int:
        """Bytes that it had in memory at the most; where no system tells, that it has."""
        with suppress(FileNotFoundError):
            status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
            return int(status.partition("VmHWM:")[2].split()[0]) * 1024
        return psutil.Process(self.process.pid).memory_info().rss

    def client(self) -> Client:
        return Client(self.paths.socket)

    def tcp_client(self) -> Client:
        return Client(Port(number=self.port, token=self.token))

    def connected(self, *, tcp: bool = True) -> socket.socket:
        """A bare connection."""
        connection = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        connection.settimeout(30)
        try:
            connection.connect(("127.0.0.1", self.port) if tcp else str(self.paths.socket))
        except OSError:
            connection.close()
            raise
        return connection

    def end(self) -> float:
        """Ask it to end, as a service manager does; the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        return time.monotonic() - begun

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


@contextmanager
def a_home(config: str = ACCOUNT) -> Iterator[Path]:
    """A home whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="tt") as directory:
        home = Path(directory)
        (home / "config.toml").write_text(config, "utf-8")
        yield home


@contextmanager
def started(home: Path, port: int = 0) -> Iterator[Running]:
    """A daemon of the home, maybe not ready yet; killed at the block's end if it still runs."""
    said = home / "said"
    with said.open("ab") as stderr:
        process = subprocess.Popen(
            [TRIMTAB, "run"],
            env=os.environ | {"TRIMTAB_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield Running(paths=find_paths(str(home)), port=port, process=process, said=said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(60)


@contextmanager
def running(config: str = ACCOUNT, *, tcp: bool = True) -> Iterator[Running]:
    """A daemon that answers everything, in a home of its own."""
    port = free_port() if tcp else 0
    with a_home(f"{config}\n[api]\nport = {port}\n") as home, started(home, port) as daemon:
        wait_until_ready(daemon)
        yield daemon


def wait_until_ready(daemon: Running) -> None:
    """Raises AssertionError where it is not after a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until and daemon.process.poll() is None:
        with suppress(OSError):
            if b'"ready":true' in ask(daemon, b"GET /v1/health", tcp=False).replace(b" ", b""):
                return
        time.sleep(0.05)
    raise AssertionError(daemon.said.read_text())


def request(
    daemon: Running, line: bytes, *headers: str, body: bytes = b"", token: bool = True
) -> bytes:
    """A request as bytes; the token, the Host and the body's length are added where not given."""
    lines = [line + b" HTTP/1.1", *(header.encode("latin-1") for header in headers)]
    names = {header.partition(":")[0].lower() for header in headers}
    if "host" not in names:
        lines.append(f"Host: 127.0.0.1:{daemon.port}".encode())
    if token and daemon.port and "authorization" not in names:
        lines.append(f"Authorization: Bearer {daemon.token}".encode())
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}".encode())
    if "connection" not in names:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, b"", body])


def ask(
    daemon: Running,
    line: bytes,
    *headers: str,
    body: bytes = b"",
    tcp: bool = True,
    token: bool = True,
) -> bytes:
    """The whole answer to one request over a connection of its own; b"" for none."""
    token = token and tcp
    return exchange(daemon, request(daemon, line, *headers, body=body, token=token), tcp=tcp)


def exchange(daemon: Running, data: bytes, *, tcp: bool = True) -> bytes:
    """What comes back for these bytes until the daemon closes; b"" for none."""
    with daemon.connected(tcp=tcp) as connection:
        with suppress(OSError):  # it may close before it has taken all
            connection.sendall(data)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    """All that comes until the other end closes, by whatever means."""
    came = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            came += piece
    return came


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
