"""Whether this process has been told to end: what would otherwise stay open for long looks here and ends by itself."""


class Leaving:
    """A flag that goes up once, from a signal's handler, and stays up."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        self.begun = True


LEAVING = Leaving()
