"""The stand-in for 4NET.TV against the published conventions, and against what is assumed beside them."""

import base64
import json
import unittest

import client

LOGIN, PASSWORD = "ispadmin", "test-only"
MAC, OTHER_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1"


class Case(unittest.TestCase):
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.platform = client.Program("fournet.py", {"FOURNET_LOGIN": LOGIN, "FOURNET_PASSWORD": PASSWORD, **cls.environment})

    @classmethod
    def tearDownClass(cls):
        cls.platform.stop()

    def setUp(self):
        self.platform.control("POST", "reset")

    def send(self, path, body, password=PASSWORD, method="POST"):
        token = base64.b64encode(("%s:%s" % (LOGIN, password)).encode()).decode()
        return self.platform.send(method, "/api/" + path, body, {"Authorization": "Basic " + token})

    def call(self, path, **members):
        """(status, the answer's members)"""
        status, _, text = self.send(path, json.dumps(members))
        return status, json.loads(text)

    def done(self, path, **members):
        status, reply = self.call(path, **members)
        self.assertEqual((status, reply["success"]), (200, True), reply)
        self.assertNotIn("message", reply)
        return reply

    def refused(self, status, path, **members):
        """The message."""
        got, reply = self.call(path, **members)
        self.assertEqual((got, reply["success"]), (status, False), reply)
        return reply["message"]

    def invalid(self, field, path, **members):
        errors = json.loads(self.refused(409, path, **members))["validation_errors"]
        self.assertEqual([e["field"] for e in errors], [field])

    def make(self, custom_id="70001", **more):
        status, reply = self.call("payer/by-custom-id", custom_id="c-1")
        payer = reply["payer"]["id_payer"] if status == 200 else self.done("payer/create", custom_id="c-1", name="Jan")["id_payer"]
        return self.done("subscriber/create", custom_id=custom_id, id_payer=payer, firstname="Jan", surname="TV, " + custom_id,
                         **more)["id_subscriber"]

    def subscriber(self, custom_id="70001"):
        return self.done("subscriber/by-custom-id", custom_id=custom_id)["subscriber"]


class Conventions(Case):
    def test_bad_credentials_are_403(self):
        status, _, text = self.send("subscriber/list", "{}", password="other")
        self.assertEqual((status, json.loads(text)["success"]), (403, False))

    def test_what_is_no_json_is_400(self):
        for body in ("{", "", "[]", "a=1"):
            status, _, text = self.send("subscriber/list", body)
            self.assertEqual((status, json.loads(text)["success"]), (400, False), body)

    def test_a_wrong_data_type_is_400(self):
        identifier = self.make()
        self.refused(400, "subscriber/update", id_subscriber=identifier, firstname=5)
        self.refused(400, "subscriber/update", id_subscriber=str(identifier))
        self.refused(400, "subscriber/update", id_subscriber=identifier, active=1)

    def test_an_unknown_entity_is_404(self):
        for path in ("subscriber/update", "subscriber/delete"):
            self.refused(404, path, id_subscriber=5)
        self.refused(404, "subscriber/by-custom-id", custom_id="5")
        self.refused(404, "payer/by-custom-id", custom_id="5")

    def test_an_unknown_method_is_404_without_json_and_so_is_another_verb(self):
        self.assertEqual(self.send("nothing", "{}")[0], 404)
        self.assertNotIn(b"success", self.send("nothing", "{}")[2])
        self.assertEqual(self.send("subscriber/list", None, method="GET")[0], 404)

    def test_invalid_values_and_double_ones_are_409_with_validation_errors(self):
        identifier = self.make(login="jan")
        self.invalid("custom_id", "subscriber/create", custom_id="70001", id_payer=101, firstname="a", surname="b")
        self.make("778")
        self.invalid("login", "subscriber/create", custom_id="5", id_payer=101, firstname="a", surname="b", login="jan")
        self.invalid("login", "subscriber/update", id_subscriber=identifier, login="x")
        self.invalid("password", "subscriber/update", id_subscriber=identifier, password="x")
        self.invalid("id_payer", "subscriber/update", id_subscriber=identifier, id_payer=5)
        self.invalid("custom_id", "payer/create", custom_id="c-1", name="Jan")
        self.done("subscriber/update", id_subscriber=identifier, login="jan", custom_id="70001")

    def test_passwords_are_not_in_the_journal(self):
        self.make(login="jan", password="tajne-heslo")
        self.assertNotIn("tajne-heslo", json.dumps(self.platform.control("GET", "journal")))
        self.assertTrue(self.platform.control("POST", "password", "login=jan&password=tajne-heslo")["good"])


