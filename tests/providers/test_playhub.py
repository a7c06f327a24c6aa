"""The stand-in for PlayHub against what public clients show of its API, and what is assumed beside it."""

import json
import unittest

import client

ACCESS = {"ApiKey": "operator", "ApiSecret": "operator-secret"}
BASE = "/API/PlayhubApi/api/v3"
BIA = {"Username": "bia@example.com", "Password": "12345678909", "Name": "Bia", "Document": "12345678909", "Email": "bia@example.com",
       "Mobile": "81900000001"}
REGISTERED, DOCUMENT, NOT_SUBSCRIBED, PRODUCT, NOT_AUTHORISED, SUBSCRIBED, NO_VOUCHERS = 2, 3, 4, 5, 6, 7, 8


class Case(unittest.TestCase):
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.platform = client.Program("playhub.py", {"PLAYHUB_KEY": ACCESS["ApiKey"], "PLAYHUB_SECRET": ACCESS["ApiSecret"],
                                                     **cls.environment})

    @classmethod
    def tearDownClass(cls):
        cls.platform.stop()

    def setUp(self):
        self.platform.control("POST", "reset")
        self.token = self.login()[1]["AccessToken"]

    def send(self, method, path, value, headers):
        status, _, text = self.platform.send(method, BASE + path, None if value is None else json.dumps(value), headers)
        return status, json.loads(text) if text else None

    def login(self, access=None):
        return self.send("POST", "/authentication/tokens", ACCESS if access is None else access, {})

    def call(self, method, path, value=None):
        return self.send(method, path, value, {"Authorization": "Bearer " + self.token})

    def refused(self, status, code, method, path, value=None):
        got, reply = self.call(method, path, value)
        self.assertEqual((got, reply["Code"]), (status, code), reply)
        self.assertTrue(reply["Message"])

    def make(self, **other):
        status, reply = self.call("POST", "/customers", {**BIA, **other})
        self.assertEqual(status, 201, reply)
        return "/customers/" + reply["Username"]

    def subscribe(self, customer, *products):
        for product in products:
            self.assertEqual(self.call("POST", customer + "/subscriptions", {"ProductId": product})[0], 201)

    def products(self, customer):
        status, reply = self.call("GET", customer + "/subscriptions")
        self.assertEqual(status, 200)
        return [s["ProductId"] for s in reply]

    def effects(self):
        return [e["effect"] for e in self.platform.lines("effect")]


class Tokens(Case):
    def test_key_and_secret_must_be_good(self):
        for name in ACCESS:
            self.assertEqual(self.login({**ACCESS, name: "other"})[0], 401)

    def test_without_a_good_token_nothing_works(self):
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": self.token}):
            self.assertEqual(self.send("POST", "/customers", BIA, headers)[0], 401)
        self.assertEqual(self.effects(), [])

    def test_a_token_lives_for_half_an_hour_and_several_at_once(self):
        first, self.token = self.token, self.login()[1]["AccessToken"]
        self.assertNotEqual(first, self.token)
        customer = self.make()
        self.platform.control("POST", "clock", "advance_s=1700")
        self.assertEqual(self.call("GET", customer)[0], 200)
        self.platform.control("POST", "clock", "advance_s=200")
        self.assertEqual(self.call("GET", customer)[0], 401)

    def test_all_tokens_can_be_made_to_expire(self):
        customer = self.make()
        self.platform.control("POST", "expire")
        self.assertEqual(self.call("GET", customer)[0], 401)

    def test_neither_secrets_nor_document_are_in_the_journal(self):
        self.make(Password="s3cret")
        text = json.dumps(self.platform.control("GET", "journal"))
        for secret in (ACCESS["ApiKey"] + '"', ACCESS["ApiSecret"], "s3cret", BIA["Document"]):
            self.assertNotIn(secret, text)


