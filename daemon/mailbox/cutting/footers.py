"""What programs and companies put below a mail: device lines, notices, footers. Pure.

They are told by their words, in the languages that programs and lawyers write; every search is over
text of bounded length. `daemon.mailbox.cutting.signature` decides where they begin.
"""

from __future__ import annotations

import re

_LONGEST = 170
"""Characters of a device's line."""
_MOST = 2000
"""Characters that are read of a notice."""

_URL = re.compile(r"[<(\[]{0,2}(?:https?://|www\.)[^\s<>]{1,500}[>)\]]{0,2}|\]\(", re.IGNORECASE)
_EDGES = " \t-–—_*<>()[]#|~•·:«»\"'"

_DEVICE = (
    r"(?:i(?:phon|pad|pod)[\w'’\-]*|mac ?book|macos|android|galaxy|samsung|huawei|honor|xiaomi|"
    r"redmi|nokia|lumia|htc|motorola|oneplus|xperia|blackberry|windows|outlook|gmail|yahoo|aol|"
    r"gmx|web\.de|t-online|hotmail|airmail|mailbox|mailbird|mailspring|nylas|superhuman|spike|"
    r"edison|bluemail|aqua ?mail|k-9|fairemail|proton ?mail|tuta(?:nota)?|zoho|fastmail|"
    r"thunderbird|mail\.ru|yandex|яндекс\w*|почт\w+|mail|e-mail-app|smartphone|(?:mobil\w*|cell|"
    r"tele)?[ -]?(?:phone|fon|foon)\w*|t[eé]l[eé]phone|tel[eé]fono|telefone|m[oó]vil|celular|"
    r"cellulare|portable|handy|mobile?\w*|cell|gsm|tablet\w*|device|ger[äa]t\w*|endger[äa]t|"
    r"appareil|dispositiv[oi]|toestel|apparaat|enhet|puhelim\w*|laitte\w*|telefon\w*|"
    r"urządzeni\w*|komór\w*|zařízení\w*|zariadeni\w*|készülék\w*|телефон\w*|мобильн\w*|мобілн\w*|"
    r"мобільн\w*|устройств\w*|смартфон\w*|κινητό|συσκευή|手机|手機|携帯|スマホ|スマートフォン|"
    r"휴대폰|휴대전화|핸드폰|아이폰|טלפון|נייד|هاتف\w*|جوال\w*|điện thoại|ponsel|โทรศัพท์|palm|"
    r"treo|pda|laptop)(?![a-z])"
)
_OPENS = (
    r"(?:(?:sent|written|typed|dictated|composed) (?:from|using|with|on|(?:by|"
    r"via)(?! (?:e-?)?mail\b))|"
    r"(?:automatisch )?(?:gesendet|versendet|verschickt|geschrieben|getippt) (?:von|vom|mit|über|"
    r"aus)|"
    r"(?:envoy[ée]e?|exp[ée]di[ée]|[ée]crit) (?:de|depuis|du|d.|à partir|avec|par|via|sur)|"
    r"(?:enviad|escrit)[oa] (?:desde|de|del|do|da|a partir|por|pelo|con|com|através|v[ií]a|"
    r"mediante)|"
    r"(?:inviat|scritt|spedit)[oa] (?:da|dal|dall.|con|tramite|via)|"
    r"(?:verzonden|verstuurd|gestuurd) (?:vanaf|vanuit|van|met|via|door)|"
    r"(?:skickat|skickades|skrivet|sendt|skrevet) (?:från|fra|med|via|på)|lähetetty|kirjoitettu|"
    r"elküldve|küldve|(?:wysłan|napisan)[eoay] (?:z|ze|za|przez|przy)|"
    r"(?:odesl[aá]n|posl[aá]n|odoslan|poslan)[oaéáe] (?:z|ze|zo|s|iz|sa|pomocí|pomocou|přes)|"
    r"(?:trimis|expediat)\w* (?:de|din|cu|prin)|(?:изпратен|отправлен|послан|написан)[оа] (?:от|"
    r"с|со|из|через|чрез)|(?:надіслано|відправлено) (?:з|із|через)|(?:στάλθηκε|εστάλη|"
    r"απεστάλη) (?:από|μέσω)|נשלח מ|(?:أ?رسلت?|أُرسلت|تم الإرسال|مرسل) (?:من|عبر|بواسطة)|"
    r"dikirim (?:dari|dengan)|"
    r"(?:đã )?(?:được )?gửi (?:từ|bằng)|ส่งจาก|saadetud|nosūtīts no|išsiųsta iš|enviat des|发自|"
    r"發自|发送自|發送自|来自|寄自|傳送自)"
)
_SUBJECT = (
    r"(?:(?:this|my) (?:message|e-?mail|mail|note)(?: (?:was|is|has been))?|(?:diese|"
    r"die) (?:e-?mail|mail|nachricht) wurde|ce (?:message|mail|courriel|e-?mail) a été|"
    r"este (?:mensaje|correo|e-?mail|mensagem)(?: electrónico)?(?: ha sido| fue| foi)?|"
    r"esta mensagem foi|quest[oa] (?:messaggio|e-?mail|mail) è stat[oa]|(?:dit bericht|"
    r"deze (?:e-?mail|mail)) (?:is|werd)|denna? "
    r"(?:meddelande|mail) (?:har |är )?|denne (?:e-?mail|mail|meddelelsen?) er|wiadomość|zpráva|"
    r"это (?:сообщение|письмо)|сообщение)"
)
_SENT = re.compile(
    rf"^(?:{_SUBJECT} )?{_OPENS}[^,;:!?.]{{0,60}}?(?:\b|(?<=[^a-z])){_DEVICE}",
    re.IGNORECASE,
)
_FROM_MINE = re.compile(
    rf"^(?i:sent from (?:my|an?|mobile) [^,;:!?]{{2,50}}|"
    rf"from my (?:\w+ ){{0,2}}{_DEVICE}\W?\w{{0,8}})$"
    r"|^(?i:sent (?:via|with|using)) [A-Z][\w.]{1,20}(?: [\w.]{1,20}){0,4}$"
)
_SENT_LAST = re.compile(
    rf"^(?:(?:{_SUBJECT} )?(?:von|vom|mit|über|aus)\b[^,;:!?.]{{0,60}}{_DEVICE}.{{0,30}}"
    r"(?:gesendet|versendet|verschickt|geschrieben)"
    rf"|.{{0,20}}{_DEVICE}.{{0,30}}(?:gönderildi|gönderilmiştir|küldve|送信(?:しました)?|"
    r"发送|發送|傳送|发出|發出|보냄|전송|보낸 메일)|[从從].{0,30}(?:发送|發送|傳送|寄出))\W{0,3}$",
    re.IGNORECASE,
)
_GET = re.compile(
    r"(?:\b(?:get|download|try|holen sie sich|herunterladen|laden sie|obtenir|obtenez|"
    r"t[ée]l[ée]charger?z?|obtener|obt[eé]n|consigue|descarg(?:ar|a)|obter|obtenha|baixar|baixe|"
    r"scarica|ottieni|downloaden|download|skaffa|hämta|hent|få|last ned|hanki|lataa|pobierz|"
    r"stáhn\w+|získ\w+|stiahn\w+|letölt\w+|beszerz\w+|descărca\w*|obțin\w*|изтегл\w+|скача\w+|"
    r"загруз\w+|получи\w+|завантаж\w+|λήψη|indir\w*|edinin|tải|unduh|dapatkan)\b|הורד|קבל|احصل|"
    r"تنزيل|รับ|ดาวน์โหลด|入手|获取|獲取|取得|下载|下載|다운로드|받기)",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"\b(?:outlook|bluemail|yahoo mail|aol app|typeapp|edison mail|proton ?mail|gmx|web\.de)\b"
    r".{0,40}(?:ios|android|windows|mac|mobil|app)|(?:ios|android|windows|mac).{0,12}\boutlook\b",
    re.IGNORECASE,
)
_EXCUSE = re.compile(
    r"\b(?:excuse|pardon|forgive|apolog\w+|sorry for|ignore)\b.{0,30}"
    r"\b(?:typ[oe]\w*|brevity|brief|spelling|autocorrect|errors?|mistakes?)\b"
    r"|entschuldig.{0,40}(?:kürze|tippfehler|fehler)|excuse[zr]?.{0,30}(?:bri[èe]vet|fautes)"
    r"|disculp.{0,40}(?:brevedad|errores)|desculp.{0,40}(?:brevidade|erros)",
    re.IGNORECASE,
)
_PROMOTION = re.compile(
    r"^(?:yahoo mail: |sender notified by|mail was sent via|mailsuite|remove this email signature)",
    re.IGNORECASE,
)
_TRACKERS = frozenset("ᐧ")
"""A mark that a tracking extension leaves on a line of its own."""


