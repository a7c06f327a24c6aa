"""A stand-in as a test uses it: the program started on a free port, requests to it, and /_control/."""

import http.client
import json
import os
import socket
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    """For a program that cannot say which one it took."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Program:
    """One running stand-in; @environment has its credentials. It ends with stop(), or with the `with` block."""

    def __init__(self, script, environment, *flags):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, script), "--port", "0", *flags],
                                        stdout=subprocess.PIPE, env=dict(os.environ, **environment))
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError("%s did not start: %s" % (script, line))
        self.port = int(line.rsplit(":", 1)[1])
        self.url = "http://127.0.0.1:%d" % self.port

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def send(self, method, path, body=None, headers=None):
        """(status, list of headers, bytes)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            c.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
            reply = c.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            c.close()

    def control(self, method, path, value=None):
        """The JSON of a control request's answer; @value: text (a form) or what becomes JSON."""
        status, reply = self.try_control(method, path, value)
        if status != 200:
            raise RuntimeError("%s _control/%s: %d %s" % (method, path, status, reply))
        return reply

    def try_control(self, method, path, value=None):
        body = value if value is None or isinstance(value, str) else json.dumps(value)
        status, _, text = self.send(method, "/_control/" + path, body)
        return status, json.loads(text)

    def account(self, service):
        return self.control("GET", "account?" + urllib.parse.urlencode({"service": service}))

    def lines(self, kind, since=0):
        return [line for line in self.control("GET", "journal?since=%d" % since) if line["kind"] == kind]
