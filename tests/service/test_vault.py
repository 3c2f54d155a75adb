"""A sealed secret opens with its key, for its owner, and undamaged; never otherwise."""

import pytest

from service.vault import SealBroken, new_key, open_, seal

KEY = bytes(range(32))


def test_what_was_sealed_opens_again() -> None:
    assert open_(KEY, seal(KEY, "whsec_тайна", bound_to="endpoint:7"), bound_to="endpoint:7") == "whsec_тайна"


def test_the_sealed_bytes_show_nothing_and_never_repeat() -> None:
    first, second = seal(KEY, "whsec_secret"), seal(KEY, "whsec_secret")
    assert b"secret" not in first
    assert first != second


def test_another_key_is_told_plainly() -> None:
    with pytest.raises(SealBroken, match="another key"):
        open_(new_key(), seal(KEY, "secret"))


def test_a_blob_moved_to_another_owner_does_not_open() -> None:
    with pytest.raises(SealBroken):
        open_(KEY, seal(KEY, "secret", bound_to="endpoint:7"), bound_to="endpoint:8")


def test_any_changed_byte_breaks_the_seal() -> None:
    blob = seal(KEY, "secret")
    for place in range(len(blob)):
        damaged = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises(SealBroken):
            open_(KEY, damaged)


@pytest.mark.parametrize("blob", [b"", b"v1:", b"v1:" + bytes(20), b"v2:" + bytes(60)])
def test_other_formats_are_told_plainly(blob: bytes) -> None:
    with pytest.raises(SealBroken, match="format"):
        open_(KEY, blob)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        seal(bytes(16), "secret")
