/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "offer/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/figure.h"
#include "lib/fileio.h"
#include "lib/lines.h"
#include "lib/log.h"
#include "lib/qfile.h"
#include "lib/sandbox.h"
#include "lib/token.h"
#include "offer/job.h"
#include "offer/letter.h"

static const char own_client[] = "offer";

static void wishes_go_on(struct offers *o);

static uint64_t
now_s(void)
{
	return (uint64_t)(clock_us() / 1000000);
}

/* --- wishes --- */

static void
wish_end(struct offers *o)
{
	if (o->made != -1)
		close(o->made);
	o->made = -1;
	o->step = OFFER_IDLE;
	buf_free(&o->wish[0].features);
	o->n--;
	memmove(&o->wish[0], &o->wish[1], o->n * sizeof o->wish[0]);
}

/* It cannot be granted now. */
static void
wish_later(struct offers *o, const struct err *why)
{
	struct wish w = o->wish[0];

	log_line(LOG_WARN, NULL, "offer-later", "tag=%s to=%s why=%s", log_q(w.tag), log_q(w.rcpt),
	    log_q(why->what));
	if (o->made != -1)
		close(o->made);
	o->made = -1;
	o->step = OFFER_IDLE;
	w.tries++;
	w.due_ms = clock_ms() + OFFER_AGAIN_MS;
	memmove(&o->wish[0], &o->wish[1], (o->n - 1) * sizeof o->wish[0]);
	o->wish[o->n - 1] = w;
}

/* --- the letter: with queue --- */

static void
letter_open(struct offers *o)
{
	struct msg_open m = { 0 };
	struct err e = { 0 };

	o->step = OFFER_OPENING;
	o->request++;
	if (chan_send(&o->queue, &m.h, MSG_OPEN, o->request, sizeof m, NULL, 0, &e) == -1)
		wish_later(o, &e);
}

static void
letter_refuse(struct offers *o, const char *why)
{
	snprintf(o->why, sizeof o->why, "%.190s", why);
	letter_open(o);
}

static int
put_commit(const struct offers *o, uint64_t len, uint32_t crc, uint8_t body, struct buf *packet, struct err *e)
{
	struct rcpt rcpt = { .addr = span_str(o->offer.rcpt) };
	struct envelope env = { .sender = span_str(o->offer.sender), .client = span_str(own_client),
	    .arrival_us = (uint64_t)clock_us(), .body = body, .rcpt = &rcpt, .nrcpt = 1 };
	struct msg_commit m = { .msg_len = len, .msg_crc = crc };

	memcpy(m.id, o->id, QID_SIZE);
	if (buf_add(packet, span_of(&m, sizeof m), e) == -1 || envelope_encode(&env, packet, e) == -1)
		return -1;
	((struct msg_commit *)(void *)packet->p)->env_len = (uint32_t)(packet->n - sizeof m);
	return 0;
}

static uint8_t
body_of(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] > 0x7f)
			return BODY_8BITMIME;
	return BODY_7BIT;
}

/* What is under way, as a message: into fd, which is closed, then committed. */
static int
letter_write(struct offers *o, struct span made, int fd, struct err *e)
{
	struct letter l = { .offer = &o->offer, .me = conf_string(&o->daemon->conf, CONF_ME), .id = o->id,
	    .now_us = clock_us() };
	struct buf text, packet;
	char token[TOKEN_SIZE];
	uint32_t crc;
	int r = -1;

	buf_init(&text, 65536);
	buf_init(&packet, MSG_MAX);
	l.token = token;
	if (token_make(token, e) == 0 && (o->made != -1 ? letter_again(&l, &text, e) :
	    letter_refusal(&l, o->why, &text, e)) == 0 && fileio_write(fd, buf_view(&text), e) == 0 &&
	    fileio_write(fd, made, e) == 0) {
		crc = crc32c(crc32c(0, text.p, text.n), made.p, made.n);
		r = put_commit(o, text.n + made.n, crc, body_of(made), &packet, e);
	}
	close(fd);		/* before COMMIT: nobody may be able to write any more */
	if (r == 0)
		r = chan_send(&o->queue, (struct msg_hdr *)(void *)packet.p, MSG_COMMIT, o->request, packet.n,
		    NULL, 0, e);
	buf_free(&text);
	buf_free(&packet);
	return r;
}

