#!/usr/bin/env python3
"""A platform for the fault tests: one request of each class of repeating; writes each request's effect to its journal,
one line by one write() to a file opened with O_APPEND, before it answers.

usage: standin.py --journal FILE [--port N] [--seed N]
Prints `listening on HOST:PORT` and `control on HOST:PORT`.

A line of the journal: {"n": number, "t": ns since 1970, "op", "service", "id", "order", "value", "done": did it take
effect, "again": an idempotency key that was seen before, "fault": what was done to the answer}.

Control: POST / with {"rules": [...], "delay_ms": [least, most], "down": null | "refuse" | "hang" | "503"}, all optional;
GET / gives the counts, and the ports of clients whose request is not answered. A rule is {"action": NAME, "op": NAME or absent, "service": prefix or absent, "p": share of the
requests that match, "times": how often at most (0: for ever), ...}. ACTIONS names what there is.
"""
import argparse
import asyncio
import json
import os
import random
import socket
import struct
import time

ACTIONS = {
    "rst": "done, then the connection is reset",
    "fin": "done, then the connection is closed",
    "hang": "done, never answered",
    "garbage": "done, then bytes that are not HTTP",
    "cut_header": "done, then half of the header",
    "partial_body": "done, then half of the body",
    "wrong_reference": "done, but the answer names another event",
    "trickle": "done, then the answer at one byte a second",
    "endless": "done, then a body without end",
    "html": "done, then 200 with an HTML page",
    "500_done": "done, but 500",
    "hold": "done; answered once the rules are replaced",
    "late": "hangs up at once, and does it `late_ms` after that",
    "rst_before": "reset, nothing done",
    "500": "500, nothing done",
    "503": "503 without Retry-After, nothing done",
    "429": "429 with Retry-After: `after` seconds, nothing done",
    "422": "422, nothing done",
}
NOT_DONE = {"rst_before", "500", "503", "429", "422"}
KEYED = {"order", "reserve"}
PATHS = {"set", "order", "plan", "message", "reserve", "attach"}


class Platform:
    def __init__(self, journal, seed, port):
        self.fd = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.random = random.Random(seed)
        self.rules, self.delay_ms, self.down = [], (0, 0), None
        self.n, self.keys, self.plans, self.counts = 0, {}, {}, {}
        self.open_connections, self.held, self.in_work = set(), [], set()
        self.socket, self.port = None, port

    # ---- what it does ----

    def fault_for(self, op, service):
        for rule in self.rules:
            if rule.get("op") not in (None, op) or not service.startswith(rule.get("service", "")):
                continue
            if rule.get("times", 0) and rule["used"] >= rule["times"]:
                continue
            if self.random.random() < rule.get("p", 1):
                rule["used"] += 1
                return rule
        return None

    def do(self, op, service, job, key, done, fault):
        """The effect, journalled; the number that is given back."""
        self.n += 1
        number, again = self.n, False
        if done and op in KEYED and key:
            again = (service, key) in self.keys
            number = self.keys.setdefault((service, key), self.n)
        if done and op == "plan":
            self.plans[service] = job.get("value")
        line = {"n": self.n, "t": time.time_ns(), "op": op, "service": service, "id": job.get("id"),
                "order": job.get("order"), "value": job.get("value"), "done": done and not again}
        if again:
            line["again"] = True
        if fault:
            line["fault"] = fault
        os.write(self.fd, json.dumps(line, separators=(",", ":")).encode() + b"\n")
        return number

    def control(self, value):
        if "rules" in value:
            for rule in value["rules"]:
                if rule.get("action") not in ACTIONS:
                    raise ValueError(f"action must be one of {', '.join(ACTIONS)}")
            self.rules = [dict(rule, used=0) for rule in value["rules"]]
            for answer in self.held:
                answer()
            self.held = []
        if "delay_ms" in value:
            self.delay_ms = tuple(value["delay_ms"])
        if "down" in value:
            self.down = value["down"]
            self.listen(self.down != "refuse")

    def listen(self, wanted):
        """Nobody listens, and what is open is cut: so it is when the platform's machine is restarted."""
        if wanted and self.socket is None:
            self.socket = socket.create_server(("127.0.0.1", self.port), backlog=1024)
            self.port = self.socket.getsockname()[1]
            self.socket.setblocking(False)
            self.accepting = asyncio.get_running_loop().create_task(self.accept(self.socket))
        elif not wanted and self.socket is not None:
            self.accepting.cancel()
            self.socket.close()
            self.socket = None
            for connection in list(self.open_connections):
                connection.transport.abort()

    async def accept(self, listening):
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(listening)
            await loop.connect_accepted_socket(lambda: Connection(self, "platform"), peer)

    def count(self, op):
        self.counts[op] = self.counts.get(op, 0) + 1


