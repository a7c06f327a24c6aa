"""TV platforms with a REST API of the usual shape, in several dialects: the rules, and how each dialect says them.

Nothing public is known of the platforms that this stands in for (ION, MCR, Maxi TV; PROVIDERS.md section 4.8): every dialect is
made up, so that the ways in which such APIs differ are all met. README.md of this folder says how.

A dialect is a class with `routes`: (method, pattern of the path, what to do), the names of members, the words of statuses, and
how answers and refusals look. The rules below know nothing of it: an account has a status, a plan, packages and devices.

Environment: <NAME>_KEY, or <NAME>_LOGIN and <NAME>_PASSWORD, as the dialect wants; without them the API is open.
"""

import base64
import copy
import json
import os
import re
import urllib.parse

CREDENTIALS = "Credentials: environment GENERIC_KEY, sent as Bearer."

PROFILE = ("login", "password", "pin", "name", "email", "phone", "document", "device_limit", "language", "location")
STATUSES = ("active", "blocked", "suspended", "cancelled")


class Refused(Exception):
    """The platform's no, by the name of the rule."""


def builtin_data():
    return {"plans": [{"id": "basic", "name": "Basic", "price": "19.90"}, {"id": "family", "name": "Family", "price": "39.90"}],
            "packages": [{"id": "P%d" % i, "name": "Option %d" % i, "price": "%d.00" % i} for i in range(1, 6)],
            "device_limit": 3}


class Accounts:
    """The rules."""

    def __init__(self, data, effect, has_packages=True):
        self.effect, self.seed, self.has_packages = effect, data or builtin_data(), has_packages
        self.reset()

    def reset(self):
        seed = copy.deepcopy(self.seed)
        self.plans = {p["id"]: p for p in seed["plans"]}
        self.packages = {p["id"]: p for p in seed["packages"]}
        self.limit = seed["device_limit"]
        self.by_service, self.made = {}, 0

    def known(self, service):
        if service not in self.by_service:
            raise Refused("unknown_account")
        return self.by_service[service]

    def by_id(self, number):
        for a in self.by_service.values():
            if str(a["number"]) == str(number):
                return a
        raise Refused("unknown_account")

    def _login_free(self, login, but=None):
        if any(a is not but and a["login"].lower() == login.lower() for a in self.by_service.values()):
            raise Refused("login_in_use")

    def _plan(self, plan):
        if plan not in self.plans:
            raise Refused("unknown_plan")
        return plan

    @staticmethod
    def _who(account):
        return {"service": account["service"], "login": account["login"]}

    def create(self, service, values):
        if not service or not values.get("login") or values.get("status", "active") not in STATUSES:
            raise Refused("invalid")
        if service in self.by_service:
            raise Refused("exists")
        self._login_free(values["login"])
        plan = self._plan(values.get("plan"))
        self.made += 1
        account = {"service": service, "number": 1000 + self.made, "status": values.get("status", "active"), "plan": plan,
                   "packages": {}, "devices": {}, "secret": "%04d" % (self.made * 37 % 10000)}
        account.update({k: values.get(k) for k in PROFILE})
        self.by_service[service] = account
        self.effect("create", **self._who(account), plan=plan, status=account["status"])
        return account

    def update(self, account, values):
        values = {k: v for k, v in values.items() if k in PROFILE}
        if not values:
            raise Refused("invalid")
        if "login" in values:
            self._login_free(values["login"], account)
        account.update(values)
        self.effect("update", **self._who(account), fields=sorted(values))

    def set_status(self, account, status):
        if status not in STATUSES:
            raise Refused("invalid")
        if account["status"] != status:
            account["status"] = status
            self.effect("status", **self._who(account), status=status)

    def set_plan(self, account, plan):
        account["plan"] = self._plan(plan)
        self.effect("plan", **self._who(account), plan=plan)

    def add_package(self, account, package, values, again="done"):
        """@again: what a package that is on already gets, `done` or a refusal's name."""
        if package not in self.packages:
            raise Refused("unknown_package")
        if package in account["packages"] and again != "done":
            raise Refused(again)
        account["packages"][package] = {k: v for k, v in values.items() if v is not None}
        self.effect("package_on", **self._who(account), package=package, **account["packages"][package])

    def remove_package(self, account, package, again="done"):
        if package not in self.packages:
            raise Refused("unknown_package")
        if package not in account["packages"]:
            if again != "done":
                raise Refused(again)
            return
        del account["packages"][package]
        self.effect("package_off", **self._who(account), package=package)

    def add_device(self, account, device, values):
        if any(device in a["devices"] for a in self.by_service.values() if a is not account):
            raise Refused("device_in_use")
        if device not in account["devices"] and len(account["devices"]) >= (account["device_limit"] or self.limit):
            raise Refused("device_limit")
        account["devices"][device] = {k: v for k, v in values.items() if v is not None}
        self.effect("device_on", **self._who(account), device=device, **account["devices"][device])

    def remove_device(self, account, device):
        if device not in account["devices"]:
            raise Refused("unknown_device")
        del account["devices"][device]
        self.effect("device_off", **self._who(account), device=device)

    def delete(self, account):
        del self.by_service[account["service"]]
        self.effect("delete", **self._who(account))


