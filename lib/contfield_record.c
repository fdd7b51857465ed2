/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The records of conversions: the part of lib/contfield.h that has dates in it. */
#include <time.h>

#include "lib/contfield.h"

static int
record_grammar(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, "5.6.0", "record of a conversion: %s", what);
}

/* --- date-time (RFC 5322, 3.3; 4.3) --- */

/* The next word: up to white space, a comment, or what ends a date or its name of a day. */
static struct span
date_word(struct span *s)
{
	size_t n = 0;
	struct span word;

	while (n < s->n && !ascii_wsp(s->p[n]) && strchr("(;,", s->p[n]) == NULL)
		n++;
	word = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return word;
}

/* min to max digits. */
static bool
date_number(struct span s, size_t min, size_t max, int *out)
{
	uint64_t n;

	if (s.n < min || s.n > max || !span_u64(s, 9999, &n))
		return false;
	*out = (int)n;
	return true;
}

static bool
date_month(struct span s, int *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (*out = 0; *out < 12; ++*out)
		if (s.n == 3 && span_eqi(s, span_of(names + 3 * *out, 3)))
			return true;
	return false;
}

/* hour:minute, with :second or without. */
static bool
date_clock(struct span s, struct tm *t)
{
	size_t colon = span_find(s, ':');
	struct span rest = span_sub(s, colon + 1, s.n);
	size_t second = span_find(rest, ':');

	return date_number(span_sub(s, 0, colon), 2, 2, &t->tm_hour) &&
	    date_number(span_sub(rest, 0, second), 2, 2, &t->tm_min) &&
	    (second == rest.n || date_number(span_sub(rest, second + 1, rest.n), 2, 2, &t->tm_sec)) &&
	    t->tm_hour < 24 && t->tm_min < 60 && t->tm_sec <= 60;
}

/* Seconds east of UTC; 0 for a name, of which only this is sure (RFC 5322, 4.3). */
static bool
date_zone(struct span s, int *out)
{
	int n;

	*out = 0;
	if (s.n > 0 && ascii_alpha(s.p[0]))
		return true;
	if (s.n == 0 || (s.p[0] != '+' && s.p[0] != '-') || !date_number(span_sub(s, 1, s.n), 4, 4, &n) ||
	    n % 100 > 59)
		return false;
	*out = (n / 100 * 60 + n % 100) * (s.p[0] == '-' ? -60 : 60);
	return true;
}

/* Seconds since 1970, at t's own zone; -1 if there is no such day.  1900 to 9999. */
static bool
date_seconds(const struct tm *t, int zone, int64_t *out)
{
	struct tm as = *t;

	as.tm_sec = t->tm_sec == 60 ? 59 : t->tm_sec;	/* a leap second: there is none in this count */
	*out = (int64_t)timegm(&as) - zone;
	return as.tm_mday == t->tm_mday && as.tm_mon == t->tm_mon && t->tm_year >= 0 && t->tm_year <= 8099;
}

/*
 * The day of the week is passed over: that of RFC 4141's own example is wrong.  Years of two and three digits
 * as RFC 5322, 4.3.
 */
static int
date_read(struct span *s, int64_t *out_us, struct err *e)
{
	struct tm t = { 0 };
	struct span word[5], first;
	int64_t seconds;
	int zone;

	if (mime_cfws(s, e) == -1)
		return -1;
	first = *s;
	if (date_word(s).n == 0 || mime_cfws(s, e) == -1)
		return record_grammar(e, "no date");
	if (s->n > 0 && s->p[0] == ',')
		*s = span_sub(*s, 1, s->n);
	else
		*s = first;
	for (int i = 0; i < 5; i++) {
		if (mime_cfws(s, e) == -1)
			return -1;
		word[i] = date_word(s);
	}
	if (!date_number(word[0], 1, 2, &t.tm_mday) || !date_month(word[1], &t.tm_mon) ||
	    !date_number(word[2], 2, 4, &t.tm_year) || !date_clock(word[3], &t) || !date_zone(word[4], &zone))
		return record_grammar(e, "no date");
	t.tm_year -= word[2].n == 4 ? 1900 : word[2].n == 2 && t.tm_year < 50 ? -100 : 0;
	if (!date_seconds(&t, zone, &seconds))
		return record_grammar(e, "no such date");
	*out_us = seconds * 1000000;
	return 0;
}

