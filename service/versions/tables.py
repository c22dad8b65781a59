"""Rows of model versions. They are the installation's, not a tenant's: one model reads everybody's notes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base, UtcTime


class ModelSwitch(Base):
    """A promotion or a rollback; the newest one says which version is active. `version` is None for the model that came with the program.
    `before` is the switch that a rollback from here goes back to, None for the shipped model as it was at first."""

    __tablename__ = "model_switches"
    __table_args__ = (CheckConstraint("kind IN ('promote', 'rollback')"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    version: Mapped[str | None] = mapped_column(String(64))
    before: Mapped[int | None] = mapped_column(ForeignKey("model_switches.id"))
    switched: Mapped[datetime] = mapped_column(UtcTime)
    switched_by: Mapped[str] = mapped_column(String(200))
