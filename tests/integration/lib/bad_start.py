"""What a worker that cannot start says: exit 1, file, line or pointer, what was found and what is wanted."""
import copy
import json
import re
import shutil
import subprocess

from lib.cases import case
from lib.place import ROOT, Place, check, same


class Starter:
    """A folder with settings and a pack that are good until a row breaks them."""

    def __init__(self, place):
        self.place = place
        self.pack = place.dir / "pack"
        shutil.copytree(ROOT / "schemas/providers/stalker", self.pack)
        self.files = {f: f.read_text() for f in self.pack.iterdir()}
        self.good = copy.deepcopy(place.tree)
        self.good["providers"]["stalker"].update(pack=str(self.pack), base_url="http://127.0.0.1:1")

    def run(self, *words, text=None, tree=None):
        self.place.settings.write_text(text if text is not None else json.dumps(tree or self.good, indent=1))
        done = subprocess.run([self.place.bench.bin / "tvbridge-worker", "--settings", self.place.settings, *words],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def refuses(self, why, pattern, **settings):
        """Both --check and a start refuse it with that text."""
        for words in ([], ["--check"]):
            status, said = self.run(*words, **settings)
            check(status == 1 and re.search(pattern, said), f"{why} {words}: status 1 and {pattern!r}", (status, said[-600:]))
            for secret in ("it-portal-secret",):
                check(secret not in said, f"{why} {words}: no secret in what it says", said)

    def with_change(self, *path, value=None, drop=False):
        tree = copy.deepcopy(self.good)
        at = tree
        for name in path[:-1]:
            at = at.setdefault(name, {})
        if drop:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        return tree


def starter(bench, name):
    return Place(bench, name, portal=False, topics=False, follow=False)


@case("bad_start.settings")
def settings(bench):
    with starter(bench, "badsettings") as p:
        s = Starter(p)
        status, said = s.run("--check")
        check(status == 0 and "would start: yes" in said, "the good settings are good", said)
        s.refuses("not YAML", r"settings\.yaml:\d+: not YAML", text='kafka:\n  brokers: "localhost:1\n')
        s.refuses("no text at all", r"settings\.yaml", text="")
        s.refuses("a list", r"settings\.yaml", text="[1, 2]")
        s.refuses("unknown member", r"settings\.yaml.*(/kafka|brookers)", tree=s.with_change("kafka", "brookers", value="x:1"))
        s.refuses("unknown section", r"kafak", tree=s.with_change("kafak", value={}))
        s.refuses("no brokers", r"/kafka.*brokers", tree=s.with_change("kafka", "brokers", drop=True))
        s.refuses("no providers", r"providers", tree=s.with_change("providers", drop=True))
        s.refuses("wrong type", r"/kafka/partitions", tree=s.with_change("kafka", "partitions", value="twelve"))
        s.refuses("out of range", r"/redis/port", tree=s.with_change("redis", "port", value=70000))
        s.refuses("unknown word", r"/log/format.*logfmt", tree=s.with_change("log", "format", value="xml"))
        s.refuses("a provider's name", r"providers", tree=s.with_change("providers", "Bad Name", value={}))
        s.refuses("base_url", r"/providers/stalker/base_url",
                  tree=s.with_change("providers", "stalker", "base_url", value="portal.example"))
        s.refuses("no such property of librdkafka", r"no\.such\.thing",
                  tree=s.with_change("kafka", "librdkafka", "no.such.thing", value=1))
        s.refuses("lease too short for the call", r"lease_ms", tree=s.with_change("numbers", "lease_ms", value=5000))
        s.refuses("quarantine too short", r"quarantine_ms", tree=s.with_change("numbers", "quarantine_ms", value=6000))
        s.refuses("environment variable that is not set", r"TVB_IT_NOT_SET",
                  tree=s.with_change("redis", "host", value="${TVB_IT_NOT_SET}"))
        s.refuses("file of a secret that is not there", r"nowhere",
                  tree=s.with_change("redis", "password", value="file:nowhere"))
        s.refuses("member named twice", r"kafka", text='{"kafka": {"brokers": "a:1"}, "kafka": {"brokers": "b:1"}}')
        p.settings.unlink()
        done = subprocess.run([bench.bin / "tvbridge-worker", "--settings", p.settings, "--check"], capture_output=True, text=True)
        check(done.returncode == 1 and "settings.yaml" in done.stderr, "settings that are not there", done.stderr)


@case("bad_start.pack")
def pack(bench):
    with starter(bench, "badpack") as p:
        s = Starter(p)
        s.refuses("missing pack", "nowhere", tree=s.with_change("providers", "stalker", "pack", value=str(p.dir / "nowhere")))
        s.refuses("pack by a name that is not there", "nosuch",
                  tree=s.with_change("providers", "stalker", "pack", value="nosuch"))
        generic = {**s.good["providers"]["stalker"], "pack": "generic", "credentials": {"key": {"value": "it-portal-secret"}}}
        settled = [
            ("no credentials for any scheme of the pack", {"credentials": {}}, r"provider mytv: the credential `bearer\.token` is missing"),
            ("a path of the settings that nothing fits into", {"settings": {"paths": {"status": "/x/{nothing}"}}},
             r"provider mytv: the operation setStatus: the settings' path: .*\{nothing\}"),
            ("a method of the settings that there is not", {"settings": {"methods": {"plan": "SET"}}}, r"setPlan: the settings' method: GET"),
        ]
        for why, change, pattern in settled:
            s.refuses(why, pattern, tree=s.with_change("providers", "mytv", value={**generic, **change}))
        status, said = s.run("--check", tree=s.with_change("providers", "mytv", value=generic))
        check(status == 0 and "would start: yes" in said, "a platform by settings alone would start", said)
        arazzo, openapi = s.pack / "workflows.arazzo.yaml", s.pack / "openapi.yaml"
        rows = [
            ("jsonpath", arazzo, "successCriteria:\n          - condition: >-",
             "successCriteria:\n          - { type: jsonpath, context: $response.body, condition: '$.a' }\n          - condition: >-",
             r"workflows\.arazzo\.yaml:\d+.*(?i:jsonpath)"),
            ("unknown operation", arazzo, "operationId: getAccounts", "operationId: getNothing",
             r"workflows\.arazzo\.yaml:\d+.*getNothing"),
            ("no x-repeat", openapi, "x-repeat: safe", "x-nothing: safe", r"openapi\.yaml:\d+.*x-repeat"),
            ("not YAML", arazzo, "workflows:\n", "workflows: [\n", r"workflows\.arazzo\.yaml:\d+"),
        ]
        for why, file, old, new, pattern in rows:
            check(old in s.files[file], f"{why}: the row fits the pack")
            file.write_text(s.files[file].replace(old, new, 1))
            s.refuses(why, pattern)
            file.write_text(s.files[file])
        arazzo.unlink()
        s.refuses("a pack without workflows", r"workflows\.arazzo\.yaml")


@case("bad_start.usage")
def usage(bench):
    rows = [([], 2, "--settings"), (["--settings"], 2, ""), (["--frob"], 2, "frob"), (["--help"], 0, "--check"),
            (["--version"], 0, "librdkafka")]
    for words, status, text in rows:
        done = subprocess.run([bench.bin / "tvbridge-worker", *words], capture_output=True, text=True, timeout=60)
        check(done.returncode == status and text in done.stdout + done.stderr, f"{words}: status {status} and {text!r}",
              (done.returncode, done.stdout[-300:], done.stderr[-300:]))


@case("bad_start.admin_port_taken")
def admin_port_taken(bench):
    """It ends with status 1 and names the address; nothing hangs."""
    with starter(bench, "taken") as p:
        s = Starter(p)
        first = p.worker(ready=False)
        port = int(first.url().rsplit(":", 1)[1])
        status, said = s.run(tree=s.with_change("admin", "port", value=port))
        same("status", status, 1)
        check(f"127.0.0.1:{port}" in said, "the address is named", said[-500:])
