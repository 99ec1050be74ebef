"""The proxy itself: what passes is whole and counted, and each fault is the one that was asked."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from proxy import Counts, Fault, running_proxy, running_proxy_process

DEAD_LINE_S = 20
"""A hang fails the test instead of the whole run."""


class Server:
    """Greets, then answers each line with what `answer` gives for it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.ended = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self) -> None:
        """To be called when the clients have gone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEAD_LINE_S)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._talk, args=(link,))
            self._threads.append(thread)
            thread.start()

    def _talk(self, link: socket.socket) -> None:
        try:
            with link, link.makefile("rb") as lines:
                link.sendall(b"hello\n")
                for line in lines:
                    link.sendall(self._answer(line))
        except OSError:
            pass
        finally:
            self.ended.release()


@pytest.fixture
def server() -> Iterator[Server]:
    """Doubles each line."""
    running = Server(lambda line: line * 2)
    yield running
    running.stop()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), DEAD_LINE_S)


def read(link: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer where the stream ends before."""
    data = b""
    while len(data) < size and (more := link.recv(size - len(data))):
        data += more
    return data


def test_bytes_and_round_trips_are_counted(server: Server) -> None:
    """Both directions to the byte, and how often the client spoke after the server."""
    with running_proxy(server.port) as proxy:
        for _ in range(2):
            with connect(proxy.port) as link:
                assert read(link, 6) == b"hello\n"
                for word in (b"one\n", b"two\n"):
                    link.sendall(word)
                    assert read(link, 8) == word * 2
                link.shutdown(socket.SHUT_WR)
                assert read(link, 1) == b""
        assert proxy.counts() == Counts(down=44, up=16, round_trips=4, connections=2)


def test_a_proxy_in_its_own_process_counts_alike(server: Server) -> None:
    """It says so whenever it is asked."""
    with running_proxy_process(server.port, round_trip_ms=2) as proxy:
        with connect(proxy.port) as link:
            assert read(link, 6) == b"hello\n"
            link.sendall(b"one\n")
            assert read(link, 8) == b"one\none\n"
            assert proxy.counts() == Counts(down=14, up=4, round_trips=1, connections=1)
        assert proxy.counts().connections == 1


def test_a_delay_keeps_every_byte_and_its_order() -> None:
    """What is large is under way in many pieces at once, and arrives whole."""
    large = bytes(range(256)) * 20_000
    running = Server(lambda _: large)
    with running_proxy(running.port, round_trip_ms=4) as proxy, connect(proxy.port) as link:
        assert read(link, 6) == b"hello\n"
        link.sendall(b"all\n")
        assert read(link, len(large)) == large
    running.stop()


def test_a_reset_comes_after_its_bytes(server: Server) -> None:
    """The client has what passed before, then ECONNRESET; the server loses its link as well."""
    fault = Fault(kind="reset", after=9)
    with running_proxy(server.port, faults=[fault]) as proxy, connect(proxy.port) as link:
        assert read(link, 6) == b"hello\n"
        link.sendall(b"one\n")
        with pytest.raises(ConnectionResetError):
            assert read(link, 4) == b"one"
        assert proxy.counts().down == 9
        assert server.ended.acquire(timeout=DEAD_LINE_S)


def test_a_close_comes_after_its_bytes(server: Server) -> None:
    """The client has what passed before, then the end of the stream."""
    fault = Fault(kind="close", after=9)
    with running_proxy(server.port, faults=[fault]) as proxy, connect(proxy.port) as link:
        link.sendall(b"one\n")
        assert read(link, 20) == b"hello\none"
        assert server.ended.acquire(timeout=DEAD_LINE_S)


def test_a_close_may_come_on_the_way_up(server: Server) -> None:
    """The server gets so many bytes of the client's, and no more."""
    fault = Fault(kind="close", after=6, direction="up")
    with running_proxy(server.port, faults=[fault]) as proxy, connect(proxy.port) as link:
        assert read(link, 6) == b"hello\n"
        link.sendall(b"one\n")
        assert read(link, 8) == b"one\none\n"
        link.sendall(b"two\n")
        assert read(link, 1) == b""
        assert proxy.counts().up == 6


def test_a_stall_leaves_both_ends_connected(server: Server) -> None:
    """Nothing comes and nothing ends; when the client goes, the server is told."""
    fault = Fault(kind="stall", after=6)
    with running_proxy(server.port, faults=[fault]) as proxy:
        with connect(proxy.port) as link:
            assert read(link, 6) == b"hello\n"
            assert proxy.struck.wait(DEAD_LINE_S)
            link.sendall(b"one\n")
            link.settimeout(0.05)
            with pytest.raises(TimeoutError):
                link.recv(1)
            assert not server.ended.acquire(blocking=False)
        assert server.ended.acquire(timeout=DEAD_LINE_S)
        assert (proxy.counts().down, proxy.counts().up) == (6, 0)


def test_a_fault_may_be_of_one_connection(server: Server) -> None:
    """The first and the third are whole; faults of later ones can be set meanwhile."""
    fault = Fault(kind="close", after=0, connection=2)
    with running_proxy(server.port, faults=[fault]) as proxy:
        for expected in (b"hello\n", b"", b"hello\n"):
            with connect(proxy.port) as link:
                assert read(link, 6) == expected
        proxy.faults = (Fault(kind="close", after=2),)
        with connect(proxy.port) as link:
            assert read(link, 6) == b"he"


def test_all_links_can_be_cut_now(server: Server) -> None:
    """As when the network goes away; the next connection is whole."""
    with running_proxy(server.port) as proxy:
        with connect(proxy.port) as link:
            assert read(link, 6) == b"hello\n"
            proxy.cut()
            with pytest.raises(ConnectionResetError):
                link.recv(1)
        with connect(proxy.port) as link:
            assert read(link, 6) == b"hello\n"


def test_a_server_that_is_gone_resets_the_client(server: Server) -> None:
    """As early as while it connects. The proxy itself stays."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with running_proxy(port) as proxy:
        for _ in range(2):
            with pytest.raises(ConnectionResetError), connect(proxy.port) as link:
                link.recv(1)
