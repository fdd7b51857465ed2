/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/serve.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "learn/report.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/envelope.h"
#include "lib/figure.h"
#include "lib/log.h"
#include "lib/sandbox.h"

/* --- the child: reads one report --- */

static int
child_found(void *arg, const struct finding *f, struct err *e)
{
	const int *up = arg;
	struct msg_learned m = { .tag_len = (uint32_t)f->tag.n, .addr_len = (uint32_t)f->addr.n,
	    .len = (uint32_t)f->features.n, .alternative = f->alternative };
	struct buf packet;
	int r;

	buf_init(&packet, MSG_MAX);	/* what is larger could not be told by capd either */
	r = buf_add(&packet, span_of(&m, sizeof m), e);
	if (r == 0)
		r = buf_add(&packet, f->tag, e);
	if (r == 0)
		r = buf_add(&packet, f->addr, e);
	if (r == 0)
		r = buf_add(&packet, f->features, e);
	if (r == 0)
		r = ipc_send(*up, (struct msg_hdr *)(void *)packet.p, MSG_LEARNED, 0, packet.n, NULL, 0, e);
	buf_free(&packet);
	return r;
}

static int
child_map(const struct learn_waiting *w, struct span *message, struct err *e)
{
	struct stat st;
	void *map;

	if (fstat(w->fd, &st) == -1 || w->len == 0 || (uint64_t)st.st_size < w->len)
		return err_set(e, ERR_PERM, "5.3.5", "no message of %llu octets", (unsigned long long)w->len);
	map = mmap(NULL, (size_t)w->len, PROT_READ, MAP_PRIVATE, w->fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "message");
	*message = span_of(map, (size_t)w->len);
	return 0;
}

/* Reads hostile octets with neither the key nor any channel but the one up. */
static _Noreturn void
child_run(struct learn *l, const struct learn_waiting *w, int up)
{
	const int keep[] = { w->fd, up };
	const struct rlimit cpu = { LEARN_CPU_S, LEARN_CPU_S };
	struct span message;
	struct err e = { 0 };

	explicit_bzero(l->key, sizeof l->key);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CPU, &cpu);
	if (ipc_close_others(keep, sizeof keep / sizeof *keep, &e) == -1 || child_map(w, &message, &e) == -1 ||
	    sandbox_enter(SB_LEARN_REPORT, NULL, 0,
	    conf_number(&l->daemon->conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    report_read(message, conf_string(&l->daemon->conf, CONF_ME), child_found, &up, &e) == -1)
		log_line(LOG_INFO, w->id, "not-learned", "why=%s", log_q(e.what));
	_exit(0);
}

/* Is what is learned asked for? */
static bool
is_source(const struct conf *c)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_CAPSOURCES, &lines);

	return capsources_have(lines, n, SOURCE_LEARNED);
}

/* --- what children say --- */

static void child_next(struct learn *l);

static int
to_capd(struct learn *l, struct span addr, struct span text, struct err *e)
{
	struct msg_cap_set m = { .source = SOURCE_LEARNED, .state = CAP_KNOWN, .ttl_s = CAP_LEARNED_S,
	    .addr_len = (uint32_t)addr.n, .len = (uint32_t)text.n };
	struct buf packet;
	int r;

	buf_init(&packet, MSG_MAX);
	r = buf_add(&packet, span_of(&m, sizeof m), e);
	if (r == 0)
		r = buf_add(&packet, addr, e);
	if (r == 0)
		r = buf_add(&packet, text, e);
	if (r == 0)
		r = chan_send(&l->capd, (struct msg_hdr *)(void *)packet.p, MSG_CAP_SET, 0, packet.n, NULL, 0, e);
	buf_free(&packet);
	return r;
}

/* Whether there is such an offer is not known here; nobody else can guess its tag. */
static int
to_offer(struct learn *l, struct span tag, struct span addr, struct span text, struct err *e)
{
	struct msg_preferred m = { .addr_len = (uint32_t)addr.n, .len = (uint32_t)text.n };
	struct buf packet;
	int r;

	if (tag.n >= sizeof m.tag || addr.n > ADDRESS_MAX)
		return err_set(e, ERR_PERM, NULL, "no message of ours");
	span_text(tag, m.tag, sizeof m.tag);
	buf_init(&packet, MSG_MAX);
	r = buf_add(&packet, span_of(&m, sizeof m), e);
	if (r == 0)
		r = buf_add(&packet, addr, e);
	if (r == 0)
		r = buf_add(&packet, text, e);
	if (r == 0)
		r = chan_send(&l->offer, (struct msg_hdr *)(void *)packet.p, MSG_PREFERRED, 0, packet.n, NULL, 0,
		    e);
	buf_free(&packet);
	return r;
}