class Connection(asyncio.Protocol):
    """HTTP/1.1 as libcurl speaks it: one request at a time, a body with Content-Length."""

    def __init__(self, platform, serve):
        self.platform, self.serve = platform, serve
        self.transport, self.data, self.port = None, b"", 0

    def connection_made(self, transport):
        self.transport = transport
        if self.serve == "platform":
            self.platform.open_connections.add(self)
        sock, self.port = transport.get_extra_info("socket"), transport.get_extra_info("peername")[1]
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, why):
        self.platform.open_connections.discard(self)
        self.platform.in_work.discard(self.port)
        self.transport = None

    def data_received(self, data):
        self.data += data
        while self.transport is not None:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.data[:end].split(b"\r\n")
            headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(b":") for line in head[1:])}
            size = int(headers.get(b"content-length", b"0"))
            if len(self.data) < end + 4 + size:
                return
            body, self.data = self.data[end + 4:end + 4 + size], self.data[end + 4 + size:]
            method, path = head[0].split(b" ")[:2]
            if self.serve == "control":
                self.on_control(method.decode(), body)
            else:
                self.on_request(method.decode(), path.decode(), headers, body)

    # ---- answers ----

    @staticmethod
    def text(status, value, headers=b""):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return b"HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (
            status, len(body), headers) + body

    def write(self, data):
        self.platform.in_work.discard(self.port)
        if self.transport is not None:
            self.transport.write(data)

    def close(self):
        if self.transport is not None:
            self.transport.close()

    def reset(self):
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    async def trickle(self, data):
        for i in range(len(data)):
            if self.transport is None:
                return
            self.write(data[i:i + 1])
            await asyncio.sleep(1)

    async def endless(self):
        self.write(b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        block = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        while self.transport is not None:
            self.write(block)
            await asyncio.sleep(0.01 if self.transport.get_write_buffer_size() > 1 << 20 else 0)

    # ---- requests ----

    def on_control(self, method, body):
        p = self.platform
        try:
            if method == "POST":
                p.control(json.loads(body))
            self.write(self.text(200, {"counts": p.counts, "requests": p.n, "connections": len(p.open_connections),
                                       "in_work": sorted(p.in_work),
                                       "used": [r["used"] for r in p.rules]}))
        except (ValueError, TypeError) as why:
            self.write(self.text(400, {"error": str(why)}))

    def on_request(self, method, path, headers, body):
        p, parts = self.platform, path.strip("/").split("/")
        if p.down == "hang":
            p.count("hung")
            return
        if p.down == "503":
            p.count("refused")
            self.write(self.text(503, {}))
            return
        if method == "GET":
            p.count(f"get {parts[0]}")
            value = {"ok": True, "plan": p.plans.get(parts[1])} if parts[0] == "plan" else {"ok": True}
            self.write(self.text(200, value))
            return
        if parts[0] not in PATHS or len(parts) < 2:
            self.write(self.text(404, {}))
            return
        op, service = parts[0], parts[1]
        p.count(op)
        p.in_work.add(self.port)
        job, key = json.loads(body), headers.get(b"idempotency-key")
        least, most = p.delay_ms
        if most <= 0:
            self.work(op, service, job, key, None)
            return
        delay = p.random.uniform(least, most) / 1000
        # Some of the time passes before the effect, the rest after it.
        before = p.random.random() * delay
        asyncio.get_running_loop().call_later(before, self.work, op, service, job, key, delay - before)

    def work(self, op, service, job, key, pause):
        p = self.platform
        rule = p.fault_for(op, service)
        action = rule["action"] if rule else None
        if action == "late":
            asyncio.get_running_loop().call_later(rule.get("late_ms", 500) / 1000, p.do, op, service, job, key, True, "late")
            self.reset()
            return
        number = p.do(op, service, job, key, action not in NOT_DONE, action)
        if pause:
            asyncio.get_running_loop().call_later(pause, self.answer, job, number, rule)
        else:
            self.answer(job, number, rule)

    def answer(self, job, number, rule):
        action = rule["action"] if rule else None
        good = self.text(200, {"ok": True, "id": job.get("id"), "number": str(number)})
        loop = asyncio.get_running_loop()
        if action is None:
            self.write(good)
        elif action in ("rst", "rst_before"):
            self.reset()
        elif action == "fin":
            self.close()
        elif action == "garbage":
            self.write(b"\x16\x03\x01\x00 this is not HTTP \x00\xff\r\n\r\n")
            self.close()
        elif action == "cut_header":
            self.write(good[:24])
            self.close()
        elif action == "partial_body":
            self.write(good[:-9])
            self.close()
        elif action == "wrong_reference":
            self.write(self.text(200, {"ok": True, "id": "somebody-else", "number": "0"}))
        elif action == "html":
            self.write(self.text(200, b"<html><body>Fatal error: out of memory</body></html>"))
        elif action == "trickle":
            self.task = loop.create_task(self.trickle(good))
        elif action == "endless":
            self.task = loop.create_task(self.endless())
        elif action == "hold":
            self.platform.held.append(lambda: self.write(good))
        elif action in ("500_done", "500"):
            self.write(self.text(500, {"error": "down"}))
        elif action == "503":
            self.write(self.text(503, {}))
        elif action == "429":
            self.write(self.text(429, {}, b"Retry-After: %d\r\n" % rule.get("after", 1)))
        elif action == "422":
            self.write(self.text(422, {"error": "no"}))


async def run(a):
    platform = Platform(a.journal, a.seed, a.port)
    platform.listen(True)
    loop = asyncio.get_running_loop()
    control = await loop.create_server(lambda: Connection(platform, "control"), "127.0.0.1", 0)
    print("listening on 127.0.0.1:%d" % platform.port)
    print("control on 127.0.0.1:%d" % control.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def main():
    p = argparse.ArgumentParser(prog="standin.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--journal", required=True)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--seed", default="0")
    try:
        asyncio.run(run(p.parse_args()))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