class Platform:
    """One platform that speaks the dialect of its class; this one is what schemas/providers/generic has as defaults."""

    PREFIX = "/api"
    NAME = "GENERIC"
    SECRETS = ("password", "pin", "senha", "document", "documento")
    HAS_PACKAGES = True
    AGAIN = "done"
    FIELDS = {"service": "id", "login": "login", "password": "password", "pin": "pin", "name": "name", "email": "email", "phone": "phone",
              "document": "document", "plan": "plan", "status": "status", "device_limit": "max_devices", "language": "language",
              "location": "location", "price": "price", "valid_from": "valid_from", "valid_to": "valid_to", "mac": "mac",
              "serial": "serial", "model": "model"}
    WORDS = {"active": "ACTIVE", "blocked": "BLOCKED", "suspended": "SUSPENDED", "cancelled": "CANCELLED"}
    CODES = {"exists": (409, "SUBSCRIBER_EXISTS"), "login_in_use": (409, "LOGIN_IN_USE"),
             "unknown_account": (404, "SUBSCRIBER_NOT_FOUND"), "unknown_plan": (422, "PLAN_NOT_FOUND"),
             "unknown_package": (404, "PACKAGE_NOT_FOUND"), "unknown_device": (404, "DEVICE_NOT_FOUND"),
             "device_in_use": (409, "DEVICE_IN_USE"), "device_limit": (409, "TOO_MANY_DEVICES"), "invalid": (422, "INVALID_DATA"),
             "already_subscribed": (409, "ALREADY_SUBSCRIBED"), "not_subscribed": (404, "NOT_SUBSCRIBED"),
             "no_route": (404, "NO_SUCH_CALL")}
    ROUTES = [
        ("GET", "/subscribers", "list"),
        ("POST", "/subscribers", "create"),
        ("GET", "/subscribers/{service}", "read"),
        ("PUT", "/subscribers/{service}", "update"),
        ("DELETE", "/subscribers/{service}", "delete"),
        ("PUT", "/subscribers/{service}/status", "status"),
        ("PUT", "/subscribers/{service}/plan", "plan"),
        ("PUT", "/subscribers/{service}/packages/{package}", "package_on"),
        ("DELETE", "/subscribers/{service}/packages/{package}", "package_off"),
        ("PUT", "/subscribers/{service}/devices/{device}", "device_on"),
        ("DELETE", "/subscribers/{service}/devices/{device}", "device_off"),
        ("GET", "/packages", "catalog"),
    ]

    def __init__(self, options, effect):
        self.accounts = Accounts(options.seed_data, effect, self.HAS_PACKAGES)
        get = os.environ.get
        self.key = get(self.NAME + "_KEY", "")
        self.basic = "%s:%s" % (get(self.NAME + "_LOGIN", ""), get(self.NAME + "_PASSWORD", ""))
        self.routes = [(m, re.compile("^" + re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/&]+)", re.escape(p)) + "$"), what)
                       for m, p, what in self.ROUTES]
        self.names = {name: ours for ours, name in self.FIELDS.items()}
        self.statuses = {word: status for status, word in self.WORDS.items()}

    def reset(self):
        self.accounts.reset()

    def state(self):
        return {"accounts": {s: {k: v for k, v in a.items() if k not in ("password", "pin")}
                             for s, a in self.accounts.by_service.items()}}

    def account(self, service):
        a = self.accounts.by_service.get(service)
        if a is None:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}
        ours = {"active": "active", "cancelled": "terminated"}
        return {"exists": True, "status": ours.get(a["status"], "suspended"), "plan": a["plan"], "packages": sorted(a["packages"]),
                "devices": sorted(a["devices"])}

    # --- the dialect: how it is said ---

    def allowed(self, request):
        return not self.key or request.headers.get("authorization") == "Bearer " + self.key

    def is_basic(self, request):
        token = base64.b64encode(self.basic.encode()).decode()
        return self.basic == ":" or request.headers.get("authorization") == "Basic " + token

    def unauthorized(self):
        return self.say(401, self.refusal("UNAUTHORIZED"))

    @staticmethod
    def say(status, value):
        return status, [("Content-Type", "application/json")], b"" if value is None else json.dumps(value).encode()

    def refusal(self, code):
        return {"error": {"code": code, "message": code.replace("_", " ").lower()}}

    def shown(self, a):
        """An account as it is read."""
        f = self.FIELDS
        return {f["service"]: a["service"], f["login"]: a["login"], f["status"]: self.WORDS[a["status"]], f["plan"]: a["plan"],
                "packages": sorted(a["packages"]), "devices": sorted(a["devices"])}

    def done(self, value=None):
        """The answer to a change, or to a question that has @value."""
        return self.say(200, {} if value is None else value)

    def made(self, a):
        return self.say(201, self.shown(a))

    def listed(self, accounts):
        return self.done([self.shown(a) for a in accounts])

    def catalog(self, plans, packages):
        return self.done([dict(p, kind=kind) for kind, items in (("plan", plans), ("package", packages)) for p in items])

    # --- the calls ---

    def handle(self, request):
        if not self.allowed(request):
            return self.unauthorized()
        try:
            return self._route(request)
        except Refused as e:
            status, code = self.CODES[str(e)]
            return self.say(status, self.refusal(code))

    def target(self, request):
        """What the routes are compared with; still encoded, so that a slash in a value stays one."""
        return request.target.partition("?")[0][len(self.PREFIX):]

    def _route(self, request):
        path = self.target(request)
        for method, pattern, what in self.routes:
            m = pattern.match(path)
            if m is not None and method == request.method:
                named = {k: urllib.parse.unquote(v) for k, v in m.groupdict().items()}
                return getattr(self, "call_" + what)(request, named)
        raise Refused("no_route")

    def values(self, request):
        body = request.json()
        if body is None and not request.body:
            return {}
        if not isinstance(body, dict):
            raise Refused("invalid")
        unknown = [name for name in body if name not in self.names]
        if unknown:
            raise Refused("invalid")
        values = {self.names[name]: value for name, value in body.items()}
        if "status" in values:
            values["status"] = self.statuses.get(values["status"], "?")
        return values

    def of(self, named):
        return self.accounts.by_id(named["id"]) if "id" in named else self.accounts.known(named["service"])

    def call_list(self, request, named):
        return self.listed(list(self.accounts.by_service.values()))

    def call_create(self, request, named):
        values = self.values(request)
        return self.made(self.accounts.create(named.get("service", values.get("service")), values))

    def call_read(self, request, named):
        return self.done(self.shown(self.of(named)))

    def call_update(self, request, named):
        self.accounts.update(self.of(named), self.values(request))
        return self.done()

    def call_delete(self, request, named):
        self.accounts.delete(self.of(named))
        return self.done()

    def call_status(self, request, named):
        word = named.get("status", None)
        status = self.statuses.get(word, "?") if word is not None else self.values(request).get("status")
        self.accounts.set_status(self.of(named), status)
        return self.done()

    def call_plan(self, request, named):
        self.accounts.set_plan(self.of(named), self.values(request).get("plan"))
        return self.done()

    def call_package_on(self, request, named):
        values = self.values(request)
        package = named.get("package", values.pop("package", None))
        self.accounts.add_package(self.of(named), package, values, self.AGAIN if self.AGAIN == "done" else "already_subscribed")
        return self.done()

    def call_package_off(self, request, named):
        self.accounts.remove_package(self.of(named), named["package"], self.AGAIN if self.AGAIN == "done" else "not_subscribed")
        return self.done()

    def call_device_on(self, request, named):
        self.accounts.add_device(self.of(named), named["device"], self.values(request))
        return self.done()

    def call_device_off(self, request, named):
        self.accounts.remove_device(self.of(named), named["device"])
        return self.done()

    def call_catalog(self, request, named):
        packages = list(self.accounts.packages.values()) if self.HAS_PACKAGES else []
        return self.catalog(list(self.accounts.plans.values()), packages)
