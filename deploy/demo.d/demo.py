"""The demo's course: servers up, the story told event by event, servers down. Started by deploy/demo."""
import argparse
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import servers  # noqa: E402
import story  # noqa: E402
from timeline import Timeline  # noqa: E402

PARTITIONS = 12
TOPICS = [f"tvbridge.{kind}.{story.PROVIDER}" for kind in ("events", "records", "waiting", "control", "dead")]
TOPICS.append("tvbridge.outcomes")
LOGIN, PASSWORD = "tvbridge", "demo-only"
WAIT_S = 30

SETTINGS = """\
# Written by deploy/demo; deploy/settings.example.yaml explains every setting.
kafka:
  brokers: {brokers}
  partitions: {partitions}
redis:
  unix: {redis}
admin:
  host: 127.0.0.1
  port: {admin_port}
log:
  level: info
providers:
  stalker:
    pack: {pack}
    base_url: {portal}
    credentials:
      portal: {{ username: {login}, password: "file:portal-password" }}
"""


class Follower:
    """Lines of a program's output, as they come."""

    def __init__(self, stack, command, log):
        self.lines = queue.Queue()
        self.errors = open(log, "wb")
        self.process = subprocess.Popen([str(w) for w in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, start_new_session=True)
        stack.adopt(self)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def next(self, timeout_s):
        """The next line as JSON; None when none comes in time."""
        try:
            return json.loads(self.lines.get(timeout=timeout_s))
        except queue.Empty:
            return None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.errors.close()


class Journal:
    """What the portal was asked and what changed there, read as it grows."""

    def __init__(self, path):
        self.path, self.read_lines = path, 0

    def news(self):
        """Requests since the last look, each with its effects: a list of (request, effects)."""
        lines = self.path.read_text().splitlines()[self.read_lines:] if self.path.exists() else []
        self.read_lines += len(lines)
        calls = []
        for entry in map(json.loads, lines):
            if entry["kind"] == "request":
                calls.append((entry, []))
            elif entry["kind"] == "effect" and calls:
                calls[-1][1].append(entry)
        return calls


class Demo:
    def __init__(self, args, stack):
        self.args, self.stack, self.show = args, stack, Timeline()
        self.problems, self.outcomes = 0, 0

    # ---- servers -----------------------------------------------------------------------------------------------------

    def start(self):
        self.show.title("tvbridge demo: what billing says reaches the TV platform, and billing hears what came of it")
        self.show.line()
        self.build()
        self.start_kafka()
        _, self.redis = self.stack.redis(unix=True)
        self.show.part("Redis", "redis-server in a temporary folder")
        self.start_portal()
        self.write_settings()
        self.create_topics()
        self.start_worker()

    def build(self):
        started = time.monotonic()
        targets = ["tvbridge", "tvbridge-worker"] + ([] if self.args.kafka else ["tvbridge-mock-broker"])
        if not (servers.build_folder() / "bin/tvbridge").exists():
            self.show.part("Programs", "building, a minute the first time ...")
        self.bin = servers.build(targets, self.stack.dir / "build.log")
        self.show.part("Programs", f"built in {time.monotonic() - started:.0f} s")

    def start_kafka(self):
        if self.args.kafka:
            self.show.part("Kafka", "starting; the first time, Maven fetches it ...")
            _, self.brokers = self.stack.kafka("4.1", PARTITIONS)
            name = "Apache Kafka 4.1"
        else:
            words = [self.bin / "tvbridge-mock-broker", "--partitions", PARTITIONS]
            for topic in TOPICS:
                words += ["--topic", topic]
            _, self.brokers = self.stack.listening("mock-broker", words, 20)
            name = "librdkafka's mock cluster"
        self.show.part("Kafka", f"{name} on {self.brokers}")

    def start_portal(self):
        self.journal = Journal(self.stack.dir / "portal.jsonl")
        _, at = self.stack.listening(
            "portal", [sys.executable, servers.ROOT / "tests/providers/stalker.py", "--journal", self.journal.path], 20,
            env={"STALKER_LOGIN": LOGIN, "STALKER_PASSWORD": PASSWORD})
        self.portal = f"http://{at}"
        self.show.part("Stalker portal", f"a stand-in on {self.portal}/stalker_portal/api")

    def write_settings(self):
        self.settings = self.stack.dir / "settings.yaml"
        self.admin_port = servers.free_port()
        self.settings.write_text(SETTINGS.format(
            brokers=self.brokers, partitions=PARTITIONS, redis=self.redis, admin_port=self.admin_port, login=LOGIN,
            pack=servers.ROOT / "schemas/providers/stalker", portal=f"{self.portal}/stalker_portal/api"))
        (self.stack.dir / "portal-password").write_text(PASSWORD)

    def create_topics(self):
        if self.args.kafka:
            self.command("topics", "create")

    def start_worker(self):
        self.worker = self.stack.worker(self.bin / "tvbridge-worker", self.settings, self.admin_port)
        command = [self.bin / "tvbridge", "outcomes", "--settings", self.settings, "--follow", "--from-beginning", "--dead",
                   "--json"]
        self.follower = Follower(self.stack, command, self.stack.dir / "outcomes.log")
        self.show.part("tvbridge-worker", f"ready; metrics on http://127.0.0.1:{self.admin_port}/metrics")

    def command(self, *words):
        """Runs `tvbridge WORDS --settings F`; its output."""
        done = subprocess.run([self.bin / "tvbridge", *words, "--settings", self.settings], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise servers.Failure(f"tvbridge {' '.join(words[:2])} ended with {done.returncode}:\n{done.stdout.strip()}")
        return done.stdout

    # ---- the story ---------------------------------------------------------------------------------------------------

    def tell(self):
        self.show.line()
        self.show.title("Billing tells ...              ... and tvbridge calls the portal (──▶) and answers (◀──)")
        self.journal.news()
        for number, step in enumerate(story.STEPS, 1):
            self.tell_step(number, step)

    def tell_step(self, number, step):
        self.show.event(number, step.service, step.type, step.tells)
        event_id = step.id or f"bill-{number}"
        words = ["publish", "--provider", story.PROVIDER, "--service", step.service, "--type", step.type,
                 "--source", "/demo/billing", "--id", event_id, "--data", json.dumps(step.data), "--quiet"]
        self.command(*words, *([] if step.valid else ["--no-validate"]))
        outcome = self.await_answer(event_id)
        calls = self.journal.news()
        for request, effects in calls:
            self.show.call(request, effects)
        self.judge(step, outcome, calls)

    def judge(self, step, outcome, calls):
        """Shows what came and counts what should not have."""
        effects = [(e["effect"], e["account"]) for _, list_ in calls for e in list_ if e["effect"] != "event"]
        kind = outcome["kind"] if outcome else None
        if kind is None:
            self.problem(f"nothing came within {WAIT_S} s; the worker's log is {self.worker.log}")
        else:
            self.outcomes += 1
            self.show.outcome(kind, self.words(outcome, calls), kind == step.outcome)
        if kind not in (None, step.outcome):
            self.problem(f"expected: {step.outcome}")
        if effects != step.effects:
            self.problem(f"expected at the portal: {self.text_of(step.effects)}; seen: {self.text_of(effects)}")

    @staticmethod
    def text_of(effects):
        return ", ".join(f"{effect} {account}" for effect, account in effects) or "nothing"

    def problem(self, text):
        self.problems += 1
        self.show.problem(text)

    @staticmethod
    def words(outcome, calls):
        words = [outcome[name] for name in ("reason", "resolved", "pointer") if outcome.get(name)]
        words.append("1 call" if len(calls) == 1 else f"{len(calls) or 'no'} calls")
        return f"  ({', '.join(words)})"

    def await_answer(self, event_id):
        """The answer to that event; whatever else comes meanwhile should not have."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            answer = self.next_answer(max(0.1, until - time.monotonic()))
            if answer and answer["event"].get("id") == event_id:
                return answer
            if answer:
                self.problem(f"not expected: {answer['kind']} for event {answer['event'].get('id')}")
        return None

    def next_answer(self, timeout_s):
        """The next outcome or dead letter in one form: kind, event, service and more; None when none comes."""
        line = self.follower.next(timeout_s)
        if line is None:
            return None
        if "dead_letter" in line:
            event = line.get("event")
            return {"kind": "dead letter", "service": line.get("key", ""), **line["dead_letter"],
                    "event": event if isinstance(event, dict) else {}}
        return {**line["data"], "service": line.get("subject", "")}

    # ---- the end -----------------------------------------------------------------------------------------------------

    def save_metrics(self):
        """For tests/run, which lets promtool look at them."""
        path = os.environ.get("TVB_DEMO_METRICS")
        if path:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=5) as answer:
                pathlib.Path(path).write_bytes(answer.read())

    def stop_worker(self):
        if self.worker.stop(30) != 0:
            self.problem(f"the worker ended with status {self.worker.process.returncode}:\n"
                         f"{servers.tail(self.worker.log, 10)}")

    def summary(self):
        self.show.line()
        count = len(story.STEPS)
        if self.problems == 0:
            text = f"The demo works: {count} events, {self.outcomes} answers as expected, each effect at the portal once."
            self.show.line(self.show.paint(text, "green", "bold"))
        else:
            text = f"The demo failed: {self.problems} of the things expected of {count} events did not happen."
            self.show.line(self.show.paint(text, "red", "bold"))

    def stay(self):
        """Until Ctrl-C: shows what the person at the terminal makes happen."""
        tvbridge = f"{self.bin}/tvbridge"
        self.summary()
        self.show.line()
        self.show.title("It stays up. Try in another terminal:")
        self.show.part("block 70001", f"{tvbridge} publish -S {self.settings} -p stalker -s 70001 "
                                      "-t contract.blocked -d '{\"reason\":\"delinquency\"}'")
        self.show.part("watch the outcomes", f"{tvbridge} outcomes -S {self.settings} --follow")
        self.show.part("the portal's state", f"curl -s {self.portal}/_control/state")
        self.show.part("make a call fail", f"curl -s {self.portal}/_control/faults -d "
                                           "'{\"match\":{\"method\":\"PUT\"},\"action\":\"retry_after\",\"after\":2}'")
        self.show.part("metrics", f"curl -s http://127.0.0.1:{self.admin_port}/metrics")
        self.show.part("settings and logs", str(self.stack.dir))
        self.show.line()
        self.show.line("Events that you publish show up here. Ctrl-C stops everything.")
        try:
            self.follow()
        except KeyboardInterrupt:
            self.show.line("\nstopping")
            return 0
        raise servers.Failure(f"the worker ended:\n{servers.tail(self.worker.log, 20)}")

    def follow(self):
        number = len(story.STEPS)
        while self.worker.running():
            answer = self.next_answer(1)
            if answer:
                number += 1
                self.show_foreign(number, answer)

    def show_foreign(self, number, outcome):
        kind = outcome["event"].get("type", "").removeprefix("tvbridge.")
        self.show.event(number, outcome["service"], kind, "published by you")
        calls = self.journal.news()
        for request, effects in calls:
            self.show.call(request, effects)
        self.show.outcome(outcome["kind"], self.words(outcome, calls), True)


def parse_arguments():
    p = argparse.ArgumentParser(prog="deploy/demo")
    p.add_argument("--once", action="store_true")
    p.add_argument("--kafka", action="store_true")
    p.add_argument("--keep", action="store_true")
    return p.parse_args()


def main():
    args = parse_arguments()
    servers.stop_on_signals()
    with servers.Stack(args.keep) as stack:
        demo = Demo(args, stack)
        demo.start()
        demo.tell()
        if not args.once:
            return demo.stay()
        demo.save_metrics()
        demo.stop_worker()
        if args.keep:
            demo.show.part("settings and logs", str(stack.dir))
    demo.summary()
    return 0 if demo.problems == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except servers.Failure as failure:
        print(f"deploy/demo: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nstopped")
        sys.exit(130)
