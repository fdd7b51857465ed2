/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/recipients.h"

#include "lib/confline.h"
#include "lib/ldapline.h"

static const struct { const char *name; enum recipients_source source; } sources[] = {
	{ "file:", RECIPIENTS_FILE }, { "cdb:", RECIPIENTS_CDB },
};

static int
source_parse(struct span text, struct recipients_line *out, struct err *e)
{
	struct ldap_line l;

	if (span_is(text, "any")) {
		out->source = RECIPIENTS_ANY;
		return 0;
	}
	if (span_is(span_sub(text, 0, 5), "ldap:")) {
		out->source = RECIPIENTS_LDAP;
		out->arg = text;
		return ldapline_parse(text, &l, e);
	}
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		size_t n = strlen(sources[i].name);

		out->arg = span_sub(text, n, text.n);
		out->source = sources[i].source;
		if (span_is(span_sub(text, 0, n), sources[i].name) && out->arg.n > 0 &&
		    span_find(out->arg, ' ') == out->arg.n && span_find(out->arg, '\t') == out->arg.n)
			return 0;
	}
	return err_set(e, ERR_PERM, NULL, "expected DOMAIN SOURCE, with any, file:FILE, cdb:FILE or ldap:URL as source");
}

int
recipients_parse(struct span line, struct recipients_line *out, struct err *e)
{
	struct span rest = line;
	struct err ignored;

	*out = (struct recipients_line){ .source = RECIPIENTS_ANY };
	if (span_word(&rest, &out->domain) &&
	    (span_is(out->domain, "*") || domain_line_check(out->domain, &ignored) == 0))
		return source_parse(span_trim(rest), out, e);
	return err_set(e, ERR_PERM, NULL, "expected DOMAIN SOURCE, with a domain, .domain or * first");
}

int
recipients_check(struct span line, struct err *e)
{
	struct recipients_line r;

	return recipients_parse(line, &r, e);
}

int
recipients_keys(struct span line, struct buf *out, struct err *e)
{
	struct recipients_line r;
	struct span source;

	if (recipients_parse(line, &r, e) == -1 || line_key_add(out, r.domain, ' ', e) == -1)
		return -1;
	source = span_trim(span_sub(line, r.domain.n, line.n));
	return buf_add(out, source, e) == -1 ? -1 : buf_add_byte(out, '\0', e);
}

/* The rank of the lines that fit domain best; 0: none does. */
static unsigned
best_rank(const struct span *lines, uint32_t n, struct span domain)
{
	unsigned best = 0;

	for (uint32_t i = 0; i < n && best < DOMAIN_EXACT; i++) {
		struct span rest = lines[i], pattern;
		unsigned rank = span_word(&rest, &pattern) ? domain_rank(pattern, domain) : 0;

		best = rank > best ? rank : best;
	}
	return best;
}

bool
recipients_next(const struct span *lines, uint32_t n, struct span domain, struct recipients_place *p,
    struct recipients_line *out)
{
	struct err ignored;

	if (p->rank == 0 && (p->rank = best_rank(lines, n, domain)) == 0)
		return false;
	while (p->at < n)
		if (recipients_parse(lines[p->at++], out, &ignored) == 0 &&
		    domain_rank(out->domain, domain) == p->rank)
			return true;
	return false;
}

bool
recipients_listed(const struct span *lines, uint32_t n, struct span domain)
{
	struct recipients_place p = { 0 };
	struct recipients_line r;
	bool listed = false;

	while (recipients_next(lines, n, domain, &p, &r))
		if (r.source == RECIPIENTS_ANY)
			return false;
		else
			listed = true;
	return listed;
}
