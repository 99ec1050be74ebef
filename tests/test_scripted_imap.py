"""The scripted server, left alone, says what Dovecot says; and its faults are what they say."""

import imaplib
import re
import socket
from collections.abc import Iterator

import pytest
from dovecot_server import Dovecot
from scripted_imap import Close, Folder, Reset, ScriptedImap, Stall, Trickle, first

PLAIN = b"From: a@field.example\r\nMessage-ID: <1@field.example>\r\nSubject: one\r\n\r\nFirst.\r\n"
MIXED = (
    b"From: a@field.example\r\nMessage-ID: <2@field.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSecond.\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment\r\n\r\nAAAA\r\n--b--\r\n"
)
QUESTIONS = [
    ("SEARCH", "ALL"),
    ("SEARCH", "RETURN (ALL) ALL"),
    ("SEARCH", "RETURN (ALL) UID 7:9"),
    ("SEARCH", "UID 7:*"),
    ("SEARCH", 'HEADER Message-ID "<2@field.example>"'),
    ("SEARCH", "DELETED"),
    ("SEARCH", "1:* NOT DELETED"),
    ("SEARCH", "2 UNDELETED"),
    ("FETCH", "1:2 (RFC822.SIZE)"),
    ("FETCH", "1:* (UID BODY.PEEK[HEADER])"),
    ("FETCH", "2 (BODY.PEEK[1])"),
    ("FETCH", "2 (BODY.PEEK[2.MIME])"),
    ("FETCH", "1 (BODY.PEEK[1]<2.3>)"),
    ("FETCH", "2 (BODY.PEEK[])"),
    ("FETCH", "9 (BODY.PEEK[])"),
    ("FETCH", "1:2 (BODY.PEEK[HEADER.FIELDS (Message-ID)])"),
    ("FETCH", "1 (BODYSTRUCTURE)"),
    ("FETCH", "2 (BODYSTRUCTURE)"),
]


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    with ScriptedImap({"Sent": Folder(PLAIN, MIXED, flags=r"\Sent")}) as running:
        yield running


def connect(server: ScriptedImap) -> imaplib.IMAP4:
    link = imaplib.IMAP4("127.0.0.1", server.port)
    link.login("ada", "secret")
    return link


@pytest.mark.dovecot
@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_it_answers_as_dovecot_does(
    server: ScriptedImap, dovecot: Dovecot, user: str, name: str, question: str
) -> None:
    """The same answer to each question that a sync asks."""
    dovecot.append(user, [PLAIN, MIXED])
    answers = []
    for link, folder in ((connect(server), "Sent"), (dovecot.connect(user), dovecot.sent)):
        link.select(folder, readonly=True)
        answer = link.uid(name, question)
        told = link.response("ESEARCH")[1] if "RETURN" in question else answer[1]
        plain = re.sub(r'TAG "\w+"|\bNIL NIL\)|NIL\)', ")", repr((answer[0], told)))
        answers.append(plain.lower().replace("\\r\\n", ""))
        link.logout()
    assert answers[0] == answers[1]


def test_it_logs_what_was_asked(server: ScriptedImap) -> None:
    """Commands without tags, in their order."""
    link = connect(server)
    link.select("Sent", readonly=True)
    assert link.response("UIDVALIDITY")[1] == [b"7"]
    link.logout()
    assert server.log == ["CAPABILITY", 'LOGIN ada "secret"', "EXAMINE Sent", "LOGOUT"]


def test_a_wrong_password_and_an_unknown_folder_are_refused(server: ScriptedImap) -> None:
    """With the response codes of the standard."""
    link = imaplib.IMAP4("127.0.0.1", server.port)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        link.login("ada", "hunter2")
    link.login("ada", "secret")
    assert link.select("Out")[0] == "NO"
    link.logout()


def test_a_token_is_checked_and_a_wrong_one_challenged(server: ScriptedImap) -> None:
    """The challenge of a refusal has to be answered before the tagged NO."""
    server.tokens.add("t1")
    challenges = []

    def say(token: str) -> None:
        def answer(challenge: bytes) -> bytes:
            challenges.append(challenge)
            return f"user=ada\x01auth=Bearer {token}\x01\x01".encode()

        link.authenticate("XOAUTH2", answer)

    link = imaplib.IMAP4("127.0.0.1", server.port)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        say("t0")
    assert challenges == [b"", b'{"status":"401","schemes":"bearer"}']
    say("t1")
    link.logout()


def test_who_idles_is_told(server: ScriptedImap) -> None:
    """A delivery is pushed, and the message is there."""
    with socket.create_connection(("127.0.0.1", server.port)) as link, link.makefile("rb") as lines:
        link.sendall(b"a LOGIN ada secret\r\nb EXAMINE Sent\r\nc IDLE\r\n")
        server.deliver("Sent", PLAIN)
        link.sendall(b"DONE\r\nd UID SEARCH ALL\r\ne LOGOUT\r\n")
        said = lines.read().decode()
    assert "+ idling\r\n* 3 EXISTS\r\nc OK" in said
    assert "* SEARCH 1 2 3\r\nd OK" in said


def test_an_appended_literal_is_stored(server: ScriptedImap) -> None:
    """With its flags; the reply names the UID."""
    link = connect(server)
    assert link.append("Sent", r"(\Draft)", "", MIXED)[1] == [b"[APPENDUID 7 3] stored"]
    link.logout()
    stored = server.folders["Sent"].messages[-1]
    assert (stored.raw, stored.flags) == (MIXED, (r"\Draft",))


def test_an_answer_is_replaced_once(server: ScriptedImap) -> None:
    """Closed the first time, as usual the second."""
    server.answers["EXAMINE"] = first(lambda _: [b"* 2 EXISTS\r\n", Close()])
    cut = connect(server)
    with pytest.raises(imaplib.IMAP4.abort):
        cut.select("Sent", readonly=True)
    cut.shutdown()
    link = connect(server)
    assert link.select("Sent", readonly=True) == ("OK", [b"2"])
    link.logout()
    server.wait(lambda server: server.closed == 2)


def test_a_reset_is_a_reset(server: ScriptedImap) -> None:
    """The client gets ECONNRESET."""
    server.answers["NOOP"] = lambda _: Reset()
    link = connect(server)
    with pytest.raises(ConnectionResetError):
        link.noop()
    link.shutdown()


def test_a_stall_and_a_trickle_stay_open(server: ScriptedImap) -> None:
    """Nothing comes, or byte for byte; both end with the client."""
    server.answers["NOOP"] = lambda command: Trickle(command.ok(), pause_s=0)
    server.answers["CAPABILITY"] = lambda _: [b"* CAPA", Stall()]
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(b"a NOOP\r\nb CAPABILITY\r\n")
        said = b""
        while not said.endswith(b"* CAPA"):
            said += link.recv(100)
        assert b"a OK done\r\n" in said
        assert server.closed == 0
    server.wait(lambda server: server.closed == 1)
