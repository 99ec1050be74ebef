"""Ends of mails in many languages, all invented: signatures, and own text that looks alike."""

DEVICES = [
    "Sent from my iPhone",
    "Sent from my Galaxy",
    "Sent from my Samsung Galaxy smartphone.",
    "Sent from Outlook for Android",
    "Sent from Mail for Windows",
    "Sent from Yahoo Mail on Android",
    "Sent from Proton Mail for iOS",
    "Sent with Proton Mail secure email.",
    "Sent via the Samsung Galaxy S21 5G, an AT&T 5G smartphone",
    "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
    "Sent from my mobile, please excuse typos",
    "Sent on the go from my phone",
    "Get Outlook for iOS",
    "Get Outlook for Android<https://aka.ms/AAb9ysg>",
    "Get BlueMail for Android",
    "Sent using Zoho Mail",
    "Sent via Superhuman",
    "This email was sent from my phone.",
    "Von meinem iPhone gesendet",
    "Gesendet von meinem Mobiltelefon",
    "Gesendet mit der GMX Mail App",
    "Gesendet von Outlook für iOS",
    "Von meinem Samsung Galaxy Smartphone gesendet.",
    "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
    "Holen Sie sich Outlook für iOS",
    "Envoyé de mon iPhone",
    "Envoyé à partir d'Outlook pour iOS",
    "Envoyé depuis mon smartphone Samsung Galaxy.",
    "Envoyé depuis mon appareil mobile",
    "Télécharger Outlook pour Android",
    "Obtenir Outlook pour iOS",
    "Enviado desde mi iPhone",
    "Enviado desde mi teléfono Huawei",
    "Obtener Outlook para iOS",
    "Enviado do meu iPhone",
    "Enviado do Outlook para Android",
    "Obter o Outlook para iOS",
    "Inviato da iPhone",
    "Inviato dal mio telefono",
    "Scarica Outlook per Android",
    "Ottieni Outlook per iOS",
    "Verzonden vanaf mijn iPhone",
    "Verstuurd vanaf mijn iPad",
    "Outlook voor iOS downloaden",
    "Verzonden met Proton Mail",
    "Skickat från min iPhone",
    "Hämta Outlook för iOS",
    "Sendt fra min iPhone",
    "Sendt fra Outlook for iOS",
    "Hent Outlook til Android",
    "Få Outlook for iOS",
    "Lähetetty iPhonesta",
    "Hanki Outlook for iOS",
    "Wysłane z iPhone'a",
    "Wysłano z urządzenia Samsung Galaxy",
    "Pobierz Outlook dla systemu iOS",
    "Odesláno z iPhonu",
    "Odoslané z iPhonu",
    "Stáhnout Outlook pro iOS",
    "Elküldve az iPhone-omról",
    "iPhone-omról küldve",
    "Trimis de pe iPhone-ul meu",
    "Изпратено от моя iPhone",
    "Отправлено с iPhone",
    "Отправлено из мобильной Яндекс Почты",
    "Отправлено из Почты Mail.ru для Android",
    "Скачать Outlook для iOS",
    "Надіслано з iPhone",
    "Στάλθηκε από το iPhone μου",
    "Λήψη του Outlook για iOS",
    "iPhone'umdan gönderildi",
    "iOS için Outlook'u edinin",
    "נשלח מה-iPhone שלי",
    "أُرسلت من الـ iPhone",
    "Đã gửi từ iPhone của tôi",
    "Dikirim dari iPhone saya",
    "ส่งจาก iPhone ของฉัน",
    "iPhoneから送信",
    "iOS 版 Outlook を入手",
    "从我的 iPhone 发送",
    "发自我的iPhone",
    "從我的 iPhone 傳送",
    "获取 Outlook for iOS",
    "나의 iPhone에서 보냄",
    "내 iPhone에서 보냄",
    "iOS용 Outlook 다운로드",
    "Poslano s mojega telefona",
]

