/* takeover.pml - one lane of one partition, from owner to owner: what a new owner may believe after crashes, pauses and losses of
 * Redis, and superseding. One claim in full is claim.pml, entries that run again are waiting.pml; this checks the rules between claims
 * (RELIABILITY.md 1, 2, 3, 4 and 6). README.md has the results.
 *
 * Two workers; events 0..NE-1, offset = order - 1. Kafka: watermark, `ceil` and `redis` of the metadata, out[] outcomes and waiting entries
 * (`done` is left out, as if it were always dropped). Redis, as in worker/io/redis_scripts.c: st[] of :e (H held, S sent, Q sent by an
 * earlier owner, D decided, X set aside), of :l `sent`, `until` (time is left), `owner` (by number of the assignment), rec (the record's
 * axes). It changes identity when it fails over (older copy) or is emptied. Provider: what landed, a request late in the network. QUIET: Q
 * has passed. A pause is a worker that is not scheduled. Kafka's commit is fenced by gen.
 *
 * Superseding: a newer event that covers older ones is called first; its outcome is decided, published and acknowledged; only then are the
 * older ones decided `superseded` and published, each after the one before; refused, they run; set aside, they are set aside with it.
 *
 * Left out: entries released again; keyed; workflows of more than one step; operators' acts; sequence numbers that do not grow with the
 * offset; more than one lane; a connection to Redis that is not told of a fail-over.
 *
 * class:   (none) query | -DNEVER | -DSAFE (with -DREJ=0: an absolute state is not refused the second time)
 * lane:    (none) 1 covers 0, 2 on another axis | -DAPART no two share an axis | -DSHARE one axis, no cover | -DTRIO 2 covers 1, 0 apart
 *          | -DCHAIN newer covers all older
 * size:    -DNE= -DCRASH= -DLOSS= -DREB= -DTMO= -DREJ= -DGIVE= (claimed ahead of a slot and given back)
 *          -DARRIVED all events are there from the start (smaller)
 * A switch takes a rule away or puts an older text back:
 * section 4: -DTRUSTALL -DTAGEARLY -DTAGUNMARKED -DFIRSTONLY -DENDEARLY -DOUTEARLY -DFIRSTPARKED -DCANARY [-DOWNFIRST]
 * section 3: -DNOUND -DUNDOLD -DUNDLOST -DMARKUNFENCED -DMARKBACK -DFACTLATE -DNOCOVKEYS -DWAITLATER -DRELEASEDOUBT -DRELEASEUNFENCED
 *            -DANSWERONLY (this one: pan -l)
 * section 1: -DSUPEARLY -DSUPANYHOW -DDOUBTPASS -DCOVANY -DNOSTALE -DSTALEWORD; 2: -DNOACKWAIT -DPUBAPPLIED -DPUBDECIDED;
 *         6: -DNOQ -DNOREREAD -DSAFENOW -DSAFEEARLY */
#ifndef NE
#define NE 2
#endif
#ifndef CRASH
#define CRASH 1
#endif
#ifndef LOSS
#define LOSS 1
#endif
#ifndef REB
#define REB 1
#endif
#ifndef TMO
#define TMO 1
#endif
#ifndef REJ
#define REJ 1
#endif
#ifndef GIVE
#define GIVE 0
#endif
#if defined(APART)
#define COV(n, o) false
#define AX(e) (e)
#elif defined(SHARE)
#define COV(n, o) false
#define AX(e) 0
#elif defined(TRIO)
#define COV(n, o) ((n) == 2 && (o) == 1)
#define AX(e) ((e) > 0)
#elif defined(CHAIN)
#define COV(n, o) ((n) > (o))
#define AX(e) 0
#else
#define COV(n, o) ((n) == 1 && (o) == 0)
#define AX(e) ((e) == 2)
#endif
#define HOLDSBACK(n, o) (AX(n) == AX(o) && !COV(n, o))

