/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/confneg.c - the settings of content negotiation: negotiation.md b.1 as options of lines. */
#include "lib/confline.h"

#include <stddef.h>
#include <stdio.h>

static const char *const v_ask[] = { "conperm", "always", "never", NULL };
static const char *const v_fate[] = { "relay", "fail", NULL };
static const char *const v_no_yes[] = { "no", "yes", NULL };
static const char *const v_after[] = { "keep", "drop", NULL };
static const char *const v_dialect[] = { "4141", "d03-required", "d03-optional", "d03-spaced", NULL };
static const char *const v_record[] = { "previous", "converted", NULL };
static const char *const v_batch[] = { "best", "common", "single", NULL };
static const char *const v_unknown[] = { "fail", "accept", NULL };

/* A row is an option: its values by number, or a number between min and max. */
static const struct option {
	const char *name;
	size_t at;			/* in struct negotiation */
	const char *const *values;	/* uint8_t field; NULL: uint32_t field */
	uint32_t def, min, max;
} options[] = {
	{ "ask", offsetof(struct negotiation, ask), v_ask, 0, 0, 0 },
	{ "conperm_null", offsetof(struct negotiation, conperm_null), v_fate, 0, 0, 0 },
	{ "conperm_unknown", offsetof(struct negotiation, conperm_unknown), v_fate, 0, 0, 0 },
	{ "conperm_strict", offsetof(struct negotiation, conperm_strict), v_no_yes, 0, 0, 0 },
	{ "conperm_try_all_mx", offsetof(struct negotiation, conperm_try_all_mx), v_no_yes, 0, 0, 0 },
	{ "conperm_after", offsetof(struct negotiation, conperm_after), v_after, 0, 0, 0 },
	{ "conneg_tries", offsetof(struct negotiation, conneg_tries), NULL, 3, 0, 100 },
	{ "dialect", offsetof(struct negotiation, dialect), v_dialect, 0, 0, 0 },
	{ "record", offsetof(struct negotiation, record), v_record, 0, 0, 0 },
	{ "batch", offsetof(struct negotiation, batch), v_batch, 0, 0, 0 },
	{ "batch_max", offsetof(struct negotiation, batch_max), NULL, 8, 1, 1000 },
	{ "drucof_late", offsetof(struct negotiation, drucof_late), v_no_yes, 0, 0, 0 },
	{ "drucof_unknown", offsetof(struct negotiation, drucof_unknown), v_unknown, 0, 0, 0 },
	{ "wait", offsetof(struct negotiation, wait_s), NULL, 60, 0, 3600 },
	{ "alternative", offsetof(struct negotiation, alternative), v_no_yes, 0, 0, 0 },
	{ "alternative_wait", offsetof(struct negotiation, alternative_wait_s), NULL, 3600, 1, 7 * 86400 },
};
enum { NOPTION = sizeof options / sizeof *options };

static void
option_put(struct negotiation *out, const struct option *o, uint32_t v)
{
	unsigned char *at = (unsigned char *)out + o->at;
	uint8_t small = (uint8_t)v;

	if (o->values != NULL)
		memcpy(at, &small, sizeof small);
	else
		memcpy(at, &v, sizeof v);
}

static int
option_expected(const struct option *o, struct err *e)
{
	char all[100] = "";
	size_t n = 0;

	if (o->values == NULL)
		return err_set(e, ERR_PERM, NULL, "expected %s=N with N from %u to %u", o->name, o->min,
		    o->max);
	for (size_t i = 0; o->values[i] != NULL && n < sizeof all; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i == 0 ? "" : "|", o->values[i]);
	return err_set(e, ERR_PERM, NULL, "expected %s=%s", o->name, all);
}

static int
option_value(const struct option *o, struct span text, uint32_t *out, struct err *e)
{
	uint64_t v;

	if (o->values == NULL) {
		if (!span_u64(text, o->max, &v) || v < o->min)
			return option_expected(o, e);
		*out = (uint32_t)v;
		return 0;
	}
	for (uint32_t i = 0; o->values[i] != NULL; i++)
		if (span_is(text, o->values[i])) {
			*out = i;
			return 0;
		}
	return option_expected(o, e);
}

/* "name=value": 0 with the row and the value, or -1. */
static int
option_parse(struct span word, const struct option **o, uint32_t *v, struct err *e)
{
	size_t eq = span_find(word, '=');
	char bad[60];

	for (size_t i = 0; eq < word.n && i < NOPTION; i++)
		if (span_is(span_sub(word, 0, eq), options[i].name)) {
			*o = &options[i];
			return option_value(*o, span_sub(word, eq + 1, word.n), v, e);
		}
	span_text(word, bad, sizeof bad);
	return err_set(e, ERR_PERM, NULL, "expected option=value with an option of "
	    "accord-negotiation(5), not \"%s\"", bad);
}

