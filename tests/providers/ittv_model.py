"""What ITTV's reseller API does with a request, as far as it is known (PROVIDERS.md, section 4.4).

The calls, their members, `_id` and `message` are read from a public client's source. Texts and codes of refusals, the
status words beside ACTIVE and all reading are assumed; README.md of this folder says so too.

Environment: ITTV_KEY, the reseller's key (none: the API is open); ITTV_STATUSES, the status words that the platform knows
(default ACTIVE,INACTIVE); ITTV_READS=0: nothing can be read, as a reseller may find it.
"""

import copy
import hashlib
import json
import os
import re

CREDENTIALS = "Credentials: environment ITTV_KEY, sent as Bearer."

REQUIRED = ("name", "cpf", "status", "phone", "email", "username", "password", "zipcode", "product", "address", "city",
            "number", "state")
FIELDS = (*REQUIRED, "complement")
NEVER_EMPTY = ("name", "cpf", "status", "email", "username", "password", "product")
SHOWN = tuple(f for f in FIELDS if f != "password")
UNIQUE = ("cpf", "email", "username")


def builtin_data():
    products = [{"id": "65f0c1a2b3c4d5e6f7a80001", "name": "ITTV Basic"},
                {"id": "65f0c1a2b3c4d5e6f7a80002", "name": "ITTV Plus"},
                {"id": "65f0c1a2b3c4d5e6f7a80003", "name": "ITTV Sports"}]
    return {"products": products, "customers": []}


