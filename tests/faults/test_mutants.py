"""The mutants: one is run with every `make test`, all of them by `make faults`; each must still fit the code."""

import pytest

from tests.faults.mutants import MUTANTS, ROOT, Mutant, noticed, slug


@pytest.mark.parametrize("mutant", MUTANTS, ids=slug)
def test_a_mutant_changes_code_that_is_there_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.old) == 1


def test_without_the_fence_the_tests_fail() -> None:
    [mutant] = [one for one in MUTANTS if one.name == "no fence"]
    assert noticed(mutant) == (True, "test_a_late_answer_changes_nothing_once_the_lease_went_to_another")
