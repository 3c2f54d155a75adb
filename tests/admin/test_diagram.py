"""The picture shows the process table and nothing else."""

import re
from xml.etree import ElementTree

import pytest

from admin.diagram_layout import LYING, UPRIGHT, Measures, lay_out
from admin.diagram_svg import lying_diagram, process_in_words, upright_diagram
from service.words import LANGUAGES, Language, translate
from workflow.process import PROCESS

CHANGING = [move for move in PROCESS.moves if move.to is not None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_every_move_has_its_name_in_the_picture(language: Language) -> None:
    texts = {text.text for text in ElementTree.fromstring(lying_diagram(language)).iter("text")}
    assert {translate(language, state.label) for state in PROCESS.states} <= texts
    assert {translate(language, move.label) for move in CHANGING} <= texts


@pytest.mark.parametrize("measures", [LYING, UPRIGHT], ids=["lying", "upright"])
def test_every_arrow_of_the_table_is_drawn_once(measures: Measures) -> None:
    picture = lay_out(PROCESS, measures)
    drawn = [(arrow.source.name, move.trigger, arrow.target.name) for arrow in picture.arrows for move in arrow.moves]
    always = {move.trigger for _state, moves in picture.always for move in moves}
    expected = {
        (source, move.trigger, move.to) for move in CHANGING if move.trigger not in always for source in move.sources
    }
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == expected
    assert all(set(PROCESS.by_trigger[trigger].sources) == set(PROCESS.open_states()) for trigger in always)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_fits_its_box_beside_a_ticket(language: Language) -> None:
    wide = 7.6  # a bold letter of twelve pixels, in the widest of the fonts that systems bring
    names = {translate(language, state.label) for state in PROCESS.states}
    assert {name for name in names if len(name) * wide > UPRIGHT.box_across} == set()


@pytest.mark.parametrize("measures", [LYING, UPRIGHT], ids=["lying", "upright"])
def test_no_two_boxes_overlap(measures: Measures) -> None:
    boxes = lay_out(PROCESS, measures).boxes
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart_along = abs(one.along - other.along) > measures.box_along
            assert apart_along or abs(one.across - other.across) > measures.box_across


def test_the_state_of_the_ticket_and_its_open_ways_stand_out() -> None:
    root = ElementTree.fromstring(upright_diagram("en", here="in_progress", possible=frozenset({"complete"})))
    here = [group for group in root.iter("g") if "d-here" in group.get("class", "")]
    assert [text.text for group in here for text in group.iter("text")] == ["In progress"]
    open_ways = [group.findtext("title") for group in root.iter("g") if "d-possible" in group.get("class", "")]
    assert open_ways == ["Complete"]


def test_counts_and_links_stand_at_their_states() -> None:
    svg = lying_diagram("ru", counts={"new": 12034}, hrefs={"new": "/desk?state=new&q=1"})
    assert '<a href="/desk?state=new&amp;q=1">' in svg
    assert ">12\N{NO-BREAK SPACE}034</text>" in svg
    assert 'role="group"' in svg  # an image would hide its links from a screen reader


def test_a_note_stands_under_the_clock_of_its_state() -> None:
    texts = [
        text.text for text in ElementTree.fromstring(lying_diagram("en", notes={"new": "on average 3 h"})).iter("text")
    ]
    at = texts.index("registration clock runs")
    assert texts[at - 1 : at + 2] == ["New", "registration clock runs", "on average 3 h"]
    assert texts.count("on average 3 h") == 1


def test_the_picture_is_told_in_words_too() -> None:
    said = process_in_words("en")
    assert "From “New” to “Registered”: Register." in said
    description = ElementTree.fromstring(upright_diagram("en")).findtext("desc")
    assert description == said


def test_the_picture_needs_no_style_of_its_own() -> None:
    assert not re.search(r"style|fill=|stroke=", lying_diagram("en", here="new"))
