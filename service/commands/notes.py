"""`python -m service reanalyze` and `python -m service retention run`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.progress import track
from sqlalchemy import select

from service.analyzing import AnalyzerThread
from service.bootstrap import hooks
from service.commands.accounts import TenantOption, find_tenant
from service.console import analyzer_or_exit, database_or_exit, errors, settings_or_exit, utc_now
from service.database import reading
from service.notes import store
from service.notes.deletion import run_retention
from service.notes.hooks import nothing
from service.notes.tables import StoredNote

retention = typer.Typer(no_args_is_help=True, help="Deleting what is older than a tenant keeps it.")


@retention.command("run")
def run() -> None:
    """Delete what is older than each tenant's retention period; meant for a daily timer."""
    done = run_retention(database_or_exit(settings_or_exit()), utc_now, hooks().erasers)
    for tenant_id, count in done.items():
        print(f"{tenant_id}: {count} notes deleted")


def reanalyze(
    tenant: TenantOption,
    notify: Annotated[bool, typer.Option(help="Deliver the new analyses to subscriptions, as for new notes.")] = False,
) -> None:
    """Analyze a tenant's notes by the model at hand; earlier analyses stay. May be interrupted and run again."""
    settings = settings_or_exit()
    engine = database_or_exit(settings)
    thread = AnalyzerThread(analyzer_or_exit(settings, engine), date.today)
    with reading(engine) as session:
        tenant_id = find_tenant(session, tenant).id
        ids = list(session.scalars(select(StoredNote.id).where(StoredNote.tenant_id == tenant_id).order_by(StoredNote.id)))
    new = 0
    for note_id in track(ids, "再分析", console=errors, disable=not errors.is_terminal):
        done = store.reanalyze(engine, thread, tenant_id, note_id, utc_now, hooks().on_analysis if notify else nothing)
        new += done is not None and done[1]
    thread.close()
    print(f"{len(ids)} notes, {new} analyzed again by {thread.card.version}")
