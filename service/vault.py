"""Secrets lie in the database sealed: AES-256-GCM, readable only with the key of the installation."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
VERSION = b"v1:"  # the format's name, authenticated with the text


class SealBroken(ValueError):
    """The sealed secret cannot be opened: another key, another owner, or damaged bytes."""


def new_key() -> bytes:
    """A fresh key for an installation, to be kept outside the database."""
    return AESGCM.generate_key(bit_length=KEY_BYTES * 8)


def seal(key: bytes, text: str, *, bound_to: str = "") -> bytes:
    """`text` encrypted with a nonce of its own; `bound_to` names its owner, so that blobs cannot change rows unseen."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + _cipher(key).encrypt(nonce, text.encode(), _context(bound_to))


def open_(key: bytes, blob: bytes, *, bound_to: str = "") -> str:
    """What `seal` was given; raises `SealBroken`."""
    if not blob.startswith(VERSION) or len(blob) < len(VERSION) + NONCE_BYTES + TAG_BYTES:
        raise SealBroken("The stored secret is not in a format this version can open.")
    nonce = blob[len(VERSION) : len(VERSION) + NONCE_BYTES]
    sealed = blob[len(VERSION) + NONCE_BYTES :]
    try:
        return _cipher(key).decrypt(nonce, sealed, _context(bound_to)).decode()
    except InvalidTag as error:
        raise SealBroken("The stored secret was sealed with another key, or it is damaged.") from error


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError(f"The key of the vault has {len(key)} bytes, it must have {KEY_BYTES}.")
    return AESGCM(key)


def _context(bound_to: str) -> bytes:
    return VERSION + bound_to.encode()
