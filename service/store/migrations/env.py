"""What Alembic runs. The connection, its transaction and its lock are the caller's (`Database.upgrade`)."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
