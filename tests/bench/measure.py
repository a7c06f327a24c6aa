"""What the kernel and Redis know of a run."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import servers


class Cpu:
    """CPU seconds of a process: user and system, all threads."""

    TICK = os.sysconf("SC_CLK_TCK")

    def __init__(self, pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.user, self.system = int(fields[11]) / self.TICK, int(fields[12]) / self.TICK


def cpu_with_children_s(pid):
    """Kafka is a child of the script that started it."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(c.user + c.system for c in map(Cpu, [pid, *children]))


def peak_rss_mb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def redis_cpu_s(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        s.sendall(b"INFO cpu\r\n")
        text = b""
        while b"used_cpu_user:" not in text or not text.endswith(b"\n"):
            text += s.recv(65536)
    return sum(float(x) for x in re.findall(r"used_cpu_(?:sys|user):([\d.]+)", text.decode()))


def command_cost(command, good=(0,)):
    """(seconds, CPU seconds, MB at most, the last line as JSON) of a command that ends with a status of @good."""
    began = time.monotonic()
    child = subprocess.Popen([str(w) for w in command], stdout=subprocess.PIPE, text=True)
    last = ""
    for line in child.stdout:
        last = line
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in good:
        raise servers.Failure(f"{command[1]} ended with {child.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(last)
