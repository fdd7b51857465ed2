/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "convertd/ranges.h"
#include "lib/figure.h"
#include "lib/log.h"
#include "lib/plan.h"

enum {
	WALL_FACTOR = 4, WALL_EXTRA_S = 10	/* a child's time on the clock, from its CPU seconds */
};

/* Who waits for a job. */
struct request {
	struct request *next;
	struct session *session;
	uint32_t id;
};

struct job {
	struct job *next;
	struct convertd *c;
	struct order order;
	struct cache_name name;		/* of a conversion; its key is order.text */
	struct request *requests;
	bool runs;
	struct job_child child;
	struct watch watch;
	struct timer late;
};

struct session {
	struct session *next, **prev;
	struct convertd *c;
	struct chan chan;
	uint32_t under_way;
};

static void jobs_start(struct convertd *c);

/* --- answers --- */

static uint32_t
answer_type(uint32_t asked)
{
	return asked == MSG_CONVERT ? MSG_CONVERTED : MSG_PLANNED;
}

static void
answer_failed(struct session *s, uint32_t type, uint32_t id, const struct err *why)
{
	struct msg_planned m = { .kind = why->kind == ERR_TEMP ? ERR_TEMP : ERR_PERM };
	struct err e;

	snprintf(m.dsn, sizeof m.dsn, "%.11s", why->dsn);
	snprintf(m.what, sizeof m.what, "%.499s", why->what);
	if (chan_send(&s->chan, &m.h, answer_type(type), id, sizeof m, NULL, 0, &e) == -1)
		log_line(LOG_WARN, NULL, "no-answer", "why=%s", log_q(e.what));
}

static void
answer_memfd(struct session *s, uint32_t type, uint32_t id, int memfd, uint64_t len)
{
	struct msg_planned m = { .kind = ERR_NONE, .len = len };
	int fd = fcntl(memfd, F_DUPFD_CLOEXEC, 0);
	struct err e;

	if (fd == -1) {
		err_sys(&e, "converter");
		memcpy(e.dsn, "4.6.5", sizeof "4.6.5");
		answer_failed(s, type, id, &e);
	} else if (chan_send(&s->chan, &m.h, answer_type(type), id, sizeof m, &fd, 1, &e) == -1) {
		log_line(LOG_WARN, NULL, "no-answer", "why=%s", log_q(e.what));
	}
}

/* --- jobs --- */

static void
job_unlink(struct job *j)
{
	struct convertd *c = j->c;
	struct job **at = &c->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (c->jobs_last == &j->next)
		c->jobs_last = at;
}

static void
job_free(struct job *j)
{
	struct request *r;

	job_unlink(j);
	while ((r = j->requests) != NULL) {
		j->requests = r->next;
		r->session->under_way--;
		free(r);
	}
	order_free(&j->order);
	free(j);
}

static const char *
job_name(const struct job *j)
{
	return j->order.type == MSG_PLAN ? "plan" : j->order.type == MSG_CONVERT ? "convert" :
	    "describe";
}

/* The child ended, or is too late. */
static void
job_over(struct job *j, bool late)
{
	struct convertd *c = j->c;
	struct err e = { 0 };
	uint64_t len = 0, cpu_ms = 0;
	int r;

	loop_unwatch(c->loop, &j->watch);
	loop_cancel(c->loop, &j->late);
	r = job_end(&c->rules, &j->child, late, &len, &cpu_ms, &e);
	c->running--;
	c->done += r == 0;
	c->failed += r != 0;
	if (!c->single)		/* whose only asker reads the answer itself */
		log_line(r == 0 ? LOG_INFO : LOG_WARN, j->order.id,
		    job_name(j) /* events: plan convert describe */, "size=%llu cpu=%llu dsn=%s "
		    "reply=%s", (unsigned long long)len,
		    (unsigned long long)cpu_ms, r == 0 ? "2.6.0" : e.dsn,
		    log_q(r == 0 ? "done" : e.what));
	for (struct request *q = j->requests; q != NULL; q = q->next) {
		if (r == 0)
			answer_memfd(q->session, j->order.type, q->id, j->child.memfd, len);
		else
			answer_failed(q->session, j->order.type, q->id, &e);
	}
	if (r == 0 && j->order.type == MSG_CONVERT)
		cache_add(&c->cache, &j->name, j->child.memfd, len);
	else if (r == 0)
		close(j->child.memfd);
	job_free(j);
	jobs_start(c);
}

