"""Faults that a stand-in can be told: which request fails, how often, and how.

A rule is {"match": {...}, "times": N, "skip": N, "action": NAME, ...its numbers}. README.md lists the actions.
"""

import asyncio
import re

ACTIONS = {
    "status": "an HTTP status instead of an answer; no effect unless `effect` is true",
    "delay": "wait delay_ms, then serve as usual",
    "delay_after": "serve, then wait delay_ms before the answer leaves",
    "cut_before": "end the connection before the effect",
    "cut_after": "end the connection after the effect, before the first byte of the answer",
    "garbage": "bytes that are not HTTP, after the effect",
    "not_json": "200 with an HTML page, after the effect",
    "noise": "200 with the portal's `output` key filled, after the effect",
    "huge": "200 with a body of `bytes` (default 100 MB), after the effect",
    "partial_body": "half of the body, then the end, after the effect",
    "cut_header": "half of the header, then the end, after the effect",
    "empty_body": "200 with no body at all, after the effect",
    "unauthorized": "401 as the portal says it; no effect",
    "slow": "the answer at one byte each interval_ms (default 1000), after the effect",
    "retry_after": "503 (or `status`) with Retry-After: `after` (seconds or date, default 1); no effect",
    "api_off": "404 `API not enabled`; no effect",
}
PARAMETERS = {"match", "times", "skip", "action", "status", "body", "headers", "delay_ms", "effect", "bytes",
              "interval_ms", "after"}


class Faults:
    def __init__(self):
        self.rules = []
        self.last_id = 0

    def add(self, rules):
        made = []
        for rule in rules:
            made.append(self._checked(rule))
        for rule in made:
            self.last_id += 1
            rule["id"] = self.last_id
            self.rules.append(rule)
        return [rule["id"] for rule in made]

    @staticmethod
    def _checked(rule):
        unknown = set(rule) - PARAMETERS
        if unknown:
            raise ValueError("unknown member: %s" % ", ".join(sorted(unknown)))
        if rule.get("action") not in ACTIONS:
            raise ValueError("action must be one of: %s" % ", ".join(sorted(ACTIONS)))
        match = rule.get("match", {})
        unknown = set(match) - {"method", "path", "body", "account"}
        if unknown:
            raise ValueError("unknown member of match: %s" % ", ".join(sorted(unknown)))
        made = dict(rule, used=0, seen=0)
        made["pattern"] = {k: re.compile(match[k]) for k in ("path", "body") if k in match}
        return made

    def list(self):
        return [{k: v for k, v in rule.items() if k != "pattern"} for rule in self.rules]

    def clear(self):
        self.rules.clear()

    def find(self, request, named):
        """The first rule that matches and is not used up; it is counted. times 0: for ever. @named(request): its ids."""
        for rule in self.rules:
            if rule.get("times", 1) and rule["used"] >= rule.get("times", 1):
                continue
            if not self._matches(rule, request, named):
                continue
            rule["seen"] += 1
            if rule["seen"] <= rule.get("skip", 0):
                continue
            rule["used"] += 1
            return rule
        return None

    @staticmethod
    def _matches(rule, request, named):
        match = rule.get("match", {})
        if "method" in match and request.method != match["method"].upper():
            return False
        if "path" in match and not rule["pattern"]["path"].search(request.target):
            return False
        if "body" in match and not rule["pattern"]["body"].search(request.body):
            return False
        return "account" not in match or match["account"] in named(request)


def _reply(c, reply):
    c.send(*reply)


async def play(fault, c, answer, unauthorized):
    """@c: a connection with head(), send(), cut() and transport. @answer(): makes the effect and gives the reply."""
    action, wait = fault["action"], fault.get("delay_ms", 0) / 1000
    if action != "delay_after" and wait:
        await asyncio.sleep(wait)
    if action == "cut_before":
        c.cut()
    elif action == "unauthorized":
        _reply(c, unauthorized())
    elif action == "api_off":
        c.send(404, (("Content-Type", "text/html; charset=UTF-8"),), b"API not enabled")
    elif action == "retry_after":
        c.send(fault.get("status", 503), (("Retry-After", str(fault.get("after", 1))),), b"")
    elif action == "status":
        if fault.get("effect"):
            answer()
        headers = tuple(fault.get("headers", {"Content-Type": "text/html"}).items())
        c.send(fault.get("status", 500), headers, fault.get("body", "").encode())
    else:
        await _after_effect(fault, c, answer(), wait)


async def _after_effect(fault, c, reply, wait):
    status, headers, body = reply
    action = fault["action"]
    if action == "delay_after":
        await asyncio.sleep(wait)
        _reply(c, reply)
    elif action == "delay":
        _reply(c, reply)
    elif action == "cut_after":
        c.cut()
    elif action == "garbage":
        _write_and_close(c, b"\x16\x03\x01\x00 this is not HTTP \x00\xff\r\n\r\n")
    elif action == "not_json":
        c.send(200, (("Content-Type", "text/html"),), b"<html><body>Fatal error: out of memory</body></html>")
    elif action == "empty_body":
        c.send(200, headers, b"")
    elif action == "noise":
        c.send(status, headers, body[:-1] + b',"output":"bool(true)\\n"}')
    elif action == "partial_body":
        _write_and_close(c, c.head(status, headers, len(body)) + body[:len(body) // 2])
    elif action == "cut_header":
        _write_and_close(c, c.head(status, headers, len(body))[:24])
    elif action == "huge":
        await _huge(c, fault.get("bytes", 100 * 1000 * 1000))
    elif action == "slow":
        await _slow(c, c.head(status, headers, len(body)) + body, fault.get("interval_ms", 1000) / 1000)


def _write_and_close(c, data):
    if c.transport is not None:
        c.transport.write(data)
        c.transport.close()


async def _slow(c, data, interval):
    for i in range(len(data)):
        if c.transport is None:
            return
        c.transport.write(data[i:i + 1])
        await asyncio.sleep(interval)


async def _huge(c, size):
    """A true JSON answer of that size, written no faster than it is read."""
    start, end = b'{"status":"OK","results":true,"output":"', b'"}'
    if c.transport is None:
        return
    c.transport.write(c.head(200, (("Content-Type", "application/json"),), size) + start)
    left = size - len(start) - len(end)
    block = b"x" * 65536
    while left > 0 and c.transport is not None:
        c.transport.write(block[:left])
        left -= min(left, len(block))
        while c.transport is not None and c.transport.get_write_buffer_size() > 1 << 20:
            await asyncio.sleep(0.005)
    if c.transport is not None:
        c.transport.write(end)
