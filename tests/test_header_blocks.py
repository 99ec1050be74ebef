"""Header blocks above a quote, in the languages and programs that write them."""

from datetime import UTC, datetime

import pytest

from daemon.mailbox.text import Cut, cut

OWN = "Hi Ben,\n\nTuesday suits.\n\nThanks,\nAda"
AT = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
OUTLOOK = (
    "From: Ben Høllis <ben@yard.example>\nSent: Tuesday, 3 March 2026 09:30\n"
    "To: Ada <ada@field.example>\nSubject: the yard"
)


def below(quote: str) -> Cut:
    """The cut of a mail that ends with this, above what it quotes."""
    found = cut(f"{OWN}\n\n{quote}\n\nWhen can you come?\n\nBen\n", None)
    assert found.own_text == OWN
    return found


@pytest.mark.parametrize(
    "names",
    [
        "From Sent To Subject",
        "From Date To Subject",
        "Von Gesendet An Betreff",
        "De Envoyé À Objet",
        "De Fecha Para Asunto",
        "De Enviado Para Assunto",
        "Da Inviato A Oggetto",
        "Van Verzonden Aan Onderwerp",
        "Från Skickat Till Ämne",
        "Fra Sendt Til Emne",
        "Lähettäjä Lähetetty Vastaanottaja Aihe",
        "Od Wysłano Do Temat",
        "Od Odesláno Komu Předmět",
        "Feladó Elküldve Címzett Tárgy",
        "Expeditor Trimis Către Subiect",
        "От Отправлено Кому Тема",
        "Від Надіслано Кому Тема",
        "Από Στάλθηκε Προς Θέμα",
        "Kimden Gönderildi Kime Konu",
        "מאת נשלח אל נושא",
        "من التاريخ إلى الموضوع",
        "发件人 发送时间 收件人 主题",
        "寄件者 寄件日期 收件者 主旨",
        "差出人 送信日時 宛先 件名",
        "발신 날짜 수신 제목",
        "Từ Ngày Đến Tiêu-đề",
        "Dari Tanggal Kepada Subjek",
    ],
)
@pytest.mark.parametrize("colon", [": ", " : ", "："])
def test_a_header_block_is_known_in_its_language(names: str, colon: str) -> None:
    """By the names of its lines, whatever the colon; it tells who wrote, and when."""
    sender, sent, to, subject = names.replace("-", " ").split(" ", 3)
    found = below(
        f"{sender}{colon}Ben Høllis <ben@yard.example>\n{sent}{colon}3.3.2026 9:30\n"
        f"{to}{colon}Ada Lindqvist\n{subject}{colon}the yard"
    )
    (message,) = found.context
    assert (message.author.name, message.author.address) == ("Ben Høllis", "ben@yard.example")
    assert (message.sent_at, message.text) == (AT, "When can you come?\n\nBen")
    assert [(reason.why, reason.line) for reason in found.cuts] == [("a header block", 8)]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (OUTLOOK, "a header block"),
        (f"-----Original Message-----\n{OUTLOOK}", "an original message below"),
        (f"-----Alguna cosa-----\n{OUTLOOK}", "an original message below"),
        (f"________________________________\n{OUTLOOK}", "a header block"),
        (f" ------------------------------\n\n{OUTLOOK}", "a header block"),
        (f"-------- Ursprüngliche Nachricht --------\n{OUTLOOK}", "an original message below"),
        (OUTLOOK.replace("From:", "*From:*").replace("To:", "*To:*"), "a header block"),
        (OUTLOOK.replace("Subject:", "**Subject:**"), "a header block"),
        (OUTLOOK.replace("\n", "\n\n"), "a header block"),
        (OUTLOOK.replace("To:", "Importance: High\nTo:"), "a header block"),
        (OUTLOOK.replace("To:", "Riferimento: x\nTo:"), "a header block"),
        (OUTLOOK.replace("<ben@yard.example>", "[mailto:ben@yard.example]"), "a header block"),
        (
            OUTLOOK.replace("Ada <", f"Cleo Marsh, Eve{' of the long name' * 3},\nAda <"),
            "a header block",
        ),
        (
            "Date: Tue, 3 Mar 2026 10:30:00 +0100\nSubject: it\nFrom: ben@yard.example\nTo: Ada",
            "a header block",
        ),
    ],
)  # fmt: skip
def test_a_header_block_begins_a_quote(block: str, reason: str) -> None:
    """The rule drawn above it goes too; the headers are not of the quoted text."""
    found = below(block)
    (message,) = found.context
    assert (message.text, message.author.address) == (
        "When can you come?\n\nBen",
        "ben@yard.example",
    )
    assert message.sent_at == AT
    assert [(r.what, r.why, r.line) for r in found.cuts] == [("context", reason, 8)]


