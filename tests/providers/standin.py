"""What every stand-in for a platform shares: HTTP/1.1 with keep-alive, the journal, faults, and /_control/.

A program is `standin.main(Platform, "what it is")`; README.md of this folder says what the class Platform gives.
Passwords never get into the journal: what Platform.SECRETS names is written as `***`.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.parse

import faults

REASONS = {200: "OK", 202: "Accepted", 301: "Moved Permanently", 302: "Found", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 409: "Conflict", 422: "Unprocessable Entity",
           425: "Too Early", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable", 504: "Gateway Timeout"}
REQUEST_MAX = 4 * 1024 * 1024


def parse_form(body):
    """PHP's parse_str: `a=1&b[]=2&b[]=3&c[d]=4`. A JSON body comes out as one strange key, as PHP would see it."""
    form = {}
    for pair in body.split("&"):
        key, _, value = pair.partition("=")
        key, value = urllib.parse.unquote_plus(key), urllib.parse.unquote_plus(value)
        name, bracket, rest = key.partition("[")
        if bracket and name and rest.endswith("]"):
            _put(form, [name, *rest[:-1].split("][")], value)
        elif key:
            form[key.replace(" ", "_").replace(".", "_")] = value
    return form


def _put(form, keys, value):
    """`a[b][]` one level at a time; numbers as keys make a list too."""
    for key, inner in zip(keys, keys[1:]):
        kind = list if inner == "" or inner.isdigit() else dict
        if isinstance(form, list):
            form.append(kind())
            form = form[-1]
        else:
            if not isinstance(form.get(key), kind):
                form[key] = kind()
            form = form[key]
    if isinstance(form, list):
        form.append(value)
    else:
        form[keys[-1]] = value


class Journal:
    """Every request and every effect, one JSON line each, written before the answer leaves. Passwords never get in."""

    def __init__(self, path, fsync):
        self.fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600) if path else -1
        self.fsync = fsync
        self.seq = 0
        self.lines = []  # kept only without a file

    def write(self, kind, fields):
        self.seq += 1
        line = json.dumps({"n": self.seq, "t": round(time.time(), 6), "kind": kind, **fields},
                          separators=(",", ":"), ensure_ascii=False)
        if self.fd < 0:
            self.lines.append(line)
            return
        os.write(self.fd, line.encode() + b"\n")
        if self.fsync:
            os.fsync(self.fd)

    def read(self):
        if self.fd < 0:
            return [json.loads(line) for line in self.lines]
        size = os.fstat(self.fd).st_size
        return [json.loads(line) for line in os.pread(self.fd, size, 0).splitlines()]

    def clear(self):
        self.lines.clear()
        if self.fd >= 0:
            os.ftruncate(self.fd, 0)


class Request:
    """One request as a platform's rules see it; @path: decoded, without the query, below the platform's PREFIX."""

    __slots__ = ("method", "target", "path", "headers", "body", "number", "_form", "_json", "_query")

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path = urllib.parse.unquote(target.partition("?")[0])
        self.number = 0
        self._form = self._json = self._query = self

    @property
    def query(self):
        """Name to last value."""
        if self._query is self:
            self._query = dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))
        return self._query

    def form(self):
        if self._form is self:
            self._form = parse_form(self.body)
        return self._form

    def json(self):
        """None when the body is no JSON."""
        if self._json is self:
            try:
                self._json = json.loads(self.body)
            except ValueError:
                self._json = None
        return self._json

    def content(self):
        """The body's members: JSON when it looks like an object or a list, else the form."""
        return self.json() if self.body[:1] in ("{", "[") else self.form()


def masked(value, secrets):
    """@value with what @secrets name written as ***, at any depth."""
    if isinstance(value, dict):
        return {k: "***" if k.lower() in secrets else masked(v, secrets) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, secrets) for v in value]
    return value


