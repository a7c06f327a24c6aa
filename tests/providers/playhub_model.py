"""What the API of PlayHub does with a request, as far as it is known (PROVIDERS.md, section 4.3).

Paths, members, the codes of refusals and what a missing customer gives (404) are read in public clients; the HTTP statuses of the
other refusals, the words of messages and the members of a customer that is read are assumed.

Environment: PLAYHUB_KEY, PLAYHUB_SECRET (no key: any are good, a token is needed all the same); PLAYHUB_DOCUMENT=0: a customer is
read without its document; PLAYHUB_TOKEN_S: how long a token lives (1800).
"""

import copy
import hashlib
import json
import os
import re

CREDENTIALS = "Credentials: environment PLAYHUB_KEY, PLAYHUB_SECRET."

REGISTERED, DOCUMENT, NOT_SUBSCRIBED, PRODUCT, NOT_AUTHORISED, SUBSCRIBED, NO_VOUCHERS = range(2, 9)
STATUS = {REGISTERED: 409, DOCUMENT: 400, NOT_SUBSCRIBED: 404, PRODUCT: 400, NOT_AUTHORISED: 403, SUBSCRIBED: 409, NO_VOUCHERS: 409}
WORDS = {REGISTERED: "User already registered", DOCUMENT: "Invalid document", NOT_SUBSCRIBED: "Subscription not found",
         PRODUCT: "Invalid product", NOT_AUTHORISED: "Product not authorised", SUBSCRIBED: "Customer already has this subscription",
         NO_VOUCHERS: "No vouchers available"}


def builtin_data():
    """Product to its vouchers: None, it needs none."""
    return {"products": {"TNT": None, "DIS": None, "HBO": None, "Q01": None, "K26": 9, "EMP": 0}, "forbidden": ["UFC"]}