class Customers(Case):
    def test_a_customer_is_shown_without_its_password(self):
        customer = self.make()
        self.assertEqual(self.call("GET", customer), (200, {k: v for k, v in BIA.items() if k != "Password"}))
        self.assertEqual(self.platform.control("POST", "password", "login=bia@example.com&password=12345678909"), {"good": True})

    def test_a_name_is_registered_once_in_any_case(self):
        self.make()
        self.refused(409, REGISTERED, "POST", "/customers", {**BIA, "Username": "BIA@example.com", "Document": "98765432100"})

    def test_a_document_has_eleven_or_fourteen_digits(self):
        for document in ("123", "123.456.789-09", ""):
            self.refused(400, DOCUMENT, "POST", "/customers", {**BIA, "Document": document})
        self.make(Document="12345678000195")

    def test_name_and_password_are_needed(self):
        for name in ("Username", "Password", "Name"):
            self.refused(400, 0, "POST", "/customers", {k: v for k, v in BIA.items() if k != name})

    def test_an_update_leaves_what_it_does_not_name_and_the_document(self):
        customer = self.make()
        self.assertEqual(self.call("PUT", customer, {"Name": "Bia Lima", "Document": "1"})[0], 200)
        shown = self.call("GET", customer)[1]
        self.assertEqual((shown["Name"], shown["Document"], shown["Email"]), ("Bia Lima", BIA["Document"], BIA["Email"]))
        self.call("PUT", customer, {"Name": "Bia Lima"})
        self.assertEqual(self.effects(), ["create", "update"])

    def test_who_is_not_there_is_404(self):
        for method, path in (("GET", "/customers/x"), ("PUT", "/customers/x"), ("GET", "/customers/x/subscriptions"),
                             ("POST", "/customers/x/subscriptions"), ("DELETE", "/customers/x/subscriptions/TNT")):
            self.refused(404, 0, method, path, {"ProductId": "TNT", "Name": "X"})

    def test_no_call_lists_or_deletes_customers(self):
        customer = self.make()
        self.assertEqual(self.call("GET", "/customers")[0], 404)
        self.assertEqual(self.call("DELETE", customer)[0], 404)


class Subscriptions(Case):
    def test_each_product_once(self):
        customer = self.make()
        self.assertEqual(self.products(customer), [])
        self.subscribe(customer, "TNT", "DIS")
        self.assertEqual(self.products(customer), ["TNT", "DIS"])
        self.refused(409, SUBSCRIBED, "POST", customer + "/subscriptions", {"ProductId": "TNT"})
        self.assertEqual(self.effects(), ["create", "subscribe", "subscribe"])

    def test_removed_once(self):
        customer = self.make()
        self.subscribe(customer, "TNT")
        self.assertEqual(self.call("DELETE", customer + "/subscriptions/TNT"), (204, None))
        self.refused(404, NOT_SUBSCRIBED, "DELETE", customer + "/subscriptions/TNT")
        self.assertEqual(self.products(customer), [])

    def test_products_must_be_known_and_ours(self):
        customer = self.make()
        self.refused(400, PRODUCT, "POST", customer + "/subscriptions", {"ProductId": "ZZZ"})
        self.refused(403, NOT_AUTHORISED, "POST", customer + "/subscriptions", {"ProductId": "UFC"})

    def test_vouchers_run_out_and_are_not_given_back(self):
        customer = self.make()
        vouchers = set()
        for _ in range(9):
            self.subscribe(customer, "K26")
            vouchers.add(self.call("GET", customer + "/subscriptions")[1][0]["Voucher"])
            self.call("DELETE", customer + "/subscriptions/K26")
        self.assertEqual(len(vouchers), 9)
        for product in ("K26", "EMP"):
            self.refused(409, NO_VOUCHERS, "POST", customer + "/subscriptions", {"ProductId": product})


class Control(Case):
    def test_the_account_in_our_words(self):
        customer = self.make(Username="bia.70001@example.com")
        self.assertEqual(self.platform.account("70001"),
                         {"exists": True, "status": "suspended", "plan": None, "packages": [], "devices": []})
        self.subscribe(customer, "TNT", "DIS")
        account = self.platform.account("70001")
        self.assertEqual((account["status"], account["packages"]), ("active", ["DIS", "TNT"]))
        self.assertFalse(self.platform.account("7000")["exists"])

    def test_what_somebody_does_by_hand(self):
        customer = self.make(Username="bia.70001@example.com")
        self.platform.control("POST", "subscribe", "service=70001&product=HBO")
        self.assertEqual(self.products(customer), ["HBO"])
        self.platform.control("POST", "unsubscribe", "service=70001&product=HBO")
        self.assertEqual(self.products(customer), [])
        self.platform.control("POST", "forget")
        self.assertEqual(self.call("GET", customer)[0], 404)


class DocumentHidden(Case):
    environment = {"PLAYHUB_DOCUMENT": "0"}

    def test_a_customer_is_read_without_its_document(self):
        self.assertNotIn("Document", self.call("GET", self.make())[1])


class ShortTokens(Case):
    environment = {"PLAYHUB_TOKEN_S": "60"}

    def test_a_token_lives_as_long_as_is_said(self):
        customer = self.make()
        self.platform.control("POST", "clock", "advance_s=61")
        self.assertEqual(self.call("GET", customer)[0], 401)


if __name__ == "__main__":
    unittest.main()
