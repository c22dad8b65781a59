"""`python -m service models`: which model versions there are, what another would change, which one is active."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table
from sqlalchemy import Engine, select

from models.artefacts import ArtefactError
from models.pipeline import Analyzer
from service.accounts.tables import Tenant
from service.commands.accounts import find_tenant
from service.commands.notes import reanalyze_all
from service.console import database_or_exit, errors, fail, settings_or_exit, show, utc_now
from service.database import reading, writing
from service.rendering import Pages
from service.rubrics.store import active as active_rubric
from service.versions import figures, report, switches
from service.versions.changes import Sampled, changes, sample
from service.versions.shelf import Shelf
from service.versions.switches import SwitchError, Version
from service.wiring import shelf as shelf_of

models = typer.Typer(no_args_is_help=True, help="Model versions: compare, promote, roll back.")

ByOption = Annotated[str | None, typer.Option("--by", help="Who does it. Default: this system's user.")]
ReanalyzeOption = Annotated[
    bool, typer.Option("--reanalyze", help="Then analyze all stored notes by it, of all tenants or of --tenant; earlier analyses stay.")
]
TenantsOption = Annotated[list[str] | None, typer.Option("--tenant", help="With --reanalyze: only this tenant's notes; may be repeated.")]


def _opened() -> tuple[Engine, Shelf]:
    settings = settings_or_exit()
    return database_or_exit(settings), shelf_of(settings)


@models.command("list")
def list_models() -> None:
    """The models of this machine, and who switched to which when."""
    engine, shelf = _opened()
    with reading(engine) as session:
        active, past = switches.active(session), switches.history(session)
    found = shelf.models()
    rows = []
    for one in found:
        card, is_active = one.card, active is None if one.shipped else active == one.version
        test = card.metrics.get("test", {}) if card else {}
        taken = card.corrections if card else None
        rows.append(
            ("*" if is_active else "", one.version, "shipped" if one.shipped else "", card.trained_at[:16].replace("T", " ") if card else "",
             f"{taken.trained}+{taken.held_out} {taken.sha256[:8]}" if taken else "",
             *(f"{100 * test[name]:.1f}" if test.get(name) is not None else "" for name in ("kind macro-F1", "people F1", "objection type F1", "score MAE")),
             one.fault or "ok")
        )  # fmt: skip
    if active is not None and active not in {one.version for one in found if not one.shipped}:
        rows.append(("*", active, "", "", "", "", "", "", "", f"not on this machine: there is no folder {shelf.folder / active}"))
    show(("", "version", "", "trained", "corrections", "kind F1", "people F1", "objection F1", "score MAE", "files"), rows)
    if past:
        show(("switched", "", "to", "by"), [(s.switched, s.kind, s.version or "shipped", s.switched_by) for s in past])


@models.command("add")
def add(folder: Annotated[Path, typer.Argument(help="A folder that training wrote (--out).")]) -> None:
    """Copy a trained model to this machine's versions. Loading a model runs what is in its files: add only what you trained."""
    _, shelf = _opened()
    try:
        found, new = shelf.add(folder)
    except ArtefactError as error:
        raise fail(str(error), 1) from None
    except OSError as error:
        raise fail(f"{error.filename or folder}: {error.strerror}", 1) from None
    print(f"{found.version} {'added to' if new else 'is already in'} {shelf.folder}")


def _loaded(shelf: Shelf, version: Version) -> Analyzer:
    try:
        return shelf.load(version)
    except ArtefactError as error:
        raise fail(f"{error}. Nothing was changed.", 1) from None


def _named(shelf: Shelf, name: str) -> Version:
    try:
        return shelf.named(name)
    except ArtefactError as error:
        raise fail(str(error), 1) from None


def _tenant_ids(engine: Engine, names: list[str] | None) -> list[str]:
    with reading(engine) as session:
        if names:
            return [find_tenant(session, name).id for name in names]
        return list(session.scalars(select(Tenant.id).order_by(Tenant.id)))


def _told(shelf: Shelf, version: Version, analyzer: Analyzer, before: str) -> None:
    shown = f"{analyzer.card.version} (shipped)" if version is None else version
    print(
        f"Active: {shown}, before it {before}. Running servers take it within seconds, where its files are in {shelf.folder_of(version)}."
    )


def _name(version: Version) -> str:
    return version or "the shipped model"


@models.command("promote")
def promote(
    version: Annotated[str, typer.Argument(help="A version of `models list`, or `shipped`.")],
    by: ByOption = None,
    reanalyze: ReanalyzeOption = False,
    tenant: TenantsOption = None,
) -> None:
    """Make a version the active one, for every process on this database."""
    engine, shelf = _opened()
    tenants = _tenant_ids(engine, tenant) if reanalyze else []
    chosen = _named(shelf, version)
    analyzer = _loaded(shelf, chosen)
    try:
        with writing(engine) as session:
            before = switches.active(session)
            switches.promote(session, chosen, (by or getpass.getuser())[:200], utc_now())
    except SwitchError as error:
        raise fail(str(error), 1) from None
    _told(shelf, chosen, analyzer, _name(before))
    if reanalyze:
        reanalyze_all(engine, analyzer, tenants, notify=False)