#define NONE 0          /* outcomes; st[] of a decided event is 1 + outcome */
#define APPLIED 1
#define REJECTED 2
#define SUPERSEDED 3
#define WAITING 4       /* a waiting entry: not final */
#ifdef STALEWORD        /* what the record answers has another name than what is settled with a newer event */
#define BY_RECORD 5
#else
#define BY_RECORD SUPERSEDED
#endif
#define ABSENT 0        /* st[], as in worker/io/redis_scripts.c; a decided one is D + its outcome, D + WAITING is X */
#define H 1             /* held: given back, nothing of it was sent */
#define S 2             /* sent */
#define Q 3             /* sent by an earlier owner, in doubt */
#define D 3
#define IS_SENT(x) ((x) == S || (x) == Q)
#define FLY 1           /* call[w] */
#define OK 2
#define NOK 3
#define LOST 4
#define NOBODY 255
#define BIT(m, i) (((m) >> (i)) & 1)

/* Kafka */
#ifdef ARRIVED          /* all events are there from the start: smaller */
#define END0 NE
#else
#define END0 1
#endif
byte watermark, ceil, end = END0, gen, group, redis, out[NE];
/* Redis, and the replica that it may fail over to */
byte rid, st[NE], sent, owner, rec[NE]; bool until;
byte sst[NE], ssent, sowner, srec[NE]; bool suntil;
/* workers: assignment, ownership proven, call in flight, produce in flight; provider */
byte mg[2] = NOBODY, call[2], cev[2], pub[2], pev[2]; bool hold[2], kill[2];
byte late[NE], eff[NE], last[NE];
byte ncrash, nloss, nsnap, nreb, ntmo, nrej, ngive;

#ifdef CANARY           /* the first draft's check: run id, and a counter for each worker; emptying keeps the run id */
byte can[2], mycan[2], tagw, tagcan; bool seen[2];
#define BEHIND (rid != myr || can[me] < mycan[me] || seen[me])
#define BUMP(w) if :: can[w] < 2 -> can[w]++ :: else fi; mycan[w] = can[w]
#define TAGOK (redis == rid && can[tagw] >= tagcan && can[me] >= mycan[me] && !seen[me])
#define SET_REDIS redis = myr; tagw = me; tagcan = mycan[me]
#else                   /* mended: a birth mark in Redis, checked inside every script */
#define BEHIND (rid != myr)
#define BUMP(w) skip
#define TAGOK (redis == rid)
#define SET_REDIS redis = myr
#endif

#if NE > 2
#define NOLATE (late[0] == 0 && late[1] == 0 && late[2] == 0)
#else
#define NOLATE (late[0] == 0 && late[1] == 0)
#endif
#ifdef NOQ
#define QUIET true
#else
#define QUIET (NOLATE && !hold[1 - me] && call[1 - me] != FLY && pub[0] == NONE && pub[1] == NONE)
#endif
#ifdef FACTLATE
#define FACTOK true
#else
#define FACTOK false            /* a fenced group decides nothing, whatever it knows */
#endif
#if defined(PUBAPPLIED)
#define MAYPUB (kind == APPLIED)
#elif defined(PUBDECIDED)
#define MAYPUB (kind == REJECTED && ok)
#else
#define MAYPUB false
#endif
#ifdef NOACKWAIT
#define SETTLED(i) (BIT(kn, i) && out[i] != NONE)
#else
#define SETTLED(i) BIT(kn, i)
#endif
#ifdef DOUBTPASS
#define PASSOK true
#define PASSQ 0
#else
#define PASSOK QUIET
#define PASSQ 1
#endif
#define NEWS(i) ((!BIT(kn, i) || BIT(pk, i)) && out[i] != NONE && out[i] != WAITING)
#define MINE (gen == mg[me])
#define LIVE(w) (mg[w] == owner && (hold[w] || call[w] == FLY))

