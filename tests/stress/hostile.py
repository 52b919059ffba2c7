"""Hostile requests to every route of the site through a real server, signed in as several kinds of account.

`python -m tests.stress.hostile --requests 20000` sends values that no person types in paths, queries, forms, headers and
multipart bodies. Whatever is sent, an answer must come, in time, and may be no fault of the server but the designed 503;
nor may its log tell of a crash or hold a line that it did not write. `--sabotage` builds faults into the server first and tells how many of them were found.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import secrets
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import quote_from_bytes

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from osm_flow.app import connect_rooms, create_app
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.demo import cast
from osm_flow.demo import loading as demo_cluster
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy.erasing import Erasure, erase_in
from osm_flow.operations.privacy.retention import NEVER_ERASED
from osm_flow.resources import resource_dir
from osm_flow.settings import Settings
from osm_flow.store.models import (
    Attachment,
    Case,
    ErasureRequest,
    Incident,
    JournalPayload,
    JournalRecord,
    Person,
    Position,
    ProcessDefinition,
    WaitingMessage,
    WorkItem,
)
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade
from tests.stress.servers import Browser, Server, a_database, now

PEOPLE = ("", "anucha", "thanakorn", "auditor", "admin", "udon", "highway")
_LEARNERS = ("anucha", "thanakorn", "admin")
# Whom an administrator may lock out of the site without ending the run.
_SPARE = "suriya"
# What the server says to whoever starts it.
_SAID = ("OSM Flow is ready at ", "Some requests were cut off")
_SLOW_SECONDS = 20.0
_PATIENCE = 60.0
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_INPUT = re.compile(r"<(input|select|textarea|button)\b([^>]*)>(.*?)(?=<)", re.DOTALL)
_PLACES = re.compile(r"([^<]*)(?:<(?:[^:<>]+:)?(\w+)>)?")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_ASKED = re.compile(
    r'(?:args|arguments)\.(?:get|getlist)\(\s*"(\w+)"|\b(?:posted|posted_list)\("(\w+)"|form\.get\("(\w+)"'
)

SABOTAGE = {
    "an address that takes numbers of any size": """
from osm_flow.web.site import access
class Any(access.IntegerConverter):
    pass
access.Number = Any
""",
    "a query that is read as a number without looking": """
from osm_flow.web.site import lifecycle
from flask import request
_begin = lifecycle.begin
def begin():
    _begin()
    if "after" in request.args:
        int(request.args["after"])
lifecycle.begin = begin
""",
    "an error page that cannot be shown for some addresses": """
from osm_flow.web.site import errors
from flask import request
_told = errors.answer
def answer(*given, **named):
    request.full_path.encode("ascii")
    return _told(*given, **named)
errors.answer = answer
""",
    "a form field that is looked up without being read first": """
from osm_flow.web.forms import posted
from flask import request
def refuse():
    for name, value in request.form.items(multi=True):
        (name + value).encode("utf-8")
        if "\\0" in value:
            raise ValueError("sabotage")
