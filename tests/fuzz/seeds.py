#!/usr/bin/env python3
"""First inputs for the fuzz targets, made from the schemas' vectors, the packs, their cases and the examples.

usage: tests/fuzz/seeds.py FOLDER    writes FOLDER/<target>/*; tests/fuzz/run --merge FOLDER takes what is new into corpus/
"""
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "schemas/vectors"
SUITE = pathlib.Path("/usr/share/json-schema-test-suite/tests/draft7")
MARK = b"\n%%\n"


class Seeds:
    def __init__(self, folder):
        self.folder, self.written = pathlib.Path(folder), 0

    def add(self, target, *parts):
        data = MARK.join(p if isinstance(p, bytes) else p.encode() for p in parts)
        folder = self.folder / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        self.written += 1


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def binary(event):
    lines = [f"key:{event.get('subject', '')}", "content-type:application/json"]
    lines += [f"ce_{k}:{v}" for k, v in event.items() if k not in ("data", "datacontenttype") and v is not None]
    return "\n".join(lines) + "\n\n" + compact(event.get("data", {}))


def events(seeds):
    for path in sorted(VECTORS.glob("valid/*.json")):
        event = json.loads(path.read_text())
        seeds.add("event", f"key:{event['subject']}\n\n{compact(event)}")
        seeds.add("event", binary(event))
        seeds.add("json", compact(event))
        seeds.add("record", compact({"service": event["subject"], "provider": "stalker", "axes": {}}),
                  compact(event.get("data", {})))
    for path in sorted(VECTORS.glob("invalid/*.json")):
        vector = json.loads(path.read_text())
        text = vector["raw"] if "raw" in vector else compact(vector["event"])
        key = vector["event"].get("subject", "") if isinstance(vector.get("event"), dict) else "70001"
        seeds.add("event", f"key:{key}\ncontent-type:application/cloudevents+json\n\n{text}")
        seeds.add("json", text)
    for text in ("[1.5e3,-0,0.1]", '{"a":{"b":[[[{}]]]}}', '"\\ud83d\\ude00\\u00e9\\n"', "[" * 17 + "]" * 17,
                 "[" * 70 + "]" * 70, '{"a":1,"a":2}', "999999999999999999", "9223372036854775807", "[true,false,null]",
                 '{"\U00010000":1,"\uffff":2,"z":3}', '"' + "\\u0041" * 700 + '"'):
        seeds.add("json", text)


def control(seeds):
    for path in sorted((VECTORS / "acts").glob("*/*.json")):
        vector = json.loads(path.read_text())
        value = vector.get("event", vector.get("message", vector))
        value = value if isinstance(value, dict) else vector
        for key in {vector.get("key", ""), value.get("subject", ""), "partition:4", "partition:0"}:
            seeds.add("control", f"key:{key}\n\n{compact(value)}")
    act = {"act": {"id": "a1", "source": "tvbridge/cli", "kind": "pause"}, "result": "done", "offset": 7}
    seeds.add("control", "key:partition:4\n\n" + compact({
        "specversion": "1.0", "id": "0" * 32, "source": "tvbridge/stalker", "type": "tvbridge.act.answered",
        "subject": "provider:stalker", "time": "2026-11-22T10:00:00Z", "provider": "stalker",
        "datacontenttype": "application/json", "partitionkey": "partition:4", "data": act}))


