#!/usr/bin/env python3
"""A stand-in for the Stalker (Ministra) middleware's REST API v1: `python3 stalker.py --port 0`.

HTTP in this file, the portal's rules in stalker_model.py, the faults that it can be told in faults.py. README.md has
the manual. Credentials come from the environment: STALKER_LOGIN, STALKER_PASSWORD; without a login the API is open,
as on the real portal.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.parse

import faults
import stalker_model

REASONS = {200: "OK", 202: "Accepted", 301: "Moved Permanently", 302: "Found", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 409: "Conflict", 422: "Unprocessable Entity",
           425: "Too Early", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable", 504: "Gateway Timeout"}
REQUEST_MAX = 4 * 1024 * 1024
PREFIXES = ("/stalker_portal/api/v1/", "/stalker_portal/api/", "/api/v1/", "/api/")


def parse_form(body):
    """PHP's parse_str: `a=1&b[]=2&b[]=3`. A JSON body comes out as one strange key, and that is what the portal sees."""
    form = {}
    for pair in body.split("&"):
        if not pair:
            continue
        key, _, value = pair.partition("=")
        key, value = urllib.parse.unquote_plus(key), urllib.parse.unquote_plus(value)
        if key.endswith("]") and "[" in key:
            name = key[:key.index("[")]
            if not isinstance(form.get(name), list):
                form[name] = []
            form[name].append(value)
        elif key:
            form[key.replace(" ", "_").replace(".", "_")] = value
    return form


def to_json(value):
    """As PHP writes it: ASCII only, slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


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
    __slots__ = ("method", "path", "headers", "body", "number")

    def __init__(self, method, path, headers, body, number):
        self.method, self.path, self.headers, self.body, self.number = method, path, headers, body, number


class Api:
    """The HTTP side of the portal: credentials, the switch `enable_api`, the body's form, and /_control/."""

    def __init__(self, options):
        data = None
        if options.seed_data:
            with open(options.seed_data, encoding="utf-8") as f:
                data = json.load(f)
        self.journal = Journal(options.journal, options.fsync)
        self.portal = stalker_model.Portal(data, self.effect, options.internal_billing)
        self.faults = faults.Faults()
        self.enabled = not options.api_off
        self.request_number = 0
        self.requests = 0
        login, password = os.environ.get("STALKER_LOGIN", ""), os.environ.get("STALKER_PASSWORD", "")
        self.credentials = base64.b64encode(("%s:%s" % (login, password)).encode()).decode() if login else None

    def effect(self, kind, **fields):
        self.journal.write("effect", {"effect": kind, "request": self.request_number, **fields})

    def is_control(self, request):
        return request.path.startswith("/_control/")

    def receive(self, request, connection):
        """Journals the request; its number is what its effects name."""
        self.requests += 1
        self.request_number = request.number = self.journal.seq + 1
        form = parse_form(request.body)
        shown = {k: "***" if k == "password" else v for k, v in form.items()} if request.body[:1] != "{" else {"json": True}
        path = request.path
        ids = path.rsplit("/", 1)[-1] if path.count("/") > 3 else ""
        self.journal.write("request", {"method": request.method, "path": path, "form": shown, "connection": connection[0],
                                       "on_connection": connection[1],
                                       "account": urllib.parse.unquote(ids) or form.get("login", "")})
        return form

    def answer(self, request, form):
        """(status, extra headers, body): what the portal says, after its effects."""
        self.request_number = request.number
        if not self.enabled:
            return 404, (("Content-Type", "text/html; charset=UTF-8"),), b"API not enabled"
        if self.credentials is not None and not self._let_in(request.headers.get("authorization", "")):
            return self.unauthorized()
        path = request.path.partition("?")[0]
        for prefix in PREFIXES:
            if path.startswith(prefix):
                reply = self.portal.handle(request.method, urllib.parse.unquote(path[len(prefix):]), form)
                return 200, (("Content-Type", "application/json"),), to_json(reply)
        return 404, (("Content-Type", "text/html; charset=UTF-8"),), b"<h1>Not Found</h1>"

    def unauthorized(self):
        body = to_json({"status": "ERROR", "results": "", "error": "401 Unauthorized request"})
        return 401, (("Content-Type", "application/json"),
                     ("WWW-Authenticate", 'Basic realm="Stalker API"')), body

    def _let_in(self, header):
        kind, _, value = header.partition(" ")
        return kind.lower() == "basic" and value.strip() == self.credentials

    def control(self, request):
        """(status, value) of a request under /_control/."""
        path, _, query = request.path.partition("?")
        call = (request.method, path[len("/_control/"):])
        if call == ("GET", "journal"):
            since = int(dict(urllib.parse.parse_qsl(query)).get("since", "0"))
            return 200, [line for line in self.journal.read() if line["n"] > since]
        if call == ("GET", "state"):
            return 200, dict(self.portal.state(), requests=self.requests)
        if call == ("GET", "faults"):
            return 200, self.faults.list()
        if call == ("POST", "faults"):
            try:
                rules = json.loads(request.body)
                return 200, {"ids": self.faults.add(rules if isinstance(rules, list) else [rules])}
            except (ValueError, KeyError, TypeError, re.error) as e:
                return 400, {"error": str(e)}
        if call == ("DELETE", "faults"):
            self.faults.clear()
            return 200, {}
        if call == ("POST", "reset"):
            self.portal.reset()
            self.faults.clear()
            self.journal.clear()
            self.requests = 0
            return 200, {}
        if call == ("POST", "password"):
            form = parse_form(request.body)
            return 200, {"good": self.portal.check_password(form.get("login", ""), form.get("password", ""))}
        if call == ("POST", "api"):
            self.enabled = parse_form(request.body).get("enabled") == "1"
            return 200, {"enabled": self.enabled}
        return 404, {"error": "no such control"}


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
        return Request(start[0], target, headers, body.decode("utf-8", "replace"), 0)

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
        form = self.api.receive(request, (self.number, self.served))
        fault = self.api.faults.find(request, form)
        if fault is None:
            close = request.headers.get("connection", "").lower() == "close"
            self.send(*self.api.answer(request, form), close=close, head=request.method == "HEAD")
            return
        self.api.journal.write("fault", {"request": request.number, "action": fault["action"], "rule": fault["id"]})
        self.busy = True
        self.task = asyncio.ensure_future(self.fail(fault, request, form))

    async def fail(self, fault, request, form):
        await faults.play(fault, self, lambda: self.api.answer(request, form), self.api.unauthorized)
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


async def run(options):
    loop = asyncio.get_running_loop()
    api = Api(options)
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", options.port, backlog=1024,
                                      reuse_address=True)
    print("listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    stop = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stop.done() or stop.set_result(None))
    await stop
    server.close()


def main():
    p = argparse.ArgumentParser(description="Stand-in for the Stalker REST API v1. Credentials: environment "
                                            "STALKER_LOGIN and STALKER_PASSWORD.")
    p.add_argument("--port", type=int, default=0, help="0 (default): a free one, printed on the first line")
    p.add_argument("--journal", metavar="FILE", help="append requests and effects as JSON lines")
    p.add_argument("--fsync", action="store_true", help="fsync each line of the journal before the answer")
    p.add_argument("--seed-data", metavar="FILE", help="JSON: packages, tariffs, services, channels, accounts")
    p.add_argument("--api-off", action="store_true", help="enable_api=false: 404 to everything")
    p.add_argument("--internal-billing", action="store_true", help="enable_internal_billing: end_date is shown")
    sys.exit(asyncio.run(run(p.parse_args())))


if __name__ == "__main__":
    main()
