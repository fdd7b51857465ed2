/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_resolver.c - sessions and their parent that say anything to the resolver, and
 * name servers that answer anything (tests/fuzz/hostile.h; libunbound's part is played here): each
 * question is answered once, in the time that it has, with what resolve_read takes or a failure; only
 * names of hosts are asked for.
 */
#include <assert.h>
#include <stdlib.h>

#include "lib/resolve.h"
#include "remote/resolver/serve.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { SESSION, PARENT, SIDES, QUERIES = 64 };

static const struct hostile_row from_session[] = { { MSG_RESOLVE, sizeof(struct msg_resolve) } };
static const struct hostile_row from_parent[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };

struct dns_query {
	char name[RESOLVE_NAME];
	enum dns_type type;
	dns_done *done;
	void *arg;
	struct dns_query **out;
	bool open;
};

static struct daemon d;
static struct resolver resolver;
static struct hostile h;
static struct dns_query query[QUERIES];

/* --- in place of remote/resolver/dns.c --- */

int
dns_open(struct dns *dns, struct loop *l, const struct conf *conf, struct span resolv_conf, struct err *e)
{
	(void)dns, (void)l, (void)conf, (void)resolv_conf, (void)e;
	return 0;
}

int
dns_ask(struct dns *dns, const char *name, enum dns_type type, dns_done *done, void *arg,
    struct dns_query **out, struct err *e)
{
	struct err why;

	(void)dns;
	assert(hostname_check(span_str(name), &why) == 0 && strlen(name) < RESOLVE_NAME);
	assert(type == DNS_A || type == DNS_AAAA || type == DNS_MX || type == DNS_SRV);
	assert(type != DNS_SRV || strncmp(name, "_conneg._tcp.", 13) == 0);
	for (int i = 0; i < QUERIES; i++)
		if (!query[i].open) {
			query[i] = (struct dns_query){ .type = type, .done = done, .arg = arg, .out = out,
			    .open = true };
			memcpy(query[i].name, name, strlen(name) + 1);
			*out = &query[i];
			return 0;
		}
	return err_set(e, ERR_TEMP, "4.4.3", "too many");
}

void
dns_forget(struct dns_query *q)
{
	assert(q->open);
	*q->out = NULL;
	q->open = false;
}

/* The oldest question that is open is answered with the octets that follow. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	static struct answer a;
	struct dns_query *q = NULL, was;
	struct err e = { 0 };

	(void)x;
	for (int i = 0; i < QUERIES && q == NULL; i++)
		if (query[i].open)
			q = &query[i];
	if (q == NULL)
		return;
	was = *q;
	*q->out = NULL;
	q->open = false;
	if (what == 2)
		err_set(&e, ERR_TEMP, "4.4.3", "no answer");
	else
		(void)answer_read(p, was.name, was.type, &a, &e);
	was.done(was.arg, e.kind == ERR_NONE ? &a : NULL, what == 1, e.kind == ERR_NONE ? NULL : &e);
}

/* --- --- */

static void
open_side(struct hostile *x, size_t side)
{
	int fd = hostile_pair(x, side);
	struct err e;

	if (side == PARENT)
		d.peer(d.arg, ROLE_REMOTE, 1, fd);
	else if (resolver_add_asker(&resolver, ROLE_REMOTE, fd, &e) == -1)
		abort();
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	static struct resolved r;
	struct err e = { 0 };

	(void)x;
	assert(side == SESSION && m->type == MSG_RESOLVED);
	if (resolve_read(span_of(m, len), &r, &e) == -1)
		assert((e.kind == ERR_TEMP || e.kind == ERR_PERM) && e.dsn[0] != '\0');
	else
		assert(r.nhost >= 1 && r.nhost <= RESOLVE_HOSTS && r.ttl <= ANSWER_TTL_MAX);
}

static void
set_up(void)
{
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    resolver_open(&resolver, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .file = -1, .open = open_side,
	    .heard = heard, .other = other, .side = { { from_session, 1, -1, { 0 }, 0 },
	    { from_parent, 1, -1, { 0 }, 0 } } };
}

/* An honest session gets an answer when the time is over, whatever the servers did. */
static void
honest(void)
{
	struct msg_resolve m = { .kind = RESOLVE_MX, .name = "a.example" };
	uint32_t before;
	struct err e;

	h.open(&h, SESSION);
	if (ipc_send(h.side[SESSION].fd, &m.h, MSG_RESOLVE, 9, sizeof m, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	hostile_read(&h, SESSION);
	before = h.side[SESSION].nheard;
	hostile_advance(RESOLVE_DEADLINE_MS + 1);
	hostile_turn(&h);
	hostile_read(&h, SESSION);
	assert(h.side[SESSION].nheard == 1 && before <= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	hostile_begin(&h);
	hostile_run(&h, span_of(p, n));
	honest();
	chan_close(&resolver.parent[ROLE_REMOTE]);
	hostile_end(&h);
	assert(resolver.askers == NULL && resolver.questions.first == NULL);
	for (int i = 0; i < QUERIES; i++)
		assert(!query[i].open);
	return 0;
}
