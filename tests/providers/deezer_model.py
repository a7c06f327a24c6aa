"""What Deezer's partner API does with a request, as far as it is known (PROVIDERS.md, section 4.7).

Known are its terms: partner_id, subscriber_id, offer_code, user_id; a provision is not an activation, which the subscriber makes by
a link that the partner generates. Paths, states and codes of refusals are assumed; README.md of this folder says so too.

Environment: DEEZER_PARTNER, the partner_id, and DEEZER_TOKEN, sent as Bearer (none: the API is open).
"""

import copy
import hashlib
import json
import os
import urllib.parse

CREDENTIALS = "Credentials: environment DEEZER_TOKEN, sent as Bearer; DEEZER_PARTNER, the partner_id."


class Refused(Exception):
    """The platform's no: a status and a word."""

    def __init__(self, status, word):
        super().__init__(word)
        self.status = status


class Platform:
    PREFIX = "/partner/v1"

    def __init__(self, options, effect):
        self.effect = effect
        self.seed = options.seed_data or {"offers": [{"offer_code": "PREMIUM", "name": "Premium"},
                                                     {"offer_code": "FAMILY", "name": "Family"}]}
        self.partner = os.environ.get("DEEZER_PARTNER", "partner-1")
        self.token = os.environ.get("DEEZER_TOKEN", "")
        self.reset()

    def reset(self):
        self.offers = copy.deepcopy(self.seed["offers"])
        self.subscribers = {}

    def state(self):
        return {"subscribers": self.subscribers}

    def account(self, service):
        s = self.subscribers.get(service)
        if s is None:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}
        ours = {"provisioned": "pending"}
        return {"exists": True, "status": ours.get(s["status"], s["status"]), "plan": s["offer_code"], "packages": [], "devices": []}

    def control(self, request):
        """POST activate (form subscriber_id): the subscriber follows his link."""
        if (request.method, request.path) != ("POST", "/activate"):
            return None
        s = self.subscribers.get(request.form().get("subscriber_id"))
        if s is None or s["status"] != "provisioned":
            return 404, {"error": "nothing to activate"}
        s["status"] = "active"
        s["user_id"] = str(int(hashlib.sha256(s["subscriber_id"].encode()).hexdigest()[:8], 16))
        self.effect("activate", subscriber_id=s["subscriber_id"], user_id=s["user_id"])
        return 200, {}

    def unauthorized(self):
        return self._answer(401, {"error": "unauthorized"})

    @staticmethod
    def _answer(status, value):
        return status, [("Content-Type", "application/json")], json.dumps(value).encode()

    def handle(self, request):
        if self.token and request.headers.get("authorization") != "Bearer " + self.token:
            return self.unauthorized()
        try:
            return self._answer(*self._dispatch(request))
        except Refused as e:
            return self._answer(e.status, {"error": str(e)})

    def _dispatch(self, request):
        path = request.target.partition("?")[0][len(self.PREFIX):]
        parts = [urllib.parse.unquote(p) for p in path.split("/")[1:]]
        if len(parts) < 3 or parts[0] != "partners":
            raise Refused(404, "not_found")
        if parts[1] != self.partner:
            raise Refused(403, "not_your_partner_id")
        call = (request.method, *parts[2:3], *parts[4:])
        if call == ("GET", "offers"):
            return 200, {"offers": self.offers}
        if parts[2] != "subscribers":
            raise Refused(404, "not_found")
        if len(parts) == 3:
            return self._all(request)
        s = self.subscribers.get(parts[3])
        if s is None:
            raise Refused(404, "subscriber_not_found")
        known = {("GET", "subscribers"): self.read, ("DELETE", "subscribers"): self.terminate,
                 ("POST", "subscribers", "activation_link"): self.link, ("PUT", "subscribers", "offer"): self.set_offer,
                 ("PUT", "subscribers", "status"): self.set_status}
        if call not in known:
            raise Refused(404, "not_found")
        return known[call](request, s)

    def _all(self, request):
        if request.method == "GET":
            return 200, {"subscribers": list(self.subscribers.values())}
        body = request.json() if request.method == "POST" else None
        if not isinstance(body, dict) or not body.get("subscriber_id"):
            raise Refused(400, "invalid_request")
        if body["subscriber_id"] in self.subscribers:
            raise Refused(409, "subscriber_exists")
        s = {"subscriber_id": body["subscriber_id"], "offer_code": self._offer(body), "status": "provisioned"}
        self.subscribers[s["subscriber_id"]] = s
        self.effect("provision", **s)
        return 201, s

    def _offer(self, body):
        if body.get("offer_code") not in [o["offer_code"] for o in self.offers]:
            raise Refused(422, "unknown_offer")
        return body["offer_code"]

    def read(self, request, s):
        return 200, s

    def terminate(self, request, s):
        del self.subscribers[s["subscriber_id"]]
        self.effect("terminate", subscriber_id=s["subscriber_id"])
        return 200, {}

    def link(self, request, s):
        if s["status"] != "provisioned":
            raise Refused(409, "already_activated")
        self.effect("link", subscriber_id=s["subscriber_id"])
        return 201, {"activation_link": "https://deezer.test/activate/%s" % hashlib.sha256(s["subscriber_id"].encode()).hexdigest()[:16]}

    def set_offer(self, request, s):
        self._activated(s)
        s["offer_code"] = self._offer(request.json() or {})
        self.effect("offer", subscriber_id=s["subscriber_id"], offer_code=s["offer_code"])
        return 200, {}

    def set_status(self, request, s):
        self._activated(s)
        status = (request.json() or {}).get("status")
        if status not in ("active", "suspended"):
            raise Refused(400, "invalid_request")
        s["status"] = status
        self.effect("status", subscriber_id=s["subscriber_id"], status=status)
        return 200, {}

    @staticmethod
    def _activated(s):
        if s["status"] == "provisioned":
            raise Refused(409, "not_activated")