def kept(seeds):
    least = {"state": "unsent", "reason": "date", "type": "contract.blocked", "order": "000000-000000000000000007-000000",
             "round": "1", "try": "0", "attempts": "0", "counted": "0", "release-at": "2026-12-01T00:00:00.000Z",
             "since": "2026-11-22T10:00:00.000Z", "time": "2026-11-22T10:00:00.000Z", "key": "a" * 64, "fingerprint": "b" * 64,
             "axes": "block"}
    whole = {**least, "state": "sending", "reason": "behind", "behind": "4-1811", "detail": "attempts_exhausted", "step": "one",
             "status": "503", "first-try": "2026-11-22T10:00:00.000Z", "sent": "2026-11-22T10:00:01.000Z", "try": "2",
             "fence": "1763800000000001", "axes": "block,package:P1", "steps": '{"outputs":{}}'}
    for headers in (least, whole, {**least, "reason": "dead", "state": "dead"}, {**whole, "reason": "doubt", "state": "doubt"}):
        text = "".join(f"tvbridge-{k}:{v}\n" for k, v in headers.items())
        seeds.add("entry", f"key:70001/4-1812\n{text}ce_id:1\n\n{{}}")
        seeds.add("entry", f"key:70001/4-1812.1\ncontent-type:x\n{text}\n{{}}")
    seeds.add("entry", "key:70001/4-1812\n\n")
    for record in ({"kind": "partition", "partition": 4, "provider": "stalker", "control": 7},
                   {"partition": 0, "provider": "p", "fence": "17", "control": 0, "paused": {
                       "act": "a1", "who": "ann", "reason": "why", "since": "2026-11-22T10:00:00.000Z"}, "approvals": [{
                           "act": "a2", "who": "ann", "reason": "why", "until": "2026-12-01T00:00:00.000Z", "max": 5, "used": 1}]}):
        seeds.add("partition_record", compact(record))
    outcome = {"specversion": "1.0", "id": "0" * 32, "source": "tvbridge/stalker", "type": "tvbridge.outcome", "subject": "70001",
               "time": "2026-11-22T10:00:00.000Z", "provider": "stalker", "partitionkey": "stalker/70001", "data": {
                   "event": {"id": "e1", "source": "/b", "type": "tvbridge.contract.blocked"}, "kind": "applied", "final": True,
                   "attempts": 1, "round": 1, "provider_answer": {"status": 200, "text": "OK"}, "given": {"login": "ann"},
                   "record": {"service": "70001"}, "place": {"partition": 1, "offset": 7}, "fingerprint": "b" * 64,
                   "order": "000000-000000000000000007-000000", "fence": "17"}}
    seeds.add("outcome_read", compact(outcome))
    seeds.add("outcome_read", compact({**outcome, "data": {**outcome["data"], "kind": "held", "final": False}}))
    for text in ('{"kind":"applied","attempts":1,"round":1,"status":200,"answer":"OK","given":{"login":"ann"}}',
                 '{"kind":"dead","reason":"attempts_exhausted","resolved":"read_back","attempts":8,"round":2,"status":503}'):
        seeds.add("outcome_read", text)


def packs(seeds):
    folders = [ROOT / "schemas/providers/stalker", ROOT / "tests/bench/pack", *(ROOT / "tests/integration/packs").iterdir()]
    reply = '200\nContent-Type: application/json\n\n{"status":"OK","results":true,"ok":true,"number":"5"}'
    for folder in folders:
        openapi, arazzo = (folder / "openapi.yaml").read_text(), (folder / "workflows.arazzo.yaml").read_text()
        head, *workflows = re.split(r"(?m)^(?=  - workflowId: )", re.sub(r"(?m)^ *#.*\n", "", arazzo))
        seeds.add("yaml", openapi[:6000])
        if len(workflows) < 10:
            seeds.add("pack", openapi, arazzo, reply, reply)
        for one in workflows:
            seeds.add("yaml", head + one)
            if len(openapi) < 8000:
                seeds.add("pack", openapi, head + one, reply)
        for name in re.findall(r"workflowId: (\S+)", arazzo):
            pack = folder.name if folder.name != "pack" else "bench"
            seeds.add("reply", f"{pack} {name}\n\n", reply, reply)
            seeds.add("reply", f"{pack} {name}\n\n", "500\nRetry-After: 7\n\nno", "401\n\n{}", "404\n\n{}", reply)
            seeds.add("restore", f'{pack} {name}\n{{"outputs":{{}},"changed":false,"jumps":0}}', reply)
        for name, step in re.findall(r"workflowId: (\S+)(?:.|\n)*?stepId: (\S+)", arazzo):
            pack = folder.name if folder.name != "pack" else "bench"
            for extra in ({}, {"item": 0, "gathered": {}}):
                state = {"at": {"step": step, **extra, "tries": [0, 1]}, "outputs": {step: {"number": "5"}}, "changed": True,
                         "jumps": 1}
                seeds.add("restore", f"{pack} {name}\n{compact(state)}", reply, reply)