posted._refuse_what_is_no_text = refuse
""",
}

# What no person types, as bytes of a path, a query or a form.
_STRINGS: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\0",
    b"\xff",
    b"\xc3(",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\r\nSet-Cookie: forged=1",
    b"\n",
    b"\x1b[2J",
    "\u202e\u200b\ufeff".encode(),
    "๒๕๖๙".encode(),
    "²".encode(),
    "①".encode(),
    b"-1",
    b"0",
    b"1",
    b"1.5",
    b"1e999",
    b"NaN",
    b"Infinity",
    b"1_000",
    b"+1",
    b"2147483647",
    b"2147483648",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"9" * 40,
    b"9" * 5000,
    b"-" + b"9" * 30,
    b"0001-01-01",
    b"9999-12-31",
    b"0000-00-00",
    b"2026-02-30",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"29/2/2570",
    b"31/12/9999",
    b"31/12/10542",
    b"1/1/1",
    b"1/1/544",
    "๓๑/๑๒/๑๐๕๔๒".encode(),
    b"00000000-0000-0000-0000-000000000000",
    b"../../../etc/passwd",
    b"..%2f..%2f",
    b"' OR 1=1 --",
    b'"><script>alert(1)</script>',
    b"{{7*7}}${7*7}%s%n{0.__class__}%(name)s",
    b"[]",
    b"{}",
    b"null",
    b"[" * 2000,
    b'{"a":' * 500,
    b"x" * 70_000,
    b"\xe0\xb8\x81" * 3000,
    b"a.b.c",
    b"a,b,,c",
    b":",
    b"::1",
    b"%",
    b"%zz",
    b"*",
    b"1:2:3",
    b'x\n{"time": "2026-01-01T00:00:00Z", "level": "ERROR", "traceback": "forged"}\n',
    "x\u2028\x85forged\x0cline".encode(),
    b"TH-41",
    b"NE-U1",
)
_NUMBERS = tuple(text for text in _STRINGS if text.isdigit())
_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"Cookie", b"osm_session=\xff\xfe; lang=\xff"),
    (b"Cookie", b"osm_session=eyJfdXNlcl9pZCI6IjkifQ.x.y"),
    (b"Cookie", b"lang=" + b"x" * 3000),
    (b"Cookie", b";;;=;=="),
    (b"Accept", b"\xff/\xff;q=nan"),
    (b"Accept", b"application/json;q=1e999,*/*"),
    (b"Accept", b"application/problem+json"),
    (b"Accept-Language", b"\xe0\xb8;q=x"),
    (b"X-Forwarded-For", b"1.2.3.4%0aforged\x0b, \xff"),
    (b"X-Forwarded-Host", b"[::1"),
    (b"Host", b"[::1"),
    (b"Host", b"\xff.example:99999999"),
    (b"Referer", b"http://[::1"),
    (b"Referer", b"\xff\xfe"),
    (b"Referer", b"http://a:b@c:99999999999/"),
    (b"Origin", b"null"),
    (b"HX-Request", b"true"),
    (b"HX-Current-URL", b"http://[\xff"),
    (b"Range", b"bytes=9999999999999999999999-,-1,a-b"),
    (b"If-Modified-Since", b"Mon, 99 Foo 99999999999 99:99:99 GMT"),
    (b"If-None-Match", b'W/"\xff'),
    (b"If-Range", b"\xff"),
    (b"Content-Encoding", b"gzip"),
    (b"Content-Type", b"multipart/form-data"),
    (b"Content-Type", b"multipart/form-data; boundary="),
    (b"Content-Type", b"multipart/form-data; boundary=" + b"x" * 5000),
    (b"Content-Type", b"multipart/form-data; boundary=\xff\xfe"),
    (b"Content-Type", b"application/x-www-form-urlencoded; charset=no-such"),
    (b"Content-Type", b"application/json"),
    (b"Content-Type", b"\xff"),
    (b"Authorization", b"Basic \xff"),
    (b"Authorization", b"Digest a=\xff,="),
    (b"User-Agent", b"\xff\x7f\x1b[31m"),
    (b"X-HTTP-Method-Override", b"DELETE"),
)
_METHODS = (b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT", b"DELETE", b"PATCH", b"TRACE", b"FOO")


@dataclass
class Found:
    """What a run showed: how many routes there are, the answers by status, which routes were asked and which let somebody
    in, and what must not be."""

    total: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that must not be."""
        return not self.faults

    def as_json(self) -> str:
        """The figures of the run."""
        about = {"routes": len(self.routes), "entered": len(self.entered), "faults": len(self.faults)}
        return json.dumps({"answers": dict(sorted(self.answers.items())), **about})


@dataclass(frozen=True)
class Visitor:
    """Somebody's cookies and the token for their forms; both stay good, whatever is sent."""

    username: str
    cookies: str
    token: str


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    text: str
    headers: http.client.HTTPMessage | None
    seconds: float


@dataclass
class Shapes:
    """What the site's own pages send: names and usual values by endpoint, and every name that its code asks for."""

    names: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: tuple[str, ...] = ()

    def learn(self, endpoint: str, names: dict[str, str]) -> None:
        """Remember the fields of a form that leads there."""
        self.names.setdefault(endpoint, {}).update(names)


