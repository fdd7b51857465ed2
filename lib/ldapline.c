/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/ldapline.h"

#include <stdio.h>

#include "lib/confline.h"
#include "lib/cur.h"
#include "lib/recipients.h"

enum { PORT_LDAP = 389, PORT_LDAPS = 636 };

static const char default_filter[] = "(mail=%s)";

static int
hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ?
	    c - 'A' + 10 : -1;
}

/* Percent-encoding undone; no control octets, and all of it fits. */
static bool
decode(struct span s, char *out, size_t cap)
{
	struct cur c = cur_of(s);
	size_t n = 0;

	while (cur_left(&c) > 0) {
		int o = cur_byte(&c);

		if (o == '%') {
			int hi = hex(cur_byte(&c)), lo = hex(cur_byte(&c));

			o = hi < 0 || lo < 0 ? 0 : hi * 16 + lo;
		}
		if (c.bad || o < 0x20 || o == 0x7f || n + 1 >= cap)
			return false;
		out[n++] = (char)o;
	}
	out[n] = '\0';
	return true;
}

static bool
host_parse(struct span host, char out[LDAPLINE_HOST])
{
	struct netaddr a;
	struct err ignored;

	if (host.n == 0 || host.n >= LDAPLINE_HOST)
		return false;
	if (netaddr_parse(host, &a, &ignored) == 0) {
		netaddr_print(&a, out, LDAPLINE_HOST);
		return host.p[0] == '[' || span_find(host, ':') == host.n;
	}
	if (hostname_check(host, &ignored) == -1)
		return false;
	for (size_t i = 0; i < host.n; i++)
		out[i] = (char)ascii_lower(host.p[i]);
	out[host.n] = '\0';
	return true;
}

static bool
url_parse(struct span url, struct ldap_server *out)
{
	static const char plain[] = "ldap://", tls[] = "ldaps://";
	struct span rest, host, base;
	uint64_t port = 0;
	size_t end, colon;

	out->tls = span_isi(span_sub(url, 0, sizeof tls - 1), tls);
	if (!out->tls && !span_isi(span_sub(url, 0, sizeof plain - 1), plain))
		return false;
	rest = span_sub(url, out->tls ? sizeof tls - 1 : sizeof plain - 1, url.n);
	end = span_find(rest, '/');
	host = span_sub(rest, 0, end);
	base = span_sub(rest, end + 1, rest.n);
	colon = span_rfind(host, ':');
	if (colon < host.n && (host.p[0] != '[' || host.p[colon - 1] == ']')) {
		if (!span_u64(span_sub(host, colon + 1, host.n), 65535, &port) || port == 0)
			return false;
		host = span_sub(host, 0, colon);
	}
	out->port = port != 0 ? (uint16_t)port : out->tls ? PORT_LDAPS : PORT_LDAP;
	return host_parse(host, out->host) && span_find(base, '?') == base.n && decode(base, out->base, LDAPLINE_DN);
}

/* Balanced, one whole filter, and "%" means something. */
static bool
filter_ok(struct span f)
{
	int depth = 0;
	bool asks = false;

	for (size_t i = 0; i < f.n; i++) {
		depth += f.p[i] == '(' ? 1 : f.p[i] == ')' ? -1 : 0;
		if (depth <= 0 && i + 1 < f.n)
			return false;
		if (f.p[i] == '%') {
			if (i + 1 == f.n || (f.p[i + 1] != 's' && f.p[i + 1] != '%'))
				return false;
			i++;
			asks = asks || f.p[i] == 's';
		}
	}
	return f.n > 0 && f.p[0] == '(' && depth == 0 && asks;
}

