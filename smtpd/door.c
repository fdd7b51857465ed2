/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Connections: who gets a session, who waits, who is refused; and how patient sessions are. */
#include "smtpd/parent.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "smtpd/policy.h"

static uint32_t
least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

static struct clients_limits
door_limits(const struct parent *p, uint32_t listener, const struct netaddr *a)
{
	uint32_t all = (uint32_t)conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING);
	struct clients_limits max = { all, all + ROOM_MAX, all + ROOM_MAX };

	if (!policy_knows(&p->d.conf, &p->listener[listener], a)) {	/* others keep their share */
		max.client = least(conf_number(&p->d.conf, CONF_CONCURRENCYCLIENT), all / 2 + 1);
		max.network = least(conf_number(&p->d.conf, CONF_CONCURRENCYNETWORK), all - all / 4);
	}
	return max;
}

/* --- patience --- */

struct pace
door_pace(const struct parent *p)
{
	uint64_t all = conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING);
	struct pace pace = { least(conf_number(&p->d.conf, CONF_TIMEOUTSMTPD), UINT32_MAX),
	    least(conf_number(&p->d.conf, CONF_TIMEOUTTRANSACTION) * 2, UINT32_MAX) };
	static const struct { uint32_t tenths; struct pace most; } steps[] = {
		{ 7, { PACE_BUSY_S, PACE_BUSY_PATIENCE_S } },
		{ 9, { PACE_FULL_S, PACE_FULL_PATIENCE_S } },
	};

	for (size_t i = 0; i < 2 && all >= 8; i++)	/* fewer sessions are a test's, or a choice */
		if ((uint64_t)p->sessions * 10 >= all * steps[i].tenths) {
			pace.timeout_s = least(pace.timeout_s, steps[i].most.timeout_s);
			pace.patience_s = least(pace.patience_s, steps[i].most.patience_s);
		}
	if (p->room.n > 0) {
		pace.timeout_s = least(pace.timeout_s, PACE_WAITED_S);
		pace.patience_s = least(pace.patience_s, PACE_WAITED_PATIENCE_S);
	}
	return pace;
}

/* The room and the pace are looked at again in a second. */
static void
door_look_later(struct parent *p)
{
	struct err e;

	if (!p->looking && !p->stopping)
		p->looking = loop_timer(&p->d.loop, &p->look, DOOR_LOOK_MS, &e) == 0;
}

void
door_tell_pace(struct parent *p)
{
	struct pace pace = door_pace(p);
	int64_t now;

	if (pace.timeout_s == p->pace.timeout_s && pace.patience_s == p->pace.patience_s)
		return;
	now = clock_ms();
	if (pace.patience_s > p->pace.patience_s && now - p->pace_ms < PACE_RELAX_MS) {
		door_look_later(p);	/* else a packet to all with each session that comes or goes */
		return;
	}
	p->pace = pace;
	p->pace_ms = now;
	log_line(LOG_INFO, NULL, "pace", "sessions=%u waiting=%u timeout=%u patience=%u", p->sessions,
	    p->room.n, pace.timeout_s, pace.patience_s);
	for (struct child *c = p->child; c != NULL; c = c->next) {
		struct msg_pace m = { .timeout_s = pace.timeout_s, .patience_s = pace.patience_s };
		struct err e;

		if (c->busy)
			(void)chan_send(&c->chan, &m.h, MSG_PACE, 0, sizeof m, NULL, 0, &e);
	}
}

/* --- one connection --- */

