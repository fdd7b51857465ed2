/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/transfer.h"

enum {
	TRANSFER_LINE = 76,		/* RFC 2045, 6.7 (5) and 6.8 */
	TRANSFER_GROUPS = TRANSFER_LINE / 4	/* of base64 in a line */
};

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum transfer
transfer_of(struct span name)
{
	static const struct { const char *name; enum transfer how; } names[] = {
		{ "", TRANSFER_7BIT }, { "7bit", TRANSFER_7BIT }, { "8bit", TRANSFER_8BIT },
		{ "binary", TRANSFER_BINARY }, { "base64", TRANSFER_BASE64 },
		{ "quoted-printable", TRANSFER_QP },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_isi(name, names[i].name))
			return names[i].how;
	return TRANSFER_UNKNOWN;
}

static int
base64_value(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The octets of a last group of n characters, 24 bits in v. */
static size_t
base64_tail(uint32_t v, size_t n, unsigned char *to)
{
	v <<= 6 * (4 - n);
	if (n >= 2)
		to[0] = (unsigned char)(v >> 16);
	if (n >= 3)
		to[1] = (unsigned char)(v >> 8);
	return n < 2 ? 0 : n - 1;
}

static int
base64_decode(struct span in, struct buf *out, struct err *e)
{
	unsigned char *to = buf_room(out, in.n / 4 * 3 + 3, e);
	uint32_t v = 0;
	size_t n = 0, at = 0;
	bool padded = false;

	if (to == NULL)
		return -1;
	for (size_t i = 0; i < in.n; i++) {
		int six = base64_value(in.p[i]);

		if (in.p[i] == '=')
			padded = true;
		if (six == -1)
			continue;
		if (padded)
			return err_set(e, ERR_PERM, "5.6.0", "base64: data after its padding");
		v = v << 6 | (uint32_t)six;
		if (++n < 4)
			continue;
		to[at++] = (unsigned char)(v >> 16);
		to[at++] = (unsigned char)(v >> 8);
		to[at++] = (unsigned char)v;
		v = 0;
		n = 0;
	}
	if (n == 1)
		return err_set(e, ERR_PERM, "5.6.0", "base64: cut short");
	out->n += at + base64_tail(v, n, to + at);
	return 0;
}

static int
hex_value(int c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_upper(c);
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One line without its end; *soft: its end does not count. */
static int
qp_decode_line(struct span line, struct buf *out, bool *soft, struct err *e)
{
	*soft = false;
	while (line.n > 0 && ascii_wsp(line.p[line.n - 1]))	/* added on the way: 6.7 (3) */
		line.n--;
	for (size_t i = 0; i < line.n; i++) {
		int c = line.p[i];

		if (c == '=' && i + 1 == line.n) {
			*soft = true;
			return 0;
		}
		if (c == '=') {
			int hi = hex_value(line.p[i + 1]);
			int lo = i + 2 < line.n ? hex_value(line.p[i + 2]) : -1;

			if (hi == -1 || lo == -1)
				return err_set(e, ERR_PERM, "5.6.0",
				    "quoted-printable: '=' without two hex digits");
			c = hi << 4 | lo;
			i += 2;
		}
		if (buf_add_byte(out, c, e) == -1)
			return -1;
	}
	return 0;
}

static int
qp_decode(struct span in, struct buf *out, struct err *e)
{
	while (in.n > 0) {
		size_t lf = span_find(in, '\n');
		bool end = lf < in.n, soft;
		struct span line = span_sub(in, 0, lf);

		if (end && lf > 0 && in.p[lf - 1] == '\r')
			line.n--;
		in = span_sub(in, lf + 1, in.n);
		if (qp_decode_line(line, out, &soft, e) == -1)
			return -1;
		if (end && !soft && buf_add_str(out, "\r\n", e) == -1)
			return -1;
	}
	return 0;
}

int
transfer_decode(enum transfer how, struct span in, struct buf *out, struct err *e)
{
	switch (how) {
	case TRANSFER_7BIT:
	case TRANSFER_8BIT:
	case TRANSFER_BINARY:
		return buf_add(out, in, e);
	case TRANSFER_BASE64:
		return base64_decode(in, out, e);
	case TRANSFER_QP:
		return qp_decode(in, out, e);
	case TRANSFER_UNKNOWN:
		break;
	}
	return err_set(e, ERR_PERM, "5.6.1", "a transfer encoding that is not known");
}

/* Writes one group of up to three octets. */
static void
base64_group(const unsigned char *p, size_t n, unsigned char *to)
{
	uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

	to[0] = (unsigned char)base64_alphabet[v >> 18];
	to[1] = (unsigned char)base64_alphabet[v >> 12 & 63];
	to[2] = n > 1 ? (unsigned char)base64_alphabet[v >> 6 & 63] : '=';
	to[3] = n > 2 ? (unsigned char)base64_alphabet[v & 63] : '=';
}

int
transfer_base64(struct span in, struct buf *out, struct err *e)
{
	size_t groups = in.n / 3 + (in.n % 3 != 0);
	size_t lines = groups / TRANSFER_GROUPS + (groups % TRANSFER_GROUPS != 0);
	unsigned char *to;

	if (in.n > SIZE_MAX / 4)
		return err_set(e, ERR_PERM, "5.3.4", "base64: too many octets");
	if (in.n == 0)
		return 0;
	if ((to = buf_room(out, groups * 4 + lines * 2, e)) == NULL)
		return -1;
	for (size_t i = 0; i < groups; i++) {
		base64_group(in.p + i * 3, in.n - i * 3 < 3 ? in.n - i * 3 : 3, to);
		to += 4;
		if (i + 1 == groups || (i + 1) % TRANSFER_GROUPS == 0) {
			*to++ = '\r';
			*to++ = '\n';
		}
	}
	out->n += groups * 4 + lines * 2;
	return 0;
}

/* Must the octet at i be written as =XX?  start: it begins a line of the result; soft: that line does
 * not begin in the original, so it must not begin as a boundary does. */
static bool
qp_must(struct span in, size_t i, bool start, bool soft)
{
	int c = in.p[i], next = i + 1 < in.n ? in.p[i + 1] : -1;

	if (c == ' ' || c == '\t')
		return next == -1 || next == '\r' || next == '\n';
	if (c < 33 || c > 126 || c == '=')
		return true;
	if (soft && c == '-')
		return true;
	return start && (c == '.' || (c == 'F' && in.n - i >= 5 && memcmp(in.p + i, "From ", 5) == 0));
}

static int
qp_add(struct span in, size_t i, bool must, struct buf *out, struct err *e)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char three[3] = { '=', (unsigned char)hex[in.p[i] >> 4],
	    (unsigned char)hex[in.p[i] & 15] };

	return buf_add(out, must ? span_of(three, 3) : span_of(in.p + i, 1), e);
}

int
transfer_qp(struct span in, bool text, struct buf *out, struct err *e)
{
	size_t column = 0;

	for (size_t i = 0; i < in.n; i++) {
		bool must, last;
		size_t width;

		if (text && in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n') {
			if (buf_add_str(out, "\r\n", e) == -1)
				return -1;
			column = 0;
			i++;
			continue;
		}
		must = qp_must(in, i, column == 0, false);
		width = must ? 3 : 1;
		/* The last octet of a line needs no room for a soft break after it. */
		last = i + 1 == in.n || (text && i + 2 < in.n && in.p[i + 1] == '\r' &&
		    in.p[i + 2] == '\n');
		if (column + width > (size_t)TRANSFER_LINE - (last ? 0 : 1)) {
			if (buf_add_str(out, "=\r\n", e) == -1)
				return -1;
			column = 0;
			must = qp_must(in, i, true, true);
			width = must ? 3 : 1;
		}
		if (qp_add(in, i, must, out, e) == -1)
			return -1;
		column += width;
	}
	return 0;
}

/* Is one line, without its CRLF, of our own base64 or quoted-printable? */
static bool
transfer_line_ok(enum transfer how, struct span line, bool last)
{
	size_t n = line.n;

	if (n > TRANSFER_LINE || (how == TRANSFER_BASE64 && n % 4 != 0))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] > 0x7e)
			return false;
	if (how == TRANSFER_QP)
		return n == 0 || !ascii_wsp(line.p[n - 1]);
	for (int pad = 0; pad < 2 && last && n > 0 && line.p[n - 1] == '='; pad++)
		n--;
	for (size_t i = 0; i < n; i++)
		if (base64_value(line.p[i]) == -1)
			return false;
	return line.n > 0;
}

