"""Who does the work: the bell, the Celery application, its task, and the dispatcher.

The database is the queue (:mod:`storage.work`); Redis only tells that there is something in it.
"""

from __future__ import annotations
