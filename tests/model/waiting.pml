/* waiting.pml - events that are set aside: what the waiting topic, the outcomes and Redis must say so that an entry runs once, in
 * order, and is never lost. RELIABILITY.md sections 1, 5 and 10. Entries only; what a new owner believes of ordinary events is
 * takeover.pml, one claim in full is claim.pml. README.md has the results.
 *
 * Two workers, one lane of two events, both there from the start. Event 0 must wait (a date, a guard) until the environment says
 * `released`; or its call ends in doubt and a person has to look (-DNEVER). What holds event 0 back holds event 1 back where they share an
 * axis; where event 1 covers event 0 it supersedes it, once it is proven unsent or its doubt is older than Q.
 *
 * Kafka: watermark and the metadata's `ceil` and `redis`; out[] outcomes; ent[] of each place the write with the highest fence, lent[] the
 * last write, which is what compaction keeps; wait: the places that the service's record names. The group does not fence who writes to a
 * topic: a write lands, or is purged once the partition is lost, at any time until Q. A record lands together with what it was sent with.
 * Redis, as in worker/io/redis_scripts.c: st[] of :e (H held, S sent, Q sent by an earlier owner, D decided, X set aside: unsent, or XD in
 * doubt), of :l `sent`, `owner` (by number of the assignment), `until` (time is left), rec (last applied of each axis). It changes identity
 * when it fails over to an older copy or is emptied; each script compares it. Provider: effects, a request late in the network. QUIET: Q
 * has passed. FORGET: id_memory passes while nobody is at work: outcomes are gone, and keys of Redis that are
 * decided or held, except where an entry lives (`keep`: the tombstone's acknowledgement ends it); topics are compacted.
 *
 * Left out: keyed and safe (claim.pml, takeover.pml), `dead` entries and redrives (rounds), `expired`, bounds, several services.
 *
 * class:    (none) query | -DNEVER
 * lane:     (none) 1 shares 0's axis | -DCOVER 1 covers 0 | -DAPART no axis in common
 * size:     -DCRASH= -DLOSS= -DREB= -DTMO= -DREJ= -DNOTSENT= (proven unsent tries) -DFORGET= (id_memory passes)
 * removed:  -DNOSENDING -DSENDINGNOACK -DENTRYUNMARKED -DUNSENTDOUBT -DTOMBEARLY -DSETTLEEARLY -DNOHOLD -DWAITFIRST
 *           -DNOQ -DNOREAD -DNOAGAIN -DNOVOID -DREREADONLY -DALLDOUBT -DFORGETLIVE -DFORGETSENT
 *           -DSUPSENT -DSUPEARLY -DWAITLATER -DNOCOVKEYS
 * the rules as they were before this model: -DASIDESOON -DASIDEUNCLAIMED -DFOUNDSETTLES -DLASTWINS -DVOIDANY -DPRESUMEHELD */
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
#ifndef NOTSENT
#define NOTSENT 0
#endif
#ifndef FORGET
#define FORGET 0
#endif
#define NE 2

#if defined(COVER)
#define COV(n, o) ((n) == 1 && (o) == 0)
#define AX(e) 0
#elif defined(APART)
#define COV(n, o) false
#define AX(e) (e)
#else
#define COV(n, o) false
#define AX(e) 0
#endif
#ifdef NOHOLD
#define HOLDSBACK(n, o) false
#else
#define HOLDSBACK(n, o) (AX(n) == AX(o) && !COV(n, o))
#endif

