/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "ldap/worker.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ldap/connect.h"
#include "ldap/entry.h"
#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/log.h"
#include "lib/msg.h"
#include "lib/sandbox.h"

struct search {
	int msgid;		/* libldap's; -1: free */
	uint32_t number;	/* the parent's */
	int64_t due_ms;
	size_t naddr;
	unsigned char addr[ENV_MAX_PATH];
};

/* All of the process. */
static struct {
	const struct worker *w;
	LDAP *ld;		/* NULL: not connected */
	int fd;			/* its socket */
	uint32_t server;	/* the one that is asked */
	int64_t rest_ms;	/* until then no connection is tried */
	struct search search[WORKER_SEARCHES];
	uint32_t nsearch;
} at;

static const struct msg_ldap_told not_now = { .found = 2, .caps = CAP_TEMP };

/* --- answers --- */

static void
tell(uint32_t number, const struct msg_ldap_told *told, struct span text)
{
	static struct { struct msg_ldap_told m; unsigned char text[MSG_MAX - sizeof(struct msg_ldap_told)]; } out;
	struct err e = { 0 };

	out.m = *told;
	if (text.n > sizeof out.text) {
		out.m.caps = CAP_NONE;
		text.n = 0;
	}
	if (text.n > 0)
		memcpy(out.text, text.p, text.n);
	out.m.len = (uint32_t)text.n;
	if (ipc_send(at.w->up, &out.m.h, MSG_LDAP_TOLD, number, sizeof out.m + text.n, NULL, 0, &e) == -1)
		_exit(0);
}

static void
search_over(struct search *s, const struct msg_ldap_told *told, struct span text)
{
	s->msgid = -1;
	at.nsearch--;
	tell(s->number, told, text);
}

/* The server is given up: what it was asked has no answer now, and the other one is next. */
static void
leave(const struct err *why)
{
	log_line(LOG_WARN, NULL, "ldap-lost", "host=%s why=%s", log_q(at.w->line.server[at.server].host), log_q(why->what));
	for (int i = 0; i < WORKER_SEARCHES; i++)
		if (at.search[i].msgid != -1)
			search_over(&at.search[i], &not_now, span_of(NULL, 0));
	ldap_unbind_ext(at.ld, NULL, NULL);
	at.ld = NULL;
	at.server = (at.server + 1) % at.w->line.nserver;
}

/* --- a connection --- */

static bool
connected(void)
{
	const struct ldap_line *l = &at.w->line;
	struct err e;

	if (at.ld != NULL)
		return true;
	if (clock_ms() < at.rest_ms)
		return false;
	for (uint32_t i = 0; i < l->nserver; i++, at.server = (at.server + 1) % l->nserver) {
		at.ld = connect_open(at.w, &l->server[at.server], &at.fd, &e);
		if (at.ld != NULL) {
			log_line(LOG_INFO, NULL, "ldap-connected", "host=%s", log_q(l->server[at.server].host));
			return true;
		}
		log_line(LOG_WARN, NULL, "ldap-unreachable", "host=%s why=%s", log_q(l->server[at.server].host), log_q(e.what));
	}
	at.rest_ms = clock_ms() + WORKER_REST_MS;
	return false;
}

/* --- questions --- */

static struct search *
free_search(void)
{
	for (int i = 0; i < WORKER_SEARCHES; i++)
		if (at.search[i].msgid == -1)
			return &at.search[i];
	return NULL;
}

static int
search_begin(struct search *s, struct span addr, struct err *e)
{
	static char features[] = "mediaAcceptFeatures", when[] = "mediaAcceptTime", fax[] = "facsimileTelephoneNumber";
	static char *attrs[] = { features, when, fax, NULL };
	const struct ldap_server *to = &at.w->line.server[at.server];
	struct timeval limit = { (time_t)at.w->line.timeout_s, 0 };
	struct buf filter;
	int r;

	buf_init(&filter, LDAPLINE_FILTER);
	r = ldapline_filter(&at.w->line, addr, &filter, e);
	if (r == 0)
		r = buf_add_byte(&filter, '\0', e);
	if (r == 0 && (r = ldap_search_ext(at.ld, to->base, LDAP_SCOPE_SUBTREE, (char *)filter.p, attrs, 0, NULL, NULL,
	    &limit, 2, &s->msgid)) != LDAP_SUCCESS) {
		s->msgid = -1;
		r = connect_failed(at.ld, r, "search", e);
	}
	buf_free(&filter);
	return r;
}

