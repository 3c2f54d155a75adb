"""A reply without what it quotes, from the clients people use; and what only looks like a quotation."""

# ruff: noqa: E501 - mails stand here as they arrive

import pytest

from notifications.mail.html import text_of
from notifications.mail.quotes import reply_of

OUTLOOK = "Отправлено: 10 января 2024 г. 12:00\nКому: x\nТема: y\n\nтекст"
REPLIES = {
    "Gmail, Russian": ("ср, 10 янв. 2024 г. в 12:00, Иван Петров <ivan@example.org>:\n\n> текст\n> ещё\n", "Да"),
    "Gmail, Russian, wrapped": (
        "ср, 10 янв. 2024 г. в 12:00, Иван <\nivan@example.org>:\n\n> текст\n",
        "Да",
    ),
    "Gmail, English": ("On Wed, Jan 10, 2024 at 12:00 PM Ivan <ivan@example.org>\nwrote:\n\n> text\n", "Да"),
    "Yandex": ('10.01.2024, 12:00, "Иван" <ivan@example.org>:\n> текст\n\n-- \nС уважением', "Да"),
    "Yandex without marks": ('10.01.2024, 12:00, "Иван" <ivan@example.org>:\nтекст\nтекст', "Да"),
    "Mail.ru": (">Среда, 10 января 2024, 12:00 +03:00 от Иван <ivan@example.org>:\n>\n>Текст\n", "Да"),
    "Mail.ru, signed": ("--\nИван\n\n\nСреда, 10 января 2024, 12:00 +03:00 от Иван <i@example.org>:\n\nТекст\n", "Да"),
    "Mail.ru, heads": ("От кого: Иван\nКому: Пётр\nДата: Среда\nТема: x\n\nтекст", "Да"),
    "Thunderbird": ("10.01.2024 12:00, Иван Петров пишет:\n> Текст\n> \n\nснизу\n", "Да\n\nснизу"),
    "Apple Mail": ("> 10 янв. 2024 г., в 12:00, Иван <i@example.org> написал(а):\n> \n> текст\n", "Да"),
    "iPhone": ("Отправлено с iPhone\n\nOn Jan 10, 2024, at 12:00 PM, Ivan <i@example.org> wrote:\n\n\ufefftext", "Да"),
    "Outlook": (f"От: Иван [mailto:ivan@example.org] \n{OUTLOOK}", "Да"),
    "Outlook, bold": ("*От:* Иван <i@example.org>\n*Отправлено:* среда\n*Кому:* a\n*Тема:* b\n\nтекст", "Да"),
    "Outlook on the web": (f"________________________________\nОт: Иван <ivan@example.org>\n{OUTLOOK}", "Да"),
    "Outlook, old": ("-----Исходное сообщение-----\nОт: Иван\nтекст", "Да"),
    "Outlook, English": ("-----Original Message-----\nFrom: Ivan\ntext", "Да"),
    "The Bat": ("Вы писали 10 января 2024 г., 12:00:00:\n\n> текст\n\nснизу\n\n-- \nИван", "Да\n\nснизу"),
    "The Bat, initials": ("ИП> не работает?\n\nснизу\n", "Да\n\nснизу"),
    "KMail": ("В письме от среда, 10 января 2024 г. 12:00:00 MSK пользователь Иван написал:\n> текст", "Да"),
    "Roundcube": ("Иван писал 2024-01-10 12:00:\n> текст", "Да"),
    "nothing but lines": ("> вопрос 1\nответ 1\n> вопрос 2\nответ 2\n", "Да\n\nответ 1\nответ 2"),
}


@pytest.mark.parametrize("client", REPLIES)
def test_the_quotation_is_folded(client: str) -> None:
    quoted, own = REPLIES[client]
    assert reply_of(f"Да\n\n{quoted}") == own
    assert reply_of(f"Да\r\n\r\n{quoted}".replace("\n", "\r\n").replace("\r\r", "\r")) == own


