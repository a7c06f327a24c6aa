#!/usr/bin/env python3
"""The `tvbridge` command against a real Kafka: publish, topics create, outcomes, outcomes --post.

TVB_BIN: the folder with the program (default: build/release/bin). TVB_BROKERS: a Kafka; without it one is started.
"""
import http.server
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import threading
import uuid

import kafka_admin

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(os.environ.get('TVB_BIN', os.path.join(ROOT, 'build/release/bin')), 'tvbridge')
passed, failed = 0, 0


def check(what, good, seen=''):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print(f'FAILED: {what}\n  seen: {seen!r}'[:2000], flush=True)


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f'status {self.status}\nout: {self.out}\nerr: {self.err}'

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*args, stdin='', env=None):
    """tvbridge without a place of Kafka."""
    return Result(subprocess.run([BIN, *args], input=stdin, text=True, capture_output=True, timeout=120,
                                 env={**os.environ, **(env or {})}))


class Installation:
    """A prefix of its own on the Kafka, so that the checks do not meet."""

    def __init__(self, brokers, folder):
        self.brokers, self.folder = brokers, folder
        self.prefix = f'cli-{uuid.uuid4().hex[:8]}.'

    def tvb(self, *args, **more):
        return run(*args, '--brokers', self.brokers, '--prefix', self.prefix, **more)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def read(self, topic):
        """All messages of a topic as (partition, key, headers, value)."""
        out = subprocess.run(['kcat', '-b', self.brokers, '-C', '-t', self.prefix + topic, '-e', '-q', '-f',
                              '%p\t%k\t%h\t%s\n'], text=True, capture_output=True, timeout=60, check=True).stdout
        return [tuple(line.split('\t')) for line in out.splitlines()]

    def write(self, topic, partition, key, value, headers=()):
        args = ['kcat', '-b', self.brokers, '-P', '-t', self.prefix + topic, '-p', str(partition), '-k', key]
        for header in headers:
            args += ['-H', header]
        subprocess.run(args, input=value, text=True, check=True, timeout=60)


def event(number, service='70001', **more):
    return {'specversion': '1.0', 'id': f'e{number}', 'source': '/test', 'type': 'tvbridge.contract.blocked',
            'subject': service, 'provider': 'stalker', 'time': '2026-11-22T10:00:00Z',
            'data': {'reason': 'delinquency', 'scope': 'total'}, **more}


def lines(events):
    return ''.join(json.dumps(e) + '\n' for e in events)


def murmur2_partition(key, partitions):
    """org.apache.kafka.common.utils.Utils.murmur2, written anew: the program must agree with Java's clients."""
    data, m, mask = key.encode(), 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    for i in range(0, len(data) & ~3, 4):
        k = int.from_bytes(data[i:i + 4], 'little') * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = data[len(data) & ~3:]
    if rest:
        h = (h ^ int.from_bytes(rest, 'little')) * m & mask
    h = (h ^ h >> 13) * m & mask
    h ^= h >> 15
    return (h & 0x7FFFFFFF) % partitions


# ---- checks ----------------------------------------------------------------------------------------------------------

def check_usage():
    r = run('--help')
    check('--help lists the commands', r.status == 0 and 'topics create' in r.out and 'pack try' in r.out, r)
    r = run('--version')
    check('--version names the libraries', r.status == 0 and 'librdkafka 2' in r.out and 'libcurl 7' in r.out, r)
    for command in (['publish'], ['outcomes'], ['topics', 'create'], ['pack', 'check'], ['pack', 'try'], ['pack', 'play']):
        r = run(*command, '--help')
        check(f'{command}: --help has examples', r.status == 0 and 'Examples:' in r.out, r)
    for wrong in ([], ['nothing'], ['topics'], ['publish', '--frob'], ['outcomes', '--max', 'x', '-b', 'x'],
                  ['topics', 'create', '-b', 'x:1'], ['publish', '-p', 'stalker'], ['outcomes', '-b', 'x', 'operand']):
        r = run(*wrong)
        check(f'{wrong} is wrong usage', r.status == 2 and r.err != '' and r.out == '', r)
    folder = os.path.join(ROOT, 'schemas', 'providers')
    r = run('pack', 'check', *(os.path.join(folder, name) for name in sorted(os.listdir(folder))))
    check('pack check takes DIR/*: each pack is good, and files are passed over',
          r.status == 0 and r.out.count(': good: ') == len([n for n in os.listdir(folder) if os.path.isdir(os.path.join(folder, n))]), r)
    r = run('pack', 'check', os.path.join(folder, 'README.md'))
    check('pack check of files alone is wrong usage', r.status == 2, r)
    with tempfile.TemporaryDirectory() as up:
        os.symlink(os.path.join(folder, 'generic'), os.path.join(up, 'generic'))
        os.mkdir(os.path.join(up, 'mine'))
        with open(os.path.join(up, 'mine', 'settings.yaml'), 'w', encoding='utf-8') as f:
            f.write('pack: generic\nsettings: { paths: { status: "/x/{nothing}" } }\n')
        r = run('pack', 'check', os.path.join(up, 'mine'))
        check('pack check binds too: a path that nothing fits into is told', r.status == 1 and 'setStatus' in r.out and '{nothing}' in r.out, r)
    r = run('publish', '-b', 'x', '-X', 'sasl.password=tell-nobody', '-p', 's', '-s', '1', '-t', 'contract.blocked')
    check('a secret on the command line is refused and not repeated',
          r.status == 2 and 'TVBRIDGE_KAFKA_SASL_PASSWORD' in r.err and 'tell-nobody' not in r.err, r)
    r = run('outcomes', '-b', 'x', '-X', 'sasl.mechanisms=SCRAM-SHA-512')
    check('SCRAM, which this librdkafka cannot, is refused', r.status == 2 and '2.6.1' in r.err, r)
    r = run('publish', '-b', 'x', '-X', 'no.such=1', '-p', 's', '-s', '1', '-t', 'contract.late_notice')
    check('an unknown property of librdkafka is named', r.status == 1 and 'no.such' in r.err, r)


