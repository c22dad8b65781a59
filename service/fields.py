"""Forms of fields that several requests share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field, StringConstraints

from service.ids import pattern

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL cannot store the character NUL in a text, so no stored or searched text may hold it."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_NUL)]
"""A name, a label or a foreign id: 1 to 200 characters."""
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
"""A text to search for."""
TeamId = Annotated[str, StringConstraints(pattern=pattern("tm")), Field(examples=["tm_" + "0" * 32])]
PersonId = Annotated[str, StringConstraints(pattern=pattern("pe")), Field(examples=["pe_" + "0" * 32])]
KeyId = Annotated[str, StringConstraints(pattern=pattern("ky")), Field(examples=["ky_" + "0" * 32])]
NoteId = Annotated[str, StringConstraints(pattern=pattern("nt")), Field(examples=["nt_" + "0" * 32])]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries a page.")]
CURSOR = "The `next` of the page before; none for the first page."
