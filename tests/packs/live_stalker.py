"""The Stalker pack against the stand-in: what really comes of each workflow. Each play is a function `live_...`."""

from packlib import Portal, Wrong, merge_patch

ACCOUNT = "login=70001&account_number=70001&tariff_plan=3&full_name=Test+One&stb_mac=001A792CD1C1"
MAC, OTHER_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1"


def expect(result, kind, reason=""):
    if (result["kind"], result["reason"]) != (kind, reason):
        raise Wrong("wanted %s %s, got %s" % (kind, reason, result))
    return result


def same(got, want):
    if got != want:
        raise Wrong("wanted %r, got %r" % (want, got))


def account(portal, login="70001"):
    return portal.accounts().get(login)


def live_create_and_repeat(p):
    """service.created: made once, and the same state when it comes again"""
    data = {"plan": "3", "password": "s3cret & more", "subscriber": {"name": "Тест Один", "phone": "+380 50 000"},
            "devices": [{"mac": "001a.792c.d1c1"}], "packages": [{"id": "P1"}, {"id": "P2"}]}
    for _ in range(2):
        expect(p.play("service.created", data=data), "applied")
        a = account(p)
        same((a["full_name"], a["phone"], a["stb_mac"], a["tariff_plan"], a["status"], a["subscribed"]),
             ("Тест Один", "+380 50 000", MAC, "3", 1, ["P1", "P2"]))
    same([e["effect"] for e in p.effects()].count("create"), 1)


def live_create_refused(p):
    """service.created: unknown plan, taken login, taken number, taken box, long number"""
    p.api("POST", "accounts", ACCOUNT)
    before = len(p.effects())
    expect(p.play("service.created", subject="778", data={"plan": "99"}), "rejected", "unknown_plan")
    expect(p.play("service.created", subject="778", data={"login": "70001"}), "rejected", "login_in_use")
    expect(p.play("service.created", subject="778", data={"subscriber": {"account_number": "70001"}}),
           "rejected", "account_number_in_use")
    expect(p.play("service.created", subject="778", data={"devices": [{"mac": MAC}]}), "rejected", "device_in_use")
    expect(p.play("service.created", subject="123456789012", data={"plan": "3"}), "rejected", "account_number_too_long")
    same(len(p.effects()), before)


def live_create_with_a_package_that_is_none(p):
    """service.created: a fixed package of the tariff is no option; the answer says so, the account stays"""
    expect(p.play("service.created", data={"plan": "3", "packages": [{"id": "P1"}, {"id": "4"}]}),
           "dead", "package_not_available")
    same(account(p)["subscribed"], ["P1"])


def live_delete_and_repeat(p):
    """service.deleted"""
    p.api("POST", "accounts", ACCOUNT)
    expect(p.play("service.deleted", data={}), "applied")
    same(account(p), None)
    expect(p.play("service.deleted", data={}), "unchanged", "already_deleted")


def live_updates(p):
    """service.updated, subscriber.updated"""
    p.api("POST", "accounts", ACCOUNT)
    expect(p.play("service.updated", data={"comment": "2nd floor", "balance": "-1.50"}), "applied")
    expect(p.play("service.updated", data={"language": "uk"}), "unchanged", "not_kept_by_platform")
    expect(p.play("subscriber.updated", data={"subscriber": {"name": "New Name", "phone": "9"}}), "applied")
    expect(p.play("subscriber.updated", data={"subscriber": {"account_number": "502"}}), "applied")
    expect(p.play("subscriber.updated", data={"subscriber": {"account_number": "502"}}), "applied")
    a = account(p)
    same((a["comment"], a["account_balance"], a["full_name"], a["phone"], a["account_number"]),
         ("2nd floor", "-1.50", "New Name", "9", "502"))


def live_account_number_of_another(p):
    """subscriber.updated: another account's number is refused"""
    p.api("POST", "accounts", ACCOUNT)
    p.api("POST", "accounts", "login=778&account_number=778")
    expect(p.play("subscriber.updated", data={"subscriber": {"account_number": "778"}}), "rejected",
           "account_number_in_use")


def live_plan(p):
    """plan.changed: known plan set, unknown plan never sent"""
    p.api("POST", "accounts", ACCOUNT)
    expect(p.play("plan.changed", data={"plan": "7"}), "applied")
    same(account(p)["tariff_plan"], "7")
    expect(p.play("plan.changed", data={"plan": "8"}), "rejected", "unknown_plan")
    same(account(p)["tariff_plan"], "7")