SMALL_OPENAPI = """openapi: 3.0.3
info: {title: T, version: '1'}
servers: [{url: 'https://{h}/api', variables: {h: {default: tv}}}]
security: [{op: []}]
components:
  securitySchemes:
    op: {type: http, scheme: basic}
    session: {type: http, scheme: bearer}
    key: {type: apiKey, in: query, name: k}
  parameters:
    id: {name: id, in: path, required: true, schema: {type: string}}
paths:
  /u/{id}:
    parameters: [{$ref: '#/components/parameters/id'}]
    put:
      operationId: put
      x-repeat: safe
      requestBody: {content: {application/x-www-form-urlencoded: {}}}
      responses: {'200': {description: d}}
  /j:
    post:
      operationId: post
      x-repeat: keyed
      security: [{session: []}]
      requestBody: {required: true, content: {application/json: {}}}
      responses: {2XX: {description: d}}
    get:
      operationId: get
      security: [{key: []}]
      parameters: [{name: q, in: query, explode: false, schema: {type: array}}]
      responses: {default: {description: d}}"""

SMALL_WORKFLOWS = """arazzo: 1.0.1
info: {title: T, version: 1.0.0}
sourceDescriptions: [{name: t, url: openapi.yaml, type: openapi}]
workflows:
  - workflowId: contract.blocked
    steps:
      - stepId: one
        operationId: get
        x-for-each: $inputs.data
        x-when: [{condition: $loop.key != 'x'}]
        parameters: [{name: q, in: query, value: {x-each: $inputs.record, value: $item.key}}]
        successCriteria: [{context: $response.body, condition: '^.*o', type: regex}, {condition: $statusCode < 300}]
        outputs: {n: $response.body#/n, h: $response.header.X-H}
        onFailure:
          - {name: a, type: retry, retryAfter: 0.5, retryLimit: 2, criteria: [{condition: $statusCode == 503}]}
          - {name: b, type: goto, stepId: two, criteria: [{x-any: $response.body#/l, condition: $item > 3}]}
          - {name: c, type: end, x-outcome: {kind: rejected, reason: no}}
      - stepId: two
        operationId: put
        parameters: [{name: id, in: path, value: 'x{$inputs.event.subject}y'}]
        requestBody:
          contentType: application/x-www-form-urlencoded
          payload: {a: {x-format: mac, value: $inputs.data.mac}, "b[]": {x-case: [{when: $inputs.record.a, value: 1}, 2]}}
        onSuccess: [{name: d, type: goto, stepId: three}]
      - stepId: three
        operationId: post
        requestBody: {contentType: application/json, payload: {v: $steps.one.outputs.n, w: [1, $inputs.settings.region]}}
    x-record: {block: blocked, l: {x-each: $steps.one.outputs.n, x-key: $item, value: null}}
    outputs: {n: $steps.one.outputs.n}
  - workflowId: authenticate
    steps:
      - stepId: in
        operationId: put
        parameters: [{name: id, in: path, value: me}]
        outputs: {t: $response.body#/t}
    x-token: {scheme: session, value: $steps.in.outputs.t, expires-in: 60}"""


def small_pack(seeds):
    reply = '200\nX-H: v\n\n{"n":[1,"o"],"l":[4],"t":"tok"}'
    seeds.add("pack", SMALL_OPENAPI, SMALL_WORKFLOWS, reply, "503\n\no", reply, reply, reply)
    seeds.add("yaml", SMALL_OPENAPI)
    seeds.add("yaml", SMALL_WORKFLOWS)


def stalker_cases(seeds):
    for path in (ROOT / "tests/packs/stalker").glob("*.case"):
        for case in re.split(r"(?m)^===.*\n", path.read_text())[1:]:
            given = dict(re.findall(r"(?m)^(type|data|record): (.*)$", case.partition("\nend:")[0]))
            replies = re.findall(r"(?m)^< (\d+) ?(.*)$", case)
            if "type" in given and replies:
                seeds.add("reply", f"stalker {given['type']}\n{given.get('data', '')}\n{given.get('record', '')}",
                          *[f"{status}\n\n{body}" for status, body in replies])


CONDITIONS = """$statusCode == 200
$statusCode >= 200 && $statusCode < 300 || !($response.body#/a == null)
$response.body#/status == 'OK' && $response.header.X-A != "b"
$inputs.data.reason == 'delinquency'
$inputs.record.ids.account_number > 500
($steps.one.outputs.got.n == true)
$url == 'http://tv/a' || $method == 'PUT'
$request.body#/f == 'it''s'
$response.body#/a/0/b~1c <= -1.5e3
$inputs.event.subject == $inputs.record.login""".splitlines()

