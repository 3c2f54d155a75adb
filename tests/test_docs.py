"""The files in docs/ are what they say: rules Prometheus takes, a dashboard, and the rights of every route."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

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