def is_device_line(line: str) -> bool:
    """Whether a line says on what or with what a mail was written, or advertises that."""
    if not line or len(line) > _LONGEST + 200:
        return False
    text = _URL.sub(" ", line).strip(_EDGES)
    if not text or len(text) > _LONGEST or len(text.split()) > 20:
        return text in _TRACKERS if text else False
    if _SENT.match(text) or _SENT_LAST.match(text) or _PROMOTION.match(text):
        return True
    if _FROM_MINE.match(text):
        return len(text.split()) <= 8
    if _GET.search(text) and _PROGRAM.search(text):
        return True
    return text in _TRACKERS


def is_near_device_line(line: str) -> bool:
    """Whether a line may stand with a device's line and be of it."""
    text = line[:_LONGEST].strip(_EDGES)
    words = len(text.split())
    if words <= 14 and _EXCUSE.search(text):
        return True
    return words <= 5 and bool(re.search(rf"\b(?:from|via) (?:my )?{_DEVICE}", text, re.IGNORECASE))


# --- notices ----------------------------------------------------------------------------------


def _ideas(*words: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(group) for group in words)


_LEGAL = _ideas(
    # this message
    r"this (?:e-?mail|message|communication|transmission|transmittal|correspondence)|"
    r"(?:the )?information (?:contained|transmitted) (?:in|herein)|contents? of this (?:e-?mail|"
    r"message)|"
    r"(?:diese|dieser) (?:e-?mail|mail|nachricht|mitteilung)|ce (?:message|courriel|mail|"
    r"courrier)|cet e-?mail|(?:este|el presente|esta|a presente|o presente) (?:mensaje|correo|"
    r"e-?mail|mensagem|comunicación|comunicação)|quest[oa] (?:messaggio|e-?mail|mail|"
    r"comunicazione)|(?:il|la) presente "
    r"(?:messaggio|e-?mail|comunicazione)|(?:dit|deze) (?:bericht|e-?mail|mail)|"
    r"dett?a (?:meddelande|e-?post|e-?mail|mail)|denne (?:e-?mail|e-?post|mail|meddelelse\w*|"
    r"melding\w*)|tämä (?:viesti|sähköposti\w*)|(?:ta|niniejsz\w+|treść tej) (?:wiadomoś\w+|"
    r"e-?mail|korespondencj\w+)|"
    r"(?:tato|tento|táto) (?:zpráva|správa|e-?mail)|(?:ez|jelen) (?:az )?(?:üzenet|e-?mail|"
    r"levél)|acest (?:mesaj|e-?mail)|"
    r"(?:это|данное|настоящее) (?:электронное )?(?:сообщение|письмо)|(?:це|цей) (?:повідомлення|"
    r"лист)|това съобщение|αυτό το (?:μήνυμα|e-?mail)|το παρόν|bu (?:e-?posta|mesaj|ileti)|"
    r"本(?:邮件|郵件|电子邮件|電子郵件|信件|メール|電子メール)|此(?:邮件|郵件)|このメール|"
    r"이 (?:메일|이메일|전자우편)|본 (?:메일|이메일|전자우편|메시지)|הודעה זו|(?:هذه الرسالة|"
    r"هذا البريد)|email này",
    # secret
    r"confiden|confidentiel|privileged|proprietary|vertraulich|riservat|vertrouwelijk|sekretess|"
    r"konfidentiell|konfident|fortrolig|luottamuksel|poufn|důvěrn|dôvern|bizalmas|конфиденц|"
    r"конфіденц|поверител|εμπιστευτικ|απόρρητ|gizli|保密|机密|機密|秘密|기밀|비밀|חסוי|סודי|سري|"
    r"bí mật|mật|legally protected|rechtlich geschützt|secret professionnel|segreto",
    # whose it is
    r"intended|recipient|addressee|named (?:above|person)|bestimmt|adressat|empfänger|"
    r"destinatair|destinatari|destinat|geadresseerde|bestemd|mottagare|avsedd|modtager|mottaker|"
    r"tiltenkt|tilsigtede|vastaanottaja|tarkoitettu|adresat|odbiorc|příjemc|príjemc|adresát|"
    r"címzett|получател|адресат|предназнач|одержувач|призначен|παραλήπτ|alıcı|muhatab|收件人|"
    r"收件者|接收者|宛先|受信者|受取人|수신인|수신자|נמען|المرسل إليه|المستلم|người nhận",
    # a mistake
    r"in error|by mistake|mistakenly|not the intended|erroneous|irrtümlich|versehentlich|"
    r"par erreur|por error|per errore|por engano|por erro|abus|vergissing|ten onrechte|"
    r"av misstag|ved en fejl|ved en feil|ved feil|fejlagtigt|vahingossa|erehdyk|omyłk|pomyłk|"
    r"błęd|omyl|téved|din greșeală|din eroare|по ошибке|ошибочно|помилк|погрешка|κατά λάθος|"
    r"εκ παραδρομής|yanlışlık|误收|误发|錯誤|错误|誤って|誤送|誤傳|잘못|בטעות|بالخطأ|"
    r"عن طريق الخطأ|nhầm",
    # what not to do, and what to do
    r"disclos|dissemin|distribut|copying|unauthori|prohibit|notify|delete|destroy|unbefugt|"
    r"unerlaubt|untersagt|nicht gestattet|vernicht|lösch|divulg|diffusion|interdit|détrui|"
    r"supprim|prohibid|elimin|borr(?:ar|e)|vietat|cancell|distrugg|proibid|apag|verspreid|"
    r"openbaar|verwijder|vernietig|radera|förbjud|spridning|slet|forbudt|poista|kielletty|"
    r"zabronion|usun|ujawni|zakáz|smaž|vymaž|tilos|töröl|interzis|șterge|запрещ|удал|уничтож|"
    r"распростран|заборонен|видал|забранен|διαγράψ|απαγορε|yasak|silin|删除|刪除|披露|禁止|破棄|"
    r"削除|開示|삭제|금지|למחוק|לקרוא|حذف|يحظر|xóa",
    # who is not liable
    r"liab|virus|damage|represent the views|views? expressed|opinions? expressed|"
    r"offer or acceptance|haft|gewähr|responsab|virus|aansprake|ansvar|vastuu|odpowiedzialn|"
    r"odpovědnost|felelős|răspunder|ответственност|відповідальн|ευθύν|sorumlu|责任|責任|책임|"
    r"legally binding|registered (?:office|in england)|company number|handelsregister|"
    r"amtsgericht|gdpr|dsgvo|rgpd|privacy policy|datenschutz|2016/679|d\.? ?lgs",
)
_PERSONAL = re.compile(r"\bI(?:'\w+)?\b(?! ?[.)])|\b(?i:sorry|ich|j'ai|desculpe|scusa)\b")
_MAY = re.compile(
    r"\bmay (?:contain|be)\b|\bkann\b.{0,40}enthalten|peut contenir|puede contener", re.IGNORECASE
)
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
"""Scripts without spaces."""
_LEGAL_HEAD = re.compile(
    r"^\W{0,8}(?:(?:e-?mail )?(?:confidentiality|legal|privacy|important)[^.!?]{0,30}(?:notice|"
    r"note|disclaimer|statement)|disclaimer|notice|confidential(?:ity)?|important|"
    r"haftungsausschluss|vertraulichkeitshinweis|wichtiger hinweis|avis de confidentialité|"
    r"avertissement|aviso legal|aviso de confidencialidad\w*|nota de confidencialidad|"
    r"avvertenze?|informativa privacy|nota di riservatezza|classification|vertrouwelijkheid|"
    r"klauzula)[^.!?]{0,30}\W{0,8}$",
    re.IGNORECASE,
)
_LIST = _ideas(
    r"https?://|www\.|\S@\S",
    r"unsubscri|opt[- ]?out|stop receiving|abmelde|abbestell|austragen|désabonn|désinscri|"
    r"dar(?:se|te) de baja|cancelar (?:la |tu |su )?suscripci|cancelar (?:a |sua )?inscri|"
    r"disiscri|annulla\w* l.iscrizione|uitschrij|afmeld|avregistrer|avsluta prenum|afmeld|avmeld|"
    r"peru(?:a|uta) tilau|wypis|rezygn|odhlás|leiratkoz|dezabon|отпис|відпис|απεγγραφ|aboneliğ|"
    r"退订|退訂|取消订阅|取消訂閱|配信停止|退会|수신거부|구독 취소",
    r"mailing[ -]?list|listinfo|mailman|google groups|groups\.|\byou (?:are|have|"
    r"were)? ?(?:receiv|subscrib)|because you|sie erhalten|weil sie|verteiler|vous (?:recevez|"
    r"êtes|avez)|liste de diffusion|recib(?:e|es|ió|ido)|porque|lista de|ricev|perché|ontvangt|"
    r"omdat|du (?:får|har fått|modtager)|otrzymuj|ponieważ|dostáváte|protože|azért kap|primiți|"
    r"вы получ|ви отрим|рассылк|подписан|邮件列表|メーリングリスト|메일링",
)
_SCANNED = _ideas(
    r"virus|vírus|viren|вирус|вірус|病毒|ウイルス|바이러스|malware|dangerous content",
    r"avast|avg\b|norton|mcafee|\beset\b|kaspersky|sophos|symantec|mailscanner|mimesweeper|"
    r"messagelabs|bitdefender|virus-free|(?:this|outgoing|incoming) (?:e-?mail|message|"
    r"mail)\b.{0,60}"
    r"(?:checked|scanned|swept|certified)",
)
_PRINTED = _ideas(
    r"print|druck|imprim|stamp|afdruk|skriv|utskrift|tulost|wydruk|drukuj|tisk|nyomtat|печат|"
    r"друк|εκτυπ|yazdır|打印|列印|印刷|인쇄",
    r"environment|umwelt|environnement|planète|medio ?ambiente|meio ambiente|ambiente|milieu|"
    r"milj[öø]|ympäristö|środowisk|životní prostřed|környezet|mediul|природ|экологи|довкілл|"
    r"περιβάλλον|çevre|环境|環境|환경|the planet",
    r"\bbefore|\bbevor|\bavant|\bantes|\bprima di|voordat|alvorens|innan|\bfør\b|inden|ennen|"
    r"zanim|przed|\bnež|mielőtt|înainte|прежде|перед|πριν|önce|之前|前に|전에|\bunless|"
    r"really need|necessary|wirklich|notwendig|nécessaire|necesario|necessario|nodig|behöv|"
    r"nødvendig",
)