static void
job_ready(void *arg, uint32_t events)
{
	(void)events;
	job_over(arg, false);
}

static void
job_late(void *arg)
{
	job_over(arg, true);
}

static void
job_refuse(struct job *j, const struct err *why)
{
	for (struct request *q = j->requests; q != NULL; q = q->next)
		answer_failed(q->session, j->order.type, q->id, why);
	job_free(j);
}

/* -1: it could not be started; j is refused and gone. */
static int
job_begin(struct job *j)
{
	struct convertd *c = j->c;
	struct err e = { 0 };
	uint64_t len, cpu_ms;

	if (job_start(&c->rules, &j->order, &j->child, &e) == -1) {
		log_line(LOG_ERR, j->order.id, job_name(j) /* events: plan convert describe */,
		    "dsn=%s reply=%s", e.dsn, log_q(e.what));
		job_refuse(j, &e);
		return -1;
	}
	j->watch = (struct watch){ j->child.status, job_ready, j };
	j->late = (struct timer){ .fire = job_late, .arg = j };
	if (loop_watch(c->loop, &j->watch, EPOLLIN, &e) == -1 ||
	    loop_timer(c->loop, &j->late, c->rules.wall_ms, &e) == -1) {
		struct err ended;

		loop_unwatch(c->loop, &j->watch);
		if (job_end(&c->rules, &j->child, true, &len, &cpu_ms, &ended) == 0)
			close(j->child.memfd);
		job_refuse(j, &e);
		return -1;
	}
	j->runs = true;
	c->running++;
	return 0;
}

/* Where no converter runs the content of a message stays as it is (RFC 4141, 3.1); its transfer encoding is
 * none. */
static bool
job_is_forbidden(const struct job *j)
{
	return j->c->rules.max.look_only && j->order.type == MSG_CONVERT && j->order.text.n > 0;
}

static void
job_forbid(struct job *j)
{
	struct err e = { 0 };

	err_set(&e, ERR_PERM, "5.6.3", "no converter runs here (the setting concurrencyconvert)");
	job_refuse(j, &e);
}

static void
jobs_start(struct convertd *c)
{
	struct job *next;

	for (struct job *j = c->jobs; j != NULL; j = next) {
		bool forbidden = job_is_forbidden(j);

		next = j->next;
		if (j->runs || (!forbidden && c->running >= c->concurrency))
			continue;
		c->waiting--;
		if (forbidden)
			job_forbid(j);
		else
			(void)job_begin(j);
	}
}

/* --- requests --- */

static int
request_add(struct job *j, struct session *s, uint32_t id, struct err *e)
{
	struct request *r = malloc(sizeof *r);

	if (r == NULL)
		return err_sys(e, "request");
	*r = (struct request){ j->requests, s, id };
	j->requests = r;
	s->under_way++;
	return 0;
}

/* Makes a job of order, whose descriptors and text it takes over; s waits for it. */
static int
job_add(struct session *s, struct order *order, const struct cache_name *name, uint32_t id,
    struct err *e)
{
	struct convertd *c = s->c;
	struct job *j = calloc(1, sizeof *j);

	if (j == NULL)
		return err_sys(e, "job");
	j->c = c;
	j->child.status = j->child.memfd = j->child.bounds = -1;
	j->order = *order;
	if (name != NULL) {
		j->name = *name;
		j->name.key = buf_view(&j->order.text);
	}
	if (request_add(j, s, id, e) == -1) {
		free(j);
		return -1;
	}
	order->fd = order->text_fd = -1;
	order->text = (struct buf){ 0 };
	*c->jobs_last = j;
	c->jobs_last = &j->next;
	c->waiting++;
	jobs_start(c);
	return 0;
}

/* The file is really as long as it is said to be, or the child would read beyond its end. */
static int
order_file(struct order *o, struct stat *st, struct err *e)
{
	if (fstat(o->fd, st) == -1)
		return err_sys(e, "message");
	if (!S_ISREG(st->st_mode) || st->st_size < 0 || o->len > (uint64_t)st->st_size)
		return err_set(e, ERR_PERM, "5.3.5", "message: shorter than was said");
	return 0;
}

