/* redis_scripts.c - what happens inside Redis. RELIABILITY.md section 3.
 *
 * Event hash (:e): st  H held, S sent, Q sent by an earlier owner and in doubt, D decided, X dead, C dead and dropped;
 *   fp fingerprint, fence, rnd (the round, from 2 on), tries, sent (when, ms of Redis' clock), steps, out (facts of the
 *   outcome), all (any step may be done: it was marked in a Redis that had forgotten its steps), crashes (owners that were at
 *   work on it when their claim was taken over, 1 to 3; 4: one of them on it alone), rest (its owner only waits), alone (its
 *   owner works nothing else). The owner of a sent one is its lane's.
 * Lane hash (:l): owner and until (the lease; owner "" when free), fence (the last one given), sent (key of the
 *   undecided event, "" when none), rec (the record), by (s: ordered by sequence, o: by offset, "" or none: by nothing yet),
 *   a:<axis> "<order>@<place> <event id>" last applied ("<order> <event id>" where the place is not known, "@<place>= " where it found
 *   all as it was to be).
 * The partition's set of accounts: the services whose `rec` says that the account exists. A script that sets a `rec` which says
 * otherwise than the one before it sets both, or neither.
 * While an event is S or Q, its lane's `sent` names it and no other event of the lane is claimed (PARK aside, which the
 * waiting topic follows): so an event's own fence is enough to tell whether the caller still holds it.
 *
 * All keys of a script are in KEYS; all numbers that matter come as text, since Lua's are doubles (microseconds
 * since 1970 fit: below 2^53). Few calls and arguments: each costs more than the Lua around it. So what is the same
 * for all events of a worker stands before each script: `lease` and `id_memory`, ms, and the facts of the outcomes
 * that CLAIM decides by itself from the record: `stale`, `repeated` or `unchanged`, and `superseded`, to which who did it is added;
 * in the round that the event is in. */
#include "io/redis_scripts.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/buf.h"

/* CLAIM. KEYS birth, event, lane, pause, 5.. the events that it covers: those that have to wait for it, then others. ARGV 1 birth mark,
 * 2 owner, 3 fingerprint, 4 fences start above this, 5 order, 6 by (s|o|""), 7 event id, 8 "1": a retry, "2": it may have been
 * sent though Redis does not know, "3": that, and it is worked alone, "4": alone, 9 event key, 10 place, 11 how many wait for it,
 * 12.. a:<axis> touched.
 * Answers {code, fence, record, facts or steps, ms left or ms since SENT}, what is claimed also whether any step may be done
 * and its crashes, what is decided whether it was dropped. The same owner asking again for its own SENT event gets the same
 * answer under a new fence: what it said under the earlier one, on a connection that broke, may come still, and does not speak
 * of this try. Numbers that are the clock's own are put together from its texts: string.format() of one costs as much as a call.
 * One that it covers is looked at first: decided, it is to be published first; of those that wait for it one that was sent, or has a step
 * done, goes on first, unless both are of an earlier owner's time and the caller has waited for the quarantine ("2"). Then, as when
 * another event of the lane is sent, the answer names that event's key in place of the facts.
 * Steps of a held one that have only read (workflow/run_save.c) are forgotten: others of its lane may have been worked since.
 * A take-over of the lane from an owner who was at work on its sent event counts a crash for that event, also when the claim is
 * another's that passes it.
 * An event that is not above what its axes hold was passed: by one of an earlier place, `stale`; by later ones alone,
 * `superseded`. */
