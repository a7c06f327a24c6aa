"""A platform with session tokens, in this process: HTTP on a thread for each connection, all effects kept in lists."""
import http.server
import json
import threading


class TokenPortal:
    def __init__(self, key, life_s=3600):
        self.key, self.life_s = key, life_s
        self.lock = threading.Lock()
        self.tokens, self.logins, self.effects, self.keys = set(), 0, [], []
        self.cuts, self.hold = set(), threading.Event()
        self.hold.set()
        portal = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = portal.answer(self.path, self.headers, body)
                if answer is None:
                    self.close_connection = True
                    return
                text = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(text)))
                try:
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:  # who asked was killed
                    self.close_connection = True
            do_GET = do_POST = do_PUT = serve

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, headers, body):
        """(status, value); None cuts the connection."""
        what = path.split("/")[1]
        with self.lock:
            if what == "login":
                return self.login(json.loads(body))
            if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
                return 401, {"ok": False}
            if what == "ping":
                return 200, {"ok": True}
        if what == "second":
            self.hold.wait(60)
        with self.lock:
            key = headers.get("Idempotency-Key")
            self.keys += [key] if key else []
            if not (key and self.keys.count(key) > 1):
                self.effects.append(path)
            if path in self.cuts:
                self.cuts.discard(path)
                return None
            return 200, {"ok": True, "number": str(len(self.effects))}

    def login(self, value):
        if value.get("key") != self.key:
            return 403, {"ok": False}
        self.logins += 1
        token = f"token-{self.logins}"
        self.tokens.add(token)
        return 200, {"token": token, "life_s": self.life_s}

    def forget_tokens(self):
        with self.lock:
            self.tokens.clear()

    def count(self, path):
        with self.lock:
            return self.effects.count(path)

    def stop(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()