def check_groups():
    """A first word that begins several commands lists these."""
    groups = {'waiting': ('list', 'release'), 'doubt': ('list', 'resolve'), 'dead': ('list', 'show', 'redrive', 'drop'),
              'import': ('catalog', 'accounts', 'channels', 'devices'), 'billing': ('list', 'processed'), 'topics': ('create',),
              'pack': ('check', 'probe', 'try', 'play')}
    about = {line[2:20].strip(): line[20:].strip() for line in run('--help').out.splitlines() if line.startswith('  ')}
    for first, seconds in groups.items():
        wanted = {f'{first} {second}': about[f'{first} {second}'] for second in seconds}
        for more in ('--help', '-h'):
            r = run(first, more)
            check(f'{first} {more} lists its commands', r.status == 0 and r.err == '' and listed(r.out) == wanted, r)
        r = run(first)
        check(f'{first} alone lists them, and is wrong usage',
              r.status == 2 and r.out == '' and 'what of it' in r.err and listed(r.err) == wanted, r)
        r = run(first, 'nothing', '--help')
        check(f'{first} nothing is no command, and those that are stand below',
              r.status == 2 and r.out == '' and f'no command "{first} nothing"' in r.err and listed(r.err) == wanted, r)
    r = run('serve', '--help')
    check('serve --help is its own, and names serve key', r.status == 0 and 'Examples:' in r.out and
          listed(r.out.partition('See also:')[2]) == {'serve key': about['serve key']}, r)
    r = run('serve', 'key', '--help')
    check('serve key --help is its own', r.status == 0 and 'Examples:' in r.out and 'See also:' not in r.out, r)
    for what in ('catalog', 'accounts', 'channels', 'devices'):
        r = run('import', what, '--help')
        check(f'import {what} --help: --unsynced stands where it applies',
              r.status == 0 and ('--unsynced' in r.out, 'Accounts:' in r.out) == (what == 'accounts',) * 2, r)
    for what in ('catalog', 'channels'):
        r = run('import', what, 'stalker', '--unsynced')
        check(f'import {what} --unsynced is wrong usage', r.status == 2 and '--unsynced' in r.err, r)


def listed(text):
    """{command: summary} of a list of commands."""
    return {m[1]: m[2] for m in re.finditer(r'^  (\S+ \S+) +(\S.*)$', text, re.MULTILINE)}


def check_not_reached():
    for args in (['publish', '-p', 'stalker', '-s', '1', '-t', 'contract.late_notice'], ['outcomes'],
                 ['topics', 'create', '-p', 'stalker'], ['outcomes', '--post', 'http://127.0.0.1:1/']):
        r = run(*args, '-b', '127.0.0.1:1', '--timeout', '500ms')
        check(f'{args}: Kafka is not reached', r.status == 3 and 'refused' in r.err and '127.0.0.1:1' in r.err, r)


def check_topics(at):
    create = ('topics', 'create', '-p', 'stalker', '--partitions', '6')
    r = at.tvb(*create, '--dry-run', '--json')
    check('a dry run creates nothing', r.status == 1 and not r.rows()[0]['ok'] and
          {t['state'] for t in r.rows()[0]['topics']} == {'would be created'}, r)
    r = at.tvb(*create, '--json')
    topics = r.rows()[0]['topics']
    check('missing topics are created', r.status == 0 and len(topics) == 6 and
          {(t['state'], t['partitions']) for t in topics} == {('created', 6)}, r)
    r = at.tvb(*create, '--json')
    check('created again, they are as they should be', r.status == 0 and
          {t['state'] for t in r.rows()[0]['topics']} == {'ok'} and r.rows()[0]['ok'], r)
    r = at.tvb('topics', 'create', '-p', 'stalker', '--partitions', '5')
    check('another number of partitions is told', r.status == 1 and 'partitions is 6, wanted 5' in r.out, r)
    r = at.tvb(*create, '-p', 'second', '--json')
    check('a second platform shares the outcomes', r.status == 0 and
          sorted(t['state'] for t in r.rows()[0]['topics']) == ['created'] * 5 + ['ok'] * 6, r)


