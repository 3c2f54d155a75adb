"""Reads the forms of pages as a browser would send them."""

from html.parser import HTMLParser


class _Form(HTMLParser):
    """The fields of the one form that goes to an address, with what stands in them."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action, self.inside, self.fields = action, False, {}  # type: ignore[var-annotated]
        self.select = self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("action") == self.action
        if not self.inside:
            return
        name, value = given.get("name", ""), given.get("value", "")
        match tag:
            case "input" if name and given.get("type") in ("checkbox", "radio"):
                if "checked" in given:
                    self.fields[name] = value
            case "input" if name and given.get("type") != "file":
                self.fields[name] = value
            case "textarea":
                self.area, self.fields[name] = name, ""
            case "select":
                self.select = name
            case "option" if self.select and ("selected" in given or self.select not in self.fields):
                self.fields[self.select] = value

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self.inside = False
            case "textarea" if self.area:
                self.fields[self.area] = self.fields[self.area].removeprefix("\n")
                self.area = ""
            case "select":
                self.select = ""


def fields_of(html: str, action: str) -> dict[str, str]:
    """What a browser sends when the form is left as it is; buttons apart."""
    form = _Form(action)
    form.feed(html)
    assert form.fields, f"no form goes to {action}"
    return form.fields
