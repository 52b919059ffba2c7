"""Logs of cases in XES: valid for the standard's schema, whatever the texts hold."""

from __future__ import annotations

import io

from lxml import etree

from osm_flow.documents import xes
from osm_flow.domain.event_log import LogCase, LogEvent
from tests.schemas.xes import problems_of

NAMESPACE = {"x": "http://www.xes-standard.org/"}


def an_event(activity: str = "ร่างแผน", **more: str) -> LogEvent:
    return LogEvent(
        id="6f1c6c1c-0000-5000-8000-000000000001",
        at="2026-11-20T02:00:00.000000Z",
        activity=activity,
        transition="complete",
        type=activity,
        resource="p-1",
        role="osm_strategy",
        group="NE-U1",
        attributes=more,
    )


def written(about: dict[str, str], *traces: tuple[LogCase, list[LogEvent]]) -> bytes:
    out = io.StringIO()
    counts = xes.write(out, about, traces)
    assert counts == (len(traces), sum(len(events) for _, events in traces))
    return out.getvalue().encode()


def test_a_log_follows_the_schema_of_the_standard() -> None:
    log = written({"concept:name": "OSM Flow"}, (LogCase("c1", "REV-1", {"office": "NE-U1"}), [an_event(), an_event()]))

    assert problems_of(log) == []
    tree = etree.fromstring(log)
    assert tree.xpath("count(//x:trace)", namespaces=NAMESPACE) == 1
    assert tree.xpath("string(//x:trace/x:string[@key='concept:name']/@value)", namespaces=NAMESPACE) == "REV-1"
    assert tree.xpath("string((//x:event)[1]/x:date/@value)", namespaces=NAMESPACE) == "2026-11-20T02:00:00.000000Z"


def test_an_empty_log_is_a_log() -> None:
    assert problems_of(written({})) == []


def test_any_text_survives_or_is_replaced_where_xml_has_no_place_for_it() -> None:
    hostile = "ก \"<&>\n\t'\x00\x0b\ufffe\U0001f600 </log>"

    log = written({"note": hostile}, (LogCase("c1", hostile), [an_event(hostile, kind=hostile)]))

    assert problems_of(log) == []
    read = etree.fromstring(log).xpath("string(//x:event/x:string[1]/@value)", namespaces=NAMESPACE)
    assert read == "ก \"<&>\n\t'\ufffd\ufffd\ufffd\U0001f600 </log>"


def test_every_global_attribute_of_events_is_on_every_event() -> None:
    tree = etree.fromstring(written({}, (LogCase("c1", "REV-1"), [an_event()])))
    promised = tree.xpath("//x:global[@scope='event']/*/@key", namespaces=NAMESPACE)

    assert set(promised) <= set(tree.xpath("//x:event/*/@key", namespaces=NAMESPACE))
