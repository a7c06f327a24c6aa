/* redis_scripts.c - what happens inside Redis. RELIABILITY.md section 3.
 *
 * Event hash (:e): st  H held, S sent, Q sent by an earlier owner and in doubt, D decided, X dead;
 *   fp fingerprint, fence, tries, sent (when, ms of Redis' clock), steps, out (facts of the outcome). The owner of a
 *   sent one is its lane's.
 * Lane hash (:l): owner and until (the lease; owner "" when free), fence (the last one given), sent (key of the
 *   undecided event, "" when none), rec (the record), by (s: ordered by sequence, o: by offset),
 *   a:<axis> "<order> <event id>" last applied.
 * While an event is S or Q, its lane's `sent` names it and no other event of the lane is claimed: so an event's own
 * fence is enough to tell whether the caller still holds it.
 *
 * All keys of a script are in KEYS; all numbers that matter come as text, since Lua's are doubles (microseconds
 * since 1970 fit: below 2^53). Few calls: each costs more than the Lua around it. */
#include "io/redis_scripts.h"

#include <stddef.h>

/* CLAIM. KEYS birth, event, lane, pause. ARGV 1 birth mark, 2 owner, 3 lease ms, 4 id_memory ms, 5 fingerprint,
 * 6 fences start above this, 7 order, 8 by (s|o), 9 event id, 10 "1": a retry, 11 event key, 12 facts when stale,
 * 13 facts when repeated, 14.. a:<axis> touched.
 * Answers {code, fence, record, facts or steps, ms left or ms since SENT}. The same owner asking again for its own
 * SENT event gets the same answer and fence: its reply was lost. */
static const char claim_text[] =
    "local m = redis.call('MGET', KEYS[1], KEYS[4])\n"
    "if m[1] ~= ARGV[1] then return {9, '', '', '', 0} end\n"
    "local e = redis.call('HMGET', KEYS[2], 'st', 'fp', 'fence', 'out', 'steps', 'sent', 'tries')\n"
    "local st = e[1]\n"
    "if st and e[2] ~= ARGV[5] then return {6, '', '', '', 0} end\n"
    "local l = redis.call('HMGET', KEYS[3], 'owner', 'until', 'fence', 'sent', 'rec', 'by', 'a:existence', 'a:all',"
    " unpack(ARGV, 14))\n"
    "local rec = l[5] or ''\n"
    "if st == 'D' or st == 'X' then return {2, e[3] or '', rec, e[4] or '', 0} end\n"
    "local t = redis.call('TIME')\n"
    "local us = t[1] * 1000000 + t[2]\n"
    "local now = math.floor(us / 1000)\n"
    "local left = tonumber(l[2] or 0) - now\n"
    "local owner = l[1] or ''\n"
    "if owner ~= '' and owner ~= ARGV[2] and left > 0 then return {3, '', '', '', left} end\n"
    "local sent = l[4] or ''\n"
    "if sent ~= '' and sent ~= ARGV[11] then\n"
    "  if left < 100 then left = 100 end\n"
    "  return {3, '', '', '', left}\n"
    "end\n"
    "if l[6] and l[6] ~= ARGV[8] then return {7, '', rec, '', 0} end\n"
    "local function fence()\n"
    "  local f = us\n"
    "  for _, v in ipairs({l[3] or 0, e[3] or 0, ARGV[6]}) do\n"
    "    v = tonumber(v) or 0\n"
    "    if f <= v then f = v + 1 end\n"
    "  end\n"
    "  return string.format('%.0f', f)\n"
    "end\n"
    "local was = 0\n"
    "local function compare(v)\n"
    "  if not v or was == 2 then return end\n"
    "  local o = string.sub(v, 1, 32)\n"
    "  if o == ARGV[7] and string.sub(v, 34) == ARGV[9] then was = 2\n"
    "  elseif ARGV[7] <= o then was = 1 end\n"
    "end\n"
    "local all = false\n"
    "for i = 14, #ARGV do if ARGV[i] == 'a:all' then all = true end end\n"
    "if all then\n"
    "  local h = redis.call('HGETALL', KEYS[3])\n"
    "  for i = 1, #h, 2 do if string.sub(h[i], 1, 2) == 'a:' then compare(h[i + 1]) end end\n"
    "else\n"
    "  for i = 7, #ARGV - 5 do compare(l[i]) end\n"
    "end\n"
    "if was > 0 then\n"
    "  local f = fence()\n"
    "  local facts = ARGV[11 + was]\n"
    "  redis.call('HSET', KEYS[2], 'st', 'D', 'fp', ARGV[5], 'fence', f, 'out', facts)\n"
    "  redis.call('PEXPIRE', KEYS[2], ARGV[4])\n"
    "  redis.call('HSET', KEYS[3], 'fence', f, 'owner', '', 'sent', '')\n"
    "  return {3 + was, f, rec, facts, 0}\n"
    "end\n"
    "local pause = tonumber(m[2] or 0)\n"
    "if pause > now then return {8, '', rec, '', pause - now} end\n"
    "local lease = string.format('%.0f', now + ARGV[3])\n"
    "local tries = tonumber(e[7] or 0)\n"
    "local steps = e[5] or ''\n"
    "if (st == 'S' or st == 'Q') and owner == ARGV[2] then\n"
    "  redis.call('HSET', KEYS[3], 'until', lease)\n"
    "  if ARGV[10] == '1' then redis.call('HSET', KEYS[2], 'tries', tries + 1) end\n"
    "  if st == 'S' then\n"
    "    redis.call('HSET', KEYS[2], 'sent', string.format('%.0f', now))\n"
    "    return {0, e[3], rec, steps, 0}\n"
    "  end\n"
    "  return {1, e[3], rec, steps, now - tonumber(e[6] or now)}\n"
    "end\n"
    "local f = fence()\n"
    "redis.call('HSET', KEYS[3], 'owner', ARGV[2], 'until', lease, 'fence', f, 'sent', ARGV[11])\n"
    "if st == 'S' or st == 'Q' then\n"
    "  redis.call('HSET', KEYS[2], 'st', 'Q', 'fence', f)\n"
    "  return {1, f, rec, steps, now - tonumber(e[6] or now)}\n"
    "end\n"
    "redis.call('HSET', KEYS[2], 'st', 'S', 'fp', ARGV[5], 'fence', f, 'tries', tries + 1,"
    " 'sent', string.format('%.0f', now))\n"
    "if st then redis.call('PERSIST', KEYS[2]) end\n"
    "return {0, f, rec, steps, 0}\n";

