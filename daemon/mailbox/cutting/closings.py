"""Lines that close a mail and are its writer's style: a sign-off, and the name that signs. Pure."""

from __future__ import annotations

import re

_EDGES = " \t-–—~/*_.,;:!>|"
_MOST = 60
_SIGN_OFF = re.compile(
    r"^(?:(?:with |very |many |much |my |all |most |warm\w* |kind\w* |best |sincere |the )*"
    r"(?:best|regards?|wishes|thanks|thank you|thx|tnx|cheers|sincerely|yours|love|respectfully|"
    r"cordially|warmly|rgds|br|kr|hugs|xo+|take care|ciao|bye|peace|greetings|gratefully)\b"
    r"|(?:have a|enjoy (?:your|the)|see you|talk|speak|looking forward|until|happy) \w+"
    r"|(?:mit |viele |liebe |beste |freundliche[nr]? |herzliche[nr]? |schöne |sonnige |besten )*"
    r"(?:gr(?:u|ü|ue)(?:ß|ss)en?|grüezi|lg|mfg|vg|bg|dank|danke|vielen dank|hochachtungsvoll|"
    r"tschüss|servus)\b"
    r"|(?:bien |très |meilleures |sincères |avec mes |mes )*(?:cordialement|cdlt|amicalement|"
    r"salutations|amitiés|à vous|merci|respectueusement|bises|bisous|bonne journée|à bientôt)\b"
    r"|(?:un |con |muy |cordiales |atentos |muchas )*(?:saludos?|atentamente|atte|abrazo|gracias|"
    r"cordialmente|un beso|besos|hasta \w+)\b"
    r"|(?:um |com |melhores |muito )*(?:cumprimentos|atenciosamente|att|abraços?|obrigad[oa]|"
    r"cordialmente|saudações|beijos?)\b"
    r"|(?:cordiali |distinti |cari |tanti |un )*(?:saluti|saluto|grazie|cordialmente|abbraccio|"
    r"a presto)\b"
    r"|(?:met |vriendelijke |hartelijke |beste )*(?:groet(?:en|jes)?|mvg|bedankt|dank je)\b"
    r"|(?:med |vänlig\w* |bästa |varma |många |venlig\w* |vennlig\w* |kærlig\w* |beste |mange |"
    r"de )*"
    r"(?:hälsning(?:ar)?|mvh|vh|hilsen(?:er)?|hilsner|kram|knus|tack|takk?)\b"
    r"|(?:ystävällisin |parhain |terv\w* )*(?:terveisin|terkuin|terv|kiitos|t)\b"
    r"|(?:z |serdecznie )*(?:pozdr\w+|poważaniem|wyrazami|dziękuję|dzięki)\b"
    r"|(?:s )?(?:pozdrav\w*|úctou|přátelským|děkuji|ďakujem|lep pozdrav|hvala|srdačan|"
    r"poštovanjem)\b"
    r"|(?:üdv(?:özlettel)?|tisztelettel|köszönettel|köszönöm)\b"
    r"|(?:cu )?(?:stimă|respect|mulțumesc|mulţumesc|drag|salutări)\b"
    r"|(?:с |з |со )?(?:уважением|наилучшими|повагою|спасибо|дякую|поздрави|благодаря|приветом)\b"
    r"|(?:με )?(?:εκτίμηση|φιλικά|ευχαριστώ|χαιρετισμ\w+)\b"
    r"|(?:saygılar\w*|teşekkür\w*|sevgiler\w*|iyi çalışmalar|kolay gelsin)\b"
    r"|(?:salam|hormat kami|terima kasih|trân trọng|thân|cảm ơn)\b)",
    re.IGNORECASE,
)
_SIGN_OFF_UNSPACED = re.compile(
    r"^(?:此致|敬礼|祝好|顺祝|謝謝|谢谢|敬具|草々|以上|よろしく\S*|宜しく\S*|ありがとう\S*|"
    r"감사합니다|고맙습니다|드림|올림|בברכה|תודה|בכבוד רב|مع (?:أطيب )?(?:التحية|تحياتي|التحيات)|"
    r"تحياتي|شكرا|ขอแสดงความนับถือ|ขอบคุณ\S*)"
)
_PARTICLES = frozenset("van von der den de du da di del dos la le el al bin ibn y e zu ter".split())


def is_sign_off(line: str) -> bool:
    """Whether a line is a sign-off: `Thanks,`, `Mit freundlichen Grüßen`; or ends as one does."""
    text = line.strip()
    if not text or len(text) > _MOST or any(map(str.isdigit, text)) or "@" in text:
        return False
    words = len(text.split())
    if words > 7:
        return False
    bare = text.strip(_EDGES)
    known = _SIGN_OFF.match(bare) or _SIGN_OFF_UNSPACED.match(bare)
    return bool(known) or (words <= 4 and text.endswith((",", "，")))


def is_name(line: str) -> bool:
    """Whether a line can be the name that signs: `Ben`, `-- Ben H.`, `Dr. Ada de Vries`, `BH`."""
    text = line.strip().strip(_EDGES)
    words = text.split()
    if not words or len(words) > 4 or len(text) > 40 or not all(map(_is_name_part, words)):
        return False
    return len(words) > 1 or len(words[0]) <= 16


def _is_name_part(word: str) -> bool:
    bare = word.strip(".,'’()\"-–")
    if not bare.replace("-", "").replace("'", "").replace("’", "").isalpha():
        return False
    return not bare[0].islower() or bare in _PARTICLES
