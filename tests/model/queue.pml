/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * queue.pml - the queue and the hand-overs, for spin: who says what to whom, what each process keeps in
 * memory, what is on the disk, and what a kill -9 or a power cut at any point leaves.
 *
 * One message with NR recipients (each a destination of its own), its client, queue with a flush worker,
 * qmgr, NW workers (0: remote with its sessions, 1: local), bounce with a report on each recipient that
 * failed.  Each transition is T(name), behind a comment that names the functions which do it ("file:
 * function").  run.py checks that they are there and that spin reaches each transition; trace.py, which
 * reads logs, knows transitions by these names.
 *
 * A transition is atomic; whatever others could see happen one by one are several.  What a process knows
 * is in globals, so that a crash can wipe it: its memory and what it has not read are gone, what it said
 * is still there for the others.  It is started again at any time afterwards.  Crashes are bounded
 * (NCRASH), and so are temporary failures (NDEFER) and the administrator's wishes (NACTS); all else is
 * done once or has a cause among these, so that every run ends (run.py looks for cycles), and `watch`
 * judges where it ended.
 *
 * -DPOWER: a power cut is one of the crashes; with -DEACH the strategy that flushes marks apart from
 * commits.  -DREROUTE: the recipients' route changes from worker 0 to 1.  -DFAULT_…: a fault.
 *
 * Marks and acknowledgements that wait for company (qmgr/gather.c) are not said yet; those of one packet are
 * said one by one.  A next file that comes with an answer (queue/session.c: open_next) is OPEN and OPENED.
 * A session that reads its message before COMMIT (queue/session.c: on_read) has it open as before: READ moves nothing.
 *
 * Not here: damaged files, errors of the disk, want of memory, a channel lost between two that live,
 * notices of success and delay, held mail, and time (whatever waits may happen now).
 */
#ifndef NR
#define NR 2
#endif
#ifndef NW
#define NW 1
#endif
#ifndef NCRASH
#define NCRASH 2
#endif
#ifndef NDEFER
#define NDEFER 1
#endif
#ifndef NACTS
#define NACTS 0
#endif

#define NF (NR + 1)		/* files: 0 the message, 1 + r the report on recipient r */
#define NJ (NW * NR)		/* jobs: each of one worker and one recipient */
#define AT(w, r) ((w) * NR + (r))
#define OF(n) ((n) % NR)	/* a job's recipient */
#define T(name) d_step {
#ifdef COVER			/* tells of each transition when it is done first, by the line of its END */
c_decl { static char done_at[2000]; }
#define END ; c_code { if (!done_at[__LINE__]++) printf("done %d\n", __LINE__); }; skip }
#else
#define END ; skip }
#endif
#define IF(c) if :: c ->
#define FI :: else fi

mtype = { OPEN, OPENED, COMMIT, COMMITTED, ABANDON, REFUSED, NEW, MARK, MARKED, JOB, RESULT, ACK,
	INFLIGHT, HELLO, REPORT, REPORTED };

/* Slots (lib/qfile.h), and what a worker says: QUEUED is a deferral. */
#define QUEUED 0
#define FAILED 1
#define DELIVERED 2
#define BOUNCED 3
#define FINAL(s) ((s) >= DELIVERED)

/* --- what is said: a channel for each direction --- */

chan s2q = [1] of { mtype };
chan q2s = [1] of { mtype };
chan b2q = [NR] of { mtype, byte };		/* COMMIT of the report on a recipient */
chan q2b = [NR] of { mtype, byte };
chan m2q = [NJ + NR] of { mtype, byte, byte };	/* MARK of a job (NJ + r: a report's), state */
chan q2m = [NJ + NR + 1] of { mtype, byte, bool };	/* NEW; MARKED of a job, gone */
chan m2w[NW] = [2 * NR] of { mtype, byte };
chan w2m[NW] = [2 * NR + 1] of { mtype, byte, byte };	/* RESULT of a recipient, outcome */
chan m2b = [NR] of { mtype, byte };
chan b2m = [NR + 1] of { mtype, byte };
bool flushed;				/* the flush worker has said so, queue has not read it */
/* No channel: an end has died, and there is no new pair yet.  What is sent is lost. */
bool cut_sq, cut_mq = true, cut_mw[NW] = true, cut_mb = true, cut_bq = true;

/* --- the disk, as processes see it; the states of DESIGN.md, 3 --- */

#define NONE 0				/* Q0 */
#define TMP 1				/* Q1, Q2: tmp/ID */
#define HH 2				/* Q3 to Q5: HH/ID */
#define GONE 3				/* Q6: unlinked, all recipients final */
byte name[NF];
byte slot[NR];
#ifdef POWER
byte dname[NF], dslot[NR];		/* what a power cut leaves */
bool dirty[NR];				/* queue's memory: marked since the last flush */
bool fmark[NR];				/* marks of the flush worker's batch */
#endif

/* --- memory of queue and its flush worker --- */

bool up_q = true, up_f = true;
#define Q_OPEN 1
#define Q_WAITING 2
#define Q_FLUSHING 3
byte com[NF];				/* struct qmsg */
bool lone[NF];				/* its session has gone */
bool busy;				/* a batch is with the flush worker */
#define F_IDLE 0
#define F_GOT 1
#define F_NAMED 2
#define F_DURABLE 3
byte fst;
bool batch[NF], qbatch[NF];		/* the worker's, queue's note of it */

/* --- memory of the session --- */

bool up_s = true;
#define S_OPENING 1
#define S_WRITING 2
#define S_COMMITTING 3
#define S_OVER 4
byte sst;

/* --- memory of qmgr --- */

bool up_m = true;
bool hello[NW], hello_b;		/* said on the present channel */
bool met[NW];				/* said since qmgr began */
bool scan;				/* the message is to be read */
#define DUE 1
#define BUSY 2
byte en[NR], rep[NR];			/* entries: for delivery, for a report */
#define AWAY 1
#define MARKING 2
byte job[NJ], rjob[NR];
byte jmark[NJ];
bool own[NJ];				/* the job has an entry: it was not adopted from an earlier qmgr */
bool doubt[NJ];				/* the channel it went by is no more */
bool owed[NJ];				/* its worker waits for ACK on the present channel */

byte route;				/* of all recipients: a worker.  A setting */

/* --- memory of workers and bounce --- */

bool up_w[NW] = true, up_b = true;
#define W_JOB 1				/* a session has it */
#define W_TAKEN 2			/* the hop has said 250, the parent has not heard */
#define W_DONE 3			/* the result is kept */
byte wst[NJ], wout[NJ];
bool bwork[NR], told[NR];		/* a report is with queue; is committed */
bool asked[NR];				/* the present qmgr waits for it: an earlier one's number is not known */

/* --- what no process knows: for the claims --- */

bool acked;				/* the client has 250 */
byte hop[NR], allowed[NR] = 1;		/* times delivered; times that is no fault */
bool sole[NR];				/* qmgr alone knows of the delivery: its worker died */
bool reported[NR];			/* queue has said COMMITTED of its report */
bool forgot[NR];			/* a power cut took the failure that a report told of */
byte crashes, defers, acts;

hidden byte f, j, o, q, x, st, all;	/* scratch within one transition */

#define EACH_R for (x : 0 .. NR - 1)
#define EACH_F for (f : 0 .. NF - 1)
#define WORKING(w, r) (wst[AT(w, r)] == W_JOB || wst[AT(w, r)] == W_TAKEN)
#if NW == 1
#define ALL_MET met[0]
#define IN_WORK(r) WORKING(0, r)
#define WORKERS_IDLE(r) (wst[AT(0, r)] == 0)
#define NO_JOB(r) (job[AT(0, r)] == 0)
#else
#define ALL_MET (met[0] && met[1])
#define IN_WORK(r) (WORKING(0, r) || WORKING(1, r))
#define WORKERS_IDLE(r) (wst[AT(0, r)] == 0 && wst[AT(1, r)] == 0)
#define NO_JOB(r) (job[AT(0, r)] == 0 && job[AT(1, r)] == 0)
#endif
#if NR == 1
#define ANY(p) (p(0))
#define ANY_FILE(p) (p(0) || p(1))
#else
#define ANY(p) (p(0) || p(1))
#define ANY_FILE(p) (p(0) || p(1) || p(2))
#endif
#define WAITS(f) (com[f] == Q_WAITING)

/* Guards that a fault takes away. */
#ifdef FAULT_GIVE_UP_EARLY
#define MAY_GIVE_UP true
#else
#define MAY_GIVE_UP ALL_MET
#endif
#if defined(FAULT_NO_HELLO)
#define MAY_BEGIN true
#elif defined(FAULT_ONE_HELLO)
#define MAY_BEGIN hello[route]
#else
#define MAY_BEGIN (hello[route] && ALL_MET)
#endif
#ifdef FAULT_ACT_EARLY
#define MAY_ACT true
#else
#define MAY_ACT ALL_MET
#endif
#ifdef FAULT_UNREAD
#define IS_READ(w) true
#else
#define IS_READ(w) empty(w2m[w])
#endif

/* queue/mark.c: mark_counts */
#ifdef FAULT_UNFAILED
#define MARK_COUNTS(old, new) (!FINAL(old) || FINAL(new))
#else
#define MARK_COUNTS(old, new) (FINAL(new) || (!FINAL(old) && (old != FAILED || new == FAILED)))
#endif

inline drain1(c) { do :: len(c) > 0 -> c?_ :: else -> break od }
inline drain2(c) { do :: len(c) > 0 -> c?_, _ :: else -> break od }
inline drain3(c) { do :: len(c) > 0 -> c?_, _, _ :: else -> break od }

/* A further delivery of r is no fault: the only one that knew of this one has died. */
#define EXCUSE(r) allowed[r] = hop[r] + 1
/* Delivered and reported as failed: only where the delivery's reply, or the failure, was lost. */
#define ONE_FATE(r) assert(hop[r] == 0 || !reported[r] || allowed[r] > 1 || forgot[r])

#ifdef POWER
#define DURABLE(f) (dname[f] == HH)
#else
#define DURABLE(f) (name[f] == HH)
#endif

/* --- smtpd: a session and its client --- */

active proctype smtpd()
{
	do
	/* smtpd/link.c: link_open */
	:: T(s_open) up_s && up_q && sst == 0 -> drain1(s2q); drain1(q2s); cut_sq = false;
		s2q!OPEN; sst = S_OPENING END
	/* smtpd/link.c: link_call */
	:: T(s_opened) up_s && sst == S_OPENING && q2s?[OPENED] -> q2s?OPENED; sst = S_WRITING END
	/* smtpd/link.c: link_commit */
	:: T(s_commit) up_s && sst == S_WRITING -> sst = S_COMMITTING;
		IF(!cut_sq) s2q!COMMIT FI END
	/* smtpd/link.c: link_abandon */
	:: T(s_abandon) up_s && sst == S_WRITING -> sst = S_OVER;
		IF(!cut_sq) s2q!ABANDON FI END
	/* smtpd/message.c: message_accepted */
	:: T(s_accepted) up_s && sst == S_COMMITTING && q2s?[COMMITTED] -> q2s?COMMITTED; sst = S_OVER;
		acked = true;
		assert(DURABLE(0) || name[0] == GONE) END
	/* smtpd/message.c: message_failed */
	:: T(s_not_queued) up_s && (sst == S_OPENING || sst == S_COMMITTING) &&
	    (q2s?[REFUSED] || (cut_sq && empty(q2s))) -> drain1(q2s); sst = S_OVER END
	od
}

/* --- queue --- */

/* queue/flush.c: flush_undo */
inline undo(f)
{
	assert(f != 0 || !acked);
	IF(f == 0 || !reported[f - 1]) name[f] = NONE FI	/* else the first report on it stays */
}

inline forget(f)
{
	if
	:: com[f] == Q_FLUSHING -> lone[f] = true
	:: com[f] == Q_OPEN || com[f] == Q_WAITING -> com[f] = 0; name[f] = NONE
	:: else
	fi
}

inline answer(f, what)
{
	if
	:: lone[f]
	:: !lone[f] && f == 0 && up_s && !cut_sq -> q2s!what
	:: !lone[f] && f > 0 && !cut_bq -> q2b!what(f - 1)
	:: else
	fi
}

inline committed(f)
{
	answer(f, COMMITTED);
	if
	:: f == 0 && !cut_mq -> q2m!NEW(0, false)
	:: f > 0 -> reported[f - 1] = true; ONE_FATE(f - 1)
	:: else
	fi
}

/* all: would every recipient be final with this mark?  queue/mark.c: mark_left */
inline would_be_over(j, st)
{
	all = true;
	EACH_R { IF(!FINAL(slot[x]) && !(x == OF(j) && FINAL(st))) all = false FI }
}

active proctype queue()
{
	do
	/* queue/session.c: on_open */
	:: T(q_open) up_q && s2q?[OPEN] -> s2q?OPEN; com[0] = Q_OPEN; name[0] = TMP;
		IF(up_s) q2s!OPENED FI END
	/* queue/session.c: on_commit, queue/intake.c: intake, queue/flush.c: flush_wait */
	:: T(q_commit) up_q && s2q?[COMMIT] -> s2q?COMMIT; com[0] = Q_WAITING;
#ifdef FAULT_COMMITTED_EARLY
		answer(0, COMMITTED)
#endif
		END
	/* queue/session.c: on_abandon */
	:: T(q_abandon) up_q && s2q?[ABANDON] -> s2q?ABANDON; com[0] = 0; name[0] = NONE END
	/* queue/session.c: on_commit */
	:: T(q_commit_report) up_q && b2q?[COMMIT, 0] && com[1] == 0 -> b2q?COMMIT, j; com[1 + j] = Q_WAITING;
		IF(name[1 + j] == NONE) name[1 + j] = TMP FI	/* else it is a second report, another file */
		END
#if NR > 1
	:: T(q_commit_report) up_q && b2q?[COMMIT, 1] && com[2] == 0 -> b2q?COMMIT, j; com[1 + j] = Q_WAITING;
		IF(name[1 + j] == NONE) name[1 + j] = TMP FI END
#endif
	/* queue/session.c: session_gone, queue/session.c: session_forget */
	:: T(q_session_gone) up_q && !up_s && empty(s2q) && com[0] != 0 && !lone[0] -> forget(0) END
	/* queue/flush.c: flush_dispatch, queue/flush.c: job_fill */
	:: T(q_dispatch) up_q && up_f && !busy && !flushed && ANY_FILE(WAITS) ->
		EACH_F { IF(WAITS(f)) com[f] = Q_FLUSHING; qbatch[f] = true; batch[f] = true FI }
#if defined(POWER) && !defined(EACH)
		EACH_R { fmark[x] = dirty[x]; dirty[x] = false }
#endif
		busy = true; fst = F_GOT END
#ifdef POWER
#define DIRTY(r) dirty[r]
	/* queue/flush.c: flush_mark_timer, queue/flush.c: job_add_marks */
	:: T(q_mark_timer) up_q && up_f && !busy && !flushed && ANY(DIRTY) ->
		EACH_R { fmark[x] = dirty[x]; dirty[x] = false }
		busy = true; fst = F_GOT END
#endif
	/* queue/flush.c: on_flushed, queue/flush.c: flush_committed, queue/flush.c: flush_announce */
	:: T(q_committed) up_q && flushed -> flushed = false; busy = false;
		EACH_F {
			if
			:: qbatch[f] && lone[f] -> qbatch[f] = false; com[f] = 0; lone[f] = false; undo(f)
			:: qbatch[f] && !lone[f] -> qbatch[f] = false; com[f] = 0;
#ifdef FAULT_COMMITTED_EARLY
				IF(f == 0 && !cut_mq) q2m!NEW(0, false) FI;
				IF(f > 0) committed(f) FI
#else
				committed(f)
#endif
			:: else
			fi
		} END
	/* queue/flush.c: worker_gone, queue/flush.c: flush_failed, queue/flush.c: flush_remark */
	:: T(q_worker_gone) up_q && !up_f && !flushed ->
		EACH_F {
			if
			:: qbatch[f] ->
				qbatch[f] = false; com[f] = 0; undo(f);
				answer(f, REFUSED);
				lone[f] = false
			:: else
			fi
		}
#ifdef POWER
		EACH_R { dirty[x] = dirty[x] || fmark[x]; fmark[x] = false }
#endif
		busy = false; up_f = true END
	/* queue/mark.c: mark_on_packet, queue/mark.c: mark_apply */
	:: T(q_mark) up_q && m2q?[MARK, _, _] -> m2q?MARK, j, st;
		all = true;
		if
		:: name[0] == HH ->
			would_be_over(j, st);
			if
			:: all ->			/* queue/mark.c: mark_finish */
				EACH_R {
					assert((slot[x] != BOUNCED && !(j == NJ + x && st == BOUNCED)) ||
					    DURABLE(1 + x))
				}
				name[0] = GONE
			:: !all && MARK_COUNTS(slot[OF(j)], st) ->	/* queue/mark.c: mark_write */
				slot[OF(j)] = st;
				sole[OF(j)] = false;
#ifdef POWER
				dirty[OF(j)] = true
#endif
			:: else
			fi
		:: else
		fi;
		IF(!cut_mq) q2m!MARKED(j, all) FI END
	od
}

/* --- its flush worker: outlives queue until its batch is done, and holds the lock till then --- */

active proctype flusher()
{
	do
	/* queue/worker.c: batch_name */
	:: T(f_name) up_f && fst == F_GOT -> fst = F_NAMED;
		EACH_F { IF(batch[f] && name[f] == TMP) name[f] = HH FI } END
	/* queue/worker.c: batch_barrier, queue/worker.c: batch_wait */
	:: T(f_durable) up_f && fst == F_NAMED -> fst = F_DURABLE;
#ifdef POWER
		EACH_F { dname[f] = name[f] }		/* the journal commits in order */
		EACH_R { IF(fmark[x]) dslot[x] = slot[x]; fmark[x] = false FI }
#endif
		END
	/* queue/worker.c: worker_run */
	:: T(f_flushed) up_f && fst == F_DURABLE -> fst = F_IDLE;
		EACH_F { batch[f] = false }
		if
		:: up_q -> flushed = true
		:: else -> up_f = false
		fi END
#ifdef POWER
	/* the kernel, at any time: names in order, each slot by itself */
	:: T(k_names) dname[0] != name[0] && (name[0] == HH || dname[0] == HH) && name[0] != TMP ->
		EACH_F { dname[f] = name[f] } END
	:: T(k_slot) dslot[0] != slot[0] -> dslot[0] = slot[0] END
#endif
	od
}

/* --- qmgr --- */

inline say_mark(number, state) { IF(!cut_mq) m2q!MARK(number, state) FI }

/* qmgr/gather.c: gather_ack */
inline ack(n) { IF(owed[n] && !cut_mw[(n) / NR]) m2w[(n) / NR]!ACK(OF(n)) FI; owed[n] = false }

/* qmgr/job.c: job_free */
inline job_free(n) { job[n] = 0; own[n] = false; doubt[n] = false; jmark[n] = 0; owed[n] = false }

/* qmgr/mark.c: mark_done, qmgr/mark.c: entry_go_on */
inline mark_done(n, gone)
{
	IF(!gone && jmark[n] == FAILED && rep[OF(n)] == 0) rep[OF(n)] = DUE FI;
	ack(n);
	if
	:: own[n] && !gone && jmark[n] == QUEUED -> en[OF(n)] = DUE
	:: own[n] && (gone || jmark[n] != QUEUED) -> en[OF(n)] = 0
	:: !own[n] && !gone -> scan = true		/* qmgr/message.c: qmgr_know */
	:: else
	fi;
	job_free(n)
}

/* qmgr/mark.c: message_gone */
inline message_gone()
{
	EACH_R { IF(en[x] == DUE) en[x] = 0 FI; IF(rep[x] == DUE) rep[x] = 0 FI }
}

/* A recipient fails without a worker. */
inline fail(r)
{
	job[r] = MARKING; jmark[r] = FAILED; own[r] = (en[r] != 0);
	IF(en[r] != 0) en[r] = BUSY FI;
	say_mark(r, FAILED)
}

active proctype qmgr()
{
	do
	/* qmgr/peer.c: on_new */
	:: T(m_new) up_m && q2m?[NEW, _, _] -> q2m?NEW, _, _; scan = true END
	/* qmgr/message.c: qmgr_read */
	:: T(m_read) up_m && scan && !cut_mq -> scan = false;
		if
		:: name[0] == HH ->
			EACH_R {
				IF(slot[x] == QUEUED && en[x] == 0) en[x] = DUE FI;
				IF(slot[x] == FAILED && rep[x] == 0) rep[x] = DUE FI
			}
		:: else
		fi END
	/* qmgr/mark.c: qmgr_on_marked */
	:: T(m_marked) up_m && q2m?[MARKED, _, _] -> q2m?MARKED, j, all;
		if
		:: j < NJ && job[j] == MARKING -> mark_done(j, all)
		:: j >= NJ && rjob[j - NJ] == MARKING -> rjob[j - NJ] = 0; rep[j - NJ] = 0
		:: else
		fi;
		IF(all) message_gone() FI END
	/* qmgr/report.c: qmgr_on_reported */
	:: T(m_reported) up_m && b2m?[REPORTED, _] -> b2m?REPORTED, j;
		IF(rjob[j] == AWAY) rjob[j] = MARKING; say_mark(NJ + j, BOUNCED) FI END
	/* qmgr/report.c: qmgr_on_report_refused */
	:: T(m_report_refused) up_m && b2m?[REFUSED, _] -> b2m?REFUSED, j;
		IF(rjob[j] == AWAY) rjob[j] = 0; rep[j] = DUE FI END
	/* qmgr/peer.c: on_hello */
	:: T(m_hello_bounce) up_m && b2m?[HELLO, _] -> b2m?HELLO, _; hello_b = true END
#ifdef REROUTE
	/* qmgr/reload.c: qmgr_switched, qmgr/reload.c: qmgr_reroute */
	:: T(m_reroute) route == 0 -> route = 1; scan = scan || up_m END
#endif
	od
}

/* What qmgr does for one recipient. */
proctype qmgr_recipient(byte r)
{
	do
	/* qmgr/deliver.c: qmgr_deliver, qmgr/deliver.c: job_send */
	:: T(m_deliver) up_m && !cut_mq && en[r] == DUE && NO_JOB(r) && MAY_BEGIN ->
		if
		:: name[0] == HH && slot[r] == QUEUED ->
			en[r] = BUSY; job[AT(route, r)] = AWAY; own[AT(route, r)] = true;
			if
			:: !cut_mw[route] -> m2w[route]!JOB(r)
			:: else -> doubt[AT(route, r)] = true
			fi
		:: else -> en[r] = 0
		fi END
	/* qmgr/expire.c: qmgr_expire */
	:: T(m_expire) up_m && !cut_mq && en[r] == DUE && NO_JOB(r) && MAY_GIVE_UP ->
		if
		:: name[0] == HH && slot[r] == QUEUED -> fail(r)
		:: else -> en[r] = 0
		fi END
#if NACTS > 0
	/* qmgr/act.c: act_message, qmgr/act.c: act_mark */
	:: T(m_act) up_m && !cut_mq && acts < NACTS && name[0] == HH && slot[r] == QUEUED && NO_JOB(r) &&
	    MAY_ACT -> acts++; fail(r) END
#endif
	/* qmgr/report.c: qmgr_report, qmgr/report.c: report_send */
	:: T(m_report) up_m && !cut_mq && hello_b && rep[r] == DUE && rjob[r] == 0 ->
		if
		:: name[0] == HH && slot[r] == FAILED ->
			rep[r] = BUSY; rjob[r] = AWAY;
			IF(!cut_mb) m2b!REPORT(r) FI;
#ifdef FAULT_BOUNCED_EARLY
			rjob[r] = MARKING; say_mark(NJ + r, BOUNCED)
#endif
		:: else -> rep[r] = 0
		fi END
	od
}

/* What qmgr hears of one worker. */
proctype qmgr_peer(byte w)
{
	do
	/* qmgr/peer.c: qmgr_on_inflight */
	:: T(m_inflight) up_m && w2m[w]?[INFLIGHT, _, _] -> w2m[w]?INFLIGHT, j, _; j = AT(w, j);
		IF(job[j] == 0) job[j] = AWAY FI;
		doubt[j] = false END
	/* qmgr/outcome.c: qmgr_on_result, qmgr/outcome.c: result_adopt */
	:: T(m_result) up_m && w2m[w]?[RESULT, _, _] -> w2m[w]?RESULT, j, o; j = AT(w, j);
		IF(job[j] == 0) job[j] = AWAY FI;
		owed[j] = true;
		doubt[j] = false;
		if
		:: job[j] == AWAY && name[0] != HH ->
			ack(j);
			IF(own[j]) en[OF(j)] = 0 FI;
			job_free(j)
		:: job[j] == AWAY && name[0] == HH && slot[OF(j)] != QUEUED ->	/* marked already */
			jmark[j] = DELIVERED;
			mark_done(j, false)
		:: job[j] == AWAY && name[0] == HH && slot[OF(j)] == QUEUED ->	/* qmgr/outcome.c: outcome_apply */
			job[j] = MARKING; jmark[j] = o;
#ifdef FAULT_ACK_EARLY
			ack(j);
#endif
			say_mark(j, o)
		:: else				/* a repetition */
		fi END
	/* qmgr/peer.c: on_hello, qmgr/peer.c: hello_job */
	:: T(m_hello) up_m && w2m[w]?[HELLO, _, _] -> w2m[w]?HELLO, _, _;
		hello[w] = true; met[w] = true;
		EACH_R {
			if
			:: job[AT(w, x)] == AWAY && doubt[AT(w, x)] ->
				IF(own[AT(w, x)]) en[x] = DUE FI;
				job_free(AT(w, x))
			:: else
			fi
		} END
	od
}

/* --- remote and local: the parent, and its sessions --- */

inline result(w, r, o)
{
	wst[AT(w, r)] = W_DONE; wout[AT(w, r)] = o;
	IF(!cut_mw[w]) w2m[w]!RESULT(r, o) FI
}

proctype worker(byte w)
{
	do
	/* lib/worker.c: worker_on_job, remote/parent.c: remote_start, local/parent.c: job_start */
	:: T(w_job) up_w[w] && m2w[w]?[JOB, _] -> m2w[w]?JOB, j;
		assert(!IN_WORK(j));
		assert(wst[AT(w, j)] == 0);
		wst[AT(w, j)] = W_JOB END
	/* lib/worker.c: worker_on_ack */
	:: T(w_ack) up_w[w] && m2w[w]?[ACK, _] -> m2w[w]?ACK, j;
		IF(wst[AT(w, j)] == W_DONE) wst[AT(w, j)] = 0; wout[AT(w, j)] = 0 FI END
	od
}

proctype session(byte w; byte r)
{
	do
	/* remote/smtp.c: smtp_send, local/delivery.c: delivery_run */
	:: T(w_taken) up_w[w] && wst[AT(w, r)] == W_JOB -> wst[AT(w, r)] = W_TAKEN;
		assert(hop[r] < allowed[r]);
		hop[r]++;
		ONE_FATE(r) END
	/* remote/session.c: session_serve, remote/parent.c: on_result, lib/worker.c: worker_done */
	:: T(w_delivered) up_w[w] && wst[AT(w, r)] == W_TAKEN -> result(w, r, DELIVERED) END
	/* the same */
	:: T(w_failed) up_w[w] && wst[AT(w, r)] == W_JOB -> result(w, r, FAILED) END
	:: T(w_deferred) up_w[w] && wst[AT(w, r)] == W_JOB && defers < NDEFER ->
		defers++; result(w, r, QUEUED) END
	/* remote/parent.c: child_gone, remote/parent.c: job_lost, local/parent.c: child_gone */
	:: T(c_session) up_w[w] && WORKING(w, r) && crashes < NCRASH -> crashes++;
		IF(wst[AT(w, r)] == W_TAKEN) EXCUSE(r) FI;
		result(w, r, QUEUED) END
	od
}

/* --- bounce --- */

active proctype bounce()
{
	do
	/* bounce/serve.c: on_report, bounce/told.c: told_before.  What it would refuse for now, because
	 * the report is under way or queue is not there, waits here instead of being said again. */
	:: T(b_told) up_b && m2b?[REPORT, 0] && told[0] -> m2b?REPORT, j; IF(!cut_mb) b2m!REPORTED(j) FI END
#if NR > 1
	:: T(b_told) up_b && m2b?[REPORT, 1] && told[1] -> m2b?REPORT, j; IF(!cut_mb) b2m!REPORTED(j) FI END
#endif
	/* bounce/serve.c: on_report, bounce/serve.c: work_begin, bounce/serve.c: work_write */
	:: T(b_report) up_b && !cut_bq && m2b?[REPORT, 0] && !told[0] && !bwork[0] ->
		m2b?REPORT, j; bwork[j] = true; asked[j] = true; b2q!COMMIT(j) END
#if NR > 1
	:: T(b_report) up_b && !cut_bq && m2b?[REPORT, 1] && !told[1] && !bwork[1] ->
		m2b?REPORT, j; bwork[j] = true; asked[j] = true; b2q!COMMIT(j) END
#endif
	/* bounce/serve.c: on_committed, bounce/told.c: told_keep, bounce/serve.c: reported */
	:: T(b_committed) up_b && q2b?[COMMITTED, _] -> q2b?COMMITTED, j;
		assert(DURABLE(1 + j));
		told[j] = true; bwork[j] = false;
		IF(asked[j] && !cut_mb) b2m!REPORTED(j) FI; asked[j] = false END
	/* bounce/serve.c: on_refused, bounce/serve.c: work_failed, bounce/serve.c: refuse */
	:: T(b_refused) up_b && q2b?[REFUSED, _] -> q2b?REFUSED, j; bwork[j] = false;
		IF(asked[j] && !cut_mb) b2m!REFUSED(j) FI; asked[j] = false END
	od
}

/* --- the supervisor: new channels, and processes that are started again --- */

active proctype supervisor()
{
	do
	/* start/supervisor.c: join, qmgr/peer.c: qmgr_peer, qmgr/peer.c: mark_again, qmgr/message.c: qmgr_scan */
	:: T(p_queue) cut_mq && up_m && up_q -> drain3(m2q); drain3(q2m); cut_mq = false; scan = true;
		EACH_R {
			for (q : 0 .. NW - 1) { IF(job[AT(q, x)] == MARKING) m2q!MARK(AT(q, x), jmark[AT(q, x)]) FI }
			IF(rjob[x] == MARKING) m2q!MARK(NJ + x, BOUNCED) FI
		} END
	/* qmgr/peer.c: qmgr_peer, bounce/serve.c: bounce_peer, qmgr/peer.c: doubt_job */
	:: T(p_bounce) cut_mb && up_m && up_b -> drain2(m2b); drain2(b2m); cut_mb = false;
		EACH_R { IF(rjob[x] == AWAY) rjob[x] = 0; rep[x] = DUE FI; asked[x] = false }
		hello_b = false;
		b2m!HELLO(0) END
	/* queue/queue.c: queue_attach, bounce/serve.c: bounce_peer_queue, bounce/serve.c: works_drop */
	:: T(p_reports) cut_bq && up_b && up_q -> drain2(b2q); drain2(q2b); cut_bq = false;
		for (f : 1 .. NR) { forget(f) }
		EACH_R { bwork[x] = false; IF(asked[x] && !cut_mb) b2m!REFUSED(x) FI; asked[x] = false } END
	/* queue/queue.c: queue_start, queue/setup.c: setup_lock, queue/setup.c: setup_clear_tmp */
	:: T(r_queue) !up_q && !up_f ->
		EACH_F { IF(name[f] == TMP) name[f] = NONE FI }
		up_q = true; up_f = true END
	/* qmgr/peer.c: qmgr_init */
	:: T(r_qmgr) !up_m -> up_m = true END
	/* bounce/serve.c: bounce_init */
	:: T(r_bounce) !up_b -> up_b = true END
	od
}

proctype supervisor_worker(byte w)
{
	do
	/* qmgr/peer.c: qmgr_peer, qmgr/peer.c: peer_lost, qmgr/peer.c: doubt_job, lib/worker.c: worker_connect.
	 * What the old one said is read before. */
	:: T(p_worker) cut_mw[w] && up_m && up_w[w] && IS_READ(w) -> drain2(m2w[w]); drain3(w2m[w]); cut_mw[w] = false; hello[w] = false;
		EACH_R {
			IF(job[AT(w, x)] == AWAY) doubt[AT(w, x)] = true FI;
			owed[AT(w, x)] = false;
			IF(WORKING(w, x)) w2m[w]!INFLIGHT(x, 0) FI
		}
#ifndef FAULT_NO_REPEAT
		EACH_R { IF(wst[AT(w, x)] == W_DONE) w2m[w]!RESULT(x, wout[AT(w, x)]) FI }
#endif
		w2m[w]!HELLO(0, 0) END
	/* lib/worker.c: worker_init */
	:: T(r_worker) !up_w[w] -> up_w[w] = true END
	od
}

/* --- what kills: each at any point --- */

inline kill_queue()
{
	up_q = false; cut_sq = true; cut_mq = true; cut_bq = true;
	drain1(s2q); drain2(b2q); drain3(m2q);
	flushed = false; busy = false;
	EACH_F { com[f] = 0; lone[f] = false; qbatch[f] = false }
#ifdef POWER
	EACH_R { dirty[x] = false }
#endif
	IF(fst == F_IDLE) up_f = false FI
}

inline kill_flusher()
{
	up_f = false; fst = F_IDLE;
	EACH_F { batch[f] = false }
}

inline kill_qmgr()
{
	up_m = false; cut_mq = true; cut_mb = true;
	drain3(q2m); drain2(b2m);
	for (q : 0 .. NW - 1) { cut_mw[q] = true; drain3(w2m[q]); hello[q] = false; met[q] = false }
	hello_b = false; scan = false;
	EACH_R {
		IF(sole[x] && name[0] == HH && slot[x] == QUEUED) EXCUSE(x) FI;
		sole[x] = false;
		en[x] = 0; rep[x] = 0; rjob[x] = 0;
		for (q : 0 .. NW - 1) { job_free(AT(q, x)) }
	}
}

/* Its sessions go with it. */
inline kill_worker(w)
{
	EACH_R {
		if
		:: wst[AT(w, x)] == W_TAKEN -> EXCUSE(x)
		:: wst[AT(w, x)] == W_DONE && wout[AT(w, x)] == DELIVERED && name[0] == HH && slot[x] == QUEUED ->
			if
			:: cut_mw[w] -> EXCUSE(x)
			:: else -> sole[x] = true
			fi
		:: else
		fi;
		wst[AT(w, x)] = 0; wout[AT(w, x)] = 0
	}
	up_w[w] = false; cut_mw[w] = true;
	drain2(m2w[w])
}

inline kill_bounce()
{
	up_b = false; cut_mb = true; cut_bq = true;
	drain2(m2b); drain2(q2b);
	EACH_R { told[x] = false; bwork[x] = false; asked[x] = false }
}

#ifndef KILLS
#define KILLS true
#endif

active proctype killer()
{
	do
	:: T(c_queue) KILLS && up_q && crashes < NCRASH -> crashes++; kill_queue() END
	:: T(c_flusher) KILLS && up_f && crashes < NCRASH -> crashes++; kill_flusher() END
	:: T(c_qmgr) KILLS && up_m && crashes < NCRASH -> crashes++; kill_qmgr() END
	:: T(c_worker) KILLS && up_w[0] && crashes < NCRASH -> crashes++; kill_worker(0) END
#if NW > 1
	:: T(c_worker) KILLS && up_w[1] && crashes < NCRASH -> crashes++; kill_worker(1) END
#endif
	:: T(c_bounce) KILLS && up_b && crashes < NCRASH -> crashes++; kill_bounce() END
	:: T(c_smtpd) KILLS && up_s && sst != S_OVER && crashes < NCRASH -> crashes++;
		up_s = false; sst = S_OVER; drain1(q2s) END
#ifdef POWER
	:: T(c_power) crashes < NCRASH -> crashes++;
		assert(!acked || dname[0] == HH || name[0] == GONE);
		kill_queue(); kill_flusher(); kill_bounce();
		for (q : 0 .. NW - 1) { kill_worker(q) }
		kill_qmgr();
		up_s = false; sst = S_OVER;
		drain1(q2s); drain2(q2b); drain2(b2q); drain3(m2q); drain2(m2b);
		for (q : 0 .. NW - 1) { drain2(m2w[q]) }
		EACH_R {
			IF(hop[x] > 0 && dslot[x] != DELIVERED) EXCUSE(x) FI;
			fmark[x] = false;
			if
			:: reported[x] && dname[0] == HH && dslot[x] == QUEUED ->
#ifdef JOURNAL_ORDER
				assert(false);
#endif
				forgot[x] = true
			:: else
			fi;
			slot[x] = dslot[x]
		}
		EACH_F {
			assert(f == 0 || !reported[f - 1] || dname[f] == HH);
			name[f] = dname[f]
		} END
#endif
	od
}

/* --- the end: nothing is left to be done, and no process has anything in hand --- */

active proctype watch()
{
	timeout ->
	d_step {
		assert(name[0] == GONE || (name[0] == NONE && !acked));
		EACH_R {
			assert(name[0] == NONE || hop[x] > 0 || reported[x] || acts > 0);
			assert(WORKERS_IDLE(x));
			assert(NO_JOB(x) && rjob[x] == 0 && en[x] == 0 && rep[x] == 0 && !bwork[x])
		}
	}
}

init
{
	atomic {
		byte i = 0, k = 0;

		do
		:: i < NR -> run qmgr_recipient(i); i++
		:: else -> break
		od;
		do
		:: k < NW ->
			run worker(k); run qmgr_peer(k); run supervisor_worker(k);
			i = 0;
			do
			:: i < NR -> run session(k, i); i++
			:: else -> break
			od;
			k++
		:: else -> break
		od
	}
}
