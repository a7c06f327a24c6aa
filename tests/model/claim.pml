/* claim.pml - one event, from its claim to its settled offset: each script of worker/io/redis_scripts.c with replies that get lost,
 * claims ahead of a slot that are given back, calls that are or are not sent, the dispatch ceiling, the proof of ownership and the
 * identity of Redis in the commit's metadata. RELIABILITY.md sections 3, 4, 6 and 10. README.md has the results.
 *
 * Two workers, one event of one service. Kafka: watermark, `ceil` and `redis` of the metadata, out (the outcome). Redis: :e st (H held, S
 * sent, Q sent by an earlier owner, D decided, X dead), fence, out; :l owner (by number of the assignment), until (time is left). It
 * changes identity when it fails over to an older copy or is emptied; each script compares it. A fence is the clock's, so it never goes
 * back. A pause is a worker that is not scheduled; only its sending ends O after its last commit. QUIET: Q has passed.
 *
 * As the code does it: CLAIM marks S before the slot; what gets no slot is given back by RELEASE, of which no reply is waited for; the
 * same owner that asks again for its own S is given a new fence and keeps what it knows (job.doubt); a fenced DECIDE makes a doubt and
 * another claim; a DECIDE without an answer is owed, the outcome goes out all the same, and the offset settles after it.
 *
 * Left out: other events of the lane (takeover.pml), entries (waiting.pml), workflows of more than one step, staleness.
 *
 * class:    (none) query | -DKEYED (`never` ends in the waiting topic: waiting.pml)
 * size:     -DCRASH= -DLOSS= -DREB= -DTMO= -DREJ= -DNOTSENT= (proven unsent tries) -DREPLY= (Redis' answer lost) -DGIVE= (given back)
 * removed:  -DNOCEIL -DCEILLATE -DTRUSTALL -DTAGEARLY -DNOWAIT -DOUTEARLY -DNOMARK -DSAMEOWNER -DFORGETSDOUBT -DRESEND -DNOQ -DNOREREAD
 *           -DNOPROOF -DPAUSE -DSHORTLEASE -DDECIDEUNFENCED -DRELEASEUNFENCED -DRELEASEDOUBT -DRELEASELATE -DCOUNTERFENCE -DNOGEN
 *           -DCOMMITFIRST -DPUBUNPROVEN -DNOOWED -DDEADATONCE */
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
#ifndef REPLY
#define REPLY 0
#endif
#ifndef GIVE
#define GIVE 0
#endif

#define NONE 0          /* outcomes */
#define APPLIED 1
#define REJECTED 2
#define DEAD 3
#define ABSENT 0        /* st; a decided one is D + its outcome, D + DEAD is the code's X */
#define H 1
#define S 2
#define Q 3
#define D 3
#define IS_SENT (st == S || st == Q)
#define FLY 1           /* call[w] */
#define OK 2
#define NOK 3
#define LOST 4
#define UNTRIED 5
#define NOBODY 255

/* Kafka */
bool watermark, ceil; byte redis, gen, group, out, fin;
/* Redis, and the copy that it may fail over to */
byte rid, st, fence, owner; bool until;
byte sst, sfence, sowner; bool suntil;
byte clock;
/* workers and the provider */
byte mg[2] = NOBODY, call[2], pub[2]; bool hold[2], kill[2], purged[2];
byte late, eff;
byte ncrash, nloss, nsnap, nreb, ntmo, nrej, nuntried, nreply, ngive;

#ifdef SAMEOWNER        /* the owner's name is the worker's, without the number of its assignment */
#define ME (me + 1)
#else
#define ME (2 * mg[me] + me + 1)
#endif
#ifdef NOGEN            /* the group does not fence a commit */
#define MINE true
#else
#define MINE (gen == mg[me])
#endif
#ifdef NOPROOF
#define PROVEN true
#else
#define PROVEN hold[me]
#endif
#ifdef PUBUNPROVEN
#define MAYPUB true
#else
#define MAYPUB hold[me]
#endif
#define BEHIND (rid != myr)
#ifdef NOQ
#define QUIET true
#else
#define QUIET (late == 0 && !hold[1 - me] && call[1 - me] != FLY && pub[0] == NONE && pub[1] == NONE)
#endif
#ifdef COUNTERFENCE     /* a counter in Redis: it goes back with it */
#define NEXT_FENCE fence = fence + 1; f = fence
#else
#define NEXT_FENCE clock++; fence = clock; f = clock
#endif
#ifdef DECIDEUNFENCED
#define HOLDER true
#else
#define HOLDER (fence == f)
#endif
#ifdef RELEASEUNFENCED
#define RELEASER true
#else
#define RELEASER (fence == f)
#endif

inline effect() {
#ifdef KEYED
  eff = 1
#else
  eff++; assert(eff <= 1)                                       /* one effect a key */
#endif
}
inline land(w) {
  assert(fin == NONE || fin == pub[w]);                         /* final outcomes of one key agree */
  assert(pub[w] != APPLIED || eff > 0);
  assert(pub[w] != REJECTED || eff == 0);
  fin = pub[w]; out = pub[w]; pub[w] = NONE
}