VALUES = ['"plain"', '"x{$inputs.event.subject}y{$inputs.record.login}"', '"$inputs.data"', '{"a":[1,"$inputs.event.id",null]}',
          '{"x-each":"$inputs.record.ids","x-key":"$item.key","value":"$item.value"}',
          '{"x-format":"mac","value":"$inputs.record.login"}', '{"x-format":"digits","value":" 1-2 "}',
          '{"x-case":[{"when":"$inputs.record.block == \'blocked\'","value":1},{"value":"$steps.one.outputs.got"}]}',
          '{"x-case":[{"when":[{"condition":"$inputs.data.scope == 1"}],"value":1},2]}', '{"a":{"b":{"c":true}},"d[]":["e"]}']


def expressions(seeds):
    for i, condition in enumerate(CONDITIONS):
        for value in (VALUES[i % len(VALUES)], VALUES[(i + 3) % len(VALUES)]):
            seeds.add("expression", condition, value, '200\nX-A: b\n\n{"status":"OK","a":[{"b/c":-1}],"n":true}',
                      '200\nX-A: c\n\n{"status":"NO"}')


def bulk(text):
    return f"${len(text.encode())}\r\n{text}\r\n"


def claim(code, fence="1763800000000001", record="", facts="", number=0):
    return f"*5\r\n:{code}\r\n{bulk(fence)}{bulk(record)}{bulk(facts)}:{number}\r\n"


def redis(seeds):
    record = '{"service":"s1","provider":"p"}'
    good = claim(0, record=record) + claim(1, facts='{"outputs":{}}', number=400) + claim(2, facts='{"kind":"applied"}')
    done = ":0\r\n:1\r\n:2\r\n:0\r\n"
    for text in (good + done, claim(3, "", number=50) + claim(4) + claim(5) + done, claim(6, "") + claim(7, "") +
                 claim(8, "", number=99) + done, claim(9, ""), "-READONLY no\r\n" + good, "-NOSCRIPT none\r\n" * 3 + good + done,
                 "-LOADING wait\r\n", "*5\r\n$-1\r\n$-1\r\n*0\r\n*-1\r\n+OK\r\n", "*5\r\n+0\r\n$1\r\nx\r\n$0\r\n\r\n$0\r\n\r\n:0\r\n",
                 "*100\r\n", ":99999999999999999999\r\n", "$-2\r\n", "*1\r\n*1\r\n*1\r\n:1\r\n", good[:30]):
        for cut in (0, 9, 60):
            seeds.add("redis", b"c" + bytes([cut]) + text.encode())
    info = bulk("run_id:abc\r\nrole:master\r\nloading:0\r\nmaster_replid:def\r\nmaxmemory_policy:noeviction\r\n")
    config = "*4\r\n" + bulk("save") + bulk("") + bulk("appendonly") + bulk("no")
    scripts = bulk("0123456789abcdef0123456789abcdef01234567") * 5
    for text in (info + config + scripts + bulk("feedbeef") + good + done, info + config + scripts + "$-1\r\n+OK\r\n" +
                 bulk("feedbeef") + good, info + "-ERR unknown\r\n" + scripts + bulk("x" * 40), bulk("role:slave\r\n"),
                 bulk("cluster_enabled:1\r\n"), "-NOAUTH no\r\n"):
        seeds.add("redis", b"r\x20" + text.encode())


