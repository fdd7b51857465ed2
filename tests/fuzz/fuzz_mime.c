/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Any message: headers and bodies lie in it, in order, parts in their multipart's body and apart
 * from each other, attached messages in their part's; paths name one part each; fields put together again are
 * the header; what is said of signatures is a field of printable ASCII.
 */
#include "lib/mime.h"
#include "lib/signature.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
within(struct span in, struct span out)
{
	assert(in.p >= out.p && in.p + in.n <= out.p + out.n);
}

static void
header(struct span h)
{
	const unsigned char *at = h.p;
	struct mime_field f;
	struct buf b;
	struct err e;

	buf_init(&b, 1 << 20);
	while (mime_field_next(&h, &f)) {
		struct span word, rest;
		struct mime_param param;

		assert(f.whole.p == at && f.whole.n > 0);
		at += f.whole.n;
		within(f.value, f.whole);
		within(f.name, f.whole);
		buf_clear(&b);
		assert(mime_unfold(f.value, &b, &e) == 0 && b.n <= f.value.n);
		if (mime_value(f.value, &word, &rest, &e) == -1)
			continue;
		within(word, f.value);
		while (mime_param_next(&rest, &param, &e) == 1) {
			within(param.name, f.value);
			within(param.value, f.value);
			assert(mime_param_text(&param, &b, &e) == 0);
		}
	}
	buf_free(&b);
}

static void
signatures(struct span message)
{
	struct span header = mime_message_header(message);
	struct signature s;
	struct buf out;
	struct err e;

	assert(header.n <= message.n);
	while (signature_next(&header, &s)) {
		assert(s.domain.n <= SIGNATURE_NAME && s.selector.n <= SIGNATURE_NAME);
		assert(signature_any(message));
	}
	buf_init(&out, SIGNATURE_FIELD);
	assert(signature_broken("me.example", message, &out, &e) == 0);
	for (size_t i = 0; i < out.n; i++)
		assert((out.p[i] >= ' ' && out.p[i] < 0x7f) || (out.p[i] == '\r' && out.p[i + 1] == '\n' &&
		    (i + 2 == out.n || out.p[i + 2] == '\t')) || out.p[i] == '\t' || out.p[i - 1] == '\r');
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const unsigned char none[1];
	struct span message = span_of(n == 0 ? none : p, n);
	const unsigned char *last = message.p;
	struct mime m;
	struct err e = { 0 };
	struct buf path;

	signatures(message);
	if (mime_parse(message, &m, &e) == -1) {
		assert(e.kind == ERR_PERM);
		return 0;
	}
	buf_init(&path, 1000);
	assert(m.n >= 1 && m.n <= MIME_MAX_PARTS);
	for (uint32_t i = 0; i < m.n; i++) {
		const struct mime_part *a = &m.part[i];

		within(a->header, message);
		within(a->body, message);
		within(a->whole, message);
		assert(a->header.n + a->body.n == 0 || (a->whole.p <= a->header.p &&
		    a->whole.p + a->whole.n == a->body.p + a->body.n));
		assert(a->header.p + a->header.n <= a->body.p);
		header(a->header);
		buf_clear(&path);
		assert(mime_path(&m, i, &path, &e) == 0);
		assert(mime_by_path(&m, buf_view(&path)) == i);
		if (a->parent == MIME_NONE) {
			assert(i == 0);
			continue;
		}
		assert(a->parent < i && m.part[a->parent].multipart != m.part[a->parent].message);
		assert(m.part[a->parent].message ? a->parent + 1 == i && a->root == i : a->root == m.part[a->parent].root);
		assert(!m.part[a->parent].broken || a->broken);
		assert(!m.part[a->parent].protected || a->protected);
		within(a->header, m.part[a->parent].body);
		within(a->body, m.part[a->parent].body);
		assert(a->header.p >= last);	/* the leaf before this one has ended */
		if (!a->multipart && !a->message)
			last = a->body.p + a->body.n;
	}
	buf_free(&path);
	mime_free(&m);
	return 0;
}
