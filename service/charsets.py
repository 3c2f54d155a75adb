"""Bytes become text: by their label when it tells the truth, by letter frequency when it lies or is missing."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from itertools import pairwise

import msgspec

CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5")
# How often each is met in mail without a right label; decides only between readings that are about as good.
_PRIOR = {"cp1251": 1.5, "koi8-r": 1.0, "cp866": 0.0, "iso8859-5": -0.5}

# Labels that say nothing: what clients write when they do not know.
WEAK = frozenset({"ascii", "latin-1", "iso8859-1", "cp1252", "unknown"})

_ALIASES = {
    "win-1251": "cp1251",
    "win1251": "cp1251",
    "windows1251": "cp1251",
    "cp-1251": "cp1251",
    "x-cp1251": "cp1251",
    "ansi-1251": "cp1251",
    "microsoft-cp1251": "cp1251",
    "koi8": "koi8-r",
    "koi8r": "koi8-r",
    "koi-8": "koi8-r",
    "koi8-ru": "koi8-u",
    "koi8u": "koi8-u",
    "dos-866": "cp866",
    "cp-866": "cp866",
    "x-cp866": "cp866",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "utf": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "x-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "gb2312": "gb18030",  # what is labelled so is mostly its larger relative
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "win-1252": "cp1252",
    "win-1250": "cp1250",
    "ansi_x3.4-1968": "ascii",
    "ansi_x3.110-1983": "latin-1",
    "8bit": "unknown",
}

# Text codecs of Python which are no charsets of mail; two of them take quadratic time.
_NEVER = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})

# How likely one letter follows another in Russian, counted over 17,000 different words: a row for the letter before
# (the first row: a word begins), a column for the letter after (the first: the word ends), 0 never … 9 very often.
_ALPHABET = " абвгдежзийклмнопрстуфхцчшщъыьэюя"
# fmt: off
_PAIRS = (
    "065756336606567786766544541000413"  # a word begins
    "705656656356767156673355544000056"  # а
    "573103714705736728526154006661105"  # б
    "680413703706746745555040043073004"  # в
    "672154600702656907206010300010000"  # г
    "581545843705546756636043440052124"  # д
    "834556455456778457673334544000022"  # е
    "575007800806137410326000000003000"  # ж
    "595706522605467706206003200061003"  # з
    "754655736666567447770555633000056"  # и
    "902305302205545220660002240000001"  # й
    "681400612702714807666015010000300"  # к
    "573030841704416700405200300048067"  # л
    "874501800704456750306000100070004"  # м
    "670335703804007800566422310073025"  # н
    "716767655466666466761234541000104"  # о
    "470000700604504848446003000042003"  # п
    "581532852704256834556242240063005"  # р
    "564533630607655764585243440155017"  # с
    "773603702706446737615200400057113"  # т
    "745556665146666066760431646000072"  # у
    "570020700820644807456600000030101"  # ф
    "952500500600135806424331000000300"  # х
    "670600800905001540305001000050000"  # ц
    "470000810806418412054000240004000"  # ч
    "571400800806506505455000000004000"  # ш
    "370000900800003000005000000004000"  # щ
    "222222922222222222222222222222228"  # ъ
    "805735725085571055560070552000002"  # ы
    "902021406204048001760104151000053"  # ь
    "214453111348865155581641171111111"  # э
    "805004022030224003370000808000040"  # ю
    "901505626022365025460054305000064"  # я
)
# fmt: on
_LIE = 2.0  # so much better another reading must be before a label counts as a lie
_ODD = -2.5  # a letter pair or a mark no Russian text has
_LIKELY = {
    before + after: max(int(_PAIRS[row * 33 + column]) * 8 / 9 - 5.0, _ODD)
    for row, before in enumerate(_ALPHABET)
    for column, after in enumerate(_ALPHABET)
}
_UKRAINIAN = frozenset("іїєґ")

_WORD = re.compile(r"[^\W\d_]+")
_MARKS = frozenset("«»—–“”„’‘…№©®°•·§±\u00a0")
_BROKEN = re.compile("[\x00\ud800-\udfff]")
# What is scored is a sample; a whole book reads no better than its first pages.
_SAMPLE = 24_000


class Decoded(msgspec.Struct, frozen=True):
    """Text, and the Python name of the charset it was read in."""

    text: str
    charset: str


def clean(text: str) -> str:
    """`text` with NULs and lone surrogates replaced by U+FFFD: PostgreSQL and UTF-8 refuse both."""
    return _BROKEN.sub("\ufffd", text)


def decode(data: bytes, label: str | None = None) -> Decoded:
    """Read `data`, trusting `label` as far as it deserves; never raises."""
    decoded = _decode(data, canonical(label))
    return Decoded(clean(decoded.text), decoded.charset)


def canonical(label: str | None) -> str:
    """Python's codec name for a label as mail writes it; `unknown` for what names no charset."""
    if not label:
        return "unknown"
    return _canonical(label[:100])


