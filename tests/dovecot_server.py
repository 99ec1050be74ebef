"""A real Dovecot for the tests: unprivileged, on free ports, with a directory of its own.

Every user name logs in with the password `secret` and finds an empty mailbox. As root it drops to
`nobody`, for Dovecot's login process refuses to run as root. It speaks TLS with a certificate of
its own making, from the first byte or after STARTTLS. With XOAUTH2 and OAUTHBEARER the
password is the one token that it takes.
"""

from __future__ import annotations

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import free_port, require

PASSWORD = "secret"

CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = {uid}
first_valid_gid = {gid}
last_valid_uid = 0
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
mail_location = mdbox:{dir}/home/%u/mail
mail_home = {dir}/home/%u
mail_fsync = never
auth_failure_delay = 0
mail_max_userip_connections = 100
imap_capability = +SPECIAL-USE
ssl = yes
ssl_cert = <{dir}/certificate.pem
ssl_key = <{dir}/key.pem
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Gesendet {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dovecot:
    """A running server. Its Sent folder has a name that only SPECIAL-USE gives away."""

    port: int
    tls_port: int
    config: Path
    sent: str = "Gesendet"
    drafts: str = "Drafts"

    def connect(self, user: str) -> imaplib.IMAP4:
        """A connection of the standard library's, apart from the code under test."""
        link = imaplib.IMAP4("127.0.0.1", self.port)
        link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.login(user, PASSWORD)
        return link

    def append(self, user: str, messages: list[bytes], folder: str | None = None) -> None:
        """APPEND messages to a folder of the user's, Sent if none is named; many in one command."""
        link = self.connect(user)
        for start in range(0, len(messages), 100):
            some = [_with_crlf(raw) for raw in messages[start : start + 100]]
            command = b"".join(b" {%d+}\r\n%s" % (len(raw), raw) for raw in some)
            assert link._simple_command("APPEND", f'"{folder or self.sent}"', command)[0] == "OK"
        link.logout()

    def set_uidvalidity(self, user: str, value: int, folder: str | None = None) -> None:
        """Give a folder another UIDVALIDITY; its open sessions are dropped."""
        change = ["mailbox", "update", "-u", user, "--uid-validity", str(value)]
        doveadm = require("doveadm", "dovecot-core")
        subprocess.run([doveadm, "-c", self.config, *change, folder or self.sent], check=True)

    def messages(self, user: str, folder: str) -> list[bytes]:
        """All messages of a folder, whole."""
        link = self.connect(user)
        _, (count,) = link.select(folder, readonly=True)
        _, found = link.fetch("1:*", "(BODY.PEEK[])") if count != b"0" else ("", [])
        link.logout()
        return [item[1] for item in found if isinstance(item, tuple)]


@contextlib.contextmanager
def running_dovecot(more: str = "") -> Iterator[Dovecot]:
    """Start Dovecot with `more` in its config, wait for its greeting, and stop it."""
    binary = require("dovecot", "dovecot-imapd")
    directory = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    port, tls_port = free_port(), free_port()
    (directory / "home").mkdir()
    config = directory / "dovecot.conf"
    config.write_text(_config(directory, user, port, tls_port) + more, "utf-8")
    certificate, key = make_certificate(directory)
    for path in (directory, directory / "home", config, certificate, key):
        os.chown(path, user.pw_uid, user.pw_gid)
    drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    process = subprocess.Popen(
        [binary, "-F", "-c", str(config)], **(drop if os.geteuid() == 0 else {})
    )
    try:
        _wait_for_greeting(port, process, directory / "dovecot.log")
        yield Dovecot(port=port, tls_port=tls_port, config=config)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        shutil.rmtree(directory, ignore_errors=True)


def _with_crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for this machine, and its key."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    named = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    where = ["-out", certificate, "-keyout", key]
    openssl = require("openssl", "openssl")
    subprocess.run([openssl, *made, *named, *where], check=True, capture_output=True)
    return certificate, key


def _config(directory: Path, user: pwd.struct_passwd, port: int, tls_port: int) -> str:
    return CONFIG.format(
        dir=directory,
        user=user.pw_name,
        group=grp.getgrgid(user.pw_gid).gr_name,
        uid=user.pw_uid,
        gid=user.pw_gid,
        port=port,
        tls_port=tls_port,
        password=PASSWORD,
    )


def _wait_for_greeting(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
            if link.recv(4) == b"* OK":
                return
        assert process.poll() is None, log.read_text("utf-8") if log.exists() else "no log"
        time.sleep(0.05)
    raise AssertionError("Dovecot did not greet in 20 s")
