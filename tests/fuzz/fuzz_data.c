/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_data.c - what data_feed makes does not depend on how its input is cut; without a
 * fault it holds no bare CR, bare LF or NUL, and stuffing it again gives what was read.  The same
 * octets as chunks: what data_look sees does not depend on the cut either, and without a fault they
 * are clean lines; but behind the header of a binary message anything may stand.
 */
#include "smtpd/data.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* In pieces and rooms of sizes that follow from seed; seed 0: all at once. */
static size_t
run(struct data *d, struct span in, unsigned seed, unsigned char *out, size_t *made)
{
	size_t used = 0;

	data_init(d);
	*made = 0;
	while (used < in.n && !d->end) {
		size_t piece = in.n, room = in.n, m, u;

		if (seed != 0) {
			seed = seed * 1103515245u + 12345u;
			piece = 1 + (seed >> 16) % 7;
			room = 1 + (seed >> 24) % 5;
		}
		u = data_feed(d, span_sub(in, used, used + piece), out + *made, room, &m);
		assert(u > 0 && m <= u && m <= room);
		used += u;
		*made += m;
	}
	return used;
}

/* Dot-stuffed again and ended, the message is what came over the wire, octet by octet. */
static void
check_clean(struct span wire, struct span message)
{
	size_t w = 0;

	for (size_t i = 0; i < message.n; i++) {
		int o = message.p[i];

		assert(o != '\0');
		assert((o == '\n') == (i > 0 && message.p[i - 1] == '\r'));
		if ((i == 0 || message.p[i - 1] == '\n') && wire.p[w] == '.')
			w++;		/* any first dot is stuffing */
		assert(w < wire.n && wire.p[w++] == o);
	}
	assert(message.n == 0 || message.p[message.n - 1] == '\n');
	assert(wire.n - w == 3 && memcmp(wire.p + w, ".\r\n", 3) == 0);
}

static bool
look(struct data *d, struct span in, unsigned seed, bool binary)
{
	size_t used = 0;

	data_init(d);
	d->binary = binary;
	while (used < in.n) {
		size_t piece = in.n;

		if (seed != 0) {
			seed = seed * 1103515245u + 12345u;
			piece = 1 + (seed >> 16) % 40;
		}
		data_look(d, span_sub(in, used, used + piece));
		used += piece;
	}
	return data_last(d);
}

static void
check_chunks(struct span in, bool binary)
{
	const unsigned char *end = in.n < 4 ? NULL : memmem(in.p, in.n, "\r\n\r\n", 4);
	struct data whole, cut;
	bool lacks = look(&whole, in, 0, binary);
	size_t n = in.n;

	for (unsigned seed = 1; seed < 6; seed++) {
		assert(look(&cut, in, seed, binary) == lacks && cut.fault == whole.fault);
		assert(cut.size == in.n && cut.received == whole.received && cut.body == whole.body);
		assert(cut.eight_bit == whole.eight_bit);
	}
	if (binary && in.n >= 2 && memcmp(in.p, "\r\n", 2) == 0)
		n = 2;
	else if (binary && end != NULL)
		n = (size_t)(end - in.p) + 4;
	if (whole.fault != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		assert(in.p[i] != '\0' && (in.p[i] == '\n') == (i > 0 && in.p[i - 1] == '\r'));
		assert(in.p[i] != '\r' || i + 1 < in.n);
	}
	assert(lacks == (n == in.n && n > 0 && in.p[n - 1] != '\n'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	unsigned char *a = malloc(n + 1), *b = malloc(n + 1);
	struct data whole, cut;
	size_t na, nb, used;

	if (a == NULL || b == NULL)
		abort();
	used = run(&whole, in, 0, a, &na);
	for (unsigned seed = 1; seed < 6; seed++) {
		assert(run(&cut, in, seed, b, &nb) == used);
		assert(na == nb && memcmp(a, b, na) == 0);
		assert(cut.end == whole.end && cut.fault == whole.fault && cut.size == whole.size);
		assert(cut.received == whole.received && cut.eight_bit == whole.eight_bit);
	}
	if (whole.end && whole.fault == 0)
		check_clean(span_sub(in, 0, used), span_of(a, na));
	check_chunks(in, false);
	check_chunks(in, true);
	free(a);
	free(b);
	return 0;
}
