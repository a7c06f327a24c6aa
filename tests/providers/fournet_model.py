"""What 4NET.TV's Back Office does with a request, as far as it is known (PROVIDERS.md, section 4.1).

Published: every method is a POST with a JSON body; `success` and `message` in every answer; a message for invalid entities is
JSON with `validation_errors`; what 400, 403, 404, 408, 409 and 500 mean. Not published, and so assumed here: the operator's
methods (METHODS), their members, and where credentials go. README.md of this folder says so too.

Environment: FOURNET_LOGIN and FOURNET_PASSWORD, the operator user's, as HTTP Basic; FOURNET_AUTH="login,password" names two
members of the body that carry them instead.
"""

import base64
import copy
import json
import os
import re
import time

CREDENTIALS = "Credentials: environment FOURNET_LOGIN and FOURNET_PASSWORD."

METHODS = {
    "findPayer": "payer/by-custom-id", "createPayer": "payer/create",
    "findSubscriber": "subscriber/by-custom-id", "listSubscribers": "subscriber/list",
    "createSubscriber": "subscriber/create", "updateSubscriber": "subscriber/update", "deleteSubscriber": "subscriber/delete",
    "listServices": "service/list", "setService": "subscriber/set-service", "removeService": "subscriber/remove-service",
    "pairDevice": "subscriber/pair-device", "unpairDevice": "subscriber/unpair-device",
    "createPairingCode": "subscriber/create-pairing-code",
}
PAYER = {"custom_id": str, "name": str, "email": str, "phone": str, "identification_number": str, "street": str,
         "house_number": str, "city": str, "zip_code": str, "country": str}
SUBSCRIBER = {"custom_id": str, "id_payer": int, "firstname": str, "surname": str, "login": str, "password": str,
              "max_devices": int, "active": bool}
SHOWN = ("id_subscriber", "custom_id", "id_payer", "firstname", "surname", "login", "max_devices", "active")


def builtin_data():
    services = [{"id_service": i, "code": c, "name": n, "price": p} for i, c, n, p in (
        (1, "BASIC", "Základní", "199.00"), (2, "HBO", "HBO", "149.00"), (3, "SPORT", "Sport", "99.00"),
        (4, "KIDS", "Děti", "49.00"), (5, "PLUS", "Rozšířená", "299.00"))]
    return {"services": services, "payers": [], "subscribers": []}