#define NONE 0          /* outcomes */
#define APPLIED 1
#define REJECTED 2
#define SUPERSEDED 3
#define UNSENT 11       /* entries; also what a produce carries: an outcome or an entry */
#define SENDING 12
#define DOUBT 13
#define TOMB 14
#define RECORD 15       /* the record alone */
#define IS_LIVE(x) ((x) >= UNSENT && (x) <= DOUBT)
#define ABSENT 0        /* st[]; a decided one is D + its outcome */
#define H 1
#define S 2
#define Q 3
#define X 4             /* set aside, unsent */
#define XD 5            /* set aside, in doubt */
#define D 5
#define IS_SENT(x) ((x) == S || (x) == Q)
#define FLY 1           /* call[w] */
#define OK 2
#define NOK 3
#define LOST 4
#define UNTRIED 5
#define NOBODY 255
#define BIT(m, i) (((m) >> (i)) & 1)

/* Kafka */
byte watermark, ceil, redis, gen, group, out[NE], fin[NE];
byte ent[NE], entf[NE], wait, waitf;            /* of each key the write with the highest fence: what a reader takes */
byte lent[NE], lentf[NE], lwait, lwaitf;        /* and the last one: what compaction keeps */
/* Redis, and the copy that it may fail over to */
byte rid, st[NE], sent, owner, rec[NE], keep; bool until;    /* keep: without an end, as its entry lives */
byte sst[NE], ssent, sowner, srec[NE]; bool suntil;
/* workers: assignment, ownership proven, call and produce in flight; the provider */
byte mg[2] = NOBODY, call[2], cev[2], pub[2], pev[2], pwait[2], pf[2]; bool hold[2], kill[2], purged[2], resting[2];
byte late[NE], eff[NE], last[NE];
bool released;
byte ncrash, nloss, nsnap, nreb, ntmo, nrej, nuntried, nforget;

#ifdef FOUNDSETTLES     /* as the text had it: an entry that was found settles its offset */
#define ASIDE(i) IS_LIVE(ix[i])
#else                   /* at or past the watermark only one that this owner wrote does */
#define ASIDE(i) (IS_LIVE(ix[i]) && ((i) < from || BIT(wrote, i)))
#endif
#ifdef WAITLATER        /* the older one does not wait with the newer one that covers it */
#define WITH_NEWER false
#else
#define WITH_NEWER (COV(1, 0) && !BIT(kn, 1) && (ASIDE(1) || st[1] == X || st[1] == XD))
#endif
#ifdef REREADONLY       /* what is found when the topics are read again is not merged into Redis */
#define REREAD next
#else
#define REREAD merge
#endif
#ifdef ASIDESOON        /* an entry may be written at once */
#define ALONE true
#else
#define ALONE alone
#endif
/* Q since the assignment, and since the call that left event 0 in doubt */
#define CALMED (quiet && !again && ((ix[0] != DOUBT && st[0] != XD) || QUIET))
#define OPEN(i) (!BIT(kn, i) && !ASIDE(i))
#if defined(FORGETSENT) /* what id_memory takes out of Redis: what is decided or held, and not what an entry lives of */
#define EXPIRES(i) true
#elif defined(FORGETLIVE)
#define EXPIRES(i) (st[i] >= X || st[i] == H)
#else
#define EXPIRES(i) ((st[i] >= X || st[i] == H) && !BIT(keep, i))
#endif
#ifdef PRESUMEHELD      /* what an entry holds back is presumed sent all the same */
#define HELD(i) false
#else                   /* nobody sent what an entry of its axis holds back */
#define HELD(i) ((i) == 1 && HOLDSBACK(1, 0) && ASIDE(0) && !BIT(kn, 0))
#endif
#define BEHIND (rid != myr)
#define MINE (gen == mg[me])
#define NOBODY_LEFT(w) (!hold[w] && call[w] != FLY && pub[w] == NONE)
#define QUIET (late[0] == 0 && late[1] == 0 && NOBODY_LEFT(1 - me) && call[me] != FLY && pub[me] == NONE)
#define BUSY_WITH(w) (mg[w] + 1 == owner && (hold[w] || call[w] == FLY))
#ifdef VOIDANY          /* as the text had it: whatever record was written last says so */
#define FENCED(i) true
#else
#define FENCED(i) (waitf >= entf[i])
#endif
#ifdef NOVOID
#define VOID(i) false
#else
#define VOID(i) (!BIT(wait, i) && FENCED(i))
#endif
#ifdef NOQ
#define CALM(x) true
#else
#define CALM(x) (x)
#endif

