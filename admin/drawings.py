"""Parts of pages that look today as they looked yesterday: drawn once, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from markupsafe import Markup

ROOM = 4_000_000  # signs of markup; with what it was drawn of some 25 MB


class Drawings:
    """What was made of the parts that were shown last, as many as have `room`, in signs.

    They are not counted by the piece: one long letter takes the room of a thousand lines of the journal.
    """

    def __init__(self, *, room: int = ROOM) -> None:
        self._room = room
        self._kept: OrderedDict[Hashable, Markup] = OrderedDict()

    def of(self, part: Hashable, draw: Callable[[], Markup]) -> Markup:
        """The part as it was drawn, whoever it was drawn for: `draw` knows nothing but the part."""
        known = self.known(part)
        if known is None:
            known = draw()
            self.keep(part, known)
        return known

    def known(self, part: Hashable) -> Markup | None:
        """The part, if it is kept."""
        known = self._kept.get(part)
        if known is not None:
            self._kept.move_to_end(part)
        return known

    def keep(self, part: Hashable, markup: Markup) -> None:
        """Keep what was made of a part that was not known; what was not shown for longest makes room."""
        if part in self._kept:
            return
        self._kept[part] = markup
        self._room -= len(markup)
        while self._room < 0:
            _part, oldest = self._kept.popitem(last=False)
            self._room += len(oldest)
