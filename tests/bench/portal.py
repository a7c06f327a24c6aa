"""A Stalker portal that answers from texts which are there already, for the benchmarks of day one."""
import http.server
import json
import pathlib
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROVIDER = "stalker"
FIRST = 7000000


def account(i):
    """As a Stalker portal tells it; one in a hundred has another plan than the others."""
    n = str(FIRST + i)
    return {"login": n, "full_name": f"Subscriber {n}", "phone": "+380 50 000 0000", "account_number": n, "tariff_plan": "7" if i % 100 == 0 else "3",
            "stb_sn": f"SN{n}", "stb_mac": "00:1A:79:%02X:%02X:%02X" % (i >> 16 & 255, i >> 8 & 255, i & 255), "stb_type": "MAG250", "status": 1,
            "online": "0", "ip": "", "version": "", "comment": "", "account_balance": "", "last_active": "0000-00-00 00:00:00",
            "subscribed": ["P1", "P2"], "subscribed_id": ["21", "22"]}


class Portal(http.server.BaseHTTPRequestHandler):
    """Its own time is not what is measured."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet
    texts = {}

    def do_GET(self):  # noqa: N802, the name is given
        what = self.path.rsplit("/", 1)[1]
        text = self.texts[what] if what in self.texts else answer(account(int(what) - FIRST))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def answer(results):
    return json.dumps({"status": "OK", "results": results}).encode()


def start(services):
    """(base URL, bytes of the list of accounts)"""
    packages = [{"id": str(20 + i), "external_id": f"P{i}", "name": f"Option {i}", "price": "1.00"} for i in (1, 2, 3)]
    Portal.texts = {"accounts": answer([account(i) for i in range(services)]), "services_package": answer(packages),
                    "tariffs": answer([{"id": "6", "external_id": n, "name": n, "user_default": "0", "packages": packages} for n in ("3", "7")])}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/stalker_portal/api", len(Portal.texts["accounts"])


def write_settings(path, brokers, prefix, base):
    path.write_text(json.dumps({
        "kafka": {"brokers": brokers, "prefix": prefix, "partitions": 12}, "redis": {"host": "127.0.0.1"},
        "providers": {PROVIDER: {"pack": str(ROOT / "schemas/providers/stalker"), "base_url": base,
                                 "credentials": {"portal": {"username": "a", "password": "b"}}}}}))
