"""TLS before a plain server, with a certificate of the test's making."""

import asyncio
import contextlib
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools import absent

ADDRESS = "127.0.0.2"
"""Of this machine, and no name of it: so certificates are verified."""


def make_certificate(
    directory: Path, *, days: int, begun: int = 30, address: str = ADDRESS
) -> Path:
    """Certificate and key in one file, self-signed, valid from `begun` days ago for `days` more."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        absent("the library cryptography")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=begun))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = directory / "front.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextmanager
def tls_front(certificate: Path, port: int) -> Iterator[int]:
    """Its port at ADDRESS; what comes there goes to `port` of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()
    bound: list[int] = []
    ready, end = threading.Event(), asyncio.Event()

    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
        writers.extend((writer, other_writer))
        await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))

    async def main() -> None:
        server = await asyncio.start_server(serve, ADDRESS, 0, ssl=context)
        bound.append(server.sockets[0].getsockname()[1])
        ready.set()
        await end.wait()
        server.close()
        for writer in writers:
            writer.transport.abort()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait([asyncio.create_task(asyncio.sleep(0.01)), *rest], timeout=10)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    try:
        assert ready.wait(60)
        yield bound[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(60)
        loop.close()