def small_texts(seeds):
    for text in ("v1;ceil=1200;out=88;fence=1763800000000001;redis=aa bb cc;done=1.2,3.4", "v1;fence=1;redis=;done=", "v1;done=",
                 "v1;ceil=-1;x=y;ceil=7;=;;done=0.5,10.100000,2.2", "v2;ceil=1", "v1;fence=0007;done=199.1", "0.7,1.1", "3.3",
                 "v1;ceil=999999999999999999;fence=999999999999999999;done=999999999.999999999"):
        seeds.add("commit_meta", text)
    for text in ('{"kind":"applied","attempts":1,"round":1,"status":200,"answer":"OK","given":{"login":"ann"}}',
                 '{"kind":"rejected","reason":"unknown_account","resolved":"record","attempts":0,"round":2}', '{"kind":"stale"}',
                 '{"kind":"held","status":999,"given":{"a":[1.5,null,{}]}}', '{"kind":"none"}'):
        seeds.add("outcome", text)
    for text in ("http://tv.example/a/b?c=d&e", "https://u:p@[::1]:8443/x%20y", "HTTP://a/../b", "http://a/b#c", "http://a?b",
                 "http://a:80/?", "ftp://a/b", "http://a/b/./c", "http://a//b", "http://\xe4/b", "http://a\\b/c"):
        seeds.add("url", text)
    for text in ("2026-11-22T10:00:00Z", "2026-02-29T24:00:60+02:00", "1969-12-31t23:59:59.123456-23:59",
                 "000001-000000000000000017-000002", "17", "001a.792c.d1c1", "00-1A-79-2c-D1-C1", "a b=\"c\"\\\x7f\x01\u20ac"):
        seeds.add("text", text)
    for text in ('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRetry-After: 7\r\n\r\n{"a":1}', "HTTP/1.1 503 x\nA:b\n\n",
                 "{}", "HTTP/1.0 99\n\n", "HTTP/2 404\nRetry-After: 99999999999999999999\n\nx"):
        seeds.add("reply_file", text)
    e = '{"specversion":"1.0","id":"[\\"x"}'
    for text in (e + "\n" + e + "\n", f"[{e},\n {e} ]\n", json.dumps(json.loads(e), indent=1) * 2, "\ufeff" + e, "[]", "[1,2", "\n\n",
                 e + "\n{\n}\n", "not json\n" + e, f"[{e} {e}]", e + " x"):
        seeds.add("event_reader", b"\x02" + text.encode())
    headers = "ce-specversion:1.0\nCe-Id:e%201\nce-source:/b\nce-subject:7\nce-type:tvbridge.contract.blocked\nce-provider:p\nContent-Type:application/json\n"
    record = '{"service":"%s","provider":"neotv","status":"active","axes":{},"login":"ann","plan":"3","fence":"%d","packages":{"P1":{},"P2":{"valid_from":"2026-12-01","valid_to":"2026-12-01T10:00:00Z"}}}'
    for batch in (f"[{e},\n {e} ]", "[]", "[1,\"a\\\\\",[{}]]", "[{}{}]", "[{},]", "{", ""):
        for more in (headers + '\n{"reason":"x"}', headers + 'ce-note:"a\\"%e2%82%ac"\n\n', "x:y\n\n"):
            seeds.add("serve", "\n%%\n".join((batch, more, "ann", record % ("1", 5), record % ("2", 6), record.replace("active", "suspended") % ("1", 6))))


def settings(seeds):
    example = (ROOT / "deploy/settings.example.yaml").read_text()
    whole = re.sub(r"(?m)#.*$", "", example)
    least = "kafka: {brokers: 'b:9092'}\nproviders:\n  stalker: {base_url: 'http://x', credentials: {portal: {username: a, password: %s}}}\n"
    for text in (whole, example, least % "b", least % '"${SECRET}"', least % "file:secret", least % '"${NOT_SET:-x}y"',
                 least % "${SECRET}${", "kafka:\n  brokers: ${SECRET}\nredis: {port: ${SECRET}, password: file:secret}\n",
                 "redis: {unix: /x, host: y}\n" + least % "c", "numbers: {lease_ms: 1, quarantine_ms: 48000}\n" + least % "c",
                 "admin: off\nlog: {format: json, level: warn}\n" + least % "c", "kafka: &a {}\n", "a: *b\n", "- x\n- y\n",
                 least % "b" + "    threads: 65\n", "librdkafka: {group.id: x}\n" + least % "c"):
        seeds.add("settings", text)
        seeds.add("yaml", text[:4000])
    for text in ('{"a":\t[1,2],\n"b":"\\ud83d\\ude00"}', "a: |\n  b\n  c\nd: >-\n  e\n", "0x1F: 0o17\n+1: .5e-3\n? k\n: v\n", "--- a\n...\n",
                 "a: 'it''s'\nb: \"\\u00e9\\x41\\n\"\n", "[a, {b: c}, ~, .inf]", "%YAML 1.2\n---\na: 1\n", "a: 1\n---\nb: 2\n",
                 "{a: 1, a: 2}", "!!str x", "\u20ac: \u00a0\u2028\n"):
        seeds.add("yaml", text)