/* What is found is for capd if its tag is ours and somebody asks for it, a wish for offer. */
static int
tell(struct learn *l, struct span tag, struct span addr, struct span text, bool alternative, struct err *e)
{
	if (alternative)
		return conf_number(&l->daemon->conf, CONF_OFFERS) == 0 ?
		    err_set(e, ERR_PERM, NULL, "no other forms are offered here") : to_offer(l, tag, addr, text, e);
	if (!is_source(&l->daemon->conf))
		return err_set(e, ERR_PERM, NULL, "nothing is learned of capabilities here");
	if (tag_check(l->key, tag, addr, (uint64_t)(clock_us() / 1000000), e) == -1)
		return -1;
	return to_capd(l, addr, text, e);
}

static int
child_on_learned(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct learn *l = c->arg;
	const struct msg_learned *m = msg;
	struct span tag, addr, text;
	struct err why = { 0 };

	(void)fds;
	if ((uint64_t)m->tag_len + m->addr_len + m->len != len - sizeof *m || m->addr_len == 0 ||
	    m->addr_len > ENV_MAX_PATH || (m->len == 0 && !m->alternative) || l->told++ == TAG_RCPTS)
		return err_set(e, ERR_PROTO, NULL, "a finding of %zu octets", len);
	tag = span_of(m + 1, m->tag_len);
	addr = span_of(tag.p + tag.n, m->addr_len);
	text = span_of(addr.p + addr.n, m->len);
	if (tell(l, tag, addr, text, m->alternative != 0, &why) == -1)
		log_line(LOG_INFO, l->id, "not-learned", "to=%s why=%s", log_qs(addr), log_q(why.what));
	else
		l->learned += !m->alternative;
	return 0;
}

static const struct msg_rule from_child[] = {
	{ MSG_LEARNED, sizeof(struct msg_learned) + 2, MSG_MAX - sizeof(struct msg_cap_set), 0, 0,
	    child_on_learned },
};

static void
child_gone(struct chan *c, const struct err *why)
{
	struct learn *l = c->arg;
	int status = 0;

	(void)why;
	loop_cancel(&l->daemon->loop, &l->late);
	kill(l->pid, SIGKILL);		/* it ends, unless it was cut off */
	waitpid(l->pid, &status, 0);
	if (WIFSIGNALED(status))
		log_line(LOG_ERR, l->id, "died", "pid=%d signal=%d", (int)l->pid, WTERMSIG(status));
	child_next(l);
}

/* Its channel breaks then. */
static void
child_late(void *arg)
{
	kill(((struct learn *)arg)->pid, SIGKILL);
}

static int
child_start(struct learn *l, const struct learn_waiting *w, struct err *e)
{
	int up[2];

	if (ipc_pair(up, e) == -1)
		return -1;
	if (chan_open(&l->child, &l->daemon->loop, up[0], "report", from_child,
	    sizeof from_child / sizeof *from_child, child_gone, l, e) == -1) {
		ipc_close_fds(up, 2);
		return -1;
	}
	memcpy(l->id, w->id, sizeof l->id);
	l->told = 0;
	if (loop_timer(&l->daemon->loop, &l->late, LEARN_LATE_MS, e) == 0) {
		if ((l->pid = fork()) == 0)
			child_run(l, w, up[1]);
		if (l->pid != -1) {
			close(up[1]);
			l->reports++;
			return 0;
		}
		err_sys(e, "fork");
		loop_cancel(&l->daemon->loop, &l->late);
	}
	close(up[1]);
	chan_close(&l->child);
	return -1;
}

/* One after another. */
static void
child_next(struct learn *l)
{
	while (l->n > 0 && !l->child.open) {
		struct learn_waiting *w = &l->waiting[l->first];
		struct err e = { 0 };

		l->first = (l->first + 1) % LEARN_WAITING;
		l->n--;
		if (child_start(l, w, &e) == -1)
			log_line(LOG_WARN, w->id, "not-learned", "why=%s", log_q(e.what));
		close(w->fd);
	}
}

/* --- what peers say --- */