/* DECIDE. KEYS birth, event, lane. ARGV 1 birth mark, 2 fence, 3 facts, 4 state (D|X), 5 id_memory ms, 6 "1": with a
 * record, 7 record, 8 "<order> <event id>", 9 by (s|o), 10.. a:<axis> to set. A held event (released, and not
 * claimed by anyone since) may be decided too; its lane may be another event's by then and is left alone. */
static const char decide_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local e = redis.call('HMGET', KEYS[2], 'st', 'fence', 'steps')\n"
    "local st = e[1]\n"
    "if e[2] ~= ARGV[2] then return 1 end\n"
    "if st == 'D' or st == 'X' then return 0 end\n"
    "local set = {}\n"
    "if st ~= 'H' then set = {'owner', '', 'sent', ''} end\n"
    "if ARGV[6] == '1' then\n"
    "  local n = #set\n"
    "  set[n + 1] = 'rec' set[n + 2] = ARGV[7] set[n + 3] = 'by' set[n + 4] = ARGV[9]\n"
    "  n = n + 4\n"
    "  for i = 10, #ARGV do set[n + 1] = ARGV[i] set[n + 2] = ARGV[8] n = n + 2 end\n"
    "end\n"
    "if #set > 0 then redis.call('HSET', KEYS[3], unpack(set)) end\n"
    "redis.call('HSET', KEYS[2], 'st', ARGV[4], 'out', ARGV[3])\n"
    "if e[3] then redis.call('HDEL', KEYS[2], 'steps') end\n"
    "redis.call('PEXPIRE', KEYS[2], ARGV[5])\n"
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

/* STEP. ARGV 3 lease ms, 4 steps. The next step is SENT by this call: a doubt before it is settled. */
static const char step_text[] = HOLDER_TEXT "if st ~= 'S' and st ~= 'Q' then return 1 end\n" NOW_TEXT
    "redis.call('HSET', KEYS[2], 'st', 'S', 'steps', ARGV[4], 'sent', string.format('%.0f', now))\n"
    "redis.call('HSET', KEYS[3], 'until', string.format('%.0f', now + ARGV[3]))\n"
    "return 0\n";

/* RELEASE. ARGV 3 id_memory ms: a held event that nobody takes again is forgotten as decided ones are. */
static const char release_text[] = HOLDER_TEXT
    "if st == 'H' then return 0 end\n"
    "if st ~= 'S' and st ~= 'Q' then return 1 end\n"
    "redis.call('HSET', KEYS[2], 'st', 'H')\n"
    "redis.call('PEXPIRE', KEYS[2], ARGV[3])\n"
    "redis.call('HSET', KEYS[3], 'owner', '', 'sent', '')\n"
    "return 0\n";

/* RENEW. ARGV 3 lease ms. */
static const char renew_text[] = HOLDER_TEXT "if st ~= 'S' and st ~= 'Q' then return 1 end\n" NOW_TEXT
    "redis.call('HSET', KEYS[3], 'until', string.format('%.0f', now + ARGV[3]))\n"
    "return 0\n";

const char *redis_script_text(enum script_id id)
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
    case SCRIPT_COUNT:
        break;
    }
    return NULL;
}