def live_credentials(p):
    """credentials.changed: password, login, and a rename that comes again"""
    p.api("POST", "accounts", ACCOUNT)
    p.api("POST", "accounts", "login=778&account_number=778")
    expect(p.play("credentials.changed", data={"password": "n3w+1"}), "applied")
    if not p.password_good("70001", "n3w+1"):
        raise Wrong("the password did not arrive")
    expect(p.play("credentials.changed", data={"login": "778"}), "rejected", "login_in_use")
    expect(p.play("credentials.changed", data={"login": "renamed"}), "applied")
    expect(p.play("credentials.changed", data={"login": "renamed"}), "applied")
    same(account(p, "renamed")["account_number"], "70001")
    expect(p.play("credentials.changed", data={"pin": "0000"}), "unchanged", "not_kept_by_platform")
    expect(p.play("credentials.changed", subject="404", data={"password": "x"}), "rejected", "unknown_account")


def live_switch(p):
    """contract.*: on and off, block and suspension apart"""
    p.api("POST", "accounts", ACCOUNT)
    record = {"login": "70001", "status": "active"}
    story = [("contract.blocked", {"reason": "delinquency"}, 0, "suspended"), ("contract.suspended", {}, 0, "suspended"),
             ("contract.unblocked", {}, 0, "suspended"), ("contract.reactivated", {}, 1, "active"),
             ("contract.suspended", {}, 0, "suspended"), ("contract.blocked", {"reason": "administrative"}, 0, "suspended"),
             ("contract.reactivated", {}, 0, "suspended"), ("contract.unblocked", {}, 1, "active"),
             ("contract.late_notice", {}, 0, "suspended"), ("contract.awaiting_signature", {}, 1, "active"),
             ("contract.blocked", {"reason": "delinquency"}, 0, "suspended"), ("contract.activated", {}, 1, "active"),
             ("contract.cancelled", {}, 0, "terminated"), ("contract.activated", {}, 1, "active")]
    for workflow, data, status, word in story:
        result = expect(p.play(workflow, data=data, record=record), "applied")
        merge_patch(record, result["record"])
        same((workflow, account(p)["status"], record["status"]), (workflow, status, word))


def live_switch_refused(p):
    """contract.*: unknown account, partial block"""
    expect(p.play("contract.blocked", data={"reason": "delinquency"}), "rejected", "unknown_account")
    expect(p.play("contract.cancelled", data={}), "unchanged", "already_deleted")
    p.api("POST", "accounts", ACCOUNT)
    expect(p.play("contract.blocked", data={"reason": "delinquency", "scope": "partial"}), "rejected", "invalid_input")
    same(account(p)["status"], 1)


def live_cut_off(p):
    """contract.blocked with the setting cut_off; contract.late_notice as a text"""
    p.api("POST", "accounts", ACCOUNT)
    expect(p.play("contract.blocked", data={"reason": "delinquency"}, settings={"cut_off": True}), "applied")
    expect(p.play("contract.late_notice", data={}, settings={"late_notice": "message", "late_notice_text": "Pay & go"}),
           "applied")
    events = p.control("GET", "state")["events"]
    same([e["event"] for e in events], ["cut_off", "cut_off", "send_msg"])
    same(events[-1]["msg"], "Pay & go")


def live_packages(p):
    """package.added, package.removed: changed, already so, not to be had, partly"""
    p.api("POST", "accounts", ACCOUNT)
    one, two = {"packages": [{"id": "P2"}]}, {"packages": [{"id": "P2"}, {"id": "P3"}]}
    expect(p.play("package.added", data=one), "applied")
    expect(p.play("package.added", data=one), "unchanged", "already_subscribed")
    expect(p.play("package.added", data=two), "applied")
    expect(p.play("package.added", data=two), "unchanged", "already_subscribed")
    expect(p.play("package.added", data={"packages": [{"id": "4"}]}), "rejected", "package_not_available")
    expect(p.play("package.added", data={"packages": [{"id": "P5"}, {"id": "nope"}]}), "dead", "package_not_available")
    same(account(p)["subscribed"], ["P2", "P3", "P5"])
    expect(p.play("package.removed", data=one), "applied")
    expect(p.play("package.removed", data=one), "unchanged", "not_subscribed")
    expect(p.play("package.removed", data=two), "applied")
    same(account(p)["subscribed"], ["P5"])
    expect(p.play("package.added", subject="404", data=one), "rejected", "unknown_account")


def live_packages_of_a_long_number(p):
    """package.added: twelve characters are taken as a MAC address"""
    p.api("POST", "accounts", "login=long&account_number=123456789012&tariff_plan=3")
    expect(p.play("package.added", subject="123456789012", data={"packages": [{"id": "P2"}]},
                  record={"login": "long", "ids": {"account_number": "123456789012"}}), "rejected", "account_number_too_long")


