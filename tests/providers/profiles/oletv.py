"""Olé TV: what the suite needs to know of it, in our words."""

STANDIN = "oletv.py"
KEYS = {"keyapi": "key-of-tests", "login": "api-login-of-tests", "pass": "api-pass-of-tests"}
ENVIRONMENT = {"OLETV_" + name.upper(): value for name, value in KEYS.items()}
CREDENTIALS = {"oletv": KEYS}
SETTINGS = {"due_day": 15}

FULL, LIGHT, MOBILE, POINT, SPORTS, FILMS = "101", "102", "103", "201", "202", "203"
MAC, OTHER_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1"
PERSON = {"name": "Joana da Silva", "document": "12345678909", "birth_date": "1980-12-31", "email": "joana@example.com",
          "phone": "+55 11 98888-7777",
          "address": {"street": "Avenida Paulista", "number": "1000", "district": "Bela Vista", "postal_code": "01310100"}}
CREATE = {"plan": FULL, "login": "joana.tv@example.com", "subscriber": PERSON, "packages": [{"id": POINT}, {"id": SPORTS}],
          "devices": [{"mac": "001a.792c.d1c1", "model": "7"}]}
EXPECT = {"exists": True, "status": "active", "plan": FULL, "packages": [POINT, SPORTS], "devices": [MAC], "contracts": 1}
PACKAGE = FILMS
PLAN = LIGHT
CREATES = ("client", "contract", "block")
HELD = True


def first_access(control):
    """The user of the suite's service signs in for the first time."""
    control("POST", "first_access", "service=70001")


def signs_in(place):
    first_access(place.control)


def at_the_panel(what):
    """Somebody does it by hand at the platform."""
    def call(place):
        place.control("POST", what, "service=70001")
    return call


def another_client(place):
    """Another service's client and contract are there."""
    person = {**PERSON, "document": "98765432100", "email": "outra@example.com"}
    place.play("service.created", {**CREATE, "subscriber": person, "login": "outra.tv@example.com",
                                   "devices": [{"mac": OTHER_MAC, "model": "11"}]}, {}, service="778").ends("applied")


def same_client(place):
    """The same person has another contract."""
    place.play("service.created", {"plan": LIGHT, "login": "outra.tv@example.com", "subscriber": PERSON}, {}, service="779").ends("applied")


def both(*calls):
    def call(place):
        for one in calls:
            one(place)
    return call


