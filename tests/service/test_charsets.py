"""Bytes become text: short Russian strings, wrong labels, capitals, and German that must stay Latin."""

import pytest

from service.charsets import CYRILLIC, canonical, decode

SHORT = """Привет
Не работает печать|Да|НЕ РАБОТАЕТ ПЕЧАТЬ|Ошибка|СРОЧНО|Добрый день|Здравствуйте, Пётр!|Заявка на доступ
Отчёт|«Обновление» модуля|ПОМОГИТЕ|СБОЙ СЕРВЕРА|тест|Тест|ТЕСТ|Нет|спасибо|Спасибо!|Вопрос|ВОПРОС|Ещё раз про лицензию
Лицензия истекла|лицензионный ключ|Иванов Иван|ИВАНОВ|Щукин, Пётр|ООО «Ромашка»|Объект не найден|Не подтверждаю
Подтверждаю|Скриншот экрана|снимок.png|отчёт за май|Ура|Яна Жукова|Жду ответа|хорошо|Хорошо|ХОРОШО
Error в модуле Calc|Программа пишет: ошибка 5|ПРОГРАММА НЕ ЗАПУСКАЕТСЯ|Акт сверки|Счёт-фактура|Сервис-деск|Не могу войти
Пароль|пароль|ПАРОЛЬ|Вход|Выход|Доступ|Сеть|Нужна помощь|Обновите ключ|Почта|Звонок|подпись|Договор 15/2|Техподдержка
Ввод данных|что-то сломалось|Всё ок|Как дела?|Re: Отчёт|СПАСИБО ЗА ОТВЕТ
Заявка № 12|Цех № 5|Эх|Юлия|Чек|Шеф|щётка|Файл|файл|ё|Ёлка|США|Фёдор|ИП Гусев|Отправлено с iPhone""".replace(
    "\n", "|"
).split("|")


@pytest.mark.parametrize("label", [None, "us-ascii", "iso-8859-1", "unknown-8bit", "koi8-r", "windows-1251"])
def test_short_russian_strings_are_read_right_under_missing_and_lying_labels(label: str | None) -> None:
    tried = [(text, charset) for text in SHORT for charset in CYRILLIC if _fits(text, charset)]
    wrong = [(text, charset) for text, charset in tried if decode(text.encode(charset), label).text != text]
    assert len(tried) > 240
    assert len(wrong) <= len(tried) * 0.05, wrong


@pytest.mark.parametrize("label", [None, "iso-8859-1", "koi8-r", "windows-1251"])
def test_the_two_charsets_of_real_mail_are_told_apart_but_for_three_letters(label: str | None) -> None:
    tried = [(text, charset) for text in SHORT for charset in ("cp1251", "koi8-r") if _fits(text, charset)]
    wrong = {text for text, charset in tried if decode(text.encode(charset), label).text != text}
    assert wrong <= {"ё", "Чек"}  # a letter alone, and a word whose other reading is as likely


@pytest.mark.parametrize(
    "text",
    [
        "Grüße aus Köln",
        "Über",
        "für",
        "Müller",
        "Straße",
        "ÖSTERREICH",
        "GRÖßE",
        "Öl",
        "Ärger mit Öl",
        "Señor",
        "été",
        "à Paris",
        "“Hi”, it’s naïve",
        "© 2020",
        "100 €",
        "Smørrebrød på øen",
    ],
)
@pytest.mark.parametrize("label", [None, "us-ascii", "iso-8859-1", "unknown-8bit"])
def test_umlauts_under_a_weak_label_stay_latin(text: str, label: str | None) -> None:
    assert decode(text.encode("cp1252"), label).text == text


@pytest.mark.parametrize("text", ["Grüße aus Köln", "Müller", "ÖSTERREICH"])
def test_umlauts_under_a_cyrillic_label_stay_latin(text: str) -> None:
    assert decode(text.encode("cp1252"), "koi8-r").text == text


def test_a_right_label_is_believed() -> None:
    assert decode("Příliš žluťoučký kůň".encode("iso8859-2"), "iso-8859-2").text == "Příliš žluťoučký kůň"
    assert decode("Доброго дня, є питання".encode("koi8-u"), "koi8-u").text == "Доброго дня, є питання"
    assert decode("日本語".encode("iso2022_jp"), "ISO-2022-JP").text == "日本語"


@pytest.mark.parametrize("label", [None, "windows-1251", "koi8-r", "iso-8859-1", "us-ascii", "iso-8859-5"])
def test_utf8_is_recognised_under_any_label(label: str | None) -> None:
    assert decode("Привет, мир".encode(), label).text == "Привет, мир"


def test_damaged_utf8_keeps_what_is_whole() -> None:
    assert decode("Не работает печать".encode()[:-1], "utf-8").text == "Не работает печат\ufffd"


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("win-1251", "cp1251"),
        ("Windows-1251", "cp1251"),
        ('"charset=utf-8"', "utf-8"),
        ("charset=utf-8", "utf-8"),
        ("utf-8;format=flowed", "utf-8"),
        ("'koi8-r'", "koi8-r"),
        ("unknown-8bit", "unknown"),
        ("x-user-defined", "unknown"),
        ("zip", "unknown"),
        ("unicode_escape", "unknown"),
        ("idna", "unknown"),
        ("punycode", "unknown"),
        ("\x00", "unknown"),
        ("", "unknown"),
    ],
)
def test_labels_as_mail_writes_them(label: str, name: str) -> None:
    assert canonical(label) == name


def test_nul_bytes_and_lone_surrogates_are_replaced() -> None:
    assert decode(b"a\x00b").text == "a\ufffdb"
    assert "\ud83d" not in decode(b"+2D0-", "utf-7").text
    decode(b"\xff\xfe\x3d\xd8").text.encode()


def _fits(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