@lru_cache(maxsize=512)
def _canonical(label: str) -> str:
    name = label.strip().lower()
    # charset="charset=utf-8", charset=3Dutf-8, "utf-8; format=flowed", 'utf-8', utf-8*ru
    name = re.sub(r"^(?:charset\s*=\s*|3d)", "", name.strip("\"' "))
    name = re.split(r"[;,*\s]", name.strip("\"'<> "), maxsplit=1)[0].strip("\"'<>=.")
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return "unknown"
    if not getattr(found, "_is_text_encoding", True) or found.name.replace("-", "_") in _NEVER:
        return "unknown"
    return {"utf-8-sig": "utf-8", "gb2312": "gb18030", "gbk": "gb18030"}.get(found.name, found.name)


def _decode(data: bytes, name: str) -> Decoded:
    for mark, marked in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return Decoded(data.decode(marked, "replace").removeprefix("\ufeff"), marked)
    if data.isascii():
        return _decode_ascii(data, name)
    if name in WEAK:
        return _guess(data)
    if name in CYRILLIC or name in ("koi8-u", "koi8-t", "mac-cyrillic"):
        return _weigh_label(data, name)
    if name == "utf-8":
        return _decode_utf8(data) or _guess(data)
    try:
        return Decoded(data.decode(name), name)
    except (UnicodeError, ValueError):
        return _decode_utf8(data) or _replace_or_guess(data, name)


def _decode_ascii(data: bytes, name: str) -> Decoded:
    if name.startswith(("utf-7", "utf-16", "utf-32", "iso2022", "hz")) or b"\x1b$" in data:
        stateful = "iso2022_jp" if name in WEAK else name
        try:
            return Decoded(data.decode(stateful), stateful)
        except (UnicodeError, ValueError):
            pass  # the label lied: plain ASCII is the better reading
    return Decoded(data.decode("ascii"), "ascii")