HTML = {
    "Gmail": '<div dir="ltr">Да</div><br><div class="gmail_quote"><div class="gmail_attr">ср, 10 янв. 2024 г. в 12:00, '
    'Иван &lt;<a href="mailto:i@example.org">i@example.org</a>&gt;:<br></div><blockquote class="gmail_quote">'
    "<div>текст</div><p>b</p></blockquote></div>",
    "Outlook": "<html><head><style>p{color:red}</style></head><body><p class=MsoNormal>Да<o:p></o:p></p><p>&nbsp;</p>"
    '<div style="border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Иван &lt;i@example.org&gt; <br><b>Sent:</b> Wednesday'
    "<br><b>To:</b> x<br><b>Subject:</b> y</p></div><p>текст</p></body></html>",
    "Mail.ru": '<p>Да<br></p><blockquote style="border-left:1px solid #0857A6; margin:10px;">Среда, 10 января 2024, 12:00'
    " +03:00 от Иван &lt;i@example.org&gt;:<br><div>Текст</div></blockquote>",
    "Yandex": '<div>Да</div><div>10.01.2024, 12:00, "Иван" &lt;i@example.org&gt;:</div><blockquote><p>Текст</p></blockquote>',
    "Apple Mail": 'Да<div><blockquote type="cite"><div>On Jan 10, 2024, at 12:00, I &lt;i@example.org&gt; wrote:</div>'
    "<div>text</div></blockquote></div>",
    "Thunderbird": '<p>Да</p><div class="moz-cite-prefix">10.01.2024 12:00, Иван пишет:<br></div><blockquote type="cite" '
    'cite="mid:x"><p>текст</p></blockquote>',
}


@pytest.mark.parametrize("client", HTML)
def test_the_quotation_is_folded_in_html(client: str) -> None:
    assert reply_of(text_of(HTML[client])) == "Да"


def test_an_indented_paragraph_is_no_quotation() -> None:
    assert reply_of(text_of("<p>Шаги.</p><blockquote><p>Открыть окно</p></blockquote>")) == "Шаги.\n\nОткрыть окно"


@pytest.mark.parametrize(
    "text",
    [
        "Программа пишет:\nОшибка 5\nЧто делать?",
        "10.01.2024 в 12:00 программа пишет:\nОшибка 5",
        "Прошу вернуть исходное сообщение об ошибке:\nОшибка 5",
        "От: сервера нет ответа\nПроверьте",
        "Шаги:\n1. Открыть\n-- два дефиса в строке\nДальше",
        "Подтверждаю",
    ],
)
def test_what_a_person_writes_is_not_taken_for_a_quotation(text: str) -> None:
    assert reply_of(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Посмотрите\n\n---------- Forwarded message ---------\nОт: Иван <i@example.org>\nDate: ср\nTo: <y@example.org>\n\nтекст",
        '-------- Пересылаемое сообщение --------\n10.01.2024, 12:00, "Иван" <i@example.org>:\n\nтекст',
        "См.\n\n-------- Перенаправленное сообщение --------\nТема: x\nДата: y\nОт: Иван <i@example.org>\n\n> текст",
        "См.\n\nНачало переадресованного сообщения:\n\n> От: Иван <i@example.org>\n> Тема: x\n>\n> текст",
    ],
)
def test_a_forward_is_content(text: str) -> None:
    assert reply_of(text) == text


def test_a_header_block_under_a_forwarding_subject_is_a_forward() -> None:
    text = f"См. ниже\n\nОт: Иван <i@example.org>\n{OUTLOOK}"
    assert reply_of(text, subject="FW: Ошибка") == text
    assert reply_of(text, subject="RE: Ошибка") == "См. ниже"
    assert reply_of(f"От: Иван\n{OUTLOOK}", subject="Ошибка", answer=False) == f"От: Иван\n{OUTLOOK}"


def test_a_word_inside_a_quotation_is_nothing() -> None:
    assert "Подтверждаю" not in reply_of("Нет.\n\n10.01.2024 12:00, Служба пишет:\n> Ответьте «Подтверждаю»")


def test_the_signature_is_left_out_but_a_rule_in_the_text_is_not() -> None:
    assert reply_of("Текст\n\n-- \nИван\nтел. 1") == "Текст"
    assert reply_of("Начало\n--\n" + "строка\n" * 40 + "конец").endswith("конец")
