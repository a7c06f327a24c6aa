"""The stand-in for Olé TV against what its API's document and public clients show, and what is assumed beside them."""

import json
import unittest
import urllib.parse

import client

KEYS = {"keyapi": "key", "login": "api", "pass": "api-pass"}
JOANA = {"nome": "Joana", "tipo_pessoa": "F", "cpf_cnpj": "123.456.789-09", "data_nascimento": "31/12/1980", "endereco_cep": "01310-100",
         "telefone_ddd[]": "11", "telefone_numero[]": "98888-7777", "email[]": "joana@example.com", "dia_vencimento": "10",
         "endereco_cobranca": "true"}
FULL, LIGHT, MOBILE, POINT, SPORTS = "101", "102", "103", "201", "202"
MAC, OTHER_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1"


class Case(unittest.TestCase):
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.platform = client.Program("oletv.py", {"OLETV_" + k.upper(): v for k, v in KEYS.items()} | cls.environment)

    @classmethod
    def tearDownClass(cls):
        cls.platform.stop()

    def setUp(self):
        self.platform.control("POST", "reset")

    def send(self, path, fields=None, keys=None, method="POST"):
        form = urllib.parse.urlencode({**(KEYS if keys is None else keys), **(fields or {})}, doseq=True)
        return self.platform.send(method, path, form, {"Content-Type": "application/x-www-form-urlencoded"})

    def call(self, path, fields=None, keys=None):
        """The answer, which is a 200 whatever it says."""
        status, _, text = self.send(path, fields, keys)
        self.assertEqual(status, 200)
        return json.loads(text)

    def done(self, path, fields=None):
        reply = self.call(path, fields)
        self.assertIs(reply.pop("retorno_status"), True, reply)
        return reply

    def refused(self, path, fields=None):
        """Its error."""
        reply = self.call(path, fields)
        self.assertEqual((reply.get("retorno_status"), sorted(reply)), (False, ["error", "retorno_status"]))
        return reply["error"]

    def client(self, **other):
        return str(self.done("/clientes/inserir", {**JOANA, **other})["id"])

    def contract(self, who=None, **other):
        fields = {"id_cliente": who or self.client(), "id_contrato_origem": "70001", "id_plano_principal": FULL,
                  "email_usuario": "joana.tv@example.com", **other}
        return self.done("/contratos/inserir", fields)["id"]

    def seen(self, service="70001"):
        self.platform.control("POST", "first_access", "service=" + service)

    def effects(self):
        return [e["effect"] for e in self.platform.lines("effect")]


class Access(Case):
    def test_each_of_the_three_keys_must_be_good(self):
        for name in KEYS:
            for keys in ({**KEYS, name: "other"}, {k: v for k, v in KEYS.items() if k != name}):
                self.assertEqual(self.call("/planos", keys=keys),
                                 {"retorno_status": False, "error": "Dados de autenticação são inválidos!"})
        self.assertEqual(self.effects(), [])

    def test_keys_and_document_are_not_in_the_journal(self):
        self.client()
        for line in self.platform.lines("request"):
            self.assertEqual([line["form"][k] for k in KEYS], ["***"] * 3)
        self.assertNotIn(JOANA["cpf_cnpj"], json.dumps(self.platform.lines("request")))

    def test_an_address_that_is_not_on_the_list_is_403_in_html(self):
        self.platform.control("POST", "allow", "allowed=0")
        status, _, text = self.send("/planos")
        self.assertEqual((status, text[:1]), (403, b"<"))
        self.platform.control("POST", "allow", "allowed=1")
        self.done("/planos")

    def test_all_is_post_and_unknown_calls_are_404(self):
        self.assertEqual(self.send("/planos", method="GET")[0], 404)
        self.assertEqual(self.send("/contratos/adicionar")[0], 404)

    def test_slashes_are_escaped_as_php_does_it(self):
        self.client()
        self.assertIn(rb"31\/12\/1980", self.send("/clientes/listar")[2])


