"""Deletion, receipts and retention: what is deleted is gone everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import MetaData, func, select
from sqlalchemy.orm import Session

from service.database import migrate, open_engine, reading
from service.notes.deletion import run_retention
from service.notes.hooks import Erasure, Hooks
from service.notes.store import NewNote, keep
from tests.service.conftest import Tenancy, make_world

MARK = "绝密客户钱百万嫌贵三万八"
ROOMS = {"deliveries": 0, "events": 0, "reviews": 0, "corrections": 0, "appeals": 0}
ALL_ROOMS = {**ROOMS, "import_rows": 0}
"""What the other rooms deleted of it."""


def rows(tenancy: Tenancy) -> dict[str, int]:
    """How many rows of each table are the tenant's."""
    metadata, engine = MetaData(), tenancy.world.engine
    metadata.reflect(engine)
    with reading(engine) as session:
        return {
            t.name: session.scalar(select(func.count()).select_from(t).where(t.c.tenant_id == tenancy.id)) or 0
            for t in metadata.sorted_tables
            if "tenant_id" in t.c
        }


NOTES = ("notes", "analyses", "analysis_objections", "note_revisions", "note_events", "note_facts")


def test_a_deleted_note_is_gone_with_all_that_hung_on_it(tenancy: Tenancy, thread) -> None:
    stay = tenancy.store("王总嫌贵")
    before = rows(tenancy)
    new = NewNote("李经理嫌贵", "in_1", crm_id="v", event_id="e")
    note = keep(tenancy.world.engine, thread, tenancy.id, new, tenancy.world.clock).note
    keep(tenancy.world.engine, thread, tenancy.id, NewNote("李经理签了", "in_1", crm_id="v", event_id="e2"), tenancy.world.clock)
    receipt = tenancy.call("DELETE", f"/v1/notes/{note.id}").json()
    assert (receipt["kind"], receipt["counts"]) == ("note", {"notes": 1, "analyses": 2, **ROOMS})
    assert {k: v for k, v in rows(tenancy).items() if k in NOTES} == {k: v for k, v in before.items() if k in NOTES}
    assert tenancy.call("GET", f"/v1/notes/{note.id}").status_code == 404
    assert tenancy.call("DELETE", f"/v1/notes/{note.id}").status_code == 404
    assert tenancy.call("GET", f"/v1/notes/{stay['id']}").status_code == 200


def test_a_receipt_proves_and_tells_nothing(tenancy: Tenancy) -> None:
    ids = sorted(tenancy.store(MARK, customer=MARK)["id"] for _ in range(2))
    receipt = tenancy.call("POST", "/v1/deletions", json={"customer": MARK})
    assert receipt.status_code == 201
    listed = tenancy.call("GET", "/v1/deletions")
    assert listed.json()["receipts"] == [receipt.json()]
    salt = listed.json()["salt"]
    assert receipt.json()["note_hashes"] == [hashlib.sha256(f"{salt}:{i}".encode()).hexdigest() for i in ids]
    assert receipt.json()["subject_hash"] == hashlib.sha256(f"{salt}:{MARK}".encode()).hexdigest()
    assert not any(i in listed.text for i in (MARK, *ids))
    assert tenancy.call("POST", "/v1/deletions", json={"customer": MARK}).json()["counts"] == {"notes": 0, "analyses": 0, **ALL_ROOMS}


def test_a_person_is_deleted_entirely(tenancy: Tenancy) -> None:
    for text in ("王总嫌贵", "李姐签了"):
        tenancy.store(text, "rep")
    other = tenancy.store("王总嫌贵", rep_id=tenancy.reps[1])
    receipt = tenancy.call("POST", "/v1/deletions", json={"person_id": tenancy.reps[0]}).json()
    assert receipt["counts"] == {"notes": 2, "analyses": 2, "keys": 1, **ALL_ROOMS}
    assert tenancy.call("GET", "/v1/notes", "rep").status_code == 401
    assert [n["id"] for n in tenancy.call("GET", "/v1/notes").json()["notes"]] == [other["id"]]
    assert tenancy.reps[0] not in tenancy.call("GET", "/v1/people").text
    assert tenancy.call("POST", "/v1/deletions", json={"person_id": tenancy.reps[0]}).status_code == 404


def test_a_customer_is_told_by_name_or_id(tenancy: Tenancy) -> None:
    kept = tenancy.store("王总嫌贵", customer="恒达", customer_id="acc-2")
    for fields in ({"customer": "恒达五金"}, {"customer_id": "acc-1"}, {"customer": "恒达五金", "customer_id": "acc-1"}):
        tenancy.store("李姐签了", **fields)
    counts = tenancy.call("POST", "/v1/deletions", json={"customer": "恒达五金", "customer_id": "acc-1"}).json()["counts"]
    assert counts == {"notes": 3, "analyses": 3, **ALL_ROOMS}
    assert [n["id"] for n in tenancy.call("GET", "/v1/notes").json()["notes"]] == [kept["id"]]


