/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/select.h"

#include <stdlib.h>

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/route.h"

static const char *const state_names[SELECT_STATES] = {
	"queued", "deferred", "held", "failed", "delivered", "bounced", "removed"
};

enum select_state
select_state(const struct slot *s)
{
	switch ((enum slot_state)s->state) {
	case SLOT_HELD:
		return SELECT_HELD;
	case SLOT_FAILED:
		return SELECT_FAILED;
	case SLOT_DELIVERED:
		return SELECT_DELIVERED;
	case SLOT_BOUNCED:
		return SELECT_BOUNCED;
	case SLOT_REMOVED:
		return SELECT_REMOVED;
	default:
		return s->attempts > 0 ? SELECT_DEFERRED : SELECT_QUEUED;
	}
}

const char *
select_state_name(enum select_state s)
{
	return state_names[s];
}

int
select_init(struct selection *s, int room, const struct conf *conf, struct err *e)
{
	*s = (struct selection){ .conf = conf };
	buf_init(&s->want, 2 * ENV_MAX_PATH);
	buf_init(&s->key, 2 * ENV_MAX_PATH);
	s->id = calloc((size_t)room + 1, sizeof *s->id);
	s->rcpt = calloc((size_t)room + 1, sizeof *s->rcpt);
	s->sender = calloc((size_t)room + 1, sizeof *s->sender);
	s->dest = calloc((size_t)room + 1, sizeof *s->dest);
	if (s->id != NULL && s->rcpt != NULL && s->sender != NULL && s->dest != NULL)
		return 0;
	err_sys(e, "words");
	select_free(s);
	return -1;
}

void
select_free(struct selection *s)
{
	free(s->id);
	free(s->rcpt);
	free(s->sender);
	free(s->dest);
	buf_free(&s->want);
	buf_free(&s->key);
	*s = (struct selection){ 0 };
}

int
select_age(const char *text, uint64_t *us)
{
	static const struct { char unit; uint32_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 }
	};
	struct span s = span_str(text);
	uint32_t each = 1;
	uint64_t n;

	for (size_t i = 0; s.n > 0 && i < sizeof units / sizeof *units; i++)
		if (s.p[s.n - 1] == units[i].unit) {
			each = units[i].seconds;
			s.n--;
			break;
		}
	if (!span_u64(s, UINT32_MAX / each, &n))
		return -1;
	*us = n * each * 1000000;
	return 0;
}

static int
take_states(struct selection *s, const char *text, struct err *e)
{
	struct span rest = span_str(text);

	do {
		size_t comma = span_find(rest, ','), i = 0;

		while (i < SELECT_STATES && !span_is(span_sub(rest, 0, comma), state_names[i]))
			i++;
		if (i == SELECT_STATES)
			return err_set(e, ERR_PERM, NULL, "--state: expected queued, deferred, held, failed, "
			    "delivered, bounced or removed, with commas between them");
		s->states |= 1u << i;
		rest = span_sub(rest, comma + 1, rest.n);
	} while (rest.n > 0);
	return 0;
}

static int
take_time(const char *option, const char *text, uint64_t now_us, uint64_t *at, struct err *e)
{
	uint64_t age;

	if (select_age(text, &age) == -1)
		return err_set(e, ERR_PERM, NULL, "%s: expected an age as 90s, 10m, 2h, 3d or 1w", option);
	*at = age < now_us ? now_us - age : 1;
	return 0;
}

/* A word: an ID, an address or "@domain". */
static int
take_word(struct selection *s, char *word, struct err *e)
{
	if (qid_ok(word))
		s->id[s->nid++] = word;
	else if (strchr(word, '@') != NULL)
		s->rcpt[s->nrcpt++] = word;
	else
		return err_set(e, ERR_PERM, NULL, "%s: neither a message's ID nor an address or @domain",
		    word);
	return 1;
}

static int
take_valued(struct selection *s, const char *option, char *value, uint64_t now_us, struct err *e)
{
	if (strcmp(option, "--sender") == 0)
		s->sender[s->nsender++] = value;
	else if (strcmp(option, "--recipient") == 0)
		s->rcpt[s->nrcpt++] = value;
	else if (strcmp(option, "--dest") == 0)
		s->dest[s->ndest++] = value;
	else if (strcmp(option, "--state") == 0)
		return take_states(s, value, e);
	else if (strcmp(option, "--older") == 0)
		return take_time(option, value, now_us, &s->older_us, e);
	else
		return take_time(option, value, now_us, &s->newer_us, e);
	return 0;
}

