"""Alembic's environment: migrates over the connection that service.database.migrate hands in."""

from alembic import context

from service import durable as _durable  # noqa: F401 (their import declares the tables)
from service.accounts import tables as _accounts  # noqa: F401
from service.corrections import tables as _corrections  # noqa: F401
from service.database import Base
from service.inbound import tables as _inbound  # noqa: F401
from service.notes import tables as _notes  # noqa: F401
from service.outbound import tables as _outbound  # noqa: F401
from service.rubrics import tables as _rubrics  # noqa: F401
from service.versions import tables as _versions  # noqa: F401

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
