"""The stand-in against the table of what a real portal was seen to do, row by row. Run: python3 -m unittest."""

import base64
import http.client
import json
import os
import socket
import tempfile
import time
import unittest
import urllib.parse

import client

LOGIN, PASSWORD = "billing", "test-only"


class Standin(client.Program):
    """The portal with a temporary journal."""

    def __init__(self, *flags, login=LOGIN):
        self.folder = tempfile.TemporaryDirectory()
        self.journal = os.path.join(self.folder.name, "journal.jsonl")
        super().__init__("stalker.py", {"STALKER_LOGIN": login, "STALKER_PASSWORD": PASSWORD}, "--journal", self.journal,
                         *flags)

    def stop(self):
        super().stop()
        self.folder.cleanup()

    def send(self, method, path, body=None, headers=None, auth=True):
        """(status, headers, bytes)"""
        all_headers = dict(headers or {})
        if auth:
            text = "%s:%s" % (LOGIN, PASSWORD)
            all_headers["Authorization"] = "Basic " + base64.b64encode(text.encode()).decode()
        status, got, text = super().send(method, path, body, all_headers)
        return status, dict(got), text

    def call(self, method, path, form=None, **more):
        """The JSON of an answer to a request under the API; @form: list of pairs or text."""
        body = urllib.parse.urlencode(form) if isinstance(form, list) else form
        status, _, text = self.send(method, "/stalker_portal/api/" + path, body, **more)
        reply = json.loads(text)
        reply["http"] = status
        return reply


class Case(unittest.TestCase):
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.portal = Standin(*cls.flags)

    @classmethod
    def tearDownClass(cls):
        cls.portal.stop()

    def setUp(self):
        self.portal.try_control("POST", "reset")

    def ok(self, reply, results=True):
        self.assertEqual((reply["http"], reply["status"], reply["results"]), (200, "OK", results))
        self.assertNotIn("error", reply)

    def error(self, reply, text):
        self.assertEqual((reply["http"], reply["status"], reply["results"], reply.get("error")),
                         (200, "ERROR", None, text))

    def create(self, login="70001", number=None, tariff="3", **more):
        pairs = [("login", login), ("account_number", login if number is None else number), ("tariff_plan", tariff)]
        self.ok(self.portal.call("POST", "accounts", pairs + list(more.items())))

    def user(self, login="70001"):
        return self.portal.call("GET", "users/" + login)["results"]


class Transport(Case):
    def test_no_credentials_is_401(self):
        status, headers, body = self.portal.send("GET", "/stalker_portal/api/accounts", auth=False)
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, 'Basic realm="Stalker API"'))
        self.assertEqual(json.loads(body), {"status": "ERROR", "results": "", "error": "401 Unauthorized request"})

    def test_wrong_credentials_are_401(self):
        wrong = {"Authorization": "Basic " + base64.b64encode(b"billing:wrong").decode()}
        self.assertEqual(self.portal.send("GET", "/stalker_portal/api/accounts", auth=False, headers=wrong)[0], 401)

    def test_v1_is_an_alias(self):
        self.assertEqual(self.portal.send("GET", "/stalker_portal/api/v1/tariffs")[2],
                         self.portal.send("GET", "/stalker_portal/api/tariffs")[2])

    def test_unknown_resource(self):
        self.error(self.portal.call("GET", "bogus"), 'Class file for "RESTCommandBogus" not found')

    def test_patch(self):
        self.error(self.portal.call("PATCH", "users/1"), "Not supported method")

    def test_post_tariffs(self):
        self.error(self.portal.call("POST", "tariffs", "a=1"), 'Resource "tariffs" does not support action "create"')

    def test_slashes_are_escaped_as_php_does(self):
        self.create(full_name="A/B")
        self.assertIn(b'"A\\/B"', self.portal.send("GET", "/stalker_portal/api/users/70001")[2])

    def test_pipelined_requests_are_answered_in_order(self):
        self.create()
        token = base64.b64encode(("%s:%s" % (LOGIN, PASSWORD)).encode()).decode()
        head = "GET /api/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + token + "\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.portal.port), 10) as s:
            s.sendall((head % "users/70001" + head % "tariffs/99" + head % "bogus").encode())
            text = b""
            while text.count(b"HTTP/1.1 200") < 3 or not text.endswith(b"}"):
                text += s.recv(65536)
        self.assertLess(text.index(b'"login":"70001"'), text.index(b'"results":null}'))
        self.assertLess(text.index(b'"results":null}'), text.index(b"RESTCommandBogus"))

    def test_chunked_bodies(self):
        c = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=10)
        token = base64.b64encode(("%s:%s" % (LOGIN, PASSWORD)).encode()).decode()
        c.request("POST", "/api/accounts", iter([b"login=", b"c1"]), {"Authorization": "Basic " + token}, encode_chunked=True)
        self.assertEqual(json.loads(c.getresponse().read())["results"], True)
        c.close()
        self.assertEqual(self.user("c1")["login"], "c1")


