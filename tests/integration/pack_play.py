#!/usr/bin/env python3
"""`tvbridge pack play` against stand-ins: what it sends, what it shows and hides, lost answers, crashes, exit statuses.

TVB_BIN: the folder with the program (default: build/release/bin). No Kafka, no Redis.
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEY, PASSWORD = 'key-that-nobody-sees', 'password-that-nobody-sees'

sys.path.insert(0, os.path.join(ROOT, 'tests/providers'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cli  # noqa: E402  (the path comes first)
import client  # noqa: E402
from cli import BIN, check  # noqa: E402
from lib.rough_portal import RoughPortal  # noqa: E402


class Result(cli.Result):
    def __init__(self, done):
        super().__init__(done)
        self.all = self.out + self.err
        self.report = json.loads(self.out) if self.out.startswith('{') else {}
        check('no credential is shown', KEY not in self.all and PASSWORD not in self.all, self.all)

    def steps(self):
        return [c.get('workflow', '') + ':' + c['step'] for c in self.report['calls']]


class Caller:
    """Plays of one pack on one platform."""

    def __init__(self, folder, pack, base, credentials):
        self.words = [BIN, 'pack', 'play', os.path.join(ROOT, pack)]
        self.path = os.path.join(folder, 'credentials.json')
        with open(self.path, 'w', encoding='utf-8') as f:
            json.dump(credentials, f)
        self.more = ['--base-url', base, '--credentials', '@' + self.path, '--subject', '7', '--no-wait']

    def play(self, workflow, *more, json_=True):
        words = [*self.words, workflow, *self.more, *more] + (['--json'] if json_ else [])
        return Result(subprocess.run(words, text=True, capture_output=True, timeout=120, check=False))


def run(*words):
    return Result(subprocess.run([BIN, 'pack', 'play', *words], text=True, capture_output=True, timeout=120, check=False))


def check_usage(folder):
    r = run('--help')
    check('--help has examples, and says that requests are sent', 'Examples:' in r.out and 'REALLY SENT' in r.out, r)
    pack = os.path.join(ROOT, 'schemas/providers/stalker')
    for wrong in ([], [pack], [pack, 'read', 'more'], [pack, 'read', '--lose', 'x'], [pack, 'read', '--lose', '99999999']):
        r = run(*wrong)
        check(f'{wrong} is wrong usage', r.status == 2 and r.err != '' and r.out == '', r)
    r = run(pack, 'read', '--credentials', json.dumps({'portal': {'username': 'u', 'password': PASSWORD}}))
    check('credentials on the command line are refused, and not repeated', r.status == 1 and '@FILE' in r.err, r)
    path = os.path.join(folder, 'broken.json')
    for broken in (f'{{"portal": {PASSWORD}', f'["{PASSWORD}"]'):
        with open(path, 'w', encoding='utf-8') as f:
            f.write(broken)
        r = run(pack, 'read', '--credentials', '@' + path)
        check('a broken file of credentials is refused, and not quoted', r.status == 1 and 'broken.json:1' in r.err, r)
    r = run(pack, 'read', '--base-url', 'http://127.0.0.1:1')
    check('missing credentials are named', r.status == 1 and 'portal' in r.err, r)
    r = run(pack, 'nothing.there', '--credentials', '@/dev/stdin', '--base-url', 'http://127.0.0.1:1')
    check('a workflow that there is not is refused', r.status == 1, r)


def check_portal(folder):
    with client.Program('stalker.py', {'STALKER_LOGIN': 'billing', 'STALKER_PASSWORD': PASSWORD}) as portal:
        caller = Caller(folder, 'schemas/providers/stalker', portal.url + '/stalker_portal/api',
                        {'portal': {'username': 'billing', 'password': PASSWORD}})
        r = caller.play('service.created', '--data', '{"plan":"3","password":"x"}')
        check('an account is made', r.status == 0 and r.report['outcome'] == 'applied' and portal.account('7')['exists'], r)
        made = {k: v for k, v in r.report['record'].items() if v is not None}
        check('the record after it', r.report['record_after'] == made and made['status'] == 'active', r)
        r = caller.play('tvbridge.contract.blocked', '--data', '{"reason":"delinquency"}', '--record', '{"login":"7"}', json_=False)
        check('for people', r.status == 0 and 'Basic ***' in r.out and 'outcome: applied' in r.out and '  <- 200' in r.out, r)
        check('the record keeps what it had', '"login": "7"' in r.out.split('record after it:')[1], r)
        r = caller.play('service.deleted', '--record', '{"login":"7","plan":"3"}')
        check('a deleted service is terminated', r.report['record_after']['status'] == 'terminated', r)
        r = caller.play('service.deleted')
        check('an outcome of any kind is no failure', r.status == 0 and r.report['outcome'] == 'unchanged', r)
        r = caller.play('message.requested', '--data', '{"message":{"text":"x"}}')
        check('a refusal neither', r.status == 0 and r.report['outcome'] == 'rejected', r)
        check_answers(portal, caller)
    r = caller.play('probe')
    check('nobody there: exit status 3', r.status == 3 and r.report['state'] == 'gave up', r)


def check_answers(portal, caller):
    caller.play('service.created', '--data', '{"plan":"3"}')
    portal.control('POST', 'faults', {'match': {'method': 'PUT'}, 'action': 'not_json'})
    r = caller.play('contract.blocked', '--data', '{"reason":"delinquency"}')
    check('an answer that nobody knows: sent again', r.report['outcome'] == 'applied' and len(r.report['calls']) == 2 and
          r.report['calls'][0]['failed'] == 'unknown_answer', r)
    portal.control('POST', 'faults', {'match': {'method': 'PUT'}, 'action': 'status', 'status': 422})
    r = caller.play('contract.unblocked', '--data', '{"reason":"delinquency"}')
    check('a status that means no', (r.report['outcome'], r.report['reason']) == ('rejected', 'http_422'), r)
    portal.control('POST', 'faults', {'match': {'method': 'PUT'}, 'action': 'status', 'status': 500, 'times': 0})
    r = caller.play('contract.unblocked', '--data', '{"reason":"delinquency"}')
    check('tries are used up in doubt: exit status 1', r.status == 1 and r.report['state'] == 'in doubt' and
          len(r.report['calls']) == 8, r)


def check_repeats(folder):
    portal = RoughPortal(KEY)
    caller = Caller(folder, 'tests/integration/packs/token', portal.base, {'session': {'key': KEY}})
    try:
        r = caller.play('contract.blocked')
        check('a login, whose request is not shown', r.steps() == ['authenticate:login', ':block'] and
              'url' not in r.report['calls'][0] and r.report['calls'][1]['url'].endswith('/block/7'), r)
        check('the token is hidden', 'token-1' not in r.all and 'Bearer ***' in r.out, r)
        r = caller.play('authenticate')
        check('a login alone shows nothing of it', r.status == 0 and r.report['token'] == '***' and 'token-2' not in r.all and
              r.report['outputs'] == {}, r)
        r = caller.play('contract.blocked', '--lose', '1')
        check('safe: sent again', r.report['outcome'] == 'applied' and portal.count('/block/7') == 3 and r.report['lost'], r)
        r = caller.play('package.added', '--lose', '1', '--event', '{"id":"e1"}')
        check('keyed: sent again with the same key, done once', r.report['outcome'] == 'applied' and portal.count('/order/7') == 1
              and len(portal.keys) == 2 and portal.keys[0] == portal.keys[1], r)
        first = portal.keys[0]
        caller.play('package.added', '--event', '{"id":"e1"}')
        caller.play('package.added', '--event', '{"id":"e2"}')
        check('the key is the event\'s', portal.keys[2] == first and portal.keys[3] != first, portal.keys)
        r = caller.play('message.requested', '--lose', '1')
        check('never: in doubt, exit status 1', r.status == 1 and (r.report['state'], r.report['reason']) ==
              ('in doubt', 'never_repeated') and portal.count('/message/7') == 1, r)
        check('in doubt: the record is as it was', r.report['record_after'] == {}, r)
        r = caller.play('contract.blocked', '--lose', '2')
        check('no second one to lose', r.report['outcome'] == 'applied' and r.report['lost'] is False, r)
        check_crashes(portal, caller)
        check_refusals(portal, caller)
    finally:
        portal.stop()


def check_crashes(portal, caller):
    r = caller.play('service.created', '--crash')
    check('a crash between two steps: the outputs of the first are kept', r.report['outcome'] == 'applied' and
          r.steps() == ['authenticate:login', ':first', ':second'] and r.report['calls'][1]['crash'] is True, r)
    number = r.report['record']['ids']['number']
    check('and the second has the number', portal.count(f'/second/7/{number}') == 1 and portal.count('/first/7') == 1, r)
    r = caller.play('service.created', '--crash', '--lose', '2')
    check('a crash with the second in doubt', r.report['outcome'] == 'applied' and portal.count('/first/7') == 2 and
          r.steps().count(':second') == 2, r)


def check_refusals(portal, caller):
    portal.told['/block/7'] = [(401, {})]
    r = caller.play('contract.blocked')
    check('a refused token is fetched anew', r.report['outcome'] == 'applied' and
          r.steps() == ['authenticate:login', ':block', 'authenticate:login', ':block'], r)
    portal.told['/block/7'] = (401, {})
    r = caller.play('contract.blocked')
    check('refused though the credentials are good', (r.report['outcome'], r.report['reason']) == ('rejected', 'unauthorized') and
          'probe:ping' in r.steps(), r)
    portal.told.clear()
    with open(caller.path, 'w', encoding='utf-8') as f:
        json.dump({'session': {'key': KEY + 'x'}}, f)
    r = caller.play('contract.blocked')
    check('bad credentials: exit status 1', r.status == 1 and r.report['state'] == 'credentials refused', r)


def check_memory(folder):
    """The fault tests' platform: a step that remembers something before the next request, and one that can be asked."""
    journal = os.path.join(folder, 'journal')
    words = [sys.executable, os.path.join(ROOT, 'tests/faults/standin.py'), '--journal', journal]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as platform:
        try:
            url = 'http://' + platform.stdout.readline().split()[-1]
            caller = Caller(folder, 'tests/faults/pack', url, {})
            device = ('--data', '{"device":{"serial":"s1"}}', '--record', '{"remembered":{"reserved":{"s0":1}}}')
            plain = caller.play('device.added', *device, '--event', '{"id":"e1"}')
            kept = plain.report['record_after']['remembered']['reserved']
            check('what is remembered is added to the record', sorted(kept) == ['s0', 's1'] and
                  'remembered' in plain.report['calls'][0], plain)
            for more in (['--crash'], ['--lose', '1', '--crash'], ['--lose', '2', '--crash'], ['--lose', '2']):
                r = caller.play('device.added', *device, '--event', '{"id":"e1"}', *more)
                check(f'{more}: the same record', r.report['record_after'] == plain.report['record_after'], r)
            r = caller.play('plan.changed', '--data', '{"plan":"9"}', '--event', '{"id":"e2"}', '--lose', '1')
            with open(journal, encoding='utf-8') as f:
                plans = [line for line in map(json.loads, f) if line['op'] == 'plan']
            check('query: asked, and not sent again', r.report['outcome'] == 'applied' and r.report['resolved'] == 'read_back' and
                  r.steps() == [':plan', 'read:ask'] and len(plans) == 1, r)
        finally:
            platform.terminate()


def main():
    with tempfile.TemporaryDirectory(prefix='tvb-play-') as folder:
        check_usage(folder)
        check_portal(folder)
        check_repeats(folder)
        check_memory(folder)
    print(f'{cli.passed} passed, {cli.failed} failed')
    return 1 if cli.failed or not cli.passed else 0


if __name__ == '__main__':
    sys.exit(main())
