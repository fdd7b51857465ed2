/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confuser.h"

#include "lib/address.h"

enum { CONFUSER_KEY = 2048 };	/* octets of an address as it is compared, of a login name and a domain */

int
user_keys(struct span line, struct buf *out, struct err *e)
{
	struct span user;

	if (!span_word(&line, &user))
		return 0;
	return buf_add(out, user, e) == -1 ? -1 : buf_add_byte(out, '\0', e);
}

/* The rest of user's line, else of that of "*".  false: there is neither. */
static bool
line_of(const struct span *lines, uint32_t n, struct span user, struct span *rest)
{
	bool found = false;

	for (uint32_t i = 0; i < n; i++) {
		struct span left = lines[i], word;

		if (!span_word(&left, &word))
			continue;
		if (span_eq(word, user)) {
			*rest = left;
			return true;
		}
		if (span_is(word, "*")) {
			*rest = left;
			found = true;
		}
	}
	return found;
}

/* --- senders --- */

/* "*", "@domain", "local@domain". */
static int
sender_item_check(struct span item, struct err *e)
{
	struct span domain = address_domain(item);
	struct err why;
	char bad[60];

	if (span_is(item, "*") || (address_ascii(domain) && (domain.n + 1 == item.n ? address_is_domain(domain) :
	    address_check_utf8(item, &why) == 0)))
		return 0;
	span_text(item, bad, sizeof bad);
	return err_set(e, ERR_PERM, NULL, "expected ADDRESS, @domain or *, the domain in A-labels, not \"%s\"", bad);
}

int
senders_check(struct span line, struct err *e)
{
	struct span user, item;
	bool any = false;

	if (!span_word(&line, &user))
		return err_set(e, ERR_PERM, NULL, "expected a user, or *");
	for (; span_word(&line, &item); any = true)
		if (sender_item_check(item, e) == -1)
			return -1;
	return any ? 0 : err_set(e, ERR_PERM, NULL, "expected ADDRESS, @domain or * after the user");
}

/* key: of the address. */
static int
sender_item_fits(struct span item, struct span key, bool *yes, struct err *e)
{
	struct buf own;
	int r;

	if (span_is(item, "*")) {
		*yes = true;
		return 0;
	}
	buf_init(&own, CONFUSER_KEY);
	if ((r = address_key(item, &own, e)) == 0)
		*yes = span_eq(item.p[0] == '@' ? address_domain(buf_view(&own)) : buf_view(&own),
		    item.p[0] == '@' ? address_domain(key) : key);
	buf_free(&own);
	return r;
}

/* Who has no line: as itself. */
static int
sender_default(const struct conf *c, struct span user, struct span key, bool *yes, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_LOCALS, &lines);
	struct buf own;
	int r;

	if (span_find(user, '@') < user.n)
		return sender_item_fits(user, key, yes, e);
	if (!domains_have(lines, n, address_domain(key)))
		return 0;
	buf_init(&own, CONFUSER_KEY);
	if ((r = buf_add(&own, user, e)) == 0 && (r = buf_add_byte(&own, '@', e)) == 0 &&
	    (r = buf_add(&own, address_domain(key), e)) == 0)
		r = sender_item_fits(buf_view(&own), key, yes, e);
	buf_free(&own);
	return r;
}

int
senders_allow(const struct conf *c, const char *user, struct span addr, bool *yes, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_SENDERS, &lines);
	struct span rest, item;
	struct buf key;
	int r;

	*yes = false;
	buf_init(&key, CONFUSER_KEY);
	r = address_key(addr, &key, e);
	if (r == 0 && !line_of(lines, n, span_str(user), &rest))
		r = sender_default(c, span_str(user), buf_view(&key), yes, e);
	else
		while (r == 0 && !*yes && span_word(&rest, &item))
			r = sender_item_fits(item, buf_view(&key), yes, e);
	buf_free(&key);
	return r;
}