OWN_LINES = [
    "Sent the files to Ben by mail.",
    "Sent it by email",
    "I sent the files from my phone.",
    "I'll send the rest from my phone tonight",
    "Get well soon!",
    "Please get the Outlook invitation to Ben",
    "Call me on my mobile",
    "Das Paket habe ich gestern mit DHL verschickt.",
    "Ich habe es vom Handy aus geschickt",
    "Envoyé hier, comme convenu",
    "Le colis est envoyé de Lyon",
    "Enviado ayer",
    "El paquete fue enviado desde Lima",
    "Sent from London yesterday",
    "Sent with love",
    "Written in haste",
    "Verstuurd op dinsdag",
    "Inviato ieri",
    "Skickat i går",
    "Отправлено вчера",
    "今日送信しました",
    "已发送",
    "Download the file from the link above",
    "Did you get my mail?",
    "Typed up the minutes, see below",
    "Excuse the delay!",
    "Sorry for the mistakes in my last mail",
    "Please excuse the brevity",
    "I am sending this from a phone that is not mine, so be brief",
]

NOTICES = {
    "en": (
        "This message and its attachments are for the named person's use only. They may contain "
        "confidential or privileged information. If you have received it in error, please delete "
        "it and tell the sender."
    ),
    "en2": (
        "The contents of this e-mail are confidential to the intended recipient. Any "
        "unauthorised copying is prohibited."
    ),
    "en3": (
        "Nothing in this communication is legally binding and no liability is taken for viruses. "
        "The views expressed are those of the sender. If you are not the addressee please notify "
        "us."
    ),
    "de": (
        "Diese E-Mail enthält vertrauliche und rechtlich geschützte Informationen. Wenn Sie "
        "nicht der richtige Adressat sind oder diese E-Mail irrtümlich erhalten haben, "
        "informieren Sie bitte sofort den Absender und vernichten Sie diese Mail."
    ),
    "fr": (
        "Ce message et les pièces jointes sont confidentiels et établis à l'intention exclusive "
        "de leurs destinataires. Si vous l'avez reçu par erreur, merci de le détruire et d'en "
        "avertir l'expéditeur."
    ),
    "es": (
        "Este mensaje y sus archivos adjuntos son confidenciales y van dirigidos exclusivamente "
        "a su destinatario. Si lo ha recibido por error, le rogamos que lo elimine y avise al "
        "remitente."
    ),
    "it": (
        "Questo messaggio e i suoi allegati sono riservati e destinati esclusivamente al "
        "destinatario. Qualora l'abbiate ricevuto per errore, vi preghiamo di cancellarlo e di "
        "avvisare il mittente."
    ),
    "pt": (
        "Esta mensagem pode conter informação confidencial destinada apenas ao destinatário. Se "
        "a recebeu por engano, agradecemos que a apague e informe o remetente."
    ),
    "nl": (
        "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Indien u dit "
        "bericht ten onrechte ontvangt, verzoeken wij u de afzender te informeren en het bericht "
        "te vernietigen."
    ),
    "sv": (
        "Detta meddelande är konfidentiellt och avsett endast för mottagaren. Om du fått det av "
        "misstag ber vi dig att radera det och meddela avsändaren."
    ),
    "da": (
        "Denne e-mail er fortrolig og kun tiltænkt modtageren. Har du modtaget den ved en fejl, "
        "bedes du slette den og give afsenderen besked."
    ),
    "no": (
        "Denne e-posten er konfidensiell og kun ment for mottakeren. Hvis du har mottatt den ved "
        "en feil, vennligst slett den og varsle avsenderen."
    ),
    "fi": (
        "Tämä viesti on luottamuksellinen ja tarkoitettu vain vastaanottajalle. Jos olet saanut "
        "sen vahingossa, ilmoita lähettäjälle ja poista viesti."
    ),
    "pl": (
        "Niniejsza wiadomość jest poufna i przeznaczona wyłącznie dla adresata. Jeżeli otrzymali "
        "ją Państwo omyłkowo, prosimy o powiadomienie nadawcy i usunięcie wiadomości."
    ),
    "cs": (
        "Tato zpráva je důvěrná a určená pouze adresátovi. Pokud jste ji obdrželi omylem, "
        "informujte prosím odesílatele a zprávu vymažte."
    ),
    "hu": (
        "Ez az üzenet bizalmas és kizárólag a címzettnek szól. Ha tévedésből kapta meg, kérjük, "
        "értesítse a feladót és törölje."
    ),
    "ro": (
        "Acest mesaj este confidențial și se adresează numai destinatarului. Dacă l-ați primit "
        "din greșeală, vă rugăm să îl ștergeți și să anunțați expeditorul."
    ),
    "ru": (
        "Это сообщение является конфиденциальным и предназначено только для адресата. Если вы "
        "получили его по ошибке, пожалуйста, удалите его и сообщите отправителю."
    ),
    "uk": (
        "Це повідомлення є конфіденційним і призначене лише для одержувача. Якщо ви отримали "
        "його помилково, видаліть його та повідомте відправника."
    ),
    "el": (
        "Αυτό το μήνυμα είναι εμπιστευτικό και απευθύνεται μόνο στον παραλήπτη. Αν το λάβατε "
        "κατά λάθος, παρακαλούμε διαγράψτε το και ενημερώστε τον αποστολέα."
    ),
    "tr": (
        "Bu e-posta gizli bilgiler içerebilir ve yalnızca alıcı içindir. Yanlışlıkla aldıysanız "
        "lütfen gönderene bildirin ve silin."
    ),
    "zh": (
        ""
        "本邮件及其附件含有保密信息，仅供指定的收件人使用。如果您误收了本邮件，请立即通知"
        "发件人并删除本邮件。"
    ),
    "ja": (
        ""
        "このメールには機密情報が含まれている場合があります。宛先以外の方が誤って受信され"
        "た場合は、お手数ですが送信者にご連絡の上、削除してください。"
    ),
    "ko": (
        "이 메일은 지정된 수신인만을 위한 것이며 기밀 정보를 포함할 수 있습니다. 잘못 수신하신 "
        "경우 발신인에게 알리고 삭제하여 주시기 바랍니다."
    ),
    "ar": (
        "هذه الرسالة سرية وموجهة إلى المرسل إليه فقط. إذا استلمتها عن طريق الخطأ يرجى إبلاغ "
        "المرسل و حذفها فورا من جهازك."
    ),
    "he": (
        "הודעה זו מכילה מידע סודי ומיועדת לנמען בלבד. אם קיבלת אותה בטעות, אנא הודע לשולח ומחק "
        "אותה מיד. תודה."
    ),
}

