"""The dossier on paper: sealed pages with the sealed JSON inside, whatever people have written."""

import re
from pathlib import Path
from typing import Any

import pytest
import typst

from service import dossier, seals
from service.dossier_check import NotADossier, check
from service.dossier_pdf import pdf
from service.words import Language
from tests.desk import MONDAY, a_ticket, does
from tests.service.test_dossier import GLEB, a_talk, told

WILD = '#eval("1") $x^2$ <label> @ref *жирно* _курсив_ \\ "кавычки" \x07 \u202e 漢字 😀 ' + "Ё" * 3_000 + "\n\n  строка"


async def a_paper(ticket: Any, *, language: Language = "ru", edition: dossier.Edition = "whole") -> tuple[bytes, bytes]:
    made = await dossier.make(ticket.id, edition=edition, by=GLEB, at=MONDAY)
    file = dossier.written(made)
    return await pdf(made, file, language=language), file


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_the_pages_are_sealed_and_hold_the_dossier(regulation: None, language: Language) -> None:
    paper, file = await a_paper(await a_talk(), language=language, edition="customer")
    assert paper.startswith(b"%PDF-")
    report = check(paper, key=seals.public_key())
    assert report.faults == ()
    assert report.dossier == check(file).dossier


async def test_changed_pages_break_the_seal(regulation: None) -> None:
    paper, _file = await a_paper(await a_talk())
    at = paper.index(b"stream") + 20
    changed = paper[:at] + bytes([paper[at] ^ 1]) + paper[at + 1 :]
    assert "the seal is broken: the pages are not as they were made" in check(changed).faults
    with pytest.raises(NotADossier):
        check(paper[: paper.rindex(b"%reglament-seal")])


async def test_what_people_wrote_is_never_read_as_markup(regulation: None) -> None:
    ticket = await does(await a_ticket(), "comment", MONDAY, text=WILD)
    paper, _file = await a_paper(ticket)
    assert check(paper).faults == ()


async def test_a_long_text_is_cut_on_paper_and_whole_within(regulation: None) -> None:
    ticket = await does(await a_ticket(), "comment", MONDAY, text="слово " * 15_000)
    paper, _file = await a_paper(ticket)
    pages = re.search(rb"/Count (\d+)", paper)
    assert pages
    assert int(pages[1]) < 25
    assert any(len(message.text) > 80_000 for message in check(paper).dossier.messages)


def test_the_fonts_it_names_come_with_the_package() -> None:
    """And they hold Russian letters: no font of the system is needed."""
    template = Path(dossier.__file__).parent / "paper" / "dossier.typ"
    named = set(re.findall(r'font: "([^"]+)"', template.read_text("utf-8")))
    families = typst.Fonts(include_system_fonts=False).families()
    assert named
    assert named <= set(families)
    for font in named:
        page = f'#set text(font: "{font}", fallback: false)\nЖёлтый щит, № 5 «да» — ñ'.encode()
        _pages, warnings = typst.compile_with_warnings(page, ignore_system_fonts=True)
        assert warnings == []


async def test_the_command_checks_pages_too(regulation: None, tmp_path: Path) -> None:
    paper, _file = await a_paper(await a_talk())
    (tmp_path / "paper.pdf").write_bytes(paper)
    answer = told("-m", "service.cli", "dossier", "verify", str(tmp_path / "paper.pdf"), home=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
