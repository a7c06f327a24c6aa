"""4NET.TV: what the suite needs to know of it, in our words. The methods' names are settings, and here the stand-in's."""

STANDIN = "fournet.py"
ENVIRONMENT = {"FOURNET_LOGIN": "ispadmin", "FOURNET_PASSWORD": "test-only-secret"}
CREDENTIALS = {"operator": {"username": "ispadmin", "password": "test-only-secret"}}
METHODS = {
    "find_payer": "payer/by-custom-id", "create_payer": "payer/create", "find_subscriber": "subscriber/by-custom-id",
    "list_subscribers": "subscriber/list", "create_subscriber": "subscriber/create", "update_subscriber": "subscriber/update",
    "delete_subscriber": "subscriber/delete", "list_services": "service/list", "set_service": "subscriber/set-service",
    "remove_service": "subscriber/remove-service", "pair_device": "subscriber/pair-device",
    "unpair_device": "subscriber/unpair-device", "create_pairing_code": "subscriber/create-pairing-code",
}
SETTINGS = {"methods": METHODS, "service_name": "Televize", "late_notice": "block"}
CREATES = ("create_payer", "create", "pairing_code")

MAC, OTHER_MAC, THIRD_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1", "00:1A:79:00:00:03"
CLIENT = {"name": "Jan Novák", "external_id": "c-1001", "email": "jan@example.com", "phone": "+420 600 000 001",
          "address": {"street": "Dlouhá", "number": "1", "city": "Praha", "postal_code": "110 00", "country": "CZ"}}
CREATE = {"subscriber": CLIENT, "login": "jan70001", "password": "tajne & heslo", "device_limit": 3,
          "packages": [{"id": "BASIC"}, {"id": "SPORT", "valid_from": "2026-12-01", "valid_to": "2099-12-31", "price": "4.90"}],
          "devices": [{"mac": "001a.792c.d1c1", "model": "MAG540"}]}
EXPECT = {"exists": True, "status": "active", "packages": ["BASIC", "SPORT"], "devices": [MAC]}
PACKAGE = "HBO"


def other_service(**fields):
    """Another service of the same client is there first."""
    def prepare(place):
        place.play("service.created", {"subscriber": CLIENT, **fields}, {}, service="778").ends("applied")
    return prepare


def gone(place):
    place.play("service.deleted", {}, {}).ends("applied")


def answer(status, body, times=1, **match):
    return {"match": {"method": "POST", **match}, "action": "status", "status": status, "body": body, "times": times}


STORY = [
    ("service.created", CREATE),
    ("service.updated", {"subscriber": {"name": "Jan Novák ml."}, "comment": "2. patro"}),
    ("subscriber.updated", {"subscriber": {"name": "Jan Novák", "phone": "9"}}),
    ("package.added", {"packages": [{"id": "HBO", "valid_to": "2099-06-30", "price": "149.00"}, {"id": "KIDS"}]}),
    ("package.added", {"packages": [{"id": "HBO", "valid_to": "2099-07-31", "price": "149.00"}]}),
    ("package.removed", {"packages": [{"id": "SPORT"}, {"id": "KIDS", "valid_to": "2099-01-31"}]}),
    ("plan.changed", {"plan": "PLUS", "price": "299.00"}),
    ("plan.changed", {"plan": "BASIC"}),
    ("credentials.changed", {"login": "novak70001", "password": "nove & heslo"}),
    ("device_limit.changed", {"device_limit": 2}),
    ("device.added", {"device": {"mac": OTHER_MAC.lower(), "serial": "S1", "location": "ložnice"}}),
    ("device.replaced", {"old": {"mac": OTHER_MAC}, "new": {"mac": THIRD_MAC, "model": "MAG540"}}),
    ("device.removed", {"device": {"mac": MAC}}),
    ("device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": MAC}}),
    ("pairing_code.requested", {}),
    ("pairing_code.requested", {"ttl_s": 600}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("contract.awaiting_signature", {}),
    ("service.converted", {"old_external_id": "70001", "new_external_id": "70001-a"}),
    ("service.converted", {"old_external_id": "70001-a", "new_external_id": "70001", "subscriber": {"name": "Jan Novák"}}),
    ("contract.cancelled", {}),
    ("service.deleted", {}),
]

REFUSES = {"message.requested": ("no_messages", {"message": {"text": "Dobrý den"}})}