/* Says why not; a client that cannot take so short a line at once misses it. */
void
door_refuse(struct parent *p, int fd, const char *dsn, const char *why, const struct netaddr *a)
{
	char line[512], addr[48];
	int n = snprintf(line, sizeof line, "421 %s %.255s %s, try again later\r\n", dsn,
	    conf_string(&p->d.conf, CONF_ME), why);

	netaddr_print(a, addr, sizeof addr);
	parent_count_refusal(p, why);
	log_line(LOG_WARN, NULL, "refused", "client=%s sessions=%u waiting=%u why=%s", addr, p->sessions,
	    p->room.n, log_q(why));
	(void)send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void
door_turn_out(struct parent *p, struct waiting *w, const char *why)
{
	door_refuse(p, w->fd, "4.3.2", why, &w->addr);
	free(w);
}

static const char crowded[] = "too many sessions";

/* Everybody is busy: it waits, unless its like are there already. */
static void
door_wait(struct parent *p, uint32_t listener, int fd, const struct netaddr *a)
{
	struct waiting *out;

	if (room_enter(&p->room, &p->clients, fd, listener, a, clock_ms(), &out) == -1) {
		door_refuse(p, fd, "4.3.2", crowded, a);
		return;
	}
	if (out != NULL)
		door_turn_out(p, out, crowded);
	door_look_later(p);
	door_tell_pace(p);
}

static void
door_let_in(struct parent *p, uint32_t listener, int fd, const struct netaddr *a)
{
	struct clients_limits max = door_limits(p, listener, a);
	const char *why = clients_enter(&p->clients, a, p->sessions, &max, clock_ms());

	if (why == NULL)
		parent_hand_over(p, listener, fd, a);
	else if (why == clients_full)
		door_wait(p, listener, fd, a);
	else
		door_refuse(p, fd, "4.7.0", why, a);
}

void
door_next(struct parent *p)
{
	uint64_t all = conf_number(&p->d.conf, CONF_CONCURRENCYINCOMING);
	struct waiting *w;

	while (!p->stopping && p->sessions < all && (w = room_next(&p->room, &p->clients)) != NULL) {
		door_let_in(p, w->listener, w->fd, &w->addr);
		free(w);
	}
	door_tell_pace(p);
}

void
door_on_look(void *arg)
{
	struct parent *p = arg;
	struct waiting *w;

	p->looking = false;
	while ((w = room_late(&p->room, &p->clients, clock_ms())) != NULL)
		door_turn_out(p, w, crowded);
	door_next(p);
	if (p->room.n > 0)
		door_look_later(p);
}

void
door_empty(struct parent *p)
{
	struct waiting *w;

	while ((w = room_next(&p->room, &p->clients)) != NULL)
		door_turn_out(p, w, "shutting down");
}

void
door_move(struct parent *p, const struct listener *before, uint32_t n)
{
	struct waiting *w;

	for (w = p->room.first; w != NULL; w = w->next) {
		const struct netaddr *a = w->listener < n ? &before[w->listener].addr : NULL;
		uint32_t i = 0;

		while (i < p->nlistener && (a == NULL || memcmp(&p->listener[i].addr, a, sizeof *a) != 0))
			i++;
		w->listener = i;
	}
	while ((w = room_by_listener(&p->room, &p->clients, p->nlistener)) != NULL)
		door_turn_out(p, w, "shutting down");	/* its listener is no more */
}

/* --- listeners --- */

static void
netaddr_take(const struct sockaddr_storage *ss, struct netaddr *out)
{
	const struct sockaddr_in *s4 = (const struct sockaddr_in *)(const void *)ss;
	const struct sockaddr_in6 *s6 = (const struct sockaddr_in6 *)(const void *)ss;

	*out = (struct netaddr){ { 0 }, 0 };
	if (ss->ss_family == AF_INET6) {
		memcpy(out->a, &s6->sin6_addr, 16);
		out->port = ntohs(s6->sin6_port);
	} else if (ss->ss_family == AF_INET) {
		out->a[10] = out->a[11] = 0xff;
		memcpy(out->a + 12, &s4->sin_addr, 4);
		out->port = ntohs(s4->sin_port);
	}
}

static void
door_watch(struct parent *p, uint32_t events)
{
	struct err e;

	for (uint32_t i = 0; i < p->nlistener; i++)
		if (loop_change(&p->d.loop, &p->at[i].watch, events, &e) == -1)
			log_line(LOG_ERR, NULL, "listen", "why=%s", log_q(e.what));
}

void
door_on_resume(void *arg)
{
	struct parent *p = arg;

	p->paused = false;
	if (!p->stopping)
		door_watch(p, EPOLLIN);
}

/* Out of descriptors or memory: a loop that tries at once again would only burn time. */
static void
door_pause(struct parent *p, int sys)
{
	struct err e;

	log_line(LOG_ERR, NULL, "accept", "why=%s", log_q(strerror(sys)));
	p->paused = true;
	door_watch(p, 0);
	(void)loop_timer(&p->d.loop, &p->resume, PARENT_PAUSE_MS, &e);
}

void
door_on_connection(void *arg, uint32_t events)
{
	struct parent_listener *at = arg;
	struct parent *p = at->parent;
	uint32_t listener = (uint32_t)(at - p->at);

	(void)events;
	for (int i = 0; i < PARENT_BURST && !p->paused && !p->stopping; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof ss;
		struct netaddr a;
		int fd = accept4(at->watch.fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC);

		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				door_pause(p, errno);
			break;
		}
		p->connections++;
		netaddr_take(&ss, &a);
		door_let_in(p, listener, fd, &a);
	}
	parent_spare(p);
}
