/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/aliases.h"

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/mailbox.h"

enum { CONF_KEY = 4 * ADDRESS_MAX };	/* octets of an address in the form of a key */

/* What mailboxes says of addr. */
static bool
box_find(const struct conf *c, struct span addr, enum mailbox_kind *kind, struct span *arg)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_MAILBOXES, &lines);
	const char *delimiters = delimiters_of(conf_string(c, CONF_RECIPIENTDELIMITER));
	struct mailbox_match m;
	struct err e;

	return mailbox_find(lines, n, delimiters, addr, &m) && mailbox_delivery(m.delivery, kind, arg, &e) == 0;
}

bool
aliases_find(const struct conf *c, struct span addr, struct span *list)
{
	enum mailbox_kind kind;

	return box_find(c, addr, &kind, list) && kind == MAILBOX_ALIAS;
}

bool
aliases_box(const struct conf *c, struct span addr)
{
	enum mailbox_kind kind;
	struct span arg;

	return box_find(c, addr, &kind, &arg) && kind != MAILBOX_ALIAS;
}

/* Its line's key, as mailboxes has it. */
static int
line_named(const struct span line, struct span key)
{
	struct buf one;
	struct err e;
	int is;

	buf_init(&one, CONF_KEY);
	is = mailbox_keys(line, &one, &e) == 0 && span_eq(buf_view(&one), key);
	buf_free(&one);
	return is;
}

int
aliases_named(const struct conf *c, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_MAILBOXES, &lines);
	struct buf key;
	struct err e;
	int is = 0;

	buf_init(&key, CONF_KEY);
	if (mailbox_keys(addr, &key, &e) == 0)
		for (uint32_t i = 0; i < n && !is; i++)
			is = line_named(lines[i], buf_view(&key));
	buf_free(&key);
	return is;
}

bool
aliases_same(struct span a, struct span b)
{
	struct buf x, y;
	struct err e;
	bool same;

	buf_init(&x, CONF_KEY);
	buf_init(&y, CONF_KEY);
	same = address_key(a, &x, &e) == 0 && address_key(b, &y, &e) == 0 && span_eq(buf_view(&x), buf_view(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

bool
aliases_ours(const struct conf *c, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_LOCALS, &lines);
	struct buf domain;
	struct err e;
	bool ours;

	buf_init(&domain, ADDRESS_MAX_DOMAIN + 1);
	ours = line_key_add(&domain, address_domain(addr), '\0', &e) == 0 &&
	    domains_have(lines, n, span_of(domain.p, domain.n - 1));
	buf_free(&domain);
	return ours;
}