int
select_take(struct selection *s, int argc, char **argv, int *i, uint64_t now_us, struct err *e)
{
	static const char *const valued[] = { "--sender", "--recipient", "--dest", "--state", "--older",
	    "--newer" };
	const char *word = argv[*i];

	if (word[0] != '-')
		return take_word(s, argv[*i], e);
	if (strcmp(word, "--all") == 0) {
		s->all = true;
		return 1;
	}
	for (size_t k = 0; k < sizeof valued / sizeof *valued; k++) {
		if (strcmp(word, valued[k]) != 0)
			continue;
		if (*i + 1 == argc)
			return err_set(e, ERR_PERM, NULL, "%s: its word is missing", word);
		return take_valued(s, word, argv[++*i], now_us, e) == -1 ? -1 : 1;
	}
	return 0;
}

bool
select_given(const struct selection *s)
{
	return s->nid > 0 || s->nsender > 0 || s->older_us > 0 || s->newer_us > 0 || select_by_slot(s);
}

bool
select_only_ids(const struct selection *s)
{
	return s->nid > 0 && s->nrcpt == 0;
}

bool
select_by_slot(const struct selection *s)
{
	return s->nrcpt > 0 || s->ndest > 0 || s->states != 0;
}

/* --- matching --- */

/* "@domain" (or "@.domain" for those below it), "<>" for none, or all of an address. */
static bool
address_fits(struct selection *s, const char *want, struct span addr)
{
	struct span w = span_str(want);
	struct err e;

	buf_clear(&s->key);
	if (w.n == 0 || span_is(w, "<>"))
		return addr.n == 0;
	if (w.p[0] == '@') {
		struct span domain = address_domain(addr);

		w = span_sub(w, 1, w.n);
		if (span_eqi(w, domain))
			return true;
		return w.n > 1 && w.p[0] == '.' && domain.n > w.n &&
		    span_eqi(w, span_sub(domain, domain.n - w.n, domain.n));
	}
	buf_clear(&s->want);
	return address_key(w, &s->want, &e) == 0 && address_key(addr, &s->key, &e) == 0 &&
	    span_eq(buf_view(&s->want), buf_view(&s->key));
}

static bool
any_address(struct selection *s, char *const *list, uint32_t n, struct span addr)
{
	for (uint32_t i = 0; i < n; i++)
		if (address_fits(s, list[i], addr))
			return true;
	return false;
}

static bool
hop_fits(struct span want, struct span hop)
{
	if (span_eqi(want, hop))
		return true;
	if (span_isi(want, ROUTE_LOCAL))	/* no host, if it has no port */
		return false;
	return hop.n == want.n + 3 && span_is(span_sub(hop, want.n, hop.n), ":25") &&
	    span_eqi(want, span_sub(hop, 0, want.n));
}

/* As qmgr has it ("local", "[192.0.2.1]:25", "example.com") in any spelling, also without the port 25; where
 * a line of destinations gave it a pattern ("mx.example:25 example.com"), each of the two alone will do. */
static bool
dest_fits(const struct selection *s, struct span addr)
{
	char dest[ROUTE_MAX], hop[JOB_DEST];
	struct span pattern;

	route_of(s->conf, addr, dest);
	route_hop(dest, hop);
	pattern = span_sub(span_str(dest), strlen(hop) + 1, strlen(dest));
	for (uint32_t i = 0; i < s->ndest; i++) {
		struct span want = span_str(s->dest[i]), part;
		char name[JOB_DEST];

		hop_name(span_sub(want, 0, span_find(want, ' ')), name);
		part = span_sub(want, span_find(want, ' ') + 1, want.n);
		if ((hop_fits(span_str(name), span_str(hop)) && (part.n == 0 || span_eqi(part, pattern))) ||
		    (pattern.n > 0 && span_eqi(want, pattern)))
			return true;
	}
	return false;
}

static bool
id_listed(const struct selection *s, const char *id)
{
	for (uint32_t i = 0; i < s->nid; i++)
		if (strcmp(s->id[i], id) == 0)
			return true;
	return false;
}

bool
select_slot(struct selection *s, const struct qitem *m, uint32_t i)
{
	if (s->states != 0 && (s->states & 1u << select_state(&m->slots[i])) == 0)
		return false;
	/* IDs and recipients are words of one kind: either will do */
	if (s->nrcpt > 0 && !id_listed(s, m->id) &&
	    !any_address(s, s->rcpt, s->nrcpt, m->env.rcpt[i].addr))
		return false;
	return s->ndest == 0 || dest_fits(s, m->env.rcpt[i].addr);
}

bool
select_message(struct selection *s, const struct qitem *m)
{
	if (s->nid > 0 && s->nrcpt == 0 && !id_listed(s, m->id))
		return false;
	if ((s->older_us > 0 && m->env.arrival_us > s->older_us) ||
	    (s->newer_us > 0 && m->env.arrival_us < s->newer_us))
		return false;
	if (s->nsender > 0 && !any_address(s, s->sender, s->nsender, m->env.sender))
		return false;
	if (!select_by_slot(s))
		return true;
	for (uint32_t i = 0; i < m->env.nrcpt; i++)
		if (select_slot(s, m, i))
			return true;
	return false;
}