active [2] proctype W() {
  byte me, myr, f, kind; bool doubt, lim, owes;
  me = _pid;
start:
  { skip;
idle: atomic { hold[me] = 0; mg[me] = NOBODY; myr = 0; f = 0; kind = 0; doubt = 0; lim = 0; owes = 0 };
end0:
  atomic { group == me && !watermark -> mg[me] = gen; lim = ceil; myr = rid;
#ifdef TAGEARLY
    redis = rid
#endif
  };
#ifdef OUTEARLY
  if :: out != NONE -> goto settle :: else fi;
#endif
  if
#ifdef NOCEIL
  :: atomic { MINE -> hold[me] = 1 }
#elif defined(CEILLATE)
  :: atomic { MINE -> hold[me] = 1 }
#else
  :: atomic { MINE -> hold[me] = 1; ceil = 1 }                  /* an acknowledged commit: ownership and ceiling */
#endif
  :: !MINE -> goto idle
  fi;
#ifndef OUTEARLY
  if :: out != NONE -> goto settle :: else fi;
#endif
  if
#ifdef TRUSTALL
  :: true -> goto claim
#else
  :: redis == myr -> goto claim
  :: redis != myr -> goto untrusted
#endif
  fi;
noticed:
  atomic { myr = rid; lim = ceil; f = 0; kind = 0 };
untrusted:                                      /* O after the assignment nobody else sends; then the outcomes once more */
  if
#ifdef NOWAIT
  :: true
#else
  :: !hold[1 - me]
#endif
  :: !MINE -> goto idle
  fi;
#ifndef OUTEARLY
  if :: out != NONE -> goto settle :: else fi;
#endif
  atomic { if :: BEHIND -> goto noticed :: else fi;             /* MERGE: forward only */
    if :: lim && st < Q -> st = Q; NEXT_FENCE; owner = ME; until = 1 :: else fi };
  if :: atomic { MINE -> redis = myr } :: !MINE -> goto idle fi;

claim:
  if
  :: atomic { BEHIND -> goto noticed }
  :: atomic { !BEHIND && st > D -> kind = st - D; goto publish }
  :: atomic { !BEHIND && st <= D && (owner == 0 || owner == ME || !until) ->
       if
       :: IS_SENT && owner == ME -> until = 1; NEXT_FENCE;      /* asked again: its reply was lost, or this is the next try */
#ifndef FORGETSDOUBT
            doubt = (doubt || st == Q)
#endif
       :: else ->
            if :: IS_SENT -> st = Q; doubt = 1 :: else -> st = S fi;
#ifdef NOMARK
            if :: st == S -> st = H :: else fi;
#endif
            NEXT_FENCE; owner = ME; until = 1
       fi;
       if
       :: nreply < REPLY -> nreply++; goto claim
       :: true
       fi }
  :: !MINE -> goto idle
  fi;
  if                                            /* no slot: given back, without waiting for the reply; then claimed again, or the partition went */
  :: atomic { ngive < GIVE && !doubt -> ngive++ };
       if :: atomic { !BEHIND && RELEASER && IS_SENT -> st = H; owner = 0; until = 0 } :: true fi;
       goto claim
  :: skip
  fi;
resolve:
  if
  :: !doubt
#ifdef RESEND
  :: doubt
#elif defined(KEYED)
  :: doubt
#elif defined(DEADATONCE)                       /* a person's doubt is `dead` at once: no Q, and no look at the outcomes */
  :: doubt -> kind = DEAD; goto decide
#else
  :: atomic { doubt && QUIET ->
#ifndef NOREREAD
       if :: out != NONE -> goto settle :: else fi;
#endif
       if :: eff > 0 -> kind = APPLIED; goto decide :: else fi }
  :: doubt && !MINE -> goto idle
#endif
  fi;
#ifdef RELEASELATE                              /* given back though the call goes out: the reply of RELEASE was not waited for */
  if :: atomic { ngive < GIVE && !doubt && !BEHIND && RELEASER && IS_SENT -> ngive++; st = H; owner = 0; until = 0 } :: true fi;
#endif
#ifdef PAUSE                                    /* checked, then a pause, then sent: what no client can rule out */
  if :: PROVEN :: !PROVEN -> goto idle fi;
  call[me] = FLY;
#else
  if :: atomic { PROVEN -> call[me] = FLY } :: !PROVEN -> goto idle fi;
#endif
#ifdef CEILLATE
  if :: atomic { MINE -> ceil = 1 } :: !MINE fi;
#endif
  if
  :: atomic { call[me] == OK -> call[me] = 0; kind = APPLIED }
  :: atomic { call[me] == NOK -> call[me] = 0; kind = REJECTED }
  :: atomic { call[me] == UNTRIED -> call[me] = 0; goto again }
  :: atomic { call[me] == LOST -> call[me] = 0; doubt = 1; goto again }
  fi;
  doubt = 0;
decide:
  atomic {
    if
    :: BEHIND -> owes = 1; goto publish                         /* Kafka is the truth: publish all the same */
    :: !BEHIND && HOLDER && (st < Q || IS_SENT) -> st = D + kind; owner = 0; until = 0; if :: nreply < REPLY -> nreply++; owes = 1 :: true fi
    :: !BEHIND && HOLDER && st > D -> skip
    :: !BEHIND && !HOLDER -> kind = 0; doubt = 1;               /* a fenced owner decides nothing; it claims again only as the owner */
         if :: hold[me] -> goto claim :: !hold[me] -> goto idle fi
    :: nreply < REPLY -> nreply++; owes = 1
    fi };
publish:
  if
  :: atomic { MAYPUB && pub[me] == NONE -> pub[me] = kind; purged[me] = 0 }
  :: !MAYPUB -> goto idle
  fi;
#ifdef COMMITFIRST
  goto settle;
#endif
  if
  :: pub[me] == NONE && !purged[me]
  :: purged[me] -> goto idle
  fi;
#ifndef NOOWED
  if                                            /* the offset stays open until Redis knows it too */
  :: atomic { owes && !BEHIND -> if :: HOLDER && st <= D -> st = D + kind; owner = 0; until = 0 :: else fi; owes = 0 }
  :: owes && BEHIND                             /* forgotten: the merge brings it */
  :: !owes
  fi;
#endif
settle:
  if
  :: atomic { MINE -> watermark = 1; assert(fin != NONE); goto idle }   /* nothing committed without its durable outcome */
  :: !MINE -> goto idle
  fi;
again:                                          /* the next try */
  if
#ifdef RELEASEDOUBT
  :: atomic { !BEHIND && RELEASER && IS_SENT -> st = H; owner = 0; until = 0; doubt = 0 }
#else
  :: atomic { !doubt && !BEHIND && RELEASER && IS_SENT -> st = H; owner = 0; until = 0 }
#endif
  :: skip
  fi;
  goto claim
  } unless { kill[_pid] };
  d_step { kill[me] = 0; if :: call[me] == FLY -> late++ :: else fi; call[me] = 0 };
  atomic { gen++; if :: group = 1 - group :: group = group fi };
  goto start
}