def schemas(seeds):
    for path in (ROOT / "schemas").glob("**/*.schema.json"):
        for instance in ("{}", '{"reason":"delinquency","id":"x"}'):
            text = compact(json.loads(path.read_text()))
            if len(text) < 6000:
                seeds.add("schema", text, instance)
    for path in sorted(SUITE.glob("**/*.json")):
        for group in json.loads(path.read_text()):
            for test in group["tests"][:3]:
                text = compact(group["schema"])
                if len(text) < 1500:
                    seeds.add("schema", text, compact(test["data"]))


def event_with(kind, data):
    event = {"specversion": "1.0", "id": "i", "source": "/b", "subject": "70001", "provider": "oletv", "type": "tvbridge." + kind}
    return compact(event if data is None else {**event, "data": data})


SMALL_DIALECT = """billing: mine
title: Mine
language: pt-BR
packs: [stalker]
service: the contract
operations:
  - {word: Bloqueio parcial, also: [cortar, desligação], event: contract.blocked, grade: seen, data: {scope: partial}, default: {reason: delinquency},
     outcomes: [{kind: applied, means: done}]}
  - {word: novo, event: service.created, grade: read, outcomes: [{kind: applied}], example: {login: a}}
states:
  - {word: Ativo, grade: seen, follows: what is shown}"""


def dialects(seeds):
    """The billings' own words, with the data that the words' examples and events' own examples have."""
    examples = {path.name.removesuffix(".schema.json"): json.loads(path.read_text()).get("examples", [{}])[0]
                for path in (ROOT / "schemas/events").glob("*.schema.json")}
    for path in sorted((ROOT / "schemas/billing").glob("*.yaml")):
        text = path.read_text()
        head, *operations = re.split(r"(?m)^(?=  - word: )", re.sub(r"(?m)^states:\n", "", text))
        states = [one for one in operations if "event:" not in one]
        for one in operations:
            event = re.search(r"event: (\S+)", one)
            if event is None:
                continue
            word = one.split("word:", 1)[1].split("\n")[0].strip().strip('"')
            kind = event[1].rstrip(",}")
            seeds.add("dialect", path.stem, event_with(word, None), event_with(word, examples.get(kind, {})),
                      event_with(word.upper().replace(" ", "_"), {"reason": "administrative"}))
            seeds.add("dialect", head + one + "states: []\n", event_with(word, {}))
        if states:
            seeds.add("dialect", head + operations[0] + "states:\n" + states[0])
    for text in (SMALL_DIALECT, SMALL_DIALECT.replace("novo", "Cortar"), SMALL_DIALECT.replace("service.created", "no.event"),
                 SMALL_DIALECT.replace("novo", "tvbridge.novo"), SMALL_DIALECT.replace("novo", "contract.blocked")):
        seeds.add("dialect", text, event_with("bloqueio_PARCIAL", {"scope": "total"}), event_with("desligacao", {"note": "x"}),
                  event_with("ativo", {}), event_with("blokeio parcial", {}), event_with("contract.unblocked", {}))