def _decode_utf8(data: bytes) -> Decoded | None:
    """UTF-8, also when a few of its characters are damaged or cut; `None` when it is something else."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if not bad:
        return Decoded(text, "utf-8")
    good = sum(1 for character in text[:_SAMPLE] if ord(character) > 127) - bad
    return Decoded(text, "utf-8") if good >= 4 * bad else None


def _replace_or_guess(data: bytes, name: str) -> Decoded:
    try:
        text = data.decode(name, "replace")
    except (UnicodeError, ValueError):
        return _guess(data)
    few = text.count("\ufffd") * 20 <= sum(1 for character in text if ord(character) > 127)
    return Decoded(text, name) if few else _guess(data)


def _weigh_label(data: bytes, name: str) -> Decoded:
    """A single-byte Cyrillic label fits any bytes, so only the letters can tell whether it lies."""
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeError:
        pass  # no UTF-8: the usual case
    sample = _high_lines(data)
    if _mixed_with_latin(sample):
        return Decoded(data.decode("cp1252", "replace"), "cp1252")
    scores = _scores(sample)
    labelled = score(sample.decode(name, "replace")) + _PRIOR.get(name, 0.0)
    best = max(scores, key=lambda charset: scores[charset])
    chosen = best if scores[best] > labelled + _LIE else name
    return Decoded(data.decode(chosen, "replace"), chosen)


def _guess(data: bytes) -> Decoded:
    utf8 = _decode_utf8(data)
    if utf8:
        return utf8
    sample = _high_lines(data)
    scores = _scores(sample)
    best = max(scores, key=lambda charset: scores[charset])
    if scores[best] > _ODD and _whole_words(sample.decode(best, "replace"), best):
        return Decoded(data.decode(best, "replace"), best)
    return Decoded(data.decode("cp1252", "replace"), "cp1252")


def _scores(sample: bytes) -> dict[str, float]:
    return {charset: score(sample.decode(charset, "replace")) + _PRIOR[charset] for charset in CYRILLIC}


def _high_lines(data: bytes) -> bytes:
    """A sample of the lines that have something to say, so a long English preface does not drown them."""
    if len(data) <= _SAMPLE:
        return data
    lines = [line for line in data[: 40 * _SAMPLE].split(b"\n") if not line.isascii()]
    return b"\n".join(lines)[:_SAMPLE] or data[-_SAMPLE:]


def _whole_words(text: str, charset: str) -> bool:
    """Whether Cyrillic letters make whole words; in German or French they stand inside Latin ones."""
    pure = mixed = longest = latin = 0
    for word in _WORD.findall(text):
        cyrillic = sum(1 for letter in word if "\u0400" <= letter <= "\u04ff")
        if cyrillic == len(word):
            pure += cyrillic
            longest = max(longest, cyrillic)
        elif cyrillic:
            mixed += cyrillic
        elif word.isascii():
            latin += len(word)
    if longest >= 2:
        return pure >= 2 * mixed
    # One letter alone says something only where Russian has such a word.
    if latin or mixed or charset not in ("cp1251", "koi8-r"):
        return False
    return all(word.lower() in "аивкосуя" for word in _WORD.findall(text))


def _mixed_with_latin(sample: bytes) -> bool:
    """Whether high letters only ever stand singly inside Latin words: umlauts under a Cyrillic label."""
    mixed = False
    for word in re.findall(rb"[A-Za-z\xc0-\xff]+", sample):
        if word.isascii():
            continue
        if not re.search(rb"[A-Za-z]", word) or re.search(rb"[\xc0-\xff]{3}", word):
            return False
        mixed = True
    return mixed


def score(text: str) -> float:
    """How Russian `text` looks: the sum over its non-ASCII characters; above zero is a good sign."""
    total = 0.0
    for word in _WORD.findall(text):
        if not word.isascii():
            total += _word_score(word)
    for position, character in enumerate(text):
        if character < "\x80" or character.isalpha():
            continue
        total += _mark_score(text, position)
    return total


@lru_cache(maxsize=4096)
def _word_score(word: str) -> float:
    spelt = f" {word.lower().replace('ё', 'е')} "
    total = 0.0
    for before, after in pairwise(spelt):
        if before in _UKRAINIAN or after in _UKRAINIAN:
            total -= 0.5
        else:
            total += _LIKELY.get(before + after, _ODD)
    # Read in the wrong charset, small letters become capitals inside the word.
    total -= 2.5 * sum(1 for i in range(1, len(word)) if word[i].isupper() and word[i - 1].islower())
    total -= 0.2 * sum(1 for letter in word if letter.isupper())
    return total - 0.2 * word.count("ё")


def _mark_score(text: str, position: int) -> float:
    character = text[position]
    if character not in _MARKS:
        return _ODD
    after_letter = position > 0 and text[position - 1].isalpha()
    before_letter = position + 1 < len(text) and text[position + 1].isalpha()
    if after_letter and before_letter:
        return 0.0 if character == "\u00a0" else -1.5
    if character in "®©°·§±":
        return -1.5 if after_letter or before_letter else -0.5
    if character == "\u00a0":
        return 0.0 if position + 1 < len(text) and position else -1.5
    return -1.5 if character in "„“‘«" and after_letter else 0.0
