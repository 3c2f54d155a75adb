"""A published regulation and a few people, for tests of the verbs."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.regulations import RULEBOOKS, publish_default

START = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # Monday, 10:00 in Moscow


@pytest.fixture
async def regulation(database: None) -> Iterator[None]:
    """The default regulation, published."""
    RULEBOOKS.forget()
    await publish_default(at=START)
    yield
    RULEBOOKS.forget()
