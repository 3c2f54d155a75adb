"""The signatures are those of the specification, and its own library accepts them."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.signatures import BadSecret, key_of, new_secret, sign, signed_headers

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OLD = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
ROTATED_BODY = (
    b'{"type":"ticket.state.changed","timestamp":"2026-01-01T00:00:00.000000Z",'
    b'"data":{"ticket_id":42,"seq":7,"from":"in_progress","to":"resolved"}}'
)


@pytest.mark.parametrize("secret", [SECRET, "whsec_" + SECRET])
def test_the_known_answer_of_the_specification(secret: str) -> None:
    signature = sign(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
        secrets=[secret],
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_both_keys_sign_the_new_one_first() -> None:
    signature = sign(
        message_id="evt_01J9Z3K4M5N6P7Q8R9S0T1V2W3", timestamp=1767225600, body=ROTATED_BODY, secrets=[NEW, OLD]
    )
    assert signature == (
        "v1,9yOTnYti0InFD6CMPS7eWgwVQfvFk2WEb+sVVqdX8vo= v1,K/gyqTAFdv4c2889Oi2lGwNT9D5saoIdrUfmzpWDZE0="
    )


def test_an_independent_verifier_accepts_both_keys_and_refuses_a_changed_byte() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = signed_headers(message_id="evt_1", timestamp=now, body=ROTATED_BODY, secrets=[NEW, OLD])

    for secret in (NEW, OLD):
        Webhook(secret).verify(ROTATED_BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(ROTATED_BODY.replace(b"42", b"43"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(ROTATED_BODY, headers)


def test_bytes_that_are_not_text_are_signed_as_they_are() -> None:
    assert sign(message_id="m", timestamp=1, body=b"\xff\x00", secrets=[NEW]).startswith("v1,")


def test_a_new_secret_holds_32_random_bytes() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(key_of(first)) == 32


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_не base64", "whsec_AAAA", "whsec_" + base64.b64encode(bytes(65)).decode()]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(BadSecret):
        key_of(secret)


@pytest.mark.parametrize("message_id", ["", "evt.1"])
def test_an_id_with_a_dot_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="no dot"):
        sign(message_id=message_id, timestamp=1, body=b"", secrets=[NEW])


def test_signing_with_no_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sign(message_id="evt", timestamp=1, body=b"", secrets=[])