def scalars(value):
    """Every text and number in @value, as text."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from scalars(inner)
    elif value is not None:
        yield str(value)


class Api:
    """One platform behind HTTP: its journal, its faults and /_control/."""

    def __init__(self, platform_class, options):
        self.journal = Journal(options.journal, options.fsync)
        self.faults = faults.Faults()
        self.request_number = 0
        self.requests = 0
        self.ahead_s = 0
        options.now = lambda: time.time() + self.ahead_s
        self.platform = platform_class(options, self.effect)
        self.prefixes = [platform_class.PREFIX, *getattr(platform_class, "ALIASES", ())]
        self.secrets = {name.lower() for name in getattr(platform_class, "SECRETS", ("password",))}

    def effect(self, kind, **fields):
        self.journal.write("effect", {"effect": kind, "request": self.request_number, **fields})

    @staticmethod
    def is_control(request):
        return request.path.startswith("/_control/")

    def receive(self, request, connection):
        """Journals the request; its number is what its effects name."""
        self.requests += 1
        self.request_number = request.number = self.journal.seq + 1
        for prefix in self.prefixes:
            if request.path.startswith(prefix + "/"):
                request.path = request.path[len(prefix):]
                break
        named = self.named(request)
        self.journal.write("request", {"method": request.method, "path": self._shown(request.target),
                                       "form": masked(request.content(), self.secrets),
                                       "connection": connection[0], "on_connection": connection[1],
                                       "account": named[0] if named else ""})

    def _shown(self, target):
        """@target without what must not be kept."""
        path, mark, query = target.partition("?")
        pairs = [pair.partition("=") for pair in query.split("&")]
        return path + mark + "&".join(n + e + ("***" if n.lower() in self.secrets and v else v) for n, e, v in pairs)

    def named(self, request):
        """The ids that a request names; the first is the account that it is about."""
        own = getattr(self.platform, "named", None)
        if own is not None:
            return own(request)
        in_path = [part for part in request.path.rsplit("/", 1)[-1].split(",") if part]
        return [*in_path, *request.query.values(), *scalars(request.content())]

    def answer(self, request):
        """(status, extra headers, body): what the platform says, after its effects."""
        self.request_number = request.number
        return self.platform.handle(request)

    def unauthorized(self):
        return self.platform.unauthorized()

    def control(self, request):
        """(status, value) of a request under /_control/."""
        call = (request.method, request.path[len("/_control/"):])
        if call == ("GET", "journal"):
            since = int(request.query.get("since", "0"))
            return 200, [line for line in self.journal.read() if line["n"] > since]
        if call == ("GET", "state"):
            return 200, dict(self.platform.state(), requests=self.requests)
        if call == ("GET", "account"):
            return 200, self.platform.account(request.query.get("service", ""))
        if call == ("GET", "faults"):
            return 200, self.faults.list()
        if call == ("POST", "faults"):
            return self._add_faults(request)
        if call == ("DELETE", "faults"):
            self.faults.clear()
            return 200, {}
        if call == ("POST", "clock"):
            self.ahead_s += float(request.form().get("advance_s", 0))
            return 200, {"ahead_s": self.ahead_s}
        if call == ("POST", "reset"):
            self._reset()
            return 200, {}
        return self._own_control(request, call[1])

    def _add_faults(self, request):
        try:
            rules = json.loads(request.body)
            return 200, {"ids": self.faults.add(rules if isinstance(rules, list) else [rules])}
        except (ValueError, KeyError, TypeError, re.error) as e:
            return 400, {"error": str(e)}

    def _reset(self):
        self.ahead_s = 0
        self.platform.reset()
        self.faults.clear()
        self.journal.clear()
        self.requests = 0

    def _own_control(self, request, name):
        own = getattr(self.platform, "control", None)
        request.path = "/" + name
        self.request_number = 0
        return (own(request) if own else None) or (404, {"error": "no such control"})


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive. Pipelined requests are answered one after the other, in order."""

    count = 0

    def __init__(self, api):
        self.api = api
        self.data = b""
        self.transport = None
        self.busy = False
        self.served = 0
        Connection.count += 1
        self.number = Connection.count
        self.task = None

    def connection_made(self, transport):
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc):
        self.transport = None
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data):
        self.data = self.data + data if self.data else data
        if not self.busy:
            self.pump()

    def pump(self):
        while self.transport is not None and not self.busy and self.data:
            request = self.next_request()
            if request is None:
                return
            self.serve(request)

    def next_request(self):
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            if len(self.data) > REQUEST_MAX:
                self.send(400, (), b"", close=True)
            return None
        lines = self.data[:end].decode("latin-1").split("\r\n")
        start = lines[0].split(" ")
        if len(start) != 3:
            self.send(400, (), b"", close=True)
            return None
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body_at, length = end + 4, headers.get("content-length", "0")
        if "transfer-encoding" in headers:
            chunked = self.chunked(body_at)
            if chunked is None:
                return None
            body, rest = chunked
        elif not length.isdigit() or int(length) > REQUEST_MAX:
            self.send(400, (), b"", close=True)
            return None
        else:
            if len(self.data) < body_at + int(length):
                if headers.get("expect", "").lower() == "100-continue" and len(self.data) == body_at:
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return None
            rest = body_at + int(length)
            body = self.data[body_at:rest]
        self.data = self.data[rest:]
        target = start[1]
        if target.startswith("http://"):  # absolute form, as sent to a proxy
            target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
        return Request(start[0], target, headers, body.decode("utf-8", "replace"))

    def chunked(self, at):
        """(body, where the next request starts), None: more is to come."""
        body = b""
        while True:
            eol = self.data.find(b"\r\n", at)
            if eol < 0:
                return None
            size = int(self.data[at:eol].split(b";")[0] or b"0", 16)
            if len(self.data) < eol + 2 + size + 2:
                return None
            body += self.data[eol + 2:eol + 2 + size]
            at = eol + 2 + size + 2
            if size == 0:
                return body, at

    def serve(self, request):
        if self.api.is_control(request):
            status, value = self.api.control(request)
            self.send(status, (("Content-Type", "application/json"),), json.dumps(value).encode())
            return
        self.served += 1
        self.api.receive(request, (self.number, self.served))
        fault = self.api.faults.find(request, self.api.named)
        if fault is None:
            close = request.headers.get("connection", "").lower() == "close"
            self.send(*self.api.answer(request), close=close, head=request.method == "HEAD")
            return
        self.api.journal.write("fault", {"request": request.number, "action": fault["action"], "rule": fault["id"]})
        self.busy = True
        self.task = asyncio.ensure_future(self.fail(fault, request))

    async def fail(self, fault, request):
        await faults.play(fault, self, lambda: self.api.answer(request), self.api.unauthorized)
        self.task = None
        self.busy = False
        self.pump()

    def send(self, status, headers, body, close=False, head=False):
        if self.transport is None:
            return
        self.transport.write(self.head(status, headers, len(body), close) + (b"" if head else body))
        if close:
            self.transport.close()

    @staticmethod
    def head(status, headers, length, close=False):
        out = "HTTP/1.1 %d %s\r\n" % (status, REASONS.get(status, "Status"))
        out += "".join("%s: %s\r\n" % h for h in headers)
        out += "Content-Length: %d\r\n" % length
        out += "Connection: close\r\n\r\n" if close else "\r\n"
        return out.encode("latin-1")

    def cut(self):
        """Ends the connection without another byte."""
        if self.transport is not None:
            self.transport.abort()


async def run(api, port):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", port, backlog=1024, reuse_address=True)
    print("listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    stop = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stop.done() or stop.set_result(None))
    await stop
    server.close()


def main(platform_class, description):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--port", type=int, default=0, help="0 (default): a free one, printed on the first line")
    p.add_argument("--journal", metavar="FILE", help="append requests and effects as JSON lines")
    p.add_argument("--fsync", action="store_true", help="fsync each line of the journal before the answer")
    p.add_argument("--seed-data", metavar="FILE", help="JSON in place of the built-in data")
    if hasattr(platform_class, "add_options"):
        platform_class.add_options(p)
    options = p.parse_args()
    if options.seed_data:
        with open(options.seed_data, encoding="utf-8") as f:
            options.seed_data = json.load(f)
    sys.exit(asyncio.run(run(Api(platform_class, options), options.port)))
