/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/resolver/serve.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/figure.h"
#include "lib/log.h"

enum { RESOLV_CONF_OCTETS = 65536 };

static const char resolv_conf[] = "/etc/resolv.conf";

/* A session; it has one question under way at a time. */
struct asker {
	struct asker *next, **prev;
	struct resolver *resolver;
	enum role parent;
	struct chan chan;
	struct waiter waiter;
};

static void
resolver_leave(void *arg)
{
	struct resolver *r = arg;

	r->daemon->loop.stop = true;
}

static void
resolver_leave_soon(struct resolver *r)
{
	struct err e;

	if (r->leave.at == 0 && loop_timer(&r->daemon->loop, &r->leave, RESOLVER_LEAVE_MS, &e) == -1)
		r->daemon->loop.stop = true;
}

/* The file cannot be opened here, but the one that was read tells when it is another's turn. */
static bool
resolv_conf_changed(const struct resolver *r)
{
	struct stat now;

	return r->resolv_conf != -1 && fstat(r->resolv_conf, &now) == 0 &&
	    (now.st_nlink != r->was.st_nlink || now.st_size != r->was.st_size ||
	    now.st_mtim.tv_sec != r->was.st_mtim.tv_sec || now.st_mtim.tv_nsec != r->was.st_mtim.tv_nsec);
}

static void
asker_answer(struct waiter *w, const struct resolved *r, const struct err *why)
{
	struct asker *a = w->arg;
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, MSG_MAX);
	if (resolve_write(r, why, &out, &e) == -1 ||
	    chan_send(&a->chan, (struct msg_hdr *)(void *)out.p, MSG_RESOLVED, w->id, out.n, NULL, 0,
	    &e) == -1)
		log_line(LOG_ERR, NULL, "failed", "why=%s", log_q(e.what));
	buf_free(&out);
}

static int
asker_on_resolve(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct asker *a = ch->arg;
	const struct msg_resolve *m = msg;
	struct span name = span_of(m->name, strnlen(m->name, sizeof m->name));

	(void)len, (void)fds;
	if (m->kind > RESOLVE_CONNEG || name.n == sizeof m->name || hostname_check(name, e) == -1)
		return err_set(e, ERR_PROTO, NULL, "a question for no name");
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != ascii_lower(name.p[i]))
			return err_set(e, ERR_PROTO, NULL, "a question in capital letters");
	questions_forget(&a->waiter);		/* it has given the last one up */
	if (resolv_conf_changed(a->resolver))
		resolver_leave_soon(a->resolver);
	if (a->resolver->leave.at != 0)		/* it asks our successor, who asks the right servers */
		return 0;
	a->waiter = (struct waiter){ .done = asker_answer, .arg = a, .id = m->h.id };
	if (questions_ask(&a->resolver->questions, (enum resolve_kind)m->kind, m->name, &a->waiter,
	    e) == -1)
		asker_answer(&a->waiter, NULL, e);
	return 0;
}

static const struct msg_rule from_asker[] = {
	{ MSG_RESOLVE, sizeof(struct msg_resolve), sizeof(struct msg_resolve), 0, 0, asker_on_resolve },
};

static void
asker_gone(struct chan *ch, const struct err *why)
{
	struct asker *a = ch->arg;

	(void)why;
	questions_forget(&a->waiter);
	*a->prev = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	free(a);
}

int
resolver_add_asker(struct resolver *r, enum role parent, int fd, struct err *e)
{
	struct asker *a = calloc(1, sizeof *a);

	if (a == NULL) {
		close(fd);
		return err_sys(e, "asker");
	}
	a->resolver = r;
	a->parent = parent;
	if (chan_open(&a->chan, &r->daemon->loop, fd, "session", from_asker, 1, asker_gone, a, e) == -1) {
		close(fd);
		free(a);
		return -1;
	}
	a->chan.most = RESOLVER_UNREAD;
	a->next = r->askers;
	a->prev = &r->askers;
	if (a->next != NULL)
		a->next->prev = &a->next;
	r->askers = a;
	return 0;
}