static int
session_busy(const struct session *s, struct err *e)
{
	if (s->under_way >= CONVERTD_PER_SESSION ||
	    (s->c->running >= s->c->concurrency && s->c->waiting >= CONVERTD_WAITING))
		return err_set(e, ERR_TEMP, "4.6.5", "the converter is busy");
	return 0;
}

/* Answers e unless it is the peer that broke the protocol. */
static int
session_answer(struct session *s, uint32_t type, uint32_t id, struct order *o, int r, struct err *e)
{
	order_free(o);
	if (r == -1 && e->kind == ERR_PROTO)
		return -1;
	if (r == -1) {
		if (e->kind == ERR_TEMP)	/* whatever is lacking here: later it may be there */
			memcpy(e->dsn, "4.6.5", sizeof "4.6.5");
		answer_failed(s, type, id, e);
	}
	return 0;
}

static void
order_init(struct order *o, uint32_t type, const char *id, int *fds)
{
	*o = (struct order){ .type = type, .fd = fds[0], .text_fd = fds[1] };
	if (id != NULL)
		memcpy(o->id, id, QID_LEN);
	if (!qid_ok(o->id))
		o->id[0] = '\0';
	buf_init(&o->text, MSG_MAX);
	fds[0] = fds[1] = -1;
}

static int
session_on_plan(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct session *s = ch->arg;
	const struct msg_plan *m = msg;
	struct order o;
	struct stat st;
	size_t more = len - sizeof *m;
	int r;

	order_init(&o, MSG_PLAN, m->id, fds);
	o.len = m->msg_len;
	o.ncaps = m->ncaps;
	o.flags = m->flags;
	o.text_len = m->caps_len;
	if (m->ncaps > PLAN_MAX_VERDICTS || m->caps_len > CONVERTD_CAPS_MAX ||
	    (m->flags & PLAN_BOUNDS && m->ncaps != 0) || more != (o.text_fd == -1 ? m->caps_len : 0))
		r = err_set(e, ERR_PROTO, NULL, "a plan for %u capabilities in %zu octets", m->ncaps,
		    more);
	else
		r = buf_add(&o.text, span_of(m + 1, more), e);
	if (r == 0)
		r = order_file(&o, &st, e);
	if (r == 0)
		r = session_busy(s, e);
	if (r == 0)
		r = job_add(s, &o, NULL, m->h.id, e);
	return session_answer(s, MSG_PLAN, m->h.id, &o, r, e);
}

/* The same conversion, under way for another session. */
static struct job *
job_find(const struct convertd *c, const struct cache_name *name)
{
	for (struct job *j = c->jobs; j != NULL; j = j->next)
		if (j->order.type == MSG_CONVERT && cache_name_same(&j->name, name))
			return j;
	return NULL;
}

/*
 * Which content that is.  A file of the queue is one by its inode, since nobody but queue writes it.  A message
 * with header edits comes in a memfd of each session's own: sealed, it is told by what is in it.
 */
static void
name_content(struct cache_name *name, int fd)
{
	static unsigned char chunk[65536];
	unsigned char digest[SHA256_DIGEST];
	int seals = fcntl(fd, F_GET_SEALS), want = F_SEAL_SHRINK | F_SEAL_WRITE;
	struct sha256 sum;

	if (seals == -1 || (seals & want) != want || name->len > CONVERTD_SUM_MAX)
		return;
	sha256_init(&sum);
	for (uint64_t at = 0; at < name->len;) {
		size_t left = name->len - at < sizeof chunk ? (size_t)(name->len - at) : sizeof chunk;
		ssize_t n = pread(fd, chunk, left, (off_t)at);

		if (n <= 0)
			return;
		sha256_add(&sum, span_of(chunk, (size_t)n));
		at += (size_t)n;
	}
	sha256_end(&sum, digest);
	memcpy(name->sum, digest, sizeof name->sum);
	name->dev = 0;
	name->ino = 0;
}

static int
session_convert(struct session *s, struct order *o, const struct stat *st, uint32_t id,
    struct err *e)
{
	struct cache_name name = { .dev = st->st_dev, .ino = st->st_ino, .len = o->len,
	    .record = o->record, .transfer = o->transfer, .key = buf_view(&o->text) };
	const struct cache_entry *done;
	struct job *same;