def live_devices(p):
    """device.added, device.replaced, device.removed"""
    p.api("POST", "accounts", "login=70001&account_number=70001")
    p.api("POST", "accounts", "login=778&account_number=778&stb_mac=" + OTHER_MAC)
    expect(p.play("device.added", data={"device": {"mac": "001a.792c.d1c1"}}), "applied")
    expect(p.play("device.added", data={"device": {"mac": MAC}}), "unchanged", "already_paired")
    expect(p.play("device.added", data={"device": {"mac": OTHER_MAC}}), "rejected", "device_in_use")
    expect(p.play("device.added", data={"device": {"mac": "00:1A:79:00:00:09"}}), "rejected", "has_another_device")
    swap = {"old": {"mac": MAC}, "new": {"mac": "001A79000002"}}
    expect(p.play("device.replaced", data=swap), "applied")
    expect(p.play("device.replaced", data=swap), "unchanged", "already_paired")
    expect(p.play("device.replaced", data={"old": {"mac": MAC}, "new": {"mac": "00:1A:79:00:00:03"}}), "rejected",
           "unknown_device")
    expect(p.play("device.removed", data={"device": {"mac": OTHER_MAC}}), "rejected", "device_of_another")
    same(account(p)["stb_mac"], "00:1A:79:00:00:02")
    expect(p.play("device.removed", data={"device": {"mac": "00-1A-79-00-00-02"}}), "applied")
    expect(p.play("device.removed", data={"device": {"mac": "00:1A:79:00:00:02"}}), "unchanged", "not_paired")
    same((account(p)["stb_mac"], account(p, "778")["stb_mac"]), ("", OTHER_MAC))


def live_message(p):
    """message.requested"""
    p.api("POST", "accounts", ACCOUNT)
    expect(p.play("message.requested", data={"message": {"text": "Доброго дня & all", "ttl_s": 60}}), "applied")
    same((p.effects()[-1]["msg"], p.effects()[-1]["ttl"]), ("Доброго дня & all", "60"))
    expect(p.play("message.requested", subject="404", data={"message": {"text": "x"}}), "rejected", "unknown_account")


def live_lists(p):
    """catalog.requested, catalog, accounts.requested, accounts, list, probe"""
    p.api("POST", "accounts", ACCOUNT)
    for workflow in ("catalog.requested", "catalog"):
        out = p.play(workflow, subject="provider:stalker", data={"what": ["plans", "channels"]})["outputs"]
        same([plan["id"] for plan in out["plans"]], ["1", "3", "7"])
        same([plan["default"] for plan in out["plans"]], [True, False, False])
        same((out["packages"][3]["id"], out["channels"][0]["name"]), ("P1", "First"))
    for workflow in ("accounts.requested", "accounts", "list"):
        out = p.play(workflow, subject="provider:stalker", data={})["outputs"]
        same([a["login"] for a in out["accounts"]], ["70001"])
        if "Test One" in str(out):
            raise Wrong("%s gives a name away" % workflow)
    expect(p.play("probe", subject="provider:stalker", data={}), "applied")


def live_read(p):
    """read"""
    same(p.play("read", data={})["outputs"]["status"], "terminated")
    p.api("POST", "accounts", ACCOUNT)
    p.api("PUT", "account_subscription/70001", "subscribed[]=P2")
    out = p.play("read", data={})["outputs"]
    same((out["status"], out["plan"], out["packages"], out["mac"]), ("active", "3", {"P2": {}}, MAC))


def live_story_of_the_seed(p):
    """the two subscribers of the ABillS seed, from creation to deletion, with the record carried along"""
    for subject in ("70001", "778"):
        record = {"status": "unknown"}
        story = [("service.created", {"plan": "3", "password": "x", "devices": [{"mac": MAC if subject == "778" else OTHER_MAC}]}),
                 ("package.added", {"packages": [{"id": "P1"}]}), ("contract.blocked", {"reason": "delinquency"}),
                 ("contract.unblocked", {}),
                 ("device.replaced", {"old": {"mac": MAC if subject == "778" else OTHER_MAC},
                                      "new": {"mac": "00:1A:79:00:00:%02d" % (len(subject) + 10)}})]
        for workflow, data in story:
            merge_patch(record, expect(p.play(workflow, subject=subject, data=data, record=record), "applied")["record"])
        a = account(p, subject)
        same((a["status"], a["subscribed"], a["tariff_plan"], list(record["devices"])), (1, ["P1"], "3", [a["stb_mac"]]))
        merge_patch(record, expect(p.play("service.deleted", subject=subject, data={}, record=record), "applied")["record"])
        same((account(p, subject), record), (None, {"status": "terminated"}))


def standin():
    return Portal()
