/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/aliases.h"

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/mailbox.h"

enum { CONF_KEY = 4 * ADDRESS_MAX };	/* octets of an address in the form of a key */

enum { BASES = 3 };			/* spellings without an extension that are tried */

/* --- the database --- */

static int
take(struct known *k, bool *have, int fd, struct err *e)
{
	if (*have)
		known_close(k);
	*have = false;
	if (fd == -1)
		return 0;
	if (known_open(k, fd, e) == -1)
		return -1;
	*have = true;
	return 0;
}

int
aliases_open(struct aliases *a, const struct conf *conf, int fd, struct err *e)
{
	*a = (struct aliases){ .conf = conf };
	return take(&a->now, &a->have, fd, e);
}

int
aliases_check(struct aliases *a, int fd, struct err *e)
{
	return take(&a->next, &a->have_next, fd, e);
}

void
aliases_switch(struct aliases *a)
{
	struct err ignored;

	(void)take(&a->now, &a->have, -1, &ignored);
	a->now = a->next;
	a->have = a->have_next;
	a->have_next = false;
}

void
aliases_keep(struct aliases *a)
{
	struct err ignored;

	(void)take(&a->next, &a->have_next, -1, &ignored);
}

void
aliases_close(struct aliases *a)
{
	aliases_keep(a);
	aliases_switch(a);
}

/* --- to look up --- */

static const char *
delimiters(const struct aliases *a)
{
	return delimiters_of(conf_string(a->conf, CONF_RECIPIENTDELIMITER));
}

/* In a file, by that very name.  The database is sealed: it is not damaged. */
static bool
file_has(const struct aliases *a, struct span addr, struct span *list)
{
	struct err e;

	return a->have && known_alias(&a->now, addr, list, &e) == 1;
}

/* By what is before an extension. */
static bool
file_has_base(const struct aliases *a, struct span addr, struct span *list)
{
	size_t at = addr.n;
	bool has = false;
	struct err e;
	struct buf base;

	buf_init(&base, CONF_KEY);
	for (int i = 0; a->have && !has && i < BASES; i++) {
		buf_clear(&base);
		if (mailbox_base(addr, delimiters(a), &at, &base, &e) != 1)
			break;
		has = file_has(a, buf_view(&base), list);
	}
	buf_free(&base);
	return has;
}

/* Whose mail the other roles get (lib/mailbox.h). */
static bool
file_has_postmaster(const struct aliases *a, struct span addr, struct span *list)
{
	struct span domain = address_domain(addr);
	struct err e;
	struct buf all;
	bool has;

	buf_init(&all, CONF_KEY);
	has = buf_add_str(&all, "postmaster@", &e) == 0 && buf_add(&all, domain, &e) == 0 &&
	    file_has(a, buf_view(&all), list);
	buf_free(&all);
	return has;
}

/* What mailboxes says of addr. */
static enum mailbox_how
box_find(const struct aliases *a, struct span addr, enum mailbox_kind *kind, struct span *arg)
{
	const struct span *lines;
	uint32_t n = conf_lines(a->conf, CONF_MAILBOXES, &lines);
	struct mailbox_match m;
	struct err e;

	return mailbox_find(lines, n, delimiters(a), addr, &m) && mailbox_delivery(m.delivery, kind, arg, &e) == 0 ?
	    m.how : MAILBOX_NONE;
}

bool
aliases_find(const struct aliases *a, struct span addr, struct span *list)
{
	enum mailbox_kind kind;
	struct span arg;
	enum mailbox_how how;

	if (file_has(a, addr, list))
		return true;
	how = box_find(a, addr, &kind, &arg);
	if (how != MAILBOX_EXACT && (file_has_base(a, addr, list) || (how == MAILBOX_ROLE &&
	    file_has_postmaster(a, addr, list))))
		return true;
	if (how == MAILBOX_NONE || kind != MAILBOX_ALIAS)
		return false;
	*list = arg;
	return true;
}

bool
aliases_in_files(const struct aliases *a, struct span addr, struct span *list)
{
	return file_has(a, addr, list) || file_has_base(a, addr, list);
}

bool
aliases_box(const struct aliases *a, struct span addr)
{
	enum mailbox_kind kind;
	struct span arg;

	return box_find(a, addr, &kind, &arg) != MAILBOX_NONE && kind != MAILBOX_ALIAS;
}

/* Its line's key, as mailboxes has it. */
static bool
line_named(struct span line, struct span key)
{
	struct buf one;
	struct err e;
	bool is;

	buf_init(&one, CONF_KEY);
	is = mailbox_keys(line, &one, &e) == 0 && span_eq(buf_view(&one), key);
	buf_free(&one);
	return is;
}

bool
aliases_named(const struct aliases *a, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(a->conf, CONF_MAILBOXES, &lines);
	struct span list;
	struct buf key;
	struct err e;
	bool is = false;

	if (file_has(a, addr, &list))
		return true;
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
aliases_ours(const struct aliases *a, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(a->conf, CONF_LOCALS, &lines);
	struct buf domain;
	struct err e;
	bool ours;

	buf_init(&domain, ADDRESS_MAX_DOMAIN + 1);
	ours = line_key_add(&domain, address_domain(addr), '\0', &e) == 0 &&
	    domains_have(lines, n, span_of(domain.p, domain.n - 1));
	buf_free(&domain);
	return ours;
}
