"""A platform under test: its profile, its stand-in, and plays of the pack against it by `tvbridge pack play`."""

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("TVB_BIN") or os.path.join(os.environ.get("TVB_BUILD") or os.path.join(ROOT, "build"), "release", "bin")
TVBRIDGE = os.path.join(BIN, "tvbridge")
PLAY_TIMEOUT_S = 120

sys.path.insert(0, HERE)

import client  # noqa: E402  (the path comes first)


class Wrong(AssertionError):
    """What a pack did that it should not have done."""


def same(what, got, want):
    if got != want:
        raise Wrong("%s: wanted %s, got %s" % (what, json.dumps(want), json.dumps(got)))


def names():
    """Of all packs that have a profile."""
    return sorted(f[:-3] for f in os.listdir(os.path.join(HERE, "profiles")) if f.endswith(".py"))


def packs():
    """Of all packs."""
    folder = os.path.join(ROOT, "schemas", "providers")
    return sorted(d for d in os.listdir(folder) if os.path.isdir(os.path.join(folder, d)))


def named_folder(folder):
    """The folder whose documents a pack uses, where it has none of its own; None: its own."""
    settings = os.path.join(folder, "settings.yaml")
    if not os.path.exists(settings):
        return None
    with open(settings, encoding="utf-8") as f:
        named = re.search(r"^pack: (\S+)$", f.read(), re.M)
    return os.path.join(os.path.dirname(folder), named[1]) if named else None


class Profile:
    """profiles/<pack>.py, with what it does not say; README.md of this folder has the members."""

    STANDARD = {"ENVIRONMENT": {}, "FLAGS": (), "CREDENTIALS": {}, "SETTINGS": {}, "SERVICE": "70001", "BASE": None,
                "PACKAGE": None, "UNKNOWN_PACKAGE": "no-such-package", "PLAN": None, "REFUSES": {}, "ERRORS": [], "HELD": False,
                "BLOCK": {"reason": "delinquency", "scope": "total"}, "UNBLOCK": {"reason": "delinquency"},
                "BLOCKED": {"status": "suspended"}, "DELETED": {"exists": False}, "CREATES": ("create",), "FAULTS": None,
                "REPLACES": False, "FORGOTTEN": None, "ASKS": False, "STANDIN": None}

    def __init__(self, pack):
        module = importlib.import_module("profiles." + pack)
        self.pack = pack
        self.folder = os.path.join(ROOT, "schemas", "providers", pack)
        self.first_access = getattr(module, "first_access", None)
        for name, standard in self.STANDARD.items():
            setattr(self, name, getattr(module, name, standard))
        for name in ("CREATE", "EXPECT", "STORY"):
            setattr(self, name, getattr(module, name))
        self.refused = {w: row if isinstance(row, tuple) else (row, {}) for w, row in self.REFUSES.items()}
        self.types = [w for w in self._workflows() if w not in self.REFUSES]
        if self.BASE is None and not self.ASKS:
            self.BASE = importlib.import_module(self.STANDIN[:-3] + "_model").Platform.PREFIX

    def _workflows(self):
        done = subprocess.run([TVBRIDGE, "pack", "check", "--json", self.folder], capture_output=True, text=True, check=False)
        answer = json.loads(done.stdout)
        if not answer["good"]:
            raise Wrong("pack check: %s" % answer["faults"])
        self.workflows = answer["workflows"]
        return self.workflows

    def readme(self):
        """The pack's, and that of the pack whose documents it uses (settings.yaml)."""
        text = ""
        for folder in filter(None, (self.folder, named_folder(self.folder))):
            with open(os.path.join(folder, "README.md"), encoding="utf-8") as f:
                text += f.read()
        return text

    def secrets(self):
        """Values that must never be shown."""
        found = [v for parts in self.CREDENTIALS.values() for v in parts.values()]
        return [v for v in found if len(v) > 5]


class Play(dict):
    """The report of one play."""

    def kind(self):
        """What came of it: the outcome's kind, or the state in which it was given up."""
        return self["outcome"] if self["state"] == "end" else self["state"]

    def changing(self):
        """The requests that may change something, without those of its questions."""
        return [c for c in self["calls"] if c["repeat"] != "read" and "workflow" not in c]

    def ends(self, *kinds, reason=None):
        if self.kind() not in kinds or (reason is not None and self["reason"] != reason):
            wanted = " or ".join(kinds) + (" " + reason if reason else "")
            raise Wrong("%s: wanted %s, got %s %s; last calls: %s" % (
                self["workflow"], wanted, self.kind(), self.get("reason"), json.dumps(self["calls"][-2:])[:1500]))
        return self


class Place:
    """One running stand-in; reset() makes it new."""

    def __init__(self, profile):
        self.profile = profile
        self.folder = tempfile.TemporaryDirectory()
        self.events = 0
        self.reasons = set()
        self._start()
        self.good = self._write("credentials.json", profile.CREDENTIALS)
        wrong = {scheme: {part: "wrong-" + value for part, value in parts.items()} for scheme, parts in profile.CREDENTIALS.items()}
        self.wrong = self._write("wrong.json", wrong)

    def _start(self):
        p = self.profile
        self.program = client.Program(p.STANDIN, p.ENVIRONMENT, *p.FLAGS)
        self.control = self.program.control
        self.base = self.program.url + p.BASE

    def _write(self, name, value):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(value, f)
        return path

    def stop(self):
        self.program.stop()
        self.folder.cleanup()

    def reset(self):
        self.control("POST", "reset")
        self.events = 0

    def play(self, workflow, data, record, service=None, number=None, credentials=None, lose=0, crash=False, settings=None):
        """@number: of the event; another one each time, unless given."""
        if number is None:
            self.events += 1
            number = self.events
        p = self.profile
        event = {"id": "e%d" % number, "source": "/conformance", "provider": p.pack, "time": "2026-11-22T10:00:00Z"}
        command = [TVBRIDGE, "pack", "play", p.folder, workflow, "--json", "--no-wait", "--subject", service or p.SERVICE,
                   "--event", json.dumps(event), "--data", json.dumps(data), "--record", json.dumps(record),
                   "--settings", json.dumps(p.SETTINGS if settings is None else settings)]
        command += ["--base-url", self.base] if self.base else []
        if p.CREDENTIALS:
            command += ["--credentials", "@" + (credentials or self.good)]
        command += ["--lose", str(lose)] if lose else []
        command += ["--crash"] if crash else []
        return self._read(workflow, subprocess.run(command, capture_output=True, text=True, timeout=PLAY_TIMEOUT_S, check=False))

    def _read(self, workflow, done):
        for secret in self.profile.secrets():
            if secret in done.stdout or secret in done.stderr:
                raise Wrong("%s: a credential is shown" % workflow)
        try:
            report = Play(json.loads(done.stdout))
        except ValueError:
            raise Wrong("%s: exit %d: %s%s" % (workflow, done.returncode, done.stdout[:500], done.stderr[:500])) from None
        if report.get("reason"):
            self.reasons.add(report["reason"])
        return report

    def account(self, service=None):
        return self.program.account(service or self.profile.SERVICE)

    def state(self):
        """All that the platform knows."""
        return {k: v for k, v in self.control("GET", "state").items() if k != "requests"}

    def now(self):
        """A place in the journal, for effects() and requests()."""
        return self.control("GET", "journal")[-1:]

    def lines(self, kind, since):
        return self.program.lines(kind, since[0]["n"] if since else 0)

    def effects(self, since=()):
        return self.lines("effect", since)

    def faults(self, *rules):
        self.control("POST", "faults", list(rules))

    def no_faults(self):
        self.control("DELETE", "faults")