def catalogues(seeds):
    example = re.sub(r"(?m) *#.*$", "", (ROOT / "deploy/catalogue.example.yaml").read_text())
    whole = [("service.created", {"plan": "TV-COMPLETO", "devices": [{"serial": "1"}, {"serial": "2"}]}), ("plan.changed", {"plan": "TV-ESSENCIAL"}),
             ("package.added", {"packages": [{"id": "HBO", "quantity": 2}, {"id": "FILMES", "price": "9.90"}]}),
             ("package.removed", {"packages": [{"id": "PONTO"}]}), ("contract.blocked", {"reason": "delinquency"}),
             ("service.snapshot", {"mode": "apply", "status": "active", "packages": [{"id": "HBOO"}]}),
             ("service.snapshot", {"mode": "apply", "status": "terminated"})]
    rows = [{"service": "70001", "provider": "playhub", "packages": ["INFANTIL", "PREMIUM", {"id": "ESPORTES", "valid_to": "2026-12-31"}]},
            {"service": "1", "provider": "stalker", "plan": "5", "status": "blocked"}, {"service": "1", "provider": "nobody"}]
    of_playhub = [event_with(kind, data).replace("oletv", "playhub") for kind, data in
                  (("service.created", {"packages": [{"id": "BASICO"}, {"id": "PREMIUM"}]}), ("package.added", {"packages": [{"id": "INFANTIL"}]}),
                   ("service.snapshot", {"mode": "preview", "status": "active"}))]
    for text in ("example", example):
        seeds.add("catalogue", text, *[event_with(*one) for one in whole], *of_playhub, *map(compact, rows))
        for one in whole:
            seeds.add("catalogue", text, event_with(*one))
        for one in [*of_playhub, *map(compact, rows)]:
            seeds.add("catalogue", text, one)
    small = "providers: {p: {plans: {A: {id: a, packages: [X]}}, packages: {X: {id: x, quantity: 2, base: true}, Y: {ids: [y, z], needs: [A]}}%s}}"
    for more in ("", ", default_plan: A, default_base: X", ", default_plan: B", ", default_base: Y", ", additional_point: {package: X, included: 1}",
                 ", additional_point: {package: Y}"):
        seeds.add("catalogue", small % more, event_with("service.created", {"plan": "A", "packages": [{"id": "Y"}], "devices": [{"serial": "1"}]})
                  .replace("oletv", "p"), '{"service":"1","provider":"p","packages":["Y","X"]}')
    seeds.add("catalogue", small.replace("z", "x") % "")
    seeds.add("catalogue", small.replace("[X]", "[Z]") % "")


def lists(seeds):
    """The first byte: the form (boxes, boxes with names of one's own, desired state, map), and how long the pieces are."""
    boxes = ["service,mac,serial,model,location,patrimony\n70001,00:1A:79:4D:2B:11,092013N1,MAG322,\"living, room\",17\n70002,,S2,,,\n",
             "Service;CASN;STB MAC;stb-type\n1;S1;001a.794d.2b11;x\n\n2;S1;;\n3;;zz;\n4;;;\n", "service\tserial\r\n1\ta\"b\r\n2\t\"a\"\"b\nc\"\r\n",
             '{"service":"1","mac":"001a794d2b11"}\n{"service":2,"serial":7,"model":null}\n{"service":"3"}', '[{"service":"1","casn":"S"},\n{"serial":"S"}]',
             "\ufeffservice,serial\n1,a\n", "service,nothing\n1,2\n", "service,service\n", "service,serial\n1,\"a", "service,serial\n1,\"a\"b\n",
             "service,serial\n1,2,3\n", " \n{\"service\":\"1\",\"serial\":\"S\"}", "Contrato,serial,Ativo\n1,2,sim\n"]
    wanted = ["service,login,status,plan,packages,password\n70001,ann,active,3,P1 P2@2026-12-01..2026-12-31,pw\n70002,,blocked,,-,\n",
              '{"service":"1","plan":5,"packages":["P1",{"id":"P2","valid_from":"2026-12-01","price":"9.90","quantity":2}],"devices":[{"serial":"S"}],'
              '"device_limit":2,"subscriber":{"name":"Ann"},"extra":{"a":1},"language":"pt"}', "service,status\n1,off\n", "service,packages\n1,A|B;A\n",
              "service,packages\n1,A@2026-13-01\n2,A@2026-12-31..2026-12-01\n"]
    maps = ["service,client,name,service_name\n70001,501,Ann,TV\n70002,502,,\n", '{"service":"1","client":501,"account_number":"7","external_id":"8","login":"a"}']
    for form, texts in ((0, boxes), (1, boxes), (2, wanted), (3, maps)):
        for i, text in enumerate(texts):
            seeds.add("rows", bytes([form + 4 * (i % 7)]) + text.encode())


ACCOUNTS = [{"account_number": "7", "external_id": "70001", "login": "ann", "status": "active", "plan": "3", "packages": ["P1", "P9"], "device_limit": 2,
             "devices": [{"mac": "001a794d2b11", "serial": "S1"}]},
            {"external_id": "501", "login": "Bob", "status": "suspended", "packages": [{"id": "P1", "valid_to": "2026-12-31"}], "mac": "00:1A:79:4D:2B:12"},
            {"account_number": 502, "login": "70002", "status": "inactive", "ids": {"block": "9"}}]
