"""ION, made up: its own ids in the paths, the status in the path, numbers for errors, a PIN that comes back, nothing is deleted.

Nothing public is known of ION's API (PROVIDERS.md section 4.8). Environment: ION_KEY, sent as X-API-Key; none: open.
"""

import generic_model

CREDENTIALS = "Credentials: environment ION_KEY, sent as X-API-Key."


class Platform(generic_model.Platform):
    PREFIX = "/v1"
    NAME = "ION"
    AGAIN = "refused"
    FIELDS = {"service": "external_id", "login": "username", "password": "password", "name": "full_name", "email": "email",
              "phone": "phone", "document": "document", "plan": "plan_id", "device_limit": "screens", "package": "package_id",
              "mac": "mac", "serial": "casn", "model": "model", "location": "room"}
    WORDS = {"active": "activate", "blocked": "block", "suspended": "suspend", "cancelled": "cancel"}
    READ = {"active": "active", "blocked": "blocked", "suspended": "suspended", "cancelled": "cancelled"}
    CODES = {"exists": (409, 1001), "login_in_use": (409, 1002), "unknown_account": (404, 1004), "unknown_plan": (422, 2001),
             "unknown_package": (422, 2002), "already_subscribed": (409, 2003), "not_subscribed": (409, 2004),
             "unknown_device": (404, 3001), "device_in_use": (409, 3002), "device_limit": (409, 3003), "invalid": (422, 9001),
             "no_route": (404, 9404)}
    ROUTES = [
        ("GET", "/customers", "list"),
        ("POST", "/customers", "create"),
        ("PATCH", "/customers/{id}", "update"),
        ("PUT", "/customers/{id}/plan", "plan"),
        ("POST", "/customers/{id}/packages", "package_on"),
        ("DELETE", "/customers/{id}/packages/{package}", "package_off"),
        ("PUT", "/customers/{id}/devices/{device}", "device_on"),
        ("DELETE", "/customers/{id}/devices/{device}", "device_off"),
        ("POST", "/customers/{id}/{status}", "status"),
        ("GET", "/products", "catalog"),
    ]

    def allowed(self, request):
        return not self.key or request.headers.get("x-api-key") == self.key

    def refusal(self, code):
        return {"errors": [{"code": code}]}

    def shown(self, a):
        return {"id": a["number"], "external_id": a["service"], "username": a["login"], "state": self.READ[a["status"]],
                "plan_id": a["plan"], "packages": [{"package_id": p} for p in sorted(a["packages"])],
                "devices": [{"uid": d} for d in sorted(a["devices"])], "pin": a["secret"]}

    def made(self, a):
        return self.say(201, {"data": {"id": a["number"]}})

    def listed(self, accounts):
        return self.done({"data": [self.shown(a) for a in accounts]})

    def catalog(self, plans, packages):
        return self.done({"data": [{"code": p["id"], "title": p["name"], "type": kind, "value": p["price"]}
                                   for kind, items in (("base", plans), ("extra", packages)) for p in items]})

    def call_list(self, request, named):
        """By billing's id, or all that are not cancelled."""
        wanted = request.query.get("external_id")
        return self.listed([a for a in self.accounts.by_service.values()
                            if (a["service"] == wanted if wanted is not None else a["status"] != "cancelled")])