static int
letter_put(struct offers *o, int fd, struct err *e)
{
	void *map = NULL;
	int r;

	if (o->made != -1 &&
	    (map = mmap(NULL, (size_t)o->made_len, PROT_READ, MAP_PRIVATE, o->made, 0)) == MAP_FAILED) {
		close(fd);
		return err_sys(e, "another form");
	}
	r = letter_write(o, span_of(map, o->made != -1 ? (size_t)o->made_len : 0), fd, e);
	if (map != NULL)
		munmap(map, (size_t)o->made_len);
	return r;
}

static int
queue_on_opened(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct offers *o = c->arg;
	const struct msg_id *m = msg;
	struct err why = { 0 };
	int fd = fds[0];

	(void)len;
	if (o->step != OFFER_OPENING || m->h.id != o->request || !qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	fds[0] = -1;
	memcpy(o->id, m->id, QID_SIZE);
	if (letter_put(o, fd, &why) == 0) {
		o->step = OFFER_COMMITTING;
	} else {
		struct msg_id drop = { .id = "" };

		memcpy(drop.id, m->id, QID_SIZE);
		(void)chan_send(c, &drop.h, MSG_ABANDON, 0, sizeof drop, NULL, 0, e);
		wish_later(o, &why);
	}
	wishes_go_on(o);
	return 0;
}

static int
queue_on_committed(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct offers *o = c->arg;
	const struct msg_committed *m = msg;
	bool again = o->made != -1;
	struct err why = { 0 };

	(void)len, (void)fds;
	if (o->step != OFFER_COMMITTING || m->h.id != o->request || strcmp(m->id, o->id) != 0)
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	o->offer.state = OFFER_DONE;
	if (store_end(&o->store, &o->offer, &why) == -1)	/* then it may be asked for once more */
		log_line(LOG_WARN, NULL, "offer-stays", "tag=%s why=%s", log_q(o->offer.tag), log_q(why.what));
	o->sent += again;
	o->refused += !again;
	if (again)
		log_line(LOG_INFO, o->id, "sent-again", "tag=%s from=%s to=%s", log_q(o->offer.tag),
		    log_q(o->offer.sender), log_q(o->offer.rcpt));
	else
		log_line(LOG_INFO, o->id, "offer-refused", "tag=%s from=%s to=%s why=%s", log_q(o->offer.tag),
		    log_q(o->offer.sender), log_q(o->offer.rcpt), log_q(o->why));
	wish_end(o);
	wishes_go_on(o);
	return 0;
}

static int
queue_on_refused(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct offers *o = c->arg;
	const struct msg_refused *m = msg;
	struct err why = { 0 };
	char what[sizeof m->what];

	(void)len, (void)fds;
	if ((o->step != OFFER_OPENING && o->step != OFFER_COMMITTING) || m->h.id != o->request)
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), what, sizeof what);
	err_set(&why, ERR_TEMP, "4.3.0", "queue: %.300s", what);
	wish_later(o, &why);
	wishes_go_on(o);
	return 0;
}

static const struct msg_rule from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id), sizeof(struct msg_id), 1, 1, queue_on_opened },
	{ MSG_COMMITTED, sizeof(struct msg_committed), sizeof(struct msg_committed), 0, 0, queue_on_committed },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, queue_on_refused },
};

/* --- the child that makes another form --- */