static void
ask(const struct msg_ldap_ask *m, struct span addr)
{
	struct search *s = free_search();
	struct err e = { 0 };

	for (uint32_t try = 0; s != NULL && try < 2 && connected(); try++) {
		if (search_begin(s, addr, &e) == 0) {
			s->number = m->h.id;
			s->due_ms = clock_ms() + (int64_t)at.w->line.timeout_s * 1000;
			s->naddr = addr.n;
			memcpy(s->addr, addr.p, addr.n);
			at.nsearch++;
			return;
		}
		leave(&e);		/* an idle connection that the server has closed is found so */
	}
	tell(m->h.id, &not_now, span_of(NULL, 0));
}

static void
take_question(void)
{
	static struct { struct msg_ldap_ask m; unsigned char addr[ENV_MAX_PATH]; } in;
	int fds[MSG_FDS] = { -1, -1 };
	struct err e = { 0 };
	size_t len;

	if (ipc_recv(at.w->up, &in, sizeof in, &len, fds, &e) != 1)
		_exit(0);
	ipc_close_fds(fds, MSG_FDS);
	if (in.m.h.type == MSG_LDAP_ASK && len >= sizeof in.m && in.m.addr_len == len - sizeof in.m)
		ask(&in.m, span_of(in.addr, in.m.addr_len));
}

/* --- what the server says --- */

/* The values point into the returned array, which ldap_value_free_len takes. */
static struct berval **
values(LDAPMessage *entry, const char *attr, struct entry_values *out)
{
	struct berval **v = ldap_get_values_len(at.ld, entry, attr);

	for (size_t i = 0; v != NULL && v[i] != NULL && out->n < ENTRY_VALUES; i++)
		out->value[out->n++] = span_of(v[i]->bv_val, v[i]->bv_len);
	return v;
}

static void
found(struct search *s, LDAPMessage *entry)
{
	struct msg_ldap_told told = { .found = 1 };
	struct entry in = { .features = { .n = 0 } };
	struct berval **v[3];
	struct buf text;
	struct err e;

	v[0] = values(entry, "mediaAcceptFeatures", &in.features);
	v[1] = values(entry, "mediaAcceptTime", &in.time);
	v[2] = values(entry, "facsimileTelephoneNumber", &in.fax);
	buf_init(&text, MSG_MAX - sizeof told);
	told.caps = entry_read(&in, span_of(s->addr, s->naddr), &text, &told.since_s, &e);
	if (e.kind != ERR_NONE)
		log_line(LOG_WARN, NULL, "ldap-unusable", "to=%s why=%s", log_qs(span_of(s->addr, s->naddr)), log_q(e.what));
	search_over(s, &told, told.caps == CAP_KNOWN ? buf_view(&text) : span_of(NULL, 0));
	buf_free(&text);
	for (int i = 0; i < 3; i++)
		if (v[i] != NULL)
			ldap_value_free_len(v[i]);
}

/* Several entries: there is such an address, but nobody can say what it takes. */
static void
ambiguous(struct search *s)
{
	const struct msg_ldap_told told = { .found = 1, .caps = CAP_NONE };

	log_line(LOG_WARN, NULL, "ldap-unusable", "to=%s why=%s", log_qs(span_of(s->addr, s->naddr)),
	    log_q("more than one entry has the address"));
	search_over(s, &told, span_of(NULL, 0));
}