RECORD = {"service": "70001", "provider": "stalker", "status": "active", "login": "ann", "plan": "3", "fence": "17", "order_by": "sequence",
          "packages": {"P1": {"valid_to": "2026-12-31"}, "P2": {}}, "devices": {"00:1A:79:4D:2B:11": {}, "S2": {}}, "device_limit": 2,
          "axes": {"existence": {"order": "000000-000000000000000001-000000", "id": "c", "offset": 3}}}


def previews(seeds):
    head = {"preview": "tvbridge.sync", "id": "0123456789abcdef" * 2, "provider": "stalker", "made": "2026-11-22T09:30:00.000Z", "desired": "wanted.csv",
            "remove_unknown": True}
    line = {"service": "70001", "kind": "change", "hash": "ab" * 16, "changes": [{"type": "plan.changed", "what": "plan 3 -> 5"}], "left": ["package P9"]}
    end = {"end": True, "services": 1}
    rows = ["service,client,name,service_name,login,plan\n70001,501,Ann,TV,ann,5\n70002,502,,,,\n", '{"service":"70001","client":"501","login":"ann",'
            '"packages":["P2"],"password":"pw","status":"blocked"}\n{"service":"70003","client":"501","plan":"9"}', "service,client\n70002,502\n"]
    accounts = "\n".join(map(compact, ACCOUNTS))
    records = compact(RECORD) + "\n" + compact({**RECORD, "service": "70009", "login": "x", "axes": {}, "status": "unknown"})
    heads = [head, {**head, "catalogue": "c.yaml"}, {**head, "preview": "tvbridge.convert", "first_name": "{name}", "last_name": "{client}", "desired": None},
             {**head, "provider": "other"}, {**head, "made": "2026-11-21T09:30:00Z"}, {**head, "id": "short"}]
    progress = ["", '{"of":"%s"}\n{"service":"70001"}\n{"about":"70001","event":"e","outcome":"applied","reason":""}\n{"serv' % head["id"], '{"of":"another"}\n', "\n"]
    for i, one in enumerate(heads):
        text = "\n".join(map(compact, (one, line, {"account": {"login": "x"}}, {**line, "service": "70002", "client": "502", "read": {}}, end)))
        for row in rows:
            seeds.add("preview", text, progress[i % len(progress)], row, accounts, records)
    for text in (compact(head), compact(head) + "\n" + compact(end), compact(head) + "\n[]\n", ""):
        for log in progress:
            seeds.add("preview", text, log, rows[0], accounts)


def snapshots(seeds):
    datas = json.loads((ROOT / "schemas/events/service.snapshot.schema.json").read_text())["examples"]
    full = {"mode": "apply", "status": "active", "login": "anna", "password": "pw", "plan": "7", "device_limit": 3, "pin": "1234",
            "packages": [{"id": "P1"}, {"id": "P3", "price": "9.90"}, {"id": "P4", "valid_from": "2026-12-01", "valid_to": "2026-12-31"},
                         {"id": "P2", "valid_to": "2026-11-21"}], "devices": [{"serial": "S2"}, {"mac": "001A.794D.2B99"}], "remove_unknown": True}
    datas += [full, {**full, "status": "suspended", "devices": []}, {**full, "block": "partial", "packages": []}, {**full, "block": "total"}]
    words = ["", "sequence ends 1", "cuts reactivate password 9", "sequence password reactivate ends 3"]
    records = ["", compact(RECORD), compact({**RECORD, "status": "suspended", "suspended": True, "block": "blocked"}),
               compact({**RECORD, "adopted": "e", "block": "partial"}), compact({**RECORD, "status": "terminated"})]
    for i, data in enumerate(datas):
        for k, record in enumerate(records):
            account = ["", *map(compact, ACCOUNTS)][(i + k) % 4]
            seeds.add("snapshot", words[(i + k) % 4], compact(data), account, record)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 2
    seeds = Seeds(sys.argv[1])
    for make in (events, control, kept, packs, small_pack, stalker_cases, expressions, redis, small_texts, settings, schemas,
                 dialects, catalogues, lists, previews, snapshots):
        make(seeds)
    print(f"{seeds.written} seeds in {seeds.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
