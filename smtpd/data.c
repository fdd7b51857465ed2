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

/* How many octets from i on are plain ones within a line, for which no state changes. */
static size_t
plain_run(struct data *d, struct span in, size_t i, size_t max)
{
	size_t n = 0;
	unsigned char all = 0;

	if (d->state != IN_LINE || (!d->body && d->field_n < sizeof d->field))
		return 0;
	if (max > in.n - i)
		max = in.n - i;
	if (d->line >= DATA_LINE_MAX)
		return 0;
	if (max > DATA_LINE_MAX - d->line)
		max = DATA_LINE_MAX - d->line;
	while (n < max && in.p[i + n] != '\r' && in.p[i + n] != '\n' && in.p[i + n] != '\0')
		all |= in.p[i + n++];
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
