"""The stand-in for Deezer's partner API, against its terms and what is assumed (PROVIDERS.md, section 4.7). Run: python3 -m unittest."""

import json
import unittest

import client

ALL = "/partners/isp-1/subscribers"
ONE = ALL + "/70001"


class Deezer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.standin = client.Program("deezer.py", {"DEEZER_PARTNER": "isp-1", "DEEZER_TOKEN": "test-only"})

    @classmethod
    def tearDownClass(cls):
        cls.standin.stop()

    def setUp(self):
        self.standin.control("POST", "reset")

    def call(self, method, path, body=None, token="test-only"):
        """(status, JSON)"""
        status, _, answer = self.standin.send(method, "/partner/v1" + path, None if body is None else json.dumps(body),
                                              {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
        return status, json.loads(answer)

    def provision(self):
        return self.call("POST", ALL, {"subscriber_id": "70001", "offer_code": "PREMIUM"})

    def activate(self):
        return self.standin.try_control("POST", "activate", "subscriber_id=70001")[0]

    def status(self):
        return self.standin.account("70001")["status"]

    def test_credentials(self):
        self.assertEqual(self.call("GET", "/partners/isp-1/offers", token="x")[0], 401)
        self.assertEqual(self.call("GET", "/partners/isp-2/offers"), (403, {"error": "not_your_partner_id"}))
        self.assertEqual(self.call("GET", "/partners/isp-1/offers")[0], 200)

    def test_provision_is_not_activation(self):
        self.assertEqual(self.provision(), (201, {"subscriber_id": "70001", "offer_code": "PREMIUM", "status": "provisioned"}))
        self.assertEqual(self.status(), "pending")
        for call in (("PUT", ONE + "/status", {"status": "suspended"}), ("PUT", ONE + "/offer", {"offer_code": "FAMILY"})):
            self.assertEqual(self.call(*call), (409, {"error": "not_activated"}))
        self.assertEqual(self.status(), "pending")

    def test_the_link_activates(self):
        self.provision()
        first = self.call("POST", ONE + "/activation_link")
        self.assertEqual(first[0], 201)
        self.assertEqual(self.call("POST", ONE + "/activation_link"), first)
        self.assertEqual(self.activate(), 200)
        self.assertEqual(self.activate(), 404)
        self.assertEqual(self.call("POST", ONE + "/activation_link"), (409, {"error": "already_activated"}))
        self.assertEqual(self.status(), "active")
        self.assertTrue(self.call("GET", ONE)[1]["user_id"])

    def test_once_activated_it_is_switched(self):
        self.provision()
        self.activate()
        for word in ("suspended", "suspended", "active"):
            self.assertEqual(self.call("PUT", ONE + "/status", {"status": word}), (200, {}))
            self.assertEqual(self.status(), word)
        self.assertEqual(self.call("PUT", ONE + "/status", {"status": "asleep"}), (400, {"error": "invalid_request"}))
        self.call("PUT", ONE + "/offer", {"offer_code": "FAMILY"})
        self.assertEqual(self.standin.account("70001")["plan"], "FAMILY")

    def test_refusals(self):
        self.assertEqual(self.call("POST", ALL, {"subscriber_id": "70001", "offer_code": "GOLD"}), (422, {"error": "unknown_offer"}))
        self.assertEqual(self.call("POST", ALL, {"offer_code": "PREMIUM"}), (400, {"error": "invalid_request"}))
        self.provision()
        self.assertEqual(self.provision(), (409, {"error": "subscriber_exists"}))
        self.assertEqual(self.call("GET", ALL + "/778"), (404, {"error": "subscriber_not_found"}))
        self.assertEqual(self.call("GET", ONE + "/nothing"), (404, {"error": "not_found"}))

    def test_terminated_activated_or_not(self):
        for activated in (False, True):
            self.provision()
            if activated:
                self.activate()
            self.assertEqual(self.call("DELETE", ONE), (200, {}))
            self.assertEqual(self.call("DELETE", ONE), (404, {"error": "subscriber_not_found"}))


if __name__ == "__main__":
    unittest.main()
