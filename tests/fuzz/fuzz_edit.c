/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The first octet chooses: an encoded list, which must be written again to the same octets
 * and whose copies ascend within the message; or
 * ranges and operations in short form, where what edit_check lets pass is judged by another way:
 * octet by octet, everything outside the ranges is there once, in order, and what is between is of
 * its range's kind; a part is as a whole there or has a note in its place; of a choice's branches one is there.  No sum of an offset and a length wraps, of a list or of a range: whatever passes
 * lies within the message.
 */
#include "lib/edit.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { LEN = 64, RANGES = 6, OPS = 10 };

static const char *const texts[] = { "Content-Type: image/tiff\r\n", "AAAA\r\n",
	"Content-MD5: x\r\n", "\r\n", "--b\r\n", "Content-Features: (a=b)\r\n (c)\r\n" };

/* The first is one. */
#define NOTE "Content-Type: text/plain; charset=us-ascii\r\n\r\n" \
	"Here was a part that this recipient's machine cannot use and that could not\r\n" \
	"be converted.  It was left out, as the sender permits.\r\n\r\nType: image/png\r\nSize: 1 octets\r\nSHA-256: " \
	"01abff0000000000000000000000000000000000000000000000000000000000\r\n"
static const char *const notes[] = { NOTE, NOTE "\r\n", "Content-Type: text/plain; charset=us-ascii\r\n\r\n" };

static bool
within(uint64_t off, uint64_t len, uint64_t end)
{
	return off <= end && len <= end - off;
}

/* An octet as a number; from 240 on the last ones of 64 bits. */
static uint64_t
number(uint8_t octet, uint8_t mask)
{
	return octet >= 240 ? UINT64_MAX - (255u - octet) * 8 : octet & mask;
}

static void
same_octets(struct span in)
{
	struct edit_list l;
	struct buf out;
	struct err e;
	uint64_t at = 0;

	if (edit_decode(in, LEN, &l, &e) == -1) {
		assert(e.kind == ERR_PROTO);
		return;
	}
	for (size_t i = 0; i < l.n; i++) {
		if (l.edit[i].op != EDIT_COPY)
			continue;
		assert(l.edit[i].off >= at && within(l.edit[i].off, l.edit[i].len, LEN));
		at = l.edit[i].off + l.edit[i].len;
	}
	buf_init(&out, 1 << 24);
	assert(edit_encode(&l, &out, &e) == 0);
	assert(span_eq(buf_view(&out), in));
	buf_free(&out);
	edit_free(&l);
}

/* The range of that kind that starts at off, or -1. */
static int
starts(const struct edit_range *r, size_t n, uint64_t off, int kind)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].off == off && r[i].kind == kind)
			return (int)i;
	return -1;
}

static bool
encloses(const struct edit_range *r)
{
	return r->kind == RANGE_PART || r->kind == RANGE_CHOICE || r->kind == RANGE_BRANCH;
}

static bool
any(const bool *copied, uint64_t off, uint64_t len)
{
	for (uint64_t k = off; k < off + len; k++)
		if (copied[k])
			return true;
	return false;
}

static bool
is_part(const struct edit_range *r, size_t n, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].kind == RANGE_PART && r[i].off == from && r[i].off + r[i].len == to)
			return true;
	return false;
}

