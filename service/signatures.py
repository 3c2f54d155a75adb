"""Webhooks are signed as Standard Webhooks 1.0.0 says, over the exact bytes that travel."""

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32
SHORTEST, LONGEST = 24, 64  # bytes of a key, as the specification allows


class BadSecret(ValueError):
    """The text is no signing secret: base64 of 24 to 64 bytes, with or without `whsec_`."""


def new_secret() -> str:
    """A fresh signing secret, to be shown once: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(randomness.token_bytes(SECRET_BYTES)).decode("ascii")


def key_of(secret: str) -> bytes:
    """The key inside a secret; raises `BadSecret`."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSecret("The signing secret is not valid base64.") from error
    if not SHORTEST <= len(key) <= LONGEST:
        raise BadSecret(f"The signing secret holds {len(key)} bytes, it must hold {SHORTEST} to {LONGEST}.")
    return key


def sign(*, message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> str:
    """The value of `webhook-signature`: one `v1,…` for each secret, in their order, separated by spaces.

    `timestamp` is this attempt's time in whole seconds since 1970. Raises `BadSecret`, and `ValueError` for an id with
    a dot, which would make the signed bytes ambiguous.
    """
    if not message_id or "." in message_id:
        raise ValueError("A webhook id is not empty and has no dot.")
    if not secrets:
        raise ValueError("A webhook is signed with at least one secret.")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(_entry(key_of(secret), signed) for secret in secrets)


def signed_headers(*, message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of the specification; same inputs and errors as `sign`."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(message_id=message_id, timestamp=timestamp, body=body, secrets=secrets),
    }


def _entry(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
