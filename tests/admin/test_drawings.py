"""A part of a page is drawn once for all to whom it looks alike, and never fills the memory, however long parts are."""

import tracemalloc

from markupsafe import Markup

from admin.desk.talk import Said
from admin.drawings import Drawings


def test_a_part_is_drawn_once_until_others_took_its_room() -> None:
    drawn: list[str] = []
    drawings = Drawings(room=30)

    def look_at(part: str) -> None:
        def draw() -> Markup:
            drawn.append(part)
            return Markup(part * 10)

        assert drawings.of(part, draw) == part * 10

    for part in "abcab":
        look_at(part)
    assert drawn == ["a", "b", "c"]
    look_at("d")  # takes the room of c, which nobody has looked at since
    look_at("a")
    look_at("b")
    assert drawn == ["a", "b", "c", "d"]
    look_at("c")
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
