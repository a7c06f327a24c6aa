"""A platform that is not called but asks: its place is what `tvbridge serve` would answer it, from the records that the pack makes.

tvb-entitlement (../entitlement.c) keeps passwords as the worker does and answers as the gateway does, without Kafka and HTTP.
"""

import json
import os
import subprocess

from suite.place import BIN, Place, Wrong

NOW = "2026-11-22T10:00:00Z"
NOBODY = {"exists": False}
STATUS = {"blocked": "suspended", "suspended": "suspended", "inactive": "inactive"}


class Gateway:
    """What answers; it knows only the records that it was told."""

    def __init__(self, provider):
        program = os.path.join(BIN, "tvb-entitlement")
        self.process = subprocess.Popen([program, provider], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, **line):
        print(json.dumps(line), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise Wrong("tvb-entitlement ended at %s" % json.dumps(line))
        return json.loads(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Asked(Place):
    """Its account is the answer to its question; an effect is that this answer is another than before."""

    base = ""

    def _start(self):
        self.gateway = Gateway(self.profile.pack)
        self.signs_in, self.changes = {}, []

    def stop(self):
        self.gateway.stop()
        self.folder.cleanup()

    def reset(self):
        self.gateway.say(reset=True)
        self.signs_in, self.changes, self.events = {}, [], 0

    def play(self, workflow, data, record, service=None, **more):
        service = service or self.profile.SERVICE
        before = self.account(service)
        report = super().play(workflow, data, record, service, **more)
        if report.kind() in ("applied", "unchanged"):
            event = {"type": workflow, "subject": service, "data": data}
            report["record_after"] = self.gateway.say(event=event, record=report["record_after"])
            self._sign_in(service, workflow, data)
            self._says_no_password(service, report["record_after"])
        self._note(before, self.account(service))
        report["told"] = self.answer(service)
        return report

    def _sign_in(self, service, workflow, data):
        """What the subscriber types in from now on."""
        login, password = self.signs_in.get(service, (service, ""))
        if workflow == "service.created":
            login = service
        if workflow in ("service.created", "credentials.changed"):
            self.signs_in[service] = (data.get("login", login), data.get("password", password))

    def _says_no_password(self, service, record):
        _, password = self.signs_in.get(service, (None, None))
        if password and password in json.dumps(record):
            raise Wrong("the record has the password in it")

    def _note(self, before, after):
        if before == after:
            return
        kind = "create" if not before["exists"] else "change" if after["exists"] else "delete"
        self.changes.append({"n": len(self.changes) + 1, "kind": "effect", "effect": kind, "account": after})

    def question(self, service=None):
        """As the platform sends it: schemas/serve.openapi.yaml."""
        login, password = self.signs_in.get(service or self.profile.SERVICE, (service or self.profile.SERVICE, "nobody"))
        return {"step": "question", "method": "POST", "url": "/v1/entitlement", "body": json.dumps(
            {"provider": self.profile.pack, "login": login, "password": password}),
                "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Authorization", "value": "Bearer ***"}]}

    def answer(self, service=None):
        asked = json.loads(self.question(service)["body"])
        answer = self.gateway.say(login=asked["login"], password=asked["password"], now=NOW)
        del answer["age_ms"]
        return answer

    def account(self, service=None):
        answer = self.answer(service)
        if answer["may_watch"]:
            return {"exists": True, "status": "active", "plan": answer.get("plan"), "packages": sorted(answer["packages"])}
        return {"exists": True, "status": STATUS[answer["reason"]]} if answer["reason"] in STATUS else NOBODY

    def state(self):
        return {service: self.account(service) for service in self.signs_in}

    def now(self):
        return self.changes[-1:]

    def lines(self, kind, since):
        return [c for c in self.changes if kind == "effect" and c["n"] > (since[0]["n"] if since else 0)]


def place_of(profile):
    """A new place for the pack: its stand-in, or the answers to its questions."""
    return Asked(profile) if profile.ASKS else Place(profile)
