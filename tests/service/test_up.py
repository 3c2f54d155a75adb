"""What `reglament up` does when a server it started ends by itself."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import EmbeddedRedis
from service.up import TOO_OFTEN, GaveUp, Server


@pytest.fixture
def valkey() -> Iterator[EmbeddedRedis]:
    home = Path(tempfile.mkdtemp(prefix="rgl-up-", dir="/tmp"))
    try:
        with EmbeddedRedis(home) as running:
            yield running
    finally:
        shutil.rmtree(home)


def killed(server: EmbeddedRedis) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)


def test_a_server_that_was_killed_starts_again_at_the_same_address(valkey: EmbeddedRedis) -> None:
    watched, before, address = Server(valkey), valkey.pid, valkey.url
    watched.keep_up()
    assert valkey.pid == before
    killed(valkey)
    assert not valkey.runs
    watched.keep_up()
    assert valkey.runs
    assert valkey.pid != before
    assert valkey.url == address


def test_a_server_that_keeps_ending_is_given_up(valkey: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.up.time.sleep", lambda _seconds: None)
    watched = Server(valkey)
    for _time in range(TOO_OFTEN - 1):
        killed(valkey)
        watched.keep_up()
    killed(valkey)
    with pytest.raises(GaveUp, match="Valkey"):
        watched.keep_up()
