"""Run by alembic: applies the scripts on the connection that `ocs.database.versions` hands over."""
from alembic import context

from ocs.configuration.schema import metadata

attributes = context.config.attributes
context.configure(connection=attributes["connection"], target_metadata=metadata, transactional_ddl=True,
                  version_table=attributes["version_table"])
with context.begin_transaction():
    context.run_migrations()
