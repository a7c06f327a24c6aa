"""What a Stalker (Ministra) portal 4.9 - 5.1 does with a REST v1 request.

Written after the observed behaviour of a real 4.9.35 portal (README.md says which fact is of which grade).
Every change is reported through `effect(kind, **fields)` before the answer exists, so that a journal is never behind
the truth. Credentials: STALKER_LOGIN and STALKER_PASSWORD; without a login the API is open, as on the real portal.
"""

import base64
import copy
import hashlib
import json
import os

CREDENTIALS = "Credentials: environment STALKER_LOGIN and STALKER_PASSWORD."
HTML = (("Content-Type", "text/html; charset=UTF-8"),)

ACCOUNT_FIELDS = ("login", "password", "full_name", "phone", "account_number", "tariff_plan", "status", "stb_mac",
                  "comment", "end_date", "account_balance")
EVENTS = ("send_msg", "send_msg_with_video", "reboot", "reload_portal", "update_channels", "play_channel",
          "play_radio_channel", "update_image", "cut_off", "show_menu")
NO_DATE = "0000-00-00 00:00:00"


class ApiError(Exception):
    """A failure that the portal tells with HTTP 200 and a text."""


def is_empty(value):
    """PHP's empty(): the text "0" counts as empty."""
    return value is None or value == "" or value == "0" or value == [] or value is False or value == {}


def as_list(value):
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def to_int(value):
    """PHP's intval() of a text."""
    digits = ""
    for c in str(value).strip():
        if c.isdigit() or (c in "+-" and not digits):
            digits += c
        else:
            break
    try:
        return int(digits)
    except ValueError:
        return 0


def normalise_mac(text):
    """The portal's own idea of it: only the length is looked at."""
    mac = text.strip().upper()
    for cyrillic, latin in zip("АВСЕ", "ABCE"):
        mac = mac.replace(cyrillic, latin)
    if len(mac) == 12:
        mac = ":".join(mac[i:i + 2] for i in range(0, 12, 2))
    return mac if len(mac) == 17 else None


def _package(pid, external_id, name, **more):
    p = {"id": str(pid), "external_id": external_id, "name": name, "description": "", "type": "tv",
         "all_services": "0", "service_type": "periodic", "rent_duration": "0", "price": "0.00"}
    p.update(more)
    return p


def builtin_data():
    """The tariffs of the ABillS seed, optional packages P1 ... P9, and a default tariff that has none of them."""
    packages = [
        _package(14, "2", "Base", description="Default channels"),
        _package(15, "4", "Bez Amoreyo", description="Bez Amoreyo Cubayo"),
        _package(16, "1", "YOUTUBE", type="module"),
    ]
    packages += [_package(20 + i, "P%d" % i, "Option %d" % i, price="%d.00" % i) for i in range(1, 10)]
    options = [{"package_id": str(20 + i), "optional": "1"} for i in range(1, 10)]
    fixed = [{"package_id": "16", "optional": "0"}, {"package_id": "15", "optional": "0"}]
    tariffs = [
        {"id": "5", "external_id": "1", "name": "START", "user_default": "1", "days_to_expires": "0",
         "in_plan": [{"package_id": "14", "optional": "0"}]},
        {"id": "6", "external_id": "3", "name": "FULL Bez Amoreyo", "user_default": "0", "days_to_expires": "0",
         "in_plan": fixed + options},
        {"id": "7", "external_id": "7", "name": "LITE", "user_default": "0", "days_to_expires": "0",
         "in_plan": [{"package_id": "14", "optional": "0"}] + options[:3]},
    ]
    services = {"14": ["1", "2"], "15": ["1", "2", "3"], "16": ["youtube"]}
    channels = [{"id": str(i), "name": n, "number": str(i), "base_ch": "1", "hd": "0",
                 "url": "udp://239.0.0.%d:1234" % i, "enable_monitoring": "0"}
                for i, n in enumerate(("First", "News", "Sport"), 1)]
    return {"packages": packages, "tariffs": tariffs, "services": services, "channels": channels, "accounts": []}