def check_topics_config(at):
    """A topic that somebody made with other settings."""
    create = ('topics', 'create', '-p', 'odd', '--partitions', '6')
    admin = kafka_admin.Admin(at.brokers)
    admin.create(at.prefix + 'records.odd', 6, {'cleanup.policy': 'delete', 'segment.ms': '7200000'})
    r = at.tvb(*create, '--json')
    odd = [t for t in r.rows()[0]['topics'] if t['topic'] == at.prefix + 'records.odd'][0]
    check('other settings are told', r.status == 1 and odd['state'] == 'differs' and
          {'what': 'cleanup.policy', 'is': 'delete', 'wanted': 'compact'} in odd['differences'], r)
    r = at.tvb(*create)
    check('and stay without --fix-config', r.status == 1 and 'cleanup.policy is delete, wanted compact' in r.out and
          '--fix-config' in r.err, r)
    r = at.tvb(*create, '--fix-config')
    check('--fix-config corrects them', r.status == 0 and 'fixed' in r.out, r)
    r = at.tvb(*create)
    check('then nothing differs', r.status == 0 and 'differs' not in r.out, r)
    config = admin.config(at.prefix + 'records.odd')
    check('Kafka says the same, and what else the topic had of its own has stayed',
          config['cleanup.policy'] == 'compact' and config['segment.ms'] == '7200000', config)
    admin.close()


def check_publish_flags(at):
    r = at.tvb('publish', '-p', 'stalker', '-s', '70001', '-t', 'contract.blocked', '-d',
               '{"reason":"delinquency","scope":"total"}', '--id', 'one', '--sequence', '7', '--expires', '1h', '--json')
    check('one event by flags is acknowledged', r.status == 0 and r.rows()[0]['acknowledged'] == 1 and
          r.rows()[0]['id'] == 'one', r)
    stored = at.read('events.stalker')
    partition, key, headers, value = stored[0]
    e = json.loads(value)
    check('it is a structured CloudEvent with the service as the key', len(stored) == 1 and key == '70001' and
          headers.startswith('content-type=application/cloudevents+json') and e['subject'] == '70001' and
          e['type'] == 'tvbridge.contract.blocked' and e['sequence'] == '7' and e['expirytime'] > e['time'], stored)
    check("it is where Java's partitioner puts its key", int(partition) == murmur2_partition('70001', 6), stored)
    r = at.tvb('publish', '-p', 'stalker', '-s', '70001', '-t', 'contract.blocked', '-d', '{"reason":"boredom"}')
    check('an invalid event is refused with its pointer', r.status == 1 and '/data/reason' in r.err and
          len(at.read('events.stalker')) == 1, r)
    r = at.tvb('publish', '-p', 'stalker', '-s', '5', '-t', 'contract.late_notice', '-d', 'no json')
    check('data that is no JSON is wrong usage', r.status == 2 and '--data' in r.err, r)
    r = at.tvb('publish', '-p', 'stalker', '-t', 'catalog.requested')
    check('a list needs no service', r.status == 0 and at.read('events.stalker')[-1][1] == 'provider:stalker' or
          'provider:stalker' in [m[1] for m in at.read('events.stalker')], r)
    r = at.tvb('publish', '-p', 'nowhere', '-s', '1', '-t', 'contract.late_notice')
    check('a platform without topics is refused, saying what to do', r.status == 1 and 'topics create' in r.err, r)
    r = at.tvb('publish', '-p', 'stalker', '-s', '1', '-t', 'contract.late_notice', '--partitions', '12')
    check('another number of partitions than the settings say is refused', r.status == 1 and '6 partitions' in r.err, r)


def check_publish_binary(at):
    r = at.tvb('publish', '-p', 'second', '-s', '778', '-t', 'contract.blocked', '--binary', '--id', 'bin', '-d',
               '{"reason":"delinquency","scope":"total"}')
    stored = at.read('events.second')
    check('binary mode has the attributes as headers', r.status == 0 and len(stored) == 1 and
          {'ce_id=bin', 'ce_subject=778', 'ce_type=tvbridge.contract.blocked', 'ce_specversion=1.0',
           'content-type=application/json'} <= set(stored[0][2].split(',')) and
          json.loads(stored[0][3]) == {'reason': 'delinquency', 'scope': 'total'}, (r, stored))


