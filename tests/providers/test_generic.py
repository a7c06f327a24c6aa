"""The stand-ins of the generic pack: the rules that all dialects share, and how each says them. Run: python3 -m unittest."""

import base64
import json
import unittest

import client

BASIC = "Basic " + base64.b64encode(b"isp:test-only").decode()


class Dialect:
    """The rules, said as the subclass' platform says them: `made`, `status`, ... are (method, path, body)."""

    def setUp(self):
        self.standin.control("POST", "reset")

    def call(self, method, path, body=None, headers=None):
        """(status, JSON)"""
        text = None if body is None else json.dumps(body)
        status, _, answer = self.standin.send(method, self.prefix + path, text, {**self.headers, **(headers or {})})
        return status, json.loads(answer) if answer else None

    def good(self, *call):
        status, answer = self.call(*call)
        self.assertIn(status, (200, 201), answer)
        return answer

    def refused(self, code, *call):
        self.assertEqual(self.call(*call), self.refusal(code))

    def account(self):
        return self.standin.account("70001")

    def effects(self):
        return [line["effect"] for line in self.standin.lines("effect")]

    @classmethod
    def setUpClass(cls):
        cls.standin = client.Program(cls.script, cls.environment)

    @classmethod
    def tearDownClass(cls):
        cls.standin.stop()

    def test_bad_credentials(self):
        status, _, _ = self.standin.send("GET", self.prefix + self.list, None, {})
        self.assertEqual(status, 401)

    def test_an_unknown_account(self):
        self.refused("unknown_account", *self.status("blocked"))
        self.assertEqual(self.account(), {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": []})

    def test_made_once(self):
        self.good(*self.create)
        self.assertEqual(self.account(), {"exists": True, "status": "active", "plan": "basic", "packages": [], "devices": []})
        self.refused("exists", *self.create)
        self.assertEqual(self.effects(), ["create"])

    def test_a_login_belongs_to_one(self):
        self.good(*self.create)
        self.refused("login_in_use", *self.create_as("778", "ann"))

    def test_an_unknown_plan(self):
        self.refused("unknown_plan", *self.create_with_plan("gold"))
        self.good(*self.create)
        self.refused("unknown_plan", *self.plan("gold"))
        self.good(*self.plan("family"))
        self.assertEqual(self.account()["plan"], "family")

    def test_statuses(self):
        self.good(*self.create)
        for word, ours in (("blocked", "suspended"), ("suspended", "suspended"), ("active", "active"), ("cancelled", "terminated")):
            self.good(*self.status(word))
            self.assertEqual(self.account()["status"], ours)
        self.good(*self.status("cancelled"))
        self.assertEqual(self.effects(), ["create"] + 4 * ["status"])  # again is no effect

    def test_devices(self):
        self.good(*self.create)
        self.good(*self.create_as("778", "bob"))
        self.good(*self.device_on("C1"))
        self.good(*self.device_on("C1"))
        self.refused("device_in_use", *self.device_on("C1", "778"))
        self.good(*self.device_on("C2"))
        self.good(*self.device_on("C3"))
        self.refused("device_limit", *self.device_on("C4"))
        self.good(*self.device_off("C3"))
        self.refused("unknown_device", *self.device_off("C3"))
        self.assertEqual(self.account()["devices"], ["C1", "C2"])

    def test_a_member_that_it_does_not_know_is_refused(self):
        self.good(*self.create)
        method, path, body = self.plan("family")
        self.refused("invalid", method, path, {**body, "nonsense": 1})

    def test_another_call(self):
        self.refused("no_route", "GET", "/nothing")


class WithPackages(Dialect):
    def test_packages(self):
        self.good(*self.create)
        self.good(*self.package_on("P2"))
        self.good(*self.package_on("P1"))
        self.assertEqual(self.account()["packages"], ["P1", "P2"])
        self.refused("unknown_package", *self.package_on("P99"))
        self.again()
        self.good(*self.package_off("P1"))
        self.assertEqual(self.account()["packages"], ["P2"])

    def again(self):
        """A package that is on already."""
        self.good(*self.package_on("P1"))


class Generic(WithPackages, unittest.TestCase):
    script, environment, prefix, list = "generic.py", {"GENERIC_KEY": "test-only"}, "/api", "/subscribers"
    headers = {"Authorization": "Bearer test-only"}
    create = ("POST", "/subscribers", {"id": "70001", "login": "ann", "plan": "basic", "status": "ACTIVE"})

    @staticmethod
    def create_as(service, login):
        return "POST", "/subscribers", {"id": service, "login": login, "plan": "basic"}

    @staticmethod
    def create_with_plan(plan):
        return "POST", "/subscribers", {"id": "70001", "login": "ann", "plan": plan}

    @staticmethod
    def status(word):
        return "PUT", "/subscribers/70001/status", {"status": word.upper()}

    @staticmethod
    def plan(plan):
        return "PUT", "/subscribers/70001/plan", {"plan": plan}

    @staticmethod
    def package_on(package):
        return "PUT", "/subscribers/70001/packages/" + package, {}

    @staticmethod
    def package_off(package):
        return "DELETE", "/subscribers/70001/packages/" + package

    @staticmethod
    def device_on(device, service="70001"):
        return "PUT", "/subscribers/%s/devices/%s" % (service, device), {"serial": device}

    @staticmethod
    def device_off(device):
        return "DELETE", "/subscribers/70001/devices/" + device

    def refusal(self, name):
        status, code = {"unknown_account": (404, "SUBSCRIBER_NOT_FOUND"), "exists": (409, "SUBSCRIBER_EXISTS"),
                        "login_in_use": (409, "LOGIN_IN_USE"), "unknown_plan": (422, "PLAN_NOT_FOUND"),
                        "unknown_package": (404, "PACKAGE_NOT_FOUND"), "device_in_use": (409, "DEVICE_IN_USE"),
                        "device_limit": (409, "TOO_MANY_DEVICES"), "unknown_device": (404, "DEVICE_NOT_FOUND"),
                        "invalid": (422, "INVALID_DATA"), "no_route": (404, "NO_SUCH_CALL")}[name]
        return status, {"error": {"code": code, "message": code.replace("_", " ").lower()}}

    def test_a_slash_in_an_id_stays_one(self):
        self.good("POST", "/subscribers", {"id": "a/b", "login": "ann", "plan": "basic"})
        self.assertEqual(self.good("GET", "/subscribers/a%2Fb")["id"], "a/b")

    def test_updated_and_deleted(self):
        self.good(*self.create)
        self.good("PUT", "/subscribers/70001", {"login": "ann2", "name": "João"})
        self.assertEqual(self.good("GET", "/subscribers/70001")["login"], "ann2")
        self.good("DELETE", "/subscribers/70001")
        self.assertEqual(self.good("GET", "/subscribers"), [])

    def test_passwords_are_nowhere(self):
        self.good("POST", "/subscribers", {"id": "1", "login": "x", "plan": "basic", "password": "very-secret", "pin": "9876"})
        shown = json.dumps([self.standin.control("GET", "journal"), self.standin.control("GET", "state"),
                            self.good("GET", "/subscribers/1")])
        self.assertNotIn("very-secret", shown)
        self.assertNotIn("9876", shown)


class Ion(WithPackages, unittest.TestCase):
    script, environment, prefix, list = "ion.py", {"ION_KEY": "test-only"}, "/v1", "/customers"
    headers = {"X-API-Key": "test-only"}
    create = ("POST", "/customers", {"external_id": "70001", "username": "ann", "plan_id": "basic"})

    def number(self, service="70001"):
        found = self.good("GET", "/customers?external_id=" + service)["data"]
        return str(found[0]["id"]) if found else "1"

    @staticmethod
    def create_as(service, login):
        return "POST", "/customers", {"external_id": service, "username": login, "plan_id": "basic"}

    @staticmethod
    def create_with_plan(plan):
        return "POST", "/customers", {"external_id": "70001", "username": "ann", "plan_id": plan}

    def status(self, word):
        verb = {"active": "activate", "blocked": "block", "suspended": "suspend", "cancelled": "cancel"}[word]
        return "POST", "/customers/%s/%s" % (self.number(), verb), {}

    def plan(self, plan):
        return "PUT", "/customers/%s/plan" % self.number(), {"plan_id": plan}

    def package_on(self, package):
        return "POST", "/customers/%s/packages" % self.number(), {"package_id": package}

    def package_off(self, package):
        return "DELETE", "/customers/%s/packages/%s" % (self.number(), package)

    def device_on(self, device, service="70001"):
        return "PUT", "/customers/%s/devices/%s" % (self.number(service), device), {"casn": device}

    def device_off(self, device):
        return "DELETE", "/customers/%s/devices/%s" % (self.number(), device)

    def refusal(self, name):
        status, code = {"unknown_account": (404, 1004), "exists": (409, 1001), "login_in_use": (409, 1002), "unknown_plan": (422, 2001),
                        "unknown_package": (422, 2002), "device_in_use": (409, 3002), "device_limit": (409, 3003),
                        "unknown_device": (404, 3001), "invalid": (422, 9001), "no_route": (404, 9404), "again": (409, 2003),
                        "off": (409, 2004)}[name]
        return status, {"errors": [{"code": code}]}

    def again(self):
        self.refused("again", *self.package_on("P1"))
        self.refused("off", *self.package_off("P5"))

    def test_a_pin_comes_back(self):
        self.good(*self.create)
        self.assertEqual(self.good("GET", "/customers?external_id=70001")["data"][0]["pin"], "0037")

    def test_nothing_is_deleted(self):
        self.good(*self.create)
        self.good(*self.status("cancelled"))
        self.assertEqual(self.good("GET", "/customers")["data"], [])
        self.assertEqual(self.good("GET", "/customers?external_id=70001")["data"][0]["state"], "cancelled")


class Mcr(WithPackages, unittest.TestCase):
    script, environment, prefix = "mcr.py", {"MCR_LOGIN": "isp", "MCR_PASSWORD": "test-only"}, "/mcr"
    list = "/api?method=customer.list"
    headers = {"Authorization": BASIC}
    create = ("POST", "/api?method=customer.create", {"customer": "70001", "user": "ann", "package": "basic"})

    @staticmethod
    def create_as(service, login):
        return "POST", "/api?method=customer.create", {"customer": service, "user": login, "package": "basic"}

    @staticmethod
    def create_with_plan(plan):
        return "POST", "/api?method=customer.create", {"customer": "70001", "user": "ann", "package": plan}

    @staticmethod
    def status(word):
        return "POST", "/api?method=customer.status&customer=70001", {"status": word[0].upper()}

    @staticmethod
    def plan(plan):
        return "POST", "/api?method=customer.package&customer=70001", {"package": plan}

    @staticmethod
    def package_on(package):
        return "POST", "/api?method=extra.add&customer=70001&extra=" + package

    @staticmethod
    def package_off(package):
        return "POST", "/api?method=extra.remove&customer=70001&extra=" + package

    @staticmethod
    def device_on(device, service="70001"):
        return "POST", "/api?method=point.add&customer=%s&point=%s" % (service, device), {"casn": device}

    @staticmethod
    def device_off(device):
        return "POST", "/api?method=point.remove&customer=70001&point=" + device

    def refusal(self, name):
        code = {"unknown_account": "customer_not_found", "exists": "customer_exists", "login_in_use": "user_in_use",
                "unknown_plan": "package_not_found", "unknown_package": "extra_not_found", "device_in_use": "point_in_use",
                "device_limit": "too_many_points", "unknown_device": "point_not_found", "invalid": "invalid", "no_route": "no_method"}
        return 200, {"success": False, "error": code[name]}

    def test_view_detail(self):
        self.good(*self.create)
        self.assertEqual(self.good("GET", "/api?method=view.detail&customer=70001"),
                         {"success": True, "result": {"customer": "70001", "user": "ann", "status": "A", "package": "basic",
                                                      "extras": [], "points": []}})


class MaxiTv(Dialect, unittest.TestCase):
    script, environment, prefix, list = "maxitv.py", {"MAXITV_KEY": "test-only"}, "/integracao", "/assinantes"
    headers = {"Authorization": "Token test-only"}
    create = ("PUT", "/assinantes/70001", {"usuario": "ann", "plano": "basic", "situacao": "ATIVO"})

    @staticmethod
    def create_as(service, login):
        return "PUT", "/assinantes/" + service, {"usuario": login, "plano": "basic"}

    @staticmethod
    def create_with_plan(plan):
        return "PUT", "/assinantes/70001", {"usuario": "ann", "plano": plan}

    @staticmethod
    def status(word):
        words = {"active": "ATIVO", "blocked": "BLOQUEADO", "suspended": "SUSPENSO", "cancelled": "CANCELADO"}
        return "PUT", "/assinantes/70001/situacao", {"situacao": words[word]}

    @staticmethod
    def plan(plan):
        return "PUT", "/assinantes/70001/plano", {"plano": plan}

    @staticmethod
    def device_on(device, service="70001"):
        return "PUT", "/assinantes/%s/pontos/%s" % (service, device), {"serial": device}

    @staticmethod
    def device_off(device):
        return "DELETE", "/assinantes/70001/pontos/" + device

    def refusal(self, name):
        status, code = {"unknown_account": (404, "NAO_ENCONTRADO"), "exists": (409, "JA_EXISTE"), "login_in_use": (409, "USUARIO_EM_USO"),
                        "unknown_plan": (400, "PLANO_INVALIDO"), "device_in_use": (409, "PONTO_EM_USO"),
                        "device_limit": (409, "LIMITE_DE_PONTOS"), "unknown_device": (404, "PONTO_NAO_ENCONTRADO"),
                        "invalid": (400, "DADOS_INVALIDOS"), "no_route": (404, "ROTA_NAO_ENCONTRADA")}[name]
        return status, {"codigo": code, "mensagem": code.replace("_", " ").lower()}

    def test_closed_packages_only(self):
        self.good(*self.create)
        self.assertEqual([p["codigo"] for p in self.good("GET", "/planos")], ["basic", "family"])
        self.refused("no_route", "PUT", "/assinantes/70001/pacotes/P1", {})


if __name__ == "__main__":
    unittest.main()
