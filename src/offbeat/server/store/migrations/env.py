"""How Alembic runs the changes: on the connection that `Store.migrate` hands it."""

from __future__ import annotations

from alembic import context

from offbeat.server.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    version_table="offbeat_version",
)
context.run_migrations()