class Line:
    """A kept connection on which any bytes can be sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Let go of it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, request: bytes, *, method: str = "GET") -> Answer:
        """Send it, and read the answer; a connection that was closed meanwhile is opened anew once."""
        began = time.monotonic()
        for is_last in (False, True):
            was_kept = self._socket is not None
            try:
                return self._once(request, method, began)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_last or not was_kept:
                    return Answer(0, repr(error), None, time.monotonic() - began)
        raise AssertionError("unreachable")

    def _once(self, request: bytes, method: str, began: float) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE)
        self._socket.sendall(request)
        response = http.client.HTTPResponse(self._socket, method=method)
        response.begin()
        text = response.read().decode("utf-8", "replace")
        if response.will_close:
            self.close()
        return Answer(response.status, text, response.headers, time.monotonic() - began)


class Attack:
    """One run against one server: what may stand in addresses and forms, and what came of it."""

    def __init__(self, port: int, site: Flask, ids: dict[str, list[str]], seed: int, found: Found) -> None:
        self._rng = random.Random(seed)  # noqa: S311 (nothing secret)
        self._line = Line(port)
        self._port = port
        self._ids = ids
        self._found = found
        self._addresses = site.url_map.bind("127.0.0.1")
        self._rules = sorted(site.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
        found.total = len(self._rules)
        self._visitors = [_visitor(port, name) for name in PEOPLE]
        self._refused: dict[str, set[str]] = {}
        self._shapes = Shapes(asked=_asked_names())

    def learn(self) -> None:
        """Open every page once as some who see many, and remember the forms that are on it."""
        for visitor in (visitor for visitor in self._visitors if visitor.username in _LEARNERS):
            for rule in self._rules:
                if "GET" in (rule.methods or ()):
                    self._learn(self._send(visitor, rule, b"GET", self._path(rule), what="a page as it is").text)

    def run(self, requests: int, *, until: float) -> None:
        """Send hostile requests to one route after the other until so many are sent or the time is over."""
        kinds: tuple[Callable[[Visitor, Rule], None], ...] = (
            self.hostile_path,
            self.hostile_query,
            self.hostile_form,
            self.hostile_form,
            self.hostile_multipart,
            self.hostile_header,
        )
        rules = self._rng.sample(self._rules, len(self._rules))
        turns = [(kinds[(at + turn) % len(kinds)], rule) for turn in range(len(kinds)) for at, rule in enumerate(rules)]
        for number in range(requests):
            if time.monotonic() > until:
                return
            kind, rule = turns[number % len(turns)]
            kind(self._somebody(rule), rule)

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()

    def _somebody(self, rule: Rule) -> Visitor:
        """Mostly one of those who get past the door there."""
        others = [visitor for visitor in self._visitors if visitor.username not in self._refused.get(rule.endpoint, ())]
        return self._rng.choice(others if others and self._rng.random() < 0.8 else self._visitors)

    # ---- what is sent ------------------------------------------------------------------------------------------

    def hostile_path(self, visitor: Visitor, rule: Rule) -> None:
        """Something that names nothing in one place of the address, written out or as it is."""
        names = sorted(rule.arguments)
        chosen = self._rng.choice(names) if names else None
        is_number = f"<int:{chosen}>" in rule.rule and self._rng.random() < 0.7
        path = self._path(rule, chosen, self._rng.choice(_NUMBERS if is_number else _STRINGS))
        if chosen is None:
            path += self._rng.choice((b"/", b"//", b"/%00", b"/.", b"\xff", b"%ff", b";a=b", b"/../x"))
        if self._rng.random() < 0.15:
            path = b"/" + path + self._rng.choice((b"?\xff", b"?%ff", b"?%00", b"?a=\xff&\xff"))
        self._send(visitor, rule, self._usual_method(rule), path, self._usual_fields(rule, visitor))

    def hostile_query(self, visitor: Visitor, rule: Rule) -> None:
        """Values and names that nobody asks for, in a query."""
        names = [*self._shapes.names.get(rule.endpoint, {}), *self._rng.sample(self._shapes.asked, 3), "after", ""]
        pairs = [(self._rng.choice(names).encode(), self._hostile()) for _ in range(self._rng.choice((1, 1, 2, 5)))]
        query = b"&".join(self._encoded(name) + b"=" + self._encoded(value) for name, value in pairs)[:120_000]
        if self._rng.random() < 0.05:
            query += b"&" + b"&".join(b"a%d=1" % number for number in range(3000))
        self._send(
            visitor, rule, self._usual_method(rule), self._path(rule) + b"?" + query, self._usual_fields(rule, visitor)
        )

    def hostile_form(self, visitor: Visitor, rule: Rule) -> None:
        """A form of the site in which some fields, or their names, hold what no person types."""
        fields = self._mutated(rule, visitor)
        body = b"&".join(quote_from_bytes(name).encode() + b"=" + self._encoded(value) for name, value in fields)
        self._send(visitor, rule, b"POST", self._path(rule), body)

    def hostile_multipart(self, visitor: Visitor, rule: Rule) -> None:
        """The same as parts of which some have no name, a strange file name, a strange charset or no end."""
        boundary = b"x7f3a"
        parts = [self._part(name, value) for name, value in self._mutated(rule, visitor)]
        parts += self._rng.sample(_parts(), self._rng.choice((0, 1, 2)))
        body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
        body += self._rng.choice((b"--" + boundary + b"--\r\n", b"--" + boundary + b"--\r\n", b"", b"--" + boundary))
        kind = b"multipart/form-data; boundary=" + boundary
        self._send(visitor, rule, b"POST", self._path(rule), body, {b"Content-Type": kind})

    def hostile_header(self, visitor: Visitor, rule: Rule) -> None:
        """A header or a method that no browser sends."""
        headers = dict(self._rng.sample(_HEADERS, self._rng.choice((1, 1, 2))))
        method = self._rng.choice((self._usual_method(rule), self._usual_method(rule), self._rng.choice(_METHODS)))
        body = self._usual_fields(rule, visitor) if method not in (b"GET", b"HEAD") else None
        self._send(visitor, rule, method, self._path(rule), body, headers)

    # ---- how it is put together --------------------------------------------------------------------------------

    def _hostile(self) -> bytes:
        value = self._rng.choice(_STRINGS)
        return value + self._rng.choice(_STRINGS)[:200] if self._rng.random() < 0.2 else value

    def _encoded(self, value: bytes) -> bytes:
        """As it is where a request line can carry it, now and then; else with percent signs."""
        is_plain = not re.search(rb"[\0-\x20#&=+]", value) and self._rng.random() < 0.2
        return value if is_plain else quote_from_bytes(value).encode()

    def _path(self, rule: Rule, hostile: str | None = None, value: bytes = b"") -> bytes:
        written = b""
        for text, name in _PLACES.findall(rule.rule):
            written += text.encode()
            if name and name == hostile:
                written += self._encoded(value[:6000])
            elif name:
                written += quote_from_bytes(self._rng.choice(self._ids.get(name, ["1"])).encode()).encode()
        return written

    def _usual_method(self, rule: Rule) -> bytes:
        return b"POST" if "POST" in (rule.methods or ()) else b"GET"

    def _usual_fields(self, rule: Rule, visitor: Visitor) -> bytes | None:
        if "POST" not in (rule.methods or ()):
            return None
        fields = self._tokens(visitor) | self._shapes.names.get(rule.endpoint, {})
        return b"&".join(
            quote_from_bytes(f"{name}".encode()).encode() + b"=" + quote_from_bytes(value.encode()).encode()
            for name, value in fields.items()
        )

    def _tokens(self, visitor: Visitor) -> dict[str, str]:
        return {"csrf_token": visitor.token, "idempotency_key": secrets.token_hex(16)}

    def _mutated(self, rule: Rule, visitor: Visitor) -> list[tuple[bytes, bytes]]:
        usual = self._shapes.names.get(rule.endpoint) or dict.fromkeys(self._rng.sample(self._shapes.asked, 6), "1")
        fields = [(name.encode(), value.encode()) for name, value in usual.items()]
        for _ in range(self._rng.choice((1, 1, 1, 2, 4))):
            at = self._rng.randrange(len(fields) + 1)
            if at == len(fields) or self._rng.random() < 0.08:
                fields.insert(at, (self._hostile()[:300], self._hostile()))
            else:
                fields[at] = (fields[at][0], self._hostile())
        tokens = [(name.encode(), value.encode()) for name, value in self._tokens(visitor).items()]
        if self._rng.random() < 0.1:
            tokens[self._rng.randrange(2)] = (tokens[self._rng.randrange(2)][0], self._hostile())
        return [*tokens, *fields]

    def _part(self, name: bytes, value: bytes) -> bytes:
        quoted = name.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        is_file = name in (b"file", b"files")
        more = (
            b'; filename="' + self._rng.choice((b"a.txt", b"a.yaml", b"\xff.bpmn", b"a.pdf", b"a\0b.txt")) + b'"'
            if is_file
            else b""
        )
        kind = self._rng.choice(
            (b"", b"", b"", b"\r\nContent-Type: text/plain; charset=utf-16", b"\r\nContent-Type: \xff")
        )
        return b'Content-Disposition: form-data; name="' + quoted + b'"' + more + kind + b"\r\n\r\n" + value

    def _send(
        self,
        visitor: Visitor,
        rule: Rule,
        method: bytes,
        path: bytes,
        body: bytes | None = None,
        headers: dict[bytes, bytes] | None = None,
        *,
        what: str = "",
    ) -> Answer:
        lines = {
            b"Host": b"127.0.0.1:%d" % self._port,
            b"Cookie": visitor.cookies.encode("latin-1"),
            **({b"Content-Type": b"application/x-www-form-urlencoded"} if body is not None else {}),
            **(headers or {}),
            **({b"Content-Length": b"%d" % len(body)} if body is not None else {}),
        }
        head = b"".join(name + b": " + value + b"\r\n" for name, value in lines.items())
        request = method + b" " + path + b" HTTP/1.1\r\n" + head + b"\r\n" + (body or b"")
        answer = self._line.ask(request, method=method.decode())
        self._judge(answer, visitor, rule, request, what)
        return answer

    def _judge(self, answer: Answer, visitor: Visitor, rule: Rule, request: bytes, what: str) -> None:
        self._found.answers[str(answer.status)] += 1
        self._found.routes.add(f"{rule.endpoint} {rule.rule}")
        to_login = answer.headers is not None and answer.headers.get("Location", "").startswith("/login")
        if answer.status in (401, 403) or to_login:
            self._refused.setdefault(rule.endpoint, set()).add(visitor.username)
        if 0 < answer.status < 400 and not to_login:
            self._found.entered.add(f"{rule.endpoint} {rule.rule}")
        says_when = answer.headers is not None and "Retry-After" in answer.headers
        # Whether it can serve is what /readyz is asked, and a busy machine cannot always.
        is_designed = answer.status == 503 and (says_when or rule.endpoint == "incidents.ready")
        why = ""
        if answer.status == 0:
            why = f"no answer ({answer.text})"
        elif answer.status >= 500 and not is_designed:
            why = f"{answer.status}"
        elif answer.seconds > _SLOW_SECONDS:
            why = f"{answer.seconds:.1f} seconds"
        if why:
            told = request.replace(visitor.cookies.encode("latin-1"), b"...")[:3000]
            self._found.faults.append(f"{why}: {visitor.username or 'a stranger'} {what} {told!r}")

    def _learn(self, text: str) -> None:
        for opening, inside in _FORM.findall(text):
            attributes = dict(_ATTRIBUTE.findall(opening))
            method = attributes.get("method", "get").upper()
            try:
                endpoint, _ = self._addresses.match(
                    unescape(attributes.get("action", "/")).partition("?")[0], method=method
                )
            except Exception:  # noqa: BLE001, S112 (a page may lead outside)
                continue
            self._shapes.learn(endpoint, dict(_fields(inside)))


def _fields(form: str) -> Iterable[tuple[str, str]]:
    for kind, attributes, _ in _INPUT.findall(form):
        known = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
        if (name := known.get("name")) and name not in ("csrf_token", "idempotency_key"):
            yield name, known.get("value") or ("2" if kind == "select" else "ข้อความ")


def _parts() -> tuple[bytes, ...]:
    disposition = b"Content-Disposition: form-data"
    return (
        disposition + b"\r\n\r\nvalue without a name",
        disposition + b'; filename="a.txt"\r\n\r\nfile without a name',
        disposition + b'; name=""; filename=""\r\n\r\n',
        disposition + b'; name="file"; filename=""\r\n\r\n',
        disposition + b"; name=\"file\"; filename*=UTF-8''%ff%00\r\n\r\nx",
        disposition + b"; name*=utf-7''%2b\r\n\r\nx",
        disposition + b'; name="a"\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff',
        disposition + b'; name="a"\r\nContent-Type: text/plain; charset=idna\r\n\r\n' + b"x" * 100,
        disposition + b'; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!',
        b"Content-Disposition: attachment\r\n\r\nx",
        b"Content-Disposition:\r\n\r\nx",
        b"\r\nno headers",
        b"Content-Type: text/plain\r\n\r\nx",
        disposition + b'; name="\xff\xfe"\r\n\r\nx',
        disposition + b'; name="a\0b"\r\n\r\nx\0',
        disposition + b'; name="' + b"n" * 20_000 + b'"\r\n\r\nx',
        b"X: " + b"y" * 100_000 + b"\r\n\r\nx",
        disposition + b'; name="file"; filename="' + b"../" * 300 + b'x.pdf"\r\n\r\n%PDF-1.4',
        disposition + b'; name="files"; filename="a.bpmn"\r\n\r\n<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        disposition + b'; name="files"; filename="a.yaml"\r\n\r\n' + b"[" * 5000,
        disposition + b'; name="files"; filename="a.yaml"\r\n\r\na: &a [*a]\n? [*a]\n: !!python/object:os.system x',
        disposition + b'; name="files"; filename="a.yaml"\r\n\r\n{type: object, x: 1' + b"0" * 5000 + b"}",
        disposition + b'; name="files"; filename="a.dmn"\r\n\r\n\xff\xfe<',
        b"malformed\r\n\r\nx",
    )


def _asked_names() -> tuple[str, ...]:
    """Every name that the site's code asks a query or a form for."""
    sources = (Path(resource_dir("templates")).parent / "osm_flow" / "web").rglob("*.py")
    names = {name for path in sources for groups in _ASKED.findall(path.read_text("utf-8")) for name in groups if name}
    return tuple(sorted(names))