int
negotiation_check(struct span line, struct err *e)
{
	struct span rest = line, word;
	const struct option *o;
	uint32_t v;
	bool any = false;

	if (!span_word(&rest, &word) || !hop_line_who(word))
		return err_set(e, ERR_PERM, NULL, "expected a next hop, a domain or * first");
	for (; span_word(&rest, &word); any = true)
		if (option_parse(word, &o, &v, e) == -1)
			return -1;
	return any ? 0 : err_set(e, ERR_PERM, NULL, "expected option=value after the name");
}

void
negotiation_find(const struct span *lines, uint32_t n, struct span domain, const char *dest,
    struct negotiation *out)
{
	struct span to = span_str(dest == NULL ? "" : dest);
	unsigned best[NOPTION] = { 0 };
	struct err ignored;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < NOPTION; i++)
		option_put(out, &options[i], options[i].def);
	for (uint32_t i = 0; i < n; i++) {
		struct span rest = lines[i], word;
		const struct option *o;
		unsigned rank;
		uint32_t v;

		if (!span_word(&rest, &word))
			continue;
		rank = hop_line_rank(word, domain, to);
		while (rank != 0 && span_word(&rest, &word)) {
			if (option_parse(word, &o, &v, &ignored) == -1 || best[o - options] >= rank)
				continue;	/* of two equals the first */
			best[o - options] = rank;
			option_put(out, o, v);
		}
	}
}

/* --- conneg --- */

static const char *const conneg_modes[] = { "directory", "ensure", "off" };
enum { NMODE = sizeof conneg_modes / sizeof *conneg_modes };

static bool
conneg_parse(struct span line, struct span *domain, struct conneg_rule *out)
{
	struct span rest = line, word;
	size_t i = 0;

	if (!span_word(&rest, domain) || !span_word(&rest, &word))
		return false;
	while (i < NMODE && !span_is(word, conneg_modes[i]))
		i++;
	if (i == NMODE)
		return false;
	*out = (struct conneg_rule){ (enum conneg_mode)i, span_str("all") };
	if (span_trim(rest).n == 0)
		return true;
	return out->mode != CONNEG_OFF && span_word(&rest, &out->who) && span_trim(rest).n == 0;
}

void
conneg_find(const struct span *lines, uint32_t n, struct span domain, struct conneg_rule *out)
{
	struct conneg_rule one;
	unsigned best_rank = 0;

	*out = (struct conneg_rule){ CONNEG_DIRECTORY, span_str("all") };
	for (uint32_t i = 0; i < n; i++) {
		struct span pattern;
		unsigned rank;

		if (!conneg_parse(lines[i], &pattern, &one))
			continue;
		rank = domain_rank(pattern, domain);
		if (rank > best_rank) {
			best_rank = rank;
			*out = one;
		}
	}
}

bool
conneg_ensures(struct span line)
{
	struct conneg_rule rule;
	struct span pattern;

	return conneg_parse(line, &pattern, &rule) && rule.mode == CONNEG_ENSURE;
}

/* The next of a list with commas; an empty one is one too. */
static bool
who_next(struct span *rest, struct span *one)
{
	if (rest->p == NULL)
		return false;
	*one = span_sub(*rest, 0, span_find(*rest, ','));
	*rest = one->n < rest->n ? span_sub(*rest, one->n + 1, rest->n) : span_of(NULL, 0);
	return true;
}

bool
conneg_may_ask(const struct conneg_rule *r, bool relayclient, const struct netaddr *client)
{
	struct span rest = r->who, one;

	if (r->mode == CONNEG_OFF)
		return false;
	if (span_is(r->who, "all"))
		return true;
	while (who_next(&rest, &one))
		if (span_is(one, "relayclients") ? relayclient : networks_have(&one, 1, client))
			return true;
	return false;
}

static int
who_check(struct span who, struct err *e)
{
	struct span rest = who, one;
	struct network net;
	char bad[60];

	if (span_is(who, "all"))
		return 0;
	while (who_next(&rest, &one))
		if (!span_is(one, "relayclients") && network_parse(one, &net, e) == -1) {
			span_text(one, bad, sizeof bad);
			return err_set(e, ERR_PERM, NULL, "expected all, or relayclients and networks such as "
			    "192.0.2.0/24 with commas, not \"%s\"", bad);
		}
	return 0;
}

int
conneg_check(struct span line, struct err *e)
{
	struct conneg_rule rule;
	struct span pattern;
	struct err ignored;

	if (!conneg_parse(line, &pattern, &rule) ||
	    (!span_is(pattern, "*") && domain_line_check(pattern, &ignored) == -1))
		return err_set(e, ERR_PERM, NULL, "expected DOMAIN directory|ensure, the same and "
		    "all|relayclients|NETWORK[,NETWORK...], or DOMAIN off");
	return who_check(rule.who, e);
}

int
conneg_keys(struct span line, struct buf *out, struct err *e)
{
	struct conneg_rule rule;
	struct span pattern;

	return conneg_parse(line, &pattern, &rule) ? line_key_add(out, pattern, '\0', e) : 0;
}
