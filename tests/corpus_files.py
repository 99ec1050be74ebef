"""Corpora in the formats that they are given away in. Written here: no text in them is real."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from daemon.corpora.records import Found, Skipped, Text

THINGS = "boat sail mast keel rope oar anchor rudder deck hull tiller winch".split()
DOINGS = "mended painted moved sold washed measured carried lent".split()


def sentence(number: int) -> str:
    """Each a statement of its own, that no other number has."""
    thing, other = THINGS[number % 12], THINGS[(number * 5 + 3) % 12]
    return f"I {DOINGS[number % 8]} the {thing} beside pier {number} and the {other} is next."


def enron_mail(sender: str, body: str, minute: int = 0, *, to: str = "tim@oduya.example") -> bytes:
    """A message as CMU's archive has them."""
    return (
        f"Message-ID: <{minute}.{abs(hash(body))}.JavaMail.evans@thyme>\n"
        f"Date: Mon, 14 May 2001 {minute // 60:02}:{minute % 60:02}:00 -0700 (PDT)\n"
        f"From: {sender}\nTo: {to}\nSubject: pier {minute}\nMime-Version: 1.0\n"
        "Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n"
        "X-From: Nora K Falk\nX-To: Tim Oduya\nX-cc: \nX-bcc: \n"
        "X-Folder: \\Nora_Falk_Jan2002_1\\Falk, Nora K.\\'Sent Mail\nX-Origin: Falk-N\n"
        f"X-FileName: nfalk.nsf\n\n{body}\n"
    ).encode()


REPLY = (
    "Friday suits me well, and the keys are in the office.\n\n"
    " -----Original Message-----\nFrom: \tOduya, Tim\nSent:\tMonday, May 14, 2001 9:00 AM\n"
    "To:\tFalk, Nora\nSubject:\tRE: the boat\n\nWhich day suits you best?\n"
)
FORWARD = (
    "---------------------- Forwarded by Nora Falk/HOU/ECT on 05/14/2001 08:24 AM "
    "---------------------------\n\n\nTim Oduya\n05/13/2001 09:00 AM\nTo: Nora Falk/HOU/ECT@ECT\n"
    "cc:  \nSubject: the mast\n\nThe mast came back today and is as good as new.\n"
)


def enron_mails(person: str = "nora.falk@enron.com", count: int = 6) -> list[tuple[str, bytes]]:
    """Paths below a person's folder, with what lies there: sent mail and some that is not."""
    plain = [enron_mail(person, f"Tim,\n\n{sentence(n)}\n\nNora", n) for n in range(count)]
    found = [(f"_sent_mail/{n}.", mail) for n, mail in enumerate(plain)]
    found += [("sent/1.", plain[0]), ("sent/2.", enron_mail(person, REPLY, 30))]
    found += [("sent_items/1.", enron_mail(person, FORWARD, 31))]
    found += [("sent_items/2.", enron_mail("kim.aster@enron.com", "Nora is out today.", 32))]
    return [*found, ("inbox/1.", enron_mail("tim@oduya.example", "When will it be done?", 33))]


def enron_tree(root: Path, people: Mapping[str, str]) -> Path:
    """`maildir` with a folder for each person, by the address they write from."""
    for person, address in people.items():
        for place, raw in enron_mails(address):
            file = root / "maildir" / person / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(raw)
    return root


def table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def enron_table(path: Path, people: Mapping[str, str]) -> Path:
    """Kaggle's form of it."""
    rows = [
        (f"{person}/{place}", raw.decode())
        for person, address in people.items()
        for place, raw in enron_mails(address)
    ]
    return table(path, ("file", "message"), rows)


ARTICLE_COLUMNS = (
    ",Unnamed: 0,date,year,month,day,author,title,article,url,section,publication".split(",")
)


def article_row(author: str, number: int, **changes: str) -> list[str]:
    """A row of All the News 2.0."""
    text = f"On Monday the harbor wrote:\n\n{' '.join(map(sentence, range(number, number + 4)))}"
    row = {
        "": str(number),
        "Unnamed: 0": str(number),
        "date": f"2016-12-{number % 28 + 1:02} 18:31:00",
        "year": "2016",
        "month": "12.0",
        "day": str(number % 28 + 1),
        "author": author,
        "title": f"The Harbor at Pier {number}",
        "article": text,
        "url": "https://news.example",
        "section": "",
        "publication": "New Yorker",
    }
    return list((row | changes).values())


def article_table(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """The released file's form."""
    return table(path, ARTICLE_COLUMNS, rows)


def user(number: int, reviews: int = 5, **changes: Any) -> dict[str, Any]:
    """An entry of LaMP-3's questions."""
    profile = [
        {"text": f"{sentence(number * 100 + n)} Great!", "score": f"{n % 5 + 1}.0", "id": f"{n}"}
        for n in range(reviews)
    ]
    asked = (
        "What is the score of the following review on a scale of 1 to 5? just answer with 1, 2, 3, "
        f"4, or 5 without further explanation. review: {sentence(number * 100 + 99)}"
    )
    return {"id": f"{number}", "input": asked, "profile": profile} | changes


def user_file(path: Path, entries: Sequence[Any]) -> Path:
    """LaMP-3's file of questions."""
    path.write_text(json.dumps(entries), "utf-8")
    return path


def panza_file(path: Path, mails: int = 6, **changes: str) -> Path:
    """PanzaMail's JSON lines."""
    names = ("Tim", "Dr. Aster", "Kim")
    lines = [
        {"email": f"Hi {names[n % 3]},\r\n\r\n{sentence(n)}\r\n\r\nNora", "subject": f"pier {n}"}
        | changes
        for n in range(mails)
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def texts(found: Iterable[Found]) -> list[Text]:
    """What is no reason."""
    return [one for one in found if isinstance(one, Text)]


def reasons(found: Iterable[Found]) -> list[str]:
    """Why the others gave none."""
    return [one.reason for one in found if isinstance(one, Skipped)]