def check_publish_file(at):
    before = len(at.read('events.stalker'))
    good = at.file('good.jsonl', lines(event(i, service=str(100 + i % 40)) for i in range(500)))
    r = at.tvb('publish', '--file', good, '--json')
    check('a file of 500 events is acknowledged', r.status == 0 and r.rows()[0]['acknowledged'] == 500, r)
    stored = at.read('events.stalker')[before:]
    wrong = [m for m in at.read('events.stalker') if int(m[0]) != murmur2_partition(m[1], 6)]
    check('all of them are stored, each where its key belongs', len(stored) == 500 and wrong == [], wrong)
    own = [json.loads(m[3])['id'] for m in at.read('events.stalker') if m[1] == '101']
    check("a service's events keep their order", own == [f'e{i}' for i in range(500) if i % 40 == 1], own)

    before = len(at.read('events.stalker'))
    bad = at.file('bad.jsonl', lines([event(1), event(2)]) + '{"specversion":"1.0",\n' + lines(
        [event(4), event(5, data={'reason': 'delinquency', 'scope': 'half'})]))
    r = at.tvb('publish', '--file', bad)
    check('a file with invalid events is refused by line and pointer', r.status == 1 and f'{bad}:3: ' in r.err and
          f'{bad}:5: /data/scope: ' in r.err and 'nothing was sent' in r.err, r)
    check('and nothing of it was sent', len(at.read('events.stalker')) == before)
    r = at.tvb('publish', '--file', bad, '--skip-invalid', '--json')
    check('--skip-invalid sends the others', r.status == 1 and r.rows()[0]['acknowledged'] == 3 and
          [f['line'] for f in r.rows()[0]['faults']] == [3, 5] and len(at.read('events.stalker')) == before + 3, r)
    r = at.tvb('publish', '--file', '/no/such/file')
    check('a file that is not there is named', r.status == 1 and '/no/such/file' in r.err, r)


CATALOGUE = """providers:
  second:
    plans:
      TV-1: { id: "10" }
      TV-2: { id: "11", packages: [FILMES] }
    packages:
      FILMES: { id: "31" }
      HBO: { id: "32", price: "29.90", currency: BRL }
      PONTO: { id: "40" }
    default_plan: TV-1
    additional_point: { package: PONTO }
"""


PACKS = {'abills': ['stalker'], 'isp-integrator': ['beenius', 'cdntv', 'ion', 'neotv', 'mcr', 'deezer', 'maxitv'], 'ispadmin': ['fournet'],
         'ixc': ['oletv'], 'mk': ['ittv', 'playhub']}
LATER = {'service.snapshot', 'billing.processed'}  # the worker's own, for every pack


def check_billing_examples():
    """What a billing's page says that it gives is enough for the packs of its guide; what they refuse is on the page."""
    record = json.dumps({'status': 'active', 'login': 'a', 'plan': '1',
                         'ids': {'id': '1', 'client_id': '1', 'contract_id': '2', 'account_number': '70001', 'customer_id': 'c', 'subscriber_id': 's'}})
    for billing, packs in PACKS.items():
        wrong = []
        for o in run('publish', '--dialect', billing, '--list', '--json').rows():
            data = {**o.get('data', {}), **o.get('default', {}), **o.get('example', {})}
            told = {(x.get('reason'), x.get('pack', pack)) for x in o['outcomes'] for pack in packs}
            for pack in packs if o['event'] not in LATER else []:
                r = run('pack', 'try', os.path.join(ROOT, 'schemas/providers', pack), o['event'], '--data', json.dumps(data), '--record', record)
                for words, reason in (('invalid_input: data', 'invalid_input'), ('missing_input: data', 'missing_input'),
                                      ('has no workflow', 'unsupported')):
                    if words in r.out + r.err and (reason, pack) not in told:
                        wrong.append((pack, o['word'], r))
                never = re.match(r'outcome: rejected, (?!missing_input|invalid_input)(\w+)', r.out)  # without a call, whatever it says
                if never and (never[1], pack) not in told:
                    wrong.append((pack, o['word'], r))
        check(f"{billing}: its examples are enough for its packs", wrong == [], wrong)


