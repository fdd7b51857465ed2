/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "ldap/entry.h"

#include <time.h>

#include "lib/address.h"
#include "lib/capsdb.h"
#include "lib/features.h"

/* Terms of a fax number and their bits of a DIS (RFC 2880; T.30). */
static const struct { const char *term; unsigned bit; } terms[] = {
	{ "twoDimensional", 16 }, { "fineResolution", 15 }, { "unlimitedLength", 20 }, { "b4Length", 19 },
	{ "a3Width", 18 }, { "b4Width", 17 }, { "uncompressed", 0 },
};

static void
set_bit(unsigned char dis[FEAT_DIS_OCTETS], unsigned bit)
{
	if (bit > 0)
		dis[(bit - 1) / 8] |= (unsigned char)(1u << (bit - 1) % 8);
}

static bool
has_bit(const unsigned char dis[FEAT_DIS_OCTETS], unsigned bit)
{
	return dis[(bit - 1) / 8] >> (bit - 1) % 8 & 1;
}

/* "+1 202 555 0100$twoDimensional$fineResolution": the bits of its terms.  false: it is no such value. */
static bool
fax_bits(struct span value, unsigned char dis[FEAT_DIS_OCTETS])
{
	size_t end = span_find(value, '$');

	if (end == 0)
		return false;
	while (end < value.n) {
		size_t i = 0;
		struct span term;

		value = span_sub(value, end + 1, value.n);
		end = span_find(value, '$');
		term = span_trim(span_sub(value, 0, end));
		while (i < sizeof terms / sizeof *terms && !span_isi(term, terms[i].term))
			i++;
		if (i == sizeof terms / sizeof *terms)
			return false;
		set_bit(dis, terms[i].bit);
	}
	if (has_bit(dis, 20) && has_bit(dis, 19))	/* no DIS has both: without limit is the more */
		dis[2] &= (unsigned char)~(1u << 2);
	return true;
}

static enum cap_state
none(struct err *e, const char *why)
{
	err_set(e, ERR_PERM, NULL, "%s", why);
	return CAP_NONE;
}

static enum cap_state
state_of(int r, const struct err *e)
{
	return r == 0 ? CAP_KNOWN : e->kind == ERR_TEMP ? CAP_TEMP : CAP_NONE;
}

static enum cap_state
fax_read(const struct entry_values *fax, struct buf *text, struct err *e)
{
	unsigned char dis[FEAT_DIS_OCTETS] = { 0 };
	struct feat *f;
	int r;

	if (fax->n != 1)
		return none(e, "facsimileTelephoneNumber: several machines at one address");
	if (!fax_bits(fax->value[0], dis))
		return none(e, "facsimileTelephoneNumber: terms that are none of RFC 4517");
	if ((r = feat_from_dis(span_of(dis, sizeof dis), &f, e)) == 0) {
		r = feat_print(f, text, e);
		feat_free(f);
	}
	return state_of(r, e);
}

enum cap_state
entry_read(const struct entry *in, struct span addr, struct buf *text, uint64_t *since_s, struct err *e)
{
	*since_s = 0;
	*e = (struct err){ 0 };
	if (in->time.n == 1)
		(void)entry_time(in->time.value[0], since_s);
	if (in->features.n == 1 && span_isi(span_trim(in->features.value[0]), "any"))
		return CAP_ANY;
	if (in->features.n == 1)
		return state_of(capsdb_expression(in->features.value[0], text, e), e);
	if (in->features.n > 1)
		return none(e, "mediaAcceptFeatures: more than one value");
	return in->fax.n > 0 && address_is_fax(addr) ? fax_read(&in->fax, text, e) : CAP_NONE;
}

/* n digits at *at. */
static int
digits(struct span s, size_t *at, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++, (*at)++) {
		if (*at >= s.n || !ascii_digit(s.p[*at]))
			return -1;
		v = v * 10 + (s.p[*at] - '0');
	}
	return v;
}

bool
entry_time(struct span s, uint64_t *out)
{
	size_t at = 0;
	int year = digits(s, &at, 4), month = digits(s, &at, 2), day = digits(s, &at, 2), hour = digits(s, &at, 2);
	int minute = digits(s, &at, 2), second = digits(s, &at, 2);
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute,
	    .tm_sec = second };
	time_t t;

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 60)
		return false;
	if (at < s.n && (s.p[at] == '.' || s.p[at] == ','))
		for (at++; at < s.n && ascii_digit(s.p[at]); at++)
			;
	if (at + 1 != s.n || s.p[at] != 'Z' || (t = timegm(&tm)) == (time_t)-1)
		return false;
	*out = (uint64_t)t;
	return true;
}