class Refused(Exception):
    """A status, and the message of the answer."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def invalid(field, text):
    """An invalid entity: the message is JSON with the errors in it."""
    return Refused(409, json.dumps({"validation_errors": [{"field": field, "message": text}]}))


class Platform:
    """One operator's payers, subscribers and services."""

    PREFIX = "/api"
    SECRETS = ("password", "api_password")

    def __init__(self, options, effect):
        self.effect = effect
        self.now = options.now
        self.seed = options.seed_data or builtin_data()
        self.login, self.password = os.environ.get("FOURNET_LOGIN", ""), os.environ.get("FOURNET_PASSWORD", "")
        self.members = [m for m in os.environ.get("FOURNET_AUTH", "").split(",") if m]
        self.calls = {"/" + path: getattr(self, name) for name, path in METHODS.items()}
        self.reset()

    def reset(self):
        seed = copy.deepcopy(self.seed)
        self.services = {s["code"]: s for s in seed.get("services", [])}
        self.payers = {p["id_payer"]: p for p in seed.get("payers", [])}
        self.subscribers = {s["id_subscriber"]: s for s in seed.get("subscribers", [])}
        self.last_id = 100
        self.last_code = 0

    def state(self):
        return {"payers": {p["custom_id"]: p for p in self.payers.values()},
                "subscribers": {s["custom_id"]: {k: v for k, v in s.items() if k != "password"}
                                for s in self.subscribers.values()}}

    @staticmethod
    def _answer(status, value):
        return status, [("Content-Type", "application/json")], json.dumps(value, ensure_ascii=False).encode()

    def unauthorized(self):
        return self._answer(403, {"success": False, "message": "Invalid login or password"})

    @staticmethod
    def named(request):
        body = request.json() if isinstance(request.json(), dict) else {}
        return [str(body[k]) for k in ("custom_id", "id_subscriber", "login", "mac_address", "id_payer") if k in body]

    # --- in our words ---

    def account(self, service):
        s = self._find(self.subscribers, "custom_id", service)
        if s is None:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}
        return {"exists": True, "status": "active" if s["active"] else "suspended", "plan": None,
                "packages": sorted(code for code, at in s["services"].items() if not self._is_over(at)),
                "devices": sorted(d["mac_address"] for d in s["devices"])}

    def _is_over(self, at):
        """Whether the last day of a service has passed; days end with themselves, in UTC."""
        day = at.get("date_to")
        return bool(day) and day[:10] < time.strftime("%Y-%m-%d", time.gmtime(self.now()))

    def control(self, request):
        """POST password (form login, password): whether that password is good."""
        form = request.form()
        if (request.method, request.path) != ("POST", "/password"):
            return None
        return 200, {"good": any((s.get("login"), s.get("password")) == (form.get("login"), form.get("password"))
                                 for s in self.subscribers.values())}

    # --- the API ---

    def handle(self, request):
        call = self.calls.get(request.path.rstrip("/"))
        if call is None or request.method != "POST":
            return 404, [("Content-Type", "text/html; charset=UTF-8")], b"<h1>Not Found</h1>"
        body = request.json()
        if not isinstance(body, dict):
            return self._answer(400, {"success": False, "message": "Invalid JSON"})
        if self.login and not self._let_in(request, body):
            return self.unauthorized()
        try:
            return self._answer(200, {"success": True, **call(body)})
        except Refused as e:
            return self._answer(e.status, {"success": False, "message": str(e)})

    def _let_in(self, request, body):
        if self.members:
            return [body.get(m) for m in self.members] == [self.login, self.password]
        token = base64.b64encode(("%s:%s" % (self.login, self.password)).encode()).decode()
        return request.headers.get("authorization") == "Basic " + token

    # --- checks ---

    @staticmethod
    def _typed(body, fields):
        """What @fields know of @body; a wrong data type is 400."""
        found = {}
        for name, kind in fields.items():
            value = body.get(name)
            if value is None:
                continue
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise Refused(400, "Parameter %s has a wrong data type" % name)
            found[name] = value
        return found

    @staticmethod
    def _find(entities, name, value):
        return next((e for e in entities.values() if e.get(name) == value), None)

    def _unique(self, entities, name, value, but=None):
        other = self._find(entities, name, value)
        if value is not None and other is not None and other is not but:
            raise invalid(name, "%s already exists" % name)

    def _subscriber(self, body):
        fields = self._typed(body, {"id_subscriber": int})
        found = self.subscribers.get(fields.get("id_subscriber"))
        if found is None:
            raise Refused(404, "Subscriber not found")
        return found

    def _mac(self, body):
        mac = body.get("mac_address")
        if not isinstance(mac, str) or not re.fullmatch(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", mac):
            raise Refused(400, "Invalid MAC address")
        return mac

    def _check_subscriber(self, fields, but=None):
        for name in ("custom_id", "login"):
            self._unique(self.subscribers, name, fields.get(name), but)
        if len(fields.get("login", "xxx")) < 3:
            raise invalid("login", "must have 3 characters at least")
        if len(fields.get("password", "xxxx")) < 4:
            raise invalid("password", "must have 4 characters at least")
        if "id_payer" in fields and fields["id_payer"] not in self.payers:
            raise invalid("id_payer", "payer does not exist")
        paired = len(but["devices"]) if but else 0
        if fields.get("max_devices") is not None and fields["max_devices"] < paired:
            raise invalid("max_devices", "more devices are paired")

    def _new_id(self):
        self.last_id += 1
        return self.last_id

    # --- payers ---

    def findPayer(self, body):  # noqa: N802  (the names are those of METHODS)
        payer = self._find(self.payers, "custom_id", self._typed(body, {"custom_id": str}).get("custom_id"))
        if payer is None:
            raise Refused(404, "Payer not found")
        return {"payer": payer}

    def createPayer(self, body):  # noqa: N802
        fields = self._typed(body, PAYER)
        if not fields.get("custom_id") or not fields.get("name"):
            raise invalid("name" if fields.get("custom_id") else "custom_id", "is required")
        self._unique(self.payers, "custom_id", fields["custom_id"])
        fields["id_payer"] = self._new_id()
        self.payers[fields["id_payer"]] = fields
        self.effect("create_payer", id=fields["id_payer"], custom_id=fields["custom_id"])
        return {"id_payer": fields["id_payer"]}

    # --- subscribers ---

    @staticmethod
    def _shown(s):
        return {**{k: s.get(k) for k in SHOWN},
                "services": [{"service_code": code, **at} for code, at in sorted(s["services"].items())],
                "devices": s["devices"], "pairing_codes": s["pairing_codes"]}

    def findSubscriber(self, body):  # noqa: N802
        found = self._find(self.subscribers, "custom_id", self._typed(body, {"custom_id": str}).get("custom_id"))
        if found is None:
            raise Refused(404, "Subscriber not found")
        return {"subscriber": self._shown(found)}

    def listSubscribers(self, body):  # noqa: N802
        return {"subscribers": [self._shown(s) for s in self.subscribers.values()]}

    def createSubscriber(self, body):  # noqa: N802
        fields = self._typed(body, SUBSCRIBER)
        for name in ("custom_id", "id_payer", "firstname", "surname"):
            if name not in fields:
                raise invalid(name, "is required")
        self._check_subscriber(fields)
        s = {"id_subscriber": self._new_id(), "max_devices": 2, "active": True, **fields, "services": {}, "devices": [],
             "pairing_codes": []}
        self.subscribers[s["id_subscriber"]] = s
        self.effect("create", id=s["id_subscriber"], custom_id=s["custom_id"], id_payer=s["id_payer"])
        return {"id_subscriber": s["id_subscriber"]}

    def updateSubscriber(self, body):  # noqa: N802
        s, fields = self._subscriber(body), self._typed(body, SUBSCRIBER)
        self._check_subscriber(fields, s)
        s.update(fields)
        self.effect("update", id=s["id_subscriber"], custom_id=s["custom_id"],
                    changed={k: "***" if k == "password" else v for k, v in fields.items()})
        return {}

    def deleteSubscriber(self, body):  # noqa: N802
        s = self._subscriber(body)
        del self.subscribers[s["id_subscriber"]]
        self.effect("delete", id=s["id_subscriber"], custom_id=s["custom_id"])
        return {}

    # --- services ---

    def listServices(self, body):  # noqa: N802
        return {"services": list(self.services.values())}

    def _service(self, body):
        code = self._typed(body, {"service_code": str}).get("service_code")
        if code not in self.services:
            raise invalid("service_code", "service does not exist")
        return code

    def setService(self, body):  # noqa: N802
        s, code = self._subscriber(body), self._service(body)
        at = self._typed(body, {"date_from": str, "date_to": str, "price": str})
        if "date_from" in at and "date_to" in at and at["date_to"] < at["date_from"]:
            raise invalid("date_to", "is before date_from")
        s["services"][code] = at
        self.effect("service", id=s["id_subscriber"], custom_id=s["custom_id"], code=code, **at)
        return {}

    def removeService(self, body):  # noqa: N802
        s, code = self._subscriber(body), self._service(body)
        if code not in s["services"]:
            raise Refused(404, "Service of the subscriber not found")
        del s["services"][code]
        self.effect("service_off", id=s["id_subscriber"], custom_id=s["custom_id"], code=code)
        return {}

    # --- devices ---

    def pairDevice(self, body):  # noqa: N802
        s, mac = self._subscriber(body), self._mac(body)
        if any(d["mac_address"] == mac for other in self.subscribers.values() for d in other["devices"]):
            raise invalid("mac_address", "mac_address already exists")
        if len(s["devices"]) >= s["max_devices"]:
            raise invalid("devices", "too many devices")
        more = self._typed(body, {"serial_number": str, "model": str, "name": str})
        s["devices"].append({"mac_address": mac, **more})
        self.effect("pair", id=s["id_subscriber"], custom_id=s["custom_id"], mac=mac)
        return {}

    def unpairDevice(self, body):  # noqa: N802
        s, mac = self._subscriber(body), self._mac(body)
        device = next((d for d in s["devices"] if d["mac_address"] == mac), None)
        if device is None:
            raise Refused(404, "Device not found")
        s["devices"].remove(device)
        self.effect("unpair", id=s["id_subscriber"], custom_id=s["custom_id"], mac=mac)
        return {}

    def createPairingCode(self, body):  # noqa: N802
        s = self._subscriber(body)
        self.last_code += 1
        code = "%06d" % (self.last_code * 7919 % 1000000)
        s["pairing_codes"].append({"pairing_code": code})
        self.effect("pairing_code", id=s["id_subscriber"], custom_id=s["custom_id"])
        return {"pairing_code": code}
