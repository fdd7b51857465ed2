/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The text of any setting: the first octet picks which.  What is accepted keeps to its row: one
 * value where one is due, numbers in range, lines without control octets that the row's own check
 * takes again, no two with the same key; a route's name is its only spelling; what is refused says so with the setting's name.
 */
#include <assert.h>
#include <stdint.h>

#include "lib/confline.h"
#include "lib/mailbox.h"
#include "lib/routeauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Each line against those before it, where the search for keys sorts them. */
static void
check_keys(const struct conf_decl *d, const struct span *lines, uint32_t n)
{
	struct buf all, own;
	struct err e;

	buf_init(&all, 16 << 20);
	buf_init(&own, 1 << 20);
	for (uint32_t i = 0; i < n; i++) {
		buf_clear(&own);
		assert(d->keys(lines[i], &own, &e) == 0);
		assert(own.n == 0 || own.p[own.n - 1] == '\0');
		for (size_t at = 0; at < own.n; at += strlen((char *)own.p + at) + 1) {
			for (size_t k = 0; k < all.n; k += strlen((char *)all.p + k) + 1)
				assert(strcmp((char *)all.p + k, (char *)own.p + at) != 0);
			assert(buf_add(&all, span_of(own.p + at, strlen((char *)own.p + at) + 1), &e) == 0);
		}
	}
	buf_free(&all);
	buf_free(&own);
}

static void
check_value(const struct conf *c, enum conf_id id)
{
	const struct conf_decl *d = &conf_table[id];
	const struct span *lines;
	uint32_t n = conf_lines(c, id, &lines);
	struct err e;

	assert(d->type == CONF_LIST || n == 1);
	if (d->type == CONF_NUMBER)
		assert(conf_number(c, id) >= d->min && conf_number(c, id) <= d->max);
	for (uint32_t i = 0; i < n; i++) {
		assert(lines[i].n > 0 && lines[i].p[lines[i].n] == '\0');
		assert(span_find(lines[i], '\n') == lines[i].n && span_find(lines[i], '\0') == lines[i].n);
		assert(d->check == NULL || d->check(lines[i], &e) == 0);
	}
	if (d->keys != NULL)
		check_keys(d, lines, n);
}

/* The look-ups over lines that were accepted. */
static void
look_up(const struct conf *c, enum conf_id id, struct span text)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, id, &lines);
	struct mailbox_match match;
	struct negotiation o;
	char dest[JOB_DEST], again[JOB_DEST];

	if (id == CONF_SMTPROUTES && route_find(lines, n, text, dest) == 1) {
		struct netaddr a;

		assert(route_addr(dest, &a) != -1);
		hop_name(span_str(dest), again);
		assert(strcmp(dest, again) == 0);
	}
	if (id == CONF_MAILBOXES && mailbox_find(lines, n, "+-", text, &match))
		assert(match.delivery.n > 0 && (match.how == MAILBOX_EXTENDED || match.ext[0] == '\0'));
	if (id == CONF_NEGOTIATION) {
		negotiation_find(lines, n, text, "[127.0.0.1]:25", &o);
		assert(o.ask <= 2 && o.dialect <= 3 && o.batch <= 2 && o.batch_max >= 1);
	}
	if (id == CONF_DESTINATIONS) {
		struct destination d;
		unsigned left;

		destination_find(lines, n, text, "[127.0.0.1]:25", &d);
		assert(d.nretry <= DESTINATION_RETRIES && d.nhours <= DESTINATION_HOURS);
		assert((d.rate_n == 0) == (d.rate_s == 0));
		for (uint8_t i = 0; i < d.nretry; i++)
			assert(d.retry_s[i] > 0);
		for (unsigned minute = 0; minute < DESTINATION_DAY; minute += 97)
			assert((destination_open(&d, minute, &left) || d.nhours > 0) && left > 0);
		assert(destination_pattern(lines, n, text).n <= 4096);
	}
	if (id == CONF_ROUTEAUTH) {
		struct routeauth r;

		span_text(text, dest, sizeof dest);
		if (routeauth_find(lines, n, dest, &r))		/* no domain's hosts, which DNS names */
			assert(strchr(dest, ':') != NULL && r.method < ROUTEAUTH_METHODS && r.user.n <= ROUTEAUTH_USER);
	}
	if (id == CONF_CONNEG) {
		static const struct netaddr a = { { 0 }, 0 };
		struct conneg_rule r;

		conneg_find(lines, n, text, &r);
		assert(r.who.n > 0);
		assert(!conneg_may_ask(&r, false, &a) || r.mode != CONNEG_OFF);
	}
	(void)domains_have(lines, n, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf c;
	struct err e = { 0 };
	enum conf_id id;
	struct span text;

	if (n == 0)
		return 0;
	id = (enum conf_id)(p[0] % CONF_COUNT);
	text = span_of(p + 1, n - 1);
	assert(conf_init(&c, &e) == 0);
	if (conf_set(&c, id, text, &e) == 0) {
		check_value(&c, id);
		look_up(&c, id, span_sub(text, 0, span_find(text, '\n')));
	} else {
		assert(e.kind == ERR_PERM && strncmp(e.what, conf_table[id].name,
		    strlen(conf_table[id].name)) == 0);
	}
	conf_free(&c);
	return 0;
}
