"""The stand-in for ITTV against what is known of its API: the calls of the public client, and what is assumed beside them."""

import json
import unittest

import client

KEY = "reseller-key"
BASIC, PLUS = "65f0c1a2b3c4d5e6f7a80001", "65f0c1a2b3c4d5e6f7a80002"
ANA = {"name": "Ana", "cpf": "12345678909", "status": "ACTIVE", "phone": "", "email": "ana@example.com",
       "username": "ana@example.com", "password": "12345678909", "zipcode": "", "product": BASIC, "address": "", "city": "",
       "number": "", "state": ""}


class Case(unittest.TestCase):
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.platform = client.Program("ittv.py", {"ITTV_KEY": KEY, **cls.environment})

    @classmethod
    def tearDownClass(cls):
        cls.platform.stop()

    def setUp(self):
        self.platform.control("POST", "reset")

    def call(self, method, path, value=None, key=KEY):
        body = None if value is None else json.dumps(value)
        status, _, text = self.platform.send(method, "/alpha/reseller" + path, body, {"Authorization": "Bearer " + key})
        return status, json.loads(text)

    def make(self, **other):
        status, reply = self.call("POST", "/customer", {**ANA, **other})
        self.assertEqual((status, list(reply)), (200, ["_id"]))
        return reply["_id"]

    def customer(self, identifier):
        return self.platform.control("GET", "state")["customers"][identifier]


class Customers(Case):
    def test_a_wrong_key_is_401_with_a_message(self):
        self.assertEqual(self.call("POST", "/customer", ANA, key="other"), (401, {"message": "Unauthorized"}))
        self.assertEqual(self.platform.lines("effect"), [])

    def test_a_new_customer_gets_an_id(self):
        identifier = self.make()
        self.assertRegex(identifier, "^[0-9a-f]{24}$")
        self.assertEqual(self.customer(identifier)["product"], BASIC)
        self.assertTrue(self.platform.control("POST", "password", "login=ana@example.com&password=12345678909")["good"])

    def test_neither_password_nor_document_is_in_the_journal(self):
        self.make()
        self.assertNotIn("12345678909", json.dumps(self.platform.control("GET", "journal")))

    def test_one_customer_for_each_document(self):
        self.make()
        status, reply = self.call("POST", "/customer", {**ANA, "email": "b@example.com", "username": "b"})
        self.assertEqual((status, reply), (409, {"message": "Customer already exists with this cpf"}))

    def test_email_and_login_are_used_once(self):
        self.make()
        for taken in ("email", "username"):
            value = {**ANA, "cpf": "2", "email": "b@example.com", "username": "b", taken: ANA[taken].upper()}
            self.assertEqual(self.call("POST", "/customer", value), (409, {"message": taken + " already in use"}))

    def test_what_is_missing_is_named(self):
        for name in ("name", "cpf", "city"):
            value = {k: v for k, v in ANA.items() if k != name}
            self.assertEqual(self.call("POST", "/customer", value), (400, {"message": name + " is required"}))
        self.assertEqual(self.call("POST", "/customer", {**ANA, "cpf": 12345678909})[0], 400)

    def test_the_product_must_be_known(self):
        self.assertEqual(self.call("POST", "/customer", {**ANA, "product": "x"}), (400, {"message": "Product not found"}))

    def test_login_and_email_change_and_absent_or_null_ones_stay(self):
        identifier = self.make()
        self.assertEqual(self.call("PUT", "/customer/" + identifier, {"username": "ana", "email": None}), (200, {}))
        self.assertEqual((self.customer(identifier)["username"], self.customer(identifier)["email"]), ("ana", "ana@example.com"))

    def test_the_same_login_again_is_no_conflict(self):
        identifier = self.make()
        self.assertEqual(self.call("PUT", "/customer/" + identifier, {"username": ANA["username"]})[0], 200)

    def test_an_order_replaces_the_product(self):
        identifier = self.make()
        self.assertEqual(self.call("PUT", "/customer/%s/order" % identifier, {"idProduct": PLUS}), (200, {}))
        self.assertEqual(self.customer(identifier)["product"], PLUS)
        self.assertEqual(self.call("PUT", "/customer/%s/order" % identifier, {"idProduct": "x"})[0], 400)
        self.assertEqual(self.customer(identifier)["product"], PLUS)

    def test_the_status_is_one_of_the_known_words(self):
        identifier = self.make()
        self.assertEqual(self.call("PUT", "/customer/%s/status" % identifier, {"status": "INACTIVE"}), (200, {}))
        self.assertEqual(self.customer(identifier)["status"], "INACTIVE")
        self.assertEqual(self.call("PUT", "/customer/%s/status" % identifier, {"status": "BLOCKED"}),
                         (400, {"message": "Invalid status"}))

    def test_a_new_password_counts(self):
        identifier = self.make()
        self.assertEqual(self.call("POST", "/customer/%s/changepassword" % identifier, {"password": "n3w"}), (200, {}))
        self.assertTrue(self.platform.control("POST", "password", "login=ana@example.com&password=n3w")["good"])
        self.assertFalse(self.platform.control("POST", "password", "login=ana@example.com&password=12345678909")["good"])

    def test_an_unknown_customer_is_404(self):
        for method, path, value in (("PUT", "", {"username": "x"}), ("PUT", "/status", {"status": "ACTIVE"}),
                                    ("PUT", "/order", {"idProduct": PLUS}), ("POST", "/changepassword", {"password": "x"})):
            self.assertEqual(self.call(method, "/customer/none" + path, value), (404, {"message": "Customer not found"}))

    def test_there_is_no_way_to_delete(self):
        identifier = self.make()
        self.assertEqual(self.call("DELETE", "/customer/" + identifier)[0], 404)

    def test_reading_assumed(self):
        identifier = self.make()
        status, found = self.call("GET", "/customer?cpf=12345678909")
        self.assertEqual((status, [c["_id"] for c in found]), (200, [identifier]))
        self.assertNotIn("password", found[0])
        self.assertEqual(self.call("GET", "/customer?cpf=1"), (200, []))
        self.assertEqual(self.call("GET", "/customer/" + identifier)[1]["_id"], identifier)

    def test_the_account_in_our_words(self):
        identifier = self.make()
        self.assertEqual(self.platform.account("70001"), {"exists": True, "status": "active", "plan": BASIC, "packages": [],
                                                          "devices": []})
        self.make(cpf="2", email="70002@example.com", username="b")
        self.call("PUT", "/customer/%s/status" % identifier, {"status": "INACTIVE"})
        self.assertEqual(self.platform.account("70002")["status"], "active")
        self.assertFalse(self.platform.account("70003")["exists"])


class WithoutReading(Case):
    environment = {"ITTV_READS": "0", "ITTV_STATUSES": "ACTIVE,INACTIVE,PARTIAL"}

    def test_nothing_can_be_read(self):
        identifier = self.make()
        self.assertEqual(self.call("GET", "/customer")[0], 404)
        self.assertEqual(self.call("GET", "/customer/" + identifier)[0], 404)

    def test_more_status_words(self):
        identifier = self.make()
        self.assertEqual(self.call("PUT", "/customer/%s/status" % identifier, {"status": "PARTIAL"})[0], 200)


if __name__ == "__main__":
    unittest.main()
