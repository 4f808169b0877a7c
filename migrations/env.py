"""Alembic's entry point: runs the revisions in the transaction that `migrations.upgrade` has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