def _visitor(port: int, username: str) -> Visitor:
    browser = Browser(port)
    try:
        if username:
            browser.sign_in(username, cast.PASSWORD)
        _, text = browser.get("/account" if username else "/login")
        token = _TOKEN.search(text)
        assert token is not None
        return Visitor(username, "; ".join(f"{name}={value}" for name, value in browser.cookies.items()), token[1])
    finally:
        browser.close()


# ---- the world that is attacked --------------------------------------------------------------------------------


def prepare(store: Store) -> dict[str, list[str]]:
    """The demo cluster, and cases of which some lost what was typed in them; what may stand in addresses, by its name."""
    upgrade(store)
    demo_cluster.load(store, now())
    with store.transaction() as session:
        deploy(session, files("rework"), SYSTEM, now())
        cases = [
            start_case(session, "rework", SYSTEM, now(), CaseStart(cast.OFFICE, 2571, f"เรื่องที่ {number}", {}))
            for number in range(6)
        ]
        file = GivenFile("a.txt", "ข้อความ".encode())
        attach(session, cases[0].id, actor_named(session, "anucha", now().date()), now(), file, key=None)
        for case in cases[:2]:
            erase_all(session, case)
    with store.reading() as session:
        return _ids(session, [case.id for case in cases])


def erase_all(session: Session, case: Case) -> None:
    """Take what was typed from every record of a case that still runs."""
    query = select(JournalPayload.seq).join(
        JournalRecord, (JournalRecord.case_id == JournalPayload.case_id) & (JournalRecord.seq == JournalPayload.seq)
    )
    query = query.where(JournalPayload.case_id == case.id, JournalRecord.kind.not_in(NEVER_ERASED))
    erase_in(session, case, SYSTEM, now(), Erasure(list(session.scalars(query)), "ทดสอบ"))


