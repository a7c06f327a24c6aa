"""An Apache Kafka that may be killed and started again with its files, on the same port."""
import os
import pathlib
import signal

import servers


class Broker:
    def __init__(self, folder, version):
        self.folder, self.version, self.starts = pathlib.Path(folder), version, 0
        self.folder.mkdir()
        self.port = 0
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.starts += 1
        self.server = servers.Server("broker", [servers.ROOT / "deploy/kafka/start", "--version", self.version, "--port", self.port,
                                                "--dir", self.folder, "--partitions", 4], f"{self.folder}-{self.starts}.log")
        found = self.server.wait_for(r"listening on \S+:(\d+)", 300)
        self.port = int(found[1])

    def end(self, kill):
        """TERM to the script, which ends Kafka in good order; or KILL to Kafka itself."""
        if kill:
            self.signal(signal.SIGKILL)
            self.server.process.wait(30)
        self.server.stop(60)

    def signal(self, number):
        """To Kafka, the script's child."""
        for pid in pathlib.Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split():
            os.kill(int(pid), number)

    def stop(self):
        self.server.stop()
