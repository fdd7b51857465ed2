/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/data.h"

enum state {
	AT_START,	/* of a line: behind CRLF */
	AT_DOT,		/* behind a dot at the start, which is not part of the message */
	AT_DOT_CR,	/* behind dot CR at the start */
	IN_LINE,
	AT_CR		/* behind a CR within a line */
};

/* Notes the first octets of header lines, and counts "Received:". */
static void
look_at_header(struct data *d, int o)
{
	static const char name[] = "received";

	if (d->field_n >= sizeof d->field)
		return;
	d->field[d->field_n++] = (char)ascii_lower(o);
	if (d->field_n == sizeof d->field && memcmp(d->field, name, sizeof name - 1) == 0 &&
	    (o == ':' || ascii_wsp(o)))
		d->received++;
}

static void
line_begins(struct data *d)
{
	if (d->line == 0)
		d->body = true;		/* an empty line ends the header */
	d->line = 0;
	d->field_n = 0;
	d->state = AT_START;
}

/* One octet of the message; d->state says what stood before it. */
static void
take_octet(struct data *d, int o)
{
	if (!d->begun && ascii_wsp(o))
		d->fault |= DATA_FOLDED;
	d->begun = true;
	if (d->state == AT_CR && o == '\n') {
		line_begins(d);
		return;
	}
	if (d->state == AT_CR)
		d->fault |= DATA_BARE_CR;
	d->state = IN_LINE;
	if (o == '\r') {
		d->state = AT_CR;
		return;
	}
	if (o == '\n')
		d->fault |= DATA_BARE_LF;	/* and starts no line */
	else if (o == '\0')
		d->fault |= DATA_NUL;
	else if (o > 127)
		d->eight_bit = true;
	if (!d->body)
		look_at_header(d, o);
	if (d->line++ >= DATA_LINE_MAX)
		d->fault |= DATA_LONG_LINE;
}

/* Those at a line's start that are not part of the message.  true: o was one. */
static bool
take_stuffing(struct data *d, int o)
{
	if (d->state == AT_START && o == '.') {
		d->state = AT_DOT;
		return true;
	}
	if (d->state == AT_DOT && o == '\r') {
		d->state = AT_DOT_CR;
		return true;
	}
	if (d->state == AT_DOT_CR && o == '\n') {
		d->end = true;
		return true;
	}
	if (d->state == AT_DOT_CR)
		d->fault |= DATA_BARE_CR;	/* nothing is kept, so the CR is not missed */
	return false;
}

#define EACH_OCTET(o) (UINT64_C(0x0101010101010101) * (o))

/* Not 0 if one of the eight octets is 0. */
static uint64_t
a_zero(uint64_t v)
{
	return (v - EACH_OCTET(1)) & ~v & EACH_OCTET(0x80);
}

/* Octets of s before its first CR, LF or NUL; *all: what they are ored together. */
static size_t
plain_octets(struct span s, unsigned char *all)
{
	uint64_t v, seen = 0;
	size_t n = 0;

	while (s.n - n >= sizeof v) {
		memcpy(&v, s.p + n, sizeof v);
		if ((a_zero(v) | a_zero(v ^ EACH_OCTET('\r')) | a_zero(v ^ EACH_OCTET('\n'))) != 0)
			break;
		seen |= v;
		n += sizeof v;
	}
	*all = (seen & EACH_OCTET(0x80)) != 0 ? 0x80 : 0;
	while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n' && s.p[n] != '\0')
		*all |= s.p[n++];
	return n;
}

/* How many octets from i on are plain ones within a line, for which no state changes. */
static size_t
plain_run(struct data *d, struct span in, size_t i, size_t max)
{
	unsigned char all;
	size_t n;

	if (d->state != IN_LINE || (!d->body && d->field_n < sizeof d->field))
		return 0;
	if (max > in.n - i)
		max = in.n - i;
	if (d->line >= DATA_LINE_MAX)
		return 0;
	if (max > DATA_LINE_MAX - d->line)
		max = DATA_LINE_MAX - d->line;
	n = plain_octets(span_sub(in, i, i + max), &all);
	d->eight_bit |= all > 127;
	d->line += (uint32_t)n;
	return n;
}

size_t
data_feed(struct data *d, struct span in, unsigned char *out, size_t cap, size_t *made)
{
	size_t i = 0, o = 0;

	while (i < in.n && o < cap && !d->end) {
		size_t n = plain_run(d, in, i, cap - o);

		if (n > 0) {
			memcpy(out + o, in.p + i, n);
			o += n;
			i += n;
		} else if (take_stuffing(d, in.p[i])) {
			i++;
		} else {
			take_octet(d, in.p[i]);
			out[o++] = in.p[i++];
		}
	}
	d->size += o;
	*made = o;
	return i;
}

void
data_look(struct data *d, struct span in)
{
	size_t i = 0;

	while (i < in.n && !(d->binary && d->body)) {
		size_t n = plain_run(d, in, i, in.n);

		if (n == 0)
			take_octet(d, in.p[i++]);
		i += n;
	}
	d->size += in.n;
}

bool
data_last(struct data *d)
{
	bool text = !(d->binary && d->body);

	if (text && d->state == AT_CR)
		d->fault |= DATA_BARE_CR;
	return text && d->state == IN_LINE;
}