static int
child_on_made(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct offers *o = c->arg;
	const struct msg_planned *m = msg;
	struct stat st;
	char what[sizeof m->what];

	(void)len;
	if (o->made != -1 || o->failed.kind != ERR_NONE)
		return err_set(e, ERR_PROTO, NULL, "two answers");
	if (m->kind != ERR_NONE) {
		span_text(span_of(m->what, strnlen(m->what, sizeof m->what)), what, sizeof what);
		err_set(&o->failed, m->kind == ERR_PERM ? ERR_PERM : ERR_TEMP, NULL, "%.400s", what);
		return 0;
	}
	if (fds[0] == -1 || fstat(fds[0], &st) == -1 || m->len == 0 || (uint64_t)st.st_size != m->len)
		return err_set(e, ERR_PROTO, NULL, "no other form");
	o->made = fds[0];
	o->made_len = m->len;
	fds[0] = -1;
	return 0;
}

static const struct msg_rule from_child[] = {
	{ MSG_MADE, sizeof(struct msg_planned), sizeof(struct msg_planned), 0, 1, child_on_made },
};

static void
child_gone(struct chan *c, const struct err *broken)
{
	struct offers *o = c->arg;
	struct err why = o->failed;
	int status = 0;

	(void)broken;
	loop_cancel(&o->daemon->loop, &o->late);
	kill(o->pid, SIGKILL);		/* it ends, unless it was cut off */
	waitpid(o->pid, &status, 0);
	if (WIFSIGNALED(status) && o->made == -1)
		log_line(LOG_ERR, NULL, "died", "pid=%d signal=%d", (int)o->pid, WTERMSIG(status));
	if (o->made != -1) {
		letter_open(o);
	} else if (why.kind == ERR_PERM) {
		letter_refuse(o, why.what);
	} else {
		if (why.kind == ERR_NONE)
			err_set(&why, ERR_TEMP, "4.3.0", "the process that makes it died");
		wish_later(o, &why);
	}
	wishes_go_on(o);
}

/* Its channel breaks then. */
static void
child_late(void *arg)
{
	kill(((struct offers *)arg)->pid, SIGKILL);
}

static _Noreturn void
child_run(struct offers *o, int message_fd, int convertd, int up)
{
	const int keep[] = { message_fd, convertd, up };
	struct err e = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_close_others(keep, sizeof keep / sizeof *keep, &e) == 0 && sandbox_enter(SB_OFFER_JOB, NULL, 0,
	    conf_number(&o->daemon->conf, CONF_NOLANDLOCK) != 0, &e) == 0)
		job_run(&o->offer, message_fd, buf_view(&o->wish[0].features), convertd, up);
	log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
	_exit(1);
}

static int
child_start(struct offers *o, int message_fd, struct err *e)
{
	int up[2], convertd = chan_session(&o->convertd, 0, e);

	if (convertd == -1)
		return -1;
	if (ipc_pair(up, e) == -1) {
		close(convertd);
		return -1;
	}
	if (chan_open(&o->child, &o->daemon->loop, up[0], "job", from_child, sizeof from_child / sizeof *from_child,
	    child_gone, o, e) == -1) {
		ipc_close_fds(up, 2);
		close(convertd);
		return -1;
	}
	o->failed = (struct err){ 0 };
	o->pid = loop_timer(&o->daemon->loop, &o->late, OFFER_LATE_MS, e) == -1 ? -1 : fork();
	if (o->pid == 0)
		child_run(o, message_fd, convertd, up[1]);
	ipc_close_fds((int[]){ up[1], convertd }, 2);
	if (o->pid != -1) {
		o->step = OFFER_MAKING;
		return 0;
	}
	if (e->kind == ERR_NONE)
		err_sys(e, "fork");
	loop_cancel(&o->daemon->loop, &o->late);
	chan_close(&o->child);
	return -1;
}

/* --- one wish --- */

/* In the form of a domain of our own: what a mailbox's system says of it may be spelled otherwise. */
static bool
same_box(const char *a, const char *b)
{
	struct buf key[2];
	struct err e;
	bool same;

	buf_init(&key[0], 2 * ADDRESS_MAX);
	buf_init(&key[1], 2 * ADDRESS_MAX);
	same = address_key(span_str(a), &key[0], &e) == 0 && address_key(span_str(b), &key[1], &e) == 0 &&
	    span_eq(buf_view(&key[0]), buf_view(&key[1]));
	buf_free(&key[0]);
	buf_free(&key[1]);
	return same;
}