#ifdef LASTWINS         /* the last write counts, whatever its fence */
#define HIGHER(a, b) true
#else
#define HIGHER(a, b) ((a) >= (b))
#endif
#define OVERWRITTEN(i) (lent[i] != ent[i] || lentf[i] != entf[i])
inline effect(x) {
  eff[x]++; assert(eff[x] <= 1);                                    /* one effect a key */
  assert(last[AX(x)] <= x + 1); last[AX(x)] = x + 1                 /* order never goes back at the provider */
}
inline land(w) {
  if
  :: pub[w] < UNSENT ->
       assert(fin[pev[w]] == NONE || fin[pev[w]] == pub[w]);        /* finals of one key agree, for ever */
       assert(pub[w] != APPLIED || eff[pev[w]] > 0);
       assert(pub[w] != REJECTED || eff[pev[w]] == 0);
       assert(pub[w] != SUPERSEDED || last[AX(pev[w])] > pev[w] + 1);
       assert(pub[w] != SUPERSEDED || COV(1, 0));                   /* an entry is not overtaken on an axis */
       fin[pev[w]] = pub[w]; out[pev[w]] = pub[w]
  :: pub[w] >= UNSENT && pub[w] != RECORD -> lent[pev[w]] = pub[w]; lentf[pev[w]] = pf[w];
       if :: HIGHER(pf[w], entf[pev[w]]) -> ent[pev[w]] = pub[w]; entf[pev[w]] = pf[w] :: else fi
  :: else
  fi;
  lwait = pwait[w]; lwaitf = pf[w];
  if :: HIGHER(pf[w], waitf) -> wait = pwait[w]; waitf = pf[w] :: else fi;
  pub[w] = NONE; pev[w] = 0; pwait[w] = 0; pf[w] = 0
}
/* Outcomes and entries to their ends. */
inline read_topics() {
  d_step { i = 0;
  do
  :: i < NE -> if :: out[i] != NONE -> kn = kn | (1 << i) :: else fi;
       if :: IS_LIVE(ent[i]) && VOID(i) -> ix[i] = TOMB; stray = stray | (1 << i)
          :: else -> ix[i] = ent[i]; stray = stray & ~(1 << i)
       fi;
       if :: i < from && !IS_LIVE(ix[i]) -> kn = kn | (1 << i) :: else fi; i++
  :: else -> break
  od; i = 0 }
}
inline mine_waiting() {
  d_step { i = 0; o = 0; do :: i < NE -> if :: IS_LIVE(ix[i]) -> o = o | (1 << i) :: else fi; i++ :: else -> break od; i = 0 }
}
inline next_sent() {
  d_step { sent = 0; i = 0; do :: i < NE -> if :: IS_SENT(st[i]) -> sent = i + 1 :: else fi; i++ :: else -> break od; i = 0 }
}
/* An offset is settled behind its outcome, or its entry, acknowledged. */
inline commit_watermark() {
  d_step { i = 0; do :: i < NE && (BIT(kn, i) || ASIDE(i) || BIT(soon, i)) -> i++ :: else -> break od;
    if :: i > watermark -> watermark = i :: else fi; i = 0 }
  assert(watermark < 1 || fin[0] != NONE || IS_LIVE(ent[0]));       /* nothing committed that is neither decided nor waiting */
  assert(watermark < 2 || fin[1] != NONE || IS_LIVE(ent[1]))
}
#define PRODUCE(x, ev) mine_waiting(); pub[me] = x; pev[me] = ev; pf[me] = mg[me] + 1; \
  pwait[me] = (IS_LIVE(x) -> (o | (1 << (ev))) : ((x) == RECORD -> o : (o & ~(1 << (ev))))); purged[me] = 0; o = 0

