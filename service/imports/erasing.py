"""What imports hold about a person or a customer whose data is deleted: rows that wait to become notes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from service.imports.tables import ImportRow
from service.notes.hooks import Erasure


def erase(session: Session, erasure: Erasure) -> Mapping[str, int]:
    """Delete staged rows about the subject; a rep is known by the CRM id alone, since a name may be a namesake's."""
    about = [
        column == value
        for column, value in (
            (ImportRow.customer, erasure.customer),
            (ImportRow.customer_id, erasure.customer_id),
            (ImportRow.rep_id, erasure.person_external_id),
        )
        if value is not None
    ]
    if not about:
        return {}
    gone = session.execute(delete(ImportRow).where(ImportRow.tenant_id == erasure.tenant_id, or_(*about)))
    return {"import_rows": gone.rowcount}  # type: ignore[attr-defined]
