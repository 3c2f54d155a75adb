"""Seals: what leaves the house is signed with a key of its own, and whoever has the public half can check it alone."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.house import HOUSE

ALGORITHM = "Ed25519"


def public_key() -> str:
    """The public half of this installation's key, in base64: 44 characters, fit to be printed and compared."""
    return base64.b64encode(_private().public_key().public_bytes_raw()).decode()


def sealed(purpose: str, data: bytes) -> str:
    """The signature over `data` for one purpose, in base64; for another purpose it is worth nothing."""
    return base64.b64encode(_private().sign(_bound(purpose, data))).decode()


def holds(purpose: str, data: bytes, *, signature: str, key: str) -> bool:
    """Whether the owner of this public key sealed exactly these bytes for this purpose. Never raises."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), _bound(purpose, data))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _bound(purpose: str, data: bytes) -> bytes:
    return purpose.encode() + b"\n" + data


def _private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(HOUSE.seal_key)
