"""Starts the servers that the demo and the benchmark need, each in a group of its own, and stops them by that group.

Standard library only. Everything listens on loopback and keeps its data in one temporary folder.
"""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failure(Exception):
    """Something that the person at the terminal has to know; its text is the whole message."""


def stop_on_signals():
    """SIGTERM and SIGHUP end the program like Ctrl-C, so that `with` blocks stop what they started."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


def build_folder():
    return pathlib.Path(os.environ.get("TVB_BUILD") or ROOT / "build").resolve() / "release"


def build(targets, log):
    """Builds release targets (nothing happens when they are up to date) and returns the folder of programs."""
    folder = build_folder()
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    steps = [
        ["cmake", "--preset", "release", "-B", str(folder), *launcher],
        ["cmake", "--build", str(folder), "--target", *targets],
    ]
    with open(log, "wb") as out:
        for step in steps:
            if subprocess.run(step, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode:
                raise Failure("the build failed:\n" + tail(log, 40))
    return folder / "bin"


def tail(path, lines):
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


_libc = ctypes.CDLL(None)


def _end_with_parent():
    _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: no orphans, even when this program is killed


class Server:
    """One process with its output in a file."""

    def __init__(self, name, command, log, env=None):
        self.name, self.log = name, pathlib.Path(log)
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command], cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_end_with_parent)
        self.pid = self.process.pid

    def running(self):
        return self.process.poll() is None

    def wait_for(self, pattern, timeout_s):
        """The match of @pattern in its output."""
        until = time.monotonic() + timeout_s
        while True:
            found = re.search(pattern, self.log.read_text(errors="replace"), re.MULTILINE)
            if found:
                return found
            if not self.running():
                raise Failure(f"{self.name} ended with status {self.process.returncode}:\n{tail(self.log, 20)}")
            if time.monotonic() > until:
                raise Failure(f"{self.name} is not ready after {timeout_s} s:\n{tail(self.log, 20)}")
            time.sleep(0.05)

    def stop(self, timeout_s=20):
        """TERM, then KILL; its exit status."""
        if self.running():
            self.process.terminate()
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pass
        try:  # what it may have left behind
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.process.wait()


class Stack:
    """`with Stack() as s:` starts servers with its methods and stops them, the last one first."""

    def __init__(self, keep=False):
        self.keep, self.servers = keep, []

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tvbridge-"))
        return self

    def __exit__(self, *error):
        # A second Ctrl-C must not leave servers behind.
        old = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for server in reversed(self.servers):
            server.stop()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        signal.signal(signal.SIGINT, old)

    def adopt(self, server):
        """Anything with stop()."""
        self.servers.append(server)

    def start(self, name, command, env=None):
        server = Server(name, command, self.dir / f"{name}.log", env)
        self.servers.append(server)
        return server

    def listening(self, name, command, timeout_s, env=None):
        """A server that says `listening on HOST:PORT`; the server and that address."""
        server = self.start(name, command, env)
        return server, server.wait_for(r"listening on (\S+:\d+)", timeout_s)[1]

    def kafka(self, version="4.1", partitions=12):
        command = [ROOT / "deploy/kafka/start", "--version", version, "--partitions", partitions]
        return self.listening("kafka", command, 600)  # the first time, Maven fetches it

    def redis(self, unix=False):
        """redis-server with what tvbridge wants of it; where it listens: a port or a socket's path."""
        folder = self.dir / "redis"
        folder.mkdir(exist_ok=True)
        for attempt in range(5):
            where = folder / "socket" if unix else free_port()
            at = ["--port", 0, "--unixsocket", where] if unix else ["--port", where, "--bind", "127.0.0.1"]
            server = self.start("redis", ["redis-server", *at, "--dir", folder, "--save", "", "--appendonly", "yes",
                                          "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"])
            try:
                server.wait_for(r"eady to accept connections|The server is now ready", 20)
                return server, where
            except Failure:
                if unix or attempt == 4:
                    raise

    def worker(self, program, settings, admin_port, timeout_s=60):
        """tvbridge-worker, waited for until it says that it is ready."""
        server = self.start("worker", [program, "--settings", settings])
        until = time.monotonic() + timeout_s
        while not self.is_ready(admin_port):
            if not server.running():
                raise Failure(f"the worker ended with status {server.process.returncode}:\n{tail(server.log, 20)}")
            if time.monotonic() > until:
                raise Failure(f"the worker is not ready after {timeout_s} s:\n{tail(server.log, 20)}")
            time.sleep(0.1)
        return server

    @staticmethod
    def is_ready(admin_port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False


def get_json(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def write_settings(path, settings):
    """The worker reads YAML 1.1, of which JSON is a part."""
    pathlib.Path(path).write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
    os.chmod(path, 0o600)
