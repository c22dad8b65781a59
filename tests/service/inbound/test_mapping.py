"""Mappings: paths, dates, rich text, whole payloads of each CRM, and faults that name the field and quote nothing."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.inbound.dates import read_date
from service.inbound.mapping import Mapping, MappingError, default_mapping, default_names, to_note
from service.inbound.paths import PathError, find, parse_path
from service.inbound.richtext import MAX_HTML, html_to_text

PAYLOAD = {
    "a": {"b": "1", "空 格": "2", "x.y": "3", "blank": "  ", "none": None},
    "list": [{"t": ""}, {"t": "second", "n": 5}, {"t": "third"}],
    "form": [{"label": "拜访目的", "value": "回访"}, {"label": "拜访内容", "value": "王总嫌贵"}],
    "$id": "4",
    "nested": [[{"k": ""}], [{"k": "deep"}]],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", "1"),
        ("$.a.b", "1"),
        ("a.空 格", "2"),
        ('["$id"]', "4"),
        ('a["x.y"]', "3"),
        ('$["a"].b', "1"),
        ("list[1].t", "second"),
        ("list[-1].t", "third"),
        ("list[*].t", "second"),
        ("nested[*][*].k", "deep"),
        ("form[label=拜访内容].value", "王总嫌贵"),
        ("list[n=5].t", "second"),
        ("a[0].b", "1"),
        ("a[*].b", "1"),
        ("missing | a.blank | a.none | list[0].t | a.b", "1"),
        ("missing", None),
        ("a.b.c", None),
        ("list[9].t", None),
        ("list.t", None),
        ("form[label=无].value", None),
    ],
)
def test_paths(path: str, value: str | None) -> None:
    assert find(parse_path(path), PAYLOAD) == value


@pytest.mark.parametrize("path", ["", " ", "|", "a|", "a..b", ".a", "a.", "a[", "a]", "a[x]", "a[1", "a['b']", "a.[0]", "a[0]b", "$", "a" * 501, "a" + ".a" * 20, 'a["']
)  # fmt: skip
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c d", "中"]), inner, max_size=3),
)


@given(st.text(alphabet='ab.[]*|"=$ 0-1中', max_size=25), json_values)
def test_any_path_is_refused_or_finds_something_that_is_there(path: str, payload: object) -> None:
    try:
        parsed = parse_path(path)
    except PathError:
        return
    value = find(parsed, payload)
    assert value is None or json.dumps(value) in json.dumps(payload)


@given(st.lists(st.from_regex(r"[a-z中][a-z中 ]{0,5}[a-z中]", fullmatch=True), min_size=1, max_size=5), st.integers(0, 3))
def test_a_path_leads_where_it_was_put(names: list[str], index: int) -> None:
    payload: object = "there"
    for name in reversed(names):
        payload = {name: [None] * index + [payload]}
    assert find(parse_path("".join(f".{name}[{index}]" for name in names)[1:]), payload) == "there"
    assert find(parse_path("".join(f".{name}[*]" for name in names)[1:]), payload) == "there"


SHANGHAI = ZoneInfo("Asia/Shanghai")
AFTERNOON = datetime(2026, 11, 24, 14, 30, tzinfo=SHANGHAI)
DAY = datetime(2026, 11, 24, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("text", "written", "moment"),
    [
        ("1795501800000", "auto", AFTERNOON),
        ("1795501800", "auto", AFTERNOON),
        ("1795501800", "seconds", AFTERNOON),
        ("1795501800000", "milliseconds", AFTERNOON),
        ("2026-11-24T06:30:00.000Z", "auto", AFTERNOON),
        ("2026-11-24T06:30:00.000+0000", "auto", AFTERNOON),
        ("2026-11-24T14:30:00+08:00", "iso", AFTERNOON),
        ("2026-11-24 14:30", "auto", AFTERNOON),
        ("2026/11/24 14:30:00", "auto", AFTERNOON),
        ("2026年11月24日 14时30分", "auto", AFTERNOON),
        ("2026年11月24日14:30", "auto", AFTERNOON),
        ("2026.11.24", "auto", DAY),
        ("20261124", "auto", DAY),
        ("2026-11-24", "iso", DAY),
        ("24.11.2026", "%d.%m.%Y", DAY),
    ],
)
def test_dates(text: str, written: str, moment: datetime) -> None:
    read = read_date(text, written, SHANGHAI)
    assert (read, read.date()) == (moment, moment.date())


@pytest.mark.parametrize(
    ("text", "written"),
    [("昨天", "auto"), ("2026-13-01", "auto"), ("2026-02-30", "auto"), ("0001-01-01", "auto"), ("9" * 14, "auto"), ("1e400", "seconds"),
     ("nan", "seconds"), ("", "iso"), ("2026-11-24", "%d.%m.%Y"), ("2026-11-24 25:00", "auto"), ("0001-01-01T00:00:00+14:00", "iso")],
)  # fmt: skip
def test_dates_that_are_none_say_nothing_of_the_text(text: str, written: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_date(text, written, SHANGHAI)
    assert not text or text not in str(caught.value)


@given(st.text(max_size=40), st.sampled_from(["auto", "iso", "seconds", "milliseconds", "%Y"]))
def test_any_text_is_a_date_or_a_value_error(text: str, written: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_date(text, written, SHANGHAI).tzinfo is SHANGHAI


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>王总嫌贵</p><p>下周三&nbsp;再谈</p>", "王总嫌贵\n下周三 再谈"),
        ("<ul><li>一<li>二</ul>", "一\n二"),
        ("a<br/>b<BR>c", "a\nb\nc"),
        ("<table><tr><td>价</td><td>12.8万</td></tr></table>", "价 12.8万"),
        ("<style>p{}</style><script>x<y</script><!-- 注 -->尾", "尾"),
        ("毛利<5%，3 < 4 &amp; <张总> &lt;b&gt;", "毛利<5%，3 < 4 & <张总> <b>"),
        ('<p style="color:red">红</p  >', "红"),
        ("没有标签\n两行", "没有标签\n两行"),
        ("<!-- 未完", ""),
    ],
)
def test_rich_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize("unit", ["<!--", "<a ", "<script>", "<a x='", "</", "<![CDATA[", "&#x1", "<", "<p>"])
def test_rich_text_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    html_to_text(unit * (MAX_HTML // len(unit)))
    assert time.process_time() - began < 5  # the standard library's parser takes minutes for some of these


HUBSPOT = {
    "eventId": 1, "subscriptionType": "object.propertyChange", "objectTypeId": "0-46", "propertyName": "hs_note_body",
    "propertyValue": "<div><p>王总嫌贵</p></div>", "objectId": 987, "occurredAt": 1795501800000, "sourceId": "userId:42",
}  # fmt: skip
WECOM = {"FromUserName": "zhangsan", "CreateTime": "1795501800", "MsgType": "text", "Content": "王总嫌贵", "MsgId": "4561"}
SALESFORCE = {
    "sObject": {"@type": "sf:Event", "Id": "00U1", "OwnerId": "0051", "AccountId": "0011", "Description": "王总嫌贵",
                "ActivityDateTime": "2026-11-24T06:30:00.000Z"},
}  # fmt: skip
FXIAOKE = {
    "object_data": {
        "_id": "6f",
        "active_record_content": "王总嫌贵",
        "owner": ["1042"],
        "account_id__r": "华东机械",
        "create_time": 1795501800000,
    }
}
XIAOSHOUYI = {"data": {"id": 77, "content": "王总嫌贵", "ownerId": 1042, "accountName": "华东机械", "createdAt": 1795501800000}}
PUSH = {"id": "v-1", "text": "王总嫌贵", "rep_id": "1042", "customer": "华东机械", "visited_at": "2026-11-24 14:30"}
STANDARD = {"type": "note.created", "timestamp": "2026-11-24T06:30:00Z", "data": {"id": "n1", "text": "王总嫌贵", "rep_id": "1042"}}
WORKFLOW = {"text": "<p>王总嫌贵</p>", "rep_id": "1042", "id": 5, "visited_at": "2026-11-24T14:30:00+08:00"}


@pytest.mark.parametrize(
    ("name", "payload", "rep_id", "customer", "crm_id"),  # customer: its name, or its id where the CRM sends no name
    [
        ("hubspot", HUBSPOT, "userId:42", None, "987"),
        ("hubspot-workflow", WORKFLOW, "1042", None, "5"),
        ("wecom", WECOM, "zhangsan", None, "4561"),
        ("salesforce", SALESFORCE, "0051", "0011", "00U1"),
        ("fxiaoke", FXIAOKE, "1042", "华东机械", "6f"),
        ("xiaoshouyi", XIAOSHOUYI, "1042", "华东机械", "77"),
        ("push", PUSH, "1042", "华东机械", "v-1"),
        ("standard", STANDARD, "1042", None, "n1"),
    ],
)
def test_the_mappings_that_come_with_the_service(
    name: str, payload: dict[str, object], rep_id: str, customer: str | None, crm_id: str
) -> None:
    note = to_note(default_mapping(name), payload)
    assert note is not None
    assert (note.text, note.rep_id, note.customer or note.customer_id, note.crm_id, note.visited_at) == (
        "王总嫌贵",
        rep_id,
        customer,
        crm_id,
        AFTERNOON,
    )
    assert "王总" not in repr(note)


def test_every_default_is_tried_above_and_no_other_file_is_read() -> None:
    assert len(default_names()) == 8
    with pytest.raises(KeyError):
        default_mapping("../mappings/push")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("hubspot", {"subscriptionType": "object.creation"}),
        ("hubspot", {"propertyName": "hs_lastmodifieddate"}),
        ("wecom", {"MsgType": "event"}),
    ],
)
def test_what_is_not_wanted_is_no_note(name: str, change: dict[str, object]) -> None:
    assert to_note(default_mapping(name), {**{"hubspot": HUBSPOT, "wecom": WECOM}[name], **change}) is None


def test_join_labels_constant_and_presence() -> None:
    mapping = Mapping.model_validate(
        {
            "only": [{"path": "form"}],
            "text": {
                "join": [{"path": "form[label=拜访目的].value", "label": "目的："}, "form[label=拜访内容].value", "form[label=无].value"]
            },
            "team": {"constant": "华东"},
            "customer": {"join": ["a.b", "list[1].n"], "separator": " "},
        }
    )
    note = to_note(mapping, PAYLOAD)
    assert note is not None
    assert (note.text, note.team, note.customer, note.visited_at) == ("目的：回访\n王总嫌贵", "华东", "1 5", None)
    assert to_note(mapping, {"form": []}) is None


@pytest.mark.parametrize(
    ("mapping", "fields"),
    [
        ({"text": "missing"}, ["mapping.text"]),
        ({"text": "form"}, ["mapping.text"]),
        ({"text": "a.b", "visited_at": "form[0].value"}, ["mapping.visited_at"]),
        ({"text": {"path": "long", "html": True}}, ["mapping.text"]),
        ({"text": "a.b", "customer": "long", "rep_id": "a"}, ["mapping.customer", "mapping.rep_id"]),
    ],
)
def test_faults_name_the_field_and_quote_nothing(mapping: dict[str, object], fields: list[str]) -> None:
    with pytest.raises(MappingError) as caught:
        to_note(Mapping.model_validate(mapping), {**PAYLOAD, "long": "回访" * MAX_HTML})
    assert sorted(fault.field for fault in caught.value.faults) == fields
    assert "回访" not in str(caught.value)


@pytest.mark.parametrize(
    "mapping",
    [{}, {"text": "a["}, {"text": {}}, {"text": {"path": "a", "constant": "b"}}, {"text": {"path": "a", "date": "tomorrow"}},
     {"text": {"path": "a", "timezone": "Mars/Base"}}, {"text": {"path": "a", "timezone": "../etc/passwd"}}, {"text": "a", "only": [{"path": ""}]},
     {"text": "a", "other": "b"}, {"text": {"join": [1]}}],
)  # fmt: skip
def test_mappings_that_are_none(mapping: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mapping.model_validate(mapping)


def test_a_date_in_utc_is_the_visits_day_at_home() -> None:
    mapping = Mapping.model_validate({"text": "t", "visited_at": "d"})
    note = to_note(mapping, {"t": "x", "d": datetime(2026, 11, 23, 22, tzinfo=UTC).isoformat()})
    assert note is not None
    assert note.visited_at is not None
    assert note.visited_at.date().isoformat() == "2026-11-24"