def check_publish_dialect(at):
    """A billing's own words, from the command line and from a file."""
    r = run('publish', '--dialect', 'ixc', '--list')
    check('--list shows the words and their events', r.status == 0 and 'aguardando assinatura' in r.out and 'contract.late_notice' in r.out, r)
    check('--list shows which field of the outcome billing writes back', 'Account number = given.account_number, Online = given.online' in r.out, r)
    r = run('publish', '--dialect', 'isp-integrator', '--list')
    check('--list shows what is of one platform only', 'Auth Pin Assinante Beenius = given.auth_pin (beenius)' in r.out and
          'rejected no_devices (deezer)' in r.out and 'rejected unknown_package,' in r.out, r)
    for name in ('abills', 'isp-integrator', 'ispadmin', 'ixc', 'mk'):
        r = run('publish', '--dialect', name, '--list', '--json')
        check(f'--list --json: each operation of {name} is an object', r.status == 0 and len(r.rows()) > 10 and
              all({'word', 'event', 'grade', 'outcomes'} <= set(o) for o in r.rows()), r)
    for wrong, says in ((['--list'], 'which one'), (['--dialect', 'ixc', '-p', 'second', '-s', '1', '-t', 'bloqueio', '-d', '{'], '--data')):
        r = at.tvb('publish', *wrong)
        check(f'{wrong} is wrong usage', r.status == 2 and says in r.err, r)
    r = at.tvb('publish', '--dialect', 'nobody', '-p', 'second', '-s', '1', '-t', 'bloqueio')
    check('an unknown dialect is told with those that there are', r.status == 1 and '"nobody"' in r.err and
          'abills, isp-integrator, ispadmin, ixc, mk' in r.err, r)
    before = len(at.read('events.second'))
    r = at.tvb('publish', '--dialect', 'ixc', '-p', 'second', '-s', '9001', '-t', 'LIBERACAO-AUTOMATICA', '--id', 'w1', '--json')
    sent = [json.loads(m[3]) for m in at.read('events.second') if m[1] == '9001']
    check('a word becomes an event with what it implies', r.status == 0 and len(sent) == 1 and
          sent[0]['type'] == 'tvbridge.contract.unblocked' and sent[0]['data'] == {'reason': 'delinquency'}, (r, sent))
    r = at.tvb('publish', '--dialect', 'ixc', '-p', 'second', '-t', 'buscar pacote')
    check('a list needs no service in any language', r.status == 0 and
          'provider:second' in [m[1] for m in at.read('events.second')], r)
    r = at.tvb('publish', '--dialect', 'mk', '-p', 'second', '-s', '9002', '-t', 'bloqueio parcial', '--binary')
    stored = [m for m in at.read('events.second') if m[1] == '9002']
    check('in binary mode too', r.status == 0 and 'ce_type=tvbridge.contract.blocked' in stored[0][2] and
          json.loads(stored[0][3]) == {'scope': 'partial', 'reason': 'administrative'}, stored)
    count = len(at.read('events.second'))
    for type_, says in (('bloqueo', '"bloqueo" is no word of ixc: near it "bloqueio"'), ('Offline', 'is a state that ixc shows')):
        r = at.tvb('publish', '--dialect', 'ixc', '-p', 'second', '-s', '1', '-t', type_)
        check(f'{type_} is refused with what is near it', r.status == 1 and says in r.err and '/type' in r.err, r)
    r = at.tvb('publish', '-p', 'second', '-s', '1', '-t', 'bloqueio')
    check('without the dialect it is no type', r.status == 1 and '/type' in r.err, r)
    words = [('Bloqueio', {}), ('aviso_de_atraso', {}), ('tvbridge.contract.suspended', {'reason': 'customer_request'})]
    spoken = [event(f'f{i}', service='9003', provider='second', type=word, data=data) for i, (word, data) in enumerate(words)]
    bad = at.file('words.jsonl', lines(spoken + [event('f9', provider='second', type='bloqeuio')]))
    r = at.tvb('publish', '--dialect', 'ixc', '--file', bad)
    check('an unknown word in a file is told with its line, and nothing is sent', r.status == 1 and f'{bad}:4: /type: ' in r.err and
          '"bloqueio"' in r.err and len(at.read('events.second')) == count, r)
    r = at.tvb('publish', '--dialect', 'ixc', '--file', '-', '--json', stdin=lines(spoken))
    own = [json.loads(m[3])['type'] for m in at.read('events.second') if m[1] == '9003']
    check('words and our own types in one file, in order', r.status == 0 and r.rows()[0]['acknowledged'] == 3 and
          own == ['tvbridge.contract.blocked', 'tvbridge.contract.late_notice', 'tvbridge.contract.suspended'], (r, own))
    check('no more was sent than that', len(at.read('events.second')) == before + 6, at.read('events.second')[before:])