/* reads the outcomes and the waiting entries to their end */
inline read_out() {
  d_step { i = 0; kn = 0; pk = 0;
  do
  :: i < NE -> if :: out[i] != NONE -> kn = kn | (1 << i) :: else fi;
       if :: out[i] == WAITING -> pk = pk | (1 << i) :: else fi; i++
  :: else -> break
  od; i = 0 }
}
/* Redis not believed: the lane's first open event and the newer ones that cover it */
inline find_doubts() {
  d_step { i = 0; o = NE; dbt = 0;
  do
  :: i < lim ->
       if
#ifdef FIRSTPARKED
       :: !BIT(kn, i) || BIT(pk, i) ->
#else
       :: !BIT(kn, i) ->
#endif
            if
            :: o == NE -> o = i; dbt = 1 << i
#ifndef FIRSTONLY
            :: o < NE && COV(i, o) -> dbt = dbt | (1 << i)
#endif
            :: else
            fi
       :: else
       fi; i++
  :: else -> break
  od; i = 0; o = 0 }
}
inline first_open() { d_step { e = 0; do :: e < NE && BIT(kn, e) -> e++ :: else -> break od } }
inline land(w) {
  if
  :: out[pev[w]] == NONE || (out[pev[w]] == WAITING) -> out[pev[w]] = pub[w]
  :: else -> assert(pub[w] == WAITING || pub[w] == out[pev[w]])            /* finals of one key agree */
  fi;
  assert(pub[w] != SUPERSEDED || last[AX(pev[w])] > pev[w] + 1);             /* superseded: a newer one was applied */
  assert(pub[w] != APPLIED || eff[pev[w]] > 0);
#ifndef SAFE
  assert(pub[w] != REJECTED || eff[pev[w]] == 0);
#endif
  pub[w] = NONE; pev[w] = 0
}
inline effect(x) {
#ifdef SAFE
  eff[x] = 1;
#else
  eff[x]++; assert(eff[x] <= 1);                                             /* one effect a key */
#endif
  assert(last[AX(x)] <= x + 1); last[AX(x)] = x + 1                          /* order never goes back at the provider */
}
/* when the undecided one is decided, the newest that is still SENT takes its place */
inline next_sent() {
  d_step { sent = 0;
#ifndef UNDLOST
    i = 0; do :: i < NE -> if :: IS_SENT(st[i]) -> sent = i + 1 :: else fi; i++ :: else -> break od;
#endif
    i = 0 }
}
inline commit_watermark() {
  d_step { i = 0;
  do :: i < NE && SETTLED(i) -> assert(out[i] != NONE); i++ :: else -> break od;
  watermark = i; i = 0 }
}