/* --- userrate --- */

static bool
userrate_put(struct span word, struct userrate *out)
{
	size_t eq = span_find(word, '=');
	struct span name = span_sub(word, 0, eq), value = span_sub(word, eq + 1, word.n);

	if (span_is(name, "messages"))
		return rate_parse(value, &out->messages, &out->messages_s);
	return span_is(name, "recipients") && rate_parse(value, &out->recipients, &out->recipients_s);
}

int
userrate_check(struct span line, struct err *e)
{
	struct userrate got = { 0 };
	struct span user, word;
	bool any = false;

	if (!span_word(&line, &user))
		return err_set(e, ERR_PERM, NULL, "expected a user, or *");
	for (; span_word(&line, &word); any = true)
		if (!userrate_put(word, &got))
			return err_set(e, ERR_PERM, NULL,
			    "expected messages=N/s, N/m, N/h or N/d, or recipients= with such a rate");
	return any ? 0 : err_set(e, ERR_PERM, NULL, "expected messages= or recipients= after the user");
}

void
userrate_find(const struct span *lines, uint32_t n, struct span user, struct userrate *out)
{
	struct span rest, word;

	*out = (struct userrate){ 0 };
	if (line_of(lines, n, user, &rest))
		while (span_word(&rest, &word))
			(void)userrate_put(word, out);
}

/* --- conpermfor --- */

struct permission { struct span user; struct network net; bool is_user; struct span convert; };

static const char who_is[] = "expected NETWORK or user:NAME, and any, none or an expression";

static int
permission_parse(struct span line, struct permission *p, struct err *e)
{
	static const char prefix[] = "user:";
	struct span who;

	*p = (struct permission){ .is_user = false };
	if (!span_word(&line, &who))
		return err_set(e, ERR_PERM, NULL, "%s", who_is);
	p->is_user = who.n >= sizeof prefix && memcmp(who.p, prefix, sizeof prefix - 1) == 0;
	if (p->is_user)
		p->user = span_sub(who, sizeof prefix - 1, who.n);
	else if (network_parse(who, &p->net, e) == -1)
		return -1;
	p->convert = span_trim(line);
	if (span_isi(p->convert, "any"))
		p->convert = span_str("ANY");
	else if (span_isi(p->convert, "none"))
		p->convert = span_str("NONE");
	return p->convert.n > 0 ? 0 : err_set(e, ERR_PERM, NULL, "%s", who_is);
}

int
conpermfor_check(struct span line, struct err *e)
{
	struct permission p;

	if (permission_parse(line, &p, e) == -1)
		return -1;
	return p.convert.p[0] == '(' || span_is(p.convert, "ANY") || span_is(p.convert, "NONE") ? 0 :
	    err_set(e, ERR_PERM, NULL, "%s", who_is);
}

struct span
conpermfor_expression(struct span line)
{
	struct permission p;
	struct err ignored;

	return permission_parse(line, &p, &ignored) == 0 && p.convert.p[0] == '(' ? p.convert : span_of(NULL, 0);
}

int
conpermfor_keys(struct span line, struct buf *out, struct err *e)
{
	struct span who;

	return span_word(&line, &who) ? line_key_add(out, who, '\0', e) : 0;
}

bool
conpermfor_find(const struct span *lines, uint32_t n, const struct netaddr *client, const char *user,
    struct span *convert)
{
	unsigned best = 0;
	struct err ignored;

	for (uint32_t i = 0; i < n; i++) {
		struct permission p;
		unsigned rank;

		if (permission_parse(lines[i], &p, &ignored) == -1)
			continue;
		if (p.is_user)
			rank = *user != '\0' && span_is(p.user, user) ? 1000 : 0;
		else
			rank = network_has(&p.net, client) ? p.net.bits + 1 : 0;
		if (rank > best) {
			best = rank;
			*convert = p.convert;
		}
	}
	return best > 0;
}