def check_publish_catalogue(at):
    """Billing's ids become the platform's; what is unknown is refused before anything is sent."""
    names = at.file('catalogue.yaml', CATALOGUE)
    publish = ('publish', '--catalogue', names, '-p', 'second')
    data = {'login': 'a@example.com', 'packages': [{'id': 'HBO'}], 'devices': [{'serial': 'A1'}, {'serial': 'A2'}]}
    r = at.tvb(*publish, '--dialect', 'ixc', '-s', '9100', '-t', 'ativar usuário TV', '-d', json.dumps(data))
    sent = [json.loads(m[3])['data'] for m in at.read('events.second') if m[1] == '9100']
    check('a new service gets the default plan, an extra its price, boxes their points', r.status == 0 and sent == [
        {**data, 'plan': '10', 'packages': [{'id': '32', 'price': '29.90', 'currency': 'BRL'}, {'id': '40', 'quantity': 2}]}], (r, sent))
    count = len(at.read('events.second'))
    for type_, data, says in (('package.added', {'packages': [{'id': 'FILMS'}]}, '/data/packages/0/id: "FILMS" is none of the packages of second'),
                              ('package.removed', {'packages': [{'id': '32'}]}, '"32" is none of the packages'),
                              ('plan.changed', {'plan': 'TV-9'}, 'near it "TV-1", "TV-2"'),
                              ('plan.changed', {'plan': 'TV-2'}, 'brings packages')):
        r = at.tvb(*publish, '-s', '9100', '-t', type_, '-d', json.dumps(data))
        check(f'{type_} {data} is refused', r.status == 1 and says in r.err, r)
    many = [event(f'g{i}', service='9101', provider='second', type='tvbridge.package.added', data={'packages': [{'id': name}]})
            for i, name in enumerate(['HBO', 'FILMES', 'HB0'])]
    r = at.tvb('publish', '--catalogue', names, '--file', at.file('many.jsonl', lines(many)))
    check('one unknown package in a file: its line, and nothing is sent', r.status == 1 and ':3: /data/packages/0/id: "HB0"' in r.err and
          'near it "HBO"' in r.err and 'nothing was sent' in r.err, r)
    other = event('g9', service='9101', type='tvbridge.package.added', data={'packages': [{'id': 'HBO'}]})
    r = at.tvb('publish', '--catalogue', names, '--file', '-', stdin=lines([other]))
    check('a provider that the catalogue does not have', r.status == 1 and '/provider: "stalker" is not in the catalogue, which has second' in r.err, r)
    check('nothing of all that was sent', len(at.read('events.second')) == count)
    r = at.tvb(*publish, '-s', '9100', '-t', 'contract.blocked', '-d', '{"reason":"delinquency"}')
    check('what has to do with no package passes', r.status == 0, r)
    wrong = at.file('wrong.yaml', 'providers:\n  second:\n    plans: { A: { id: 10 } }\n')
    r = at.tvb('publish', '--catalogue', wrong, '-p', 'second', '-s', '1', '-t', 'contract.late_notice')
    check('a wrong catalogue is told with line and pointer', r.status == 1 and f'{wrong}:3: /providers/second/plans/A/id: ' in r.err, r)


def check_publish_forms(at):
    events = [event(i) for i in range(3)]
    forms = {'JSON lines': lines(events), 'an array': json.dumps(events, indent=2), 'an empty array': '[]',
             'documents over several lines': '\n'.join(json.dumps(e, indent=1) for e in events), 'nothing': '',
             'lines that end with CR LF': lines(events).replace('\n', '\r\n')}
    for name, text in forms.items():
        r = at.tvb('publish', '--file', '-', '--json', stdin=text)
        want = 0 if name in ('nothing', 'an empty array') else 3
        check(f'stdin with {name}', r.status == 0 and r.rows()[0]['acknowledged'] == want, r)
    for name, text in {'an array without its end': json.dumps(events)[:-1], 'words': 'hello world\n',
                       'an event without its end': json.dumps(events[0], indent=1)[:-1],
                       'something after the array': '[] x'}.items():
        r = at.tvb('publish', '--file', '-', stdin=text)
        check(f'stdin with {name} is refused', r.status == 1 and 'stdin' in r.err, r)
    long = json.dumps(event(9, data={'reason': 'x' * 3000000}))
    r = at.tvb('publish', '--file', '-', '--skip-invalid', '--json', stdin=lines(events) + long + '\n' + lines(events))
    check('an event over 1 MiB is refused and the next ones are read', r.status == 1 and
          r.rows()[0]['acknowledged'] == 6 and r.rows()[0]['faults'][0]['line'] == 4, r)
    broken = '{"specversion":"1.0","type":"tvbridge.contract.blocked"'
    before = len(at.read('events.stalker'))
    r = at.tvb('publish', '--file', '-', '--no-validate', '-p', 'stalker', '--key', '1', '--partition', '3', stdin=broken)
    r2 = at.tvb('publish', '--file', '-', '--no-validate', '-p', 'stalker', '--key', '1', '--partition', '3', stdin=broken + '\n{')
    check('broken bytes are sent for tests only', r2.status == 0 and ('3', '1') in [m[:2] for m in at.read('events.stalker')]
          and len(at.read('events.stalker')) > before, (r, r2))


def outcome(number, service, kind, **more):
    data = {'event': {'id': f'e{number}', 'source': '/test', 'type': 'tvbridge.contract.blocked'}, 'kind': kind,
            'final': True, 'attempts': 1, 'round': 1, **more}
    return json.dumps({'specversion': '1.0', 'id': f'{number:032x}', 'source': 'tvbridge/stalker',
                       'type': 'tvbridge.outcome', 'subject': service, 'time': f'2026-11-22T10:00:{number:02d}.000Z',
                       'datacontenttype': 'application/json', 'provider': 'stalker',
                       'partitionkey': f'stalker/{service}', 'data': data})


