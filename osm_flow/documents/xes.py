"""Event logs of cases as IEEE XES (1849-2016), written as they are read: memory does not grow with the log.

Names of extensions and classifiers are XML names without spaces because the schema of the standard wants them so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, TextIO

from osm_flow.domain.event_log import LogCase, LogEvent

_EXTENSIONS: Final = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("ID", "identity", "http://www.xes-standard.org/identity.xesext"),
)
_CLASSIFIERS: Final = (
    ("Activity", "concept:name"),
    ("ActivityAndTransition", "concept:name lifecycle:transition"),
    ("Resource", "org:resource"),
    ("Role", "org:role"),
)
_GLOBAL_OF_TRACE: Final = ('<string key="concept:name" value="-"/>', '<id key="identity:id" value="-"/>')
_GLOBAL_OF_EVENT: Final = (
    '<string key="concept:name" value="-"/>',
    '<date key="time:timestamp" value="1970-01-01T00:00:00Z"/>',
    '<string key="lifecycle:transition" value="complete"/>',
    '<string key="org:resource" value="-"/>',
    '<string key="org:role" value="-"/>',
    '<string key="org:group" value="-"/>',
    '<id key="identity:id" value="-"/>',
)
_ESCAPED: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    out: TextIO, about: Mapping[str, str], traces: Iterable[tuple[LogCase, Iterable[LogEvent]]]
) -> tuple[int, int]:
    """Write the log with what is said `about` it; the numbers of traces and events written. The file is UTF-8."""
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write('<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">\n')
    for name, prefix, uri in _EXTENSIONS:
        out.write(f'<extension name="{name}" prefix="{prefix}" uri="{uri}"/>\n')
    for scope, defaults in (("trace", _GLOBAL_OF_TRACE), ("event", _GLOBAL_OF_EVENT)):
        out.write(f'<global scope="{scope}">{"".join(defaults)}</global>\n')
    for name, keys in _CLASSIFIERS:
        out.write(f'<classifier name="{name}" keys="{keys}"/>\n')
    out.writelines(f"{_string(key, value)}\n" for key, value in about.items())
    cases = events = 0
    for case, of_case in traces:
        cases += 1
        events += _write_trace(out, case, of_case)
    out.write("</log>\n")
    return cases, events


def _write_trace(out: TextIO, case: LogCase, events: Iterable[LogEvent]) -> int:
    out.write(f'<trace>{_string("concept:name", case.name)}<id key="identity:id" value="{case.id}"/>')
    out.writelines(_string(key, value) for key, value in case.attributes.items())
    out.write("\n")
    count = 0
    for event in events:
        count += 1
        out.write(_event(event))
    out.write("</trace>\n")
    return count


def _event(event: LogEvent) -> str:
    more = "".join(_string(key, value) for key, value in event.attributes.items())
    return (
        f"<event>{_string('concept:name', event.activity)}"
        f'<date key="time:timestamp" value="{event.at}"/>'
        f'<string key="lifecycle:transition" value="{event.transition}"/>'
        f"{_string('org:resource', event.resource)}{_string('org:role', event.role)}{_string('org:group', event.group)}"
        f'<id key="identity:id" value="{event.id}"/>{more}</event>\n'
    )


def _string(key: str, value: str) -> str:
    return f'<string key="{key}" value="{_text(value)}"/>'


def _text(value: str) -> str:
    """The text inside an attribute; characters that XML cannot hold become the replacement character."""
    return _NOT_XML.sub("\ufffd", value).translate(_ESCAPED)
