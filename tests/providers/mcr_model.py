"""MCR, made up but for one name, `view.detail`, which the ISP-Integrator document gives: methods in the query, and 200 for all.

Nothing public is known of MCR's API (PROVIDERS.md section 4.8). Environment: MCR_LOGIN and MCR_PASSWORD (HTTP Basic); none: open.
"""

import generic_model

CREDENTIALS = "Credentials: environment MCR_LOGIN and MCR_PASSWORD, sent as HTTP Basic."


class Platform(generic_model.Platform):
    PREFIX = "/mcr"
    NAME = "MCR"
    FIELDS = {"service": "customer", "login": "user", "password": "pass", "name": "name", "email": "email", "phone": "phone",
              "document": "document", "plan": "package", "status": "status", "price": "price", "mac": "mac", "serial": "casn",
              "model": "model", "location": "place"}
    SECRETS = ("pass", "document")
    WORDS = {"active": "A", "blocked": "B", "suspended": "S", "cancelled": "C"}
    CODES = {name: (200, code) for name, code in (
        ("exists", "customer_exists"), ("login_in_use", "user_in_use"), ("unknown_account", "customer_not_found"),
        ("unknown_plan", "package_not_found"), ("unknown_package", "extra_not_found"), ("unknown_device", "point_not_found"),
        ("device_in_use", "point_in_use"), ("device_limit", "too_many_points"), ("invalid", "invalid"), ("no_route", "no_method"))}
    ROUTES = [
        ("GET", "/api?method=view.detail&customer={service}", "read"),
        ("GET", "/api?method=customer.list", "list"),
        ("GET", "/api?method=package.list", "catalog"),
        ("POST", "/api?method=customer.create", "create"),
        ("POST", "/api?method=customer.update&customer={service}", "update"),
        ("POST", "/api?method=customer.status&customer={service}", "status"),
        ("POST", "/api?method=customer.package&customer={service}", "plan"),
        ("POST", "/api?method=customer.delete&customer={service}", "delete"),
        ("POST", "/api?method=extra.add&customer={service}&extra={package}", "package_on"),
        ("POST", "/api?method=extra.remove&customer={service}&extra={package}", "package_off"),
        ("POST", "/api?method=point.add&customer={service}&point={device}", "device_on"),
        ("POST", "/api?method=point.remove&customer={service}&point={device}", "device_off"),
    ]

    def allowed(self, request):
        return self.is_basic(request)

    def target(self, request):
        return request.target[len(self.PREFIX):]

    def refusal(self, code):
        return {"success": False, "error": code}

    def shown(self, a):
        return {"customer": a["service"], "user": a["login"], "status": self.WORDS[a["status"]], "package": a["plan"],
                "extras": sorted(a["packages"]), "points": sorted(a["devices"])}

    def done(self, value=None):
        return self.say(200, {"success": True, "result": value})

    def made(self, a):
        return self.done(self.shown(a))

    def catalog(self, plans, packages):
        return self.done([{"id": p["id"], "title": p["name"], "extra": kind, "price": p["price"]}
                          for kind, items in ((False, plans), (True, packages)) for p in items])