static void
wish_drop(struct offers *o, const char *why)
{
	log_line(LOG_INFO, NULL, "no-offer", "tag=%s to=%s why=%s", log_q(o->wish[0].tag), log_q(o->wish[0].rcpt),
	    log_q(why));
	wish_end(o);
}

/* What was so when it was wished may be so no more. */
static void
wish_begin(struct offers *o)
{
	struct wish *w = &o->wish[0];
	struct err e = { 0 };
	int fd = -1, got = store_get(&o->store, span_str(w->tag), &o->offer, &fd, &e);

	if (got == 0 || (got == 1 && o->offer.state == OFFER_DONE)) {
		wish_drop(o, "it has gone, or was answered");
	} else if (got == 1 && (o->offer.state == OFFER_GONE || now_s() >= o->offer.until_s)) {
		letter_refuse(o, "it was kept for some time, which is over");
	} else if (got == 1 && w->tries >= OFFER_TRIES) {
		letter_refuse(o, "it could not be made");
	} else if (got == -1 || child_start(o, fd, &e) == -1) {
		wish_later(o, &e);
	}
	if (fd != -1)
		close(fd);
}

/* The next that is due becomes the first. */
static bool
wish_choose(struct offers *o, int64_t *next_ms)
{
	*next_ms = INT64_MAX;
	for (uint32_t i = 0; i < o->n; i++) {
		struct wish w = o->wish[i];

		if (w.due_ms < *next_ms)
			*next_ms = w.due_ms;
		if (w.due_ms > clock_ms())
			continue;
		memmove(&o->wish[1], &o->wish[0], i * sizeof o->wish[0]);
		o->wish[0] = w;
		return true;
	}
	return false;
}

static void
wishes_go_on(struct offers *o)
{
	int64_t next_ms = INT64_MAX;
	struct err e;

	while (o->step == OFFER_IDLE && wish_choose(o, &next_ms))
		wish_begin(o);
	loop_cancel(&o->daemon->loop, &o->again);
	if (o->step == OFFER_IDLE && o->n > 0) {
		int64_t in_ms = next_ms - clock_ms();

		(void)loop_timer(&o->daemon->loop, &o->again, in_ms > 0 ? in_ms : 0, &e);
	}
}

static void
wishes_again(void *arg)
{
	wishes_go_on(arg);
}

static bool
wish_has(const struct offers *o, const char *tag)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (strcmp(o->wish[i].tag, tag) == 0)
			return true;
	return false;
}

/* Why it is nothing: only what we have sent, to whom we have sent it, and once; NULL: it is something.
 * Anybody can have learn say anything. */
static const char *
wish_bad(const struct offers *o, const char *tag, struct span addr)
{
	char rcpt[ADDRESS_MAX + 1];
	struct offer of;
	struct err e;
	int fd, got;

	if (!offer_tag_ok(span_str(tag)) || address_check(addr, &e) == -1)
		return "that is no message of ours";
	got = store_get(&o->store, span_str(tag), &of, &fd, &e);
	if (fd != -1)
		close(fd);
	span_text(addr, rcpt, sizeof rcpt);
	if (got == 0 || (got == 1 && !same_box(of.rcpt, rcpt)))
		return "there is none of that message to that recipient";
	if (got == 1 && of.state == OFFER_DONE)
		return "it was answered before";
	if (wish_has(o, tag))
		return "it is asked for already";
	return o->n == OFFER_WISHES ? "too many wishes at once" : NULL;
}

