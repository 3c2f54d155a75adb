"""The mark on a text that people will read: it changes nothing, and tells the catalogue what to translate."""


def _(msgid: str) -> str:
    return msgid