/* What is wrong with the question or the directory is nobody's absence. */
static void
refused(struct search *s, int code)
{
	struct err e = { 0 };

	connect_failed(at.ld, code, "search", &e);
	log_line(LOG_WARN, NULL, "ldap-refused", "to=%s why=%s", log_qs(span_of(s->addr, s->naddr)), log_q(e.what));
	search_over(s, &not_now, span_of(NULL, 0));
}

static void
answered(LDAPMessage *res)
{
	static const struct msg_ldap_told nobody = { .found = 0, .caps = CAP_NONE };
	int id = ldap_msgid(res), code = LDAP_OTHER, n = ldap_count_entries(at.ld, res);
	struct search *s = at.search;

	while (s < at.search + WORKER_SEARCHES && (s->msgid == -1 || s->msgid != id))
		s++;
	if (s == at.search + WORKER_SEARCHES)
		return;
	if (ldap_parse_result(at.ld, res, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
		code = LDAP_OTHER;
	if (code == LDAP_SIZELIMIT_EXCEEDED || (code == LDAP_SUCCESS && n > 1))
		ambiguous(s);
	else if (code != LDAP_SUCCESS)
		refused(s, code);
	else if (n == 1)
		found(s, ldap_first_entry(at.ld, res));
	else
		search_over(s, &nobody, span_of(NULL, 0));
}

/* All that is there; false: the server has gone. */
static bool
take_answers(void)
{
	struct timeval none = { 0, 0 };
	LDAPMessage *res = NULL;
	int r;

	while ((r = ldap_result(at.ld, LDAP_RES_ANY, LDAP_MSG_ALL, &none, &res)) > 0) {
		answered(res);
		ldap_msgfree(res);
		res = NULL;
	}
	return r == 0;
}

static void
look_at_server(void)
{
	struct err e = { 0 };
	int code = LDAP_SERVER_DOWN;

	if (at.ld == NULL || take_answers())
		return;
	(void)ldap_get_option(at.ld, LDAP_OPT_RESULT_CODE, &code);
	connect_failed(at.ld, code, "connection", &e);
	leave(&e);
}

/* One that is silent to one question is silent to all. */
static void
look_at_time(void)
{
	struct err e = { 0 };
	int64_t now = clock_ms();

	for (int i = 0; i < WORKER_SEARCHES && at.ld != NULL; i++)
		if (at.search[i].msgid != -1 && now >= at.search[i].due_ms) {
			err_set(&e, ERR_TEMP, "4.4.1", "no answer within %u seconds", at.w->line.timeout_s);
			leave(&e);
		}
}

static int
wait_ms(void)
{
	int64_t due = INT64_MAX, now = clock_ms();

	for (int i = 0; i < WORKER_SEARCHES; i++)
		if (at.search[i].msgid != -1 && at.search[i].due_ms < due)
			due = at.search[i].due_ms;
	return due == INT64_MAX ? -1 : due <= now ? 0 : clock_wait_ms(due - now);
}

static _Noreturn void
worker_loop(void)
{
	for (;;) {
		struct pollfd p[2] = { { at.w->up, POLLIN, 0 }, { at.ld != NULL ? at.fd : -1, POLLIN, 0 } };

		(void)poll(p, 2, wait_ms());
		if (p[1].revents != 0)
			look_at_server();
		look_at_time();
		if (p[0].revents != 0)
			take_question();
	}
}

_Noreturn void
worker_run(const struct worker *w)
{
	const int keep[] = { w->up, w->resolver };
	struct err e = { 0 };

	at.w = w;
	for (int i = 0; i < WORKER_SEARCHES; i++)
		at.search[i].msgid = -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_close_others(keep, sizeof keep / sizeof *keep, &e) == -1 ||
	    (w->secrets.ca.n > 0 && connect_authorities(w->secrets.ca, &e) == -1) ||
	    sandbox_enter(SB_LDAP_WORKER, NULL, 0, w->landlock_optional, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "role=ldap-worker why=%s", log_q(e.what));
		_exit(1);
	}
	worker_loop();
}