class Refused(Exception):
    """The platform's no: a status and a message."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Platform:
    """One reseller's customers."""

    PREFIX = "/alpha/reseller"
    SECRETS = ("password", "cpf")

    def __init__(self, options, effect):
        self.effect = effect
        self.seed = options.seed_data or builtin_data()
        self.key = os.environ.get("ITTV_KEY", "")
        self.statuses = os.environ.get("ITTV_STATUSES", "ACTIVE,INACTIVE").split(",")
        self.readable = os.environ.get("ITTV_READS", "1") != "0"
        self.reset()

    def reset(self):
        seed = copy.deepcopy(self.seed)
        self.products = {p["id"]: p for p in seed.get("products", [])}
        self.customers = {c["_id"]: c for c in seed.get("customers", [])}
        self.made = len(self.customers)

    def state(self):
        return {"customers": {i: {f: c.get(f) for f in SHOWN} for i, c in self.customers.items()}}

    def unauthorized(self):
        return self._answer(401, {"message": "Unauthorized"})

    @staticmethod
    def _answer(status, value):
        return status, [("Content-Type", "application/json; charset=utf-8")], json.dumps(value).encode()

    @staticmethod
    def named(request):
        """The customer's id in the path, else what a new one is known by."""
        parts = request.path.split("/")
        body = request.json() if isinstance(request.json(), dict) else {}
        return [x for x in (*parts[2:3], body.get("username"), body.get("email"), request.query.get("cpf")) if x]

    # --- in our words ---

    def account(self, service):
        """ITTV knows no service: the customer whose login or e-mail has its id in it, else the only one that there is."""
        found = [c for c in self.customers.values() if service in re.findall(r"[A-Za-z0-9]+", c["username"] + " " + c["email"])]
        if not found and len(self.customers) == 1:
            found = list(self.customers.values())
        if len(found) != 1:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}
        c = found[0]
        return {"exists": True, "status": self._in_our_words(c["status"]), "plan": c["product"], "packages": [], "devices": []}

    def _in_our_words(self, status):
        """INACTIVE is the end only where other words say blocked and suspended."""
        if status in ("ACTIVE", "PARTIAL"):
            return "active"
        return "terminated" if status == "INACTIVE" and len(self.statuses) > 3 else "suspended"

    def control(self, request):
        """POST password (form login, password): whether that password is good. POST forget: all customers are gone."""
        form = request.form()
        if (request.method, request.path) == ("POST", "/forget"):
            self.customers.clear()
            return 200, {}
        if (request.method, request.path) != ("POST", "/password"):
            return None
        return 200, {"good": any((c["username"], c["password"]) == (form.get("login"), form.get("password"))
                                 for c in self.customers.values())}

    # --- the API ---

    def handle(self, request):
        if self.key and request.headers.get("authorization") != "Bearer " + self.key:
            return self.unauthorized()
        try:
            return self._answer(200, self._dispatch(request))
        except Refused as e:
            return self._answer(e.status, {"message": str(e)})

    def _dispatch(self, request):
        parts = request.path.split("/")[1:]
        if parts[0] != "customer" or len(parts) > 3:
            raise Refused(404, "Cannot %s %s" % (request.method, request.path))
        call = {("POST", 1): self.create, ("GET", 1): self.search, ("GET", 2): self.read, ("PUT", 2): self.update,
                ("PUT", 3): self.put_part, ("POST", 3): self.post_part}.get((request.method, len(parts)))
        if call is None or (request.method == "GET" and not self.readable):
            raise Refused(404, "Cannot %s %s" % (request.method, request.path))
        return call(request, *parts[1:])

    def _body(self, request):
        body = request.json()
        if not isinstance(body, dict):
            raise Refused(400, "Unexpected token in JSON")
        wrong = [k for k, v in body.items() if v is not None and not isinstance(v, str)]
        if wrong:
            raise Refused(400, "%s must be a string" % wrong[0])
        return body

    def _known(self, identifier):
        customer = self.customers.get(identifier)
        if customer is None:
            raise Refused(404, "Customer not found")
        return customer

    def _unique(self, body, but=None):
        for name in UNIQUE:
            for c in self.customers.values():
                if c is not but and body.get(name) and c[name].lower() == body[name].lower():
                    raise Refused(409, "Customer already exists with this %s" % name if name == "cpf"
                                  else "%s already in use" % name)

    def _status(self, word):
        if word not in self.statuses:
            raise Refused(400, "Invalid status")

    def _product(self, product):
        if product not in self.products:
            raise Refused(400, "Product not found")

    def create(self, request):
        body = self._body(request)
        for name in REQUIRED:
            if body.get(name) is None or (name in NEVER_EMPTY and body[name] == ""):
                raise Refused(400, "%s is required" % name)
        self._status(body["status"])
        self._product(body["product"])
        self._unique(body)
        self.made += 1
        identifier = hashlib.sha256(b"customer %d" % self.made).hexdigest()[:24]
        self.customers[identifier] = {"_id": identifier, **{f: body.get(f) for f in FIELDS}}
        self.effect("create", id=identifier, username=body["username"], product=body["product"], status=body["status"])
        return {"_id": identifier}

    def search(self, request):
        cpf = request.query.get("cpf")
        return [self._shown(c) for c in self.customers.values() if cpf is None or c["cpf"] == cpf]

    @staticmethod
    def _shown(customer):
        return {"_id": customer["_id"], **{f: customer.get(f) for f in SHOWN}}

    def read(self, request, identifier):
        return self._shown(self._known(identifier))

    def _set(self, customer, effect, shown=True, **fields):
        """Writes @fields; only what changes something is an effect."""
        changed = {k: v for k, v in fields.items() if customer[k] != v}
        customer.update(changed)
        if changed:
            self.effect(effect, id=customer["_id"], **(changed if shown else {}))
        return {}

    def update(self, request, identifier):
        body, customer = self._body(request), self._known(identifier)
        fields = {k: body[k] for k in ("email", "username") if body.get(k)}
        self._unique(fields, customer)
        return self._set(customer, "update", **fields)

    def put_part(self, request, identifier, part):
        body, customer = self._body(request), self._known(identifier)
        if part == "status":
            self._status(body.get("status"))
            return self._set(customer, "status", status=body["status"])
        if part == "order":
            self._product(body.get("idProduct"))
            return self._set(customer, "order", product=body["idProduct"])
        raise Refused(404, "Cannot PUT %s" % request.path)

    def post_part(self, request, identifier, part):
        body, customer = self._body(request), self._known(identifier)
        if part != "changepassword":
            raise Refused(404, "Cannot POST %s" % request.path)
        if not body.get("password"):
            raise Refused(400, "password is required")
        return self._set(customer, "password", shown=False, password=body["password"])