/* --- words, domains and filters --- */

/* Takes CFWS and the word off *s; behind it stands white space or "(". */
static int
word_take(struct span *s, const char *word, struct err *e)
{
	size_t n = strlen(word);

	if (mime_cfws(s, e) == -1)
		return -1;
	if (!span_isi(span_sub(*s, 0, n), word) || s->n == n || (!ascii_wsp(s->p[n]) && s->p[n] != '('))
		return err_set(e, ERR_PERM, "5.6.0", "record of a conversion: expected %s", word);
	*s = span_sub(*s, n, s->n);
	return 0;
}

static int
semicolon_take(struct span *s, struct err *e)
{
	if (mime_cfws(s, e) == -1)
		return -1;
	if (s->n == 0 || s->p[0] != ';')
		return record_grammar(e, "no semicolon");
	*s = span_sub(*s, 1, s->n);
	return 0;
}

static int
domain_take(struct span *s, struct span *out, struct err *e)
{
	size_t n = 0;

	if (mime_cfws(s, e) == -1)
		return -1;
	while (n < s->n && (ascii_alpha(s->p[n]) || ascii_digit(s->p[n]) ||
	    (s->p[n] != '\0' && strchr("-_.[]:", s->p[n]) != NULL)))
		n++;
	if (n == 0 || n > 255)
		return record_grammar(e, "no domain");
	*out = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return 0;
}

static int
filter_check(struct span s, struct err *e)
{
	struct feat *set;

	if (feat_parse(s, FEAT_DOCUMENT, &set, e) == -1)
		return -1;
	feat_free(set);
	return 0;
}

/* "Date " date-time ";" "By " domain ";" of both fields, off *s. */
static int
head_take(struct span *s, struct contfield_record *out, struct err *e)
{
	if (word_take(s, "Date", e) == -1 || date_read(s, &out->when_us, e) == -1 ||
	    semicolon_take(s, e) == -1 || word_take(s, "By", e) == -1 ||
	    domain_take(s, &out->by, e) == -1)
		return -1;
	return semicolon_take(s, e);
}

/*
 * The filter before "; New (": its end is the first semicolon outside of quoted strings behind which that
 * stands; behind others stand the filter's own parameters, as ";q=0.8".
 */
static int
old_take(struct span *s, struct span *old, struct err *e)
{
	struct err ignored;
	bool quoted = false;

	for (size_t i = 0; i < s->n; i++) {
		struct span rest = span_sub(*s, i + 1, s->n);

		quoted = quoted != (s->p[i] == '"');
		if (quoted || s->p[i] != ';' || word_take(&rest, "New", &ignored) == -1)
			continue;
		rest = span_trim(rest);
		if (rest.n == 0 || rest.p[0] != '(')
			continue;
		*old = span_trim(span_sub(*s, 0, i));
		*s = rest;
		return 0;
	}
	return record_grammar(e, "expected New");
}

int
contfield_previous(struct span value, struct contfield_record *out, struct buf *store, struct err *e)
{
	struct span s;

	*out = (struct contfield_record){ 0 };
	if (mime_unfold(value, store, e) == -1)
		return -1;
	s = buf_view(store);
	if (head_take(&s, out, e) == -1)
		return -1;
	out->was = span_trim(s);
	return filter_check(out->was, e);
}

int
contfield_converted(struct span value, struct contfield_record *out, struct buf *store, struct err *e)
{
	struct span s;

	*out = (struct contfield_record){ 0 };
	if (mime_unfold(value, store, e) == -1)
		return -1;
	s = buf_view(store);
	if (head_take(&s, out, e) == -1 || word_take(&s, "Old", e) == -1 ||
	    old_take(&s, &out->was, e) == -1)
		return -1;
	out->is = span_trim(s);
	return filter_check(out->was, e) == -1 ? -1 : filter_check(out->is, e);
}
