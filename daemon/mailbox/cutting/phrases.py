"""What mail programs write around a quote, in the languages that they speak: words and patterns.

As Gmail, Outlook, Apple Mail, Thunderbird, Notes, Yahoo, Zoho, Horde, Open-Xchange, mail.ru and QQ
write them. No rule is here, only what the rules look for.
"""

from __future__ import annotations

import re
from typing import Literal

LONGEST = 300
"""Longer lines introduce nothing; the bound also keeps every search linear."""

DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"))
"""Signs that no reader sees: with `str.translate` they are off."""

Field = Literal["from", "sent", "to", "cc", "subject", "other"]


def _fields(**words: str) -> dict[str, Field]:
    names: tuple[Field, ...] = ("from", "sent", "to", "cc", "subject", "other")
    return {word.strip(): name for name in names for word in words[f"{name}_"].split("|")}


FIELDS = _fields(
    from_="from|von|absender|de|expéditeur|remitente|remetente|da|mittente|van|afzender|från|"
    "avsändare|fra|avsender|afsender|lähettäjä|od|nadawca|odesílatel|odosielateľ|feladó|de la|"
    "expeditor|от|отправитель|від|відправник|подател|από|kimden|gönderen|מאת|من|از|từ|dari|"
    "pengirim|จาก|saatja|nuo|pošiljatelj|пошиљалац|发件人|發件人|寄件者|寄件人|差出人|送信者|送信元|"
    "보낸 사람|보낸사람|발신",
    sent_="sent|date|sent on|date sent|gesendet|gesendet am|datum|envoyé|envoyé le|date d'envoi|"
    "enviado|enviado el|enviado em|enviada em|enviada|fecha|data|data/ora|inviato|inviata|"
    "verzonden|verzonden op|skickat|skickat den|sendt|dato|lähetetty|päivämäärä|päiväys|pvm|"
    "wysłano|wysłane|odesláno|odoslané|dátum|elküldve|küldve|küldés dátuma|trimis|trimis la|"
    "дата|отправлено|дата отправки|надіслано|изпратено|ημερομηνία|στάλθηκε|εστάλη|tarih|gönderildi|"
    "gönderme tarihi|gönderim tarihi|תאריך|נשלח|ב|التاريخ|تاريخ الإرسال|أرسلت|تم الإرسال|تاریخ|"
    "ngày|đã gửi|gửi|tanggal|terkirim|dikirim|วันที่|ส่ง|kuupäev|saadetud|nosūtīts|datums|"
    "išsiųsta|poslano|poslato|enviat|日期|时间|发送时间|發送時間|发件时间|发送日期|发件日期|寄件日期|"
    "傳送時間|日付|日時|送信日時|送信日|날짜|보낸 날짜|보낸날짜",
    to_="to|sent to|an|à|a|para|destinataire|aan|naar|till|til|vastaanottaja|do|komu|címzett|către|"
    "catre|кому|до|προς|kime|alıcı|אל|إلى|به|đến|tới|kepada|ke|ถึง|saaja|kam|kam:|adresāts|za|prima|"
    "收件人|收件者|宛先|받는 사람|받는사람|수신",
    cc_="cc|kopie|kopie (cc)|kopia|kopi|copie|copia|kópia|másolatot kap|másolat|dw|do wiadomości|"
    "копия|копія|κοιν.|κοινοποίηση|bilgi|עותק|نسخة|рк|抄送|副本|同报|참조|bcc|tembusan|kopija|"
    "в копии|ск",
    subject_="subject|betreff|betrifft|thema|objet|sujet|asunto|assunto|oggetto|onderwerp|ämne|"
    "emne|aihe|temat|předmět|predmet|vec|tárgy|subiect|тема|относно|предмет|θέμα|konu|נושא|الموضوع|"
    "موضوع|chủ đề|tiêu đề|subjek|subyek|perihal|เรื่อง|หัวเรื่อง|teema|temats|tema|zadeva|assumpte|"
    "主题|主旨|主題|标题|件名|題名|제목",
    other_="reply-to|reply to|importance|priority|attachments|attachment|organization|mailed-by|"
    "signed-by|sent by|please respond to|phone no|wichtigkeit|anlagen|antwort an|priorität|"
    "répondre à|pièces jointes|importancia|importance élevée|prioridad|datos adjuntos|anexos|"
    "allegati|priorità|bijlagen|bilagor|vedlegg|vedhæftede filer|liitteet|załączniki|přílohy|"
    "вложения|附件|添付ファイル|첨부",
)
"""The name of a header line, in lower case, and what it stands for."""

