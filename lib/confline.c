/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confline.h"

#include <stdio.h>

#include "lib/ldapline.h"

enum { HOST_MAX = 253, LABEL_MAX = 63, PORT_SMTP = 25, PORT_DNS = 53 };

/* Text of a setting for a message. */
struct quoted { char s[80]; };

static struct quoted
quote(struct span s)
{
	struct quoted q;

	span_text(s, q.s, sizeof q.s);
	return q;
}

int
line_key_add(struct buf *out, struct span s, int end, struct err *e)
{
	for (size_t i = 0; i < s.n; i++)
		if (buf_add_byte(out, ascii_lower(s.p[i]), e) == -1)
			return -1;
	return buf_add_byte(out, end, e);
}

/* --- names --- */

static bool
label_octet(int c)
{
	return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_';
}

static bool
is_hostname(struct span s)
{
	size_t label = 0;

	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && label > 0)
			label = 0;
		else if (!label_octet(s.p[i]) || ++label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

int
hostname_check(struct span line, struct err *e)
{
	if (!is_hostname(line))
		return err_set(e, ERR_PERM, NULL, "expected a host's name such as mail.example.com, "
		    "not \"%s\"", quote(line).s);
	return 0;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]": RFC 5321 4.1.3 */
static bool
is_literal(struct span s)
{
	struct netaddr a;
	struct err ignored;
	struct span in = span_sub(s, 1, s.n - (s.n > 0));

	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	if (span_isi(span_sub(in, 0, 5), "IPv6:"))
		in = span_sub(in, 5, in.n);
	return in.p[0] != '[' && netaddr_parse(in, &a, &ignored) == 0;
}

/* "example.com", ".example.com", "[192.0.2.1]". */
static bool
is_domain_pattern(struct span s)
{
	if (is_literal(s))
		return true;
	return is_hostname(s.n > 0 && s.p[0] == '.' ? span_sub(s, 1, s.n) : s);
}

bool
domain_is_one(struct span s)
{
	return is_hostname(s) || is_literal(s);
}

int
domain_line_check(struct span line, struct err *e)
{
	if (!is_domain_pattern(line))
		return err_set(e, ERR_PERM, NULL, "expected a domain such as example.com or "
		    ".example.com, not \"%s\"", quote(line).s);
	return 0;
}

unsigned
domain_rank(struct span pattern, struct span domain)
{
	if (pattern.n == 0 || span_is(pattern, "*"))
		return 1;
	if (span_eqi(pattern, domain))
		return DOMAIN_EXACT;
	if (pattern.p[0] == '.' && pattern.n < domain.n &&
	    span_eqi(pattern, span_sub(domain, domain.n - pattern.n, domain.n)))
		return 1 + (unsigned)(pattern.n < HOST_MAX + 1 ? pattern.n : HOST_MAX + 1);
	return 0;
}

bool
domains_have(const struct span *lines, uint32_t n, struct span domain)
{
	for (uint32_t i = 0; i < n; i++)
		if (domain_rank(lines[i], domain) > 1)
			return true;
	return false;
}

/* --- listeners --- */

static bool
is_port(struct span s, uint16_t *out)
{
	uint64_t v;

	if (!span_u64(s, 65535, &v) || v == 0)
		return false;
	*out = (uint16_t)v;
	return true;
}

static int
listener_option(struct span word, struct listener *out, bool first, struct err *e)
{
	static const char *const roles[] = { "mx", "submission", "submissions", "lmtp" };
	static const char sessions[] = "sessions=";
	uint64_t n;

	for (size_t i = 0; first && i < sizeof roles / sizeof *roles; i++)
		if (span_is(word, roles[i])) {
			out->role = (uint8_t)i;
			out->tls = i == LISTEN_SUBMISSIONS;	/* RFC 8314, 3.3 */
			out->auth = listener_submits(out);
			return 0;
		}
	if (span_is(word, "norelay")) {
		out->norelay = true;
	} else if (span_is(word, "noconperm")) {
		out->noconperm = true;
	} else if (span_is(word, "noconneg")) {
		out->noconneg = true;
	} else if (span_is(word, "nodrucof")) {
		out->nodrucof = true;
	} else if (span_is(word, "nosmtputf8")) {
		out->nosmtputf8 = true;
	} else if (span_is(word, "probeonly")) {
		out->probeonly = true;
	} else if (span_is(word, "tls")) {
		out->tls = true;
	} else if (span_is(word, "notls")) {
		out->notls = true;
	} else if (span_is(word, "connegtls")) {
		out->connegtls = true;
	} else if (span_is(word, "connegauth")) {
		out->connegauth = true;
	} else if (span_is(word, "auth")) {
		out->auth = true;
	} else if (span_is(span_sub(word, 0, sizeof sessions - 1), sessions)) {
		if (!span_u64(span_sub(word, sizeof sessions - 1, word.n), 1000000, &n) || n == 0)
			return err_set(e, ERR_PERM, NULL, "expected sessions=N with N from 1 to 1000000");
		out->sessions = (uint32_t)n;
	} else {
		return err_set(e, ERR_PERM, NULL, "expected %snorelay, noconperm, noconneg, "
		    "nodrucof, nosmtputf8, probeonly, tls, notls, connegtls, connegauth, auth or sessions=N, not \"%s\"",
		    first ? "a role (mx, submission, submissions, lmtp), " : "", quote(word).s);
	}
	return 0;
}

int
listener_parse(struct span line, struct listener *out, struct err *e)
{
	struct span rest = line, word, host;
	bool first = true;

	*out = (struct listener){ .role = LISTEN_MX };
	span_word(&rest, &word);
	host = span_sub(word, 0, span_rfind(word, ':'));
	/* an IPv6 address needs its brackets here, or its end would be read as the port */
	if (span_find(host, ':') < host.n && host.p[0] != '[')
		host.n = 0;
	if (host.n == 0 || netaddr_parse(host, &out->addr, e) == -1 ||
	    !is_port(span_sub(word, host.n + 1, word.n), &out->addr.port))
		return err_set(e, ERR_PERM, NULL, "expected ADDR:PORT such as 0.0.0.0:25 or [::]:25, "
		    "not \"%s\"", quote(word).s);
	for (; span_word(&rest, &word); first = false)
		if (listener_option(word, out, first, e) == -1)
			return -1;
	if (out->probeonly && out->noconneg)
		return err_set(e, ERR_PERM, NULL, "expected probeonly without noconneg: nothing would be "
		    "answered");
	if (out->notls && (out->tls || out->connegtls || out->auth))
		return err_set(e, ERR_PERM, NULL, "expected notls without %s", out->tls ? "tls" : out->connegtls ?
		    "connegtls" : "auth, which is under TLS alone");
	if (out->connegauth && !out->auth)
		return err_set(e, ERR_PERM, NULL, "expected connegauth with auth: nobody could log in");
	return 0;
}

bool
listener_submits(const struct listener *l)
{
	return l->role == LISTEN_SUBMISSION || l->role == LISTEN_SUBMISSIONS;
}

int
listener_check(struct span line, struct err *e)
{
	struct listener l;

	if (listener_parse(line, &l, e) == -1)
		return -1;
	if (l.role == LISTEN_LMTP)
		return err_set(e, ERR_PERM, NULL, "expected the role mx, submission or submissions: lmtp is not served by "
		    "this version");
	return 0;
}

int
listener_keys(struct span line, struct buf *out, struct err *e)
{
	struct listener l;
	char addr[64];

	if (listener_parse(line, &l, e) == -1)
		return -1;
	netaddr_print(&l.addr, addr, sizeof addr);
	return buf_addf(out, e, "%s %u%c", addr, l.addr.port, '\0');
}

int
nameserver_parse(struct span line, struct netaddr *out, struct err *e)
{
	size_t at = span_find(line, '@');
	uint16_t port = PORT_DNS;

	if (netaddr_parse(span_sub(line, 0, at), out, e) == -1)
		return -1;
	if (at < line.n && !is_port(span_sub(line, at + 1, line.n), &port))
		return err_set(e, ERR_PERM, NULL, "expected ADDR or ADDR@PORT, not \"%s\"",
		    quote(line).s);
	out->port = port;
	return 0;
}

int
anchor_parse(struct span line, struct anchor *out, struct err *e)
{
	struct span rest = line, word, name, before;
	unsigned n = 0;

	if (span_word(&rest, &out->name)) {
		name = out->name;
		if (name.n > 1 && name.p[name.n - 1] == '.')
			name.n--;
		while (before = rest, span_word(&rest, &word)) {
			if (span_isi(word, "DS") || span_isi(word, "DNSKEY"))
				break;
			if (!span_isi(word, "IN") && !ascii_digit(word.p[0]))
				return err_set(e, ERR_PERM, NULL, "expected NAME DS … or NAME DNSKEY …");
		}
		out->data = span_trim(before);
		while (span_word(&rest, &word))
			n++;
		if (n >= 4 && (span_is(name, ".") || is_hostname(name)))
			return 0;
	}
	return err_set(e, ERR_PERM, NULL, "expected NAME DS TAG ALGORITHM DIGEST-TYPE DIGEST or NAME "
	    "DNSKEY FLAGS 3 ALGORITHM KEY, not \"%s\"", quote(line).s);
}

/* --- routes --- */

struct route { struct span domain, host; uint16_t port; };

/* Up to ':' or the end, but not a colon inside brackets; *c is behind the colon then. */
static struct span
route_field(struct span *rest)
{
	size_t end = rest->n > 0 && rest->p[0] == '[' ? span_find(*rest, ']') : 0;
	struct span out;

	end += span_find(span_sub(*rest, end, rest->n), ':');
	out = span_sub(*rest, 0, end);
	*rest = span_sub(*rest, end + 1, rest->n);
	return out;
}

static int
route_parse(struct span line, struct route *out, struct err *e)
{
	struct span rest = line, port;
	struct netaddr a;
	bool host_ok;

	out->domain = route_field(&rest);
	out->host = route_field(&rest);
	port = rest;
	out->port = PORT_SMTP;
	host_ok = out->host.n == 0 ? port.n == 0 : out->host.p[0] != '[' ? is_hostname(out->host) :
	    netaddr_parse(out->host, &a, e) == 0;
	if (out->domain.n == line.n || !host_ok || (port.n > 0 && !is_port(port, &out->port)) ||
	    (out->domain.n > 0 && !is_domain_pattern(out->domain)))
		return err_set(e, ERR_PERM, NULL, "expected domain:host:port, with a name, [1.2.3.4] or "
		    "[::1] as host, not \"%s\"", quote(line).s);
	return 0;
}

int
route_check(struct span line, struct err *e)
{
	struct route r;

	return route_parse(line, &r, e);
}

int
route_keys(struct span line, struct buf *out, struct err *e)
{
	struct route r;

	return route_parse(line, &r, e) == -1 ? -1 : line_key_add(out, r.domain, '\0', e);
}

int
route_find(const struct span *lines, uint32_t n, struct span domain, char out[JOB_DEST])
{
	char text[JOB_DEST];
	struct route r, best = { 0 };
	unsigned best_rank = 0;
	struct err ignored;

	for (uint32_t i = 0; i < n; i++) {
		unsigned rank;

		if (route_parse(lines[i], &r, &ignored) == -1)
			continue;
		rank = domain_rank(r.domain, domain);
		if (rank > best_rank) {		/* of two equals the first, as qmail */
			best_rank = rank;
			best = r;
		}
	}
	if (best.host.n == 0)
		return 0;
	snprintf(text, sizeof text, "%.*s:%u", (int)best.host.n, (const char *)best.host.p, best.port);
	hop_name(span_str(text), out);
	return 1;
}

int
route_addr(const char *dest, struct netaddr *out)
{
	struct span s = span_str(dest), host = span_sub(s, 0, span_rfind(s, ':'));
	struct err ignored;
	uint16_t port;

	if (host.n == s.n || !is_port(span_sub(s, host.n + 1, s.n), &port))
		return -1;
	if (span_find(host, ':') < host.n && host.p[0] != '[')
		return -1;
	if (netaddr_parse(host, out, &ignored) == 0) {
		out->port = port;
		return 1;
	}
	return is_hostname(host) ? 0 : -1;
}

/* --- capability sources --- */

static const struct { const char *name; enum cap_source source; bool file; } capsources[] = {
	{ "none", SOURCE_NONE, false }, { "cdb", SOURCE_CDB, true }, { "own", SOURCE_OWN, false },
	{ "ldap", SOURCE_LDAP, true },
	{ "learned", SOURCE_LEARNED, false }, { "probe", SOURCE_PROBE, false },
};
enum { NCAPSOURCE = sizeof capsources / sizeof *capsources };

int
capsource_parse(struct span line, struct capsource *out, struct err *e)
{
	size_t colon = span_find(line, ':');
	struct ldap_line l;

	*out = (struct capsource){ .file = span_sub(line, colon + 1, line.n) };
	if (span_is(span_sub(line, 0, colon), "ldap")) {
		out->source = SOURCE_LDAP;
		return ldapline_parse(line, &l, e);
	}
	for (int i = 1; i < NCAPSOURCE; i++)
		if (span_is(span_sub(line, 0, colon), capsources[i].name) &&
		    capsources[i].file == (out->file.n > 0) && capsources[i].file == (colon < line.n)) {
			out->source = capsources[i].source;
			return 0;
		}
	return err_set(e, ERR_PERM, NULL, "expected cdb:FILE, own, ldap:URL, learned or probe, not \"%s\"", quote(line).s);
}

int
capsource_check(struct span line, struct err *e)
{
	struct capsource s;

	return capsource_parse(line, &s, e);
}

int
capsource_keys(struct span line, struct buf *out, struct err *e)
{
	return line_key_add(out, span_sub(line, 0, span_find(line, ':')), '\0', e);
}

bool
capsources_have(const struct span *lines, uint32_t n, enum cap_source source)
{
	for (uint32_t i = 0; i < n; i++) {
		struct capsource s;
		struct err e;

		if (capsource_parse(lines[i], &s, &e) == 0 && s.source == source)
			return true;
	}
	return false;
}

const char *
capsource_name(enum cap_source source)
{
	for (int i = 0; i < NCAPSOURCE; i++)
		if (capsources[i].source == source)
			return capsources[i].name;
	return "?";
}
