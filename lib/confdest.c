/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/confdest.c - the setting `destinations`: how much, how often and when mail goes somewhere. */
#include "lib/confline.h"

enum {
	CONCURRENCY_MAX = 100000, RATE_MAX = 1000000,
	TIME_MAX_S = 30 * 86400
};

/* "90", "90s", "5m", "4h", "2d": seconds. */
static bool
time_parse(struct span text, uint32_t *out)
{
	static const struct { char unit; uint32_t s; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	uint64_t v, unit = 1;

	for (size_t i = 0; text.n > 0 && i < sizeof units / sizeof *units; i++)
		if (text.p[text.n - 1] == (unsigned char)units[i].unit) {
			unit = units[i].s;
			text.n--;
			break;
		}
	if (!span_u64(text, TIME_MAX_S, &v) || v == 0 || v * unit > TIME_MAX_S)
		return false;
	*out = (uint32_t)(v * unit);
	return true;
}

/* The next item of a list with commas.  false: there is none. */
static bool
item_next(struct span *rest, struct span *item)
{
	size_t comma;

	if (rest->p == NULL)
		return false;
	comma = span_find(*rest, ',');
	*item = span_sub(*rest, 0, comma);
	*rest = comma < rest->n ? span_sub(*rest, comma + 1, rest->n) : (struct span){ NULL, 0 };
	return true;
}

static int
put_concurrency(struct span text, struct destination *d, struct err *e)
{
	uint64_t v;

	if (!span_u64(text, CONCURRENCY_MAX, &v) || v == 0)
		return err_set(e, ERR_PERM, NULL, "expected concurrency=N with N from 1 to %d",
		    CONCURRENCY_MAX);
	d->concurrency = (uint32_t)v;
	return 0;
}

bool
rate_parse(struct span text, uint32_t *n, uint32_t *s)
{
	size_t slash = span_find(text, '/');
	struct span unit = span_sub(text, slash + 1, text.n);
	uint64_t v;
	uint32_t unit_s = span_is(unit, "s") ? 1 : span_is(unit, "m") ? 60 : span_is(unit, "h") ? 3600 :
	    span_is(unit, "d") ? 86400 : 0;

	if (!span_u64(span_sub(text, 0, slash), RATE_MAX, &v) || v == 0 || unit_s == 0)
		return false;
	*n = (uint32_t)v;
	*s = unit_s;
	return true;
}

static int
put_rate(struct span text, struct destination *d, struct err *e)
{
	if (!rate_parse(text, &d->rate_n, &d->rate_s))
		return err_set(e, ERR_PERM, NULL, "expected rate=N/s, N/m, N/h or N/d with N from 1 to %d",
		    RATE_MAX);
	return 0;
}

static int
put_retry(struct span text, struct destination *d, struct err *e)
{
	struct span item;

	for (d->nretry = 0; item_next(&text, &item); d->nretry++)
		if (d->nretry == DESTINATION_RETRIES || !time_parse(item, &d->retry_s[d->nretry]))
			return err_set(e, ERR_PERM, NULL, "expected retry=TIME,… with up to %d times such as "
			    "90, 5m, 4h", DESTINATION_RETRIES);
	return 0;
}

/* "HH:MM" up to 24:00: minutes. */
static bool
clock_parse(struct span text, uint16_t *out)
{
	uint64_t h, m;

	if (text.n != 5 || text.p[2] != ':' || !span_u64(span_sub(text, 0, 2), 24, &h) ||
	    !span_u64(span_sub(text, 3, 5), 59, &m) || h * 60 + m > DESTINATION_DAY)
		return false;
	*out = (uint16_t)(h * 60 + m);
	return true;
}

static int
put_hours(struct span text, struct destination *d, struct err *e)
{
	struct span item;

	for (d->nhours = 0; item_next(&text, &item); d->nhours++) {
		size_t dash = span_find(item, '-');
		uint16_t from, to;

		if (d->nhours == DESTINATION_HOURS || !clock_parse(span_sub(item, 0, dash), &from) ||
		    !clock_parse(span_sub(item, dash + 1, item.n), &to) || from == to)
			return err_set(e, ERR_PERM, NULL, "expected hours=HH:MM-HH:MM,… with up to %d spans",
			    DESTINATION_HOURS);
		d->hours[d->nhours].from = from;
		d->hours[d->nhours].to = to;
	}
	return 0;
}

static int
put_lifetime(struct span text, struct destination *d, struct err *e)
{
	return time_parse(text, &d->lifetime_s) ? 0 :
	    err_set(e, ERR_PERM, NULL, "expected lifetime=TIME such as 3600, 12h, 2d");
}

static const struct {
	const char *name;
	int (*put)(struct span text, struct destination *d, struct err *e);
} options[] = {
	{ "concurrency", put_concurrency }, { "rate", put_rate }, { "retry", put_retry },
	{ "hours", put_hours }, { "lifetime", put_lifetime },
};
enum { NOPTION = sizeof options / sizeof *options };

/* "name=value" into *d: the option's number, or -1. */
static int
option_put(struct span word, struct destination *d, struct err *e)
{
	size_t eq = span_find(word, '=');
	char bad[60];

	for (size_t i = 0; eq < word.n && i < NOPTION; i++)
		if (span_is(span_sub(word, 0, eq), options[i].name))
			return options[i].put(span_sub(word, eq + 1, word.n), d, e) == -1 ? -1 : (int)i;
	span_text(word, bad, sizeof bad);
	return err_set(e, ERR_PERM, NULL, "expected concurrency=, rate=, retry=, hours= or lifetime=, not "
	    "\"%s\"", bad);
}

int
destination_check(struct span line, struct err *e)
{
	struct span rest = line, word;
	struct destination d = { 0 };
	bool any = false;

	if (!span_word(&rest, &word) || !hop_line_who(word))
		return err_set(e, ERR_PERM, NULL, "expected a next hop, a domain or * first");
	for (; span_word(&rest, &word); any = true)
		if (option_put(word, &d, e) == -1)
			return -1;
	return any ? 0 : err_set(e, ERR_PERM, NULL, "expected option=value after the name");
}

static void
option_copy(int i, const struct destination *from, struct destination *to)
{
	struct destination d = *to;

	*to = *from;
	if (i != 0)
		to->concurrency = d.concurrency;
	if (i != 1) {
		to->rate_n = d.rate_n;
		to->rate_s = d.rate_s;
	}
	if (i != 2) {
		memcpy(to->retry_s, d.retry_s, sizeof d.retry_s);
		to->nretry = d.nretry;
	}
	if (i != 3) {
		memcpy(to->hours, d.hours, sizeof d.hours);
		to->nhours = d.nhours;
	}
	if (i != 4)
		to->lifetime_s = d.lifetime_s;
}

void
destination_find(const struct span *lines, uint32_t n, struct span domain, const char *dest,
    struct destination *out)
{
	unsigned best[NOPTION] = { 0 };
	struct err ignored;

	memset(out, 0, sizeof *out);	/* padding too: equal options are equal octets */
	for (uint32_t i = 0; i < n; i++) {
		struct span rest = lines[i], word;
		unsigned rank;

		if (!span_word(&rest, &word))
			continue;
		rank = hop_line_rank(word, domain, span_str(dest));
		while (rank != 0 && span_word(&rest, &word)) {
			struct destination d;
			int k;

			memset(&d, 0, sizeof d);
			k = option_put(word, &d, &ignored);
			if (k == -1 || best[k] >= rank)
				continue;	/* of two equals the first */
			best[k] = rank;
			option_copy(k, &d, out);
		}
	}
}

struct span
destination_pattern(const struct span *lines, uint32_t n, struct span domain)
{
	struct span best = { NULL, 0 };
	unsigned best_rank = 1;		/* "*" is none */

	for (uint32_t i = 0; i < n; i++) {
		struct span rest = lines[i], word;
		unsigned rank;

		if (!span_word(&rest, &word))
			continue;
		rank = domain_rank(word, domain);
		if (rank > best_rank) {
			best_rank = rank;
			best = word;
		}
	}
	return best;
}

bool
destination_open(const struct destination *d, unsigned minute, unsigned *left)
{
	unsigned next = DESTINATION_DAY;
	bool open = d->nhours == 0;

	for (uint8_t i = 0; i < d->nhours; i++) {
		unsigned from = d->hours[i].from, to = d->hours[i].to;
		unsigned since = (minute + DESTINATION_DAY - from) % DESTINATION_DAY;
		unsigned length = (to + DESTINATION_DAY - from) % DESTINATION_DAY;

		if (length == 0)		/* 00:00-24:00 */
			length = DESTINATION_DAY;
		if (since < length)
			open = true;
		/* the nearest boundary of any span; where two touch it is looked at again then */
		for (int k = 0; k < 2; k++) {
			unsigned at = (k == 0 ? from : to) % DESTINATION_DAY;
			unsigned wait = (at + DESTINATION_DAY - minute) % DESTINATION_DAY;

			if (wait > 0 && wait < next)
				next = wait;
		}
	}
	*left = next;
	return open;
}
