/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/mailbox.h"

#include <string.h>

#include "lib/alias.h"
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

static bool
is_delimiter(const char *delimiters, int o)
{
	return o > 0 && strchr(delimiters, o) != NULL;
}

/*
 * Is base what local has before a delimiter?  Octets of base, unquoted, or 0; *ext: what is behind the delimiter,
 * still as it is quoted.
 */
static size_t
local_extends(struct span base, struct span local, const char *delimiters, struct span *ext)
{
	struct cur b = cur_of(base), l = cur_of(local);
	size_t n = 0;
	int ob = local_octet(&b), ol = local_octet(&l);

	for (; ob != -1 && ob == ol; n++) {
		ob = local_octet(&b);
		ol = local_octet(&l);
	}
	if (n == 0 || ob != -1 || !is_delimiter(delimiters, ol))
		return 0;
	*ext = span_of(l.p, cur_left(&l));
	return n;
}

/* Unquoted, in the case that it came in; cut to its place. */
static void
ext_take(struct span ext, char out[MAILBOX_EXT])
{
	size_t n = 0;

	for (size_t i = 0; i < ext.n && n + 1 < MAILBOX_EXT; i++) {
		if (ext.p[i] == '"')
			continue;
		i += ext.p[i] == '\\' && i + 1 < ext.n;
		out[n++] = (char)ext.p[i];
	}
	out[n] = '\0';
}

bool
mailbox_is_postmaster(struct span addr)
{
	struct span local;

	(void)addr_domain(addr, &local);
	return local_same(local, span_str("postmaster"));
}

bool
mailbox_is_role(struct span addr)
{
	static const char *const names[] = { "abuse", "noc", "security" };
	struct span local;

	(void)addr_domain(addr, &local);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (local_same(local, span_str(names[i])))
			return true;
	return mailbox_is_postmaster(addr);
}

/* Where a role's mail goes that has no line: to its domain's postmaster, who may have one. */
static struct span
role_delivery(const struct span *lines, uint32_t n, struct span domain)
{
	for (uint32_t i = 0; i < n; i++) {
		struct span a, to, l, d;

		mailbox_split(lines[i], &a, &to);
		d = addr_domain(a, &l);
		if (l.n > 0 && span_eqi(d, domain) && local_same(l, span_str("postmaster")))
			return to;
	}
	return span_str(builtin_postmaster);
}

bool
mailbox_find(const struct span *lines, uint32_t n, const char *delimiters, struct span addr,
    struct mailbox_match *out)
{
	struct span local, ext, domain = addr_domain(addr, &local);
	size_t best = 0, len;

	*out = (struct mailbox_match){ .how = MAILBOX_NONE };
	for (uint32_t i = 0; i < n; i++) {
		struct span a, to, l, d;

		mailbox_split(lines[i], &a, &to);
		d = addr_domain(a, &l);
		if (!span_eqi(d, domain))
			continue;
		if (l.n > 0 && local_same(l, local)) {
			*out = (struct mailbox_match){ .how = MAILBOX_EXACT, .delivery = to };
			return true;
		}
		if (l.n > 0 && (len = local_extends(l, local, delimiters, &ext)) > best) {
			best = len;
			out->how = MAILBOX_EXTENDED;
			out->delivery = to;
			ext_take(ext, out->ext);
		}
		if (l.n == 0 && out->how == MAILBOX_NONE) {
			out->how = MAILBOX_REST;
			out->delivery = to;
		}
	}
	if (out->how == MAILBOX_NONE && mailbox_is_role(addr)) {
		out->how = MAILBOX_ROLE;
		out->delivery = role_delivery(lines, n, domain);
	}
	return out->how != MAILBOX_NONE;
}

int
mailbox_base(struct span addr, const char *delimiters, size_t *at, struct buf *out, struct err *e)
{
	struct span local, domain = addr_domain(addr, &local);
	size_t i = *at < local.n ? *at : local.n;
	bool quoted = local.n > 0 && local.p[0] == '"';

	while (i > 1 + (size_t)quoted && !is_delimiter(delimiters, local.p[i - 1]))
		i--;
	if (i <= 1 + (size_t)quoted)
		return 0;
	*at = --i;
	if (local.p[i - 1] == '\\')		/* the delimiter's own */
		i--;
	if (buf_add(out, span_sub(local, 0, i), e) == -1 || (quoted && buf_add_byte(out, '"', e) == -1) ||
	    buf_add_byte(out, '@', e) == -1 || buf_add(out, domain, e) == -1)
		return -1;
	return 1;
}