static const char claim_text[] =
    "local call, K, A = redis.call, KEYS, ARGV\n"
    "local m = call('MGET', K[1], K[4])\n"
    "if m[1] ~= A[1] then return {9, '', '', '', 0} end\n"
    "local st = call('HGET', K[2], 'st')\n"
    "local e = st and call('HMGET', K[2], 'st', 'fp', 'fence', 'out', 'steps', 'sent', 'tries', 'all',"
    " 'rest', 'crashes', 'alone', 'rnd') or {}\n"
    "if st and e[2] ~= A[3] then return {6, '', '', '', 0} end\n"
    "local l = call('HMGET', K[3], 'owner', 'until', 'fence', 'sent', 'rec', 'by', 'a:existence', 'a:all',"
    " unpack(A, 12))\n"
    "local rec = l[5] or ''\n"
    "if st == 'D' or st == 'X' or st == 'C' then\n"
    "  return {2, e[3] or '', rec, e[4] or '', 0, st == 'C' and 1 or 0}\n"
    "end\n"
    "local t = call('TIME')\n"
    "local us = t[1] * 1000000 + t[2]\n"
    "local now = math.floor(us / 1000)\n"
    "local owner, sent = l[1] or '', l[4] or ''\n"
    "local maybe, wait = A[8] == '2' or A[8] == '3', 4 + A[11]\n"
    "if owner ~= '' or sent ~= '' then\n"
    "  local left = tonumber(l[2] or 0) - now\n"
    "  if owner ~= '' and owner ~= A[2] and left > 0 then return {3, '', '', '', left} end\n"
    "  if sent ~= '' and sent ~= A[9] then\n"
    "    local passed = nil\n"
    "    for i = 5, wait do if maybe and string.match(K[i], '.*:e:(.*)') == sent then passed = K[i] end end\n"
    "    if left < 100 then left = 100 end\n"
    "    if not passed then return {3, '', '', sent, left} end\n"
    "    local p = call('HMGET', passed, 'rest', 'crashes', 'alone')\n"
    "    if not p[1] and owner ~= '' and owner ~= A[2] then\n"
    "      call('HSET', passed, 'crashes', p[3] and 4 or math.min(3, (p[2] or 0) + 1))\n"
    "    end\n"
    "  end\n"
    "end\n"
    "for i = 5, #K do\n"
    "  local s = call('HMGET', K[i], 'st', 'steps')\n"
    "  if s[1] == 'D' or s[1] == 'X' or s[1] == 'C' or i <= wait and not maybe and (s[1] and s[1] ~= 'H' or s[2]) then\n"
    "    return {11, '', '', string.match(K[i], '.*:e:(.*)'), 0}\n"
    "  end\n"
    "end\n"
    "if (l[6] or '') ~= '' and A[6] ~= '' and l[6] ~= A[6] then return {7, '', rec, '', 0} end\n"
    "local micros = string.sub('00000' .. t[2], -6)\n"
    "local above = math.max(tonumber(l[3]) or 0, tonumber(e[3]) or 0, tonumber(A[4]) or 0)\n"
    "local f = us > above and t[1] .. micros or string.format('%.0f', above + 1)\n"
    "local last, from = l, 7\n"
    "for i = 12, #A do if A[i] == 'a:all' then from = 1 end end\n"
    "if from == 1 then\n"
    "  last = {}\n"
    "  local h = call('HGETALL', K[3])\n"
    "  for i = 1, #h, 2 do if string.sub(h[i], 1, 2) == 'a:' then last[#last + 1] = h[i + 1] end end\n"
    "end\n"
    "local was, same, by = 0\n"
    "for i = from, #last do\n"
    "  local o = last[i] and string.sub(last[i], 1, 32)\n"
    "  if o and A[5] <= o then\n"
    "    local place, kept, id = string.match(string.sub(last[i], 33), '^@(%d+)(=?) (.*)$')\n"
    "    id = id or string.sub(last[i], 34)\n"
    "    if o == A[5] and id == A[7] then was, same = 2, kept == '=' break end\n"
    "    if not place or (tonumber(A[10]) or math.huge) >= tonumber(place) then was = 1\n"
    "    elseif was == 0 then was, by = 7, id end\n"
    "  end\n"
    "end\n"
    "if was > 0 then\n"
    "  local facts = was == 2 and (same and unchanged or repeated) or stale\n"
    "  if was == 7 then\n"
    "    facts = string.sub(superseded, 1, -2) .. ',\"by\":\"' .. string.gsub(by, '[\"\\\\]', '\\\\%0') .. '\"}'\n"
    "  end\n"
    "  if e[12] then facts = string.gsub(facts, '\"round\":1', '\"round\":' .. e[12], 1) end\n"
    "  call('HSET', K[2], 'st', 'D', 'fp', A[3], 'fence', f, 'out', facts)\n"
    "  call('PEXPIRE', K[2], id_memory)\n"
    "  call('HSET', K[3], 'fence', f, 'owner', '', 'sent', '')\n"
    "  return {3 + was, f, rec, facts, 0}\n"
    "end\n"
    "local pause = tonumber(m[2] or 0)\n"
    "if pause > now then return {8, '', rec, '', pause - now} end\n"
    "local till = string.format('%.0f', now + lease)\n"
    "local at = t[1] .. string.sub(micros, 1, 3)\n"
    "local tries = e[7] and e[7] + 1 or '1'\n"
    "local steps = e[5] or ''\n"
    "if st == 'H' and steps ~= '' and not string.find(steps, '\"changed\":true', 1, true) then\n"
    "  call('HDEL', K[2], 'steps')\n"
    "  steps = ''\n"
    "end\n"
    "local alone = A[8] == '3' or A[8] == '4'\n"
    "local crashes = tonumber(e[10] or 0)\n"
    "if e[9] or e[11] then call('HDEL', K[2], 'rest', 'alone') end\n"
    "if (st == 'S' or st == 'Q') and owner ~= '' and owner ~= A[2] and not e[9] then\n"
    "  crashes = e[11] and 4 or crashes > 2 and crashes or crashes + 1\n"
    "  call('HSET', K[2], 'crashes', crashes)\n"
    "end\n"
    "if alone then call('HSET', K[2], 'alone', '1') end\n"
    "if maybe then call('HSET', K[2], 'all', '1') end\n"
    "local any = (maybe or e[8]) and 1 or 0\n"
    "if (st == 'S' or st == 'Q') and owner == A[2] then\n"
    "  call('HSET', K[3], 'until', till, 'fence', f)\n"
    "  call('HSET', K[2], 'fence', f, 'tries', A[8] == '1' and tries or e[7] or '1')\n"
    "  if st == 'S' and not maybe then\n"
    "    call('HSET', K[2], 'sent', at)\n"
    "    return {0, f, rec, steps, 0, any, crashes}\n"
    "  end\n"
    "  return {1, f, rec, steps, now - tonumber(e[6] or now), any, crashes}\n"
    "end\n"
    "call('HSET', K[3], 'owner', A[2], 'until', till, 'fence', f, 'sent', A[9])\n"
    "if st == 'S' or st == 'Q' then\n"
    "  call('HSET', K[2], 'st', 'Q', 'fence', f)\n"
    "  return {1, f, rec, steps, now - tonumber(e[6] or now), any, crashes}\n"
    "end\n"
    "call('HSET', K[2], 'st', maybe and 'Q' or 'S', 'fp', A[3], 'fence', f, 'tries', tries, 'sent', at)\n"
    "if st then call('PERSIST', K[2]) end\n"
    "return {maybe and 1 or 0, f, rec, steps, 0, any, crashes}\n";

