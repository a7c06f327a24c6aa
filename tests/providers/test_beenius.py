"""The stand-in for Beenius, against what is known of it and what is assumed (PROVIDERS.md, section 4.5). Run: python3 -m unittest."""

import json
import unittest

import client

MEDIA = "application/vnd.beenius+json;version=9"
BASIC, FULL = "6d5a91ee-0000-0000-0000-00000000b001", "6d5a91ee-0000-0000-0000-00000000b002"
MOVIES = "6d5a91ee-0000-0000-0000-00000000e001"
HEADERS = {"Authorization": "Bearer test-only", "Accept": MEDIA, "Content-Type": MEDIA}


class Beenius(unittest.TestCase):
    environment = {"BEENIUS_TOKEN": "test-only"}

    @classmethod
    def setUpClass(cls):
        cls.standin = client.Program("beenius.py", cls.environment)

    @classmethod
    def tearDownClass(cls):
        cls.standin.stop()

    def setUp(self):
        self.standin.control("POST", "reset")

    def call(self, method, path, body=None, **headers):
        """(status, JSON)"""
        text = None if body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, got, answer = self.standin.send(method, "/restapi/rest/1" + path, text, {**HEADERS, **named})
        self.assertEqual(dict(got)["Content-Type"], MEDIA)
        return status, json.loads(answer)

    def refused(self, status, code, *call, **headers):
        got, answer = self.call(*call, **headers)
        self.assertEqual((got, answer["errorCode"]), (status, code))

    def make(self, external_id="70001", username="ann"):
        status, made = self.call("POST", "/subscriber", {"externalId": external_id, "username": username, "subscriptionId": BASIC})
        self.assertEqual(status, 201)
        return made

    def effects(self):
        return [line["effect"] for line in self.standin.lines("effect")]


class Rules(Beenius):
    def test_a_bearer_token_is_wanted(self):
        self.refused(401, "UNAUTHORIZED", "GET", "/subscription/list", Authorization="Bearer other")

    def test_the_vendors_media_type_is_wanted(self):
        self.refused(406, "NOT_ACCEPTABLE", "GET", "/subscription/list", Accept="application/json")
        self.refused(415, "UNSUPPORTED_MEDIA_TYPE", "POST", "/subscriber", {}, Content_Type="application/json")
        self.assertEqual(self.effects(), [])

    def test_creation_gives_a_subscriber_id_and_an_auth_pin(self):
        self.assertEqual(self.make(), {"subscriberId": "403977001", "authPin": "4821"})
        self.assertEqual(self.make("778", "bob")["subscriberId"], "403977002")

    def test_made_once(self):
        self.make()
        self.refused(409, "EXTERNAL_ID_EXISTS", "POST", "/subscriber", {"externalId": "70001", "username": "x", "subscriptionId": BASIC})
        self.refused(409, "USERNAME_EXISTS", "POST", "/subscriber", {"externalId": "778", "username": "ANN", "subscriptionId": BASIC})
        self.refused(422, "BASE_SUBSCRIPTION_NOT_FOUND", "POST", "/subscriber", {"externalId": "778", "username": "b", "subscriptionId": MOVIES})
        self.refused(400, "INVALID_PARAMETER", "POST", "/subscriber", {"username": "b"})
        self.assertEqual(self.effects(), ["create"])

    def test_found_by_external_id_and_in_pages(self):
        self.make()
        self.make("778", "bob")
        _, page = self.call("GET", "/subscriber/list?external_id=778")
        self.assertEqual([s["username"] for s in page["list"]], ["bob"])
        _, page = self.call("GET", "/subscriber/list?page_size=1&page=2")
        self.assertEqual((len(page["list"]), page["pageNumber"], page["pageSize"], page["rowCount"]), (1, 2, 1, 2))

    def test_status_plan_and_extras(self):
        one = "/subscriber/" + self.make()["subscriberId"]
        for _ in range(2):
            self.call("PUT", one + "/subscription/" + MOVIES, {"price": "19.90"})
        self.assertEqual(self.standin.account("70001")["packages"], [MOVIES])
        self.refused(404, "SUBSCRIPTION_NOT_FOUND", "PUT", one + "/subscription/" + BASIC, {})
        for _ in range(2):
            self.assertEqual(self.call("DELETE", one + "/subscription/" + MOVIES)[0], 200)
        self.call("PUT", one + "/subscription", {"subscriptionId": FULL})
        self.call("PUT", one + "/status", {"status": "BLOCKED"})
        self.refused(400, "INVALID_PARAMETER", "PUT", one + "/status", {"status": "ASLEEP"})
        account = self.standin.account("70001")
        self.assertEqual((account["plan"], account["status"], account["packages"]), (FULL, "suspended", []))

    def test_points(self):
        one = "/subscriber/" + self.make()["subscriberId"]
        other = "/subscriber/" + self.make("778", "bob")["subscriberId"]
        for place in ("sala", "quarto"):
            self.call("PUT", one + "/device/C1", {"casn": "C1", "location": place})
        self.refused(409, "DEVICE_IN_USE", "PUT", other + "/device/C1", {})
        self.call("PUT", one + "/device/C2", {})
        self.call("PUT", one + "/device/C3", {})
        self.refused(409, "DEVICE_LIMIT_REACHED", "PUT", one + "/device/C4", {})
        self.call("DELETE", one + "/device/C3")
        self.refused(404, "DEVICE_NOT_FOUND", "DELETE", one + "/device/C3")
        self.assertEqual(self.standin.account("70001")["devices"], ["C1", "C2"])

    def test_deleted(self):
        one = "/subscriber/" + self.make()["subscriberId"]
        self.call("DELETE", one)
        self.refused(404, "SUBSCRIBER_NOT_FOUND", "DELETE", one)
        self.refused(404, "SUBSCRIBER_NOT_FOUND", "GET", one)

    def test_passwords_and_pins_are_nowhere(self):
        self.call("POST", "/subscriber", {"externalId": "1", "username": "x", "subscriptionId": BASIC, "password": "very-secret"})
        shown = json.dumps([self.standin.control("GET", "journal"), self.standin.control("GET", "state")])
        self.assertNotIn("very-secret", shown)
        self.assertNotIn("4821", shown)


class PinAtCreationOnly(Beenius):
    environment = {"BEENIUS_TOKEN": "test-only", "BEENIUS_KEEPS_PIN": "1"}

    def test_the_pin_is_not_read(self):
        one = "/subscriber/" + self.make()["subscriberId"]
        self.assertNotIn("authPin", self.call("GET", one)[1])


if __name__ == "__main__":
    unittest.main()