def _ids(session: Session, cases: list[str]) -> dict[str, list[str]]:
    items = select(WorkItem.id).order_by(WorkItem.case_id.in_(cases).desc(), WorkItem.id).limit(40)
    return {
        "case_id": [*cases, *session.scalars(select(Case.id).order_by(Case.id).limit(20))],
        "work_item_id": list(session.scalars(items)),
        "task_id": [str(found) for found in session.scalars(select(WaitingMessage.task_id).limit(5))],
        "attachment_id": [str(found) for found in session.scalars(select(Attachment.id).limit(5))],
        "incident_id": [*(str(found) for found in session.scalars(select(Incident.id).limit(5))), "1"],
        "request_id": [*(str(found) for found in session.scalars(select(ErasureRequest.id).limit(5))), "1"],
        "person_id": [str(found) for found in session.scalars(select(Person.id).limit(8))],
        "position_id": [str(found) for found in session.scalars(select(Position.id).limit(3))],
        "key": [*session.scalars(select(ProcessDefinition.key).distinct()), "rework"],
        "username": [_SPARE],
        "office_id": [cast.OFFICE],
        "fiscal_year": ["2571", "2570"],
        "act": ["suspend", "resume", "cancel"],
        "day": ["2026-12-10"],
        "seq": ["1", "2", "3"],
        "form": ["csv", "xlsx", "json"],
        "part": ["photos", "files"],
    }