FOOTERS = [
    (
        "a list's footer",
        (
            'You received this message because you are subscribed to the group "boats".\nTo '
            "unsubscribe from this group send an email to boats+unsubscribe@groups.example."
        ),
    ),
    (
        "a list's footer",
        (
            "boats mailing list\nboats@lists.example\nTo unsubscribe: "
            "https://lists.example/mailman/listinfo/boats"
        ),
    ),
    (
        "a list's footer",
        "Sie erhalten diese Mail, weil Sie im Verteiler sind. Abmelden: https://listen.example/ab",
    ),
    (
        "a list's footer",
        (
            "Vous recevez ce message car vous êtes abonné à la liste. Pour vous désabonner : "
            "https://listes.example"
        ),
    ),
    (
        "a scanner's footer",
        "This email has been checked for viruses by Avast antivirus software.\nwww.avast.com",
    ),
    ("a scanner's footer", "Diese E-Mail wurde von Avast Antivirus-Software auf Viren geprüft."),
    (
        "a scanner's footer",
        "L'absence de virus dans ce courrier a été vérifiée par le logiciel antivirus Avast.",
    ),
    ("a scanner's footer", "Virus-free. www.avg.com"),
    ("a request not to print", "Please consider the environment before printing this e-mail."),
    ("a request not to print", "Bitte denken Sie an die Umwelt, bevor Sie diese E-Mail drucken."),
    ("a request not to print", "Avant d'imprimer ce message, pensez à l'environnement."),
    ("a request not to print", "Antes de imprimir este correo, piense en el medio ambiente."),
    ("a request not to print", "Pensa all'ambiente prima di stampare questa mail."),
    ("a request not to print", "Denk aan het milieu voordat u deze mail afdrukt."),
]