_LATIN = (
    "wrote|writes|schrieb|schreibt|geschrieben|(?:a|à|ont|avez|as) (?:é|e)crit|escribi(?:ó|o)|"
    "ha escrito|escreveu|escreveram|ha scritto|scrive|schreef|geschreven|skrev|skriver|kirjoitti|"
    r"napisał(?:\(a\)|a)?|napisana przez|pisze|napsal(?:\(a\)|a)?|píše|napísal(?:\(a\)|a)?|"
    r"(?:ezt )?írta|a scris|(?:je )?napisao(?:/la| je)?|(?:je )?napisal(?:\(a\)|a)(?: je)?|piše|"
    "yazdı|đã viết|menulis|kirjutas|rakstīja|rašė|va escriure|ha escrit|skrifaði|"
    r"написал(?:\(а\)|а)?|пишет|писал(?:\(а\)|а)?|написав(?:\(-?ла\))?|написала|пише|"
    r"написа|написао|έγραψε|έγραψαν|כתב(?:ה|/ה)?|كتب(?:ت)?|تمت كتابة ما يلي|نوشت"
)
_JOINED = (
    "写道 寫道 写到 のメール のメッセージ 書きました さんは書 작성 님이 쓴 썼습니다 เขียน".split()
)
_WROTE = re.compile(rf"(?:(?<!\w)(?:{_LATIN})(?!\w)|{'|'.join(_JOINED)}(?:ว่า)?)", re.IGNORECASE)
_STEMS = tuple(
    "wrote writes schri schre geschr écrit ecrit escri escre scritt scriv skr kirj napis napís "
    "pisze napsal píše írta scris piše yazd viết menulis rakst rašė напис пишет писал пише "
    "έγραψ כתב كتب كتاب نوشت".split()
)
"""How those verbs begin, to find quickly that none is there."""


def may_tell_of_writing(text: str) -> bool:
    """Whether a verb of writing, or a part of one, may be in a line."""
    words = text.lower().replace("(", " ").split()
    return any(word.startswith(_STEMS) for word in words) or any(v in text for v in _JOINED)


def last_verb(text: str) -> re.Match[str] | None:
    """The last verb of writing in a line that may introduce a quote, as programs conjugate it."""
    if not may_tell_of_writing(text):
        return None
    verb = None
    for verb in _WROTE.finditer(text[:LONGEST]):  # noqa: B007  # the last one is meant
        pass
    return verb


NAME_FOLLOWS = re.compile(
    "(?:schrieb|schreibt|schreef|skrev|skriver|kirjutas|napisana przez)$", re.IGNORECASE
)
"""The verbs after which the name stands."""
QUOTING = re.compile(
    r"^\s*(?:quoting|zitat von|zitiere|citando(?: a)?|citation de|citat (?:av|fra|från)|cytowanie|"
    r"citeren|citát z)\s",
    re.IGNORECASE,
)
OPENS = re.compile(
    r"^\W{0,4}(?:on|at|in (?:a message|article)|le|am|op|el|il|em|no dia|den|dne|dnia|w dniu|a|"
    r"στις|на|în|pe|vào|pada|kuupäev|в|u|v|missatge de|wiadomość napisana|ב|בתאריך|في|در|在|於|于)"
    r"(?:\b|(?<=[在於于]))",
    re.IGNORECASE,
)
"""How a line that introduces a quote opens, unless with a date or a name."""
FIRST_PERSON = re.compile(
    r"\b(?:(?:i|we|ich|wir|ik|jag|jeg|yo|eu|io) (?:\w+ )?$|(?:schrieb|schreef|skrev) (?:ich|ik|jag|"
    r"jeg|wir)\b)",
    re.IGNORECASE,
)

DATED = re.compile(
    r"\d{1,4}\.? ?[./\-] ?\d{1,2}\.? ?[./\-] ?\d{1,4}|\d{1,2}:\d{2}|(?<!\d)(?:19|20)\d{2}(?!\d)"
    r"|\d{1,2} ?[月월]"
)
YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
TIME = re.compile(r"(?<!\d)\d{1,2}[:.時시h] ?\d{2}(?!\d)")
ADDRESS = re.compile(r"[\w.+%=\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}")
BRACKETED = re.compile(
    r"(?:<|\[|\(|&lt;)(?:mailto:)?[^<>\s@()]{1,64}@[^<>\s()]{2,200}(?:>|\]|\)|&gt;)"
)

