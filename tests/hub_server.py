"""A model hub on this machine that speaks the wire format of the Hugging Face hub.

As https://huggingface.co/docs/hub/api and the hub's own answers have it: a model's files with
sizes, git's ids and the SHA-256 of large ones; `resolve` redirects to where a large file lies, with
X-Linked-Etag and X-Linked-Size, and answers ranges there.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What it holds, and how it fails. `asked`: each request's method, path and range.

    `stop_after`: it falls silent after so many bytes of a large file, until `go_on` is set.
    """

    files: dict[str, bytes]
    model: str = "mlx-community/Tiny-4bit"
    altered: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    stop_after: int | None = None
    ranges: bool = True
    status: int = 200
    port: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def info(self) -> dict[str, Any]:
        return {
            "_id": "1",
            "id": self.model,
            "modelId": self.model,
            "sha": COMMIT,
            "private": False,
            "gated": False,
            "tags": ["mlx"],
            "downloads": 1,
            "likes": 1,
            "siblings": [self._sibling(name, data) for name, data in self.files.items()],
        }

    def _sibling(self, name: str, data: bytes) -> dict[str, Any]:
        size = self.sizes.get(name, len(data))
        if not is_large(name):
            return {"rfilename": name, "size": size, "blobId": git_id(data)}
        pointer = b"version https://git-lfs.github.com/spec/v1"
        lfs = {"sha256": sha256(data), "size": size, "pointerSize": 135}
        return {"rfilename": name, "size": size, "blobId": git_id(pointer), "lfs": lfs}


def is_large(name: str) -> bool:
    return name.endswith(".safetensors")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    @property
    def hub(self) -> Hub:
        return self.server.hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        parts = urlsplit(self.path)
        if self.hub.status != 200:
            return self.answer(self.hub.status, b'{"error":"no"}')
        if parts.path == f"/api/models/{self.hub.model}" or parts.path.startswith(
            f"/api/models/{self.hub.model}/revision/"
        ):
            assert parse_qs(parts.query).get("blobs") == ["True"] or "blobs" in parts.query
            return self.answer(200, json.dumps(self.hub.info()).encode())
        if parts.path.startswith("/lfs/"):
            return self.content(parts.path.removeprefix("/lfs/"), {})
        resolved = re.fullmatch(rf"/{re.escape(self.hub.model)}/resolve/(\w+)/(.+)", parts.path)
        if resolved and resolved[2] in self.hub.files and resolved[1] in {COMMIT, "main"}:
            return self.resolve(resolved[2])
        missing = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
        return self.answer(404, b'{"error":"Repository not found"}', missing)

    def resolve(self, name: str) -> None:
        data = self.hub.files[name]
        if not is_large(name):
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{git_id(data)}"'}
            return self.content(name, headers)
        linked = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(data)),
            "X-Linked-Etag": f'"{sha256(data)}"',
            "Location": f"{self.hub.url}/lfs/{name}",
        }
        return self.answer(302, b"Found", linked)

    def content(self, name: str, headers: dict[str, str]) -> None:
        data = self.hub.altered.get(name, self.hub.files[name])
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.hub.ranges:
            start = int(wanted[1])
            told = f"bytes {start}-{len(data) - 1}/{len(data)}"
            headers = headers | {"Content-Range": told, "Accept-Ranges": "bytes"}
            return self.answer(206, data[start:], headers, large=is_large(name))
        return self.answer(200, data, headers, large=is_large(name))

    def answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        large: bool = False,
    ) -> None:
        self.send_response(status)
        for header, value in (headers or {}).items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if large and self.hub.stop_after is not None:
            self.wfile.write(body[: self.hub.stop_after])
            self.wfile.flush()
            self.hub.stopped.set()
            self.hub.go_on.wait(120)
            self.close_connection = True
            return
        self.wfile.write(body)


@contextmanager
def running_hub(hub: Hub) -> Iterator[Hub]:
    """Serve it on a free port for the block."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.hub = hub
    hub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
