/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/tlspolicy.h"

#include <stdio.h>

static int
hex_digit(int c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
tlspolicy_print(struct span *rest, unsigned char out[TLS_PRINT])
{
	struct span one = span_sub(*rest, 0, span_find(*rest, ','));
	size_t at = 0;

	for (size_t i = 0; i < TLS_PRINT; i++) {
		int high, low;

		if (i > 0 && at < one.n && one.p[at] == ':')
			at++;
		if (at + 2 > one.n || (high = hex_digit(one.p[at])) == -1 || (low = hex_digit(one.p[at + 1])) == -1)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
		at += 2;
	}
	if (at < one.n)
		return false;
	*rest = span_sub(*rest, one.n + (one.n < rest->n), rest->n);
	return true;
}

static bool
prints_ok(struct span prints)
{
	unsigned char print[TLS_PRINT];
	bool more = prints.n > 0 && prints.p[prints.n - 1] == ',';

	while (tlspolicy_print(&prints, print))
		if (prints.n == 0)
			return !more;
	return false;
}

static bool
policy_word(struct span word, struct tls_policy *out)
{
	static const char *const levels[] = { "none", "may", "encrypt", "verify", "fingerprint" };
	size_t eq = span_find(word, '=');
	struct span name = span_sub(word, 0, eq), value = span_sub(word, eq + 1, word.n);
	struct err ignored;

	*out = (struct tls_policy){ 0 };
	while (out->level < sizeof levels / sizeof *levels && !span_is(name, levels[out->level]))
		out->level++;
	if (out->level == TLS_LEVEL_VERIFY && eq < word.n) {
		out->name = value;
		return hostname_check(value, &ignored) == 0;
	}
	out->prints = value;
	if (out->level == TLS_LEVEL_FINGERPRINT)
		return prints_ok(value);
	return out->level < TLS_LEVEL_FINGERPRINT && eq == word.n;
}

int
tlspolicy_parse(struct span line, struct span *who, struct tls_policy *out, struct err *e)
{
	struct span rest = line, word, more;
	char shown[100];

	if (span_word(&rest, who) && hop_line_who(*who) && span_word(&rest, &word) && policy_word(word, out)) {
		out->said = true;
		out->implicit = span_word(&rest, &more);
		if (!out->implicit || (span_is(more, "implicit") && out->level != TLS_LEVEL_NONE && !span_word(&rest, &more)))
			return 0;
	}
	span_text(line, shown, sizeof shown);
	return err_set(e, ERR_PERM, NULL, "expected a next hop, a domain or *, then none, may, encrypt, verify, verify=NAME or "
	    "fingerprint=SHA256[,SHA256…], then (but for none) nothing or implicit, not \"%s\"", shown);
}

int
tlspolicy_check(struct span line, struct err *e)
{
	struct tls_policy p;
	struct span who;

	return tlspolicy_parse(line, &who, &p, e);
}

int
tlspolicy_keys(struct span line, struct buf *out, struct err *e)
{
	struct span rest = line, who;
	char name[JOB_DEST];

	span_word(&rest, &who);
	hop_name(who, name);
	return line_key_add(out, span_str(name), '\0', e);
}

void
tlspolicy_find(const struct span *lines, uint32_t n, struct span domain, const char *dest, struct tls_policy *out)
{
	unsigned best = 0;

	*out = (struct tls_policy){ .level = TLS_LEVEL_MAY };
	for (uint32_t i = 0; i < n; i++) {
		struct span rest = lines[i], who;
		unsigned rank;
		struct err ignored;

		span_word(&rest, &who);
		rank = hop_line_rank(who, domain, span_str(dest));
		if (rank > best && tlspolicy_parse(lines[i], &who, out, &ignored) == 0)
			best = rank;
	}
}

bool
tlspolicy_same(const struct tls_policy *a, const struct tls_policy *b)
{
	return a->level == b->level && a->implicit == b->implicit && span_eq(a->name, b->name) && span_eq(a->prints, b->prints);
}

bool
tlspolicy_verifies(const struct conf *c)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_TLSPOLICY, &lines);
	struct tls_policy p;
	struct span who;

	for (uint32_t i = 0; i < n; i++) {
		struct err ignored;

		if (tlspolicy_parse(lines[i], &who, &p, &ignored) == 0 && p.level == TLS_LEVEL_VERIFY)
			return true;
	}
	return conf_lines(c, CONF_ROUTEAUTH, &lines) > 0;
}