active [2] proctype W() {
  byte me, e, i, o, kn, pk, dbt, lim, myr, kind; bool doubt, trust, qn, ok;
  me = _pid;
start:
  { skip;
idle: atomic { hold[me] = 0; mg[me] = NOBODY; e = 0; kn = 0; pk = 0; dbt = 0; lim = 0; myr = 0; kind = 0; doubt = 0; trust = 0; qn = 0; ok = 0;
  };
end0:
  atomic { group == me && watermark < NE -> mg[me] = gen; hold[me] = 1; lim = ceil; ceil = NE;       /* ownership and ceiling: one commit */
#ifdef TAGEARLY
    myr = rid; SET_REDIS;
#endif
#ifdef ENDEARLY
    if :: lim > end -> lim = end :: else fi;
#endif
    read_out() }
#ifdef OWNFIRST
  atomic { BUMP(me) };
#endif
  atomic { myr = rid; trust = TAGOK;
#ifdef TRUSTALL
    trust = true;
#endif
    if :: trust -> lim = 0; goto merge :: else -> goto untrusted fi };
noticed:
  atomic { myr = rid; lim = ceil; trust = 0; e = 0; dbt = 0; kind = 0; doubt = 0; qn = 0;
#ifdef CANARY
    mycan[me] = can[me]; seen[me] = 0;
#endif
  };
untrusted:                              /* O after the assignment: no other group sends any more */
  if
  :: atomic { !hold[1 - me] ->
#ifndef OUTEARLY
       read_out();
#endif
#ifndef ENDEARLY
       if :: lim > end -> lim = end :: else fi;
#endif
       find_doubts(); lim = 0 }
  :: !MINE -> goto idle
  fi;
merge:                                  /* MERGE: outcomes found count as DECIDED and bring their record */
  atomic { if :: BEHIND -> goto noticed :: else fi; BUMP(me); d_step { i = 0;
    do
    :: i < NE && BIT(kn, i) ->
         if :: st[i] <= D -> st[i] = D + out[i] :: else fi;
         if :: out[i] == APPLIED && rec[AX(i)] < i + 1 -> rec[AX(i)] = i + 1 :: else fi;
         i++
    :: i < NE && !BIT(kn, i) -> i++
    :: else -> break
    od; i = 0 };
    if :: sent != 0 && BIT(kn, sent - 1) -> next_sent() :: else fi;
    if :: trust -> goto tagit :: else fi };
#ifdef TAGUNMARKED
  if :: atomic { MINE -> SET_REDIS } :: !MINE -> goto idle fi;
#endif
mark:                                   /* MERGE: what is in doubt is SENT here too; the newest is the undecided one */
  atomic { if :: BEHIND -> goto noticed :: else fi; BUMP(me);
#ifdef MARKUNFENCED
    sent = 0;
#else
    if :: owner > mg[me] -> goto idle :: else -> owner = mg[me] fi;
#endif
    d_step { i = 0; ok = 0;
    do
    :: i < NE -> if
#ifdef MARKBACK
         :: BIT(dbt, i) -> st[i] = Q;
#else
         :: BIT(dbt, i) && st[i] <= D -> st[i] = Q;        /* forward only */
#endif
#ifdef UNDOLD
              if :: !ok -> sent = i + 1; ok = 1 :: else fi
#else
              sent = i + 1
#endif
         :: else fi; i++
    :: else -> break
    od; i = 0; ok = 0 } };
tagit:
  if :: atomic { MINE -> SET_REDIS } :: !MINE -> goto idle fi;
next:
#ifdef NOACKWAIT
  if :: kn != (1 << NE) - 1 || pub[me] == NONE -> skip fi;
#endif
  if
  :: atomic { MINE -> commit_watermark() }
  :: kn != (1 << NE) - 1 -> skip        /* commits may lag */
  :: !MINE -> goto idle
  fi;
  atomic { doubt = 0; qn = 0; kind = 0; first_open(); if :: e == NE -> goto idle :: else fi };
  if :: end > e :: !MINE -> goto idle fi;
  /* the lane's first, or a newer one that covers it */
  if
  :: skip
#ifdef COVANY
  :: atomic { NE > 2 && end == NE && !BIT(kn, NE - 1) && COV(NE - 1, NE - 2) && !BIT(kn, NE - 2) -> e = NE - 1 }
#endif
  :: atomic { e + 1 < end && !BIT(kn, e + 1) && COV(e + 1, e) -> e = e + 1 }
#if NE > 2
  :: atomic { e + 2 < end && !BIT(kn, e + 2) && COV(e + 2, e) -> e = e + 2 }
#endif
  fi;
claim:
  if
  :: atomic { BEHIND -> goto noticed }
  :: atomic { !BEHIND && st[e] > D -> BUMP(me); kind = st[e] - D; doubt = 0; goto publish }
  :: atomic { !BEHIND && st[e] <= D && (!until || owner == mg[me]) ->
       BUMP(me);
#ifndef NOUND
       if
       :: sent != 0 && sent != e + 1 ->
            if
            :: COV(e, sent - 1) && PASSOK -> qn = PASSQ          /* an older doubt is superseded after its quarantine */
            :: e = sent - 1; goto claim
            fi
       :: else
       fi;
#endif
#ifndef NOCOVKEYS                        /* CLAIM of a covering event is given the keys of those that it covers */
       d_step { i = 0; do :: i < e && !(COV(e, i) && !BIT(kn, i) && st[i] > D) -> i++ :: else -> break od };
       if :: i < e -> e = i; i = 0; goto claim :: else -> i = 0 fi;
#endif
#ifndef NOSTALE
       if
       :: rec[AX(e)] >= e + 1 -> kind = (rec[AX(e)] == e + 1 -> APPLIED : BY_RECORD);
#ifndef ANSWERONLY                       /* what the record answers is decided in the same step */
            st[e] = D + kind; if :: sent == e + 1 -> next_sent() :: else fi;
#endif
            goto publish
       :: else
       fi;
#endif
       d_step { i = 0; ok = 1;           /* an entry holds back later events of its axis, and older ones that it covers */
         do
         :: i < e -> if
              :: BIT(pk, i) && HOLDSBACK(e, i) -> ok = 0
              :: BIT(pk, i) && COV(e, i) -> qn = 1
#ifndef NOCOVKEYS
              :: !BIT(kn, i) && COV(e, i) && (IS_SENT(st[i]) || BIT(dbt, i)) -> qn = PASSQ
#endif
              :: else fi; i++
         :: i > e && i < NE -> if
#ifndef WAITLATER
              :: COV(i, e) && (BIT(pk, i) || st[i] == D + WAITING) -> ok = 0
#endif
              :: else fi; i++
         :: i == e -> i++
         :: else -> break
         od; i = 0 };
       if :: !ok -> kind = WAITING; ok = 0; goto decide :: else -> ok = 0 fi;
       doubt = (IS_SENT(st[e]) || BIT(dbt, e));
#ifndef SAFENOW
       qn = (qn || doubt);               /* an inherited doubt waits for Q, whatever its class */
#endif
       st[e] = (doubt -> Q : S); sent = e + 1; until = 1; owner = mg[me] }
  :: !MINE -> goto idle
  fi;
#if GIVE > 0
  if                                    /* no slot: RELEASE, whose reply is not waited for */
#ifdef RELEASEDOUBT
  :: atomic { ngive < GIVE -> ngive++;
#else
  :: atomic { !doubt && ngive < GIVE -> ngive++;
#endif
#ifdef RELEASEUNFENCED
       if :: !BEHIND && IS_SENT(st[e]) -> st[e] = H; until = 0; next_sent() :: else fi;
#else
       if :: !BEHIND && owner == mg[me] && IS_SENT(st[e]) -> st[e] = H; until = 0; next_sent() :: else fi;
#endif
       goto next }
  :: skip
  fi;
#endif
resolve:
  if
#if defined(NEVER)
  :: doubt -> kind = WAITING; goto decide
#elif defined(SAFE)
  :: doubt && !qn -> goto send
#else
  :: doubt && !qn -> qn = 1
#endif
  :: else -> skip
  fi;
  if
  :: !qn -> goto send
  :: atomic { qn && QUIET ->            /* Q is over: read the outcomes again, then judge */
#ifndef NOREREAD
       d_step { i = 0; ok = 0;
       do
       :: i <= e -> if :: (i == e || COV(e, i)) && NEWS(i) -> ok = 1 :: else fi; i++
       :: else -> break
       od; i = 0 };
       if :: ok -> ok = 0; read_out(); trust = 1; goto merge :: else fi;
#endif
       if
#ifndef SAFE
       :: doubt && last[AX(e)] == e + 1 -> kind = APPLIED; goto decide      /* read back: the state, not the key */
#endif
       :: else
       fi }
  :: qn && !MINE -> goto idle
  fi;
send:
#ifdef SUPEARLY
  atomic { i = 0; o = NE; do :: i < e -> if :: COV(e, i) && !BIT(kn, i) -> o = i :: else fi; i++ :: else -> break od; i = 0;
    if :: o < NE && hold[me] && pub[me] == NONE -> pub[me] = SUPERSEDED; pev[me] = o :: else fi; o = 0 };
#endif
  if
  :: atomic { hold[me] -> call[me] = FLY; cev[me] = e }
  :: !hold[me] -> goto idle
  fi;
  if
  :: atomic { call[me] == OK -> call[me] = 0; cev[me] = 0; kind = APPLIED }
  :: atomic { call[me] == NOK -> call[me] = 0; cev[me] = 0; kind = REJECTED }
  :: atomic { call[me] == LOST -> call[me] = 0; cev[me] = 0; doubt = 1; qn = 0; goto resolve }
  fi;
#if defined(SAFE) && !defined(SAFEEARLY)
  if                                     /* safe, after a doubt: decided only when nothing of it is on its way */
  :: !doubt -> skip
  :: atomic { doubt && QUIET -> if :: out[e] != NONE && out[e] != WAITING -> read_out(); trust = 1; goto merge :: else fi }
  :: doubt && !MINE -> goto idle
  fi;
#endif
decide:
  atomic { ok = 0;
    if
#ifndef SUPANYHOW
    :: BEHIND && kind == SUPERSEDED -> goto noticed     /* not a reply: look again */
    :: BEHIND && kind != SUPERSEDED -> skip             /* a reply: Kafka is the truth, publish all the same */
#else
    :: BEHIND -> skip
#endif
    :: !BEHIND && owner == mg[me] && st[e] <= D -> BUMP(me); st[e] = D + kind; until = 0; ok = 1;
         if :: sent == e + 1 -> next_sent() :: else fi;
         if :: kind == APPLIED && rec[AX(e)] < e + 1 -> rec[AX(e)] = e + 1 :: else fi
    :: !BEHIND && !(owner == mg[me] && st[e] <= D) ->
         BUMP(me);
         if
         :: kind == APPLIED && st[e] <= D && FACTOK -> st[e] = D + APPLIED; ok = 1;    /* a fact from a fenced group */
              if :: sent == e + 1 -> next_sent() :: else fi;
              if :: rec[AX(e)] < e + 1 -> rec[AX(e)] = e + 1 :: else fi
         :: kind == WAITING && st[e] <= D -> st[e] = D + WAITING; ok = 1
         :: else -> goto idle
         fi
    fi };
publish:                                /* a final outcome leaves only while ownership is proven */
  if
  :: atomic { (hold[me] || MAYPUB) && pub[me] == NONE -> pub[me] = kind; pev[me] = e; ok = 0 }
  :: !hold[me] && !MAYPUB -> goto idle
  fi;
#ifdef NOACKWAIT
  atomic { kn = kn | (1 << e); if :: kind == WAITING -> pk = pk | (1 << e) :: else -> pk = pk & ~(1 << e) fi };
#else
  if :: atomic { pub[me] == NONE && out[e] != NONE -> kn = kn | (1 << e);
         if :: out[e] == WAITING -> pk = pk | (1 << e) :: else -> pk = pk & ~(1 << e) fi }
     :: atomic { pub[me] == NONE && out[e] == NONE -> goto idle }           /* purged: the partition is lost */
  fi;
#endif
  /* what it covers is settled with it: superseded if applied, set aside if set aside, runs if rejected */
  atomic { d_step { i = 0; o = NE;
    do
    :: i < e -> if
         :: COV(e, i) && kind == APPLIED && (!BIT(kn, i) || BIT(pk, i)) -> o = i
         :: COV(e, i) && kind == WAITING && !BIT(kn, i) -> o = i
         :: else fi; i++
    :: else -> break
    od; i = 0 };
    if
    :: o == NE -> o = 0; dbt = dbt & ~(1 << e); goto next
    :: else -> dbt = dbt & ~(1 << o); e = o; o = 0; kind = (kind == APPLIED -> SUPERSEDED : WAITING); goto decide
    fi }
  } unless { kill[_pid] };
#ifdef CANARY
  d_step { mycan[me] = 0; seen[me] = 0 };
#endif
  d_step { kill[me] = 0; if :: call[me] == FLY -> late[cev[me]]++ :: else fi; call[me] = 0; cev[me] = 0 };
  atomic { gen++; if :: group = 1 - group :: group = group fi };
  goto start
}

#define net(w) \
  :: d_step { call[w] == FLY -> effect(cev[w]); call[w] = OK } \
  :: d_step { call[w] == FLY && nrej < REJ -> nrej++; call[w] = NOK } \
  :: d_step { call[w] == FLY && ntmo < TMO -> ntmo++; effect(cev[w]); call[w] = LOST } \
  :: d_step { call[w] == FLY && ntmo < TMO -> ntmo++; late[cev[w]]++; call[w] = LOST } \
  :: d_step { pub[w] != NONE -> land(w) } \
  :: d_step { pub[w] != NONE && mg[w] != gen -> pub[w] = NONE; pev[w] = 0 }      /* purged */
#define packet(x) \
  :: d_step { late[x] > 0 -> late[x]--; effect(x) } \
  :: d_step { late[x] > 0 -> late[x]-- }
#define other_script(w) \
  :: d_step { nloss > 0 && can[w] < 2 -> if :: can[w] < mycan[w] -> seen[w] = 1 :: else fi; can[w]++; \
       if :: mycan[w] > 0 -> mycan[w] = can[w] :: else fi }
active proctype Env() {
  byte i;
endE: do
  :: atomic { ncrash < CRASH && mg[0] != NOBODY && !kill[0] -> ncrash++; kill[0] = 1; hold[0] = 0 }
  :: atomic { ncrash < CRASH && mg[1] != NOBODY && !kill[1] -> ncrash++; kill[1] = 1; hold[1] = 0 }
  :: d_step { nreb < REB -> nreb++; gen++; group = 1 - group }
  :: d_step { hold[0] && mg[0] != gen -> hold[0] = 0 }      /* O after its last commit */
  :: d_step { hold[1] && mg[1] != gen -> hold[1] = 0 }
  :: d_step { until && !LIVE(0) && !LIVE(1) -> until = 0 }  /* L > O + T_req */
  :: d_step { end < NE -> end++ }
  :: d_step { nloss < LOSS && nsnap == nloss -> nsnap++; i = 0; ssent = sent; sowner = owner; suntil = until;
       do :: i < NE -> sst[i] = st[i]; srec[i] = rec[i]; i++ :: else -> break od; i = 0 }
  :: d_step { nloss < LOSS && nsnap > nloss -> nloss++; nsnap = nloss; rid++; i = 0; sent = ssent; owner = sowner; until = suntil;
       ssent = 0; sowner = 0; suntil = 0;
#ifdef CANARY
       can[0] = 0; can[1] = 0;
#endif
       do :: i < NE -> st[i] = sst[i]; rec[i] = srec[i]; sst[i] = 0; srec[i] = 0; i++ :: else -> break od; i = 0 }
  :: d_step { nloss < LOSS && nsnap == nloss -> nloss++; nsnap = nloss; i = 0; sent = 0; owner = 0; until = 0;
#ifdef CANARY
       can[0] = 0; can[1] = 0;
#else
       rid++;
#endif
       do :: i < NE -> st[i] = 0; rec[i] = 0; i++ :: else -> break od; i = 0 }
#ifdef CANARY                            /* scripts for the worker's other partitions: they may notice, merge theirs and go on */
  other_script(0) other_script(1)
#endif
  /* the provider and the network */
  net(0) net(1) packet(0) packet(1)
#if NE > 2
  packet(2)
#endif
  od
}