static int
learn_on_preferred(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct offers *o = c->arg;
	const struct msg_preferred *m = msg;
	struct span addr = span_of(m + 1, m->addr_len);
	struct wish *w = &o->wish[o->n];
	struct err why = { 0 };
	const char *no;

	(void)fds;
	if ((uint64_t)m->addr_len + m->len != len - sizeof *m || m->addr_len == 0 || m->addr_len > ADDRESS_MAX ||
	    m->tag[sizeof m->tag - 1] != '\0')
		return err_set(e, ERR_PROTO, NULL, "a wish of %zu octets", len);
	no = wish_bad(o, m->tag, addr);
	if (no != NULL) {
		log_line(LOG_INFO, NULL, "no-offer", "tag=%s to=%s why=%s", log_q(m->tag), log_qs(addr), log_q(no));
		return 0;
	}
	*w = (struct wish){ .due_ms = clock_ms() };
	memcpy(w->tag, m->tag, sizeof w->tag);
	span_text(addr, w->rcpt, sizeof w->rcpt);
	buf_init(&w->features, MSG_MAX);
	if (buf_add(&w->features, span_of(addr.p + addr.n, m->len), &why) == -1) {
		log_line(LOG_WARN, NULL, "offer-later", "tag=%s to=%s why=%s", log_q(w->tag), log_q(w->rcpt),
		    log_q(why.what));
		buf_free(&w->features);
		return 0;
	}
	o->n++;
	wishes_go_on(o);
	return 0;
}

static const struct msg_rule from_learn[] = {
	{ MSG_PREFERRED, sizeof(struct msg_preferred) + 1, MSG_MAX, 0, 0, learn_on_preferred },
};

/* --- what is to be kept --- */

static int
offer_keep(struct offers *o, const struct msg_offer *m, size_t len, int fd, struct err *e)
{
	struct span sender = span_of(m + 1, m->sender_len), rcpt = span_of(sender.p + sender.n, m->rcpt_len);
	uint64_t keep_s = conf_number(&o->daemon->conf, CONF_OFFERS);
	struct offer new = { .state = OFFER_KEPT, .until_s = now_s() + keep_s };
	struct lines lines = { 0 };
	struct span message;
	struct stat st;
	void *map;
	int r;

	if ((uint64_t)m->sender_len + m->rcpt_len != len - sizeof *m || m->tag[sizeof m->tag - 1] != '\0' ||
	    !offer_tag_ok(span_str(m->tag)) || address_check(sender, e) == -1 || address_check(rcpt, e) == -1)
		return err_set(e, ERR_PROTO, NULL, "an offer of %zu octets", len);
	if (keep_s == 0)
		return err_set(e, ERR_PERM, "5.3.5", "nothing is kept here for offers of other forms: the "
		    "setting offers");
	if (fstat(fd, &st) == -1 || st.st_size <= 0)
		return err_set(e, ERR_PERM, "5.6.0", "no message to keep");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "offer");
	message = span_of(map, (size_t)st.st_size);
	memcpy(new.tag, m->tag, sizeof new.tag);
	span_text(sender, new.sender, sizeof new.sender);
	span_text(rcpt, new.rcpt, sizeof new.rcpt);
	new.msg_len = message.n;
	r = message.n > conf_number(&o->daemon->conf, CONF_DATABYTES) ?
	    err_set(e, ERR_PERM, "5.3.4", "the message is larger than databytes") :
	    lines_check(&lines, message, e);
	if (r == 0)
		r = lines_end(&lines, e);
	if (r == 0)
		r = store_put(&o->store, &new, message, conf_number(&o->daemon->conf, CONF_OFFERSBYTES), e);
	munmap(map, (size_t)st.st_size);
	return r;
}

static int
control_on_offer(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_offer *m = msg;
	struct msg_refused no = { .kind = ERR_NONE };
	struct msg_hdr yes = { 0 };
	struct err why = { 0 };

	if (offer_keep(c->arg, m, len, fds[0], &why) == 0) {
		log_line(LOG_INFO, NULL, "offered", "tag=%s", log_q(m->tag));
		return chan_send(c, &yes, MSG_OFFERED, m->h.id, sizeof yes, NULL, 0, e);
	}
	if (why.kind == ERR_PROTO) {
		*e = why;
		return -1;
	}
	no.kind = (uint32_t)why.kind;
	snprintf(no.dsn, sizeof no.dsn, "%s", why.dsn);
	snprintf(no.what, sizeof no.what, "%s", why.what);
	return chan_send(c, &no.h, MSG_REFUSED, m->h.id, sizeof no, NULL, 0, e);
}