@pytest.mark.parametrize(
    "lines",
    [
        "Date: Tuesday at noon\nPlace: the yard\nSubject: the new sails",
        "From: the yard\nTo: the sea\nSubject: sails",
        "From: Oslo, 3 March 10:00\nTo: Bergen, 3 March 17:00\nCc: none",
        "From: London\nTo: Paris\nDate: 3 March 2026\nSeats: 2",
        "Name: Ben\nEmail: ben@yard.example\nDate: 3 March 2026\nTo: be decided",
        "Von: Montag\nBis: Freitag\nAn: alle",
        "A: yes\nB: no\nC: perhaps",
        "To\ndo\nlist",
        "---- options ----\n\n-- option one --",
    ],
)
def test_own_lines_are_no_header(lines: str) -> None:
    """A plan, a form, a list: no address, and no date as a program writes it."""
    text = f"Hi Ben,\n\n{lines}\n\none\ntwo\n\nThanks,\nAda"
    assert cut(text, None).own_text == text


@pytest.mark.parametrize("words", ["Original Message", "Mensaje original", "Message d'origine"])
def test_an_original_message_needs_no_headers(words: str) -> None:
    """The words alone say it, in their language, bold or not, and whatever the dashes."""
    for line in (
        f"-------- {words} --------",
        f"*-------- {words} --------*",
        f"‐‐‐‐ {words} ‐‐‐‐",
    ):
        assert [message.text for message in below(line).context] == ["When can you come?\n\nBen"]


NOTES_TO = "To: Ada Lindqvist/FLD/Field@Field\ncc:  \n\nSubject: the yard"


@pytest.mark.parametrize(
    "header",
    [
        f"Ben Hollis@YARD\n03/03/2026 09:30 AM\n{NOTES_TO}",
        f"Ben Hollis\n03/03/26 09:30 AM\n{NOTES_TO}",
        f'"Ben Hollis" <ben@yard.example> on 03/03/2026 09:30:12 AM\n{NOTES_TO}',
        f"From: Ben Hollis on 03/03/2026 09:30 AM\n{NOTES_TO}",
        f"From: Ben Hollis on 03/03/2026 09:30 AM\n\n{NOTES_TO}",
        f"03/03/2026 09:30 AM\nBen Hollis\nBen Hollis\n03/03/2026 09:30 AM\n{NOTES_TO}",
        f"\tYard and Sons\n\t\n\tFrom:  Ben Hollis       03/03/2026 09:30 AM\n\t\n\n\n{NOTES_TO}",
        f"\tBen Hollis\n\t03/03/2026 09:30 AM\n\t\t \n\t\t {NOTES_TO}",
        "Ben Hollis/YARD\n03/03/2026 09:30 AM\nTo\nAda Lindqvist/FLD@Field\ncc\n\nSubject\nit",
        "Ben Hollis/YARD\n03.03.2026 09:30\n\nAn\nAda Lindqvist/FLD@Field\nKopie\n\nThema\nes",
    ],
)  # fmt: skip
def test_a_notes_header_begins_a_quote(header: str) -> None:
    """A name and a date above `To:`, in any order, tell who wrote and when."""
    found = below(f"\n\n{header}")
    (message,) = found.context
    assert (message.author.name, message.sent_at) == ("Ben Hollis", AT)
    assert message.text == "When can you come?\n\nBen"
    assert found.cuts[0].why in {"a Notes header", "a header block"}


@pytest.mark.parametrize(
    "header",
    [
        f"ben@y.example on 03/03/2026 09:30:12 AM\nPlease respond to ben@y.example\n\n{NOTES_TO}",
        f"Sent by: Cleo Marsh@YARD\n{NOTES_TO}",
        "To: Ada Lindqvist/FLD/Field@Field, Crew of\nthe Yard/YRD@YRD\ncc: Cleo@YRD\nSubject: it",
    ],
)
def test_a_notes_header_need_not_tell_the_name(header: str) -> None:
    """`To:`, `cc:` and `Subject:` alone are one."""
    (message,) = below(header).context
    assert (message.author.name, message.text) == ("", "When can you come?\n\nBen")


def test_a_list_of_recipients_in_own_text_stays() -> None:
    """`To:` alone is a word like others."""
    text = "Please print the label:\n\nTo: Ben, the yard\nby Friday."
    assert cut(text, None).own_text == text


def test_the_name_above_a_header_stays() -> None:
    """Even where no blank line parts them, and the header's date is in numbers."""
    for header in ("Von: Ben\nGesendet: 3.3.2026 9:30\nAn: Ada\nBetreff: es",
                   f"From: Ben Hollis on 03/03/2026 09:30 AM\n{NOTES_TO}"):  # fmt: skip
        assert cut(f"{OWN}\n{header}\n\nWhen?\n", None).own_text == OWN


def test_marks_below_a_header_are_an_older_quotes() -> None:
    """No program that writes one marks lines: the answer below them is the quoted writer's."""
    found = cut(f"{OWN}\n\n{OUTLOOK}\n\n> Are you there?\n\nI am.\n\nBen\n", None)
    assert found.own_text == OWN
    assert [message.text for message in found.context] == ["I am.\n\nBen", "Are you there?"]
