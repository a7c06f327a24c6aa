"""Maxi TV, made up: Portuguese words, made under billing's id, closed packages only (a change of plan), a header of its own.

Nothing public is known of Maxi TV's API (PROVIDERS.md section 4.8). Environment: MAXITV_KEY, sent as `Authorization: Token KEY`;
none: open.
"""

import generic_model

CREDENTIALS = "Credentials: environment MAXITV_KEY, sent as `Authorization: Token KEY`."


class Platform(generic_model.Platform):
    PREFIX = "/integracao"
    NAME = "MAXITV"
    HAS_PACKAGES = False
    FIELDS = {"login": "usuario", "password": "senha", "name": "nome", "email": "email", "phone": "telefone", "document": "documento",
              "plan": "plano", "status": "situacao", "mac": "mac", "serial": "serial", "model": "modelo", "location": "local"}
    WORDS = {"active": "ATIVO", "blocked": "BLOQUEADO", "suspended": "SUSPENSO", "cancelled": "CANCELADO"}
    CODES = {"exists": (409, "JA_EXISTE"), "login_in_use": (409, "USUARIO_EM_USO"), "unknown_account": (404, "NAO_ENCONTRADO"),
             "unknown_plan": (400, "PLANO_INVALIDO"), "unknown_device": (404, "PONTO_NAO_ENCONTRADO"),
             "device_in_use": (409, "PONTO_EM_USO"), "device_limit": (409, "LIMITE_DE_PONTOS"), "invalid": (400, "DADOS_INVALIDOS"),
             "no_route": (404, "ROTA_NAO_ENCONTRADA")}
    ROUTES = [
        ("GET", "/assinantes", "list"),
        ("PUT", "/assinantes/{service}", "create"),
        ("GET", "/assinantes/{service}", "read"),
        ("PATCH", "/assinantes/{service}", "update"),
        ("DELETE", "/assinantes/{service}", "delete"),
        ("PUT", "/assinantes/{service}/situacao", "status"),
        ("PUT", "/assinantes/{service}/plano", "plan"),
        ("PUT", "/assinantes/{service}/pontos/{device}", "device_on"),
        ("DELETE", "/assinantes/{service}/pontos/{device}", "device_off"),
        ("GET", "/planos", "catalog"),
    ]

    def allowed(self, request):
        return not self.key or request.headers.get("authorization") == "Token " + self.key

    def refusal(self, code):
        return {"codigo": code, "mensagem": code.replace("_", " ").lower()}

    def shown(self, a):
        return {"assinante": a["service"], "usuario": a["login"], "situacao": self.WORDS[a["status"]], "plano": a["plan"],
                "pontos": [{"ponto": d} for d in sorted(a["devices"])]}

    def listed(self, accounts):
        return self.done({"assinantes": [self.shown(a) for a in accounts]})

    def catalog(self, plans, packages):
        return self.done([{"codigo": p["id"], "nome": p["name"], "valor": p["price"], "tipo": "PLANO"} for p in plans])