NO_NOTICES = [
    (
        "Sorry, this mail was meant for another Ben and went to you by mistake; please delete it "
        "and tell nobody what it says about the yard."
    ),
    (
        "The offer is confidential, please tell nobody before we have spoken with the yard, and "
        "let me know by Friday whether the recipient list is complete."
    ),
    (
        "I am not liable for the damage, the yard is, and I have told them that they should "
        "notify their insurer before they delete anything from the log."
    ),
    (
        "Please print the plan twice and bring it along on Tuesday, the office has no paper left "
        "and the printer at the yard is broken again."
    ),
    (
        "If the virus scanner checked the file and it is clean, you can put it on "
        "www.yard.example for everyone."
    ),
    (
        "To unsubscribe from the newsletter, go to https://yard.example/news and click on the "
        "link at the bottom; it takes a day until you stop receiving it."
    ),
    (
        "We should think of the environment and print less from now on, all of us in the office, "
        "every single week."
    ),
    (
        "The contract says that all information is confidential and privileged, and that neither "
        "party may disclose it to third parties without the other's consent in writing."
    ),
    (
        "The attached letter is intended for the recipient only, so do not distribute it, and "
        "delete the copy that you have after the meeting."
    ),
]

BLOCKS = [
    (
        "Best regards,\nAda Lindqvist",
        (
            "Head of Procurement\nField & Sons Ltd\n12 Harbour Street, Leeds LS1 4AB\nT: +44 113 "
            "496 0123 | M: +44 7700 900123\nwww.field.example"
        ),
    ),
    (
        "Mit freundlichen Grüßen\n\nAda Lindqvist",
        (
            "Leiterin Einkauf\nFeld & Söhne GmbH\nHafenstraße 12\n20457 Hamburg\nTel.: +49 40 "
            "1234567\nFax: +49 40 1234568\nGeschäftsführer: Ben Holm\nAmtsgericht Hamburg, HRB "
            "12345"
        ),
    ),
    ("Viele Grüße\nAda", "--\nDr. Ada Lindqvist\nUniversität Hamburg"),
    (
        "Cordialement,\n\nAda Lindqvist",
        (
            "Responsable des achats\nChamp et Fils SARL\n12 rue du Port, 44000 Nantes\nTél. : 02 "
            "40 12 34 56\nPort. : 06 12 34 56 78"
        ),
    ),
    (
        "Saludos,\nAda",
        (
            "Ada Lindqvist\nDirectora de compras\nCampo e Hijos S.L.\nCalle Mayor 12, 28013 "
            "Madrid\nTel. 91 123 45 67\nada@campo.example"
        ),
    ),
    (
        "Cordiali saluti\nAda Lindqvist",
        (
            "Ufficio acquisti\nCampo e Figli S.r.l.\nVia Roma 12 - 20121 Milano\nTel. +39 02 "
            "1234567\nP.IVA 01234567890"
        ),
    ),
    (
        "Com os melhores cumprimentos,\nAda Lindqvist",
        (
            "Diretora de Compras\nCampo & Filhos, Lda.\nRua do Porto 12, 4000-123 Porto\n"
            "Telefone: +351 22 123 4567"
        ),
    ),
    (
        "Met vriendelijke groet,\n\nAda Lindqvist",
        (
            "Inkoper\nVeld & Zonen B.V.\nHavenstraat 12\n3011 AB Rotterdam\nT +31 10 123 45 67\n"
            "E ada@veld.example"
        ),
    ),
    (
        "Med vänlig hälsning\nAda Lindqvist",
        (
            "Inköpschef\nFält & Söner AB\nHamngatan 12\n411 14 Göteborg\n+46 31 12 34 56\n"
            "www.falt.example"
        ),
    ),
    (
        "Venlig hilsen\nAda Lindqvist",
        "Indkøbschef\nMark & Sønner A/S\nHavnegade 12\n5000 Odense C\nTlf. +45 12 34 56 78",
    ),
    (
        "Ystävällisin terveisin\nAda Lindqvist",
        "Ostopäällikkö\nPelto Oy\nSatamakatu 12\n00100 Helsinki\npuh. +358 40 123 4567",
    ),
    (
        "Z poważaniem\nAda Lindqvist",
        (
            "Kierownik Działu Zakupów\nPole i Synowie Sp. z o.o.\nul. Portowa 12\n80-001 Gdańsk\n"
            "tel. +48 58 123 45 67"
        ),
    ),
    (
        "S pozdravem\nAda Lindqvist",
        (
            "vedoucí nákupu\nPole a synové s.r.o.\nPřístavní 12, 170 00 Praha 7\ntel.: +420 222 "
            "123 456"
        ),
    ),
    (
        "С уважением,\nАда Линдквист",
        (
            "Начальник отдела закупок\nООО «Поле и сыновья»\nг. Мурманск, ул. Портовая, д. 12\n"
            "тел. +7 (815) 212-34-56\nada@pole.example"
        ),
    ),
    (
        "Με εκτίμηση,\nΑντα Λίντκβιστ",
        "Διευθύντρια Προμηθειών\nΑγρός ΑΕ\nΤηλ.: 210 123 4567\nada@agros.example",
    ),
    (
        "Saygılarımla,\nAda Lindqvist",
        "Satın Alma Müdürü\nTarla A.Ş.\nTel: 0212 123 45 67\nwww.tarla.example",
    ),
    ("此致\n敬礼\n林雅", "采购经理\n田野有限公司\n电话：010-12345678\n手机：13800001234"),
    (
        "よろしくお願いいたします。\n\n林",
        (
            "----------\n株式会社フィールド\n購買部 林 絵里\n〒231-0001 "
            "神奈川県横浜市中区港町1-2\nTEL：045-123-4567\nFAX：045-123-4568"
        ),
    ),
    (
        "감사합니다.\n임에리 드림",
        "구매부 과장\n주식회사 필드\n전화: 02-1234-5678\n휴대폰: 010-1234-5678",
    ),
    (
        "Thanks,\nAda",
        (
            "Ada Lindqvist | Head of Procurement | Field & Sons | +44 113 496 0123 | "
            "ada@field.example"
        ),
    ),
    ("Thanks,\nAda", "+44 113 496 0123"),
    (
        "Thanks,\nAda",
        (
            "Ada Lindqvist, PhD\nAssociate Professor of Naval Architecture\nDepartment of "
            "Engineering\nUniversity of Leeds"
        ),
    ),
    (
        "Cheers\nAda",
        "[cid:image001.png@01D5A1B2.C3D4E5F0]\nAda Lindqvist\nField & Sons\n+44 113 496 0123",
    ),
    ("Best,\nAda Lindqvist", "Field & Sons\n+44 113 496 0123\n\nFollow us: LinkedIn | Twitter"),
]