active [2] proctype W() {
  byte me, e, i, o, kn, dbt, lim, myr, kind, ix[NE], stray, soon, from, wrote; bool doubt, quiet, entry, ok, again, more, alone;
  me = _pid;
start:
  { skip;
idle: atomic { hold[me] = 0; mg[me] = NOBODY; resting[me] = 0; e = 0; kn = 0; dbt = 0; lim = 0; myr = 0; kind = 0; ix[0] = 0; ix[1] = 0; stray = 0;
    soon = 0; from = 0; wrote = 0; doubt = 0; quiet = 0; entry = 0; ok = 0; o = 0; again = 0; more = 0; alone = 0 };
end0:
  atomic { group == me -> mg[me] = gen; hold[me] = 1; lim = ceil; ceil = NE; from = watermark; read_topics(); myr = rid;
    if :: redis == rid -> lim = 0; ok = 1 :: else fi;
    if :: ok -> ok = 0; goto merge :: else -> goto untrusted fi };
noticed:
  atomic { myr = rid; lim = ceil; e = 0; dbt = 0; kind = 0; doubt = 0; entry = 0; ok = 0; more = 0 };
untrusted:
  if
  :: atomic { !hold[1 - me] -> read_topics(); alone = 1;
       d_step { i = watermark; o = NE; dbt = 0;               /* each lane's first one, and the newer ones that cover it */
         do
         :: i < lim ->
              if
              :: OPEN(i) && !HELD(i) && ix[i] != DOUBT && o == NE -> o = i; dbt = 1 << i
              :: OPEN(i) && !HELD(i) && ix[i] != DOUBT && o < NE && COV(i, o) -> dbt = dbt | (1 << i)
              :: else
              fi; i++
         :: else -> break
         od;
         i = 0;
         do                                                   /* and what the waiting topic says of its entries */
         :: i < NE ->
              if
#ifdef ALLDOUBT
              :: i >= watermark && i < lim && OPEN(i) -> dbt = dbt | (1 << i)
#endif
#ifndef ENTRYUNMARKED
              :: !BIT(kn, i) && ix[i] == SENDING -> dbt = dbt | (1 << i)
#endif
              :: else
              fi;
              i++
         :: else -> break
         od; i = 0; o = 0; lim = 0 } }
  :: !MINE -> goto idle
  fi;
merge:
  atomic { if :: BEHIND -> goto noticed :: else fi;
    if :: owner != 0 && owner > mg[me] + 1 -> goto idle :: else fi;
    d_step { i = 0;
    do
    :: i < NE ->
         if :: IS_LIVE(ix[i]) -> keep = keep | (1 << i) :: else fi;
         if :: BIT(kn, i) && st[i] <= XD && out[i] != NONE -> st[i] = D + out[i];
              if :: out[i] == APPLIED && rec[AX(i)] < i + 1 -> rec[AX(i)] = i + 1 :: else fi
            :: !BIT(kn, i) && BIT(dbt, i) && st[i] <= X -> st[i] = Q; owner = mg[me] + 1
            :: !BIT(kn, i) && ix[i] == DOUBT && st[i] <= X -> st[i] = XD
            :: else fi;
         i++
    :: else -> break
    od; i = 0 };
    next_sent() };
  if :: atomic { MINE -> redis = myr } :: !MINE -> goto idle fi;
next:
  atomic { e = 0; doubt = 0; entry = 0; kind = 0; ok = 0; more = 0 };
  if
  :: atomic { MINE -> commit_watermark() }
  :: OPEN(0) || OPEN(1) -> skip      /* commits may lag */
  :: !MINE -> goto idle
  fi;
  if
  :: atomic { OPEN(0) -> e = 0; goto claim }
  :: atomic { OPEN(1) && (COV(1, 0) || !OPEN(0)) -> e = 1; goto claim }
  :: atomic { !quiet && QUIET -> quiet = 1;
#ifndef NOREAD
       read_topics();
#endif
#ifndef NOAGAIN
       again = 1;
#endif
       goto REREAD }
  :: atomic { CALM(quiet) && !again && IS_LIVE(ix[0]) && BIT(kn, 0) -> e = 0; entry = 1; goto tombstone }
  :: atomic { CALM(quiet) && !again && IS_LIVE(ix[1]) && BIT(kn, 1) -> e = 1; entry = 1; goto tombstone }
  :: atomic { quiet && !again && stray != 0 -> e = (BIT(stray, 0) -> 0 : 1); entry = 1; goto tombstone }
  :: atomic { CALM(quiet) && !again && ASIDE(0) && !BIT(kn, 0) && (released || ix[0] != UNSENT) && !WITH_NEWER ->
       e = 0; entry = 1; goto run_entry }
  :: atomic { CALM(quiet) && !again && ASIDE(1) && !BIT(kn, 1) && !(HOLDSBACK(1, 0) && !BIT(kn, 0)) -> e = 1; entry = 1; goto run_entry }
  :: atomic { again && hold[me] && pub[me] == NONE ->   /* again what a late write of an earlier owner overwrote, and the record */
       if
       :: OVERWRITTEN(0) -> PRODUCE(ent[0], 0)
       :: !OVERWRITTEN(0) && OVERWRITTEN(1) -> PRODUCE(ent[1], 1)
       :: else -> PRODUCE(RECORD, 0); again = 0
       fi }
  :: atomic { quiet && !again && BIT(kn, 0) && BIT(kn, 1) && !IS_LIVE(ix[0]) && !IS_LIVE(ix[1]) && stray == 0 -> goto rest }
  :: !MINE -> goto idle
  fi;
  if
  :: atomic { pub[me] == NONE && !purged[me] -> read_topics() }
  :: purged[me] -> goto idle
  fi;
  goto next;

run_entry:                                       /* the entry says `sending`, acknowledged, before its call */
  if
  :: ix[e] == DOUBT ->                           /* a person looks at the platform, after the quarantine */
       if
       :: atomic { QUIET && eff[e] > 0 -> kind = APPLIED; goto person }
       :: atomic { QUIET && eff[e] == 0 -> kind = UNSENT; goto person }
       :: !MINE -> goto idle
       fi
  :: ix[e] == UNSENT ->
#ifdef NOSENDING
       goto claim
#else
       if
       :: atomic { hold[me] && pub[me] == NONE -> PRODUCE(SENDING, e) }
       :: !hold[me] -> goto idle
       fi;
#ifdef SENDINGNOACK
       goto claim
#else
       if
       :: atomic { pub[me] == NONE && !purged[me] -> ix[e] = SENDING; goto claim }
       :: purged[me] -> goto idle
       fi
#endif
#endif
  :: ix[e] == SENDING -> goto claim
  fi;
person:
  atomic { if :: BEHIND -> goto noticed :: else fi;
    if
    :: st[e] != XD -> goto idle                  /* somebody else has it */
    :: st[e] == XD && kind == APPLIED -> st[e] = D + APPLIED; if :: rec[AX(e)] < e + 1 -> rec[AX(e)] = e + 1 :: else fi; goto publish
    :: st[e] == XD && kind == UNSENT -> st[e] = X; goto publish
    fi };

claim:
  if
  :: atomic { BEHIND -> goto noticed }
  :: atomic { !BEHIND && st[e] > D -> kind = st[e] - D; goto publish }
  :: atomic { !BEHIND && st[e] == XD ->
       if :: entry && ix[e] != DOUBT -> ix[e] = DOUBT; goto next :: else -> kind = DOUBT; goto publish fi }
  :: atomic { !BEHIND && st[e] == X && !entry -> kind = UNSENT; goto publish }
  :: atomic { !BEHIND && (st[e] < X || (st[e] == X && entry)) && (!until || owner == mg[me] + 1) ->
       if
       :: sent != 0 && sent != e + 1 ->
            e = sent - 1; entry = ASIDE(e);
            if :: !entry && !BIT(kn, e) -> goto claim
               :: entry && quiet && !again -> goto claim
               :: else -> goto calm
            fi
       :: else
       fi;
#ifndef NOCOVKEYS
       if :: COV(e, 0) && e == 1 && !BIT(kn, 0) && st[0] > D -> e = 0; entry = ASIDE(0); goto claim :: else fi;
#endif
       if
       :: rec[AX(e)] >= e + 1 -> kind = (rec[AX(e)] == e + 1 -> APPLIED : SUPERSEDED);
            st[e] = D + kind; next_sent(); goto publish
       :: else
       fi;
       doubt = IS_SENT(st[e]);
       if :: entry && !doubt && e == 0 && WITH_NEWER -> goto next :: else fi;
#ifdef WAITFIRST
       ok = !entry && ((e == 0 && (!released || WITH_NEWER)) || (e == 1 && HOLDSBACK(1, 0) && ASIDE(0) && !BIT(kn, 0)));
#else
       ok = !entry && !doubt && ((e == 0 && (!released || WITH_NEWER)) || (e == 1 && HOLDSBACK(1, 0) && ASIDE(0) && !BIT(kn, 0)));
#endif
#ifdef ASIDEUNCLAIMED
       if :: ok -> ok = 0; kind = UNSENT; goto publish :: else fi;
#else                                            /* set aside: nothing of it was sent, and nobody claims the event from now on */
       if :: ok -> ok = 0; kind = UNSENT; st[e] = X; keep = keep | (1 << e); owner = mg[me] + 1; goto publish :: else fi;
#endif
#ifndef SUPSENT
       if                                        /* what it covers must be proven unsent, or its doubt over */
       :: COV(e, 0) && e == 1 && !BIT(kn, 0) && (IS_LIVE(ix[0]) || st[0] >= X || IS_SENT(st[0])) && !CALMED -> goto calm
       :: else
       fi;
#endif
       if :: entry -> keep = keep | (1 << e) :: else fi;
       st[e] = (doubt -> Q : S); sent = e + 1; owner = mg[me] + 1; until = 1 }
  :: !MINE -> goto idle
  fi;
resolve:
  if
#ifdef NEVER
  :: doubt -> kind = DOUBT; goto decide
#else
  :: atomic { doubt && QUIET ->
       d_step { i = 0; ok = 0; do :: i <= e -> if :: out[i] != NONE && !BIT(kn, i) -> ok = 1 :: else fi; i++ :: else -> break od; i = 0 };
       if :: ok -> ok = 0; read_topics(); goto merge :: else fi;
       if :: last[AX(e)] == e + 1 -> kind = APPLIED; goto decide :: else -> doubt = 0 fi }
#endif
  :: !doubt -> skip
  :: doubt && !MINE -> goto idle
  fi;
#ifdef SUPEARLY
  if :: atomic { COV(e, 0) && e == 1 && !BIT(kn, 0) && hold[me] && pub[me] == NONE -> PRODUCE(SUPERSEDED, 0) } :: else fi;
#endif
  if
  :: atomic { hold[me] -> call[me] = FLY; cev[me] = e }
  :: !hold[me] -> goto idle
  fi;
  if
  :: atomic { call[me] == OK -> call[me] = 0; cev[me] = 0; kind = APPLIED }
  :: atomic { call[me] == NOK -> call[me] = 0; cev[me] = 0; kind = REJECTED }
  :: atomic { call[me] == UNTRIED -> call[me] = 0; cev[me] = 0; kind = UNSENT }
  :: atomic { call[me] == LOST -> call[me] = 0; cev[me] = 0;
#ifdef UNSENTDOUBT
       kind = UNSENT
#else
       doubt = 1; goto resolve
#endif
     }
  fi;
decide:
  atomic {
    if
    :: BEHIND && kind != APPLIED && kind != REJECTED -> goto noticed
    :: BEHIND && (kind == APPLIED || kind == REJECTED) -> skip      /* Kafka is the truth: publish all the same */
    :: !BEHIND && owner == mg[me] + 1 && st[e] < X ->
         if
         :: kind == UNSENT -> st[e] = (entry -> X : H)              /* RELEASE */
         :: kind == DOUBT -> st[e] = XD; keep = keep | (1 << e)
         :: else -> st[e] = D + kind
         fi;
         until = 0; next_sent();
         if :: kind == APPLIED && rec[AX(e)] < e + 1 -> rec[AX(e)] = e + 1 :: else fi
    :: else -> goto idle
    fi };
publish:
  if :: kind >= UNSENT && !ALONE -> goto lonely :: else fi;
#ifdef TOMBEARLY
  if :: atomic { entry && kind < UNSENT && hold[me] && pub[me] == NONE -> PRODUCE(TOMB, e); ix[e] = TOMB }
     :: !(entry && kind < UNSENT) -> skip :: !hold[me] -> goto idle fi;
#endif
#ifdef SETTLEEARLY
  if :: kind == UNSENT && !entry -> soon = soon | (1 << e) :: else fi;
  if :: atomic { MINE -> commit_watermark() } :: skip fi;
#endif
  if
  :: atomic { hold[me] && pub[me] == NONE -> PRODUCE(kind, e) }
  :: !hold[me] -> goto idle
  fi;
  if
  :: atomic { pub[me] == NONE && !purged[me] ->
       if :: kind < UNSENT -> kn = kn | (1 << e) :: else -> ix[e] = kind; wrote = wrote | (1 << e); stray = stray & ~(1 << e) fi }
  :: purged[me] -> goto idle
  fi;
  /* what it covers is settled with it: superseded if applied, else it runs or waits on its own */
  atomic { more = (e == 1 && COV(1, 0) && kind == APPLIED && !BIT(kn, 0));
    if :: kind < UNSENT && IS_LIVE(ix[e]) && CALM(quiet) && !again -> goto tombstone :: else fi };
covered:
  atomic { if :: !more -> goto next :: else fi; more = 0; e = 0; kind = SUPERSEDED; entry = ASIDE(0);
    if :: BEHIND -> goto noticed :: else fi;
    if :: st[0] > D -> kind = st[0] - D
       :: else -> st[0] = D + SUPERSEDED; next_sent()
    fi; goto publish };
tombstone:
  if
  :: atomic { hold[me] && pub[me] == NONE -> PRODUCE(TOMB, e) }
  :: !hold[me] -> goto idle
  fi;
  if
  :: atomic { pub[me] == NONE && !purged[me] -> ix[e] = TOMB; stray = stray & ~(1 << e); keep = keep & ~(1 << e); goto covered }
  :: purged[me] -> goto idle
  fi;
lonely:                                          /* entries are written O after the assignment, and the topics read again then */
  if
  :: atomic { !hold[1 - me] -> alone = 1; read_topics(); goto REREAD }
  :: !MINE -> goto idle
  fi;
calm:                                            /* a wait for Q: then the topics are read again */
  if
  :: atomic { !(quiet && !again) && QUIET -> quiet = 1; again = 1; read_topics(); goto REREAD }
  :: atomic { CALMED -> goto next }
  :: !MINE -> goto idle
  fi;
rest:                                            /* all is settled; and in Kafka too, once nothing is on its way any more */
  resting[me] = 1;
  if
  :: QUIET && watermark == NE && !IS_LIVE(ent[0]) && !IS_LIVE(ent[1]) && fin[0] != NONE && fin[1] != NONE ->
end1:  !MINE -> goto idle
  :: !MINE -> goto idle
  fi
  } unless { kill[_pid] };
  d_step { kill[me] = 0; if :: call[me] == FLY -> late[cev[me]]++ :: else fi; call[me] = 0; cev[me] = 0; resting[me] = 0 };
  atomic { gen++; if :: group = 1 - group :: group = group fi };
  goto start
}