STORY = [
    ("service.created", CREATE),
    ("subscriber.updated", {"subscriber": {"phone": "021 2222-3333", "email": "joana.nova@example.com"}}),
    ("service.updated", {"subscriber": {"name": "Joana Souza", "address": {"postal_code": "20040-020", "number": "7"}}}),
    ("credentials.changed", {"login": "joana.souza@example.com"}),
    ("package.added", {"packages": [{"id": FILMS, "quantity": 2}]}),
    signs_in,
    ("contract.blocked", {"reason": "delinquency"}),
    ("package.removed", {"packages": [{"id": SPORTS}]}),
    ("contract.unblocked", {"reason": "delinquency"}),
    signs_in,
    ("contract.late_notice", {}),
    ("contract.awaiting_signature", {}),
    ("contract.suspended", {"reason": "customer_request"}),
    ("contract.late_notice", {}),
    ("contract.reactivated", {}),       # still blocked
    ("contract.suspended", {}),
    ("contract.unblocked", {}),         # still suspended
    ("contract.reactivated", {}),
    ("plan.changed", {"plan": LIGHT}),
    ("package.removed", {"packages": [{"id": FILMS}]}),
    signs_in,
    ("device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC, "model": "11"}}),
    ("contract.blocked", {"reason": "customer_request"}),
    ("contract.suspended", {}),
    ("contract.activated", {}),
    ("contract.cancelled", {}),
    ("service.created", CREATE),
    ("service.deleted", {}),
]

REFUSES = {
    "device.added": ("device_needs_contract", {"device": {"mac": OTHER_MAC}}),
    "device.removed": ("device_needs_contract", {"device": {"mac": MAC}}),
    "device_limit.changed": ("no_device_limit", {"device_limit": 3}),
    "pairing_code.requested": ("no_pairing_codes", {}),
    "message.requested": ("no_messages", {"message": {"text": "Olá"}}),
    "service.converted": ("origin_not_changeable", {"old_external_id": "12", "new_external_id": "70001"}),
}

KEYED = {"match": {"path": "/contratos/inserir"}, "action": "status", "status": 200}


def refused(error):
    return {**KEYED, "body": '{"retorno_status":false,"error":%s}' % error}


ERRORS = [
    ("unknown plan", "service.created", {**CREATE, "plan": "999"}, None, "rejected", "unknown_plan"),
    ("an additional package as the plan", "service.created", {**CREATE, "plan": SPORTS}, None, "rejected", "unknown_plan"),
    ("unknown package", "service.created", {**CREATE, "packages": [{"id": "999"}]}, None, "rejected", "unknown_package"),
    ("a plan as a package", "package.added", {"packages": [{"id": LIGHT}]}, None, "rejected", "unknown_package"),
    ("a box without the additional point", "service.created", {**CREATE, "packages": []}, None, "rejected", "additional_point_missing"),
    ("a login that is no e-mail address", "service.created", {**CREATE, "login": "joana"}, None, "rejected", "invalid_input"),
    ("a document of no length", "service.created", {**CREATE, "subscriber": {**PERSON, "document": "123"}}, None, "rejected",
     "invalid_input"),
    ("CEP invalido", "service.created", {**CREATE, "subscriber": {**PERSON, "address": {"postal_code": "123"}}}, None, "rejected",
     "invalid_postal_code"),
    ("no date of birth", "service.created", {**CREATE, "subscriber": {k: v for k, v in PERSON.items() if k != "birth_date"}}, None,
     "rejected", "invalid_birth_date"),
    ("CPF refused", "service.created", CREATE,
     {"match": {"path": "/clientes/inserir"}, "action": "status", "status": 200,
      "body": '{"retorno_status":false,"error":{"cpf_cnpj":"CPF inválido!"}}'}, "rejected", "invalid_document"),
    ("phone refused", "service.created", CREATE,
     {"match": {"path": "/clientes/inserir"}, "action": "status", "status": 200,
      "body": '{"retorno_status":false,"error":{"telefone_numero":"Telefone inválido!"}}'}, "rejected", "invalid_phone"),
    ("another field refused", "service.created", CREATE,
     {"match": {"path": "/clientes/inserir"}, "action": "status", "status": 200,
      "body": '{"retorno_status":false,"error":{"nome":"Nome inválido!"}}'}, "rejected", "refused_by_platform"),
    ("CPF/CNPJ já cadastrado, and not to be found", "service.created", CREATE,
     {"match": {"path": "/clientes/inserir"}, "action": "status", "status": 200,
      "body": '{"retorno_status":false,"error":{"cpf_cnpj":"CPF/CNPJ já cadastrado!"}}'}, "rejected", "document_in_use"),
    ("CPF/CNPJ já cadastrado, seen late", "service.created", CREATE,
     both(same_client, lambda place: place.faults({"match": {"path": "/clientes/buscacpfcnpj/"}, "action": "status", "status": 200,
                                                   "body": '{"retorno_status":false,"error":"Nenhum cliente encontrado!"}'})),
     "applied", ""),
    ("the login is another contract's", "service.created", {**CREATE, "login": "outra.tv@example.com"}, same_client, "rejected",
     "login_refused"),
    ("the box is another contract's", "service.created", {**CREATE, "devices": [{"mac": OTHER_MAC, "model": "7"}]},
     both(another_client, lambda place: place.play("service.created", {"plan": LIGHT, "login": "a@example.com", "subscriber": PERSON},
                                                   {}, service="779").ends("applied")), "rejected", "device_refused"),
    ("the login is another contract's", "credentials.changed", {"login": "outra.tv@example.com"}, another_client, "rejected",
     "login_refused"),
    ("the platform sets passwords", "credentials.changed", {"password": "n3w"}, None, "rejected", "password_not_settable"),
    ("document of another client", "subscriber.updated", {"subscriber": {"document": "98765432100"}}, another_client, "rejected",
     "document_in_use"),
    ("nothing that is kept", "service.updated", {"comment": "2nd floor"}, None, "unchanged", "not_kept_by_platform"),
    ("another plan", "service.created", {**CREATE, "plan": LIGHT},
     lambda place: place.play("service.created", CREATE, {}).ends("applied"), "unchanged", "already_exists"),
    ("partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected", "invalid_input"),
    ("the reason is refused", "contract.blocked", {"reason": "delinquency"},
     {"match": {"path": "/contratos/bloqueio/"}, "action": "status", "status": 200,
      "body": '{"retorno_status":false,"error":{"motivo_suspensao":"Motivo inválido!"}}'}, "rejected", "refused_by_platform"),
    ("not that box", "device.replaced", {"old": {"mac": OTHER_MAC}, "new": {"mac": "00:1A:79:00:00:03", "model": "7"}},
     None, "rejected", "unknown_device"),
    ("the model is refused", "device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC, "model": "999"}}, None, "rejected",
     "device_refused"),
    ("the new contract is refused", "package.added", {"packages": [{"id": FILMS}]}, refused('{"mac":"MAC bloqueado!"}'), "dead",
     "no_contract_now"),
    ("the cancelling is refused", "plan.changed", {"plan": LIGHT},
     {"match": {"path": "/contratos/cancelar/"}, "action": "status", "status": 200, "times": 0,
      "body": '{"retorno_status":false,"error":"Contrato com pendências!"}'}, "dead", "cancel_refused"),
    ("the platform is under repair", "contract.blocked", {"reason": "delinquency"},
     {"match": {"path": "/contratos/bloqueio/"}, "action": "status", "status": 200, "times": 2,
      "body": '{"retorno_status":false,"error":"Sistema em manutenção, tente mais tarde!"}'}, "applied", ""),
    ("the contract was deleted at the panel", "contract.blocked", {"reason": "delinquency"}, at_the_panel("panel_delete"), "rejected",
     "deleted_at_platform"),
    ("the contract was cancelled at the panel", "contract.unblocked", {}, at_the_panel("panel_cancel"), "rejected",
     "deleted_at_platform"),
    ("the client was deleted at the panel", "package.added", {"packages": [{"id": FILMS}]}, at_the_panel("panel_forget_client"),
     "rejected", "deleted_at_platform"),
    ("the client was deleted at the panel", "subscriber.updated", {"subscriber": {"name": "J"}}, at_the_panel("panel_forget_client"),
     "rejected", "deleted_at_platform"),
    ("the contract was deleted at the panel", "credentials.changed", {"login": "x@example.com"}, at_the_panel("panel_delete"),
     "rejected", "deleted_at_platform"),
    ("deleted at the panel before", "service.deleted", {}, at_the_panel("panel_delete"), "unchanged", "already_deleted"),
    ("deleted at the panel before", "contract.cancelled", {}, at_the_panel("panel_delete"), "unchanged", "already_deleted"),
    ("our address is not on the list", "contract.blocked", {"reason": "delinquency"},
     lambda place: place.control("POST", "allow", "allowed=0"), "credentials refused", "http_403"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"},
     {"match": {"path": "/contratos/bloqueio/"}, "action": "status", "status": 500, "times": 0}, "in doubt", "attempts_exhausted"),
]
