"""A command's event loop: silent about an answer that comes too late, and about nothing else."""

import asyncio
import socket
from pathlib import Path

import anyio
import pytest

from daemon.commands.loop import run


async def _answered_while_cancelled(path: Path) -> None:
    """An answer arrives in the very turn of the loop in which its reader is cancelled."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        async with await anyio.connect_unix(path) as stream:
            peer, _ = listening.accept()
            reading = asyncio.create_task(stream.receive())
            await asyncio.sleep(0.05)  # it waits for the socket by now
            asyncio.get_running_loop().call_soon(reading.cancel)
            peer.send(b"too late")
            await asyncio.wait([reading])
            assert reading.cancelled()
            await asyncio.sleep(0)
            peer.close()


def test_an_answer_that_comes_too_late_is_nothing_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(_answered_while_cancelled(tmp_path / "s"))
    assert caplog.records == []


def test_asyncio_alone_would_show_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If not, anyio has mended it, and the handler can go."""
    asyncio.run(_answered_while_cancelled(tmp_path / "s"))
    (record,) = caplog.records
    assert "Future.set_result" in record.message


def test_any_other_failure_of_a_callback_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        asyncio.get_running_loop().call_soon(int, "not a number")
        await asyncio.sleep(0)

    run(failing())
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError
