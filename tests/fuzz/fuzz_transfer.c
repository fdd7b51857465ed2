/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What is encoded comes back and stands in lines of 76; what is decoded is never longer. */
#include "lib/transfer.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
comes_back(struct span in, const struct buf *coded, enum transfer how)
{
	struct span rest = buf_view(coded), line;
	struct buf back;
	struct err e;

	buf_init(&back, 1 << 22);
	assert(transfer_decode(how, rest, &back, &e) == 0);
	assert(span_eq(buf_view(&back), in));
	while (span_line(&rest, &line)) {
		assert(line.n <= 76);
		for (size_t i = 0; i < line.n; i++)
			assert((line.p[i] >= 0x20 && line.p[i] < 0x7f) || line.p[i] == '\t');
		assert(line.n == 0 || !ascii_wsp(line.p[line.n - 1]));
	}
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum transfer hows[] = { TRANSFER_7BIT, TRANSFER_BASE64, TRANSFER_QP };
	struct span in = span_of(p, n);
	struct buf out;
	struct err e;

	buf_init(&out, 1 << 22);
	assert(transfer_base64(in, &out, &e) == 0);
	comes_back(in, &out, TRANSFER_BASE64);
	for (int text = 0; text < 2; text++) {
		buf_clear(&out);
		assert(transfer_qp(in, text, &out, &e) == 0);
		comes_back(in, &out, TRANSFER_QP);
	}
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&out);
		if (transfer_decode(hows[i], in, &out, &e) == 0)
			assert(out.n <= n + n);		/* a bare LF becomes CRLF */
		else
			assert(e.kind == ERR_PERM);
	}
	buf_free(&out);
	return 0;
}
