"""HTML of a mail: made harmless for display, remote images blocked, and rendered as text with its quotes marked."""

from __future__ import annotations

import re
from html import unescape

import lxml.html  # type: ignore[import-untyped]
import nh3
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.etree import LxmlError  # type: ignore[import-untyped]

from service.charsets import clean

# fmt: off
_TAGS = {
    "a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
    "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol",
    "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "tt", "u", "ul", "var",
}
_SILENT = {
    "script", "style", "title", "head", "iframe", "object", "embed", "applet", "noscript", "template", "svg", "math",
    "select", "textarea", "button", "audio", "video", "canvas", "frameset",
}
# fmt: on
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href", "name"},
    "img": {"alt", "height", "src", "width"},
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing", "width", "bgcolor"},
    "td": {"colspan", "rowspan", "width", "height", "bgcolor"},
    "th": {"colspan", "rowspan", "width", "height", "bgcolor"},
    "tr": {"bgcolor"},
    "col": {"span", "width"},
    "ol": {"start", "type"},
    "ul": {"type"},
}
# Properties that can neither leave their place nor fetch anything.
_STYLE = {
    "color",
    "background-color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "text-align",
    "text-decoration",
    "white-space",
    "vertical-align",
}
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_PICTURE = re.compile(r"(?i)(?:cid:|data:image/(?:png|jpeg|gif);base64,)")
_REMOTE = re.compile(r"(?i)\s*(?:https?:)?//")
_LINK = re.compile(r"(?i)(?:https?:|mailto:|tel:)")
_CONFIG = ParserConfig(css=CSS_PROFILES["strict"], display_links=False, display_images=False)

# Private-use letters on lines of their own carry the beginning and end of a quote through the text renderer.
_QUOTE_OPENS, _QUOTE_CLOSES = "\ue0f0", "\ue0f1"
_MANY_TAGS = 40_000
_DEEP = 200


def sanitise(source: str, *, remote: bool = False) -> str:
    """Harmless HTML for display. Pictures inside the mail stay; remote ones only with `remote`."""
    if _too_wild(source):
        return ""

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            return value if _PICTURE.match(value) or (remote and _REMOTE.match(value)) else None
        if attribute == "href":
            return value if _LINK.match(value) else None
        return value

    return nh3.clean(
        source,
        tags=_TAGS,
        clean_content_tags=_SILENT,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        filter_style_properties=_STYLE,
        strip_comments=True,
    )


def remote_images(source: str) -> int:
    """How many remote pictures display has to leave out."""
    return len(re.findall(r"(?i)<img\b[^<>]{0,2000}?\ssrc\s{0,9}=\s{0,9}[\"']?\s{0,9}(?:https?:)?//", source))


def text_of(source: str) -> str:
    """The text of an HTML mail; quotations come out as lines beginning with `> `."""
    if _too_wild(source):
        return _stripped(source)
    try:
        tree = lxml.html.fromstring(_declared_away(source))
        _mark_quotes(tree)
        text = Inscriptis(tree, _CONFIG).get_text()
    except (LxmlError, ValueError, TypeError, AssertionError, RecursionError, IndexError, KeyError, AttributeError):
        return _stripped(source)
    return _quoted_lines(clean(text))


def _too_wild(source: str) -> bool:
    """Whether a renderer would take long: tens of thousands of tags or entities, or hundreds of tags nested."""
    if source.count("<") + source.count("&") > _MANY_TAGS:
        return True
    depth = deepest = 0
    for closing, name in re.findall(r"<(/?)([a-zA-Z]+)", source):
        if name.lower() in ("br", "img", "hr", "meta", "link", "input", "col", "p", "li", "td", "tr", "th", "o", "w"):
            continue
        depth = max(depth - 1, 0) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest > _DEEP


def _declared_away(source: str) -> str:
    """Without an XML declaration, for which lxml refuses text, and without NULs."""
    source = source.replace("\x00", "").replace(_QUOTE_OPENS, "").replace(_QUOTE_CLOSES, "")
    return re.sub(r"^\s{0,99}<\?xml[^<>]{0,200}>", "", source) or "<p></p>"


def _mark_quotes(tree: lxml.html.HtmlElement) -> None:
    for junk in list(tree.iter("style", "script", "title", "noscript", "svg", "template")):
        junk.drop_tree() if junk.getparent() is not None else junk.clear()
    for block in list(tree.iter("blockquote")):
        if _is_quotation(block):
            block.text = f"\n{block.text or ''}"
            block.insert(0, _line(_QUOTE_OPENS, block))
            block.append(_line(_QUOTE_CLOSES, block))


def _line(mark: str, block: lxml.html.HtmlElement) -> lxml.html.HtmlElement:
    line = block.makeelement("div", {})
    line.text = mark
    if mark == _QUOTE_OPENS:
        line.tail, block.text = block.text, None
    return line


def _is_quotation(block: lxml.html.HtmlElement) -> bool:
    """A citation of a mail, not a paragraph somebody indented."""
    words = " ".join(
        (block.get("type", ""), block.get("class", ""), block.get("id", ""), block.get("style", ""))
    ).lower()
    if re.search(r"cite|quote|border-left|replied", words) or block.get("cite"):
        return True
    before = block.getprevious()
    text = (before.text_content() + (before.tail or "")) if before is not None else ""
    parent = block.getparent()
    if not text.strip() and parent is not None:
        text = parent.text or ""
    return text.strip()[-1:] == ":"


def _quoted_lines(text: str) -> str:
    depth = 0
    lines: list[str] = []
    for line in text.split("\n"):
        if _QUOTE_OPENS in line or _QUOTE_CLOSES in line:
            depth = max(depth + line.count(_QUOTE_OPENS) - line.count(_QUOTE_CLOSES), 0)
            line = line.replace(_QUOTE_OPENS, "").replace(_QUOTE_CLOSES, "")
            if not line.strip():
                continue
        lines.append(f"{'>' * depth} {line}".rstrip() if depth else line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _stripped(source: str) -> str:
    """A plain reading for what no renderer should touch; linear in its input."""
    source = re.sub(r"(?i)<(?:br|/p|/div|/tr|/li|/h[1-6])[^<>]{0,200}>", "\n", source)
    pieces = re.split(r"(?i)<(/?)(?:script|style)\b", source)
    if len(pieces) > 1:
        kept = [pieces[0]]
        kept += [after.partition(">")[2] for closing, after in zip(pieces[1::2], pieces[2::2], strict=False) if closing]
        source = "".join(kept)
    text = unescape(re.sub(r"<[^<>]*>", "", source))
    return clean(re.sub(r"[ \t\xa0]+", " ", re.sub(r"\n\s{0,50}\n", "\n\n", text))).strip()