/* What DECIDE and MERGE are told of the account with a record: KEYS 4 the partition's set of accounts, and as the last of ARGV "+<service>"
 * where it exists, "-<service>" where it does not. */
#define TAKE_ACCOUNT_TEXT "local account = K[4] and table.remove(A)\n"
#define SET_ACCOUNT_TEXT                                                                                               \
    "if account then\n"                                                                                                \
    "  call(string.sub(account, 1, 1) == '+' and 'SADD' or 'SREM', K[4], string.sub(account, 2))\n"                    \
    "end\n"

/* DECIDE. KEYS birth, event, lane. ARGV 1 birth mark, 2 fence, 3 facts, 4 state (D|X); with a record 5 record,
 * 6 by (s|o|"": as it was), 7.. a:<axis>, "<order>@<place> <event id>" of each touched; the account where the record changes that. A
 * held event (released, and not claimed by anyone since) may be decided too; its lane may be another event's by then and is left
 * alone but for the record. A dead one keeps its steps: a redrive goes on after them. */
static const char decide_text[] =
    "local call, K, A = redis.call, KEYS, ARGV\n"
    "if call('GET', K[1]) ~= A[1] then return 2 end\n"
    "local e = call('HMGET', K[2], 'st', 'fence', 'steps', 'crashes')\n"
    "local st = e[1]\n"
    "if e[2] ~= A[2] then return 1 end\n"
    "if st == 'D' or st == 'X' or st == 'C' then return 0 end\n"
    TAKE_ACCOUNT_TEXT SET_ACCOUNT_TEXT
    "local by = A[6]\n"
    "if by == '' then by = call('HGET', K[3], 'by') or '' end\n"
    "if st ~= 'H' and A[5] then\n"
    "  call('HSET', K[3], 'owner', '', 'sent', '', 'rec', A[5], 'by', by, unpack(A, 7))\n"
    "elseif A[5] then call('HSET', K[3], 'rec', A[5], 'by', by, unpack(A, 7))\n"
    "elseif st ~= 'H' then call('HSET', K[3], 'owner', '', 'sent', '') end\n"
    "call('HSET', K[2], 'st', A[4], 'out', A[3])\n"
    "if e[3] and A[4] == 'D' then call('HDEL', K[2], 'steps') end\n"
    "if e[4] then call('HDEL', K[2], 'crashes', 'alone') end\n"
    "call('PEXPIRE', K[2], id_memory)\n"
    "return 0\n";

