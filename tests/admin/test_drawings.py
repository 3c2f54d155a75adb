"""A part of a page is drawn once for all to whom it looks alike, and never fills the memory, however long parts are."""

import tracemalloc

from markupsafe import Markup

from admin.desk.talk import Said
from admin.drawings import Drawings


def test_a_part_is_drawn_once_until_others_took_its_room() -> None:
    drawn: list[str] = []

    def draw(part: str) -> Markup:
        drawn.append(part)
        return Markup(part * 10)

    drawings = Drawings(draw, room=30)
    for part in "abcab":
        assert drawings.of(part) == part * 10
    assert drawn == ["a", "b", "c"]
    drawings.of("d")  # takes the room of c, which nobody has looked at since
    drawings.of("a")
    drawings.of("b")
    assert drawn == ["a", "b", "c", "d"]
    drawings.of("c")
    assert drawn == ["a", "b", "c", "d", "c"]


def test_long_letters_that_were_read_do_not_fill_the_memory() -> None:
    tracemalloc.start()
    try:
        for n in range(100):
            assert _said(f"> {n} " + "Отчёт не открывается. " * 5_000).body
        kept, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 30_000_000


def _said(whole: str) -> Said:
    return Said(
        id="1", tone="in", author="Ivan", text="It beeps.", whole=whole, html="", how="e-mail", minutes=0,
        when=Markup("today"), files=(), images=(), letter=None, language="en",
    )  # fmt: skip
