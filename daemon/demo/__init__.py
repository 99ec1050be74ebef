"""`trimtab demo`: the main job, end to end, by the code of the real daemon. No key, no network.

Three invented people's Sent folders on an embedded IMAP server; sync, lessons, training, the gate,
the socket, a draft from bullets, an edit, and what was learned from it. Everything lives in a
temporary home, which is gone when the demo ends, however it ends.
"""

from __future__ import annotations

import tempfile
import time

from daemon.commands.output import console, print_json
from daemon.commands.session import local_app
from daemon.config import find_paths
from daemon.demo import report, stage
from daemon.demo_imap import embedded_imap
from plugin.client import Client


async def demo(*, as_json: bool) -> None:
    """Run the demo and print what came of it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trimtab-") as home:
        paths = find_paths(home)
        async with embedded_imap(stage.passwords()) as server:
            settings = stage.write_config(paths, server.port)
            await stage.fill_mailboxes(server)
            async with local_app(paths, settings) as app, Client(paths.socket) as client:
                with report.progress() as progress:
                    learned = await stage.learn(client, progress)
                    scores = await stage.evaluate(app, progress)
                    drafts = await stage.draft(client)
                    edit = await stage.edit(client, app, server, drafts[0])
    if as_json:
        return print_json(report.data(learned, scores, drafts, edit))
    for part in report.parts(learned, scores, drafts, edit):
        console.print(part)
    return console.print(f"\nDone in {time.monotonic() - started:.0f} s.", style="dim")
