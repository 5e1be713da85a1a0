"""The Celery application: every setting, with its reason."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu.entity import Queue

from storage.model import Lane, WorkKind

TASK, SHARD_TASK, STEP_TASK = "marrow.work", "marrow.shard", "marrow.step"
"""The tasks do the same, each with a time limit of its own; their one argument is the id of a row
of ``work``."""
TASKS = {
    WorkKind.REPORTS: TASK,
    WorkKind.SHARD: SHARD_TASK,
    WorkKind.PLAN: STEP_TASK,
    WorkKind.SUMMARY: STEP_TASK,
}


def make_app(
    broker_url: str,
    *,
    timeout_s: float = 5,
    task_time_limit_s: float = 180,
    visibility_timeout_s: float = 600,
) -> Celery:
    """Return an application on this broker; ``timeout_s`` bounds every word with Redis."""
    app = Celery("marrow", broker=broker_url, set_as_current=False)
    app.conf.update(
        **_messages(),
        **_broker(timeout_s=timeout_s, visibility_timeout_s=visibility_timeout_s),
        **_worker(task_time_limit_s=task_time_limit_s),
    )
    return app


def _messages() -> dict[str, Any]:
    return {
        "task_serializer": "json",
        "accept_content": ["json"],
        # No results: the database has them, and Redis must not.
        "result_backend": None,
        "task_ignore_result": True,
        "task_queues": [Queue(lane.value) for lane in Lane],  # type: ignore[no-untyped-call]
        "task_default_queue": Lane.BULK.value,
        # A slip in a queue's name must fail, not make a queue that nobody hears.
        "task_create_missing_queues": False,
        # Never keep a client waiting for the bell: the dispatcher rings again.
        "task_publish_retry": False,
        "task_send_sent_event": False,
    }


def _broker(*, timeout_s: float, visibility_timeout_s: float) -> dict[str, Any]:
    return {
        "broker_connection_retry_on_startup": True,
        # A worker waits for its Redis for ever.
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # Bells that nobody acknowledged come back after it; late, and harmless.
            "visibility_timeout": visibility_timeout_s,
            # Without these a connection that is half open hangs for ever. The workers' has to be
            # longer than the second for which they wait for a message.
            "socket_timeout": timeout_s,
            "socket_connect_timeout": min(timeout_s, 2),
            "socket_keepalive": True,
            "health_check_interval": 15,
            # A write whose answer was lost must not be repeated behind our back.
            "retry_on_timeout": False,
            # kombu tries to connect for ever by default, even for a message sent without retry.
            "max_retries": 0,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
            # Interactive bells first, as long as there are any.
            "queue_order_strategy": "priority",
            "client_name": "marrow",
        },
    }


def _worker(*, task_time_limit_s: float) -> dict[str, Any]:
    return {
        # The message is a hint and may be gone before the work is: the lease brings work back.
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        # The last resort against code that no alarm interrupts. No soft limit: it raises
        # anywhere, in the middle of a commit too.
        "task_time_limit": task_time_limit_s,
        # Take a bell only when a process is free: what is prefetched waits behind a long unit.
        "worker_disable_prefetch": True,
        "worker_prefetch_multiplier": 1,
        # Vocabularies grow with every new token. Forking again costs little, as all is loaded.
        "worker_max_tasks_per_child": 2_000,
        "worker_max_memory_per_child": 400_000,  # KiB
        "worker_proc_alive_timeout": 60,
        "worker_soft_shutdown_timeout": 0,
        # The unit in hand is valid work whether or not Redis is there.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Nothing that could be reached, or grow, in Redis.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        # Logging is ours: workers.logs.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }
