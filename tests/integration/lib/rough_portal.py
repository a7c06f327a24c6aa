"""The token platform, told what to answer: by a path's beginning, after a pause, behind a gate."""
import threading
import time

from lib.token_portal import TokenPortal


class RoughPortal(TokenPortal):
    def __init__(self, key="", life_s=3600):
        self.told, self.asked = {}, []      # path's beginning -> (status, value); every path, in order
        self.pause_s, self.present, self.most = 0, 0, 0
        self.gated, self.gate = "", threading.Event()
        self.items, self.seen = [], set()   # seen: users that were there
        super().__init__(key, life_s)
        self.server.socket.listen(1024)  # five may wait otherwise, and a limit of hundreds looks like an outage

    def answer(self, path, headers, body):
        with self.lock:
            self.asked.append(path)
            self.present += 1
            self.most = max(self.most, self.present)
        try:
            time.sleep(self.pause_s)
            told = self.ordered(path)
            if told is not None:
                return told
            given = self.open(path) if path.startswith("/open/") else super().answer(path, headers, body)
            if self.gated and path.startswith(self.gated):
                self.gate.wait(60)
            return given
        finally:
            with self.lock:
                self.present -= 1

    def ordered(self, path):
        """The answer that was ordered for this path; a list is used up, anything else stays until it is taken away."""
        with self.lock:
            for beginning, orders in self.told.items():
                if path.startswith(beginning) and orders:
                    return orders.pop(0) if isinstance(orders, list) else orders
        return None

    def open(self, path):
        with self.lock:
            if path == "/open/ping":
                return 200, {"ok": True}
            if path.startswith("/open/seen/"):
                return 200, {"ok": True, "seen": path.rsplit("/", 1)[1] in self.seen}
            if path == "/open/catalogue":
                return 200, {"items": self.items}
            self.effects.append(path)
            return 200, {"ok": True, "number": f"n{len(self.effects)}"}

    def tries(self, beginning):
        with self.lock:
            return sum(path.startswith(beginning) for path in self.asked)

    def stop(self):
        self.gate.set()
        super().stop()