/* What STEP, RELEASE and RENEW begin with. KEYS birth, event, lane. ARGV 1 birth mark, 2 fence. */
#define HOLDER_TEXT                                                                                                    \
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"                                                     \
    "local e = redis.call('HMGET', KEYS[2], 'st', 'fence')\n"                                                          \
    "local st = e[1]\n"                                                                                                \
    "if e[2] ~= ARGV[2] then return 1 end\n"
#define NOW_TEXT                                                                                                       \
    "local t = redis.call('TIME')\n"                                                                                   \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

/* STEP. ARGV 3 steps, 4 the lane's record, where something was remembered before the next step. That step is SENT by this
 * call: a doubt before it is settled. The account exists as before. */
static const char step_text[] = HOLDER_TEXT "if st ~= 'S' and st ~= 'Q' then return 1 end\n" NOW_TEXT
    "redis.call('HSET', KEYS[2], 'st', 'S', 'steps', ARGV[3], 'sent', string.format('%.0f', now))\n"
    "redis.call('HSET', KEYS[3], 'until', string.format('%.0f', now + lease))\n"
    "if ARGV[4] then redis.call('HSET', KEYS[3], 'rec', ARGV[4]) end\n"
    "return 0\n";

/* RELEASE. A held event that nobody takes again is forgotten as decided ones are. */
static const char release_text[] = HOLDER_TEXT
    "if st == 'H' then return 0 end\n"
    "if st ~= 'S' and st ~= 'Q' then return 1 end\n"
    "redis.call('HSET', KEYS[2], 'st', 'H')\n"
    "redis.call('PEXPIRE', KEYS[2], id_memory)\n"
    "redis.call('HSET', KEYS[3], 'owner', '', 'sent', '')\n"
    "return 0\n";

/* MERGE: what Kafka says, into a Redis that may have forgotten it; forward only. KEYS birth, event, lane. ARGV 1 birth mark,
 * 2 fence, 3 fingerprint ("": no event), 4 state (D|X), 5 facts, 6 event key, 7 record ("": none), 8 by (s|o|""),
 * 9.. a:<axis>, "<order>@<place> <event id>" of each axis of the record; the account, with a record. An event is taken when it is not decided in the facts' round
 * or a later one. A record is taken, with its axes, when its fence is not below
 * that of the one that is there: each record has all axes of its service, and only an act (redis_rebase.c) sets one back.
 * An unfinished one never takes the place of that which its claim ended with. */
static const char merge_text[] =
    "local call, K, A = redis.call, KEYS, ARGV\n"
    "if call('GET', K[1]) ~= A[1] then return 2 end\n"
    TAKE_ACCOUNT_TEXT
    "local l = call('HMGET', K[3], 'fence', 'sent', 'rec', 'by')\n"
    "if A[3] ~= '' then\n"
    "  local e = call('HMGET', K[2], 'st', 'rnd')\n"
    "  local st, was = e[1], tonumber(e[2]) or 1\n"
    "  local round = tonumber(string.match(A[5], '\"round\":(%d+)')) or 1\n"
    "  if round > was or (round == was and st ~= 'D' and st ~= 'X' and st ~= 'C') then\n"
    "    call('HSET', K[2], 'st', A[4], 'fp', A[3], 'fence', A[2], 'out', A[5])\n"
    "    if round > 1 then call('HSET', K[2], 'rnd', string.format('%.0f', round)) end\n"
    "    call('HDEL', K[2], 'steps')\n"
    "    call('PEXPIRE', K[2], id_memory)\n"
    "    if l[2] == A[6] then call('HSET', K[3], 'owner', '', 'sent', '') end\n"
    "  end\n"
    "end\n"
    "local mine = tonumber(A[2]) or 0\n"
    "if mine > (tonumber(l[1]) or 0) then call('HSET', K[3], 'fence', A[2]) end\n"
    "if A[7] ~= '' then\n"
    "  local was = l[3] and tonumber(string.match(l[3], '\"fence\":\"(%d+)\"') or 0) or -1\n"
    "  local mark = '\"unfinished\":\"' .. A[2] .. '\"'\n"
    "  local undoes = mine == was and string.find(A[7], mark, 1, true) and not string.find(l[3], mark, 1, true)\n"
    "  if mine >= was and not undoes then\n"
    "    call('HSET', K[3], 'rec', A[7])\n"
    SET_ACCOUNT_TEXT
    "  end\n"
    "  if A[8] ~= '' and ((l[4] or '') == '' or mine > was) then call('HSET', K[3], 'by', A[8]) end\n"
    "  for i = 9, mine >= was and #A or 0, 2 do\n"
    "    local h = mine == was and call('HGET', K[3], A[i])\n"
    "    if not h or string.sub(h, 1, 32) < string.sub(A[i + 1], 1, 32) then call('HSET', K[3], A[i], A[i + 1]) end\n"
    "  end\n"
    "end\n"
    "return 0\n";