	memcpy(name.id, o->id, sizeof name.id);
	name_content(&name, o->fd);
	if ((done = cache_find(&s->c->cache, &name)) != NULL) {
		s->c->hits++;
		answer_memfd(s, MSG_CONVERT, id, done->memfd, done->octets);
		return 0;
	}
	if (s->under_way < CONVERTD_PER_SESSION && (same = job_find(s->c, &name)) != NULL)
		return request_add(same, s, id, e);
	return session_busy(s, e) == -1 ? -1 : job_add(s, o, &name, id, e);
}

static int
session_on_convert(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct session *s = ch->arg;
	const struct msg_convert *m = msg;
	struct order o;
	struct stat st;
	int r;

	order_init(&o, MSG_CONVERT, m->id, fds);
	o.len = m->msg_len;
	o.record = m->record != 0;	/* or one request could fill the cache under many names */
	o.transfer = m->transfer;
	if (m->key_len != len - sizeof *m || m->transfer > EDIT_TO_8BIT ||
	    (m->key_len == 0 && m->transfer == EDIT_AS_IS))
		r = err_set(e, ERR_PROTO, NULL, "a key of %u octets in %zu", m->key_len, len);
	else
		r = buf_add(&o.text, span_of(m + 1, m->key_len), e);
	if (r == 0)
		r = order_file(&o, &st, e);
	if (r == 0)
		r = session_convert(s, &o, &st, m->h.id, e);
	return session_answer(s, MSG_CONVERT, m->h.id, &o, r, e);
}

static int
session_on_describe(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct session *s = ch->arg;
	const struct msg_hdr *h = msg;
	struct order o;
	struct stat st;
	int r;

	(void)len;
	order_init(&o, MSG_DESCRIBE, NULL, fds);
	r = order_file(&o, &st, e);
	if (r == 0) {
		o.len = (uint64_t)st.st_size;
		r = session_busy(s, e);
	}
	if (r == 0)
		r = job_add(s, &o, NULL, h->id, e);
	return session_answer(s, MSG_DESCRIBE, h->id, &o, r, e);
}

/* --- sessions --- */

/* Of smtpd's the first two rows alone. */
static const struct msg_rule from_session[] = {
	{ MSG_PLAN, sizeof(struct msg_plan), MSG_MAX, 1, 2, session_on_plan },
	{ MSG_DESCRIBE, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 1, 1, session_on_describe },
	{ MSG_CONVERT, sizeof(struct msg_convert), sizeof(struct msg_convert) + PLAN_MAX_KEY, 1, 1,
	    session_on_convert },
};

/* Takes the session's requests back.  Conversions go on: it will come again for them. */
static void
session_forget(struct session *s)
{
	struct job *next;

	for (struct job *j = s->c->jobs; j != NULL; j = next) {
		struct request **at = &j->requests, *r;

		next = j->next;
		while ((r = *at) != NULL) {
			if (r->session != s) {
				at = &r->next;
				continue;
			}
			*at = r->next;
			s->under_way--;
			free(r);
		}
		if (j->requests == NULL && !j->runs && j->order.type != MSG_CONVERT) {
			s->c->waiting--;
			job_free(j);
		}
	}
}

static void
session_gone(struct chan *ch, const struct err *why)
{
	struct session *s = ch->arg;
	struct convertd *c = s->c;

	(void)why;
	session_forget(s);
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	free(s);
	if (c->single)
		c->loop->stop = true;
}

int
convertd_session(struct convertd *c, enum role of, int fd, struct err *e)
{
	struct session *s = calloc(1, sizeof *s);
	size_t nrule = of == ROLE_SMTPD ? 2 : sizeof from_session / sizeof *from_session;

	if (s == NULL) {
		close(fd);
		return err_sys(e, "session");
	}
	s->c = c;
	if (chan_open(&s->chan, c->loop, fd, "session", from_session, nrule, session_gone, s, e) == -1) {
		close(fd);
		free(s);
		return -1;
	}
	s->chan.most = CONVERTD_UNREAD;
	s->next = c->sessions;
	s->prev = &c->sessions;
	if (s->next != NULL)
		s->next->prev = &s->next;
	c->sessions = s;
	return 0;
}

/* --- the parents of sessions --- */

static int
parent_on_session(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct convertd *c = ch->arg;
	int fd = fds[0];

	(void)msg, (void)len;
	fds[0] = -1;
	return convertd_session(c, (enum role)(ch - c->parent), fd, e);
}