class ApiOff(Case):
    flags = ("--api-off",)

    def test_all_is_404(self):
        status, _, body = self.portal.send("GET", "/stalker_portal/api/accounts")
        self.assertEqual((status, body), (404, b"API not enabled"))


class Open(unittest.TestCase):
    def test_without_a_login_the_api_is_open(self):
        portal = Standin(login="")
        try:
            self.assertEqual(portal.call("GET", "accounts", auth=False)["results"], [])
        finally:
            portal.stop()


class OwnData(unittest.TestCase):
    def test_seed_data_and_reset(self):
        data = {"packages": [{"id": "1", "external_id": "A", "name": "A", "type": "tv", "all_services": "1"}],
                "tariffs": [{"id": "2", "external_id": "9", "name": "T", "user_default": "1",
                             "in_plan": [{"package_id": "1", "optional": "1"}]}],
                "accounts": [{"login": "x", "account_number": "5", "status": "0", "subscribed": ["A"]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(data, f)
            f.flush()
            portal = Standin("--seed-data", f.name, "--fsync", "--internal-billing")
        try:
            portal.call("DELETE", "users/x")
            portal.control("POST", "reset")
            user = portal.call("GET", "users/x")["results"]
            self.assertEqual((user["status"], user["tariff_plan"], user["subscribed"], user["end_date"]),
                             (0, "9", ["A"], "0000-00-00 00:00:00"))
            self.assertEqual(portal.call("GET", "services_package/1")["results"]["services"], "all")
        finally:
            portal.stop()


class Accounts(Case):
    def test_new(self):
        self.create(stb_mac="001a792cd1c1", full_name="Test One", phone="1")
        self.assertEqual(self.portal.call("GET", "accounts/70001")["results"][0], self.user())
        user = self.user()
        self.assertEqual((user["status"], user["tariff_plan"], user["full_name"], user["account_number"]),
                         (1, "3", "Test One", "70001"))

    def test_mac_is_normalised_on_post(self):
        self.create(stb_mac=" 001a792cd1c1 ")
        self.assertEqual(self.user()["stb_mac"], "00:1A:79:2C:D1:C1")

    def test_mac_is_stored_raw_on_put(self):
        self.create()
        self.ok(self.portal.call("PUT", "accounts/70001", "stb_mac=001a792cd1c1"))
        self.assertEqual(self.user()["stb_mac"], "001a792cd1c1")

    def test_login_exists(self):
        self.create()
        self.error(self.portal.call("POST", "accounts", "login=70001"), "Login already in use")

    def test_mac_exists(self):
        self.create(stb_mac="00:1A:79:2C:D1:C1")
        self.error(self.portal.call("POST", "accounts", "login=2&stb_mac=001A792CD1C1"), "MAC address already in use")

    def test_malformed_mac(self):
        self.error(self.portal.call("POST", "accounts", "login=2&stb_mac=xyz"), "Not valid mac address")

    def test_without_login(self):
        self.error(self.portal.call("POST", "accounts", "full_name=x"), "Login required")

    def test_empty_body(self):
        self.error(self.portal.call("POST", "accounts", ""), "HTTP POST data is empty")

    def test_json_body(self):
        self.error(self.portal.call("POST", "accounts", '{"login":"1"}', headers={"Content-Type": "application/json"}),
                   "Insert data is empty")

    def test_unknown_tariff_is_silently_the_default(self):
        self.create(tariff="99")
        self.assertEqual(self.user()["tariff_plan"], "1")

    def test_duplicate_account_number_is_accepted_and_acts_on_all(self):
        self.create("a", "5")
        self.create("b", "5")
        self.assertEqual(len(self.portal.call("GET", "accounts/5")["results"]), 2)
        self.ok(self.portal.call("PUT", "accounts/5", "status=0"))
        self.assertEqual((self.user("a")["status"], self.user("b")["status"]), (0, 0))

    def test_status_queues_cut_off_and_cut_on(self):
        self.create()
        self.ok(self.portal.call("PUT", "accounts/70001", "status=0"))
        self.assertEqual(self.user()["status"], 0)
        self.ok(self.portal.call("PUT", "accounts/70001", "status=1"))
        self.assertEqual([e["event"] for e in self.portal.try_control("GET", "state")[1]["events"]], ["cut_off", "cut_on"])

    def test_same_put_again(self):
        self.create()
        self.ok(self.portal.call("PUT", "accounts/70001", "status=0"))
        self.ok(self.portal.call("PUT", "accounts/70001", "status=0"))

    def test_put_unknown_tariff_falls_back(self):
        self.create()
        self.ok(self.portal.call("PUT", "users/70001", "tariff_plan=99"))
        self.assertEqual(self.user()["tariff_plan"], "1")

    def test_put_without_a_known_field(self):
        self.create()
        self.error(self.portal.call("PUT", "accounts/70001", "bogus=1"), "Insert data is empty")

    def test_put_without_id(self):
        self.error(self.portal.call("PUT", "accounts", "status=1"), "Identifier required")

    def test_unknown_id(self):
        for method, form in (("PUT", "status=1"), ("GET", None), ("DELETE", None)):
            self.error(self.portal.call(method, "accounts/404", form), "Account not found")
            self.error(self.portal.call(method, "users/404", form), "Account not found")

    def test_one_bad_id_among_several(self):
        self.create()
        self.error(self.portal.call("GET", "accounts/70001,404"), "One or more identifiers are incorrect")

    def test_several_ids_to_change(self):
        self.create()
        self.create("778")
        self.error(self.portal.call("PUT", "accounts/70001,778", "status=0"), "Only one identifier allowed")

    def test_put_renames(self):
        self.create()
        self.ok(self.portal.call("PUT", "users/70001", "login=new&account_number=9"))
        self.error(self.portal.call("GET", "users/70001"), "Account not found")
        self.assertEqual(self.portal.call("GET", "accounts/9")["results"][0]["login"], "new")

    def test_put_renames_to_a_taken_login(self):
        self.create()
        self.create("778")
        self.error(self.portal.call("PUT", "users/70001", "login=778"), "Login already in use")

    def test_delete_and_again(self):
        self.create()
        self.portal.call("PUT", "account_subscription/70001", [("subscribed[]", "P1")])
        self.ok(self.portal.call("DELETE", "accounts/70001"))
        self.error(self.portal.call("DELETE", "accounts/70001"), "Account not found")
        self.assertEqual(self.portal.try_control("GET", "state")[1]["orphan_subscriptions"], [[1, "21"]])

    def test_long_number_works_here(self):
        self.create("a", "123456789012")
        self.assertEqual(self.portal.call("GET", "accounts/123456789012")["results"][0]["login"], "a")

    def test_mac_with_colon_addresses_accounts(self):
        self.create(stb_mac="00:1A:79:2C:D1:C1")
        self.assertEqual(self.portal.call("GET", "users/00:1a:79:2c:d1:c1")["results"]["login"], "70001")

    def test_all_values_are_text_but_status(self):
        self.create()
        for key, value in self.user().items():
            self.assertIsInstance(value, {"status": int}.get(key, list if key.startswith("subscribed") else str), key)

    def test_password_is_kept_and_never_shown(self):
        self.create(password="s3cret")
        self.assertTrue(self.portal.try_control("POST", "password", "login=70001&password=s3cret")[1]["good"])
        self.assertFalse(self.portal.try_control("POST", "password", "login=70001&password=other")[1]["good"])
        with open(self.portal.journal, encoding="utf-8") as f:
            self.assertNotIn("s3cret", f.read())


class Subscriptions(Case):
    def setUp(self):
        super().setUp()
        self.create()

    def put(self, *pairs, account="70001"):
        return self.portal.call("PUT", "account_subscription/" + account, list(pairs))

    def subscribed(self, account="70001"):
        return self.portal.call("GET", "account_subscription/" + account)["results"][0]["subscribed"]

    def test_adds_and_repeats(self):
        self.ok(self.put(("subscribed[]", "P2")))
        self.ok(self.put(("subscribed[]", "P2")), False)
        self.assertEqual(self.subscribed(), ["P2"])

    def test_unknown_package(self):
        self.ok(self.put(("subscribed[]", "nope")), False)

    def test_package_that_is_no_option(self):
        self.ok(self.put(("subscribed[]", "4")), False)

    def test_unsubscribing_what_is_not_subscribed(self):
        self.ok(self.put(("unsubscribed[]", "P2")), False)

    def test_partly_new_set(self):
        self.put(("subscribed[]", "P2"))
        self.ok(self.put(("subscribed[]", "P2"), ("subscribed[]", "P3")))
        self.assertEqual(self.subscribed(), ["P2", "P3"])

    def test_put_is_incremental(self):
        self.put(("subscribed[]", "P1"))
        self.put(("subscribed[]", "P2"), ("unsubscribed[]", "P1"))
        self.assertEqual(self.subscribed(), ["P2"])

    def test_post_replaces(self):
        self.put(("subscribed[]", "P1"), ("subscribed[]", "P2"))
        self.ok(self.portal.call("POST", "account_subscription/70001", [("subscribed[]", "P2"), ("subscribed[]", "P3")]))
        self.assertEqual(self.subscribed(), ["P2", "P3"])

    def test_by_internal_id(self):
        self.ok(self.put(("subscribed_id[]", "22")))
        self.assertEqual(self.subscribed(), ["P2"])

    def test_delete_and_again(self):
        self.put(("subscribed[]", "P2"))
        self.ok(self.portal.call("DELETE", "account_subscription/70001"))
        self.ok(self.portal.call("DELETE", "account_subscription/70001"), False)

    def test_by_login(self):
        self.create("ann", "5")
        self.error(self.put(("subscribed[]", "P2"), account="ann"), "Account not found")

    def test_twelve_characters(self):
        self.create("b", "123456789012")
        self.error(self.put(("subscribed[]", "P2"), account="123456789012"), "Account not found")

    def test_by_mac(self):
        self.create("c", "6", stb_mac="00:1A:79:00:00:06")
        self.ok(self.put(("subscribed[]", "P2"), account="00:1A:79:00:00:06"))
        self.assertEqual(self.subscribed("6"), ["P2"])

    def test_empty_and_strange_bodies(self):
        self.error(self.portal.call("PUT", "account_subscription/70001", ""), "HTTP PUT data is empty")
        self.error(self.portal.call("PUT", "account_subscription/70001", "a=1"), "Insert data is empty")

    def test_change_queues_a_message_and_a_reboot(self):
        self.put(("subscribed[]", "P2"))
        event = self.portal.try_control("GET", "state")[1]["events"][-1]
        self.assertEqual((event["event"], event["reboot"]), ("send_msg", True))

    def test_another_tariff_hides_packages_until_it_comes_back(self):
        self.put(("subscribed[]", "P2"), ("subscribed[]", "P9"))
        self.portal.call("PUT", "users/70001", "tariff_plan=7")
        self.assertEqual(self.subscribed(), ["P2"])
        self.portal.call("PUT", "users/70001", "tariff_plan=3")
        self.assertEqual(self.subscribed(), ["P2", "P9"])


class Lists(Case):
    def test_unknown_tariff(self):
        self.ok(self.portal.call("GET", "tariffs/99"), None)

    def test_tariff_of_the_seed(self):
        tariff = self.portal.call("GET", "tariffs/6")["results"]
        self.assertEqual((tariff["external_id"], tariff["name"], tariff["user_default"], tariff["days_to_expires"]),
                         ("3", "FULL Bez Amoreyo", "0", "0"))
        youtube = tariff["packages"][0]
        self.assertEqual((youtube["id"], youtube["external_id"], youtube["type"], youtube["optional"]),
                         ("16", "1", "module", "0"))

    def test_packages(self):
        packages = self.portal.call("GET", "services_package")["results"]
        self.assertIn({"id": "1", "name": "First"}, packages[0]["services"])
        self.assertEqual(self.portal.call("GET", "services_package/16")["results"]["services"], ["youtube"])

    def test_channels(self):
        self.assertEqual([c["number"] for c in self.portal.call("GET", "itv")["results"]], ["1", "2", "3"])


class Boxes(Case):
    def test_send_event(self):
        self.create()
        self.ok(self.portal.call("POST", "send_event/70001", "event=cut_off"))
        self.ok(self.portal.call("POST", "send_event/70001", "event=bogus"), False)
        self.error(self.portal.call("POST", "send_event/404", "event=cut_off"), "STB not found")
        self.assertEqual(self.user()["status"], 1)

    def test_stb_msg(self):
        self.create()
        self.ok(self.portal.call("POST", "stb_msg/70001", [("msg", "Hello"), ("ttl", "60")]))
        self.error(self.portal.call("POST", "stb_msg/404", "msg=x"), "Empty stb list")
        self.error(self.portal.call("POST", "stb_msg/70001", "msg="), "Empty msg")
        self.assertEqual(self.portal.try_control("GET", "state")[1]["events"][-1]["msg"], "Hello")

    def test_stb_auth_forgets_the_box(self):
        self.create(stb_mac="00:1A:79:2C:D1:C1")
        self.ok(self.portal.call("PUT", "stb_auth/70001", "reset_device_id=1"))
        self.assertEqual(self.user()["stb_mac"], "")

    def test_stb_create_returns_the_record(self):
        box = self.portal.call("POST", "stb", "mac=001A79000001&ls=9")["results"]
        self.assertEqual((box["mac"], box["ls"], box["status"]), ("00:1A:79:00:00:01", "9", 1))
        self.error(self.portal.call("POST", "stb", "mac=001A79000001"), "Stb already exists")
        self.error(self.portal.call("POST", "stb", "login=x"), "Login and password required")

    def test_stb_status(self):
        self.create()
        self.assertEqual(self.portal.call("PUT", "stb/70001", "status=0")["results"][0]["status"], 0)
        self.ok(self.portal.call("DELETE", "stb/70001"))
        self.error(self.portal.call("DELETE", "stb/70001"), "STB not found")

    def test_itv_subscription(self):
        self.create()
        reply = self.portal.call("PUT", "itv_subscription/70001", [("sub_ch[]", "1"), ("sub_ch[]", "3")])
        self.assertEqual(reply["results"][0]["sub_ch"], ["1", "3"])


class Journal(Case):
    def test_effect_names_its_request(self):
        self.create()
        request, effect = self.portal.lines("request")[-1], self.portal.lines("effect")[-1]
        self.assertEqual((effect["effect"], effect["request"], effect["login"]), ("create", request["n"], "70001"))
        self.assertEqual((request["method"], request["account"]), ("POST", "70001"))

    def test_secrets_are_masked_wherever_they_stand(self):
        self.create(password="s3cret")
        self.portal.call("POST", "accounts?password=s3cret", '{"user": [{"Password": "s3cret"}]}')
        self.portal.call("POST", "accounts", "user[password]=s3cret&user[name]=ann")
        with open(self.portal.journal, encoding="utf-8") as f:
            self.assertNotIn("s3cret", f.read())
        forms = [line["form"] for line in self.portal.lines("request")]
        self.assertEqual(forms[-2:], [{"user": [{"Password": "***"}]}, {"user": {"password": "***", "name": "ann"}}])

    def test_failure_has_no_effect(self):
        self.portal.call("PUT", "accounts/404", "status=0")
        self.assertEqual(self.portal.lines("effect"), [])

    def test_since(self):
        self.create()
        last = self.portal.try_control("GET", "journal")[1][-1]["n"]
        self.user()
        self.assertEqual(len(self.portal.try_control("GET", "journal?since=%d" % last)[1]), 1)


class InOurWords(Case):
    def account(self, service="70001"):
        return self.portal.try_control("GET", "account?service=" + service)[1]

    def test_account(self):
        self.assertEqual(self.account()["exists"], False)
        self.create(stb_mac="00:1A:79:2C:D1:C1", status="0")
        self.portal.call("PUT", "account_subscription/70001", [("subscribed[]", "P2"), ("subscribed[]", "P1")])
        self.assertEqual(self.account(), {"exists": True, "status": "suspended", "plan": "3", "packages": ["P1", "P2"],
                                          "devices": ["00:1A:79:2C:D1:C1"]})

    def test_unknown_control(self):
        self.assertEqual(self.portal.try_control("GET", "nothing")[0], 404)


class FaultCase(Case):
    def setUp(self):
        super().setUp()
        self.create()

    def fault(self, action, **more):
        status, _ = self.portal.try_control("POST", "faults", dict({"action": action, "match": {"account": "70001"}}, **more))
        self.assertEqual(status, 200)

    def off(self):
        return self.portal.send("PUT", "/stalker_portal/api/users/70001", "status=0")

    def off_status(self):
        self.portal.try_control("DELETE", "faults")
        return self.user()["status"]

    def test_status_has_no_effect_and_is_used_up(self):
        self.fault("status", status=503, times=2)
        self.assertEqual([self.off()[0] for _ in range(3)], [503, 503, 200])
        self.assertEqual(len([e for e in self.portal.lines("effect") if e["effect"] == "status"]), 1)

    def test_status_with_effect(self):
        self.fault("status", status=502, effect=True)
        self.assertEqual((self.off()[0], self.off_status()), (502, 0))

    def test_skip(self):
        self.fault("status", status=500, skip=1)
        self.assertEqual([self.off()[0] for _ in range(3)], [200, 500, 200])

    def test_cut_before_and_after(self):
        for action, status in (("cut_before", 1), ("cut_after", 0)):
            self.fault(action)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
                self.off()
            self.assertEqual(self.off_status(), status, action)

    def test_other_accounts_are_spared(self):
        self.create("778")
        self.fault("status", times=0)
        self.assertEqual(self.portal.send("PUT", "/stalker_portal/api/users/778", "status=0")[0], 200)

    def test_match_by_method_path_and_body(self):
        for match, hit in (({"method": "put"}, True), ({"method": "GET"}, False), ({"path": "/users/7"}, True),
                           ({"path": "^/nowhere"}, False), ({"body": "status=0"}, True), ({"body": "status=1"}, False)):
            self.portal.try_control("POST", "faults", {"match": match, "action": "status", "status": 418})
            self.assertEqual(self.off()[0], 418 if hit else 200, match)
            self.portal.try_control("DELETE", "faults")

    def test_garbage(self):
        self.fault("garbage")
        with self.assertRaises(http.client.BadStatusLine):
            self.off()
        self.assertEqual(self.off_status(), 0)

    def test_not_json_noise_and_empty(self):
        self.fault("not_json")
        self.assertEqual(self.off()[2][:6], b"<html>")
        self.fault("noise")
        self.assertIn("output", json.loads(self.off()[2]))
        self.fault("empty_body")
        self.assertEqual(self.off()[2], b"")

    def test_partial_body_and_cut_header(self):
        self.fault("partial_body")
        with self.assertRaises(http.client.IncompleteRead):
            self.off()
        self.fault("cut_header")
        with self.assertRaises(http.client.HTTPException):
            status, _, body = self.off()
            self.assertEqual(body, b"")
            raise http.client.HTTPException("a cut header reads as an empty answer")

    def test_huge(self):
        self.fault("huge", bytes=3000000)
        self.assertEqual(len(self.off()[2]), 3000000)

    def test_retry_after_and_401(self):
        self.fault("retry_after", after=7)
        status, headers, _ = self.off()
        self.assertEqual((status, headers["Retry-After"]), (503, "7"))
        self.fault("unauthorized")
        self.assertEqual(self.off()[0], 401)
        self.fault("api_off")
        self.assertEqual(self.off()[0], 404)
        self.assertEqual(self.off_status(), 1)

    def test_delay_and_slow(self):
        self.fault("delay", delay_ms=50)
        start = time.monotonic()
        self.assertEqual(self.off()[0], 200)
        self.assertGreaterEqual(time.monotonic() - start, 0.05)
        self.fault("slow", interval_ms=1)
        self.assertEqual(json.loads(self.off()[2])["results"], True)

    def test_broken_rules_are_refused(self):
        for rule in ({"action": "explode"}, {"action": "status", "bogus": 1}, {"action": "status", "match": {"x": 1}},
                     {"action": "status", "match": {"path": "("}}):
            self.assertEqual(self.portal.try_control("POST", "faults", rule)[0], 400, rule)


if __name__ == "__main__":
    unittest.main()