static void
judge(const struct edit_list *l, const struct edit_range *r, size_t n)
{
	bool copied[LEN] = { false };
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++)
		assert(within(r[i].off, r[i].len, LEN));
	for (size_t i = 0; i < n; i++)			/* what is in a part ends in it */
		for (size_t k = i + 1; encloses(&r[i]) && k < n && r[k].off < r[i].off + r[i].len; k++)
			assert(r[k].off + r[k].len <= r[i].off + r[i].len);
	for (size_t i = 0; i < l->n; i++) {
		const struct edit *d = &l->edit[i];

		assert(within(d->off, d->len, d->op == EDIT_COPY ? LEN : l->text.n));
		if (d->op == EDIT_COPY) {
			assert(d->off >= at);
			for (uint64_t k = d->off; k < d->off + d->len; k++)
				copied[k] = true;
			at = d->off + d->len;
			continue;
		}
		if (d->op == EDIT_NOTE) {
			uint64_t to = i + 1 < l->n ? d[1].off : LEN;

			assert(d->len == strlen(notes[0]) && (i + 1 == l->n || d[1].op == EDIT_COPY));
			assert(is_part(r, n, at, to));
			for (uint64_t k = at; k < to; k++)
				copied[k] = true;
			continue;
		}
		assert(starts(r, n, at, d->op == EDIT_BODY ? RANGE_BODY : RANGE_HEADER) != -1 ||
		    (d->op == EDIT_HEADER && starts(r, n, at, RANGE_RECORD) != -1 && l->text.p[d->off + 8] == 'F'));
		/* of the texts only these may pass */
		if (d->op == EDIT_BODY)
			assert(d->len == strlen(texts[1]));
		else
			assert(l->text.p[d->off] == 'C' && l->text.p[d->off + 8] != 'M');
	}
	for (size_t i = 0; i < n; i++) {		/* a range is there, or not, as a whole */
		if (r[i].kind == RANGE_CHOICE)
			assert(any(copied, r[i].off, r[i].len));
		if (r[i].kind == RANGE_PART || r[i].kind == RANGE_CHOICE ||
		    (r[i].kind == RANGE_BRANCH && any(copied, r[i].off, r[i].len)))
			continue;
		for (uint64_t k = 1; k < r[i].len; k++)
			assert(copied[r[i].off + k] == copied[r[i].off]);
		for (uint64_t k = 0; k < r[i].len; k++)
			copied[r[i].off + k] = true;
	}
	for (size_t k = 0; k < LEN; k++)
		assert(copied[k]);
}

static int
count(void *arg, struct span piece, struct err *e)
{
	(void)e;
	*(uint64_t *)arg += piece.n;
	return 0;
}

static void
short_form(const uint8_t *p, size_t n)
{
	static const unsigned char message[LEN];
	static const uint8_t kinds[] = { RANGE_PART, RANGE_CHOICE, RANGE_BRANCH, RANGE_RECORD };
	struct edit_range r[RANGES];
	struct edit d[OPS];
	struct edit_list l = { .edit = d };
	struct buf text;
	struct err e;
	size_t nr = 0;
	uint64_t size = 0;

	buf_init(&text, 4096);
	for (; n >= 2 && p[0] != 0xff && nr < RANGES; p += 2, n -= 2)
		r[nr++] = (struct edit_range){ p[0] & 63, number(p[1], p[0] & 64 ? 63 : 31),
		    p[0] & 64 ? kinds[p[1] >> 6] : p[1] >> 7 };
	if (n > 0 && p[0] == 0xff)
		p++, n--;
	for (; n >= 3 && l.n < OPS; p += 3, n -= 3, l.n++) {
		d[l.n] = (struct edit){ p[0] >= 252 ? EDIT_NOTE : p[0] % 3, number(p[1], 63), number(p[2], 63) };
		if (d[l.n].op != EDIT_COPY) {
			const char *t = d[l.n].op == EDIT_NOTE ? notes[p[1] % (sizeof notes / sizeof *notes)] :
			    texts[p[1] % (sizeof texts / sizeof *texts)];

			d[l.n].off = text.n;
			d[l.n].len = strlen(t);
			assert(buf_add_str(&text, t, &e) == 0);
		}
		l.size += d[l.n].len;
	}
	l.text = buf_view(&text);
	if (edit_check(&l, LEN, r, nr, &e) == 0) {
		judge(&l, r, nr);
		assert(edit_walk(&l, span_of(message, LEN), count, &size, &e) == 0 && size == l.size);
	}
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	if (p[0] & 1)
		same_octets(span_of(p + 1, n - 1));
	else
		short_form(p + 1, n - 1);
	return 0;
}
