"""The database: tables, migrations, the durable queue, one module for each aggregate.

SQLAlchemy Core on SQLite or PostgreSQL. Functions take a connection from
``Database.begin()`` or ``Database.read()``; nothing else commits.
"""

from __future__ import annotations