class Clients(Case):
    def test_a_new_client_gets_a_number_and_is_found_by_its_document(self):
        reply = self.done("/clientes/inserir", JOANA)
        self.assertIsInstance(reply["id"], int)
        found = self.done("/clientes/buscacpfcnpj/123.456.789-09")["lista"]
        self.assertEqual([(c["id"], c["nome"]) for c in found], [(str(reply["id"]), "Joana")])
        self.assertEqual(self.done("/clientes/listar")["lista"], found)

    def test_a_document_with_a_slash_stands_in_the_path(self):
        company = {**JOANA, "tipo_pessoa": "J", "cpf_cnpj": "12.345.678/0001-95", "nome_fantasia": "Loja"}
        self.done("/clientes/inserir", company)
        for path in ("12.345.678/0001-95", "12.345.678%2F0001-95"):
            self.assertEqual(len(self.done("/clientes/buscacpfcnpj/" + path)["lista"]), 1)

    def test_nobody_is_a_failure_that_says_so(self):
        self.assertEqual(self.refused("/clientes/listar"), "Nenhum cliente encontrado!")
        self.assertEqual(self.refused("/clientes/buscacpfcnpj/123.456.789-09"), "Nenhum cliente encontrado!")
        self.assertEqual(self.refused("/clientes/buscadados/1"), "Cliente não encontrado!")

    def test_a_document_is_used_once(self):
        self.client()
        self.assertEqual(self.refused("/clientes/inserir", {**JOANA, "nome": "Outra"}), {"cpf_cnpj": "CPF/CNPJ já cadastrado!"})
        self.assertEqual(self.effects(), ["client"])

    def test_fields_are_refused_by_name(self):
        for field, value in (("endereco_cep", "01310100"), ("data_nascimento", "1980-12-31"), ("cpf_cnpj", "12345678909"),
                             ("telefone_numero", "988887777"), ("tipo_pessoa", "X"), ("nome", ""), ("dia_vencimento", "dez"),
                             ("endereco_cobranca", "")):
            name = field + "[]" if field + "[]" in JOANA else field
            self.assertIn(field, self.refused("/clientes/inserir", {**JOANA, name: value}), field)
        self.assertEqual(self.refused("/clientes/inserir", {**JOANA, "endereco_cep": "1"}), {"endereco_cep": "CEP invalido!"})
        self.assertEqual(self.refused("/clientes/inserir", {**JOANA, "tipo_pessoa": "J"}), {"nome_fantasia": "Campo obrigatório!"})

    def test_several_phones_and_addresses(self):
        who = self.client(**{"telefone_ddd[]": ["11", "21"], "telefone_numero[]": ["98888-7777", "2222-3333"],
                             "email[]": ["a@example.com", "b@example.com"]})
        data = self.done("/clientes/buscadados/" + who)["dados"]
        self.assertEqual([(p["ddd"], p["numero"]) for p in data["telefones"]], [("11", "98888-7777"), ("21", "2222-3333")])
        self.assertEqual([e["email"] for e in data["emails"]], ["a@example.com", "b@example.com"])

    def test_an_update_wants_all_and_keeps_the_document_once(self):
        who, other = self.client(), self.client(cpf_cnpj="987.654.321-00")
        self.done("/clientes/alterar/" + who, {**JOANA, "nome": "Joana Souza", "telefone_ddd[]": "21", "telefone_numero[]": "2222-3333"})
        data = self.done("/clientes/buscadados/" + who)["dados"]
        self.assertEqual((data["nome"], [p["ddd"] for p in data["telefones"]], data["tipo_pessoa"]),
                         ("Joana Souza", ["21"], "Pessoa Física"))
        self.assertEqual(self.refused("/clientes/alterar/" + other, JOANA), {"cpf_cnpj": "CPF/CNPJ já cadastrado!"})
        self.assertIn("endereco_cep", self.refused("/clientes/alterar/" + who, {"nome": "J"}))


