"""Plays a pack's workflows through `tvbridge pack try`, which shows requests and results and sends nothing."""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TVB_BIN") or os.path.join(os.environ.get("TVB_BUILD") or os.path.join(ROOT, "build"), "release", "bin")
TVBRIDGE = os.path.join(BIN, "tvbridge")
REPLIES_MAX = 40

sys.path.insert(0, os.path.join(ROOT, "tests", "providers"))

import client  # noqa: E402  (the path comes first)


class Wrong(AssertionError):
    """What a play did that it should not have done."""


def pack_folder(name):
    return os.path.join(ROOT, "schemas", "providers", name)


def uses_another(pack):
    """Whether its documents are another pack's, which its settings.yaml names."""
    return not os.path.exists(os.path.join(pack_folder(pack), "workflows.arazzo.yaml"))


class Try:
    """One run of a workflow: give() it replies one by one; @shown is what `pack try` says after them."""

    def __init__(self, pack, workflow, inputs, base_url):
        self.folder = tempfile.TemporaryDirectory()
        self.command = [TVBRIDGE, "pack", "try", pack_folder(pack), workflow, "--json", "--base-url", base_url]
        for name in ("data", "record", "settings"):
            if name in inputs:
                self.command += ["--" + name, json.dumps(inputs[name])]
        if "subject" in inputs:
            self.command += ["--subject", inputs["subject"]]
        self.replies = []
        self.shown = self._show()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.folder.cleanup()

    def _show(self):
        command = list(self.command)
        for path in self.replies:
            command += ["--reply", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if "not asked for" in done.stderr:
            raise Wrong("the run had ended before its last reply: %s" % done.stdout[:800])
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Wrong("pack try (exit %d) said: %s%s" % (done.returncode, done.stdout[:500], done.stderr[:500])) from None

    def state(self):
        """call, retry (the same step is wanted again later), unknown (no criterion knows the answer) or end."""
        if self.shown["state"] == "waits for a reply":
            earlier = self.shown["calls"][:-1]
            return "retry" if earlier and "again_after_ms" in earlier[-1] else "call"
        return {"unknown answer": "unknown"}.get(self.shown["state"], self.shown["state"])

    def request(self):
        return self.shown["calls"][-1]

    def result(self):
        return {"kind": self.shown.get("outcome"), **{k: self.shown.get(k) for k in ("reason", "detail", "outputs", "record", "waits_until", "later")}}

    def give(self, status, headers, body):
        """@body: bytes."""
        if len(self.replies) >= REPLIES_MAX:
            raise Wrong("more than %d calls" % REPLIES_MAX)
        path = os.path.join(self.folder.name, "reply-%d.http" % (len(self.replies) + 1))
        with open(path, "wb") as f:
            f.write(("HTTP/1.1 %d X\r\n" % status).encode())
            for name, value in headers:
                f.write(("%s: %s\r\n" % (name, value)).encode())
            f.write(b"\r\n" + body)
        self.replies.append(path)
        self.shown = self._show()


def same_body(sent, wanted):
    """@wanted: JSON, or a form as plain text, where only & and % themselves are written as %26 and %25."""
    if wanted.startswith("{"):
        return json.loads(sent or "null") == json.loads(wanted)
    pairs = [tuple(map(urllib.parse.unquote, pair.partition("=")[::2])) for pair in wanted.split("&") if pair]
    return urllib.parse.parse_qsl(sent or "", keep_blank_values=True) == pairs


# ---- recorded cases ------------------------------------------------------------------------------------------------------


def read_cases(path):
    """Cases of a .case file. README.md of this folder has the format."""
    cases, case = [], None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("=== "):
                case = {"title": line[4:], "inputs": {}, "steps": [], "end": None, "where": "%s:%d" % (path, number)}
                cases.append(case)
                continue
            _read_line(case, line, "%s:%d" % (path, number))
    return cases


def _read_line(case, line, where):
    if line.startswith("> "):
        method, _, rest = line[2:].partition(" ")
        path, _, body = rest.partition(" ")
        case["steps"].append({"method": method, "path": path, "body": body, "replies": []})
    elif line.startswith("< "):
        status, _, body = line[2:].partition(" ")
        case["steps"][-1]["replies"].append((int(status), body))
    elif line.startswith("end: "):
        kind, _, reason = line[5:].partition(" ")
        case["end"] = {"kind": kind, "reason": reason}
    else:
        key, colon, value = line.partition(": ")
        if not colon:
            raise ValueError("%s: not understood" % where)
        target = case["inputs"] if case["end"] is None and not case["steps"] else case["end"]
        target[key] = value if key in ("type", "subject") else json.loads(value)


def play_case(pack, case):
    base = "http://portal.test/stalker_portal/api"
    with Try(pack, case["inputs"]["type"], case["inputs"], base) as run:
        for step in case["steps"]:
            if run.state() not in ("call", "retry"):
                raise Wrong("wanted %s %s, but the run is at %s: %s" % (step["method"], step["path"], run.state(),
                                                                       json.dumps(run.result())))
            sent = run.request()
            _compare_request(sent, step, base)
            for status, body in step["replies"]:
                kind = "application/json" if body[:1] in "{[" else "text/html"
                run.give(status, (("Content-Type", kind),), body.encode())
        _compare_end(run, case["end"])


def _compare_request(sent, step, base):
    path = urllib.parse.unquote(sent["url"][len(base):]) if sent["url"].startswith(base) else sent["url"]
    if (sent["method"], path) != (step["method"], step["path"]):
        raise Wrong("wanted %s %s, got %s %s" % (step["method"], step["path"], sent["method"], path))
    if not same_body(sent.get("body"), step["body"]):
        raise Wrong("%s %s: wanted body %s, got %s" % (step["method"], step["path"], step["body"], sent.get("body")))


def _compare_end(run, end):
    if end["kind"] in ("retry", "unknown", "call"):
        if run.state() != end["kind"]:
            raise Wrong("wanted state %s, got %s %s" % (end["kind"], run.state(), json.dumps(run.result())))
        if run.shown.get("judged_status") != end.get("status", run.shown.get("judged_status")):
            raise Wrong("wanted it judged as status %s, got %s" % (end["status"], run.shown.get("judged_status")))
        return
    if run.state() != "end":
        raise Wrong("wanted the end, but the run is at %s: %s" % (run.state(), json.dumps(run.request())))
    result = run.result()
    if (result["kind"], result["reason"]) != (end["kind"], end["reason"]):
        raise Wrong("wanted %s %s, got %s" % (end["kind"], end["reason"], json.dumps(result)))
    for name in ("record", "outputs", "waits_until", "later"):
        if name in end and result.get(name) != end[name]:
            raise Wrong("wanted %s %s, got %s" % (name, json.dumps(end[name]), json.dumps(result.get(name))))
    if "detail" in end and not re.search(end["detail"], result.get("detail") or ""):
        raise Wrong("wanted detail %s, got %s" % (end["detail"], result.get("detail")))


# ---- live ----------------------------------------------------------------------------------------------------------------


class Portal(client.Program):
    """The Stalker stand-in, and runs of the pack against it."""

    LOGIN, PASSWORD = "billing", "test-only"

    def __init__(self):
        super().__init__("stalker.py", {"STALKER_LOGIN": self.LOGIN, "STALKER_PASSWORD": self.PASSWORD})
        self.base = self.url + "/stalker_portal/api"
        self.token = "Basic " + base64.b64encode(("%s:%s" % (self.LOGIN, self.PASSWORD)).encode()).decode()

    def relay(self, request):
        """The answer to a request that `pack try` shows, whose credentials it does not."""
        parts = urllib.parse.urlsplit(request["url"])
        headers = {h["name"]: h["value"] for h in request["headers"]}
        path = parts.path + ("?" + parts.query if parts.query else "")
        return self.send(request["method"], path, request.get("body"), {**headers, "Authorization": self.token})

    def api(self, method, path, form=None):
        return json.loads(self.send(method, "/stalker_portal/api/" + path, form, {"Authorization": self.token})[2])

    def reset(self):
        self.control("POST", "reset")

    def accounts(self):
        return self.control("GET", "state")["accounts"]

    def password_good(self, login, password):
        form = urllib.parse.urlencode({"login": login, "password": password})
        return self.control("POST", "password", form)["good"]

    def effects(self):
        return self.lines("effect")

    def play(self, workflow, **inputs):
        """Runs a workflow to its end against the stand-in; its result, and `calls` in it."""
        inputs.setdefault("subject", "70001")
        with Try("stalker", workflow, inputs, self.base) as run:
            calls = 0
            while run.state() == "call":
                calls += 1
                run.give(*self.relay(run.request()))
            if run.state() != "end":
                raise Wrong("%s stopped at %s: %s" % (workflow, run.state(), json.dumps(run.shown)[:800]))
            return dict(run.result(), calls=calls)


def merge_patch(target, patch):
    """RFC 7396."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = merge_patch(target[key] if isinstance(target.get(key), dict) else {}, value)
        else:
            target[key] = value
    return target
