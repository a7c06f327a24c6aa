"""What Beenius (Multi TV) does with a provisioning request, as far as it is known, which is little (PROVIDERS.md, section 4.5).

Known: the media type application/vnd.beenius+json with a version, `/restapi/rest/1/`, bearer tokens, camelCase members, pages of
`list` with pageNumber, pageSize and rowCount, and that a creation gives a subscriber id and an Auth PIN. Paths, members and codes
of refusals are assumed; README.md of this folder says so too. A body of another media type is refused, 415.

Environment: BEENIUS_TOKEN, sent as Bearer (none: the API is open); BEENIUS_KEEPS_PIN=1: the PIN is shown at creation only.
"""

import copy
import json
import os
import urllib.parse

CREDENTIALS = "Credentials: environment BEENIUS_TOKEN, sent as Bearer."
MEDIA = "application/vnd.beenius+json"
PROFILE = ("username", "password", "name", "email", "phone", "document", "language")
STATUSES = ("ACTIVE", "BLOCKED", "SUSPENDED", "CANCELLED")
DEVICE_LIMIT = 3


def builtin_data():
    return {"subscriptions": [
        {"id": "6d5a91ee-0000-0000-0000-00000000b001", "name": "Basic", "type": "BASE", "price": "49.90"},
        {"id": "6d5a91ee-0000-0000-0000-00000000b002", "name": "Full", "type": "BASE", "price": "89.90"},
        {"id": "6d5a91ee-0000-0000-0000-00000000e001", "name": "Movies", "type": "EXTRA", "price": "19.90"},
        {"id": "6d5a91ee-0000-0000-0000-00000000e002", "name": "Sports", "type": "EXTRA", "price": "29.90"},
        {"id": "6d5a91ee-0000-0000-0000-00000000e003", "name": "Kids", "type": "EXTRA", "price": "9.90"}]}


class Refused(Exception):
    """The platform's no: a status and a code."""

    def __init__(self, status, code):
        super().__init__(code)
        self.status = status


