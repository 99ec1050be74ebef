"""Whether lines are a contact block: numbers, addresses, titles and firms below a name. Pure.

Each line is weighed by what it holds. A block is one if its lines are short, hold little else, and
tell of at least two kinds of thing, for a list of numbers or of links is own text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 110
"""Characters of a line of a block."""
_MOST_WORDS = 12
_MOST_OTHERS = 3
"""Words beside a number or an address in a line that ends as a sentence."""

_URL = re.compile(r"<?(?:https?://|www\.)[^\s<>|]{2,200}>?", re.IGNORECASE)
_SITE = re.compile(r"^<?(?:https?://)?[\w.\-]{3,60}/?(?:[\w\-]{1,20}/?)?>?$")
_DOMAIN = re.compile(
    r"^[\w\-]{2,40}(?:\.[\w\-]{2,40})?\.(?:com|org|net|de|eu|io|co|edu|gov|[a-z]{2})$"
)
_EMAIL = re.compile(
    r"<?(?:mailto:)?[\w.+\-]{1,64}(?:@|\(at\)|\[at\])[\w\-]{1,63}(?:\.[\w\-]{2,63})+>?"
)
_PHONE = re.compile(
    r"(?<![\w/])(?:\+|00)?\(?\d{1,4}\)?(?:[ .\-/()\u2010-\u2013\u00b7]{0,3}\d{1,4}){2,6}"
    r"(?:\s*(?:x|ext\.?|dw|-)\s*\d{1,5})?(?![\w/])"
)
_LABEL = re.compile(
    r"(?<!\w)(?:t(?:el(?:e(?:phone|fon\w*|fax))?)?|phone|ph|mobile?|mob|m|cell|c|o|office|direct|"
    r"d|fax|f|fon|handy|e-?mail|mail|e|web|website|w|internet|skype|whats ?app|wechat|signal|"
    r"twitter|linkedin|facebook|instagram|xing|github|adresse|address|add|büro|durchwahl|"
    r"tél(?:éphone)?|port(?:able)?|courriel|móvil|teléfono|celular|correo|telefone|cellulare|"
    r"cell|telefoon|mobiel|tlf|mob(?:il)?|puh(?:elin)?|gsm|kom|tel/fax|тел|телефон|моб|факс|"
    r"почта|сайт|э?л\.? ?почта|τηλ|κιν|电话|手机|传真|邮箱|邮件|地址|網址|网址|電話|携帯|"
    r"携帯電話|住所|전화|휴대폰|팩스|이메일|주소|טל(?:פון)?|נייד|هاتف|جوال|فاكس|"
    r"بريد)(?!\w)\.?\s*(?:[:：.|/]|\)|(?=[+(\d]))",
    re.IGNORECASE,
)
_LABEL_AFTER = re.compile(
    r"(?<=\d)[ \t]{0,3}[-–(,]{0,2} ?\b(?:phone|voice|tel|direct|office|work|main|home|mobile|"
    r"cell|pager|fax)\b\)?",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:director|manager|engineer|president|chairman|officer|ceo|cto|cfo|coo|cmo|vp|evp|svp|"
    r"head of|professor|prof|ph\.? ?d|m\.?d\.?|mba|esq|assistant|associate|coordinator|analyst|"
    r"consultant|partner|counsel|attorney|developer|designer|architect|specialist|representative|"
    r"executive|editor|secretary|researcher|fellow|lecturer|student|founder|co-founder|owner|"
    r"supervisor|administrator|geschäftsführer\w*|vorstand\w*|leiter\w*|leitung|referent\w*|"
    r"sachbearbeiter\w*|prokurist\w*|directeur|directrice|gérante?|responsable|ingénieure?|"
    r"chargée? de|assistante?|gerente|jefe|ingeniero|direttore|direttrice|responsabile|ingegnere|"
    r"diretora?|coordenador\w*|engenheir\w+|professora?|directeur|medewerker|adviseur|hoogleraar|"
    r"chef|projektledare|rådgiver|konsulent|toimitusjohtaja|johtaja|kierownik|dyrektor|"
    r"specjalista|ředitel|vedoucí|igazgató|vezető|директор\w*|менеджер\w*|руководител\w+|"
    r"начальник\w*|инженер\w*|müdür\w*|uzman\w*)\b"
    r"|经理|总监|部长|主任|教授|部$|课长|課長|部長|取締役|대표|과장|부장|교수",
    re.IGNORECASE,
)
_FIRM = re.compile(
    r"\b(?:department|dept|division|institute?|university|college|faculty|school of|abteilung\w*|"
    r"universität|fakultät|université|departamento|universidad|ufficio|università|universiteit|"
    r"afdeling|avdeling|avdelning|dział|oddělení|отдел\w*|inc|ltd|l\.?l\.?[cp]|plc|corp|"
    r"corporation|company|co|gmbh|mbh|ag|kg|ohg|gbr|ug|e\.v|s\.a\.?r?\.?l?|sàrl|sarl|sas|"
    r"s\.?p\.?a|s\.?r\.?l|b\.?v|n\.?v|ab|aps|oy|oyj|sp\.? z ?o\.?o|s\.r\.o|a\.s|kft|zrt|ltda|pty|"
    r"pte|group|holding|associates|consulting|solutions|services|technologies|systems|ооо|оао|"
    r"зао|пао|a\.ş)\b\.?|& \w+$|株式会社|有限会社|有限公司|주식회사",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b\d{1,5}\w?,? (?:[\w.'’\-]+ ){1,4}(?:street|str|avenue|ave|blvd|boulevard|road|rd|lane|ln|"
    r"drive|dr|square|sq|plaza|way|place|court|parkway|pkwy|highway|hwy|tower)\b"
    r"|\b(?:suite|ste|floor|room|bldg|building|p\.? ?o\.? box|postfach|boîte postale|apartado|"
    r"apdo|casella postale|caixa postal|postbus|box|skrytka)\.? [\w\-]{0,3}\d"
    r"|\b(?:\w+(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|straat|laan|plein|"
    r"gracht|kade|gata|gatan|vägen|gade|vej|veien|veg|katu|tie)|street|avenue|str\.|"
    r"boulevard) \d{1,4}\b"
    r"|\b\d{1,4}(?: ?(?:bis|ter|[a-d]))?,? (?:rue|avenue|av\.|place|boulevard|bd|cours|chemin|"
    r"allée|impasse|quai|route)\b"
    r"|\b(?:calle|c/|avda\.?|avenida|plaza|paseo|via|viale|piazza|corso|rua|travessa|praça|ul\.|"
    r"ulica|al\.|aleja|plac|ulice|nám\.|utca|út|strada|str\.|bd\.|улица|ул\.|проспект|пр-т|пер\.|"
    r"вул\.|οδός|sok(?:ak)?\.?|cad(?:desi)?\.?) ?[^\d\n]{2,40}[ ,]{1,2}(?:n[.°ºr]{0,2} ?|д\. ?|"
    r"№ ?)?\d{1,4}\b"
    r"|\b[A-Z]{2} \d{5}(?:-\d{4})?\b|\b[A-Z]\w+, [A-Z]\w+ {1,3}\d{5}(?:-\d{4})?\b"
    r"|\b[A-Z]{1,2}\d{1,2}[A-Z]? \d[A-Z]{2}\b|〒\d{3}|[省市区路].{1,20}号|"
    r"[都道府県].{1,12}[市区町]",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"(?<!\d)(?:[A-Z]{1,3}-)?\d{4,6}(?: [A-Z]{2})? [A-ZÀ-Þ][\w\-]+(?: \w+)?\W*$")
_REGISTERED = re.compile(
    r"\b(?:amtsgericht|handelsregister|hr[ab] ?\d+|ust-?id\w*|steuer-?n\w+|registered (?:office|"
    r"in)|company (?:no|number|reg)\w*|vat (?:no|reg|id)\w*|siret|siren|rcs|kvk|btw|cvr|"
    r"org\.? ?n\w*|p\.? ?iva|partita iva|c\.f\.|nip|regon|krs|ičo?|dič|инн|огрн|кпп|cnpj|cif|"
    r"nif)\b",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"^(?:\[(?:cid:|(?:inline )?image|logo|bild|photo|banner|icon)[^\]]{0,120}\](?:<\S{1,200}>)?"
    r"|(?:facebook|twitter|linkedin|instagram|youtube)(?: *[|<]\S.{0,150})?)$",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:19|20)\d\d\b|\d{1,2}:\d{2}|[$€£¥%]|(?<![\d./])\d{1,2}[./]\d{1,2}[./]\d{2,4}(?![\d./])"
)
"""What else holds digits: years, times, sums."""
_SPLIT = re.compile(r"\s[|•·/‖–—]+\s|\s{3,}|\t| \* ")
_SENTENCE = re.compile(r"[!?…]\s*$|(?<!\b\w)(?<!\b\w\w)(?<!\b\w{3})(?<!\b\w{4})\.\s*$|[,:;]\s*$")
"""How a line of prose ends; a point after a short word is of an abbreviation."""
_SENTENCES = re.compile(r"[a-zß-ÿа-я]{3}[.?!]\s+[A-ZÀ-ÞА-Я]\w* \w+ \w+")
"""One sentence after another."""
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a line tells: the kinds of thing, and how many words of it are none of them."""

    kinds: frozenset[str]
    rest: int
    parts: int

    @property
    def is_bare(self) -> bool:
        """Whether a line holds a number or an address and nothing else."""
        return bool(self.kinds & STRONG) and self.rest == 0