ORIGINAL = re.compile(
    r"original message|reply message|original(?:nachricht|-nachricht)|ursprüngliche nachricht|"
    r"message d.origine|message original|message initial|mensaje original|messaggio originale|"
    r"oorspronkelijk bericht|origineel bericht|mensagem original|ursprungligt meddelande|"
    r"originalmeddelande|oprindelig (?:meddelelse|besked)|opprinnelig melding|alkuperäinen viesti|"
    r"wiadomość oryginalna|oryginalna wiadomość|původní zpráva|pôvodná správa|eredeti üzenet|"
    r"mesaj(?:ul)? (?:original|iniţial|inițial)|исходное сообщение|оригинальное сообщение|"
    r"оригінальне повідомлення|оригинално съобщение|αρχικό μήνυμα|orijinal (?:mesaj|ileti)|"
    r"özgün ileti|הודעה מקורית|الرسالة الأصلية|پیام اصلی|thư gốc|tin nhắn gốc|pesan asli|"
    r"ข้อความต้นฉบับ|algne kiri|izvorna poruka|izvirno sporočilo|missatge original|"
    r"元のメッセージ|原始邮件|原始郵件|邮件原件|原邮件|原始信件|원본 (?:메시지|메일)|원래 메시지",
    re.IGNORECASE,
)
_FORWARDED = (
    r"forwarded|weitergeleitete?n?|transf[ée]r[ée]|réexpédié|reenviad[oa]|reencaminhad[oa]|"
    r"remitid[oa]|inoltrat[oa]|encaminhad[oa]|doorgestuurd|vidarebefordrat|videresend(?:te?)|"
    r"välitetty|edelleenlähetetty|przekazan[ae]|przekazywanej|přeposlan[áé]|preposlan[áe]j?|"
    r"továbbított|redirec[tţț]ionat|пересланн?ое|пересылаемое|перенаправленное|переадресованного|"
    r"пересланого|переслане|препратено|iletilen|προωθημένο|שהועברה?|מועברת|المعاد توجيهها|"
    r"معاد توجيهها|đã chuyển tiếp|được chuyển tiếp|yang diteruskan|terusan|ที่ส่งต่อ|edastatud|"
    r"proslijeđena|prosleđena|posredovano|reenviat|転送(?:された|する)?|转发的?|被转发的|已转发|轉寄的?|"
    r"轉發的?|전달된"
)
_MESSAGE = (
    r"message|nachricht|mensaje|mensagem|messaggio|bericht|meddelande|brev|besked|melding|"
    r"meddelelse|viesti|wiadomości|wiadomość|zprávy|zpráva|správy|správa|levél|üzenet|mesaj|"
    r"сообщени[ея]|повідомлення|съобщение|mesaj|μήνυμα|הודעה|الرسالة|رسالة|thư|pesan|ข้อความ|"
    r"kiri|poruka|poruke|sporočilo|missatge|メッセージ|メール|邮件|郵件|信件|消息|메시지|메일"
)
FORWARDED = re.compile(_FORWARDED, re.IGNORECASE)
FORWARD_OPENS = re.compile(
    r"^\W{0,4}(?:"
    r"(?:begin|start|anfang|beginn|début|inicio|início|inizio|početak|početek|začátek|začiatok|"
    r"początek|начало|початок|开始|開始|下面是|以下は?)[^:：]{0,12}?"
    rf"(?:(?:{_FORWARDED})\W?(?:{_MESSAGE})|(?:{_MESSAGE})\W?(?:{_FORWARDED}))"
    rf"|(?:{_FORWARDED})\W?(?:{_MESSAGE})(?: \w{{2,8}})?|(?:{_MESSAGE})\W(?:{_FORWARDED})"
    r")[^:：]{0,4}[:：]$",
    re.IGNORECASE,
)
"""A line without dashes, as Apple Mail writes it."""
DASHED = re.compile(
    r"^[>\s*|]{0,6}(?P<open>[-_=—–‐]{2,})\s*(?P<words>[^-_=—–‐\s].{1,90}?)\s*(?P<close>[-_=—–‐]{2,}\W*|$)"
)
RULE = re.compile(r"^[\s*]{0,9}[-_=—–‐]{5,}[\s*]*$")
DRAWN = frozenset("-_=—–‐*")
"""What programs draw lines with; a star is for bold type."""