class Platform:
    PREFIX = "/restapi/rest/1"
    SECRETS = ("password", "authpin", "document")

    def __init__(self, options, effect):
        self.effect = effect
        self.seed = options.seed_data or builtin_data()
        self.token = os.environ.get("BEENIUS_TOKEN", "")
        self.keeps_pin = os.environ.get("BEENIUS_KEEPS_PIN") == "1"
        self.reset()

    def reset(self):
        self.subscriptions = {s["id"]: s for s in copy.deepcopy(self.seed["subscriptions"])}
        self.subscribers, self.made = {}, 0

    def state(self):
        return {"subscribers": {i: {k: v for k, v in s.items() if k not in ("password", "authPin")}
                                for i, s in self.subscribers.items()}}

    def account(self, service):
        for s in self.subscribers.values():
            if s["externalId"] == service:
                ours = {"ACTIVE": "active", "CANCELLED": "terminated"}
                return {"exists": True, "status": ours.get(s["status"], "suspended"), "plan": s["subscriptionId"],
                        "packages": sorted(s["extras"]), "devices": sorted(s["devices"])}
        return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}

    def unauthorized(self):
        return self._answer(401, {"errorCode": "UNAUTHORIZED", "message": "bad token"})

    @staticmethod
    def _answer(status, value):
        return status, [("Content-Type", MEDIA + ";version=9")], json.dumps(value).encode()

    def handle(self, request):
        if self.token and request.headers.get("authorization") != "Bearer " + self.token:
            return self.unauthorized()
        try:
            if not request.headers.get("accept", "").startswith(MEDIA):
                raise Refused(406, "NOT_ACCEPTABLE")
            if request.body and not request.headers.get("content-type", "").startswith(MEDIA):
                raise Refused(415, "UNSUPPORTED_MEDIA_TYPE")
            status, value = self._dispatch(request)
            return self._answer(status, value)
        except Refused as e:
            return self._answer(e.status, {"errorCode": str(e), "message": str(e).replace("_", " ").lower()})

    def _dispatch(self, request):
        path = request.target.partition("?")[0][len(self.PREFIX):]
        parts = [urllib.parse.unquote(p) for p in path.split("/")[1:]]
        if request.method == "GET" and parts == ["subscriber", "list"]:
            return 200, self._page(request, [self._shown(s) for s in self.subscribers.values()
                                             if request.query.get("external_id", s["externalId"]) == s["externalId"]])
        if request.method == "GET" and parts == ["subscription", "list"]:
            return 200, self._page(request, list(self.subscriptions.values()))
        if request.method == "POST" and parts == ["subscriber"]:
            return 201, self.create(self._body(request))
        if parts[0] == "subscriber" and len(parts) in (2, 3, 4):
            call = getattr(self, "%s_%s" % (request.method.lower(), parts[2] if len(parts) > 2 else "self"), None)
            if call is not None:
                return 200, call(self._known(parts[1]), self._body(request) if request.body else {}, *parts[3:])
        raise Refused(404, "NO_SUCH_RESOURCE")

    @staticmethod
    def _body(request):
        body = request.json()
        if not isinstance(body, dict):
            raise Refused(400, "INVALID_PARAMETER")
        return body

    @staticmethod
    def _page(request, items):
        size, number = int(request.query.get("page_size", "20")), int(request.query.get("page", "1"))
        return {"list": items[(number - 1) * size:number * size], "pageNumber": number, "pageSize": size, "rowCount": len(items)}

    def _shown(self, s):
        shown = {k: s[k] for k in ("subscriberId", "externalId", "username", "status", "subscriptionId")}
        if not self.keeps_pin:
            shown["authPin"] = s["authPin"]
        shown["subscriptions"] = [{"id": i} for i in sorted(s["extras"])]
        shown["devices"] = [{"deviceUid": i} for i in sorted(s["devices"])]
        return shown

    def _known(self, identifier):
        if identifier not in self.subscribers:
            raise Refused(404, "SUBSCRIBER_NOT_FOUND")
        return self.subscribers[identifier]

    def _free(self, username, but=None):
        if any(s is not but and s["username"].lower() == username.lower() for s in self.subscribers.values()):
            raise Refused(409, "USERNAME_EXISTS")

    def _base(self, identifier):
        if self.subscriptions.get(identifier, {}).get("type") != "BASE":
            raise Refused(422, "BASE_SUBSCRIPTION_NOT_FOUND")
        return identifier

    def _extra(self, identifier):
        if self.subscriptions.get(identifier, {}).get("type") != "EXTRA":
            raise Refused(404, "SUBSCRIPTION_NOT_FOUND")
        return identifier

    # --- the calls ---

    def create(self, body):
        if not body.get("externalId") or not body.get("username") or body.get("status", "ACTIVE") not in STATUSES:
            raise Refused(400, "INVALID_PARAMETER")
        if any(s["externalId"] == body["externalId"] for s in self.subscribers.values()):
            raise Refused(409, "EXTERNAL_ID_EXISTS")
        self._free(body["username"])
        base = self._base(body.get("subscriptionId"))
        self.made += 1
        s = {"subscriberId": str(403977000 + self.made), "externalId": body["externalId"], "status": body.get("status", "ACTIVE"),
             "authPin": "%04d" % (4821 * self.made % 10000), "subscriptionId": base, "extras": {}, "devices": {}}
        s.update({k: body.get(k) for k in PROFILE})
        self.subscribers[s["subscriberId"]] = s
        self.effect("create", id=s["subscriberId"], external_id=s["externalId"], base=base)
        return {"subscriberId": s["subscriberId"], "authPin": s["authPin"]}

    def get_self(self, s, body):
        return self._shown(s)

    def put_self(self, s, body):
        change = {k: v for k, v in body.items() if k in PROFILE}
        if not change:
            raise Refused(400, "INVALID_PARAMETER")
        if "username" in change:
            self._free(change["username"], s)
        s.update(change)
        self.effect("update", id=s["subscriberId"], fields=sorted(change))
        return {}

    def delete_self(self, s, body):
        del self.subscribers[s["subscriberId"]]
        self.effect("delete", id=s["subscriberId"])
        return {}

    def put_status(self, s, body):
        if body.get("status") not in STATUSES:
            raise Refused(400, "INVALID_PARAMETER")
        s["status"] = body["status"]
        self.effect("status", id=s["subscriberId"], status=s["status"])
        return {}

    def put_subscription(self, s, body, extra=None):
        if extra is None:
            s["subscriptionId"] = self._base(body.get("subscriptionId"))
            self.effect("base", id=s["subscriberId"], base=s["subscriptionId"])
        else:
            s["extras"][self._extra(extra)] = body
            self.effect("extra_on", id=s["subscriberId"], extra=extra, **body)
        return {}

    def delete_subscription(self, s, body, extra):
        if s["extras"].pop(self._extra(extra), None) is not None:
            self.effect("extra_off", id=s["subscriberId"], extra=extra)
        return {}

    def put_device(self, s, body, device):
        if any(device in o["devices"] for o in self.subscribers.values() if o is not s):
            raise Refused(409, "DEVICE_IN_USE")
        if device not in s["devices"] and len(s["devices"]) >= DEVICE_LIMIT:
            raise Refused(409, "DEVICE_LIMIT_REACHED")
        s["devices"][device] = body
        self.effect("device_on", id=s["subscriberId"], device=device, **body)
        return {}

    def delete_device(self, s, body, device):
        if s["devices"].pop(device, None) is None:
            raise Refused(404, "DEVICE_NOT_FOUND")
        self.effect("device_off", id=s["subscriberId"], device=device)
        return {}