#ifdef SHORTLEASE       /* L below O + T_req: a lease ends while its owner may still send, or waits for its call */
#define LAPSES until
#else
#define BUSY_WITH(w) (2 * mg[w] + w + 1 == owner && (hold[w] || call[w] == FLY))
#define LAPSES (until && !BUSY_WITH(0) && !BUSY_WITH(1))
#endif
#define network(w) \
  :: d_step { call[w] == FLY -> effect(); call[w] = OK } \
  :: d_step { call[w] == FLY && nrej < REJ -> nrej++; call[w] = NOK } \
  :: d_step { call[w] == FLY && nuntried < NOTSENT -> nuntried++; call[w] = UNTRIED } \
  :: d_step { call[w] == FLY && ntmo < TMO -> ntmo++; effect(); call[w] = LOST } \
  :: d_step { call[w] == FLY && ntmo < TMO -> ntmo++; late++; call[w] = LOST } \
  :: d_step { pub[w] != NONE -> land(w) } \
  :: d_step { pub[w] != NONE && mg[w] != gen -> pub[w] = NONE; purged[w] = 1 }
active proctype Env() {
endE: do
  :: atomic { ncrash < CRASH && mg[0] != NOBODY && !kill[0] -> ncrash++; kill[0] = 1; hold[0] = 0 }
  :: atomic { ncrash < CRASH && mg[1] != NOBODY && !kill[1] -> ncrash++; kill[1] = 1; hold[1] = 0 }
  :: d_step { nreb < REB -> nreb++; gen++; group = 1 - group }
  :: d_step { hold[0] && mg[0] != gen -> hold[0] = 0 }          /* O after its last commit */
  :: d_step { hold[1] && mg[1] != gen -> hold[1] = 0 }
  :: d_step { LAPSES -> until = 0 }
  :: d_step { nloss < LOSS && nsnap == nloss -> nsnap++; sst = st; sfence = fence; sowner = owner; suntil = until }
  :: d_step { nloss < LOSS && nsnap > nloss -> nloss++; nsnap = nloss; rid++; st = sst; fence = sfence; owner = sowner; until = suntil;
       sst = 0; sfence = 0; sowner = 0; suntil = 0 }
  :: d_step { nloss < LOSS && nsnap == nloss -> nloss++; nsnap = nloss; rid++; st = 0; fence = 0; owner = 0; until = 0 }
  network(0) network(1)
  :: d_step { late > 0 -> late--; effect() }
  :: d_step { late > 0 -> late-- }
  od
}