/* Seconds from 1. */
static bool
seconds(struct span s, uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (!span_u64(s, max, &v) || v == 0)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
option_parse(struct span name, struct span value, struct ldap_line *l)
{
	if (span_is(name, "starttls") && value.p == NULL)
		return l->starttls = true;
	if (value.n == 0)
		return false;
	if (span_is(name, "ca"))
		l->ca = value;
	else if (span_is(name, "password"))
		l->password = value;
	else if (span_is(name, "filter"))
		return l->filter = value, filter_ok(value);
	else if (span_is(name, "binddn"))
		return decode(value, l->binddn, sizeof l->binddn);
	else if (span_is(name, "timeout"))
		return seconds(value, 60, &l->timeout_s);
	else if (span_is(name, "cache"))
		return seconds(value, 86400, &l->cache_s);
	else if (span_is(name, "negative"))
		return seconds(value, 86400, &l->negative_s);
	else
		return false;
	return true;
}

/* A password goes in clear text to nobody but this machine. */
static bool
is_here(const struct ldap_server *s)
{
	static const char mapped[] = "127.";

	return strcmp(s->host, "localhost") == 0 || strcmp(s->host, "::1") == 0 ||
	    strncmp(s->host, mapped, sizeof mapped - 1) == 0;
}

static int
line_judge(const struct ldap_line *l, struct err *e)
{
	if (l->nserver == 0)
		return err_set(e, ERR_PERM, NULL, "expected ldap:ldap://HOST[:PORT]/BASE or ldap:ldaps://HOST[:PORT]/BASE, "
		    "and no more than two of these");
	if ((l->binddn[0] == '\0') != (l->password.n == 0))
		return err_set(e, ERR_PERM, NULL, "expected binddn=DN and password=FILE together");
	for (uint32_t i = 0; i < l->nserver; i++)
		if (l->password.n > 0 && !l->starttls && !l->server[i].tls && !is_here(&l->server[i]))
			return err_set(e, ERR_PERM, NULL, "expected ldaps or starttls, for a password");
	return 0;
}

int
ldapline_parse(struct span text, struct ldap_line *out, struct err *e)
{
	static const char kind[] = "ldap:";
	struct span rest = span_sub(text, sizeof kind - 1, text.n), word;
	char shown[60];

	*out = (struct ldap_line){ .filter = span_str(default_filter), .timeout_s = 2, .cache_s = 300, .negative_s = 60 };
	if (!span_is(span_sub(text, 0, sizeof kind - 1), kind) || rest.n == 0 || ascii_wsp(rest.p[0]))
		return line_judge(out, e);
	while (span_word(&rest, &word)) {
		size_t eq = span_find(word, '=');

		if (out->nserver < LDAPLINE_SERVERS && url_parse(word, &out->server[out->nserver])) {
			out->nserver++;
			continue;
		}
		if (out->nserver > 0 && option_parse(span_sub(word, 0, eq),
		    eq < word.n ? span_sub(word, eq + 1, word.n) : span_of(NULL, 0), out))
			continue;
		if (out->nserver == 0 || span_find(word, '/') < eq) {
			out->nserver = 0;
			break;
		}
		span_text(word, shown, sizeof shown);
		return err_set(e, ERR_PERM, NULL, "expected starttls, ca=FILE, binddn=DN, password=FILE, filter=(...%%s...), "
		    "timeout=SECONDS (1 to 60), cache=SECONDS or negative=SECONDS, not \"%s\"", shown);
	}
	return line_judge(out, e);
}

bool
ldapline_has_tls(const struct ldap_line *l)
{
	bool tls = l->starttls;

	for (uint32_t i = 0; i < l->nserver; i++)
		tls = tls || l->server[i].tls;
	return tls;
}

/* RFC 4515, 3: NUL, "(", ")", "*" and "\" have to be escaped, and what is beyond ASCII may be. */
static int
add_escaped(struct span s, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < s.n; i++) {
		int o = s.p[i];
		bool plain = o > 0x20 && o < 0x7f && strchr("()*\\", o) == NULL;

		if ((plain ? buf_add_byte(out, o, e) : buf_addf(out, e, "\\%02x", o)) == -1)
			return -1;
	}
	return 0;
}

int
ldapline_filter(const struct ldap_line *l, struct span addr, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < l->filter.n; i++) {
		int o = l->filter.p[i];
		bool escape = o == '%' && i + 1 < l->filter.n;

		if (escape)
			o = l->filter.p[++i];
		if ((escape && o == 's' ? add_escaped(addr, out, e) : buf_add_byte(out, o, e)) == -1)
			return -1;
	}
	return 0;
}

static int
add_once(struct span text, struct span out[LDAPLINE_MAX], int *n, struct err *e)
{
	for (int i = 0; i < *n; i++)
		if (span_eq(out[i], text))
			return 0;
	if (*n == LDAPLINE_MAX)
		return err_set(e, ERR_PERM, NULL, "expected at most %d directories in capsources and recipients together",
		    LDAPLINE_MAX);
	out[(*n)++] = text;
	return 0;
}

int
ldaplines_of(const struct conf *c, struct span out[LDAPLINE_MAX], struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_CAPSOURCES, &lines);
	struct recipients_line r;
	struct capsource s;
	int found = 0;

	for (uint32_t i = 0; i < n; i++)
		if (capsource_parse(lines[i], &s, e) == 0 && s.source == SOURCE_LDAP &&
		    add_once(lines[i], out, &found, e) == -1)
			return -1;
	n = conf_lines(c, CONF_RECIPIENTS, &lines);
	for (uint32_t i = 0; i < n; i++)
		if (recipients_parse(lines[i], &r, e) == 0 && r.source == RECIPIENTS_LDAP &&
		    add_once(r.arg, out, &found, e) == -1)
			return -1;
	return found;
}

void
ldapline_name(struct span text, unsigned char name[SHA256_DIGEST])
{
	sha256(text, name);
}