class Subscribers(Case):
    def test_the_account_in_our_words(self):
        self.assertFalse(self.platform.account("70001")["exists"])
        identifier = self.make()
        self.done("subscriber/set-service", id_subscriber=identifier, service_code="HBO")
        self.done("subscriber/pair-device", id_subscriber=identifier, mac_address=MAC)
        self.done("subscriber/update", id_subscriber=identifier, active=False)
        self.assertEqual(self.platform.account("70001"), {"exists": True, "status": "suspended", "plan": None,
                                                          "packages": ["HBO"], "devices": [MAC]})
        self.done("subscriber/delete", id_subscriber=identifier)
        self.assertFalse(self.platform.account("70001")["exists"])

    def test_a_payer_has_several_subscribers_and_stays(self):
        self.done("subscriber/delete", id_subscriber=self.make())
        self.make("778")
        self.assertEqual(list(self.platform.control("GET", "state")["payers"]), ["c-1"])
        self.assertEqual([s["custom_id"] for s in self.done("subscriber/list")["subscribers"]], ["778"])

    def test_services_have_days_and_prices(self):
        identifier = self.make()
        self.done("subscriber/set-service", id_subscriber=identifier, service_code="HBO", date_from="2026-12-01",
                  date_to="2099-12-31", price="4.90")
        self.assertEqual(self.subscriber()["services"], [{"service_code": "HBO", "date_from": "2026-12-01",
                                                          "date_to": "2099-12-31", "price": "4.90"}])
        self.done("subscriber/set-service", id_subscriber=identifier, service_code="HBO")
        self.assertEqual(self.subscriber()["services"], [{"service_code": "HBO"}])
        self.invalid("service_code", "subscriber/set-service", id_subscriber=identifier, service_code="NONE")
        self.invalid("date_to", "subscriber/set-service", id_subscriber=identifier, service_code="HBO", date_from="2026-12-02",
                     date_to="2026-12-01")

    def test_a_service_ends_with_its_last_day(self):
        identifier = self.make()
        self.done("subscriber/set-service", id_subscriber=identifier, service_code="HBO", date_to="2098-01-01")
        self.assertEqual(self.platform.account("70001")["packages"], ["HBO"])
        self.platform.control("POST", "clock", "advance_s=%d" % (75 * 366 * 86400))
        self.assertEqual(self.platform.account("70001")["packages"], [])

    def test_a_service_that_is_off_is_not_found(self):
        identifier = self.make()
        self.done("subscriber/set-service", id_subscriber=identifier, service_code="HBO")
        self.done("subscriber/remove-service", id_subscriber=identifier, service_code="HBO")
        self.refused(404, "subscriber/remove-service", id_subscriber=identifier, service_code="HBO")


class Devices(Case):
    def test_a_device_is_paired_once(self):
        identifier, other = self.make(), self.make("778")
        self.done("subscriber/pair-device", id_subscriber=identifier, mac_address=MAC, model="MAG540")
        self.invalid("mac_address", "subscriber/pair-device", id_subscriber=identifier, mac_address=MAC)
        self.invalid("mac_address", "subscriber/pair-device", id_subscriber=other, mac_address=MAC)
        self.assertEqual(self.subscriber()["devices"], [{"mac_address": MAC, "model": "MAG540"}])
        self.done("subscriber/unpair-device", id_subscriber=identifier, mac_address=MAC)
        self.refused(404, "subscriber/unpair-device", id_subscriber=identifier, mac_address=MAC)

    def test_too_many_devices_are_a_validation_error(self):
        identifier = self.make(max_devices=1)
        self.done("subscriber/pair-device", id_subscriber=identifier, mac_address=MAC)
        self.invalid("devices", "subscriber/pair-device", id_subscriber=identifier, mac_address=OTHER_MAC)
        self.invalid("max_devices", "subscriber/update", id_subscriber=identifier, max_devices=0)

    def test_a_malformed_mac_address_is_400(self):
        for mac in ("001a792cd1c1", MAC.lower(), 5):
            self.refused(400, "subscriber/pair-device", id_subscriber=self.make(str(mac)), mac_address=mac)

    def test_pairing_codes_are_given_and_kept(self):
        identifier = self.make()
        codes = [self.done("subscriber/create-pairing-code", id_subscriber=identifier)["pairing_code"] for _ in range(2)]
        self.assertEqual(len(set(codes)), 2)
        self.assertEqual([c["pairing_code"] for c in self.subscriber()["pairing_codes"]], codes)


class CredentialsInTheBody(Case):
    environment = {"FOURNET_AUTH": "api_login,api_password"}

    def test_they_count_there_and_are_masked(self):
        self.assertEqual(self.call("subscriber/list")[0], 403)
        self.done("subscriber/list", api_login=LOGIN, api_password=PASSWORD)
        self.assertNotIn(PASSWORD, json.dumps(self.platform.control("GET", "journal")))


if __name__ == "__main__":
    unittest.main()