static int
parent_on_session(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct resolver *r = ch->arg;
	int fd = fds[0];

	(void)msg, (void)len;
	fds[0] = -1;
	return resolver_add_asker(r, (enum role)(ch - r->parent), fd, e);
}

static const struct msg_rule from_parent[] = {
	{ MSG_SESSION, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 1, 1, parent_on_session },
};

/* Their parent is another one now: nobody reads what is still being asked.  Sessions that outlived it
 * and wait here see that it is over. */
static void
askers_close(struct resolver *r, enum role parent)
{
	for (struct asker *a = r->askers, *next; a != NULL; a = next) {
		next = a->next;
		if (a->parent != parent)
			continue;
		chan_close(&a->chan);
		asker_gone(&a->chan, NULL);
	}
}

static void
parent_gone(struct chan *ch, const struct err *why)
{
	struct resolver *r = ch->arg;

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", ch->name);
	daemon_lost((enum role)(ch - r->parent));
}

static int
resolver_connect(struct resolver *r, enum role role, int fd, struct err *e)
{
	struct chan *ch = &r->parent[role];

	chan_close(ch);
	askers_close(r, role);
	if (chan_open(ch, &r->daemon->loop, fd, role_name(role), from_parent, 1, parent_gone, r, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
resolver_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (role != ROLE_REMOTE && role != ROLE_LDAP)
		close(fd);
	else if (resolver_connect(arg, role, fd, &e) == -1)
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

/* None, or one that cannot be read, is as an empty one: the C library thinks so too.  It stays open. */
static void
read_resolv_conf(struct resolver *r, struct buf *out)
{
	int fd = open(resolv_conf, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct err ignored;
	ssize_t n = 1;

	if (fd != -1 && fstat(fd, &r->was) == -1) {
		close(fd);
		fd = -1;
	}
	r->resolv_conf = fd;
	while (fd != -1 && n > 0) {
		void *p = buf_room(out, 4096, &ignored);

		n = p == NULL ? 0 : read(fd, p, 4096);
		if (n > 0)
			out->n += (size_t)n;
	}
}

/*
 * libunbound makes a context for its name servers from files, which are out of reach here: this process
 * ends, and the one that is started in its place has the new ones.  Who waits asks that one again.
 */
static void
resolver_switched(void *arg, struct conf *old)
{
	struct resolver *r = arg;
	const struct conf *now = &r->daemon->conf;

	if (conf_same(old, now, CONF_NAMESERVERS) && conf_same(old, now, CONF_TRUSTANCHOR))
		return;
	resolver_leave_soon(r);
}

static void
resolver_stats(void *arg, struct buf *out)
{
	const struct resolver *r = arg;

	figure_add(out, "accord_resolver_queries", r->dns.nquery);
	figure_add(out, "accord_resolver_queries_total", r->dns.total);
	figure_add(out, "accord_resolver_failures_total", r->dns.failed);
}

int
resolver_open(struct resolver *r, struct daemon *d, struct err *e)
{
	const struct span *set;
	struct buf text;
	int got;

	*r = (struct resolver){ .daemon = d, .resolv_conf = -1 };
	r->questions = (struct questions){ .loop = &d->loop, .dns = &r->dns };
	buf_init(&text, RESOLV_CONF_OCTETS);
	if (conf_lines(&d->conf, CONF_NAMESERVERS, &set) == 0)
		read_resolv_conf(r, &text);
	got = dns_open(&r->dns, &d->loop, &d->conf, buf_view(&text), e);
	buf_free(&text);
	for (int role = 0; got != -1 && role < ROLE_COUNT; role++)
		if (d->peer_fd[role] != -1 && (role == ROLE_REMOTE || role == ROLE_LDAP))
			got = resolver_connect(r, (enum role)role, d->peer_fd[role], e);
	if (got == -1)
		return -1;
	r->leave = (struct timer){ .fire = resolver_leave, .arg = r };
	d->peer = resolver_on_peer;
	d->switched = resolver_switched;
	d->stats = resolver_stats;
	d->arg = r;
	return 0;
}
