"""The rules of the house: who may import whom, where time comes from, and that no state is named outside the table."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow.process import PROCESS

ROOT = Path(__file__).parents[1]
FOLDERS = ("workflow", "service", "notifications", "admin")
MAY_IMPORT = {
    "workflow": {"workflow"},
    "service": {"service", "workflow"},
    "notifications": {"notifications", "service", "workflow"},
    "admin": {"admin", "service", "workflow"},
}
# The composition roots: the web application, and the commands that start the parts.
ROOTS = {"service/app.py", "service/cli.py", "service/commands.py"}
PURE = {"workflow", "transitions", "msgspec"} | sys.stdlib_module_names
# Pure means: no network, no files but its own data, no other process.
IMPURE_STDLIB = {"asyncio", "socket", "ssl", "subprocess", "threading", "http", "urllib", "smtplib", "sqlite3", "os"}
# Where real time comes in; `notifications/post.py` reads dates that another machine's real clock wrote.
CLOCKS = {"service/clock.py", "notifications/post.py"}

STATES = {state.name for state in PROCESS.states}
# Names that mean nothing but a state; the others are ordinary words as well (a letter "completed", a filter "closed").
NOTHING_ELSE = {"in_progress", "awaiting_customer"}


def python_files(*folders: str) -> list[Path]:
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "piccolo_migrations" not in path.parts
    )


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imported(tree: ast.AST) -> Iterator[str]:
    """The top names of everything a module imports, wherever the import stands; names in an import by text too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(one.value).partition(".")[0] for one in node.args if isinstance(one, ast.Constant))


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_import_along_the_arrows_only(folder: str) -> None:
    against = {
        name_of(path): sorted(strangers)
        for path in python_files(folder)
        if name_of(path) not in ROOTS
        and (strangers := set(imported(tree_of(path))) & set(FOLDERS) - MAY_IMPORT[folder])
    }
    assert against == {}


def test_workflow_stands_on_the_standard_library_transitions_and_msgspec() -> None:
    against = {
        name_of(path): sorted(strangers)
        for path in python_files("workflow")
        if (strangers := set(imported(tree_of(path))) - PURE | set(imported(tree_of(path))) & IMPURE_STDLIB)
    }
    assert against == {}


def test_nothing_that_runs_imports_the_tests() -> None:
    assert [name_of(path) for path in python_files(*FOLDERS) if "tests" in imported(tree_of(path))] == []


def test_every_file_says_what_it_is() -> None:
    """The first line is one plain sentence; a package's empty `__init__` needs none."""
    silent = []
    for path in python_files(*FOLDERS, "tests"):
        text = path.read_text("utf-8")
        if text.strip() and not (ast.get_docstring(tree_of(path)) or "").strip():
            silent.append(name_of(path))
    assert silent == []


# --- time -------------------------------------------------------------------------------------------------------------

READS_THE_CLOCK = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|utcfromtimestamp)$")


def clock_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and READS_THE_CLOCK.search(ast.unparse(node.func)):
            yield node


def test_only_the_edge_reads_the_clock() -> None:
    against = [
        f"{name_of(path)}:{call.lineno}"
        for path in python_files(*FOLDERS)
        if name_of(path) not in CLOCKS
        for call in clock_calls(tree_of(path))
    ]
    assert against == []


def test_no_time_is_naive() -> None:
    against = [
        f"{name_of(path)}:{call.lineno}"
        for path in python_files(*FOLDERS)
        for call in clock_calls(tree_of(path))
        if not (ast.unparse(call.func).endswith(".now") and (call.args or call.keywords))
    ]
    assert against == []


# --- states -----------------------------------------------------------------------------------------------------------

NAMES = "|".join(sorted(STATES))
IN_SQL = re.compile(rf"\bstate\b\s*(=|<>|!=|(NOT\s+)?IN\b|=\s*ANY)\s*\(?\s*'({NAMES})'", re.I)
IN_TEMPLATE = re.compile(r"\{[{%].*?[%}]\}", re.S)
QUOTED = re.compile(rf"""["']({NAMES})["']""")


def states_in(node: ast.AST) -> set[str]:
    return {
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    } & STATES


def speaks_of_a_state(node: ast.AST) -> bool:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    names |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    names |= {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return any("state" in name.lower() for name in names)


def named_states(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where code asks for a state by its name: compared, matched, in SQL, or a word that is nothing but a state."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and speaks_of_a_state(node):
            yield from ((node.lineno, name) for name in states_in(node))
        elif isinstance(node, ast.Match) and speaks_of_a_state(node.subject):
            yield from ((node.lineno, name) for case in node.cases for name in states_in(case.pattern))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in NOTHING_ELSE:
                yield node.lineno, node.value
            elif found := IN_SQL.search(node.value):
                yield node.lineno, found[3]


def test_no_code_outside_the_workflow_names_a_state() -> None:
    against = [
        f"{name_of(path)}:{line} {state}"
        for path in python_files("service", "notifications", "admin")
        for line, state in named_states(tree_of(path))
    ]
    assert against == []


def test_no_template_names_a_state() -> None:
    against = [
        f"{name_of(path)} {found[1]}"
        for path in sorted((ROOT / "admin").rglob("*.html"))
        for part in IN_TEMPLATE.findall(path.read_text("utf-8"))
        for found in QUOTED.finditer(part)
        if "state" in part or found[1] in NOTHING_ELSE
    ]
    assert against == []


@pytest.mark.parametrize(
    "code",
    [
        "if ticket.state == 'new': pass",
        "if 'closed' != row['state']: pass",
        "open = [t for t in tickets if t.state not in ('closed',)]",
        "match ticket.state:\n    case 'new' | 'registered':\n        pass",
        "SQL = \"SELECT 1 FROM ticket WHERE state = 'closed'\"",
        "SQL = \"SELECT 1 FROM ticket WHERE t.state NOT IN ('completed', 'closed')\"",
        "colour = {'in_progress': 'blue'}",
    ],
)
def test_the_test_sees_a_named_state(code: str) -> None:
    assert list(named_states(ast.parse(code)))


@pytest.mark.parametrize("code", ["if letter.kind == 'completed': pass", "switches = ('overdue', 'closed')"])
def test_the_test_knows_ordinary_words(code: str) -> None:
    assert list(named_states(ast.parse(code))) == []