const char *
delimiters_of(const char *setting)
{
	return strcmp(setting, "none") == 0 ? "" : setting;
}

int
delimiter_check(struct span line, struct err *e)
{
	for (size_t i = 0; !span_is(line, "none") && i < line.n; i++)
		if (strchr("+-=_.~!#$%&'*/?^`{|}", line.p[i]) == NULL)
			return err_set(e, ERR_PERM, NULL, "expected characters that separate a user's name from an "
			    "extension, such as + or +-; or none, not \"%s\"", quote(line).s);
	return 0;
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
	{ "maildir:", MAILBOX_MAILDIR, true, true }, { "mbox:", MAILBOX_MBOX, true, true },
	{ "lmtp:", MAILBOX_LMTP, true, false }, { "pipe:", MAILBOX_PIPE, true, false },
	{ "alias:", MAILBOX_ALIAS, true, false },
};

int
mailbox_lmtp(struct span arg, struct netaddr *tcp, struct err *e)
{
	size_t colon = span_rfind(arg, ':');
	struct span host = span_sub(arg, 0, colon);
	struct err ignored;
	uint64_t port;

	if (span_find(arg, '/') < arg.n && span_find(arg, '\0') == arg.n) {
		if (arg.n >= MAILBOX_SOCKET)
			return err_set(e, ERR_PERM, NULL, "expected a socket's path of less than %d octets",
			    MAILBOX_SOCKET);
		return 0;
	}
	if (host.n > 0 && (span_find(host, ':') == host.n || host.p[0] == '[') &&
	    netaddr_parse(host, tcp, &ignored) == 0 && span_u64(span_sub(arg, colon + 1, arg.n), 65535, &port) &&
	    port > 0) {
		tcp->port = (uint16_t)port;
		return 1;
	}
	return err_set(e, ERR_PERM, NULL, "expected lmtp:PATH of a socket, with a \"/\", or lmtp:ADDR:PORT such as "
	    "lmtp:127.0.0.1:24, not \"%s\"", quote(arg).s);
}

int
mailbox_pipe(struct span arg, struct span *user, struct span *command, struct err *e)
{
	size_t colon = span_find(arg, ':');
	bool name = colon > 0 && arg.p[0] != '-' && colon < MAILBOX_USER;

	*user = span_sub(arg, 0, colon);
	*command = span_trim(span_sub(arg, colon + 1, arg.n));
	for (size_t i = 0; i < user->n; i++)
		name &= ascii_alpha(user->p[i]) || ascii_digit(user->p[i]) || strchr("._-", user->p[i]) != NULL;
	if (!name || span_is(*user, "root") || command->n == 0 || span_find(*command, '\0') < command->n)
		return err_set(e, ERR_PERM, NULL, "expected pipe:USER:COMMAND, USER another than root, not \"%s\"",
		    quote(arg).s);
	return 0;
}

enum mailbox_kind
mailbox_line_kind(struct span line)
{
	struct span addr, to, arg;
	enum mailbox_kind kind;
	struct err ignored;

	mailbox_split(line, &addr, &to);
	return mailbox_delivery(to, &kind, &arg, &ignored) == 0 ? kind : MAILBOX_MAILDIR;
}

int
mailbox_delivery(struct span text, enum mailbox_kind *kind, struct span *arg, struct err *e)
{
	struct span user, command;
	struct netaddr tcp;

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
		return (*kind == MAILBOX_LMTP && mailbox_lmtp(*arg, &tcp, e) == -1) ||
		    (*kind == MAILBOX_PIPE && mailbox_pipe(*arg, &user, &command, e) == -1) ||
		    (*kind == MAILBOX_ALIAS && alias_check(*arg, true, e) == -1) ? -1 : 0;
	}
	return err_set(e, ERR_PERM, NULL, "expected ADDRESS and maildir:PATH, mbox:PATH, lmtp:SERVER, pipe:USER:COMMAND "
	    "or alias:ADDRESS, not \"%s\"", quote(text).s);
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
