/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/parent.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"

static void
peer_gone(struct chan *ch, const struct err *why)
{
	struct parent *p = ch->arg;

	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s why=%s", ch->name,
	    log_q(why->kind == ERR_NONE ? "closed" : why->what));
	for (uint32_t role = 0; role < ROLE_COUNT && !p->stopping; role++)
		if (ch == parent_peer(p, role))	/* a retired one's belongs to its successor */
			daemon_lost((enum role)role);
}

static int
parent_open_peer(struct parent *p, enum role role, int fd, struct err *e)
{
	struct chan *ch = parent_peer(p, role);

	chan_close(ch);
	if (chan_open(ch, &p->d.loop, fd, role_name(role), NULL, 0, peer_gone, p, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
parent_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct parent *p = arg;
	struct err e;

	if (parent_peer(p, role) == NULL) {
		close(fd);
		return;
	}
	log_line(LOG_INFO, NULL, "peer", "peer=%s generation=%u", role_name(role), generation);
	if (parent_open_peer(p, role, fd, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "why=%s", log_q(e.what));
		return;
	}
	if (role == ROLE_CAPD)
		hold_again(p);
	for (struct child *c = p->child; c != NULL; c = c->next)
		if (c->need & 1u << role)
			child_give(c, role);
}

static void
parent_on_give_up(void *arg)
{
	((struct parent *)arg)->d.loop.stop = true;	/* what is left dies with this process */
}

/* Takes no more clients; idle processes end, and busy ones too if they are to hurry. */
static void
parent_close(struct parent *p, bool hurry)
{
	for (uint32_t i = 0; i < p->nlistener && !p->stopping; i++) {
		loop_unwatch(&p->d.loop, &p->at[i].watch);
		close(p->at[i].watch.fd);
	}
	p->stopping = true;
	door_empty(p);
	for (struct child *c = p->child; c != NULL; c = c->next) {
		if (!c->leaving && (!c->busy || hurry))
			child_dismiss(c);
	}
}

/* Another has taken over: sessions go on to their end, which is this process's too. */
static void
parent_on_retire(void *arg)
{
	struct parent *p = arg;

	if (p->stopping)
		return;
	log_line(LOG_INFO, NULL, "retire", "sessions=%u", p->sessions);
	parent_close(p, false);
	if (p->nchild == 0)
		p->d.loop.stop = true;
}

static void
parent_on_stop(void *arg)
{
	struct parent *p = arg;
	struct err e;

	if (p->hurried)
		return;
	p->hurried = true;
	parent_close(p, true);
	if (p->nchild == 0 || loop_timer(&p->d.loop, &p->give_up, PARENT_STOP_MS, &e) == -1)
		p->d.loop.stop = true;
}

/* --- start --- */

int
parent_listener(const struct daemon_listener *d, struct listener *out, struct err *e)
{
	if (listener_parse(span_str(d->line), out, e) == -1)
		return -1;
	if (out->role == LISTEN_LMTP)
		return err_set(e, ERR_PERM, NULL, "listen: %s: the role lmtp is not served", d->line);
	return fcntl(d->fd, F_SETFL, O_NONBLOCK) == -1 ? err_sys(e, "listen: %s", d->line) : 0;
}

int
parent_listeners(struct parent *p, struct err *e)
{
	for (uint32_t i = 0; i < p->d.nlistener; i++) {
		struct daemon_listener *d = &p->d.listener[i];

		if (parent_listener(d, &p->listener[i], e) == -1)
			return -1;
		p->at[i] = (struct parent_listener){ { d->fd, door_on_connection, &p->at[i] }, p };
	}
	p->nlistener = p->d.nlistener;
	return 0;
}

uint32_t
parent_used_most(const struct parent *p)
{
	uint64_t all = conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING);

	return all < PARENT_USED_MAX ? (uint32_t)all : PARENT_USED_MAX;
}

/* A descriptor for each session process, and some for pairs on their way. */
void
parent_more_files(const struct parent *p)
{
	rlim_t want = (rlim_t)conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING) +
	    parent_used_most(p) + PARENT_SPARE + ROOM_MAX + 128;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= want)
		return;
	r.rlim_cur = want < r.rlim_max ? want : r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur < want)
		log_line(LOG_WARN, NULL, "limits", "descriptors=%llu wanted=%llu",
		    (unsigned long long)r.rlim_cur, (unsigned long long)want);
}

int
parent_init(struct parent *p, struct err *e)
{
	struct rlimit files;
	int tls = daemon_file(&p->d, "tls");

	if (getrlimit(RLIMIT_FSIZE, &files) == -1)
		return err_sys(e, "limit of files");
	p->file_max = files.rlim_max;
	p->d.peer = parent_on_peer;
	p->d.stop = parent_on_stop;
	p->d.retire = parent_on_retire;
	p->d.check = parent_check;
	p->d.switched = parent_switched;
	p->d.kept = parent_kept;
	p->d.stats = parent_stats;
	p->d.arg = p;
	p->resume = (struct timer){ .fire = door_on_resume, .arg = p };
	p->tidy = (struct timer){ .fire = parent_on_tidy, .arg = p };
	p->give_up = (struct timer){ .fire = parent_on_give_up, .arg = p };
	p->look = (struct timer){ .fire = door_on_look, .arg = p };
	p->pace = door_pace(p);
	p->queue.name = role_name(ROLE_QUEUE);
	p->capd.name = role_name(ROLE_CAPD);
	p->convertd.name = role_name(ROLE_CONVERTD);
	p->key.name = role_name(ROLE_KEY);
	p->auth.name = role_name(ROLE_AUTH);
	if (secure_prepare(e) == -1 || parent_secure(&p->d.conf, tls, &p->secure, e) == -1)
		return -1;
	ipc_close_fds(&tls, 1);
	for (uint32_t role = 0; role < ROLE_COUNT; role++)
		if (parent_peer(p, role) != NULL && p->d.peer_fd[role] != -1 &&
		    parent_open_peer(p, (enum role)role, p->d.peer_fd[role], e) == -1)
			return -1;
	parent_more_files(p);
	return parent_listeners(p, e);
}

int
parent_begin(struct parent *p, struct err *e)
{
	for (uint32_t i = 0; i < p->nlistener; i++)
		if (loop_watch(&p->d.loop, &p->at[i].watch, EPOLLIN, e) == -1)
			return -1;
	parent_spare(p);
	return loop_timer(&p->d.loop, &p->tidy, PARENT_TIDY_MS, e);
}