#define network(w) \
  :: d_step { call[w] == FLY -> effect(cev[w]); call[w] = OK } \
  :: d_step { call[w] == FLY && nrej < REJ -> nrej++; call[w] = NOK } \
  :: d_step { call[w] == FLY && nuntried < NOTSENT -> nuntried++; call[w] = UNTRIED } \
  :: d_step { call[w] == FLY && ntmo < TMO -> ntmo++; effect(cev[w]); call[w] = LOST } \
  :: d_step { call[w] == FLY && ntmo < TMO -> ntmo++; late[cev[w]]++; call[w] = LOST } \
  :: d_step { pub[w] != NONE -> land(w) } \
  :: d_step { pub[w] != NONE && mg[w] != gen -> pub[w] = NONE; pev[w] = 0; pwait[w] = 0; pf[w] = 0; purged[w] = 1 }
active proctype Env() {
  byte i;
endE: do
  :: atomic { ncrash < CRASH && mg[0] != NOBODY && !kill[0] -> ncrash++; kill[0] = 1; hold[0] = 0 }
  :: atomic { ncrash < CRASH && mg[1] != NOBODY && !kill[1] -> ncrash++; kill[1] = 1; hold[1] = 0 }
  :: d_step { nreb < REB -> nreb++; gen++; group = 1 - group }
  :: d_step { hold[0] && mg[0] != gen -> hold[0] = 0 }              /* O after its last commit */
  :: d_step { hold[1] && mg[1] != gen -> hold[1] = 0 }
  :: d_step { until && !(BUSY_WITH(0)) && !(BUSY_WITH(1)) -> until = 0 }
  :: d_step { !released -> released = 1 }
  :: d_step { nloss < LOSS && nsnap == nloss -> nsnap++; i = 0; ssent = sent; sowner = owner; suntil = until;
       do :: i < NE -> sst[i] = st[i]; srec[i] = rec[i]; i++ :: else -> break od; i = 0 }
  :: d_step { nloss < LOSS && nsnap > nloss -> nloss++; nsnap = nloss; rid++; i = 0; sent = ssent; owner = sowner; until = suntil;
       ssent = 0; sowner = 0; suntil = 0;
       do :: i < NE -> st[i] = sst[i]; rec[i] = srec[i]; sst[i] = 0; srec[i] = 0; i++ :: else -> break od; i = 0 }
  :: d_step { nloss < LOSS && nsnap == nloss -> nloss++; nsnap = nloss; rid++; i = 0; sent = 0; owner = 0; until = 0;
       do :: i < NE -> st[i] = 0; rec[i] = 0; i++ :: else -> break od; i = 0 }
  :: d_step { nforget < FORGET && (resting[0] || mg[0] == NOBODY) && (resting[1] || mg[1] == NOBODY) && watermark == NE &&
       pub[0] == NONE && pub[1] == NONE && late[0] == 0 && late[1] == 0 -> nforget++; i = 0;
       do :: i < NE -> out[i] = NONE; if :: EXPIRES(i) -> st[i] = ABSENT :: else fi; ent[i] = lent[i]; entf[i] = lentf[i]; i++ :: else -> break od; i = 0; wait = lwait; waitf = lwaitf }
  network(0) network(1)
  :: d_step { late[0] > 0 -> late[0]--; effect(0) }
  :: d_step { late[0] > 0 -> late[0]-- }
  :: d_step { late[1] > 0 -> late[1]--; effect(1) }
  :: d_step { late[1] > 0 -> late[1]-- }
  od
}
