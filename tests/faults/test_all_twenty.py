"""Which test plays which of the twenty faults.

Those of this folder carry the marker `fault(number)`. Those at home elsewhere (of 12 the short form):

| # | fault | played by |
|---|---|---|
| 9 | silence, drip, headers only | test_post.py: test_a_stalling_receiver_is_left_at_the_hard_total |
| 9 | a stall in TLS | test_post.py: test_a_tls_handshake_that_stalls_ends_with_the_connect_timeout |
| 9 | other endpoints meanwhile | test_post.py: test_stalling_receivers_do_not_delay_the_others |
| 10 | a body of a gibibyte | test_post.py: test_of_a_gibibyte_only_the_beginning_is_read |
| 10 | a gzip bomb | test_post.py: test_a_gzip_bomb_is_not_opened |
| 10 | 100,000 headers | test_post.py: test_a_hundred_thousand_headers_are_cut_off |
| 11 | redirects to a trap | test_post.py: test_a_redirect_is_never_followed |
| 11 | 410 | test_webhook_delivery.py: test_an_endpoint_that_is_gone_is_disabled_and_its_owner_told |
| 11 | 429 with each form of Retry-After | test_retry.py: test_retry_after_is_read_in_all_its_forms |
| 11 | 503, 404 | test_retry.py: test_anything_else_is_tried_again |
| 11 | 204 | test_post.py: test_a_204_is_complete_without_a_body |
| 12 | always 500 | test_webhook_delivery.py: test_the_attempts_keep_the_table_of_retries_and_then_the_event_is_dead |
| 12 | for 120 h | test_webhook_delivery.py: test_an_endpoint_that_fails_for_five_days_is_disabled |
| 13 | bad addresses, on creating | test_address_guard.py: test_a_bad_address_is_refused_when_written_down |
| 13 | bad addresses, on sending | test_address_guard.py: test_a_bad_address_is_refused_when_posted_to |
| 14 | a rebinding name | test_address_guard.py: test_a_rebinding_name_is_resolved_once_and_connected_by_address |
| 14 | answers of bytes and str | test_address_guard.py: test_the_systems_resolver_is_asked_once_and_may_answer_bytes |
| 14 | proxy variables | test_address_guard.py: test_proxy_variables_are_ignored |
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
FAULTS = range(1, 21)
ROW = re.compile(r"^\| (\d+) \|.*\| (\w+\.py): (\w+) \|$", re.M)


def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def elsewhere() -> Iterator[tuple[int, str, str]]:
    for number, file, name in ROW.findall(__doc__ or ""):
        yield int(number), file, name


def marked() -> set[int]:
    texts = (path.read_text("utf-8") for path in TESTS.glob("faults/test_*.py"))
    return {int(number) for text in texts for number in re.findall(r"pytest\.mark\.fault\((\d+)\)", text)}


def test_each_of_the_twenty_faults_is_played() -> None:
    assert marked() | {number for number, _file, _name in elsewhere()} == set(FAULTS)


def test_what_the_table_names_is_there() -> None:
    missing = [
        f"{file}: {name}"
        for _number, file, name in elsewhere()
        if not any(name in functions(path) for path in TESTS.rglob(file))
    ]
    assert missing == []
