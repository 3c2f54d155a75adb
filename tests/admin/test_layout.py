"""The pages keep the rules of the house: strict content policy, labels, contrast, what was typed."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from jinja2 import UndefinedError
from litestar import Litestar
from litestar.datastructures import State

from admin.language import choose_language, own_page
from admin.pages import TEMPLATES, Flash, Reading, environment, render, render_text, security_headers, url
from admin.static_files import FOLDER, static_file, static_url
from service.auth import Doors
from service.settings import Settings
from service.words import Language
from workflow.definition import Role
from workflow.regulation import default_regulation

NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TEMPLATE_FILES = sorted(TEMPLATES.rglob("*.html"))

EVERY_FIELD = """
{% extends "layout.html" %}
{% from "parts/form.html" import field, text_area, choice, radios, tick, file_field, confirm %}
{% block title %}Form{% endblock %}
{% block main %}
{{ field("minutes", "Minutes", typed, hint="At least 30", error=refusal) }}
{{ text_area("text", "Answer", typed) }}
{{ choice("outcome", "Outcome", [("solved", "Solved"), ("later", "Later")], "later", required=false) }}
{{ radios("reason", "Reason", [("spam", "Spam"), ("other", "Other")], "spam", error=refusal) }}
{{ tick("private", "Private", hint="Only you see it") }}
{{ file_field("files", "Files") }}
{% call confirm("Withdraw", "One letter goes out.", "/x") %}{{ field("why", "Why") }}{% endcall %}
{{ confirm("Remove", "Nothing goes out.", "/y") }}
{% endblock %}
"""


def a_reading(language: Language = "en", role: Role | None = Role.OPERATOR, **changes: Any) -> Reading:
    return Reading(at=NOON, path="/desk", language=language, role=role, csrf_token="token<", **changes)


def shown(source: str, reading: Reading | None = None, **values: object) -> str:
    return render_text(environment().from_string(source), reading or a_reading(), **values)


class Elements(HTMLParser):
    """Every element with its attributes, and which labels stand around a control."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.around: list[int] = []  # the open labels, by their place in `all`
        self.wrapping: set[int] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        if tag == "label":
            self.around.append(len(self.all) - 1)
        elif tag in {"input", "select", "textarea"}:
            self.wrapping.update(self.around)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.around.pop()

    def ids(self) -> set[str]:
        return {attributes["id"] for _tag, attributes in self.all if attributes.get("id")}  # type: ignore[misc]


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_holds_a_script_or_a_style(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle\s*=|javascript:|\son[a-z]+\s*=\s*[\"']", source, re.IGNORECASE)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_every_label_written_in_a_template_is_bound(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for opening, inside in re.findall(r"<label\b([^>]*)>(.*?)</label>", source, re.DOTALL):
        assert "for=" in opening or re.search(r"<(input|select|textarea)", inside), opening + inside


@pytest.mark.parametrize("path", sorted((TEMPLATES / "parts").glob("*.html")), ids=lambda path: path.name)
def test_parts_hold_macros_only_because_they_are_made_once_for_all_readers(path: Path) -> None:
    assert str(environment().get_template(f"parts/{path.name}").module).strip() == ""


@pytest.mark.parametrize("refusal", ["", "Give whole minutes."])
def test_every_control_has_its_label_and_every_reference_its_target(refusal: str) -> None:
    page = Elements(shown(EVERY_FIELD, typed="10", refusal=refusal))
    labels = {attributes["for"] for tag, attributes in page.all if tag == "label" and "for" in attributes}
    assert labels <= page.ids()
    for place, (tag, attributes) in enumerate(page.all):
        if tag == "label":
            assert "for" in attributes or place in page.wrapping
        if tag in {"input", "select", "textarea"} and attributes.get("type") != "hidden":
            assert attributes["id"] in labels
        assert set((attributes.get("aria-describedby") or "").split()) <= page.ids()


def test_a_refusal_stands_at_its_field_and_what_was_typed_is_kept() -> None:
    html = shown(EVERY_FIELD, typed='<b>"ten"', refusal="Give whole minutes.")
    assert 'value="&lt;b&gt;&#34;ten&#34;"' in html
    assert '<b>"ten"' not in html
    page = Elements(html)
    minutes = next(attributes for _tag, attributes in page.all if attributes.get("id") == "f-minutes")
    assert minutes["aria-invalid"] == "true"
    assert minutes["aria-describedby"] == "e-minutes h-minutes"
    assert re.search(r'id="e-minutes">.*Give whole minutes\.</p>', html)


def test_every_form_that_changes_something_carries_its_token() -> None:
    html = shown(EVERY_FIELD, typed="", refusal="")
    forms = [form for form in re.findall(r"<form.*?</form>", html, re.DOTALL) if 'method="post"' in form]
    assert len(forms) == 4  # the language, the way out, the two acts
    assert all('name="_csrf_token" value="token&lt;"' in form for form in forms)


@pytest.mark.parametrize(("language", "title"), [("ru", "Регламент"), ("en", "Reglament")])
def test_the_page_speaks_the_readers_language(language: Language, title: str) -> None:
    html = shown('{% extends "layout.html" %}{% block title %}X{% endblock %}', a_reading(language))
    assert f'<html lang="{language}"' in html
    assert f"<title>X · {title}</title>" in html


@pytest.mark.parametrize(
    ("role", "hrefs"),
    [
        (None, []),
        (Role.CUSTOMER, ["/cabinet"]),
        (Role.OPERATOR, ["/desk", "/reports", "/process", "/regulation", "/customers"]),
        (Role.PROCESS_OWNER, ["/reports", "/process", "/regulation"]),
        (Role.ADMINISTRATOR, ["/desk", "/board", "/reports", "/process", "/regulation", "/customers"]),
    ],
)
def test_the_navigation_shows_each_role_its_own_places(role: Role | None, hrefs: list[str]) -> None:
    html = shown('{% extends "layout.html" %}', a_reading(role=role))
    navigation = re.search(r"<nav class=\"places\".*?</nav>", html, re.DOTALL)
    assert re.findall(r'href="([^"]+)"', navigation[0] if navigation else "") == hrefs


@pytest.mark.parametrize("path", ["/cabinet", "/cabinet?show=waiting", "/cabinet/new"])
def test_the_place_where_the_reader_is_stays_marked_whatever_is_asked_of_it(path: str) -> None:
    html = shown('{% extends "layout.html" %}', replace(a_reading(role=Role.CUSTOMER), path=path))
    assert 'href="/cabinet" aria-current="page"' in html


def test_what_is_not_needed_all_day_stands_in_the_menu_of_the_account() -> None:
    html = shown('{% extends "layout.html" %}', a_reading(role=Role.ADMINISTRATOR))
    menu = re.search(r'<div class="account-menu">.*?</div>', html, re.DOTALL)
    assert menu is not None
    assert set(re.findall(r'href="([^"]+)"', menu[0])) >= {"/people", "/integrations", "/letters", "/health"}


def test_what_was_done_is_said_once_and_escaped() -> None:
    html = shown('{% extends "layout.html" %}', a_reading(flashes=(Flash("Saved <1>"), Flash("No", "refused"))))
    assert 'class="flash flash-done" role="status"' in html
    assert "Saved &lt;1&gt;" in html
    assert 'class="flash flash-refused" role="alert"' in html


def test_a_time_bar_tells_its_tone_by_shape_and_word_too() -> None:
    html = shown('{{ time_bar("late", 1.7, "25 min late", "Monday") }}')
    assert '<use href="#icon-late"/>' in html
    assert "Late: </span><span>25 min late</span>" in html
    assert 'class="time-run" width="100%"' in html
    assert '<symbol id="icon-late"' in shown('{% extends "layout.html" %}')


def test_a_moment_shows_words_and_keeps_the_instant_for_the_hover() -> None:
    html = shown("{{ when(moment) }}", a_reading("ru"), moment=NOON + timedelta(hours=2, minutes=10))
    assert 'datetime="2026-11-23T11:10:00+00:00"' in html
    assert 'title="понедельник, 23 ноября 2026, 14:10:00 (Москва, +03:00)"' in html
    assert html.replace("\N{NO-BREAK SPACE}", " ").endswith(">через 2 ч 10 мин</time>")


def test_a_sentence_may_hold_markup_of_ours_and_never_of_others() -> None:
    source = '{{ t("{who} did it", who=who) }} {{ t("{who} did it", who=("<b>"|safe)) }}'
    assert shown(source, who="<i>") == "&lt;i&gt; did it <b> did it"


def test_a_forgotten_value_is_an_error_and_not_a_void() -> None:
    with pytest.raises(UndefinedError):
        shown("{{ ticket.number }}")


def test_a_page_of_a_signed_in_reader_is_kept_by_no_cache() -> None:
    assert render("layout.html", a_reading()).headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in render("layout.html", a_reading(role=None)).headers


def test_the_content_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = security_headers()["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_an_address_leaves_out_what_is_not_asked() -> None:
    assert url("/desk", q="два слова", state=["a", "b"], who=None, page="") == (
        "/desk?q=%D0%B4%D0%B2%D0%B0+%D1%81%D0%BB%D0%BE%D0%B2%D0%B0&state=a&state=b"
    )
    assert url("/desk") == "/desk"


@pytest.mark.parametrize("path", ["//evil.example.com", "/\\evil.example.com", "https://evil.example.com", "", "/a\nb"])
def test_the_language_switch_leads_nobody_elsewhere(path: str) -> None:
    assert own_page(path) == "/"


async def test_the_language_is_remembered_and_the_reader_comes_back() -> None:
    answer = await _asked("POST", "/language", data={"language": "en", "back": "/desk?q=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk?q=1")
    assert answer.headers["set-cookie"].startswith("language=en;")
    assert "Secure" in answer.headers["set-cookie"]  # the pages are reached by https
    unknown = await _asked("POST", "/language", data={"language": "klingon"})
    assert unknown.headers["set-cookie"].startswith("language=ru;")


async def test_files_are_kept_for_ever_under_the_address_of_their_content() -> None:
    answer = await _asked("GET", static_url("reglament.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    script = await _asked("GET", static_url("reglament.js"))
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.content == (FOLDER / "reglament.css").read_bytes()
    older = await _asked("GET", "/static/000000000000/reglament.css")
    assert older.headers["cache-control"] == "no-cache"
    assert (await _asked("GET", "/static/000000000000/..%2Fpages.py")).status_code == 404


async def _asked(method: str, path: str, **what: Any) -> httpx.Response:
    doors = Doors.of(Settings(secret="s" * 32, public_url="https://desk.example.org"))
    transport = httpx.ASGITransport(Litestar([static_file, choose_language], state=State({"doors": doors})))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.request(method, path, **what)


# Contrast: WCAG 2.2, 1.4.3 for text, 1.4.11 for the edges of controls.

TEXT_ON_GROUND = [
    *[(text, ground) for text in ("ink", "soft") for ground in ("ground", "paper", "sunk", "accent-wash")],
    *[(tone, ground) for tone in ("accent", "fine", "warning", "late", "paused") for ground in ("ground", "paper")],
    *[(tone, f"{tone}-wash") for tone in ("accent", "fine", "warning", "late", "paused")],
    *[("ink", f"{tone}-wash") for tone in ("accent", "fine", "warning", "late", "paused")],
    ("on-accent", "accent"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_schemes(scheme: str) -> None:
    colours = _palette(scheme)
    weak = {pair: _contrast(*(colours[name] for name in pair)) for pair in TEXT_ON_GROUND}
    assert {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_controls_and_bars_stand_out_in_both_schemes(scheme: str) -> None:
    colours = _palette(scheme)
    assert _contrast(colours["edge"], colours["paper"]) >= 3
    for tone in ("fine", "warning", "late", "edge"):
        assert _contrast(colours[tone], colours["line"]) >= 2.4, (
            tone
        )  # the bar on its track; its words carry the meaning


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_priority_of_the_default_regulation_has_a_colour_that_stands_out(scheme: str) -> None:
    colours, sheet = _palette(scheme), (FOLDER / "reglament.css").read_text(encoding="utf-8")
    for priority in default_regulation().priorities:
        assert f".colour-{priority.colour} {{ color: var(--{priority.colour}); }}" in sheet
        assert _contrast(colours[priority.colour], colours["paper"]) >= 3


def test_the_more_urgent_a_priority_the_more_bars_it_shows() -> None:
    source = '{{ priority_badge("P1", rank, colour) }}'
    assert shown(source, rank=1, colour="red").count('opacity="0.22"') == 0
    assert shown(source, rank=4, colour="red").count('opacity="0.22"') == 3
    assert 'class="priority-mark colour-own" viewBox="0 0 14 12" fill="#aa0000"' in shown(
        source, rank=1, colour="#aa0000"
    )


def _palette(scheme: str) -> dict[str, str]:
    roots = re.findall(r":root \{(.*?)\}", (FOLDER / "reglament.css").read_text(encoding="utf-8"), re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", root)) for root in roots[:2])
    assert light.keys() == dark.keys()
    return light if scheme == "light" else dark


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