static int
local_on_report(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct learn *l = c->arg;
	const struct msg_report_came *m = msg;
	struct learn_waiting *w = &l->waiting[(l->first + l->n) % LEARN_WAITING];

	(void)len;
	if (m->id[QID_LEN] != '\0' || !qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "a report of no message");
	if (!is_source(&l->daemon->conf) && conf_number(&l->daemon->conf, CONF_OFFERS) == 0)
		return 0;
	if (l->n == LEARN_WAITING || l->daemon->loop.stop) {
		log_line(LOG_WARN, m->id, "not-learned", "why=%s", log_q("too many reports at once"));
		return 0;
	}
	*w = (struct learn_waiting){ .fd = fds[0], .len = m->len };
	memcpy(w->id, m->id, sizeof w->id);
	fds[0] = -1;
	l->n++;
	child_next(l);
	return 0;
}

/* The addresses of a MSG_TAG.  0: none, or too many. */
static uint32_t
addresses(struct span text, struct span out[TAG_RCPTS])
{
	uint32_t n = 0;

	while (text.n > 0) {
		size_t len = span_find(text, '\0');

		if (n == TAG_RCPTS || len == 0 || len == text.n)
			return 0;
		out[n++] = span_sub(text, 0, len);
		text = span_sub(text, len + 1, text.n);
	}
	return n;
}

static int
control_on_tag(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct learn *l = c->arg;
	const struct msg_hdr *h = msg;
	unsigned char chance[TAG_CHANCE];
	struct span addr[TAG_RCPTS];
	uint32_t n = addresses(span_of(h + 1, len - sizeof *h), addr);
	struct msg_tagged m = { .tag = "" };
	struct err why = { 0 };

	(void)fds;
	if (n > 0 && is_source(&l->daemon->conf) && (getrandom(chance, sizeof chance, 0) != sizeof chance ||
	    tag_make(l->key, addr, n, (uint64_t)(clock_us() / 1000000), chance, m.tag, &why) == -1))
		m.tag[0] = '\0';
	return chan_send(c, &m.h, MSG_TAGGED, h->id, sizeof m, NULL, 0, e);
}

static const struct msg_rule from_local[] = {
	{ MSG_REPORT_CAME, sizeof(struct msg_report_came), sizeof(struct msg_report_came), 1, 1, local_on_report },
};
static const struct msg_rule from_control[] = {
	{ MSG_TAG, sizeof(struct msg_hdr), sizeof(struct msg_hdr) + TAG_RCPTS * (ENV_MAX_PATH + 1), 0, 0,
	    control_on_tag },
};

static void
server_gone(struct chan *c, const struct err *why)
{
	struct learn *l = c->arg;

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", c->name);
	daemon_lost(c == &l->capd ? ROLE_CAPD : c == &l->local ? ROLE_LOCAL : c == &l->offer ? ROLE_OFFER :
	    ROLE_CONTROL);
}

static int
learn_connect(struct learn *l, enum role role, int fd, struct err *e)
{
	const struct { enum role role; struct chan *chan; const struct msg_rule *rule; size_t n; } peers[] = {
		{ ROLE_CAPD, &l->capd, NULL, 0 },	/* which tells its log alone what became of it */
		{ ROLE_LOCAL, &l->local, from_local, sizeof from_local / sizeof *from_local },
		{ ROLE_OFFER, &l->offer, NULL, 0 },
		{ ROLE_CONTROL, &l->control, from_control, sizeof from_control / sizeof *from_control },
	};

	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
		struct chan *c = peers[i].chan;

		if (peers[i].role != role)
			continue;
		chan_close(c);
		if (chan_open(c, &l->daemon->loop, fd, role_name(role), peers[i].rule, peers[i].n, server_gone, l,
		    e) == -1)
			return -1;
		c->most = LEARN_UNREAD;
		c->lossy = true;
		return 0;
	}
	return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
}

static void
learn_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (learn_connect(arg, role, fd, &e) == 0)
		return;
	close(fd);
	log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
learn_stats(void *arg, struct buf *out)
{
	const struct learn *l = arg;

	figure_add(out, "accord_learn_waiting", l->n);
	figure_add(out, "accord_learn_reports_total", l->reports);
	figure_add(out, "accord_learn_learned_total", l->learned);
}

int
learn_open(struct learn *l, struct daemon *d, struct err *e)
{
	*l = (struct learn){ .daemon = d, .late = { .fire = child_late, .arg = l }, .pid = -1 };
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && learn_connect(l, (enum role)r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = learn_on_peer;
	d->stats = learn_stats;
	d->arg = l;
	return 0;
}