@models.command("rollback")
def rollback(by: ByOption = None, reanalyze: ReanalyzeOption = False, tenant: TenantsOption = None) -> None:
    """Go back to the version that was active before; again, to the one before that."""
    engine, shelf = _opened()
    tenants = _tenant_ids(engine, tenant) if reanalyze else []
    try:
        with reading(engine) as session:
            target, before = switches.version_before(session), switches.active(session)
        analyzer = _loaded(shelf, target)
        with writing(engine) as session:
            if switches.active(session) != before:
                raise SwitchError("Somebody else has switched meanwhile: look at `models list`")
            switches.roll_back(session, (by or getpass.getuser())[:200], utc_now())
    except SwitchError as error:
        raise fail(str(error), 1) from None
    _told(shelf, target, analyzer, _name(before))
    if reanalyze:
        reanalyze_all(engine, analyzer, tenants, notify=False)


@models.command("compare")
def compare(
    candidate: Annotated[str, typer.Argument(help="A version of `models list`, or `shipped`.")],
    base: Annotated[str | None, typer.Option(help="The version to compare it with. Default: the active one.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Id or name of a tenant: what would change on its stored notes.")] = None,
    notes: Annotated[int, typer.Option(min=1, max=100_000, help="So many of the notes stored last.")] = 500,
    corrections: Annotated[
        list[Path] | None, typer.Option(help="A file of `corrections export`; its held-out share is compared on.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write all of it to a file: .xlsx or .html.")] = None,
    top: Annotated[int, typer.Option(min=0, help="Rows of a table shown here; the file has all.")] = 20,
    labelled: Annotated[bool, typer.Option(help="Compare on labelled notes too (takes a minute).")] = True,
    resamples: Annotated[int, typer.Option(min=20, max=10_000, help="Bootstrap samples of the intervals.")] = 200,
) -> None:
    """Both models on the same labelled notes, and on a tenant's notes: who would be judged otherwise. Nothing is changed."""
    forms: dict[str, Callable[[report.Report], bytes]] = {
        ".xlsx": report.xlsx,
        ".html": lambda found: report.html(found, Pages().environment),
    }
    form = forms.get(out.suffix.lower()) if out else None
    if out and form is None:
        raise fail(f"--out: the file's name must end in one of {', '.join(forms)}")
    engine, shelf = _opened()
    with reading(engine) as session:
        active = switches.active(session)
        found_tenant = find_tenant(session, tenant) if tenant else None
        taken = sample(session, found_tenant.id, notes) if found_tenant else []
        tenant_name = found_tenant.name if found_tenant else None
        rubric = active_rubric(session, found_tenant.id if found_tenant else None)
    sides = [_named(shelf, base) if base else active, _named(shelf, candidate)]
    try:
        cards = [shelf.card(version) for version in sides]
    except ArtefactError as error:
        raise fail(str(error), 1) from None
    folders = [shelf.folder_of(version) for version in sides]

    def shown(of: Sequence[Sampled]) -> Iterable[Sampled]:
        return track(of, "比较", console=errors, disable=not errors.is_terminal)

    on_labels = None
    if labelled and not figures.installed():
        errors.print("Corpus and training are not on this machine: without the figures on labelled notes", style="yellow")
    elif labelled:
        try:
            with errors.status("语料"):
                on_labels = figures.figures(folders[0], folders[1], corrections or [], resamples)
        except figures.FiguresError as error:
            raise fail(str(error), 1) from None
    changed = changes(taken, [lambda: _loaded(shelf, sides[0]), lambda: _loaded(shelf, sides[1])], shown, rubric) if found_tenant else None
    made = report.Report(cards[0].version, cards[1].version, date.today(), on_labels, changed, tenant_name)
    for sheet in made.sheets():
        _show(sheet, top)
    if out and form:
        try:
            out.write_bytes(form(made))
        except OSError as error:
            raise fail(f"--out: {error.strerror}", 1) from None
        print(f"{out}: {made.candidate} beside {made.base}")


def _show(sheet: report.Sheet, top: int) -> None:
    whole = sheet.header[0] == "指标"  # figures are few and all of them count
    rows = sheet.rows if whole else sheet.rows[:top]
    table = Table(*sheet.header, title=sheet.title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*("" if v is None else escape(str(v)) for v in row))
    console = Console(width=None if Console().is_terminal else 1000)
    console.print(table)
    hidden = len(sheet.rows) - len(rows)
    console.print(sheet.remark + (f"另有 {hidden} 行，--top 或 --out 看全部。" if hidden else ""), markup=False, highlight=False)
