/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Any message for a hop of 7 bits, or of 8-bit lines (the first octet chooses): it is refused with
 * 5.6.3, or a list results that the sender's check lets pass; then the result has no octet that the
 * hop does not take, the same parts in the same order, and every leaf decodes to the same octets,
 * where the message ends in quoted-printable after DATA has ended its last line, too.
 */
#include <assert.h>

#include "convertd/apply.h"
#include "lib/edit_recode.h"
#include "lib/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
put(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

/* A body decoded; as it is where it cannot be. */
static void
content(const struct mime_part *p, struct buf *out)
{
	struct err e;

	if (transfer_decode(p->transfer, p->body, out, &e) == 0)
		return;
	buf_clear(out);
	assert(buf_add(out, p->body, &e) == 0);
}

static void same_message(struct span before, struct span after);

static void
same_part(const struct mime_part *a, const struct mime_part *b)
{
	struct buf was, is;

	assert(span_eqi(a->type, b->type) || (a->type.n == 0 && mime_is(b, "text/plain")));
	assert(a->parent == b->parent && a->broken == b->broken && a->protected == b->protected);
	assert(a->multipart == b->multipart);
	if (a->multipart)
		return;
	if (mime_is(a, "message/rfc822") && a->transfer <= TRANSFER_BINARY && !a->broken) {
		assert(b->transfer <= TRANSFER_BINARY);
		same_message(a->body, b->body);
		return;
	}
	buf_init(&was, 8 << 20);
	buf_init(&is, 8 << 20);
	content(a, &was);
	content(b, &is);
	assert(span_eq(buf_view(&was), buf_view(&is)));
	buf_free(&was);
	buf_free(&is);
}

static void
same_message(struct span before, struct span after)
{
	struct mime a, b;
	struct err e = { 0 };

	if (mime_parse(before, &a, &e) == -1) {
		assert(e.kind == ERR_PERM && span_eq(before, after));
		return;
	}
	assert(mime_parse(after, &b, &e) == 0 && a.n == b.n);
	for (uint32_t i = 0; i < a.n; i++)
		same_part(&a.part[i], &b.part[i]);
	mime_free(&a);
	mime_free(&b);
}

/* What DATA makes of it: its last line has an end. */
static void
as_sent(struct span result, struct buf *out)
{
	struct err e;

	assert(buf_add(out, result, &e) == 0);
	if (result.n == 0 || result.p[result.n - 1] != '\n')
		assert(buf_add_str(out, "\r\n", &e) == 0);
}

static void
judge(struct span message, struct span result, enum edit_transfer to)
{
	struct buf sent;
	uint64_t at;

	for (size_t i = 0; i < result.n; i++) {
		assert(to != EDIT_TO_7BIT || result.p[i] < 128);
		assert(result.p[i] != '\0');
		assert((result.p[i] == '\n') == (i > 0 && result.p[i - 1] == '\r'));
	}
	same_message(message, result);
	if (recode_open_end(message, &at)) {
		buf_init(&sent, 32 << 20);
		as_sent(result, &sent);
		same_message(message, buf_view(&sent));
		buf_free(&sent);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span message = span_of(p + (n > 0), n - (n > 0));
	struct apply_by by = { .me = "me.example",
	    .transfer = n > 0 && p[0] & 1 ? EDIT_TO_8BIT : EDIT_TO_7BIT };
	struct edit_list list;
	struct buf coded, result;
	struct err e = { 0 };

	if (n < 2)
		return 0;
	buf_init(&coded, 32 << 20);
	buf_init(&result, 32 << 20);
	if (apply_key(message, span_str(""), &by, &fax_limits, &coded, &e) == -1) {
		assert(e.kind == ERR_PERM && strcmp(e.dsn, "5.6.3") == 0 && e.what[0] != '\0');
	} else {
		assert(edit_decode(buf_view(&coded), message.n, &list, &e) == 0);
		assert(edit_check_transfer(&list, message, by.transfer, NULL, 0, &e) == 0);
		assert(edit_walk(&list, message, put, &result, &e) == 0 && result.n == list.size);
		judge(message, buf_view(&result), by.transfer);
		edit_free(&list);
	}
	buf_free(&coded);
	buf_free(&result);
	return 0;
}
