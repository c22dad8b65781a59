"""The work of an import, a part at a time: read the file into staged rows, note the rows, let all of them be seen at once; or remove them.

Each part is one transaction that also moves `position` on from where this worker found it, so a row is taken in once, whatever is killed and
whoever else works on the same import: the second to move it finds it moved, and rolls back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from models.analysis import Analysis, Note
from service.database import reading, scrub, writing
from service.imports import store
from service.imports.analyses import Analyses
from service.imports.cells import FileError, RowFault
from service.imports.files import open_sheet
from service.imports.owners import Owners, unmake
from service.imports.rows import stage
from service.imports.tables import Import, ImportFault, ImportPart, ImportRow
from service.notes.deletion import erase_notes
from service.notes.hooks import Eraser
from service.notes.imported import Imported, add_imported, show_imported, stored_texts
from service.notes.resolve import API_SOURCE
from service.notes.tables import StoredNote
from service.rubrics.store import active

READ_AT_ONCE = 500
NOTED_AT_ONCE = 96
ERASED_AT_ONCE = 200
LEASE = timedelta(minutes=1)
"""Work that shows no progress for so long was left by a process that died."""
OTHERWISE_KNOWN = "这个编号已有一条内容不同的记录，没有改动它"


class MovedError(Exception):
    """Another worker has moved this import on, or it was cancelled."""


@dataclass(frozen=True)
class Working:
    """What works on imports; `today` is the day of rows that name none, `now` the clock, `erasers` are the rooms that hold something about notes."""

    engine: Engine
    analyses: Analyses
    today: Callable[[], date]
    now: Callable[[], datetime]
    erasers: tuple[Eraser, ...]
    note_limit: int

    def go_on(
        self, import_id: str, stop: Callable[[], bool], over: Callable[[], bool], told: Callable[[Import], None] = lambda _: None
    ) -> None:
        """Work until the import is finished, or `stop` (asked between parts) or `over` say so; `told` hears of each part.

        `over` is not asked while the file is read: whoever went on would have to begin at its first row again.
        """
        try:
            while (row := self._row(import_id)) is not None and row.state in store.AT_WORK:
                told(row)
                if stop() or over():
                    return
                if row.state == "reading":
                    self._read(row, stop, told)
                elif row.state == "noting":
                    self._note(row)
                else:
                    self._remove(row)
            if row is not None:
                told(row)
        except MovedError:
            return

    def _row(self, import_id: str) -> Import | None:
        with reading(self.engine) as session:
            row = session.get(Import, import_id)
            if row is not None:
                session.expunge(row)
            return row

    def _move(self, session: Session, row: Import, **values: Any) -> None:
        """Write an import's progress where it is still as this worker knows it. Raises MovedError."""
        same = (Import.id == row.id, Import.state == row.state, Import.position == row.position)
        changed = session.execute(update(Import).where(*same).values(**{"next_at": self.now() + LEASE, **values}))
        if not changed.rowcount:  # type: ignore[attr-defined]
            raise MovedError
        for name, value in values.items():
            setattr(row, name, value)

    def _read(self, row: Import, stop: Callable[[], bool], told: Callable[[Import], None]) -> None:
        """Stage the rows behind `position`; the file goes when all are staged."""
        matching, today = store.matching_of(row), self.today()
        try:
            with store.kept_file(self.engine, row.id) as file:
                rows = (r for r in open_sheet(file, row.kind).rows if r[0] > row.position)
                while part := list(islice(rows, READ_AT_ONCE)):
                    staged, faults = [], []
                    for number, cells in part:
                        found = cells if isinstance(cells, RowFault) else stage(cells, matching, self.note_limit, today)
                        if isinstance(found, RowFault):
                            faults.append(self._fault(row, number, found))
                        else:
                            staged.append({"import_id": row.id, "row": number, "tenant_id": row.tenant_id, **found})
                    with writing(self.engine) as session:
                        self._move(session, row, position=part[-1][0], total=row.total + len(part), faults=row.faults + len(faults))
                        _insert(session, ImportRow, staged)
                        _insert(session, ImportFault, faults)
                    told(row)
                    if stop():
                        return
        except FileError as error:
            with writing(self.engine) as session:
                self._move(session, row, state="failed", reason=str(error), next_at=None, finished=self.now())
                store.forget_content(session, row.id)
            return
        with writing(self.engine) as session:
            self._move(session, row, state="noting", position=0, handled=row.faults)
            session.execute(delete(ImportPart).where(ImportPart.import_id == row.id))
        scrub(self.engine)

    def _note(self, row: Import) -> None:
        """Analyze the next staged rows and store their notes, hidden; after the last let all be seen, in one transaction."""
        with reading(self.engine) as session:
            chosen = select(ImportRow).where(ImportRow.import_id == row.id, ImportRow.row > row.position).order_by(ImportRow.row)
            part = list(session.scalars(chosen.limit(NOTED_AT_ONCE)))
            session.expunge_all()
            known = stored_texts(session, row.tenant_id, API_SOURCE, [r.crm_id for r in part if r.crm_id])
            rubric = active(session, row.tenant_id)
        if not part:
            with writing(self.engine) as session:
                self._move(session, row, state="done", next_at=None, finished=self.now())
                show_imported(session, row.tenant_id, row.id)
            return
        new = [r for r in part if not r.crm_id or r.crm_id not in known]
        results = dict(zip((r.row for r in new), self.analyses.of([Note(r.text, None, r.visited_at) for r in new], rubric), strict=True))
        analyzed: list[tuple[ImportRow, Analysis]] = []
        faults: list[dict[str, Any]] = []
        same = 0
        for staged in part:
            text = known.get(staged.crm_id) if staged.crm_id else None
            if text is None:
                result = results[staged.row]
                if isinstance(result, Exception):
                    structlog.get_logger().error("analysis failed", import_id=row.id, row=staged.row, error=type(result).__name__)
                    faults.append(self._fault(row, staged.row, RowFault("text", "这条记录没能分析出来")))
                    continue
                analyzed.append((staged, result))
                if staged.crm_id:
                    known[staged.crm_id] = staged.text
            elif text == staged.text:
                same += 1
            else:
                faults.append(self._fault(row, staged.row, RowFault("crm_id", OTHERWISE_KNOWN)))
        self._keep(row, part, analyzed, faults, same)

    def _keep(
        self, row: Import, part: list[ImportRow], analyzed: list[tuple[ImportRow, Analysis]], faults: list[dict[str, Any]], same: int
    ) -> None:
        with writing(self.engine) as session:
            now = self.now()
            owners = Owners(session, row, store.matching_of(row).unknown, now, [staged for staged, _ in analyzed])
            notes = []
            for staged, analysis in analyzed:
                owner = owners.of(staged)
                if isinstance(owner, RowFault):
                    faults.append(self._fault(row, staged.row, owner))
                    continue
                notes.append(
                    (
                        Imported(staged.text, staged.visited_at or now.date(), staged.crm_id, *owner, staged.customer, staged.customer_id),
                        analysis,
                    )
                )
            self._move(
                session, row, position=part[-1].row, handled=row.handled + len(part), stored=row.stored + len(notes), known=row.known + same,
                faults=row.faults + len(faults), made=[*row.made, *owners.made],
            )  # fmt: skip
            add_imported(session, row.tenant_id, API_SOURCE, row.id, notes, now)
            _insert(session, ImportFault, faults)
            session.execute(delete(ImportRow).where(ImportRow.import_id == row.id, ImportRow.row <= part[-1].row))

    def _remove(self, row: Import) -> None:
        """Remove some of what came in; after the last the import is cancelled."""
        with writing(self.engine) as session:
            mine = (StoredNote.tenant_id == row.tenant_id, StoredNote.import_id == row.id)
            ids = list(session.scalars(select(StoredNote.id).where(*mine).order_by(StoredNote.id).limit(ERASED_AT_ONCE)))
            if ids:
                self._move(session, row)
                erase_notes(session, row.tenant_id, ids, self.now(), self.erasers)
                return
            made = row.made
            self._move(session, row, state="cancelled", next_at=None, finished=self.now(), made=[], stored=0)
            store.forget_content(session, row.id)
            unmake(session, row.tenant_id, made)
        scrub(self.engine)

    @staticmethod
    def _fault(row: Import, number: int, fault: RowFault) -> dict[str, Any]:
        return {"import_id": row.id, "row": number, "tenant_id": row.tenant_id, "field": fault.field, "message": fault.message}


def _insert(session: Session, table: Any, values: list[dict[str, Any]]) -> None:
    if values:
        session.execute(insert(table), values)