class Contracts(Case):
    def test_the_catalogue_has_both_kinds_and_models(self):
        kinds = {p["tipo"] for p in self.done("/planos")["planos"]}
        self.assertEqual(kinds, {"Principal", "Adicional"})
        self.assertEqual([m["id"] for m in self.done("/equipamentos")["modelos"]], ["7", "11"])

    def test_a_new_contract_is_listed_with_its_origin(self):
        who = self.client()
        self.assertEqual(self.refused("/contratos/listar/" + who), "Nenhum contrato encontrado!")
        number = self.contract(who, **{"id_plano_adicional[]": [SPORTS, SPORTS]})
        self.assertIsInstance(number, str)
        shown = self.done("/contratos/listar/" + who)["contratos"][0]
        self.assertEqual((shown["id"], shown["id_contrato_origem"]), (number, "70001"))
        self.assertEqual([a["plano"] for a in shown["assinaturas"]], ["Olé Full", "Esportes", "Esportes"])
        self.assertEqual(self.platform.account("70001"), {"exists": True, "status": "active", "plan": FULL, "packages": [SPORTS],
                                                          "devices": [], "contracts": 1})

    def test_nothing_prevents_a_second_contract_of_the_same_origin(self):
        who = self.client()
        self.contract(who)
        self.contract(who, email_usuario="other@example.com")
        self.assertEqual(self.platform.account("70001")["contracts"], 2)

    def test_plans_and_packages_are_told_apart(self):
        who = self.client()
        for field, value in (("id_plano_principal", SPORTS), ("id_plano_principal", "999"), ("id_plano_adicional[]", LIGHT)):
            fields = {"id_cliente": who, "id_plano_principal": FULL, field: value}
            self.assertEqual(self.refused("/contratos/inserir", fields), {field.rstrip("[]"): "Plano inválido!"})
        self.assertEqual(self.refused("/contratos/inserir", {"id_cliente": who, "id_plano_principal": MOBILE}),
                         {"email_usuario": "Campo obrigatório!"})
        self.assertEqual(self.refused("/contratos/inserir", {"id_cliente": "1", "id_plano_principal": FULL}), "Cliente não encontrado!")

    def test_a_box_needs_the_additional_point_a_model_and_to_be_free(self):
        who = self.client()
        box = {"mac[]": MAC, "id_modelo[]": "7"}
        fields = {"id_cliente": who, "id_plano_principal": FULL}
        self.assertEqual(self.refused("/contratos/inserir", {**fields, **box}), {"id_plano_adicional": "Ponto Adicional obrigatório!"})
        fields["id_plano_adicional[]"] = POINT
        for change, field in (({"id_modelo[]": "99"}, "id_modelo"), ({"mac[]": MAC.lower()}, "mac"), ({"id_modelo[]": ["7", "7"]}, "mac")):
            self.assertIn(field, self.refused("/contratos/inserir", {**fields, **box, **change}))
        self.done("/contratos/inserir", {**fields, **box})
        self.assertEqual(self.refused("/contratos/inserir", {**fields, **box}), {"mac": "MAC já cadastrado!"})

    def test_a_login_is_used_once_while_its_contract_lives(self):
        who = self.client()
        number = self.contract(who)
        fields = {"id_cliente": who, "id_plano_principal": FULL, "email_usuario": "joana.tv@example.com"}
        self.assertEqual(self.refused("/contratos/inserir", fields), {"email_usuario": "E-mail já cadastrado!"})
        self.assertEqual(self.refused("/contratos/inserir", {**fields, "email_usuario": "joana"}), {"email_usuario": "E-mail inválido!"})
        self.done("/contratos/cancelar/" + number)
        self.done("/contratos/inserir", fields)

    def test_cancelled_once(self):
        number = self.contract()
        self.done("/contratos/cancelar/" + number)
        self.assertEqual(self.refused("/contratos/cancelar/" + number), "Contrato já cancelado!")
        self.assertEqual(self.refused("/contratos/cancelar/1"), "Contrato não encontrado!")
        self.assertFalse(self.platform.account("70001")["exists"])

    def test_another_login_is_told_by_mail_each_time(self):
        number = self.contract()
        for _ in range(2):
            reply = self.done("/contratos/alterarusuario/" + number, {"email_usuario": "new@example.com"})
            self.assertIn("new@example.com", reply["msg"])
        self.assertEqual(self.effects().count("instructions"), 2)
        self.assertEqual(self.refused("/contratos/alterarusuario/" + number), {"email_usuario": "Campo obrigatório!"})

    def test_a_box_is_replaced_and_its_registration_is_another_then(self):
        who = self.client()
        number = self.contract(who, **{"id_plano_adicional[]": POINT, "mac[]": MAC, "id_modelo[]": "7"})
        box = self.done("/contratos/listar/" + who)["contratos"][0]["assinaturas"][0]["equipamentos"][0]
        self.assertEqual(box["mac"], MAC)
        path = "/contratos/mac/%s/%s" % (number, box["id"])
        self.done(path, {"mac": OTHER_MAC, "id_modelo": "11"})
        self.assertEqual(self.platform.account("70001")["devices"], [OTHER_MAC])
        self.assertEqual(self.refused(path, {"mac": MAC, "id_modelo": "7"}), "Equipamento não encontrado!")


