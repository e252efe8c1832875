"""Run by alembic: applies the scripts on the connection that `ocs.store.versions` hands over."""
from alembic import context

from ocs.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