@pytest.mark.parametrize(
    "body", [{}, {"person_id": "pe_" + "0" * 32, "customer": "x"}, {"customer": ""}, {"person_id": "%"}, {"all": True}]
)
def test_a_deletion_names_one_subject(tenancy: Tenancy, body: dict) -> None:
    assert tenancy.call("POST", "/v1/deletions", json=body).status_code == 422


def test_other_rooms_delete_in_the_same_transaction(engine, thread) -> None:
    told: list[Erasure] = []

    def events(session: Session, erasure: Erasure) -> Mapping[str, int]:
        told.append(erasure)
        return {"events": 5}

    tenancy = make_world(engine, thread, Hooks(erasers=(events,))).tenant()
    new = NewNote("王总嫌贵", "in_1", event_id="e1", person_id=tenancy.reps[0])
    note = keep(engine, thread, tenancy.id, new, tenancy.world.clock).note
    counts = tenancy.call("POST", "/v1/deletions", json={"person_id": tenancy.reps[0]}).json()["counts"]
    assert counts == {"notes": 1, "analyses": 1, "events": 5, "keys": 1}
    assert told == [Erasure(tenancy.id, [note.id], ["e1"], person_id=tenancy.reps[0], person_external_id="crm-1")]
    assert tenancy.call("POST", "/v1/deletions", json={"customer": "nobody"}).json()["counts"]["events"] == 5


def test_an_eraser_that_fails_leaves_everything(engine, thread) -> None:
    def fails(session: Session, erasure: Erasure) -> Mapping[str, int]:
        raise RuntimeError(MARK)

    tenancy = make_world(engine, thread, Hooks(erasers=(fails,))).tenant()
    note = tenancy.store(MARK)
    answer = tenancy.call("DELETE", f"/v1/notes/{note['id']}")
    assert (answer.status_code, answer.headers["content-type"], MARK in answer.text) == (500, "application/problem+json", False)
    assert tenancy.call("GET", f"/v1/notes/{note['id']}").json() == note


def test_retention_deletes_what_is_older(tenancy: Tenancy) -> None:
    assert tenancy.call("GET", "/v1/retention").json() == {"days": None}
    old = tenancy.store("王总嫌贵")
    tenancy.world.clock.step(days=30)
    young = tenancy.store("李姐签了")
    assert tenancy.id not in run_retention(tenancy.world.engine, tenancy.world.clock, ())
    assert tenancy.call("PUT", "/v1/retention", json={"days": 30}).json() == {"days": 30}
    assert run_retention(tenancy.world.engine, tenancy.world.clock, ())[tenancy.id] == 0
    tenancy.world.clock.step(seconds=1)
    assert run_retention(tenancy.world.engine, tenancy.world.clock, ())[tenancy.id] == 1
    assert [n["id"] for n in tenancy.call("GET", "/v1/notes").json()["notes"]] == [young["id"]]
    receipt = tenancy.call("GET", "/v1/deletions").json()["receipts"][0]
    assert (receipt["kind"], receipt["counts"], old["id"] in str(receipt)) == ("retention", {"notes": 1, "analyses": 1}, False)
    for days in (0, -1, 36501, "x"):
        assert tenancy.call("PUT", "/v1/retention", json={"days": days}).status_code == 422


@pytest.mark.parametrize("request_body", [None, {"customer": MARK}, {"person_id": "{rep}"}])
def test_no_byte_of_a_deleted_note_stays_in_the_file(tmp_path: Path, thread, request_body: dict | None) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'fupan.sqlite3'}")
    migrate(engine)
    tenancy = make_world(engine, thread).tenant()
    mark = MARK * 200  # long enough for overflow pages
    note = tenancy.store(mark, crm_id="v", customer=MARK, rep_id=tenancy.reps[0])
    tenancy.store(mark + "改", crm_id="v")
    tenancy.store("王总嫌贵")
    everything = lambda: b"".join(p.read_bytes() for p in tmp_path.iterdir())  # noqa: E731
    spellings = [MARK.encode(), json.dumps(MARK)[1:-1].encode(), MARK.encode("utf-16-le")]
    assert spellings[0] in everything()
    if request_body is None:
        assert tenancy.call("DELETE", f"/v1/notes/{note['id']}").status_code == 200
    else:
        body = {k: v.format(rep=tenancy.reps[0]) for k, v in request_body.items()}
        assert tenancy.call("POST", "/v1/deletions", json=body).status_code == 201
    assert not any(s in everything() for s in spellings)
    assert tenancy.call("GET", "/v1/notes").json()["notes"][0]["text"] == "王总嫌贵"
