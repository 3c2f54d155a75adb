"""The same letter as simple HTML: escaped, in paragraphs, links as links; nothing is fetched and nobody is watched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}»”]")
BODY = "margin:0;padding:16px;font:16px/1.5 sans-serif;color:#1a1a1a;background:#ffffff"
BUTTON = (
    "display:inline-block;padding:10px 20px;border:1px solid #0b57a4;border-radius:6px;font-weight:bold;"
    "text-decoration:none;"
)
LOOKS = (BUTTON + "color:#ffffff;background:#0b57a4", BUTTON + "color:#0b57a4;background:#ffffff")


def html_of(text: str, *, subject: str, language: str, buttons: Sequence[str] = ()) -> str:
    """`text` as an HTML document. A line that ends with one of the addresses in `buttons` becomes a button.

    The button says what stands before the address in its line; the first one looks like the main one.
    """
    looks = {url: LOOKS[min(n, len(LOOKS) - 1)] for n, url in enumerate(url for url in buttons if url)}
    blocks = [_paragraph(block, looks) for block in re.split(r"\n\s*\n", text.strip())]
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head>\n"
        f'<body style="{BODY}"><div style="max-width:40em">\n' + "\n".join(blocks) + "\n</div></body>\n</html>\n"
    )


def _paragraph(block: str, looks: dict[str, str]) -> str:
    return '<p style="margin:0 0 1em">' + "<br>\n".join(_line(line, looks) for line in block.split("\n")) + "</p>"


def _line(line: str, looks: dict[str, str]) -> str:
    for url, look in looks.items():
        before, _url, after = line.partition(url)
        said = before.strip().rstrip(":—–-").strip()
        if _url and said and not after.strip():
            return f'<a href="{escape(url)}" style="{look}">{escape(said)}</a>'
    shown, end = "", 0
    for found in LINK.finditer(line):
        address = escape(found[0])
        shown += _plain(line[end : found.start()]) + f'<a href="{address}">{address}</a>'
        end = found.end()
    return shown + _plain(line[end:])


def _plain(text: str) -> str:
    """Escaped; blanks that align columns or indent stay."""
    return re.sub(r"(?<= ) |^ ", "&nbsp;", escape(text))
