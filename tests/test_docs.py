"""The files in docs/ are what they say: rules Prometheus takes, a dashboard, and the rights of every route."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.app import create_app
from service.route_table import handlers
from service.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
THREATS = re.findall(r"^\|.*\| `(tests/[\w/.]+)`: `(test_\w+)` \|$", (ROOT / "README.md").read_text("utf-8"), re.M)


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DOCS / "alerts.yaml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_the_alert_rules_are_clean_yaml() -> None:
    style = "{extends: default, rules: {line-length: {max: 130}, comments: {min-spaces-from-content: 1}}}"
    answer = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-d", style, str(DOCS / "alerts.yaml")],
        capture_output=True,
        text=True,
    )
    assert answer.stdout == ""


def test_every_rule_says_when_how_long_and_what_it_means() -> None:
    for rule in rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith((".", "?"))
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("expression", [rule["expr"] for rule in rules()])
def test_expressions_are_balanced(expression: str) -> None:
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)


def test_the_dashboard_has_no_holes() -> None:
    board = json.loads((DOCS / "dashboard.json").read_text("utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(ids)) == len(ids) == len(set(places))
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])


def test_there_are_threats() -> None:
    assert len(THREATS) > 15


@pytest.mark.parametrize(("path", "test"), THREATS)
def test_every_threat_names_a_test_that_is_there(path: str, test: str) -> None:
    assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text("utf-8"), re.M)


# --- acts of pages, and how programs do them --------------------------------------------------------------------------

ACTS = (DOCS / "acts.md").read_text("utf-8")
ROWS = [re.findall(r"[^|]+", line) for line in ACTS.splitlines() if line.startswith("| `")]
ROUTE = re.compile(r"`([A-Z]+ /[^`]*)`")


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    app = create_app(Settings(home=tmp_path_factory.mktemp("home"), env="test"))
    return {name for name, _handler in handlers(app)}


def test_every_page_and_act_says_how_a_program_does_it(routes: set[str]) -> None:
    told = [route for row in ROWS for route in ROUTE.findall(row[0])]
    pages = {route for route in routes if " /api/" not in route}
    assert sorted(pages - set(told)) == [], "docs/acts.md lacks them"
    assert sorted(set(told) - pages) == [], "docs/acts.md names what is not there"
    assert len(told) == len(set(told))


def test_every_operation_that_acts_name_is_there(routes: set[str]) -> None:
    named = {route for row in ROWS for route in ROUTE.findall(row[1])}
    assert sorted(named - routes) == []
    assert len(named) > 60


def test_every_operation_is_named_by_some_act(routes: set[str]) -> None:
    """What no page does is for programs alone, and said so here."""
    alone = {
        "GET /api/v1/docs", "GET /api/v1/docs/{name}", "GET /api/v1/openapi.json", "POST /api/v1/imports/tickets",
        "GET /api/v1/tokens", "POST /api/v1/tokens", "GET /api/v1/tokens/{token}", "DELETE /api/v1/tokens/{token}",
        "GET /api/v1/organisations/{organisation}", "GET /api/v1/contacts/{contact}",
        "GET /api/v1/contracts/{contract}",
    }  # fmt: skip
    named = {route for row in ROWS for route in ROUTE.findall(row[1])}
    assert sorted(route for route in routes - named - alone if " /api/" in route) == []