bool
transfer_same(enum transfer how, struct span coded, struct span plain)
{
	struct buf piece;
	struct err e;
	bool same = how == TRANSFER_BASE64 || how == TRANSFER_QP, soft = false;

	buf_init(&piece, 2 * TRANSFER_LINE);
	while (same && coded.n > 0) {
		size_t lf = span_find(coded, '\n');
		bool end = lf < coded.n;
		struct span whole = span_sub(coded, 0, end ? lf + 1 : lf), line = whole;

		coded = span_sub(coded, whole.n, coded.n);
		line.n -= end;
		same = !end || (line.n > 0 && line.p[line.n - 1] == '\r');
		line.n -= end && same;
		buf_clear(&piece);
		/* a line that is not one of the original must not become a boundary */
		same = same && !(soft && line.n > 0 && line.p[0] == '-') &&
		    transfer_line_ok(how, line, coded.n == 0) &&
		    transfer_decode(how, whole, &piece, &e) == 0 && piece.n <= plain.n &&
		    span_eq(buf_view(&piece), span_sub(plain, 0, piece.n));
		plain = span_sub(plain, piece.n, plain.n);
		soft = how == TRANSFER_QP && line.n > 0 && line.p[line.n - 1] == '=';
	}
	buf_free(&piece);
	return same && plain.n == 0;
}
