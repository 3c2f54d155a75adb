"""Hears the bell: arq's worker on Redis, made anew whenever Redis went away. It carries no information.

arq 0.28 ends when Redis drops, trusts pickle unless told otherwise, and keeps results that block later rings; hence a
supervisor, JSON, and `keep_result=0`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from arq.worker import Worker, func
from redis.exceptions import RedisError

from service.bell import from_json, redis_client, to_json

log = structlog.get_logger(__name__)

TASKS = ("fire_timers", "escalate", "send_letters", "send_webhooks", "ingest_mail")
POLL = 0.05  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between attempts to reach Redis
LONGEST_JOB = 5  # seconds; a ring only sets an event


async def hear_the_bell(redis_url: str, ring: Callable[[str], None]) -> None:
    """Call `ring` with the task of each ring, until cancelled; Redis may come and go."""
    pause = FIRST_PAUSE
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await _listen(redis_url, ring)
        except (TimeoutError, RedisError, OSError) as error:  # redis.ConnectionError is no OSError
            log.warning("the bell cannot be heard", error=repr(error))
        except Exception:
            log.exception("the bell cannot be heard")
        if asyncio.get_running_loop().time() - began > LONGEST_PAUSE:
            pause = FIRST_PAUSE  # it was there for a while
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _listen(redis_url: str, ring: Callable[[str], None]) -> None:
    """One arq worker until Redis drops or we are cancelled; whatever happens nothing of it is left behind."""
    client = redis_client(redis_url)
    worker = Worker(
        functions=[func(_ringing(task, ring), name=task) for task in TASKS],
        redis_pool=client,
        handle_signals=False,
        max_jobs=100,
        poll_delay=POLL,
        job_timeout=LONGEST_JOB,
        keep_result=0,
        max_tries=1,
        retry_jobs=False,
        log_results=False,
        job_serializer=to_json,
        job_deserializer=from_json,
    )
    try:
        await worker.main()
    finally:
        for job in worker.tasks.values():
            job.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
        with suppress(RedisError, OSError):
            await client.aclose(close_connection_pool=True)


def _ringing(task: str, ring: Callable[[str], None]) -> Any:
    async def rung(_context: dict[Any, Any]) -> None:
        ring(task)

    return rung