def _all(text: str, ideas: tuple[re.Pattern[str], ...]) -> bool:
    return all(idea.search(text) for idea in ideas)


def notice(text: str) -> str:
    """What kind of notice a paragraph is; empty where it is none."""
    text = text[:_MOST]
    small = text.lower()
    words = len(text.split()) + len(_UNSPACED.findall(text)) // 2
    if words >= 12 and _is_legal(small) and not _PERSONAL.search(text):
        return "a legal notice"
    if words <= 120 and _all(small, _LIST):
        return "a list's footer"
    if words <= 60 and _all(small, _SCANNED):
        return "a scanner's footer"
    if 4 <= words <= 30 and _all(small, _PRINTED):
        return "a request not to print"
    return ""


def _is_legal(text: str) -> bool:
    """Whether three of a notice's ideas are there, one of them a secret or whose it is.

    A person may write of a mail gone astray, too, but then in the first person.
    """
    this, secret, whose, *others = _LEGAL
    told = [bool(idea.search(text)) for idea in (secret, whose)]
    if not any(told):
        return False
    told += [bool(idea.search(text)) for idea in (this, *others)]
    return sum(told) >= 3 or (told[0] and told[2] and bool(_MAY.search(text)))


def begins_notice(line: str) -> bool:
    """Whether a line within a notice's paragraph is of the notice."""
    return is_legal_heading(line) or any(i.search(line[:500].lower()) for i in _LEGAL[:4])


def is_legal_heading(line: str) -> bool:
    """Whether a line alone above a notice is its title."""
    return len(line) < 90 and bool(_LEGAL_HEAD.match(line))