def fill_outcomes(at):
    rows = [(1, '70001', 'applied', {}), (2, '778', 'rejected', {'reason': 'unknown_account', 'provider_answer': {
        'status': 200, 'text': 'x'}}), (3, '70001', 'stale', {}), (4, '9', 'applied', {}), (5, '778', 'applied', {})]
    for number, service, kind, more in rows:
        at.write('outcomes', murmur2_partition(service, 6), f'stalker/{service}', outcome(number, service, kind, **more))
    at.write('dead.stalker', 0, '70001', '{"half an event',
             ['tvbridge-reason=invalid', 'tvbridge-pointer=/data/reason', 'tvbridge-time=2026-11-22T10:00:59.000Z',
              'tvbridge-attempts=0'])


def check_outcomes(at):
    fill_outcomes(at)
    ids = lambda r: [row['data']['event']['id'] for row in r.rows()]
    r = at.tvb('outcomes', '--json')
    check('all outcomes up to the end, in the order of time', r.status == 0 and
          ids(r) == ['e1', 'e2', 'e3', 'e4', 'e5'], r)
    for args, want in ((['--service', '778'], ['e2', 'e5']), (['--outcome', 'applied'], ['e1', 'e4', 'e5']),
                       (['--outcome', 'stale', '--outcome', 'rejected'], ['e2', 'e3']), (['--event-id', 'e4'], ['e4']),
                       (['--type', 'contract.blocked', '--service', '9'], ['e4']),
                       (['--type', 'tvbridge.contract.unblocked'], []), (['--provider', 'other'], []),
                       (['--since', '10m'], ['e1', 'e2', 'e3', 'e4', 'e5'])):
        r = at.tvb('outcomes', '--json', *args)
        check(f'outcomes {args}', r.status == 0 and ids(r) == want, r)
    r = at.tvb('outcomes', '--service', '778')
    check('the table says what came of each event', r.status == 0 and 'REASON' in r.out and
          re.search(r'2026-11-22 10:00:02 +stalker +778 +contract.blocked +rejected +1 +200 +unknown_account +e2', r.out)
          is not None and '\033' not in r.out, r)
    r = at.tvb('outcomes', '--dead', '--provider', 'stalker', '--outcome', 'dead_letter', '--json')
    check('dead letters are shown with their reason', r.status == 0 and len(r.rows()) == 1 and
          r.rows()[0]['dead_letter']['reason'] == 'invalid' and r.rows()[0]['key'] == '70001', r)
    r = at.tvb('outcomes', '--dead', '--provider', 'stalker')
    check('and in the table', 'invalid at /data/reason' in r.out and 'dead_letter' in r.out, r)
    r = at.tvb('outcomes', '--follow', '--from-beginning', '--max', '2', '--timeout', '20', '--json')
    check('--follow stops after --max', r.status == 0 and len(r.rows()) == 2, r)
    r = at.tvb('outcomes', '--follow', '--event-id', 'never', '--from-beginning', '--max', '1', '--timeout', '2')
    check('--follow says when fewer came in time', r.status == 1 and '0 of 1' in r.err, r)
    r = at.tvb('outcomes', '--outcome', 'splendid')
    check('an unknown outcome is wrong usage', r.status == 2, r)


def check_terminal(at):
    """On a terminal, rows are cut to its columns and coloured; NO_COLOR takes the colours away."""
    for columns, extra, coloured in ((40, {}, True), (80, {'NO_COLOR': '1'}, False), (200, {'TERM': 'dumb'}, False)):
        text = on_terminal(at, {'TERM': 'xterm', 'COLUMNS': str(columns), **extra})
        plain = re.sub(r'\033\[[0-9;]*m', '', text)
        check(f'colours with {extra}', ('\033[' in text) == coloured, text)
        check(f'rows fit {columns} columns', len(plain.splitlines()) == 6 and
              max(len(line) for line in plain.splitlines()) <= columns, plain)


def on_terminal(at, env):
    master, slave = pty.openpty()
    child = subprocess.Popen([BIN, 'outcomes', '-b', at.brokers, '--prefix', at.prefix], stdout=slave, stderr=slave,
                             env={**{k: v for k, v in os.environ.items() if k != 'NO_COLOR'}, **env})
    os.close(slave)
    seen = b''
    try:
        while chunk := os.read(master, 65536):
            seen += chunk
    except OSError:  # the other side was closed
        pass
    os.close(master)
    child.wait(timeout=60)
    return seen.decode()


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers what the plan says for an outcome's id, then 200; notes every request."""

    def do_POST(self):  # noqa: N802, the name is given
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        key = self.headers['Idempotency-Key']
        plan = self.server.plan.get(key, [])
        status = plan.pop(0) if plan else 204
        self.server.seen.append((body['subject'], key, status, self.headers['Content-Type'],
                                 self.headers['Authorization'], body['id'] == key))
        self.send_response(status)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *args):
        pass