ERRORS = [
    ("the login is another's", "service.created", {**CREATE, "login": "jan778"}, other_service(login="jan778"), "rejected",
     "login_in_use"),
    ("a login that is too short", "service.created", {**CREATE, "login": "x"}, other_service(), "rejected", "invalid_login"),
    ("a password that is too short", "service.created", {**CREATE, "password": "x"}, other_service(), "rejected",
     "invalid_password"),
    ("an unknown service", "service.created", {**CREATE, "packages": [{"id": "NONE"}]}, None, "dead", "package_refused"),
    ("an unknown base service", "service.created", {**CREATE, "plan": "NONE"}, None, "dead", "package_refused"),
    ("the device is another's", "service.created", CREATE, other_service(devices=[{"mac": MAC}]), "dead", "device_refused"),
    ("too many devices", "service.created", {**CREATE, "device_limit": 0}, None, "dead", "too_many_devices"),
    ("not allowed by the operator's settings", "service.created", CREATE,
     answer(409, '{"success":false,"message":"Not allowed for this operator"}', path="payer/create"), "rejected",
     "not_allowed_by_platform"),
    ("invalid data, errors as an object", "service.created", CREATE,
     answer(409, '{"success":false,"message":{"validation_errors":["firstname is too long"]}}', path="payer/create"),
     "rejected", "invalid_data"),
    ("a wrong data type", "contract.blocked", {"reason": "delinquency"},
     answer(400, '{"success":false,"message":"Parameter active has a wrong data type"}', path="subscriber/update"), "rejected", "invalid_data"),
    ("a failure in a 200", "credentials.changed", {"login": "jan778"},
     answer(200, '{"success":false,"message":"Login already exists"}', path="subscriber/update"), "rejected", "login_in_use"),
    ("the login is another's", "credentials.changed", {"login": "jan778"}, other_service(login="jan778"), "rejected",
     "login_in_use"),
    ("fewer than are paired", "device_limit.changed", {"device_limit": 0}, None, "rejected", "too_many_devices"),
    ("the device is another's", "device.added", {"device": {"mac": OTHER_MAC}}, other_service(devices=[{"mac": OTHER_MAC}]),
     "rejected", "device_in_use"),
    ("too many devices", "device.added", {"device": {"mac": OTHER_MAC}},
     lambda place: place.play("device_limit.changed", {"device_limit": 1}, {}).ends("applied"), "rejected", "too_many_devices"),
    ("paired already", "device.added", {"device": {"mac": MAC}}, None, "unchanged", "already_paired"),
    ("not paired", "device.removed", {"device": {"mac": OTHER_MAC}}, None, "unchanged", "not_paired"),
    ("the old device is not paired", "device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": OTHER_MAC}}, None,
     "rejected", "unknown_device"),
    ("the new device is another's", "device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC}},
     other_service(devices=[{"mac": OTHER_MAC}]), "rejected", "device_in_use"),
    ("an unknown service", "plan.changed", {"plan": "NONE"}, None, "rejected", "unknown_plan"),
    ("an unknown service among others", "package.added", {"packages": [{"id": "HBO"}, {"id": "NONE"}]}, None, "dead",
     "not_all_packages"),
    ("the last day before the first", "package.added",
     {"packages": [{"id": "HBO", "valid_from": "2099-02-01", "valid_to": "2099-01-01"}]}, None, "rejected", "invalid_data"),
    ("on already, the same days and price", "package.added", {"packages": CREATE["packages"]}, None, "unchanged",
     "already_subscribed"),
    ("off already", "package.removed", {"packages": [{"id": "HBO"}]}, None, "unchanged", "not_subscribed"),
    ("the subscriber is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
    ("the subscriber is gone", "package.added", {"packages": [{"id": "HBO"}]}, gone, "rejected", "unknown_account"),
    ("the subscriber is gone", "pairing_code.requested", {}, gone, "rejected", "unknown_account"),
    ("the subscriber is gone", "contract.cancelled", {}, gone, "unchanged", "already_deleted"),
    ("nobody has the client's id", "service.converted", {"old_external_id": "c-404", "new_external_id": "70002"}, None,
     "rejected", "unknown_account"),
    ("both ids are there", "service.converted", {"old_external_id": "778", "new_external_id": "70001"}, other_service(),
     "rejected", "external_id_in_use"),
    ("converted already", "service.converted", {"old_external_id": "c-1001", "new_external_id": "70001"}, None, "unchanged",
     "already_converted"),
    ("a partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected",
     "no_partial_block"),
    ("408, something behind did not answer", "contract.blocked", {"reason": "delinquency"},
     {"match": {"path": "subscriber/update"}, "action": "status", "status": 408, "body": '{"success":false,"message":"Timeout"}'},
     "applied", ""),
    *[("403, the subscriber is inactive", workflow, data,
       answer(403, '{"success":false,"message":"Subscriber is not active"}', times=0, path=path), "rejected", "unauthorized")
      for workflow, data, path in (("device.added", {"device": {"mac": OTHER_MAC}}, "subscriber/pair-device"),
                                   ("credentials.changed", {"login": "novak70001"}, "subscriber/update"))],
    ("403 where the operator is inactive too", "contract.blocked", {"reason": "delinquency"},
     answer(403, '{"success":false,"message":"Operator is not active"}', times=0), "credentials refused", "http_403"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"}, {"match": {"path": "subscriber/update"}, "action": "status", "status": 500, "times": 0},
     "in doubt", "attempts_exhausted"),
    ("a method that the platform does not have", "contract.blocked", {"reason": "delinquency"},
     {"match": {"path": "by-custom-id"}, "action": "status", "status": 404, "body": "<h1>Not Found</h1>", "times": 0},
     "rejected", "http_404"),
]
