/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/mailbox.h"

#include <string.h>

#include "lib/confline.h"
#include "lib/cur.h"

/* Text of a setting for a message. */
struct quoted { char s[80]; };

static struct quoted
quote(struct span s)
{
	struct quoted q;

	span_text(s, q.s, sizeof q.s);
	return q;
}

static const char builtin_postmaster[] = "maildir:mail/postmaster";

/* The next octet of a local part without its quoting, in lower case; -1: the end. */
static int
local_octet(struct cur *c)
{
	int o = cur_peek(c);

	while (o == '"') {
		cur_skip(c, 1);
		o = cur_peek(c);
	}
	if (o == '\\' && cur_left(c) > 1)
		cur_skip(c, 1);
	return cur_left(c) == 0 ? -1 : ascii_lower(cur_byte(c));
}

/* "a b"@x is the mailbox a\ b@x in whatever case: RFC 5321 4.1.2, for one's own domains. */
static bool
local_same(struct span a, struct span b)
{
	struct cur ca = cur_of(a), cb = cur_of(b);
	int oa, ob;

	do {
		oa = local_octet(&ca);
		ob = local_octet(&cb);
	} while (oa == ob && oa != -1);
	return oa == ob;
}

/* The domain of an address: after its last "@", for no domain holds one. */
static struct span
addr_domain(struct span addr, struct span *local)
{
	size_t at = span_rfind(addr, '@');

	*local = span_sub(addr, 0, at);
	return span_sub(addr, at + 1, addr.n);
}

/* Splits "ADDRESS DELIVERY"; the address may hold a quoted space. */
static void
mailbox_split(struct span line, struct span *addr, struct span *delivery)
{
	size_t i = 0;
	bool quoted = false;

	for (; i < line.n && (quoted || !ascii_wsp(line.p[i])); i++) {
		if (line.p[i] == '\\' && quoted)
			i++;
		else if (line.p[i] == '"')
			quoted = !quoted;
	}
	*addr = span_sub(line, 0, i);
	*delivery = span_trim(span_sub(line, i, line.n));
}

int
mailbox_find(const struct span *lines, uint32_t n, struct span addr, struct span *delivery)
{
	struct span local, domain = addr_domain(addr, &local);
	bool found = false;

	for (uint32_t i = 0; i < n; i++) {
		struct span a, to, l, d;

		mailbox_split(lines[i], &a, &to);
		d = addr_domain(a, &l);
		if (!span_eqi(d, domain))
			continue;
		if (l.n > 0 && local_same(l, local)) {
			*delivery = to;
			return 1;
		}
		if (l.n == 0 && !found) {
			*delivery = to;
			found = true;
		}
	}
	if (!found && local_same(local, span_str("postmaster"))) {
		*delivery = span_str(builtin_postmaster);
		found = true;
	}
	return found;
}

static bool
path_climbs(struct span path)
{
	while (path.n > 0) {
		struct span part = span_sub(path, 0, span_find(path, '/'));

		if (span_is(part, ".."))
			return true;
		path = span_sub(path, part.n + 1, path.n);
	}
	return false;
}

/* The kinds of delivery by their names in a line; served: does this version deliver so? */
static const struct { const char *name; enum mailbox_kind kind; bool served, path; } kinds[] = {
	{ "maildir:", MAILBOX_MAILDIR, true, true }, { "mbox:", MAILBOX_MBOX, false, true },
	{ "lmtp:", MAILBOX_LMTP, false, false }, { "pipe:", MAILBOX_PIPE, false, false },
	{ "alias:", MAILBOX_ALIAS, false, false },
};

int
mailbox_delivery(struct span text, enum mailbox_kind *kind, struct span *arg, struct err *e)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t n = strlen(kinds[i].name);

		if (!span_is(span_sub(text, 0, n), kinds[i].name) || text.n == n)
			continue;
		if (!kinds[i].served)
			return err_set(e, ERR_PERM, NULL, "expected maildir:PATH: %s is not delivered to "
			    "by this version", kinds[i].name);
		*kind = kinds[i].kind;
		*arg = span_sub(text, n, text.n);
		if (kinds[i].path && path_climbs(*arg))
			return err_set(e, ERR_PERM, NULL, "expected a path without \"..\"");
		return 0;
	}
	return err_set(e, ERR_PERM, NULL, "expected ADDRESS maildir:PATH, not \"%s\"", quote(text).s);
}

int
mailbox_check(struct span line, struct err *e)
{
	struct span addr, to, local, domain, arg;
	enum mailbox_kind kind;

	mailbox_split(line, &addr, &to);
	domain = addr_domain(addr, &local);
	if (local.n == addr.n || !domain_is_one(domain))
		return err_set(e, ERR_PERM, NULL, "expected ADDRESS DELIVERY or @domain DELIVERY, "
		    "not \"%s\"", quote(line).s);
	return mailbox_delivery(to, &kind, &arg, e);
}

int
mailbox_keys(struct span line, struct buf *out, struct err *e)
{
	struct span addr, to, local, domain;
	struct cur c;
	int o;

	mailbox_split(line, &addr, &to);
	domain = addr_domain(addr, &local);
	c = cur_of(local);
	/* ""@x is not all of x */
	if (buf_add_byte(out, local.n == 0 ? '*' : '=', e) == -1)
		return -1;
	while ((o = local_octet(&c)) != -1)
		if (buf_add_byte(out, o, e) == -1)
			return -1;
	return buf_add_byte(out, '@', e) == -1 ? -1 : line_key_add(out, domain, '\0', e);
}