class Blocks(Case):
    def test_no_block_takes_before_the_first_access(self):
        number = self.contract()
        self.assertEqual(self.done("/contratos/pontosregistrados/" + number)["pontos"], [])
        self.assertIn("id_bloqueio", self.done("/contratos/bloqueio/" + number, {"motivo_suspensao": "1"}))
        self.assertEqual(self.platform.account("70001")["status"], "active")
        self.assertEqual(self.effects()[-1], "block_that_does_not_take")

    def test_a_block_is_ended_by_its_own_number_only(self):
        number = self.contract()
        self.seen()
        self.assertEqual(self.done("/contratos/pontosregistrados/" + number)["pontos"][0]["status"], "online")
        self.assertEqual(self.refused("/contratos/listarbloqueios/%s/true" % number), "Nenhum bloqueio encontrado!")
        block = self.done("/contratos/bloqueio/" + number, {"motivo_suspensao": "1"})["id_bloqueio"]
        self.assertEqual(self.platform.account("70001")["status"], "suspended")
        for path in ("/contratos/desbloqueio/" + number, "/contratos/desbloqueio/%s/1" % number):
            self.assertEqual(self.refused(path), "Bloqueio não encontrado!")
        self.done("/contratos/desbloqueio/%s/%s" % (number, block))
        self.assertEqual(self.refused("/contratos/desbloqueio/%s/%s" % (number, block)), "Bloqueio já finalizado!")
        self.assertEqual(self.platform.account("70001")["status"], "active")

    def test_two_reasons_and_no_other(self):
        number = self.contract()
        self.seen()
        for reason in ("", "0", "3"):
            self.assertEqual(self.refused("/contratos/bloqueio/" + number, {"motivo_suspensao": reason}),
                             {"motivo_suspensao": "Motivo inválido!"})
        for reason in ("1", "2"):
            self.done("/contratos/bloqueio/" + number, {"motivo_suspensao": reason})
        shown = self.done("/contratos/listarbloqueios/%s/true" % number)["bloqueios"]
        self.assertEqual([b["tipo_id"] for b in shown], ["1", "2"])

    def test_ended_blocks_are_listed_when_all_are_asked_for(self):
        number = self.contract()
        self.seen()
        block = self.done("/contratos/bloqueio/" + number, {"motivo_suspensao": "2"})["id_bloqueio"]
        self.done("/contratos/desbloqueio/%s/%s" % (number, block))
        self.refused("/contratos/listarbloqueios/%s/true" % number)
        shown = self.done("/contratos/listarbloqueios/%s/false" % number)["bloqueios"]
        self.assertEqual([b["status_nome"] for b in shown], ["Inativo (Finalizado)"])

    def test_a_new_contract_has_a_first_access_of_its_own(self):
        who = self.client()
        number = self.contract(who)
        self.seen()
        self.done("/contratos/cancelar/" + number)
        self.assertEqual(self.done("/contratos/pontosregistrados/" + self.contract(who))["pontos"], [])


class Control(Case):
    def test_what_somebody_does_at_the_panel(self):
        for how, left in (("panel_cancel", 1), ("panel_delete", 0), ("panel_forget_client", 0)):
            self.platform.control("POST", "reset")
            who = self.client()
            self.contract(who)
            self.assertEqual(self.platform.control("POST", how, "service=70001"), {"found": 1})
            state = self.platform.control("GET", "state")
            self.assertEqual(len(state["contracts"]), left)
            self.assertEqual(who in state["clients"], how != "panel_forget_client")
            self.assertFalse(self.platform.account("70001")["exists"])

    def test_a_block_ended_at_the_panel(self):
        number = self.contract()
        self.seen()
        self.done("/contratos/bloqueio/" + number, {"motivo_suspensao": "1"})
        self.platform.control("POST", "panel_unblock", "service=70001")
        self.assertEqual(self.platform.account("70001")["status"], "active")

    def test_reset_gives_the_same_numbers(self):
        first = self.contract()
        self.platform.control("POST", "reset")
        self.assertEqual(self.contract(), first)


class OriginHidden(Case):
    environment = {"OLETV_ORIGIN": "0"}

    def test_contracts_are_listed_as_the_public_example_is(self):
        who = self.client()
        self.contract(who)
        self.assertNotIn("id_contrato_origem", self.done("/contratos/listar/" + who)["contratos"][0])


class Open(Case):
    environment = {"OLETV_KEYAPI": ""}

    def test_without_a_key_all_are_let_in(self):
        self.assertIs(self.call("/planos", keys={"keyapi": "x"})["retorno_status"], True)


if __name__ == "__main__":
    unittest.main()