/* RENEW. */
static const char renew_text[] = HOLDER_TEXT "if st ~= 'S' and st ~= 'Q' then return 1 end\n" NOW_TEXT
    "redis.call('HSET', KEYS[3], 'until', string.format('%.0f', now + lease))\n"
    "return 0\n";

/* PARK: the event is in doubt. Whoever works it next finds it so; its lane waits for it, until ARGV 3 says that the waiting topic
 * has it, which the lane follows then. Also for a Redis that came back from before it: then the fence that it holds is an older one. */
static const char park_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local e = redis.call('HMGET', KEYS[2], 'st', 'fence')\n"
    "if (tonumber(e[2]) or 0) > (tonumber(ARGV[2]) or 0) or (e[1] ~= 'S' and e[1] ~= 'Q') then return 1 end\n"
    "redis.call('HSET', KEYS[2], 'st', 'Q')\n"
    "if redis.call('HGET', KEYS[3], 'sent') ~= string.match(KEYS[2], '.*:e:(.*)') then return 0 end\n"
    "redis.call('HSET', KEYS[3], 'owner', '')\n"
    "if ARGV[3] then redis.call('HSET', KEYS[3], 'sent', '') end\n"
    "return 0\n";

/* REOPEN: the event is worked in another round. ARGV 2 round. Refused when it was decided in that round or a later one, or dropped. */
static const char reopen_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local e = redis.call('HMGET', KEYS[2], 'st', 'rnd')\n"
    "local st, was = e[1], tonumber(e[2]) or 1\n"
    "if not st then return 0 end\n"
    "if st == 'C' then return 1 end\n"
    "local decided = st == 'D' or st == 'X'\n"
    "if was >= tonumber(ARGV[2]) then return decided and 1 or 0 end\n"
    "redis.call('HSET', KEYS[2], 'rnd', ARGV[2])\n"
    "if decided then redis.call('HSET', KEYS[2], 'st', 'H') end\n"
    "return 0\n";

/* CLOSE: a dead event was dropped. ARGV 2 the round in which it died. */
static const char close_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local e = redis.call('HMGET', KEYS[2], 'st', 'rnd')\n"
    "if e[1] ~= 'X' or (tonumber(e[2]) or 1) ~= tonumber(ARGV[2]) then return 1 end\n"
    "redis.call('HSET', KEYS[2], 'st', 'C')\n"
    "return 0\n";

/* REST: nothing is done under the claim until it is taken anew. */
static const char rest_text[] = HOLDER_TEXT
    "if st == 'S' or st == 'Q' then redis.call('HSET', KEYS[2], 'rest', '1') end\n"
    "return 0\n";

/* SLOTS: a worker's leases, where the provider takes fewer calls at once than there are partitions (RELIABILITY.md section 8).
 * KEYS birth, slots. ARGV 1 birth mark, 2 worker, 3 how many leases it has, 4 how many more it wants, 5 how many there are, 6 which of
 * the worker's questions this is.
 * Answers {how many it has now, how many others wait for some of these}.
 * Slots hash: for each worker "<leases>/<their end>/<place>/<when it asked>/<question>", ms of Redis' clock. Place: in the line of those
 * who wait, 0: it does not; it ends when its worker has not asked for 2 s.
 * A question that was written to a connection which is no more may be read behind those of the next one: it changes nothing, and nobody
 * hears the answer.
 * What the worker says that it has is written as it says: calls are made with them. Where that is more than there are, since Redis
 * forgot what it gave to others, it keeps fewer, and begins no call with the rest: so a Redis that forgets lets too many through
 * for the time of one lease at most. With fewer than before it gave back, and its place is the last.
 * First is who has least, then who waits longest; each that waits is given one before anybody is given a second one, and goes
 * behind the others for more. A worker is to give back to those who have none, and to those who have two fewer than it has. */