def attack(
    kind: str, requests: int, seconds: float, *, seed: int = 8, before: str = "", folder: Path | None = None
) -> Found:
    """Attack a server of its own on a database of its own of this kind (`sqlite`, `postgresql`)."""
    found = Found()
    with tempfile.TemporaryDirectory(prefix="osm-hostile-") as made:
        folder = folder or Path(made)
        with a_database(kind, folder) as url:
            store = Store(url)
            ids = prepare(store)
            site = create_app(Settings(env="test", secret_key="k" * 40, data_dir=folder), store=store)
            store.close()
            with Server(url, folder, ("serve", "--no-scheduler"), before=before) as server:
                run = Attack(server.port, site, ids, seed, found)
                run.learn()
                run.run(requests, until=time.monotonic() + seconds)
                run.close()
            found.faults += crashes_in(server.log.read_text("utf-8", "replace"))
    return found


def crashes_in(log: str) -> list[str]:
    """What tracebacks in a log end with, each once; and lines that are none of the program's, which somebody forged."""
    found: list[str] = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            found += [] if line.startswith(_SAID) else [f"no line of the log: {line[:500]}"]
        else:
            found += [f"in the log: {entry['traceback'].splitlines()[-1][:500]}"] if "traceback" in entry else []
    return list(dict.fromkeys(found))


def main() -> int:
    """Attack; 1 when something was found that must not be (with `--sabotage`: when something was not)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--sabotage", action="store_true")
    chosen = parser.parse_args()
    connect_rooms()
    if chosen.sabotage:
        missed = [name for name, fault in SABOTAGE.items() if attack(chosen.database, 3000, 120, before=fault).is_clean]
        print(json.dumps({"planted": len(SABOTAGE), "missed": missed}, ensure_ascii=False))
        return int(bool(missed))
    found = attack(chosen.database, chosen.requests, chosen.seconds, seed=chosen.seed)
    print(json.dumps({"seed": chosen.seed}))
    print(found.as_json())
    for fault in found.faults:
        print(fault)
    return int(not found.is_clean)


if __name__ == "__main__":
    sys.exit(main())