def to_json(value):
    """As PHP writes it: ASCII only, slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


class Platform:
    """One portal: its accounts, tariffs, packages and the messages queued for its boxes."""

    PREFIX = "/stalker_portal/api"
    ALIASES = ("/api",)
    SECRETS = ("password",)

    @staticmethod
    def add_options(parser):
        parser.add_argument("--api-off", action="store_true", help="enable_api=false: 404 to everything")
        parser.add_argument("--internal-billing", action="store_true",
                            help="enable_internal_billing: end_date is shown")

    def __init__(self, options, effect):
        self.effect = effect
        self.internal_billing = options.internal_billing
        self.api_off = options.api_off
        self.seed = options.seed_data or builtin_data()
        login, password = os.environ.get("STALKER_LOGIN", ""), os.environ.get("STALKER_PASSWORD", "")
        self.credentials = base64.b64encode(("%s:%s" % (login, password)).encode()).decode() if login else None
        self.reset()

    def reset(self):
        self.enabled = not self.api_off
        seed = copy.deepcopy(self.seed)
        self.packages = {p["id"]: p for p in seed.get("packages", [])}
        self.tariffs = {t["id"]: t for t in seed.get("tariffs", [])}
        self.services = seed.get("services", {})
        self.channels = seed.get("channels", [])
        self.users = {}           # id -> row of the table users
        self.by_login = {}
        self.by_number = {}
        self.by_mac = {}
        self.subscriptions = []   # rows (user id, package id); a deleted user leaves its rows behind
        self.subscribed = {}      # the same by user id
        self.channel_sets = {}    # user id -> sub_ch
        self.events = []          # queued for the boxes
        self.last_id = 0
        quiet, self.effect = self.effect, lambda kind, **fields: None
        for account in seed.get("accounts", []):
            packages = account.pop("subscribed", [])
            uid = self._insert(account)
            self._subscription_update(uid, subscribe=packages)
        self.events.clear()
        self.effect = quiet

    # --- HTTP ---

    def handle(self, request):
        if not self.enabled:
            return 404, HTML, b"API not enabled"
        if self.credentials is not None and not self._let_in(request.headers.get("authorization", "")):
            return self.unauthorized()
        if not request.target.startswith((self.PREFIX + "/", *(alias + "/" for alias in self.ALIASES))):
            return 404, HTML, b"<h1>Not Found</h1>"
        path = request.path[4:] if request.path.startswith("/v1/") else request.path[1:]
        return 200, (("Content-Type", "application/json"),), to_json(self.reply(request.method, path, request.form()))

    def unauthorized(self):
        body = to_json({"status": "ERROR", "results": "", "error": "401 Unauthorized request"})
        return 401, (("Content-Type", "application/json"), ("WWW-Authenticate", 'Basic realm="Stalker API"')), body

    def _let_in(self, header):
        kind, _, value = header.partition(" ")
        return kind.lower() == "basic" and value.strip() == self.credentials

    @staticmethod
    def named(request):
        """The account that a request is about: the ids in its path, else the login and the number in its body."""
        ids = request.path.rsplit("/", 1)[-1] if request.path.count("/") > 1 else ""
        form = request.form()
        return [i for i in dict.fromkeys((ids, *ids.split(","), form.get("login"), form.get("account_number"))) if i]

    def control(self, request):
        form = request.form()
        if (request.method, request.path) == ("POST", "/password"):
            return 200, {"good": self.check_password(form.get("login", ""), form.get("password", ""))}
        if (request.method, request.path) == ("POST", "/api"):
            self.enabled = form.get("enabled") == "1"
            return 200, {"enabled": self.enabled}
        return None

    def account(self, service):
        """The account of a service, in our words: by number, which is the service's id, else by login."""
        found = self.by_number.get(service) or self.by_login.get(service)
        if not found:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []}
        info = self._info(found[0])
        return {"exists": True, "status": "active" if info["status"] else "suspended", "plan": info["tariff_plan"],
                "packages": sorted(info["subscribed"]), "devices": [info["stb_mac"]] if info["stb_mac"] else []}

    # --- the entry ---

    def reply(self, method, path, form):
        """@path: what follows /api/. @form: the parsed body. The answer's members, in the portal's order."""
        try:
            return {"status": "OK", "results": self._dispatch(method, path, form)}
        except ApiError as e:
            return {"status": "ERROR", "results": None, "error": str(e)}

    def _dispatch(self, method, path, form):
        parts = path.split("/")
        if parts and parts[-1] == "":
            parts.pop()
        if not parts:
            raise ApiError("Empty resource")
        action = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}.get(method)
        if action is None:
            raise ApiError("Not supported method")
        ids = parts[1].split(",") if len(parts) > 1 and parts[1] != "" else None
        resource = parts[0]
        if resource not in RESOURCES:
            raise ApiError('Class file for "RESTCommand%s" not found'
                           % "".join(w[:1].upper() + w[1:] for w in resource.split("_")))
        call = getattr(self, "%s_%s" % (action, resource), None)
        if call is None:
            raise ApiError('Resource "%s" does not support action "%s"' % (resource, action))
        return call(ids, form)

    # --- finding users ---

    def _find(self, index, ids):
        if ids is None:
            return list(self.users)
        found = []
        for i in dict.fromkeys(ids):
            found += index.get(i, ())
        return sorted(found)

    def _by_macs(self, ids):
        return self._find(self.by_mac, [m for m in map(normalise_mac, ids) if m])

    @staticmethod
    def _first_is_mac(ids, colon):
        return bool(ids) and not is_empty(ids[0]) and len(ids[0].encode()) >= 12 and (not colon or ids[0].find(":") > 0)

    def _accounts(self, ids):
        return self._by_macs(ids) if self._first_is_mac(ids, True) else self._find(self.by_number, ids)

    def _logins(self, ids):
        return self._by_macs(ids) if self._first_is_mac(ids, True) else self._find(self.by_login, ids)

    def _converted(self, ids):
        """Any id of 12 characters and more is taken as a MAC here: 12-digit account numbers are not found."""
        return self._by_macs(ids) if self._first_is_mac(ids, False) else self._find(self.by_number, ids)

    # --- accounts and users ---

    def _get_accounts(self, ids, found):
        if ids is not None and len(ids) == 1 and not found:
            raise ApiError("Account not found")
        if ids is not None and len(ids) > len(found):
            raise ApiError("One or more identifiers are incorrect")
        return [self._info(uid) for uid in found]

    def get_accounts(self, ids, form):
        return self._get_accounts(ids, self._accounts(ids))

    def get_users(self, ids, form):
        found = self._get_accounts(ids, self._logins(ids))
        return found[0] if found else found

    def create_accounts(self, ids, form):
        account = self._account_fields(form)
        if not is_empty(account.get("stb_mac")):
            account["stb_mac"] = normalise_mac(account["stb_mac"])
            if not account["stb_mac"]:
                raise ApiError("Not valid mac address")
        if is_empty(account.get("login")):
            raise ApiError("Login required")
        if self.by_login.get(account["login"]):
            raise ApiError("Login already in use")
        if not is_empty(account.get("stb_mac")) and self.by_mac.get(account["stb_mac"]):
            raise ApiError("MAC address already in use")
        self._insert(account)
        return True

    create_users = create_accounts

    @staticmethod
    def _account_fields(form):
        if not form:
            raise ApiError("HTTP POST data is empty")
        account = {k: v for k, v in form.items() if k in ACCOUNT_FIELDS}
        if not account:
            raise ApiError("Insert data is empty")
        return account

    def _update(self, ids, form, find):
        account = self._account_fields(form)
        if ids is None:
            raise ApiError("Identifier required")
        found = find(ids)
        self._one_known(ids, found)
        if not is_empty(account.get("login")):
            taken = self.by_login.get(account["login"])
            if taken and (taken[0] != found[0] or len(found) > 1):
                raise ApiError("Login already in use")
        for uid in found:
            self._change(uid, account)
        return True

    def update_accounts(self, ids, form):
        return self._update(ids, form, self._accounts)

    def update_users(self, ids, form):
        return self._update(ids, form, self._logins)

    def _delete(self, ids, find):
        if ids is None:
            raise ApiError("Identifier required")
        found = find(ids)
        self._one_known(ids, found)
        for uid in found:
            self._remove(uid)
        return True

    def delete_accounts(self, ids, form):
        return self._delete(ids, self._accounts)

    def delete_users(self, ids, form):
        return self._delete(ids, self._logins)

    @staticmethod
    def _one_known(ids, found):
        if ids is not None and len(ids) == 1 and not found:
            raise ApiError("Account not found")
        if ids is not None and len(ids) > 1:
            raise ApiError("Only one identifier allowed")

    # --- subscriptions ---

    def _subscribers(self, ids):
        found = self._converted(ids)
        self._one_known(ids, found)
        return found

    def get_account_subscription(self, ids, form):
        result = []
        for uid in self._subscribers(ids):
            info = self._info(uid)
            result.append({"mac": info["stb_mac"], "subscribed": info["subscribed"],
                           "subscribed_id": info["subscribed_id"]})
        return result

    def create_account_subscription(self, ids, form):
        """Replaces the set."""
        self._subscription_fields(form, ("subscribed", "subscribed_id"), "POST")
        result = True
        for uid in self._subscribers(ids):
            info = self._info(uid)
            want, want_ids = form.get("subscribed"), as_list(form.get("subscribed_id"))
            drop = [] if is_empty(want) else [p for p in info["subscribed"] if p not in as_list(want)]
            drop_ids = [] if not want_ids else [p for p in info["subscribed_id"] if p not in want_ids]
            result = self._subscription_update(uid, as_list(want), want_ids, drop, drop_ids) and result
        return result

    def update_account_subscription(self, ids, form):
        """Adds to the set and takes from it."""
        fields = ("subscribed", "subscribed_id", "unsubscribed", "unsubscribed_id")
        self._subscription_fields(form, fields, "PUT")
        result = True
        for uid in self._subscribers(ids):
            result = self._subscription_update(uid, *[as_list(form.get(f)) for f in fields]) and result
        return result

    def delete_account_subscription(self, ids, form):
        result = True
        for uid in self._subscribers(ids):
            result = self._subscription_update(uid, unsubscribe=self._info(uid)["subscribed"]) and result
        return result

    @staticmethod
    def _subscription_fields(form, fields, method):
        if not form:
            raise ApiError("HTTP %s data is empty" % method)
        if not any(f in form for f in fields):
            raise ApiError("Insert data is empty")

    def _subscription_update(self, uid, subscribe=(), subscribe_ids=(), unsubscribe=(), unsubscribe_ids=()):
        """True when at least one package changed. What is in the plan is read once, before any change."""
        plan = self._plan_of(uid)
        optional = {p["package_id"] for p in plan["in_plan"] if p["optional"] == "1"} if plan else set()
        before = set(self.subscribed.get(uid, ()))
        changed = False
        for pid in self._package_ids(subscribe) + list(subscribe_ids):
            if pid in optional and pid not in before and pid not in self.subscribed.get(uid, ()):
                self.subscribed.setdefault(uid, []).append(pid)
                self.subscriptions.append((uid, pid))
                self._package_effect("subscribe", uid, pid)
                changed = True
        for pid in self._package_ids(unsubscribe) + list(unsubscribe_ids):
            if pid in optional and pid in before and pid in self.subscribed.get(uid, ()):
                self.subscribed[uid].remove(pid)
                self.subscriptions.remove((uid, pid))
                self._package_effect("unsubscribe", uid, pid)
                changed = True
        return changed

    def _package_ids(self, external_ids):
        wanted = set(external_ids)
        return [p["id"] for p in self.packages.values() if p["external_id"] in wanted]

    def _package_effect(self, kind, uid, pid):
        self.effect(kind, **self._who(uid), package=self.packages[pid]["external_id"])
        self._queue(uid, "send_msg", msg="Services are updated according to the subscription. "
                                         "The STB will be rebooted.", reboot=True)

    # --- lists ---

    def get_tariffs(self, ids, form):
        if ids and not is_empty(ids[0]):
            tariff = self.tariffs.get(str(to_int(ids[0])))
            return self._tariff(tariff) if tariff else None
        return [self._tariff(t) for t in self.tariffs.values()]

    def _tariff(self, tariff):
        out = {k: v for k, v in tariff.items() if k != "in_plan"}
        out["packages"] = [dict(self.packages[p["package_id"]], optional=p["optional"]) for p in tariff["in_plan"]]
        return out

    def get_services_package(self, ids, form):
        if ids and not is_empty(ids[0]):
            package = self.packages.get(str(to_int(ids[0])))
            return self._with_services(package) if package else None
        return [self._with_services(p) for p in self.packages.values()]

    def _with_services(self, package):
        services = self.services.get(package["id"], [])
        if package["all_services"] == "1":
            services = "all"
        elif package["type"] == "tv":
            services = [{"id": c["id"], "name": c["name"]} for c in self.channels if c["id"] in services]
        return dict(package, services=services)

    def get_itv(self, ids, form):
        return [c for c in self.channels if ids is None or c["id"] in ids]

    def update_itv(self, ids, form):
        if not form:
            raise ApiError("HTTP PUT data is empty")
        if "monitoring_status" not in form:
            raise ApiError("Update data is empty")
        if ids is None:
            raise ApiError("Empty channel id")
        self.effect("channel", channel=ids[0], monitoring_status=form["monitoring_status"])
        return True

    # --- boxes ---

    def get_stb(self, ids, form):
        return [self._box(uid) for uid in self._converted(ids)]

    def _box(self, uid):
        u = self.users[uid]
        return {"mac": u["mac"], "ls": u["ls"], "login": u["login"], "status": 0 if u["off"] else 1, "online": "0",
                "additional_services_on": u["additional_services_on"], "ip": u["ip"], "version": u["version"],
                "account_balance": u["account_balance"], "last_active": u["last_active"]}

    def create_stb(self, ids, form):
        if not form:
            raise ApiError("HTTP POST data is empty")
        names = ("mac", "login", "password", "status", "additional_services_on", "ls", "end_date", "account_balance")
        data = {k: v for k, v in form.items() if k in names}
        if not data:
            raise ApiError("Insert data is empty")
        if not is_empty(data.get("mac")):
            data["mac"] = normalise_mac(data["mac"])
            if not data["mac"]:
                raise ApiError("Not valid mac address")
        elif is_empty(data.get("login")) or is_empty(data.get("password")):
            raise ApiError("Login and password required")
        if data.get("mac") and self.by_mac.get(data["mac"]):
            raise ApiError("Stb already exists")
        account = {"stb_mac": data.pop("mac", ""), "account_number": data.pop("ls", "")}
        account.update(data)
        return self._box(self._insert(account))

    def update_stb(self, ids, form):
        if not form:
            raise ApiError("HTTP PUT data is empty")
        data = {k: v for k, v in form.items()
                if k in ("status", "additional_services_on", "ls", "reboot", "end_date")}
        if not data:
            raise ApiError("Update data is empty")
        if ids is None:
            raise ApiError("Identifier required")
        found = self._converted(ids)
        for uid in found:
            if "reboot" in data:
                self._queue(uid, "reboot")
            if "additional_services_on" in data:
                self.users[uid]["additional_services_on"] = data["additional_services_on"]
            change = {k: data[s] for k, s in (("status", "status"), ("account_number", "ls")) if s in data}
            self._change(uid, change, event_always=True)
        return [self._box(uid) for uid in found] if found else False

    def delete_stb(self, ids, form):
        if ids is None:
            raise ApiError("Identifier required")
        found = self._converted(ids)
        if not found:
            raise ApiError("STB not found")
        for uid in found:
            self._remove(uid)
        return True

    def get_itv_subscription(self, ids, form):
        found = self._converted(ids) or list(self.users)
        return [self._channel_set(uid) for uid in found if uid in self.channel_sets]

    def _channel_set(self, uid):
        u = self.users[uid]
        return {"ls": u["ls"], "mac": u["mac"], "sub_ch": self.channel_sets.get(uid, []),
                "additional_services_on": u["additional_services_on"]}

    def update_itv_subscription(self, ids, form):
        if not form:
            raise ApiError("HTTP PUT data is empty")
        if "sub_ch" not in form and "additional_services_on" not in form:
            raise ApiError("Update data is empty")
        found = self._converted(ids)
        for uid in found:
            if "additional_services_on" in form:
                self.users[uid]["additional_services_on"] = str(to_int(form["additional_services_on"]))
            if "sub_ch" in form:
                self.channel_sets[uid] = as_list(form["sub_ch"])
            self.effect("channels", **self._who(uid), sub_ch=self.channel_sets.get(uid, []))
        if not found and "sub_ch" in form:
            return False
        return [self._channel_set(uid) for uid in found]

    def create_send_event(self, ids, form):
        found = self._converted(ids)
        if not found and ids is not None:
            raise ApiError("STB not found")
        if form.get("event") not in EVENTS:
            return False
        fields = {k: form[k] for k in ("msg", "ttl", "channel", "video", "auto_hide_timeout") if form.get(k)}
        if not is_empty(form.get("need_reboot")):
            fields["reboot"] = True
        for uid in found:
            self._queue(uid, form["event"], **fields)
        return True

    def create_stb_msg(self, ids, form):
        found = self._converted(ids)
        if not found:
            raise ApiError("Empty stb list")
        if is_empty(form.get("msg")):
            raise ApiError("Empty msg")
        fields = {k: form[k] for k in ("ttl", "auto_hide_timeout") if to_int(form.get(k, ""))}
        for uid in found:
            self._queue(uid, "send_msg", msg=form["msg"], **fields)
        return True

    def update_stb_auth(self, ids, form):
        found = self._converted(ids)
        if not found:
            raise ApiError("Empty stb list")
        for uid in found:
            if not is_empty(form.get("reset_device_id")):
                self._set_mac(uid, "")
            self.effect("auth_reset", **self._who(uid), device=not is_empty(form.get("reset_device_id")))
        return True

    # --- rows ---

    def _plan_of(self, uid):
        tariff = self.tariffs.get(self.users[uid]["tariff_plan_id"])
        return tariff or self._default_tariff()

    def _default_tariff(self):
        return next((t for t in self.tariffs.values() if t["user_default"] == "1"), None)

    def _tariff_id(self, external_id):
        """An unknown tariff becomes 0, and 0 means the default tariff: nobody is told."""
        return next((t["id"] for t in self.tariffs.values() if t["external_id"] == external_id), "0")

    def _info(self, uid):
        u, plan = self.users[uid], self._plan_of(uid)
        known = self.tariffs.get(u["tariff_plan_id"]) or self._default_tariff()
        info = {"login": u["login"], "full_name": u["fname"], "phone": u["phone"], "account_number": u["ls"],
                "tariff_plan": known["external_id"] if known else None, "stb_sn": u["serial_number"],
                "stb_mac": u["mac"], "stb_type": u["stb_type"], "status": 0 if u["off"] else 1, "online": "0",
                "ip": u["ip"], "version": u["version"], "comment": u["comment"]}
        if self.internal_billing:
            info["end_date"] = u["expire_billing_date"]
        info.update(account_balance=u["account_balance"], last_active=u["last_active"])
        have = set(self.subscribed.get(uid, ()))
        shown = [p["package_id"] for p in plan["in_plan"]
                 if p["optional"] == "1" and p["package_id"] in have] if plan else []
        info["subscribed"] = [self.packages[p]["external_id"] for p in shown]
        info["subscribed_id"] = shown
        return info

    def _insert(self, account):
        self.last_id += 1
        uid = self.last_id
        self.users[uid] = {
            "login": account.get("login", ""), "fname": account.get("full_name", ""),
            "phone": account.get("phone", ""), "ls": account.get("account_number", ""),
            "mac": account.get("stb_mac", ""), "comment": account.get("comment", ""),
            "expire_billing_date": account.get("end_date", NO_DATE),
            "account_balance": account.get("account_balance", ""), "tariff_plan_id": "0",
            "off": is_empty(account["status"]) if "status" in account else False, "password": "",
            "serial_number": account.get("stb_sn", ""), "stb_type": account.get("stb_type", ""), "ip": "",
            "version": "", "last_active": NO_DATE, "additional_services_on": "1"}
        u = self.users[uid]
        if not is_empty(account.get("tariff_plan")):
            u["tariff_plan_id"] = self._tariff_id(account["tariff_plan"])
        self._set_password(uid, account.get("password"))
        for index, value in ((self.by_login, u["login"]), (self.by_number, u["ls"]), (self.by_mac, u["mac"])):
            index.setdefault(value, []).append(uid)
        self.effect("create", **self._who(uid), tariff=self._info(uid)["tariff_plan"], status=0 if u["off"] else 1,
                    mac=u["mac"])
        return uid

    def _change(self, uid, account, event_always=False):
        u = self.users[uid]
        if "status" in account:
            off = is_empty(account["status"])
            if off != u["off"] or event_always:
                u["off"] = off
                self._queue(uid, "cut_off" if off else "cut_on")
            self.effect("status", **self._who(uid), status=0 if off else 1)
        changed = [k for k in account if k != "status"]
        for name, column in (("full_name", "fname"), ("phone", "phone"), ("comment", "comment"),
                             ("end_date", "expire_billing_date"), ("account_balance", "account_balance")):
            if name in account:
                u[column] = account[name]
        if not is_empty(account.get("tariff_plan")):
            u["tariff_plan_id"] = self._tariff_id(account["tariff_plan"])
        self._set_password(uid, account.get("password"))
        if "stb_mac" in account:
            self._set_mac(uid, account["stb_mac"])     # as it came: normalised on POST only
        if "login" in account:
            self._move(self.by_login, uid, "login", account["login"])
        if "account_number" in account:
            self._move(self.by_number, uid, "ls", account["account_number"])
        if changed:
            self.effect("update", **self._who(uid), fields=sorted(changed), tariff=self._info(uid)["tariff_plan"],
                        mac=u["mac"])

    def _set_password(self, uid, password):
        if not is_empty(password):
            inner = hashlib.md5(password.encode()).hexdigest()
            self.users[uid]["password"] = hashlib.md5((inner + str(uid)).encode()).hexdigest()

    def check_password(self, login, password):
        """For tests: whether this account would let one in with @password."""
        for uid in self.by_login.get(login, ()):
            inner = hashlib.md5(password.encode()).hexdigest()
            return self.users[uid]["password"] == hashlib.md5((inner + str(uid)).encode()).hexdigest()
        return False

    def _set_mac(self, uid, mac):
        self._move(self.by_mac, uid, "mac", mac)

    def _move(self, index, uid, column, value):
        index[self.users[uid][column]].remove(uid)
        self.users[uid][column] = value
        index.setdefault(value, []).append(uid)

    def _remove(self, uid):
        who = self._who(uid)
        u = self.users.pop(uid)
        for index, value in ((self.by_login, u["login"]), (self.by_number, u["ls"]), (self.by_mac, u["mac"])):
            index[value].remove(uid)
        self.subscribed.pop(uid, None)      # the rows in self.subscriptions stay: orphans, as on the real portal
        self.effect("delete", **who)

    def _who(self, uid):
        return {"id": uid, "login": self.users[uid]["login"], "account": self.users[uid]["ls"]}

    def _queue(self, uid, event, **fields):
        row = dict(self._who(uid), event=event, **fields)
        self.events.append(row)
        if len(self.events) > 100000:
            del self.events[:50000]
        self.effect("event", **row)

    def state(self):
        """All that is known, for tests; no password in it."""
        users = {u["login"]: dict(self._info(uid), id=uid, additional_services_on=u["additional_services_on"])
                 for uid, u in self.users.items()}
        return {"accounts": users, "events": self.events[-1000:],
                "orphan_subscriptions": [r for r in self.subscriptions if r[0] not in self.users]}


RESOURCES = ("accounts", "users", "account_subscription", "tariffs", "services_package", "stb", "itv",
             "itv_subscription", "send_event", "stb_msg", "stb_auth")