static const char slots_text[] =
    "local call, K, A = redis.call, KEYS, ARGV\n"
    "if call('GET', K[1]) ~= A[1] then return 2 end\n"
    "local t = call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local has, wants, max = tonumber(A[3]), tonumber(A[4]), tonumber(A[5])\n"
    "local place, last, taken, line = 0, 0, 0, {}\n"
    "local all = call('HGETALL', K[2])\n"
    "for i = 1, #all, 2 do\n"
    "  local n, till, at, asked, question = string.match(all[i + 1], '^(%d+)/(%d+)/(%d+)/(%d+)/(%d+)$')\n"
    "  n = tonumber(till) > now and tonumber(n) or 0\n"
    "  at = asked + 2000 > now and tonumber(at) or 0\n"
    "  if all[i] == A[2] then\n"
    "    if tonumber(question) > tonumber(A[6]) then return {0, 0} end\n"
    "    if has >= n then place = at end\n"
    "  elseif n == 0 and at == 0 then call('HDEL', K[2], all[i])\n"
    "  else\n"
    "    taken, last = taken + n, math.max(last, at)\n"
    "    if at > 0 then line[#line + 1] = {n, at} end\n"
    "  end\n"
    "end\n"
    "local free, before, more = max - taken - has, 0, 0\n"
    "for _, w in ipairs(line) do\n"
    "  if w[1] < has or w[1] == has and (place == 0 or w[2] < place) then before = before + 1 end\n"
    "end\n"
    "if free < 0 then more = math.max(free, -has)\n"
    "elseif wants > 0 and free > before then more = math.max(1, math.min(wants, free - #line)) end\n"
    "if wants == 0 or more == wants then place = 0\n"
    "elseif more > 0 or place == 0 then place = last + 1 end\n"
    "has = has + more\n"
    "local others = math.min(0, more - free)\n"
    "for _, w in ipairs(line) do\n"
    "  if w[1] == 0 or w[1] + 1 < has then others = others + 1 end\n"
    "end\n"
    "if has + place == 0 then call('HDEL', K[2], A[2])\n"
    "else\n"
    "  call('HSET', K[2], A[2], string.format('%d/%.0f/%d/%.0f/%s', has, now + lease, place, now, A[6]))\n"
    "  call('PEXPIRE', K[2], lease)\n"
    "end\n"
    "return {has, has > 0 and math.max(0, others) or 0}\n";

static const char *text_of(enum script_id id)
{
    switch (id) {
    case SCRIPT_CLAIM:
        return claim_text;
    case SCRIPT_DECIDE:
        return decide_text;
    case SCRIPT_STEP:
        return step_text;
    case SCRIPT_RELEASE:
        return release_text;
    case SCRIPT_RENEW:
        return renew_text;
    case SCRIPT_MERGE:
        return merge_text;
    case SCRIPT_PARK:
        return park_text;
    case SCRIPT_REOPEN:
        return reopen_text;
    case SCRIPT_CLOSE:
        return close_text;
    case SCRIPT_REST:
        return rest_text;
    case SCRIPT_SLOTS:
        return slots_text;
    case SCRIPT_COUNT:
        break;
    }
    return NULL;
}

char *redis_script_new(enum script_id id, const struct redis_script_constants *c)
{
    struct buf text;
    buf_init(&text, 16384);
    buf_addf(&text, "local lease, id_memory = %" PRId64 ", '%" PRId64 "'\n", c->lease_ms, c->id_memory_ms);
    if (id == SCRIPT_CLAIM)
        buf_addf(&text, "local stale, repeated, unchanged, superseded = [==[%s]==], [==[%s]==], [==[%s]==], [==[%s]==]\n", c->stale_facts,
                 c->repeated_facts, c->unchanged_facts, c->superseded_facts);
    buf_adds(&text, text_of(id));
    char *ret = buf_steal(&text, NULL);
    buf_fini(&text);
    return ret;
}