STRONG = frozenset({"phone", "email", "site", "place"})
"""Kinds that only an address or a number is."""


def weigh(line: str) -> Weight:
    """What one line holds."""
    line = line[: LONGEST * 2].strip()
    kinds = set()
    rest = line
    for kind, pattern in (("email", _EMAIL), ("site", _URL)):
        found = pattern.findall(rest)
        if found and (kind == "email" or all(map(_SITE.match, found))):
            kinds.add(kind)
        rest = pattern.sub(" ", rest)
    if any(map(str.isdigit, rest)):
        rest = _LABEL_AFTER.sub(" ", rest)
    labels = {label.strip(" .:").lower() for label in _LABEL.findall(rest)}
    bare = _LABEL.sub(" ", rest)
    phones = [p for p in _PHONE.findall(bare) if 6 <= sum(map(str.isdigit, p)) <= 15]
    if phones and not _is_date(bare):
        kinds.add("phone")
        rest = _PHONE.sub(" ", bare)
    if labels and kinds:
        kinds |= {f"label {label}" for label in labels}
        rest = _LABEL.sub(" ", rest)
    if _DOMAIN.match(line):
        kinds, rest = kinds | {"site"}, ""
    kinds |= _named(rest)
    return Weight(
        kinds=frozenset(kinds), rest=len(_WORD.findall(rest)), parts=len(_SPLIT.split(line))
    )


