"""A TCP proxy that can be told to fail: it stands between the worker and Redis, or between a Redis and its replica.

All proxies of a run share one thread with an asyncio loop of its own; the methods may be called from any thread.
"""
import asyncio
import threading

BLOCK = 65536


class Wires:
    """The thread. `with Wires() as wires: p = wires.proxy(port)`."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def proxy(self, target):
        return Proxy(self, target)


class Proxy:
    """Modes: `pass`; `cut` (closes what is open and refuses); `hole` (takes and forwards nothing, says nothing)."""

    def __init__(self, wires, target):
        self.wires, self.target, self.mode, self.delay_s = wires, target, "pass", 0
        self.writers = set()
        self.tasks = set()
        self.through = asyncio.Event()
        self.through.set()
        self.port = wires.run(self.listen())

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", getattr(self, "port", 0))
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        if self.mode == "cut":
            writer.transport.abort()
            return
        try:
            peer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, peer[1]}
        self.writers |= pair
        tasks = [asyncio.ensure_future(self.pump(reader, peer[1])), asyncio.ensure_future(self.pump(peer[0], writer))]
        self.tasks |= set(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for w in pair:
            w.transport.abort()
        self.writers -= pair
        self.tasks -= set(tasks)

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(BLOCK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self.through.wait()
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass

    async def change(self, mode, target, delay_s, drop):
        self.mode, self.delay_s = mode, delay_s
        self.target = target or self.target
        if mode == "hole":
            self.through.clear()
        else:
            self.through.set()
        if drop or mode == "cut":
            for writer in list(self.writers):
                writer.transport.abort()

    def set(self, mode="pass", target=None, delay_s=0, drop=False):
        """@drop: what is open is closed, as after a change of @target."""
        self.wires.run(self.change(mode, target, delay_s, drop))

    async def close(self):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        for writer in list(self.writers):
            writer.transport.abort()

    def stop(self):
        self.wires.run(self.close())