def start_hook(plan):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hook)
    server.plan, server.seen = plan, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f'http://127.0.0.1:{server.server_address[1]}/tv'


def check_post(at):
    ids = [f'{n:032x}' for n in range(6)]
    hook, url = start_hook({ids[1]: [503, 400], ids[2]: [429]})
    header = at.file('header', '# billing\nAuthorization: Bearer tell-nobody\n')
    post = ('outcomes', '--post', url, '--header-file', header, '--retry-max', '300ms')
    r = at.tvb(*post, '--timeout', '60')
    check('all outcomes are delivered, also those that failed first', r.status == 0 and
          {k for _, k, s, *_ in hook.seen if s == 204} == set(ids[1:6]) and 'tell-nobody' not in r.err + r.out,
          (r, hook.seen))
    check('each try is a CloudEvent with its id as the idempotency key and our header',
          all(t.startswith('application/cloudevents+json') and a == 'Bearer tell-nobody' and same
              for *_, t, a, same in hook.seen), hook.seen)
    own = [(k, s) for service, k, s, *_ in hook.seen if service == '70001']
    check("a service's outcomes wait for the one before", own == [(ids[1], 503), (ids[1], 400), (ids[1], 204),
                                                                  (ids[3], 204)], own)
    check('another service does not wait', hook.seen.index(next(s for s in hook.seen if s[0] == '9')) <
          hook.seen.index(next(s for s in hook.seen if s[0] == '70001' and s[2] == 204)), hook.seen)

    seen = len(hook.seen)
    r = at.tvb(*post, '--timeout', '60')
    check('a restart goes on: nothing is delivered twice', r.status == 0 and len(hook.seen) == seen, (r, hook.seen[seen:]))
    at.write('outcomes', murmur2_partition('9', 6), 'stalker/9', outcome(6, '9', 'applied'))
    at.write('outcomes', murmur2_partition('9', 6), 'stalker/9', outcome(7, '9', 'unchanged'))
    hook.plan[f'{6:032x}'] = [500] * 9
    r = at.tvb(*post, '--give-up-after', '3', '--timeout', '60')
    check('--give-up-after leaves one out loudly and goes on', r.status == 1 and 'given up' in r.err and
          [s[1:3] for s in hook.seen[seen:]] == [(f'{6:032x}', 500)] * 3 + [(f'{7:032x}', 204)], (r, hook.seen[seen:]))
    hook.shutdown()
    r = at.tvb('outcomes', '--post', 'http://user:tell-nobody@127.0.0.1:1/')
    check('a password in the URL is refused', r.status == 2 and 'tell-nobody' not in r.err, r)


def check_without_admin():
    """librdkafka's mock cluster has no admin API: what can be checked is, and the rest is said."""
    mock = os.path.join(os.path.dirname(BIN), 'tvbridge-mock-broker')
    topics = [f'tvbridge.{kind}.stalker' for kind in ('events', 'records', 'waiting', 'control', 'dead')]
    for made, want in ((topics + ['tvbridge.outcomes'], 0), (topics, 1)):
        child = subprocess.Popen([mock, '--partitions', '6', *(word for t in made for word in ('--topic', t))],
                                 stdout=subprocess.PIPE, text=True)
        brokers = re.search(r'listening on (\S+)', child.stdout.readline()).group(1)
        r = run('topics', 'create', '-b', brokers, '-p', 'stalker', '--partitions', '6', '--json')
        check(f'without an admin API and with {len(made)} topics', r.status == want and 'no admin API' in r.err, r)
        child.terminate()
        child.wait(timeout=30)
        child.stdout.close()


def main():
    check_usage()
    check_groups()
    check_not_reached()
    check_billing_examples()
    if os.path.exists(os.path.join(os.path.dirname(BIN), 'tvbridge-mock-broker')):
        check_without_admin()
    with tempfile.TemporaryDirectory() as folder:
        brokers, kafka = os.environ.get('TVB_BROKERS'), None
        if not brokers:
            out = subprocess.run([os.path.join(ROOT, 'deploy/kafka/start'), '--background'], text=True, check=True,
                                 stdout=subprocess.PIPE).stdout
            kafka, port = map(int, re.search(r'pid=(\d+) port=(\d+)', out).groups())
            brokers = f'127.0.0.1:{port}'
        try:
            at = Installation(brokers, folder)
            for group in (check_topics, check_topics_config, check_publish_flags, check_publish_binary,
                          check_publish_file, check_publish_forms, check_publish_dialect,
                          check_publish_catalogue, check_outcomes, check_terminal, check_post):
                try:
                    group(at)
                except Exception as problem:  # one broken check must not hide the others
                    check(f'{group.__name__} ran to its end', False, repr(problem))
        finally:
            if kafka:
                os.kill(kafka, 15)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