static const struct msg_rule from_control[] = {
	{ MSG_OFFER, sizeof(struct msg_offer) + 2, sizeof(struct msg_offer) + 2 * ADDRESS_MAX, 1, 1,
	    control_on_offer },
};

/* --- the rest --- */

static void
offers_sweep(void *arg)
{
	struct offers *o = arg;
	struct err e;

	store_sweep(&o->store, now_s());
	if (loop_timer(&o->daemon->loop, &o->sweep, OFFER_SWEEP_MS, &e) == -1)
		log_line(LOG_WARN, NULL, "timer", "why=%s", log_q(e.what));
}

static void
server_gone(struct chan *c, const struct err *why)
{
	struct offers *o = c->arg;
	struct err lost = { 0 };

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", c->name);
	if (c == &o->queue && (o->step == OFFER_OPENING || o->step == OFFER_COMMITTING)) {
		err_set(&lost, ERR_TEMP, "4.3.0", "queue: it has gone");
		wish_later(o, &lost);
	}
	daemon_lost(c == &o->control ? ROLE_CONTROL : c == &o->learn ? ROLE_LEARN : c == &o->queue ? ROLE_QUEUE :
	    ROLE_CONVERTD);
	wishes_go_on(o);
}

static int
offers_connect(struct offers *o, enum role role, int fd, struct err *e)
{
	const struct { enum role role; struct chan *chan; const struct msg_rule *rule; size_t n; } peers[] = {
		{ ROLE_CONTROL, &o->control, from_control, sizeof from_control / sizeof *from_control },
		{ ROLE_LEARN, &o->learn, from_learn, sizeof from_learn / sizeof *from_learn },
		{ ROLE_QUEUE, &o->queue, from_queue, sizeof from_queue / sizeof *from_queue },
		{ ROLE_CONVERTD, &o->convertd, NULL, 0 },	/* carries MSG_SESSION only */
	};
	struct err lost = { 0 };

	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
		if (peers[i].role != role)
			continue;
		if (role == ROLE_QUEUE && (o->step == OFFER_OPENING || o->step == OFFER_COMMITTING)) {
			err_set(&lost, ERR_TEMP, "4.3.0", "queue: it was started anew");
			wish_later(o, &lost);
		}
		chan_close(peers[i].chan);
		if (chan_open(peers[i].chan, &o->daemon->loop, fd, role_name(role), peers[i].rule, peers[i].n,
		    server_gone, o, e) == -1)
			return -1;
		peers[i].chan->most = role == ROLE_CONTROL ? OFFER_UNREAD : 0;
		return 0;
	}
	return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
}

static void
offers_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (offers_connect(arg, role, fd, &e) == 0) {
		wishes_go_on(arg);
		return;
	}
	close(fd);
	log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
offers_stats(void *arg, struct buf *out)
{
	const struct offers *o = arg;

	figure_add(out, "accord_offer_kept", o->store.n);
	figure_add(out, "accord_offer_octets", o->store.octets);
	figure_add(out, "accord_offer_sent_total", o->sent);
	figure_add(out, "accord_offer_refused_total", o->refused);
}

int
offers_open(struct offers *o, struct daemon *d, int dir, struct err *e)
{
	*o = (struct offers){ .daemon = d, .late = { .fire = child_late, .arg = o },
	    .again = { .fire = wishes_again, .arg = o }, .sweep = { .fire = offers_sweep, .arg = o }, .pid = -1,
	    .made = -1 };
	if (store_open(&o->store, dir, e) == -1)
		return -1;
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && offers_connect(o, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = offers_on_peer;
	d->stats = offers_stats;
	d->arg = o;
	offers_sweep(o);
	return 0;
}
