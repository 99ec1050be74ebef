"""Logging in at an SMTP server: by password, or by an OAuth token (XOAUTH2, RFC 7628)."""

from __future__ import annotations

from base64 import b64encode

import aiosmtplib

from daemon.mailbox.auth.credentials import Credential

_CONTINUE, _ACCEPTED = 334, 235
_LINE = 510
"""Octets of a command without its CRLF (RFC 5321, 4.5.3.1.4)."""
_NOT_THIS_ONE = {504, 534}
"""The server names a mechanism that it does not do, or not for this user (RFC 4954)."""


async def authenticate_smtp(client: aiosmtplib.SMTP, credential: Credential) -> None:
    """Log in on a connection that is open and, but on this machine, encrypted.

    One attempt: a password that was refused is not tried again by another mechanism, which would
    count as a second wrong one. Raises SMTPAuthenticationError, whose code is below 500 where the
    server asks to try later, SMTPNotSupported where it offers no mechanism that fits, and what
    aiosmtplib raises for the connection.
    """
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    if credential.mechanism == "login":
        await _by_password(client, credential)
    elif credential.mechanism not in client.server_auth_methods:
        raise aiosmtplib.SMTPNotSupported(f"no {credential.mechanism}")
    elif credential.mechanism == "xoauth2":
        await _by_token(client, b"XOAUTH2", xoauth2(credential), refusal_seen=b"")
    else:
        initial = oauthbearer(credential)
        await _by_token(client, b"OAUTHBEARER", initial, refusal_seen=b64encode(b"\x01"))


def xoauth2(credential: Credential) -> bytes:
    """The client's response by Google's and Microsoft's description of XOAUTH2."""
    return f"user={credential.user}\x01auth=Bearer {credential.secret}\x01\x01".encode()


def oauthbearer(credential: Credential) -> bytes:
    """The client's response by RFC 7628, section 3.1; the user is escaped as RFC 5801 has it."""
    user = credential.user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={user},\x01auth=Bearer {credential.secret}\x01\x01".encode()


async def _by_password(client: aiosmtplib.SMTP, credential: Credential) -> None:
    mechanisms = {
        "plain": client.auth_plain,
        "login": client.auth_login,
        "cram-md5": client.auth_crammd5,
    }
    offered = [name for name in mechanisms if name in client.server_auth_methods]
    for name in offered:
        try:
            await mechanisms[name](credential.user, credential.secret)
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code not in _NOT_THIS_ONE or name == offered[-1]:
                raise
        else:
            return
    raise aiosmtplib.SMTPNotSupported("no PLAIN, LOGIN or CRAM-MD5")


async def _by_token(
    client: aiosmtplib.SMTP, mechanism: bytes, initial: bytes, *, refusal_seen: bytes
) -> None:
    """A refusal comes as a challenge first, which has to be answered for the code to follow.

    A token that is too long for a command's line, as Microsoft's are, has one of its own (RFC 4954,
    section 4).
    """
    encoded = b64encode(initial)
    command = b"AUTH", mechanism, encoded
    if len(b" ".join(command)) <= _LINE:
        response = await client.execute_command(*command)
    else:
        response = await client.execute_command(b"AUTH", mechanism)
        if response.code == _CONTINUE:
            response = await client.execute_command(encoded)
    if response.code == _CONTINUE:
        response = await client.execute_command(refusal_seen)
    if response.code != _ACCEPTED:
        raise aiosmtplib.SMTPAuthenticationError(response.code, response.message)