class Refused(Exception):
    """A refusal with its code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Missing(Exception):
    """404 without a code: there is no such customer, or no such path."""


class Platform:
    """One operator's customers."""

    PREFIX = "/API/PlayhubApi"
    SECRETS = ("password", "apikey", "apisecret", "accesstoken", "document")

    def __init__(self, options, effect):
        self.effect = effect
        self.now = options.now
        self.seed = options.seed_data or builtin_data()
        self.key, self.secret = os.environ.get("PLAYHUB_KEY", ""), os.environ.get("PLAYHUB_SECRET", "")
        self.document_shown = os.environ.get("PLAYHUB_DOCUMENT", "1") != "0"
        self.token_s = int(os.environ.get("PLAYHUB_TOKEN_S", "1800"))
        self.reset()

    def reset(self):
        self.products = copy.deepcopy(self.seed["products"])
        self.forbidden = list(self.seed["forbidden"])
        self.customers = {}
        self.tokens = {}
        self.logins = 0
        self.given = 0

    def state(self):
        return {"customers": {u: {k: v for k, v in c.items() if k != "Password"} for u, c in self.customers.items()},
                "vouchers": {p: n for p, n in self.products.items() if n is not None}}

    # --- in our words ---

    def account(self, service):
        """PlayHub knows no service: the customer whose name to sign in has its id in it."""
        found = [c for u, c in self.customers.items() if service in re.findall(r"[A-Za-z0-9]+", u)]
        if not found:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}
        packages = sorted(found[0]["subscriptions"])
        return {"exists": True, "status": "active" if packages else "suspended", "plan": None, "packages": packages, "devices": []}

    @staticmethod
    def named(request):
        body = request.json() if isinstance(request.json(), dict) else {}
        return [x for x in (*request.path.split("/")[4:], body.get("Username"), body.get("ProductId")) if x]

    def control(self, request):
        """POST password (form login, password): whether it is good. POST forget: all customers are gone. POST expire: all tokens are.
        POST subscribe, unsubscribe (form service, product): somebody does it by hand."""
        form, call = request.form(), (request.method, request.path)
        found = [c for u, c in self.customers.items() if form.get("service", "-") in u]
        if call == ("POST", "/password"):
            c = self.customers.get(form.get("login"))
            return 200, {"good": c is not None and c["Password"] == form.get("password")}
        if call == ("POST", "/forget"):
            self.customers.clear()
        elif call == ("POST", "/expire"):
            self.tokens.clear()
        elif call == ("POST", "/subscribe"):
            found[0]["subscriptions"][form["product"]] = None
        elif call == ("POST", "/unsubscribe"):
            found[0]["subscriptions"].pop(form["product"], None)
        else:
            return None
        return 200, {}

    # --- the API ---

    @staticmethod
    def _answer(status, value=None):
        if value is None:
            return status, [], b""
        return status, [("Content-Type", "application/json; charset=utf-8")], json.dumps(value, ensure_ascii=False).encode()

    def unauthorized(self):
        return self._answer(401, {"Code": 1, "Message": "Authorization has been denied for this request."})

    def handle(self, request):
        parts = request.path.strip("/").split("/")
        if parts[:2] != ["api", "v3"]:
            return 404, [("Content-Type", "text/html")], b"<h1>404</h1>"
        if (request.method, parts[2:]) == ("POST", ["authentication", "tokens"]):
            return self._login(request.json() or {})
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or self.tokens.get(token, 0) <= self.now():
            return self.unauthorized()
        try:
            return self._answer(*self._dispatch(request, parts[2:]))
        except Refused as e:
            return self._answer(STATUS[e.code], {"Code": e.code, "Message": WORDS[e.code]})
        except Missing:
            return self._answer(404, {"Code": 0, "Message": "Not found"})

    def _login(self, body):
        if self.key and (body.get("ApiKey"), body.get("ApiSecret")) != (self.key, self.secret):
            return self.unauthorized()
        self.logins += 1
        token = hashlib.sha256(b"token %d" % self.logins).hexdigest()
        self.tokens[token] = self.now() + self.token_s
        return self._answer(200, {"AccessToken": token})

    def _dispatch(self, request, parts):
        if parts[0] != "customers" or len(parts) > 4 or parts[2:3] not in ([], ["subscriptions"]):
            raise Missing()
        call = {("POST", 1): self.create, ("GET", 2): self.read, ("PUT", 2): self.update, ("GET", 3): self.list,
                ("POST", 3): self.subscribe, ("DELETE", 4): self.unsubscribe}.get((request.method, len(parts)))
        if call is None:
            raise Missing()
        return call(request.json() if isinstance(request.json(), dict) else {}, *parts[1:2], *parts[3:])

    def _customer(self, username):
        if username not in self.customers:
            raise Missing()
        return self.customers[username]

    def create(self, body):
        username = body.get("Username", "")
        if any(u.lower() == username.lower() for u in self.customers):
            raise Refused(REGISTERED)
        if not re.fullmatch(r"\d{11}|\d{14}", body.get("Document", "")):
            raise Refused(DOCUMENT)
        if not username or not body.get("Password") or not body.get("Name"):
            return 400, {"Code": 0, "Message": "The request is invalid."}
        fields = {k: body.get(k, "") for k in ("Username", "Password", "Name", "Document", "Email", "Mobile")}
        self.customers[username] = {**fields, "subscriptions": {}}
        self.effect("create", username=username)
        return 201, self._shown(self.customers[username])

    def _shown(self, customer):
        hidden = ("Password", "subscriptions") + (() if self.document_shown else ("Document",))
        return {k: v for k, v in customer.items() if k not in hidden}

    def read(self, _body, username):
        return 200, self._shown(self._customer(username))

    def update(self, body, username):
        customer = self._customer(username)
        changed = {k: body[k] for k in ("Password", "Name", "Email", "Mobile") if body.get(k) and body[k] != customer[k]}
        customer.update(changed)
        if changed:
            self.effect("update", username=username, changed=sorted(changed))
        return 200, self._shown(customer)

    def list(self, _body, username):
        return 200, [self._subscription(p, v) for p, v in self._customer(username)["subscriptions"].items()]

    @staticmethod
    def _subscription(product, voucher):
        return {"ProductId": product, "ProductName": "Product " + product, "Voucher": voucher}

    def subscribe(self, body, username):
        customer, product = self._customer(username), body.get("ProductId", "")
        if product in self.forbidden:
            raise Refused(NOT_AUTHORISED)
        if product not in self.products:
            raise Refused(PRODUCT)
        if product in customer["subscriptions"]:
            raise Refused(SUBSCRIBED)
        voucher = None
        if self.products[product] is not None:
            if self.products[product] == 0:
                raise Refused(NO_VOUCHERS)
            self.products[product] -= 1
            self.given += 1
            voucher = "%s-%04d" % (product, self.given)
        customer["subscriptions"][product] = voucher
        self.effect("subscribe", username=username, product=product)
        return 201, self._subscription(product, voucher)

    def unsubscribe(self, _body, username, product):
        customer = self._customer(username)
        if product not in customer["subscriptions"]:
            raise Refused(NOT_SUBSCRIBED)
        del customer["subscriptions"][product]
        self.effect("unsubscribe", username=username, product=product)
        return 204, None
