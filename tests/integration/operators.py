#!/usr/bin/env python3
"""The operators' commands against a real Kafka: waiting, doubt, dead, approve, pause, resume, rebase, explain.

Entries, dead letters, outcomes and records are written as the worker writes them, and a stand-in for the partitions'
owners answers the acts. TVB_BIN: the folder with the program. TVB_BROKERS: a Kafka; without it one is started.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

import cli
from cli import check, run

PARTITIONS = 6
PASSWORD, NAME = 'tell-nobody', 'Maria Souza'


def event(number, service, kind='contract.blocked', data=None, **more):
    return cli.event(number, service, type='tvbridge.' + kind, data=data or {'reason': 'delinquency'}, **more)


def when(seconds_ago=0):
    t = time.time() - seconds_ago
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(t)) + f'.{int(t * 1000) % 1000:03d}Z'


def order(number):
    return f'000000-{number:018d}-000000'


class Place(cli.Installation):
    def __init__(self, brokers, folder):
        super().__init__(brokers, folder)
        self.seen = set()

    def partition(self, service):
        return cli.murmur2_partition(service, PARTITIONS)

    def message(self, topic, service, value, headers=(), partition=None, key=None):
        self.write(topic, self.partition(service) if partition is None else partition, service if key is None else key,
                   value if isinstance(value, str) else json.dumps(value), headers)

    def entry(self, service, offset, e, waits_for, state='unsent', axes=('block',), age=60, **more):
        """A waiting entry, as entry.h says. Returns its place."""
        place = f'{self.partition(service)}-{offset}'
        headers = {
            'state': state, 'reason': waits_for, 'type': e['type'].removeprefix('tvbridge.'), 'order': order(offset),
            'round': '1', 'try': '0', 'attempts': '0', 'counted': '0', 'since': when(age), 'time': when(age),
            'key': hashlib.sha256(e['id'].encode()).hexdigest(),
            'fingerprint': hashlib.sha256(place.encode()).hexdigest(), 'axes': '\x1f'.join(axes), **more}
        given = ['content-type=application/cloudevents+json'] + [f'tvbridge-{k}={v}' for k, v in headers.items()]
        self.message('waiting.stalker', service, e, given, key=f'{service}/{place}')
        return place

    def tombstone(self, service, place):
        subprocess.run(['kcat', '-b', self.brokers, '-P', '-t', self.prefix + 'waiting.stalker', '-p',
                        str(self.partition(service)), '-K', '~', '-Z'], input=f'{service}/{place}~\n', text=True, check=True)

    def letter(self, service, offset, value, why, round_=1, **more):
        place = f'{self.partition(service)}-{offset}'
        headers = {'reason': why, 'topic': self.prefix + 'events.stalker', 'partition': self.partition(service),
                   'offset': offset, 'attempts': 8, 'round': round_, 'time': when(30), **more}
        self.message('dead.stalker', service, value,
                     ['content-type=application/cloudevents+json'] + [f'tvbridge-{k}={v}' for k, v in headers.items()])
        return place

    def outcome(self, service, offset, e, kind, final=True, **more):
        self.message('outcomes', service, {
            'specversion': '1.0', 'id': os.urandom(16).hex(), 'source': 'tvbridge/stalker', 'type': 'tvbridge.outcome',
            'subject': service, 'time': when(5), 'provider': 'stalker', 'data': {
                'event': {'id': e['id'], 'source': e['source'], 'type': e['type']}, 'kind': kind, 'final': final,
                'attempts': 1, 'round': 1, 'place': {'partition': self.partition(service), 'offset': offset},
                'order': order(offset), 'fence': '7', **more}}, key=f'stalker/{service}')

    def record(self, service, **more):
        self.message('records.stalker', service, {
            'service': service, 'provider': 'stalker', 'status': 'active', 'login': 'maria.s', 'plan': '3', 'block': 'none',
            'ids': {'account_number': 'A' + service}, 'order_by': 'sequence', 'fence': '1795342800000001',
            'axes': {'block': {'order': order(7), 'id': 'e7'}}, **more})

    def control(self):
        """All of the control topic as (partition, key, message)."""
        return [(int(p), k, json.loads(v)) for p, k, _, v in self.read('control.stalker')]

    def acts(self):
        return [(p, k, m) for p, k, m in self.control() if m['type'] != 'tvbridge.act_answer']

    def new_acts(self):
        """Those that came since the last time it was asked, in the order in which they were asked for."""
        new = [a for a in self.acts() if a[2]['id'] not in self.seen]
        self.seen.update(m['id'] for _, _, m in new)
        return sorted(new, key=lambda a: (a[2]['time'], a[2]['id']))

    def stalker(self, *args, **more):
        return self.tvb(*args, '-p', 'stalker', **more)


class Owners(threading.Thread):
    """Answers each act as the owners of the partitions do; @decide gives (result, why) for one."""

    def __init__(self, at, decide):
        super().__init__(daemon=True)
        self.at, self.decide, self.answered, self.over = at, decide, set(), threading.Event()
        self.answered = {m['id'] for _, _, m in at.acts()}

    def answer(self, partition, key, act):
        result, why = self.decide(act)
        data = {'act': {'id': act['id'], 'source': act['source'], 'kind': act['type'].removeprefix('tvbridge.act.'),
                        'offset': 0}, 'result': result}
        data.update({k: act['data'][k] for k in ('place', 'round', 'partition') if k in act['data']})
        if why:
            data['why'] = why
        self.at.write('control.stalker', partition, key, json.dumps({
            'specversion': '1.0', 'id': hashlib.md5((act['id'] + result).encode()).hexdigest(),
            'source': 'tvbridge/stalker', 'type': 'tvbridge.act_answer', 'subject': act['subject'], 'time': when(),
            'provider': 'stalker', 'data': data}))

    def run(self):
        while not self.over.is_set():
            for partition, key, act in self.at.acts():
                if act['id'] not in self.answered:
                    self.answered.add(act['id'])
                    self.answer(partition, key, act)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def done(_):
    return 'done', None


# ---- checks ----------------------------------------------------------------------------------------------------------

COMMANDS = (['waiting', 'list'], ['waiting', 'release'], ['doubt', 'list'], ['doubt', 'resolve'], ['dead', 'list'],
            ['dead', 'show'], ['dead', 'redrive'], ['dead', 'drop'], ['approve'], ['pause'], ['resume'], ['rebase'],
            ['explain'])


def check_usage():
    r = run('--help')
    check('--help lists them all', all('\n  ' + ' '.join(c) in r.out for c in COMMANDS), r)
    for command in COMMANDS:
        r = run(*command, '--help')
        check(f'{command}: --help has examples', r.status == 0 and 'Examples:' in r.out, r)
    at = ('-b', '127.0.0.1:1')
    some = (*at, '-p', 'stalker', '-s', '1')
    for wrong, says in (
            (['waiting', 'list', *at], '--provider'), (['waiting'], 'what of it'), (['waiting', 'drop'], 'no command'),
            (['waiting', 'release', *some], '--reason'), (['waiting', 'release', *at, '-p', 'x', '-r', 'y'], '--all'),
            (['waiting', 'release', *some, '-r', 'a\nb'], 'one line'), (['waiting', 'release', *some, '-r', 'x' * 301], '300'),
            (['waiting', 'list', *some, '--place', '1812'], '--place'), (['doubt', 'resolve', *some, '-r', 'x'], '--applied'),
            (['doubt', 'resolve', *some, '-r', 'x', '--applied', '--not-applied'], '--applied'),
            (['dead', 'show', *at, '-p', 'x'], 'which one'), (['dead', 'drop', *some, '-r', ''], '--reason'),
            (['pause', *at, '-r', 'x'], 'which provider'), (['pause', 'stalker', *at], '--reason'),
            (['pause', 'a', 'b', *at, '-r', 'x'], 'too many'), (['approve', *some, '--max', '3', '-r', 'x'], 'without filters'),
            (['approve', *at, '-p', 'x', '--max', '3', '-r', 'x'], 'go together'),
            (['approve', *at, '-p', 'x', '--max', '3', '--until', 'tonight', '-r', 'x'], '--until wants'),
            (['rebase', '1', *at, '-r', 'x'], '--provider and --by'),
            (['rebase', '1', *at, '-p', 'x', '--by', 'time', '-r', 'x'], 'sequence or offset'),
            (['explain', *at, '-p', 'x'], 'which service'), (['explain', '1', *at], '--provider')):
        r = run(*wrong)
        check(f'{wrong} is wrong usage', r.status == 2 and says in r.err and r.out == '', r)
    for command in (['waiting', 'list', *some], ['dead', 'drop', *some, '-r', 'x'], ['pause', 'stalker', *at, '-r', 'x'],
                    ['explain', '1', *at, '-p', 'stalker'], ['rebase', '1', *at, '-p', 's', '--by', 'offset', '-r', 'x']):
        r = run(*command, '--timeout', '500ms')
        check(f'{command}: Kafka is not reached', r.status == 3 and '127.0.0.1:1' in r.err, r)


def check_topics(at):
    r = at.stalker('waiting', 'list')
    check('without topics it says what to do', r.status == 1 and 'topics create' in r.err, r)
    r = at.stalker('topics', 'create', '--partitions', str(PARTITIONS))
    check('the topics are made', r.status == 0, r)
    r = at.stalker('waiting', 'list', '--json')
    check('nothing waits at first', r.status == 0 and r.out == '', r)
    r = at.stalker('waiting', 'release', '--all', '-r', 'x')
    check('and nothing can be released', r.status == 1 and 'none that fits' in r.err, r)
    r = at.stalker('explain', '1')
    check('nothing is known of a service', r.status == 1 and 'nothing is known' in r.err, r)


def check_waiting(at):
    created = event(1, '100', 'service.created', {
        'plan': '3', 'login': 'maria.s', 'password': PASSWORD, 'subscriber': {'name': NAME}})
    dated = at.entry('100', 10, event(2, '100', 'plan.changed', {'plan': '7'}), 'date', axes=('plan',), age=90000,
                     **{'release-at': when(-86400)})
    behind = at.entry('100', 11, event(3, '100', 'plan.changed', {'plan': '8'}), 'behind', axes=('plan',), behind=dated)
    retry = at.entry('101', 12, event(4, '101'), 'retry', age=600, detail='server_error', status=503, attempts=3, counted=3,
                     **{'release-at': when(-30), 'try': 3, 'first-try': when(700), 'sent': when(610)})
    held = at.entry('102', 13, event(5, '102'), 'guard')
    doubt = at.entry('103', 14, created, 'doubt', 'doubt', ('existence',), step='create', sent=when(600), **{'try': 1},
                     steps=json.dumps({'at': {'step': 'create', 'tries': []}, 'outputs': {'number': {'secret': PASSWORD}},
                                       'changed': False, 'jumps': 0}))
    dead = at.entry('104', 15, event(7, '104'), 'dead', 'dead', detail='attempts_exhausted', attempts=8, counted=8,
                    **{'try': 8})
    gone = at.entry('105', 16, event(8, '105'), 'flood')
    at.tombstone('105', gone)
    at.entry('106', 17, event(9, '106'), 'flood')
    at.entry('106', 17, event(9, '106'), 'retry', state='unsent', **{'release-at': when(-10), 'try': 1})
    at.message('waiting.stalker', '107', '{}', key='nonsense')

    r = at.stalker('waiting', 'list', '--json')
    rows = {row['place']: row for row in r.rows()}
    check('each entry once, the last version, those that ended are gone', r.status == 0 and len(r.rows()) == 7 and
          gone not in rows and [x['waits_for'] for x in r.rows() if x['service'] == '106'] == ['retry'], r)
    check('an entry shows what it waits for', rows[retry]['state'] == 'unsent' and rows[retry]['try'] == 3 and
          rows[retry]['status'] == 503 and rows[retry]['detail'] == 'server_error' and rows[behind]['behind'] == dated and
          rows[dated]['axes'] == 'plan' and rows[dated]['type'] == 'plan.changed', r)
    check('the oldest first', [x['place'] for x in r.rows()][:2] == [dated, retry], r)
    check('no list says what events say', PASSWORD not in r.out and NAME not in r.out and 'maria' not in r.out, r)

    def places(*args):
        return {x['place'] for x in at.stalker('waiting', 'list', '--json', *args).rows()}

    for args, want in ((('--service', '100'), {dated, behind}), (('--cause', 'guard'), {held}), (('-c', 'server_error'), {retry}),
                       (('--type', 'plan.changed'), {dated, behind}), (('--type', 'tvbridge.service.created'), {doubt}),
                       (('--older-than', '1d'), {dated}), (('--limit', '1'), {dated}), (('--place', dead), {dead}),
                       (('--cause', 'dead', '--cause', 'doubt'), {dead, doubt}), (('-s', '100', '-c', 'guard'), set())):
        check(f'filter {args}', places(*args) == want, (args, places(*args), want))
    r = at.stalker('waiting', 'list')
    check('the table says until when and behind what', r.status == 0 and f'behind {dated}' in r.out and 'date until 20' in r.out and
          'SINCE' in r.out, r)
    r = at.stalker('doubt', 'list', '--json')
    check('doubt list has the doubts alone', [x['place'] for x in r.rows()] == [doubt] and r.rows()[0]['step'] == 'create', r)
    return dated, behind, retry, held, doubt, dead


def check_release(at, dated, behind, retry):
    r = at.stalker('waiting', 'release', '-s', '100', '--dry-run')
    check('a dry run of a release shows the exact call', r.status == 0 and 'GET http' in r.out and '/tariffs' in r.out and
          dated in r.out and behind not in r.out and '1 acts would be sent' in r.out, r)
    check('and sends nothing', at.new_acts() == [])
    with Owners(at, lambda act: ('too_late', 'other_try') if act['data']['place'] == retry else done(act)):
        r = at.stalker('waiting', 'release', '-s', '100', '--reason', 'ticket "4711"', '--wait', '30s', '--json')
        check('a release is answered', r.status == 0 and [(x['place'], x['result']) for x in r.rows()] == [(dated, 'done')], r)
        r = at.stalker('waiting', 'release', '--place', retry, '--reason', 'again', '--wait', '30s')
        check('one that came too late is told, and why', r.status == 1 and 'too_late' in r.out and 'other_try' in r.out, r)
    acts = at.new_acts()
    p, key, act = acts[0]
    check('the act names place, round, try, who and why, and stands in the event\'s partition',
          p == at.partition('100') and key == '100' and act['type'] == 'tvbridge.act.release' and
          act['data'] == {'who': act['data']['who'], 'reason': 'ticket "4711"', 'place': dated, 'round': 1, 'try': 0} and
          act['data']['who'] != '' and act['subject'] == '100', act)
    check('the try is the entry\'s', acts[1][2]['data']['try'] == 3, acts)
    r = at.stalker('waiting', 'release', '--place', behind, '-r', 'x')
    check('what waits behind another is not released', r.status == 1 and 'none that fits' in r.err, r)
    r = at.stalker('waiting', 'release', '--place', dated, '-r', 'x', '--wait', '1s')
    check('without an owner the acts stay, and that is said', r.status == 3 and 'no answer yet' in r.out and
          'stay in the control topic' in r.err, r)
    r = at.stalker('waiting', 'release', '--place', dated, '-r', 'x', '--wait', '0', '--json')
    check('--wait 0 does not wait', r.status == 0 and r.rows()[0]['result'] == 'sent', r)


def check_doubt(at, doubt):
    at.record('103', login='maria.s', remembered={'under_block': ['P1']})
    r = at.stalker('doubt', 'resolve', '--place', doubt, '--not-applied', '--dry-run')
    check('a dry run goes on where the workflow was cut', r.status == 0 and 'create (query, after a doubt asks' in r.out and
          'POST http' in r.out and r.out.count('http') == 1, r)
    check('with what it says of persons hidden', all(x not in r.out for x in (PASSWORD, NAME, 'maria')) and 'password=***' in r.out, r)
    r = at.stalker('doubt', 'resolve', '--place', doubt, '--not-applied', '--dry-run', '--show-data')
    check('or shown', f'password={PASSWORD}' in r.out and 'login=maria.s' in r.out, r)
    r = at.stalker('doubt', 'resolve', '--place', doubt, '--applied', '--dry-run', '--json')
    check('when it was applied, the step is not made again', r.status == 0 and
          all(c['step'] != 'create' for c in r.rows()[0]['calls']) and PASSWORD not in r.out, r)
    with Owners(at, done):
        r = at.stalker('doubt', 'resolve', '--place', doubt, '--applied', '-r', 'seen there', '--wait', '30s', '--json')
        check('a doubt is resolved', r.status == 0 and r.rows()[0]['result'] == 'done', r)
        r = at.stalker('doubt', 'resolve', '--service', '103', '--not-applied', '-r', 'not there', '--wait', '30s', '--json')
    verdicts = [m['data'].get('verdict') for _, _, m in at.new_acts()][-2:]
    check('the verdict is in the act', verdicts == ['applied', 'not_applied'], verdicts)


def check_dead(at, dead):
    blocked = event(20, '200')
    made = event(21, '201', 'service.created', {'plan': '3', 'login': 'maria.s', 'password': PASSWORD,
                                                'subscriber': {'name': NAME, 'document': '123.456.789-00'}})
    exhausted = at.letter('200', 20, blocked, 'dead', detail='attempts_exhausted')
    broken = at.letter('201', 21, '{"specversion":', 'invalid', pointer='/', detail='cut')
    doubtful = at.letter('201', 22, made, 'in_doubt')
    at.letter('104', 15, event(7, '104'), 'dead')  # its entry stands for it
    at.letter('202', 23, event(23, '202'), 'dead')
    later = at.letter('202', 23, event(23, '202'), 'dead', round_=2)

    r = at.stalker('dead', 'list', '--json')
    rows = {x['place']: x for x in r.rows()}
    check('entries and letters, each event once', r.status == 0 and len(r.rows()) == 5 and
          set(rows) == {dead, exhausted, broken, doubtful, later}, r)
    check('the entry stands for its letter, the later round for the earlier',
          rows[dead].get('state') == 'dead' and 'letter' not in rows[dead] and rows[later]['round'] == 2, rows)
    check('a letter says why', rows[exhausted]['dead_letter'] == 'dead' and rows[exhausted]['detail'] == 'attempts_exhausted' and
          rows[doubtful]['type'] == 'service.created' and 'type' not in rows[broken], rows)
    check('by cause', {x['place'] for x in at.stalker('dead', 'list', '--json', '--cause', 'attempts_exhausted').rows()} ==
          {dead, exhausted} and [x['place'] for x in at.stalker('dead', 'list', '--json', '-c', 'in_doubt').rows()] == [doubtful])
    r = at.stalker('dead', 'list')
    check('the table of the dead', r.status == 0 and 'letter' in r.out and 'invalid: cut' in r.out, r)

    r = at.stalker('dead', 'show', '--place', doubtful)
    check('dead show hides what it says of persons', r.status == 0 and PASSWORD not in r.out and NAME not in r.out and
          '123.456' not in r.out and 'maria' not in r.out and '"plan": "3"' in r.out and '"e21"' in r.out, r)
    r = at.stalker('dead', 'show', '--place', doubtful, '--show-data', '--json')
    check('--show-data shows it', r.status == 0 and r.rows()[0]['event']['data']['password'] == PASSWORD and
          r.rows()[0]['event']['data']['subscriber']['name'] == NAME, r)
    r = at.stalker('dead', 'show', '--place', broken, '--json')
    check('what is no event is shown by its fault', r.status == 0 and r.rows()[0]['event']['bytes'] == 15 and
          'raw' not in r.rows()[0]['event'] and 'no_redrive' in r.rows()[0], r)

    at.record('200')
    r = at.stalker('dead', 'redrive', '--all', '--dry-run', '--json')
    by_place = {x['place']: x for x in r.rows()}
    check('a dry run of a redrive plays each', r.status == 1 and len(r.rows()) == 5 and
          by_place[exhausted]['calls'][0]['method'] == 'PUT' and 'publish it anew' in by_place[broken]['note'], r)
    check('with the platform\'s credentials hidden, and persons too', PASSWORD not in r.out and NAME not in r.out and
          'maria' not in r.out, r)
    r = at.stalker('dead', 'redrive', '--place', exhausted, '--dry-run', '--json', '--show-data')
    check('--show-data plays it with the values', r.status == 0 and r.rows()[0]['calls'][0]['url'].endswith('/maria.s'), r)

    at.new_acts()
    with Owners(at, lambda act: ('refused', 'in_quarantine') if act['subject'] == '202' else done(act)):
        r = at.stalker('dead', 'redrive', '--all', '-r', 'the portal is back', '--wait', '30s', '--json', '--rate', '20')
        results = {x['place']: x['result'] for x in r.rows()}
        check('a redrive of all but the hopeless one', r.status == 1 and results ==
              {dead: 'done', exhausted: 'done', doubtful: 'done', later: 'refused'} and broken in r.err and
              [x.get('why') for x in r.rows() if x['place'] == later] == ['in_quarantine'], r)
        acts = {m['data']['place']: m['data'] for _, _, m in at.new_acts()}
        check('letters are named by where they lie, entries are not', 'letter' not in acts[dead] and acts[dead]['try'] == 8 and
              acts[exhausted]['letter'] >= 0 and acts[later]['round'] == 2, acts)
        r = at.stalker('dead', 'list', '--json')
        check('what was redriven is no more in the list, unless its entry is', {x['place'] for x in r.rows()} == {dead, broken, later}, r)
        r = at.stalker('dead', 'drop', '--place', broken, '-r', 'rubbish', '--wait', '30s')
        check('a letter is dropped', r.status == 0 and 'done' in r.out, r)
        check('and gone', {x['place'] for x in at.stalker('dead', 'list', '--json').rows()} == {dead, later})
    again = at.letter('200', 20, blocked, 'dead', round_=2)
    check('dead again, in the next round, it is back', again in {x['place'] for x in at.stalker('dead', 'list', '--json').rows()})


def check_provider(at, held):
    at.new_acts()
    r = at.tvb('pause', 'stalker', '-r', 'moving', '--dry-run')
    check('a dry run of a pause shows the acts', r.status == 0 and r.out.count('tvbridge.act.pause') == PARTITIONS and
          'nothing was' in r.out and at.new_acts() == [], r)
    with Owners(at, lambda act: ('refused', 'too_many') if act['data'].get('partition') == 4 and 'max' in act['data'] else done(act)):
        r = at.tvb('pause', 'stalker', '-r', 'moving', '--wait', '60s', '--json')
        check('a pause is answered by each partition', r.status == 0 and
              sorted(x['partition'] for x in r.rows()) == list(range(PARTITIONS)) and {x['result'] for x in r.rows()} == {'done'}, r)
        r = at.tvb('resume', 'stalker', '-r', 'moved', '--wait', '60s')
        check('and so is a resume', r.status == 0 and r.out.count('done') == PARTITIONS, r)
        r = at.stalker('approve', '--until', '8h', '--max', '100', '-r', 'dunning run', '--wait', '60s', '--json')
        check('an allowance is shared by the partitions, one of which refuses', r.status == 1 and
              [x['why'] for x in r.rows() if x['partition'] == 4] == ['too_many'], r)
        r = at.stalker('approve', '--service', '102', '-r', 'checked', '--wait', '30s', '--json')
        check('a held event is approved', r.status == 0 and r.rows()[0]['place'] == held, r)
    acts = at.new_acts()
    pauses = [(p, k, m) for p, k, m in acts if m['type'] == 'tvbridge.act.pause']
    check('each partition has its own act, under its key', all(k == f'partition:{p}' and m['data']['partition'] == p and
          m['subject'] == 'provider:stalker' for p, k, m in pauses) and len(pauses) == PARTITIONS, pauses)
    shares = [m['data'] for _, _, m in acts if 'max' in m['data']]
    check('the shares add up', sum(s['max'] for s in shares) == 100 and {s['max_total'] for s in shares} == {100} and
          max(s['max'] for s in shares) - min(s['max'] for s in shares) <= 1, shares)


def check_rebase(at):
    r = at.stalker('rebase', '300', '--by', 'sequence', '-r', 'x')
    check('a service without a record has no order', r.status == 1 and 'no record' in r.err, r)
    at.record('300')
    r = at.stalker('rebase', '300', '--by', 'sequence', '-r', 'x')
    check('one that is ordered so is left alone', r.status == 1 and 'already' in r.err, r)
    at.message('events.stalker', '300', event(30, '300'))
    with Owners(at, done):
        r = at.stalker('rebase', '300', '--by', 'offset', '-r', 'billing 6', '--wait', '30s', '--json')
        check('a rebase is answered', r.status == 0 and r.rows()[0]['result'] == 'done', r)
    act = at.new_acts()[-1][2]
    check('it names the record\'s fence, and begins behind what is there', act['type'] == 'tvbridge.act.rebase_order' and
          act['data']['fence'] == '1795342800000001' and act['data']['order_by'] == 'offset' and
          int(act['data']['number']) >= 0, act)
    r = at.stalker('rebase', '300', '--by', 'sequence', '--number', '41', '-r', 'x', '--dry-run', '--json')
    check('--number is taken', r.status == 0 and r.rows()[0]['data']['number'] == '41', r)


def check_explain(at):
    first, second, third = event(40, '400', sequence='40'), event(41, '400', 'plan.changed', {'plan': '9'}, sequence='41'), \
        event(42, '400', 'contract.unblocked', {'reason': 'payment'}, sequence='42')
    for e in (first, second, third):
        at.message('events.stalker', '400', e, ['content-type=application/cloudevents+json'])
    offsets = [int(m[0]) for m in at.read('events.stalker') if m[1] == '400']
    check('its events are in its partition', set(offsets) == {at.partition('400')}, offsets)
    listing = subprocess.run(['kcat', '-b', at.brokers, '-C', '-t', at.prefix + 'events.stalker', '-e', '-q', '-f', '%p %o %k\n'],
                             text=True, capture_output=True, check=True).stdout.split('\n')
    own = [int(x.split()[1]) for x in listing if x.endswith(' 400')]
    at.outcome('400', own[0], first, 'applied', provider_answer={'status': 200})
    at.record('400', block='blocked')
    place = at.entry('400', own[1], second, 'date', axes=('plan',), **{'release-at': when(-3600)})
    at.outcome('400', own[1], second, 'waiting', final=False)
    partition = at.partition('400')
    at.message('records.stalker', '400', {'partition': partition, 'provider': 'stalker', 'control': 3, 'approvals': [], 'paused': {
        'act': 'a', 'who': 'ann', 'reason': 'moving', 'since': when(9)}}, key=f'partition:{partition}')
    with Owners(at, done):
        at.stalker('waiting', 'release', '--place', place, '-r', 'ticket 9', '--wait', '30s')
    r = at.stalker('explain', '400', '--json')
    told = r.rows()[0]
    check('explain tells what is so now', r.status == 0 and told['known'] and told['record']['block'] == 'blocked' and
          told['paused']['who'] == 'ann' and [w['place'] for w in told['waiting']] == [place] and
          [u['id'] for u in told['unfinished']] == ['e42'], told)
    check('and what set it so and would free it', any('paused by ann' in v for v in told['verdict']) and
          any('waits for date' in v and 'waiting release' in v for v in told['verdict']) and
          any('1 events have no final outcome' in v for v in told['verdict']), told)
    what = [(t['what'], t.get('place')) for t in told['timeline']]
    check('the timeline has all of it', {w for w, _ in what} >= {'event', 'outcome', 'waiting', 'act', 'answer'} and
          [t['time'] for t in told['timeline']] == sorted(t['time'] for t in told['timeline']) and
          ('outcome', f'{partition}-{own[0]}') in what, told)
    check('a person\'s login is hidden', 'maria' not in r.out and told['record']['login'] == '***', r)
    r = at.stalker('explain', '400', '--show-data', '--json')
    check('--show-data shows it', r.rows()[0]['record']['login'] == 'maria.s', r)
    r = at.stalker('explain', '400')
    check('for people it is a page', r.status == 0 and 'service 400 at stalker' in r.out and 'block      blocked' in r.out and
          'now:' in r.out and 'contract.blocked came, sequence 40' in r.out and 'contract.blocked: applied, 1 calls, status 200' in r.out and
          'asked to release: ticket 9' in r.out and 'release: done' in r.out, r)
    at.tombstone('400', place)
    at.outcome('400', own[1], second, 'applied')
    at.outcome('400', own[2], third, 'stale')
    at.message('records.stalker', '400', {'partition': partition, 'provider': 'stalker', 'control': 5, 'approvals': []},
               key=f'partition:{partition}')
    told = at.stalker('explain', '400', '--json').rows()[0]
    check('when all is done, it says so', told['verdict'] == ['nothing waits: it is as its last events say'] and
          told['waiting'] == [] and told['unfinished'] == [] and 'paused' not in told, told)
    check('--limit keeps the last lines', len(at.stalker('explain', '400', '-n', '2', '--json').rows()[0]['timeline']) == 2)
    check('--since leaves out what is older', at.stalker('explain', '400', '--since', '0', '--json').rows()[0]['timeline'] == [])
    r = at.stalker('explain', '201', '--json')
    check('a letter that was dropped is no news, its story is', r.rows()[0]['letters'] == [] and
          any(t['what'] == 'dead_letter' for t in r.rows()[0]['timeline']), r)


def check_settings(at):
    """The pack, address and prefix of a settings file, and providers by their being in it."""
    settings = at.file('tvbridge.yaml', f'''kafka:
  brokers: {at.brokers}
  prefix: {at.prefix}
  partitions: {PARTITIONS}
redis: {{ host: 127.0.0.1 }}
providers:
  stalker:
    pack: stalker
    base_url: http://portal.test:88/api
    credentials:
      stalker: {{ username: billing, password: {PASSWORD} }}
''')
    r = run('dead', 'redrive', '-S', settings, '--service', '200', '--dry-run', '--json')
    calls = [c for row in r.rows() for c in row.get('calls', [])]
    check('a dry run takes the address of the settings, and no credentials', r.status == 0 and
          calls[0]['url'].startswith('http://portal.test:88/api/') and PASSWORD not in r.out, r)
    r = run('explain', '200', '-S', settings)
    check('explain looks at the settings\' platforms', r.status == 0 and 'service 200 at stalker' in r.out, r)
    r = run('waiting', 'list', '-S', settings, '--partitions', '5')
    check('another number of partitions is refused', r.status == 1 and '6 partitions' in r.err, r)


def checks(at):
    check_topics(at)
    dated, behind, retry, held, doubt, dead = check_waiting(at)
    for group, args in ((check_release, (dated, behind, retry)), (check_doubt, (doubt,)), (check_dead, (dead,)),
                        (check_provider, (held,)), (check_rebase, ()), (check_explain, ()), (check_settings, ())):
        try:
            group(at, *args)
        except Exception as problem:  # one broken check must not hide the others
            check(f'{group.__name__} ran to its end', False, repr(problem))


def main():
    check_usage()
    with tempfile.TemporaryDirectory() as folder:
        brokers, kafka = os.environ.get('TVB_BROKERS'), None
        if not brokers:
            out = subprocess.run([os.path.join(cli.ROOT, 'deploy/kafka/start'), '--background'], text=True, check=True,
                                 stdout=subprocess.PIPE).stdout
            kafka, port = map(int, re.search(r'pid=(\d+) port=(\d+)', out).groups())
            brokers = f'127.0.0.1:{port}'
        try:
            checks(Place(brokers, folder))
        finally:
            if kafka:
                os.kill(kafka, 15)
    print(f'{cli.passed} passed, {cli.failed} failed')
    return 1 if cli.failed else 0


if __name__ == '__main__':
    sys.exit(main())
