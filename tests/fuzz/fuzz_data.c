/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_data.c - what data_feed makes does not depend on how its input is cut; without a
 * fault it holds no bare CR, bare LF or NUL, and stuffing it again gives what was read.
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
	free(a);
	free(b);
	return 0;
}