static const struct msg_rule from_parent[] = {
	{ MSG_SESSION, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 1, 1, parent_on_session },
};

static void
parent_gone(struct chan *ch, const struct err *why)
{
	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", ch->name);
}

static int
convertd_connect(struct convertd *c, enum role role, int fd, struct err *e)
{
	if (role == ROLE_BOUNCE)		/* has no sessions: it asks itself */
		return convertd_session(c, role, fd, e);
	if (role != ROLE_REMOTE && role != ROLE_LOCAL && role != ROLE_SMTPD && role != ROLE_OFFER) {
		close(fd);
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	}
	chan_close(&c->parent[role]);
	if (chan_open(&c->parent[role], c->loop, fd, role_name(role), from_parent,
	    sizeof from_parent / sizeof *from_parent, parent_gone, c, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
convertd_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (convertd_connect(arg, role, fd, &e) == -1)
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

/* How the next jobs are done; those that run have their own copy. */
static void
convertd_settings(struct convertd *c)
{
	const struct conf *conf = c->conf;
	uint64_t octets = conf_number(conf, CONF_CONVERTBYTES), most = conf_number(conf, CONF_CONCURRENCYCONVERT);

	c->concurrency = most == 0 ? CONVERTD_LOOKS : (uint32_t)most;
	cache_limit(&c->cache, octets);
	c->rules.max = fax_limits;
	c->rules.max.look_only = most == 0;
	if (most == 0)
		log_line(LOG_INFO, NULL, "no-converter", "why=%s", log_q("concurrencyconvert is 0"));
	c->rules.me = conf_string(conf, CONF_ME);
	c->rules.out_octets = octets;
	c->rules.landlock_optional = conf_number(conf, CONF_NOLANDLOCK) != 0;
	c->rules.max.pages = (uint32_t)conf_number(conf, CONF_CONVERTPAGES);
	c->rules.max.cpu_s = (uint32_t)conf_number(conf, CONF_CONVERTCPU);
	if (c->rules.max.out_octets > octets)
		c->rules.max.out_octets = octets;
	c->rules.wall_ms = (c->rules.max.cpu_s * WALL_FACTOR + WALL_EXTRA_S) * 1000;
}

static void
convertd_switched(void *arg, struct conf *old)
{
	struct convertd *c = arg;

	(void)old;
	convertd_settings(c);
	jobs_start(c);
}

static void
convertd_stats(void *arg, struct buf *out)
{
	const struct convertd *c = arg;

	figure_add(out, "accord_convertd_jobs", c->running);
	figure_add(out, "accord_convertd_jobs_waiting", c->waiting);
	figure_add(out, "accord_convertd_cache_octets", c->cache.octets);
	figure_add(out, "accord_convertd_cache_copies", c->cache.n);
	figure_add(out, "accord_convertd_conversions_total", c->done);
	figure_add(out, "accord_convertd_failures_total", c->failed);
	figure_add(out, "accord_convertd_cache_hits_total", c->hits);
}

int
convertd_open(struct convertd *c, struct daemon *d, struct err *e)
{
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && convertd_connect(c, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = convertd_on_peer;
	d->switched = convertd_switched;
	d->stats = convertd_stats;
	d->arg = c;
	return 0;
}

void
convertd_init(struct convertd *c, struct loop *l, const struct conf *conf)
{
	*c = (struct convertd){ .loop = l, .conf = conf };
	c->jobs_last = &c->jobs;
	cache_init(&c->cache, 0);
	c->rules = (struct job_rules){ .work = job_work, .bounds = ranges_bounds };
	convertd_settings(c);
}

void
convertd_free(struct convertd *c)
{
	while (c->jobs != NULL) {
		struct job *j = c->jobs;
		uint64_t len, cpu_ms;
		struct err e;

		if (j->runs) {
			loop_unwatch(c->loop, &j->watch);
			loop_cancel(c->loop, &j->late);
			if (job_end(&c->rules, &j->child, true, &len, &cpu_ms, &e) == 0)
				close(j->child.memfd);
		}
		job_free(j);
	}
	while (c->sessions != NULL) {
		struct session *s = c->sessions;

		c->sessions = s->next;
		chan_close(&s->chan);
		free(s);
	}
	for (int r = 0; r < ROLE_COUNT; r++)
		chan_close(&c->parent[r]);
	cache_free(&c->cache);
}
