"""What the API of Olé TV does with a request, as far as it is known (PROVIDERS.md, section 4.2).

Calls, fields and the shapes of good answers are read in copies of the vendor's document; `CPF/CNPJ já cadastrado!`, `CEP invalido!`
and the refused keys' text are known; all other texts of refusals are assumed, and so is that contracts are listed with
`id_contrato_origem`. Where nothing is known it does the worst: a second contract with the same origin and a second block are
taken, and a new contract has to be accessed anew before a block takes.

Environment: OLETV_KEYAPI, OLETV_LOGIN, OLETV_PASS (no key: all are let in); OLETV_ORIGIN=0: contracts are listed without their
origin, as the public example of the answer is.
"""

import copy
import json
import os
import re

CREDENTIALS = "Credentials: environment OLETV_KEYAPI, OLETV_LOGIN, OLETV_PASS."

DOCUMENT = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}")
DAY = re.compile(r"\d{2}/\d{2}/\d{4}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ACTIVE, CANCELLED = "Ativo (Sem Pendências)", "Cancelado"
REASONS = {"1": "Bloqueio por Inadimplência", "2": "Suspensão Temporária"}
TEXT_FIELDS = ("nome", "nome_fantasia", "data_nascimento", "endereco_cep", "endereco_logradouro", "endereco_numero", "endereco_bairro",
               "endereco_complemento_valor", "dia_vencimento")


def builtin_data():
    def plan(identifier, kind, name, price):
        return {"id": identifier, "tipo": kind, "nome": name, "taxa_instalacao": "0.00",
                "mensalidade": {"normal": price, "ate_vencimento": price, "promocao": price}}
    return {
        "planos": [plan("101", "Principal", "Olé Full", "49.90"), plan("102", "Principal", "Olé Light", "29.90"),
                   plan("103", "Principal", "Olé Mobile", "19.90"), plan("201", "Adicional", "Ponto Adicional", "9.90"),
                   plan("202", "Adicional", "Esportes", "14.90"), plan("203", "Adicional", "Filmes", "19.90")],
        "modelos": [{"id": "7", "nome": "STB Android"}, {"id": "11", "nome": "STB Linux"}],
    }


class Refused(Exception):
    """`retorno_status` false, with its error: a text, or texts by field."""


class Platform:
    """One reseller's clients and contracts."""

    PREFIX = ""
    SECRETS = ("keyapi", "login", "pass", "cpf_cnpj")

    def __init__(self, options, effect):
        self.effect = effect
        self.seed = options.seed_data or builtin_data()
        self.keys = {name: os.environ.get("OLETV_" + name.upper(), "") for name in ("keyapi", "login", "pass")}
        self.origin_shown = os.environ.get("OLETV_ORIGIN", "1") != "0"
        self.reset()

    def reset(self):
        self.plans = copy.deepcopy(self.seed["planos"])
        self.models = copy.deepcopy(self.seed["modelos"])
        self.clients, self.contracts, self.blocks = {}, {}, {}
        self.allowed = True
        self.last = 9000

    def state(self):
        return {"clients": self.clients, "contracts": self.contracts, "blocks": self.blocks}

    def _next(self):
        self.last += 1
        return str(self.last)

    # --- in our words ---

    def _live_of(self, service):
        return [c for c in self.contracts.values() if c["origem"] == service and c["status"] != CANCELLED]

    def account(self, service):
        found = self._live_of(service)
        if not found:
            return {"exists": False, "status": "terminated", "plan": None, "packages": [], "devices": [], "contracts": 0}
        c = found[-1]
        return {"exists": True, "status": "suspended" if self._active_blocks(c["id"]) else "active", "plan": c["plano"],
                "packages": sorted(set(c["adicionais"])), "devices": sorted(e["mac"] for e in c["equipamentos"]),
                "contracts": len(found)}

    def named(self, request):
        """The contract or client of the path, else the service of a new contract."""
        form = request.form()
        return [x for x in (*request.path.split("/")[3:], form.get("id_contrato_origem")) if x]

    def control(self, request):
        """POST first_access (form service): its user logs in. POST panel_delete, panel_cancel, panel_unblock, panel_forget_client (form
        service): what somebody does by hand. POST allow (form allowed=0): our address is not on the list any more."""
        form, call = request.form(), (request.method, request.path)
        found = self._live_of(form.get("service", ""))
        if call == ("POST", "/allow"):
            self.allowed = form.get("allowed") == "1"
        elif call == ("POST", "/first_access"):
            for c in found:
                c["pontos"].append({"marca": "Android", "modelo": "TV Box", "mac": "AABBCC%06d" % int(c["id"]), "status": "online"})
        elif call == ("POST", "/panel_cancel"):
            for c in found:
                c["status"] = CANCELLED
        elif call == ("POST", "/panel_unblock"):
            for block in (b for c in found for b in self._active_blocks(c["id"])):
                block["ativo"] = False
        elif call == ("POST", "/panel_delete"):
            for c in found:
                del self.contracts[c["id"]]
        elif call == ("POST", "/panel_forget_client"):
            for c in found:
                self.clients.pop(c["cliente"], None)
                self.contracts = {i: x for i, x in self.contracts.items() if x["cliente"] != c["cliente"]}
        else:
            return None
        return 200, {"found": len(found)}

    # --- the API ---

    @staticmethod
    def _answer(value):
        text = json.dumps(value, separators=(",", ":")).replace("/", "\\/")
        return 200, [("Content-Type", "application/json; charset=UTF-8")], text.encode()

    def unauthorized(self):
        return self._answer({"retorno_status": False, "error": "Dados de autenticação são inválidos!"})

    def handle(self, request):
        if not self.allowed:
            return 403, [("Content-Type", "text/html")], b"<h1>403 Forbidden</h1>"
        parts = request.path.strip("/").split("/")
        call = getattr(self, "do_" + "_".join(parts[:2]), None)
        if request.method != "POST" or call is None:
            return 404, [("Content-Type", "text/html")], b"<h1>Not Found</h1>"
        form = request.form()
        if self.keys["keyapi"] and any(form.get(name) != value for name, value in self.keys.items()):
            return self.unauthorized()
        try:
            return self._answer({"retorno_status": True, **call(form, parts[2:])})
        except Refused as e:
            return self._answer({"retorno_status": False, "error": e.args[0]})

    # --- lists ---

    def do_planos(self, _form, _ids):
        return {"planos": self.plans}

    def do_equipamentos(self, _form, _ids):
        return {"modelos": self.models}

    @staticmethod
    def _short(client):
        return {"id": client["id"], "nome": client["nome"], "cpf_cnpj": client["cpf_cnpj"],
                "data_nascimento": client["data_nascimento"], "data_cadastro": "01/11/2026"}

    def do_clientes_listar(self, _form, _ids):
        if not self.clients:
            raise Refused("Nenhum cliente encontrado!")
        return {"lista": [self._short(c) for c in self.clients.values()]}

    def do_clientes_buscacpfcnpj(self, _form, ids):
        found = [self._short(c) for c in self.clients.values() if c["cpf_cnpj"] == "/".join(ids)]
        if not found:
            raise Refused("Nenhum cliente encontrado!")
        return {"lista": found}

    def _client(self, identifier):
        if identifier not in self.clients:
            raise Refused("Cliente não encontrado!")
        return self.clients[identifier]

    def do_clientes_buscadados(self, _form, ids):
        c = self._client(ids[0])
        phones = [{"ddd": d, "numero": n, "ramal": "", "tipo": "Celular"} for d, n in c["telefones"]]
        return {"dados": {
            "id": c["id"], "nome": c["nome"], "tipo_pessoa": "Pessoa Física" if c["tipo_pessoa"] == "F" else "Pessoa Jurídica",
            "nome_fantasia": c["nome_fantasia"] or None, "cpf_cnpj": c["cpf_cnpj"], "inscricao_estadual": None,
            "data_nascimento": c["data_nascimento"],
            "endereco": {"logradouro": c["endereco_logradouro"], "bairro": c["endereco_bairro"], "cidade": "Cidade", "estado_sigla": "UF",
                         "numero": c["endereco_numero"], "complemento": {"tipo": "", "valor": c["endereco_complemento_valor"]},
                         "ponto_referencia": "", "cep": c["endereco_cep"]},
            "contato": None, "telefones": phones, "emails": [{"email": e, "tipo": "Contato/News"} for e in c["emails"]],
            "dia_vencimento": c["dia_vencimento"], "status": "Ativo"}}

    # --- clients ---

    @staticmethod
    def _list(form, name):
        value = form.get(name, [])
        return [v for v in (value if isinstance(value, list) else [value]) if v != ""]

    def _check_client(self, form, but=None):
        errors = {n: "Campo obrigatório!" for n in ("nome", "tipo_pessoa", "cpf_cnpj", "endereco_cep", "dia_vencimento", "endereco_cobranca")
                  if not form.get(n)}
        person = form.get("tipo_pessoa", "")
        document = form.get("cpf_cnpj", "")
        if person not in ("F", "J"):
            errors["tipo_pessoa"] = "Tipo de pessoa inválido!"
        if document and not DOCUMENT.fullmatch(document):
            errors["cpf_cnpj"] = "CPF/CNPJ inválido!"
        elif any(c["cpf_cnpj"] == document and c is not but for c in self.clients.values()):
            errors["cpf_cnpj"] = "CPF/CNPJ já cadastrado!"
        if person == "F" and not DAY.fullmatch(form.get("data_nascimento", "")):
            errors["data_nascimento"] = "Data de nascimento inválida!"
        if person == "J" and not form.get("nome_fantasia"):
            errors["nome_fantasia"] = "Campo obrigatório!"
        if form.get("endereco_cep") and not re.fullmatch(r"\d{5}-\d{3}", form["endereco_cep"]):
            errors["endereco_cep"] = "CEP invalido!"
        if not form.get("dia_vencimento", "1").isdigit():
            errors["dia_vencimento"] = "Dia de vencimento inválido!"
        phones = list(zip(self._list(form, "telefone_ddd"), self._list(form, "telefone_numero")))
        if any(not re.fullmatch(r"\d{2}", d) or not re.fullmatch(r"\d{4,5}-\d{4}", n) for d, n in phones):
            errors["telefone_numero"] = "Telefone inválido!"
        if errors:
            raise Refused(errors)
        return {"tipo_pessoa": person, "cpf_cnpj": document, "telefones": [list(p) for p in phones], "emails": self._list(form, "email"),
                **{n: form.get(n, "") for n in TEXT_FIELDS}}

    def do_clientes_inserir(self, form, _ids):
        fields = self._check_client(form)
        client = {"id": self._next(), **fields}
        self.clients[client["id"]] = client
        self.effect("client", id=client["id"])
        return {"msg": "Cliente inserido com sucesso!", "id": int(client["id"])}

    def do_clientes_alterar(self, form, ids):
        """The document says that all of the compulsory fields come again; whether others stay when they are left out is not known."""
        client = self._client(ids[0])
        client.update(self._check_client(form, client))
        self.effect("client_update", id=client["id"])
        return {"msg": "Cliente alterado com sucesso!"}

    # --- contracts ---

    def _plan(self, identifier, kind, field):
        found = [p for p in self.plans if p["id"] == identifier and p["tipo"] == kind]
        if not found:
            raise Refused({field: "Plano inválido!"})
        return found[0]

    def _equipment(self, form):
        macs, models = self._list(form, "mac"), self._list(form, "id_modelo")
        if len(macs) != len(models):
            raise Refused({"mac": "MAC e modelo são obrigatórios!"})
        for mac, model in zip(macs, models):
            self._check_box(mac, model)
        if macs and "201" not in self._list(form, "id_plano_adicional"):
            raise Refused({"id_plano_adicional": "Ponto Adicional obrigatório!"})
        return [{"id": self._next(), "mac": mac, "modelo": model} for mac, model in zip(macs, models)]

    def _check_box(self, mac, model):
        if model not in [m["id"] for m in self.models]:
            raise Refused({"id_modelo": "Modelo inválido!"})
        if not re.fullmatch(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", mac):
            raise Refused({"mac": "MAC inválido!"})
        if any(e["mac"] == mac for c in self.contracts.values() if c["status"] != CANCELLED for e in c["equipamentos"]):
            raise Refused({"mac": "MAC já cadastrado!"})

    def _check_email(self, email, but=None):
        if email and not EMAIL.fullmatch(email):
            raise Refused({"email_usuario": "E-mail inválido!"})
        if email and any(c["email"] == email and c["status"] != CANCELLED and c is not but for c in self.contracts.values()):
            raise Refused({"email_usuario": "E-mail já cadastrado!"})

    def do_contratos_inserir(self, form, _ids):
        client = self._client(form.get("id_cliente", ""))
        plan = self._plan(form.get("id_plano_principal", ""), "Principal", "id_plano_principal")
        more = self._list(form, "id_plano_adicional")
        for identifier in more:
            self._plan(identifier, "Adicional", "id_plano_adicional")
        if "Mobile" in plan["nome"] and not form.get("email_usuario"):
            raise Refused({"email_usuario": "Campo obrigatório!"})
        self._check_email(form.get("email_usuario", ""))
        contract = {"id": self._next(), "cliente": client["id"], "origem": form.get("id_contrato_origem", ""), "plano": plan["id"],
                    "adicionais": more, "equipamentos": self._equipment(form), "email": form.get("email_usuario", ""),
                    "status": ACTIVE, "pontos": []}
        self.contracts[contract["id"]] = contract
        self.effect("contract", id=contract["id"], service=contract["origem"], plan=plan["id"], more=more)
        return {"id": contract["id"], "codigo": self._code(contract), "status": contract["status"]}

    @staticmethod
    def _code(contract):
        return "%s/%s" % (contract["id"], contract["cliente"])

    def _name(self, identifier):
        return next(p["nome"] for p in self.plans if p["id"] == identifier)

    def _shown(self, c):
        model = {m["id"]: m["nome"] for m in self.models}
        boxes = [{"id": e["id"], "equipamento": model[e["modelo"]], "mac": e["mac"], "data_inicio": "01/11/2026",
                  "status_equipamento": "Ativo"} for e in c["equipamentos"]]
        status = "Cancelado" if c["status"] == CANCELLED else "Ativo"
        subscriptions = [{"id": c["id"] + "%02d" % i, "plano": self._name(p), "box": str(len(boxes)), "dispositivos": "3",
                          "status_assinatura": status, "equipamentos": boxes if i == 0 else []}
                         for i, p in enumerate([c["plano"], *c["adicionais"]])]
        shown = {"id": c["id"], "codigo": self._code(c), "tipo": "Principal", "servico": "Olé TV", "data_geracao": "01/11/2026",
                 "data_ativacao": "01/11/2026", "status": c["status"], "assinaturas": subscriptions}
        return {**shown, "id_contrato_origem": c["origem"]} if self.origin_shown else shown

    def do_contratos_listar(self, _form, ids):
        self._client(ids[0])
        found = [self._shown(c) for c in self.contracts.values() if c["cliente"] == ids[0]]
        if not found:
            raise Refused("Nenhum contrato encontrado!")
        return {"contratos": found}

    def _contract(self, identifier):
        if identifier not in self.contracts:
            raise Refused("Contrato não encontrado!")
        return self.contracts[identifier]

    def _live(self, identifier):
        contract = self._contract(identifier)
        if contract["status"] == CANCELLED:
            raise Refused("Contrato já cancelado!")
        return contract

    def do_contratos_cancelar(self, _form, ids):
        contract = self._live(ids[0])
        contract["status"] = CANCELLED
        self.effect("cancel", id=contract["id"])
        return {"msg": "Contrato cancelado com sucesso!"}

    def do_contratos_alterarusuario(self, form, ids):
        contract = self._live(ids[0])
        if not form.get("email_usuario"):
            raise Refused({"email_usuario": "Campo obrigatório!"})
        self._check_email(form["email_usuario"], contract)
        contract["email"] = form["email_usuario"]
        self.effect("instructions", id=contract["id"], email=contract["email"])
        return {"msg": "Foi enviado para o e-mail %s suas instruções!" % contract["email"]}

    def do_contratos_pontosregistrados(self, _form, ids):
        return {"pontos": self._contract(ids[0])["pontos"]}

    def do_contratos_mac(self, form, ids):
        contract = self._live(ids[0])
        found = [e for e in contract["equipamentos"] if e["id"] == ids[1]]
        if not found:
            raise Refused("Equipamento não encontrado!")
        self._check_box(form.get("mac", ""), form.get("id_modelo", ""))
        found[0].update(id=self._next(), mac=form["mac"], modelo=form["id_modelo"])
        self.effect("box", id=contract["id"], mac=form["mac"])
        return {"id_contrato": int(contract["id"]), "codigo": self._code(contract), "msg": "Equipamento substituído com sucesso!"}

    # --- blocks ---

    def _active_blocks(self, contract):
        return [b for b in self.blocks.values() if b["contrato"] == contract and b["ativo"]]

    def do_contratos_bloqueio(self, form, ids):
        contract = self._live(ids[0])
        reason = form.get("motivo_suspensao", "")
        if reason not in REASONS:
            raise Refused({"motivo_suspensao": "Motivo inválido!"})
        number = self._next()
        taken = bool(contract["pontos"])  # the seed: before the first access no action takes
        if taken:
            self.blocks[number] = {"id": number, "contrato": contract["id"], "tipo": reason, "ativo": True}
        self.effect("block" if taken else "block_that_does_not_take", id=contract["id"], reason=reason)
        return {"id_bloqueio": number, "msg": "Contrato ID %s bloqueado com sucesso!" % contract["id"]}

    def do_contratos_listarbloqueios(self, _form, ids):
        self._contract(ids[0])
        only_active = ids[1:] and ids[1] in ("true", "1")
        found = [b for b in self.blocks.values() if b["contrato"] == ids[0] and (b["ativo"] or not only_active)]
        if not found:
            raise Refused("Nenhum bloqueio encontrado!")
        return {"bloqueios": [{"id": b["id"], "tipo_id": b["tipo"], "tipo_nome": REASONS[b["tipo"]], "inicio": "01/11/2026 10:00:00",
                               "termino": None if b["ativo"] else "02/11/2026 10:00:00",
                               "status_nome": "Ativo" if b["ativo"] else "Inativo (Finalizado)"} for b in found]}

    def do_contratos_desbloqueio(self, _form, ids):
        contract = self._contract(ids[0])
        block = self.blocks.get(ids[1] if ids[1:] else "")
        if block is None or block["contrato"] != contract["id"]:
            raise Refused("Bloqueio não encontrado!")
        if not block["ativo"]:
            raise Refused("Bloqueio já finalizado!")
        block["ativo"] = False
        self.effect("unblock", id=contract["id"], block=block["id"])
        return {"msg": "Contrato ID %s desbloqueado com sucesso!" % contract["id"]}