def _named(rest: str) -> set[str]:
    """Kinds that words tell."""
    kinds = set()
    if any(map(str.isdigit, rest)):
        kinds |= {"place"} if _PLACE.search(rest) else set()
        kinds |= {"postcode"} if _POSTCODE.search(rest) else set()
    if _REGISTERED.search(rest):
        kinds.add("register")
    if not _is_date(rest):
        kinds |= {"title"} if _TITLE.search(rest) else set()
        kinds |= {"firm"} if _FIRM.search(rest) else set()
    return kinds


def _is_date(text: str) -> bool:
    return bool(_DATE.search(text))


def may_be_of_block(line: str) -> bool:
    """Whether a line is short, and no sentence."""
    text = line.strip()
    if len(text) > LONGEST * 2:
        return False
    if _IMAGE.match(text):
        return True
    bare = _URL.sub("", _EMAIL.sub("", text))
    if _SENTENCES.search(bare):
        return False
    if len(bare) > LONGEST or len(bare.split()) > _MOST_WORDS + 6 * (len(_SPLIT.split(text)) > 1):
        return False
    if not _SENTENCE.search(bare):
        return True
    weight = weigh(text)
    return bool(weight.kinds & (STRONG | {"firm"})) and weight.rest <= _MOST_OTHERS


def is_titled(line: str) -> bool:
    """Whether most words of a line begin with a capital, as in a name, a title or a firm."""
    words = [word for word in _WORD.findall(line) if len(word) > 3] or [line.strip()[:1]]
    return 2 * sum(not word[:1].islower() for word in words) >= len(words)


def is_image(line: str) -> bool:
    """Whether a line stands for an image, as in the text of a mail with a logo."""
    return bool(_IMAGE.match(line.strip()[:200]))


def is_block(lines: list[str], *, signed: bool = False) -> bool:
    """Whether these lines, none of them blank, are a contact block.

    `signed`: a name is right above, so that one number or address is enough.
    """
    weights = [weigh(line) for line in lines if not is_image(line)]
    kinds = frozenset[str]().union(*(w.kinds for w in weights))
    strong = kinds & STRONG
    if not strong and not ({"title", "firm"} <= kinds and all(map(is_titled, lines))):
        return False
    listed = sum("phone" in w.kinds and w.rest > 1 and w.parts == 1 for w in weights)
    bare = any(w.is_bare or w.parts > 1 for w in weights)
    others = sum(w.rest for w in weights if not w.kinds)
    sure = bare or len(strong) > 1 or bool(kinds & {"title", "firm", "register"})
    labels = sum(kind.startswith("label") for kind in kinds)
    enough = len(kinds) - (labels > 0) > 1 or (signed and bare)
    return enough and sure and listed < 2 and others <= _MOST_WORDS
