"""/import: upload a file, match its columns, watch it come in, download what is wrong with which row, take it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from service.accounts.access import Principal, not_found
from service.accounts.tables import Team
from service.database import reading, writing
from service.ids import pattern
from service.imports import store
from service.imports.cells import FileError, shown
from service.imports.days import Order
from service.imports.files import Sample, sample
from service.imports.guessing import FIELD_WORDS, FIELDS, Field
from service.imports.imports import Imports
from service.imports.rows import Matching, Unknown
from service.imports.tables import Import
from service.notes.exporting import cell
from service.problems import Problem, ProblemError
from service.rendering import SECURITY_HEADERS, Pages
from service.sessions.access import page_principal, read_form

ImportId = Annotated[str, Path(pattern=pattern("im"))]
Importer = Annotated[Principal, Depends(page_principal("admin", "trainer"))]
STATES = {
    "uploaded": "等你核对列",
    "reading": "正在读文件",
    "noting": "正在分析",
    "done": "已完成",
    "failed": "没有导入",
    "cancelling": "正在撤销",
    "cancelled": "已撤销",
}
SHOWN_FAULTS = 50
SHOWN_VALUES = 3


@dataclass(frozen=True, slots=True)
class MatchingError(Exception):
    """A matching that cannot be; the message is for the person who made it."""

    message: str


def teams_of(session: Session, principal: Principal) -> list[Team]:
    """The teams a principal may import into."""
    own = [] if principal.role == "admin" else [Team.id.in_(principal.team_ids)]
    return list(session.scalars(select(Team).where(Team.tenant_id == principal.tenant_id, *own).order_by(Team.name)))


def matching_from(fields: dict[int, str], order: str, unknown: str) -> Matching:
    """The matching of a form: column → field or "". Raises MatchingError."""
    chosen: dict[Field, int] = {}
    for column, name in fields.items():
        field = next((f for f in FIELDS if f == name), None)
        if field is None:
            continue
        if field in chosen:
            raise MatchingError(f"有两列都选了“{FIELD_WORDS[field]}”，只能选一列。")
        chosen[field] = column
    if "text" not in chosen:
        raise MatchingError("请指出哪一列是拜访记录的正文。")
    if order not in get_args(Order) or unknown not in get_args(Unknown):
        raise MatchingError("请重新选择日期写法和没有的人怎么办。")
    return Matching(chosen, order, unknown)  # type: ignore[arg-type]


def progress_of(row: Import) -> dict[str, Any]:
    """What the page shows while an import runs."""
    done = row.handled if row.state != "reading" else 0
    names = ("state", "total", "stored", "known", "faults", "reason")
    return {**{n: getattr(row, n) for n in names}, "handled": done, "words": STATES[row.state], "working": row.state in store.AT_WORK}


def routes(engine: Engine, imports: Imports, pages: Pages) -> APIRouter:
    """The import pages for admins and trainers."""
    router = APIRouter(include_in_schema=False)

    def found(session: Session, principal: Principal, import_id: str) -> Import:
        row = store.find(session, principal, import_id)
        if row is None:
            raise ProblemError(not_found())
        return row

    def overview(request: Request, principal: Principal, status: int = 200, message: str = "") -> Response:
        with reading(engine) as session:
            rows, teams = store.latest(session, principal), teams_of(session, principal)
            return pages.render(
                request, "imports.html", status, imports=rows, teams=teams, states=STATES, message=message, whole=principal.role == "admin"
            )

    @router.get("/import")
    def show(request: Request, principal: Importer) -> Response:
        return overview(request, principal)

    @router.post("/import")
    async def upload(request: Request, principal: Importer) -> Response:
        form = await read_form(request)
        try:
            return await run_in_threadpool(keep, request, principal, form)
        finally:
            await form.close()

    def keep(request: Request, principal: Principal, form: FormData) -> Response:
        given, team_id = form.get("file"), str(form.get("team", "")) or None
        if not isinstance(given, UploadFile) or not given.filename:
            return overview(request, principal, 422, "请先选择一个文件。")
        with reading(engine) as session:
            allowed = {t.id for t in teams_of(session, principal)}
        if (team_id is None and principal.role != "admin") or (team_id is not None and team_id not in allowed):
            return overview(request, principal, 422, "请选择导入到哪个团队。")
        try:
            with writing(engine) as session:
                import_id = store.create(session, principal.tenant_id, team_id, given.filename, given.file, imports.working.now())[0].id
        except FileError as error:
            return overview(request, principal, 422, str(error))
        return RedirectResponse(f"/import/{import_id}", 303)

    def matching_page(request: Request, row: Import, matching: Matching, status: int = 200, message: str = "") -> Response:
        with store.kept_file(engine, row.id) as file:
            seen: Sample = sample(file, row.kind)
        by_column = {column: field for field, column in matching.fields.items()}
        columns = [
            (i, name, [shown(v)[:120] for v in values[:SHOWN_VALUES]], by_column.get(i, ""))
            for i, (name, values) in enumerate(zip(seen.columns, seen.values, strict=True))
        ]
        with reading(engine) as session:
            before = store.same_before(session, row)
        return pages.render(
            request, "import_matching.html", status, row=row, columns=columns, fields=FIELD_WORDS, matching=matching, message=message,
            before=before,
        )  # fmt: skip

    @router.get("/import/{import_id}")
    def one(request: Request, principal: Importer, import_id: ImportId) -> Response:
        with reading(engine) as session:
            row = found(session, principal, import_id)
            faults = store.faults(session, row.id, limit=SHOWN_FAULTS)
            session.expunge_all()
        if row.state == "uploaded":
            return matching_page(request, row, store.matching_of(row))
        return pages.render(request, "import_progress.html", row=row, faults=faults, fields=FIELD_WORDS, told=progress_of(row))

    @router.post("/import/{import_id}")
    async def start(request: Request, principal: Importer, import_id: ImportId) -> Response:
        form = await read_form(request)
        return await run_in_threadpool(begin, request, principal, import_id, form)

    def begin(request: Request, principal: Principal, import_id: str, form: FormData) -> Response:
        with reading(engine) as session:
            row = found(session, principal, import_id)
            session.expunge_all()
        if row.state != "uploaded":
            return RedirectResponse(f"/import/{import_id}", 303)
        given = {i: str(form.get(f"column-{i}", "")) for i in range(len(row.columns))}
        order, unknown = str(form.get("order", "")), str(form.get("unknown", ""))
        try:
            matching = matching_from(given, order, unknown)
        except MatchingError as error:
            chosen = {f: i for i, name in given.items() for f in FIELDS if f == name}
            return matching_page(request, row, Matching(chosen, store.matching_of(row).order, "create"), 422, error.message)
        with writing(engine) as session:
            row = found(session, principal, import_id)
            if row.state == "uploaded":
                store.start(row, matching, imports.working.now())
        imports.sweep.wake()
        return RedirectResponse(f"/import/{import_id}", 303)

    @router.get("/import/{import_id}/progress")
    def progress(principal: Importer, import_id: ImportId) -> Response:
        with reading(engine) as session:
            return JSONResponse(progress_of(found(session, principal, import_id)), headers=SECURITY_HEADERS)

    @router.post("/import/{import_id}/cancel")
    async def cancel(request: Request, principal: Importer, import_id: ImportId) -> Response:
        await read_form(request)
        return await run_in_threadpool(take_back, principal, import_id)

    def take_back(principal: Principal, import_id: str) -> Response:
        with writing(engine) as session:
            if not store.cancel(session, found(session, principal, import_id), imports.working.now()):
                raise ProblemError(Problem(title="It is cancelled already", status=409))
        imports.sweep.wake()
        return RedirectResponse(f"/import/{import_id}", 303)

    @router.get("/import/{import_id}/errors.csv")
    def errors(principal: Importer, import_id: ImportId) -> Response:
        with reading(engine) as session:
            row = found(session, principal, import_id)
            session.expunge_all()
        headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{import_id}-errors.csv"'}
        return StreamingResponse(fault_lines(engine, row), media_type="text/csv; charset=utf-8", headers=headers)

    return router


def fault_lines(engine: Engine, row: Import) -> Iterator[bytes]:
    """The rows at fault as CSV: row, column's name in the file, field, what is wrong. UTF-8 with its mark, for Excel."""
    columns = {field: row.columns[i] for field, i in store.matching_of(row).fields.items()}
    after = 0
    values: list[list[object]] = [["行", "列", "内容", "问题"]]
    yield b"\xef\xbb\xbf"
    while values:
        out = io.StringIO()
        csv.writer(out).writerows([cell(v) for v in line] for line in values)
        yield out.getvalue().encode()
        with reading(engine) as session:
            part = store.faults(session, row.id, after, 1000)
            values = [[f.row, columns.get(f.field, ""), FIELD_WORDS.get(f.field, "整行"), f.message] for f in part]  # type: ignore[call-overload]
            after = part[-1].row if part else after