OWN_TEXTS = [
    "Hi,\n\nHere are the numbers you asked for.\n\nBen 555 123 4567\nCleo 555 123 4568",
    "Hi,\n\nHere are the links.\n\nhttps://a.example/x/y/z\nhttps://b.example/y",
    (
        "Hi Ben,\n\nthe meeting is at\n\nField & Sons\n12 Harbour Street\nLeeds\n\nSee you "
        "there,\nAda"
    ),
    "Hi Ben,\n\nYou can reach Cleo here:\n\nCleo Marsh\nField & Sons\n+44 113 496 0123",
    "Hi Ben,\n\nTuesday suits.\n\nBest,\nAda\n\nP.S. my new number is +44 113 496 0123.",
    "Hi Ben,\n\nWho comes: the director, the manager of the company and Cleo.\n\nAda",
    "Hi Ben,\n\nthree points:\n- the mast\n- the sail\n- the manager of Field & Co\n\nAda",
    "Hi Ben,\n\nAgenda\n\n10:00 Welcome by the Director\n10:30 Field & Sons Ltd\n11:00 Coffee",
    "The totals are\n\n2019 12,345,678\n2020 13,456,789\n2021 14,567,890",
    "Hi Ben,\n\nDate: 3 March 2026\nTime: 10:00\nPlace: Room 12, Harbour Street 4\n\nAda",
    "Hi,\n\nplease send it to\n\nAda Lindqvist\n12 Harbour Street\nLeeds LS1 4AB",
    "Flight: SK 1234 567 890\nBooking code: 123-456-7890",
    "Hi Ben,\n\nTuesday suits.\n\nBest regards,\nAda Lindqvist\nPresident of the Sailing Club",
    (
        "Hi Ben,\n\nTuesday suits.\n\nBest\nAda\n***\nOne more thing: the mast is here, and the "
        "yard wants to see you before they begin with it on Monday."
    ),
    "One\n--- \nTwo\n---\nThree",
    "Hi Ben,\n\nTuesday.\n\nSee you at the office\nAda\nxx",
    "Dear Mr. Holm,\n\nYour order 1234-5678-9012 was sent.\n\nKind regards\nAda",
]
