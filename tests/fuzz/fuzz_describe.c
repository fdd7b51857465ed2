/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A message that is described is the same but for Content-Features fields, which stand before a Content-Convert;
 * then each part of its own that has that has both, and nothing more is to be said.  One that is not is as it was.
 */
#include "cmd/describe.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/contfield.h"

enum { ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* As convertd's: by the first octets; one kind of image is too much for it just now. */
static int
image(void *arg, struct span file, struct buf *out, struct err *e)
{
	(void)arg;
	if (file.n >= 4 && memcmp(file.p, "MM\0*", 4) == 0)
		return err_set(e, ERR_TEMP, "4.6.5", "busy");
	if (file.n < 4 || memcmp(file.p, "II*\0", 4) != 0)
		return err_set(e, ERR_PERM, "5.6.1", "no TIFF");
	return buf_add_str(out, "(image-coding=MH)", e);
}

/* now: was, with fields added. */
static void
only_described(struct span was, struct span now)
{
	static const char field[] = "Content-Features: ";
	size_t i = 0;

	for (size_t j = 0; j < now.n;) {
		struct span rest = span_sub(now, j, now.n);
		struct mime_field f;

		if (i < was.n && was.p[i] == now.p[j]) {
			/* an added field's first octet may be equal: it is one where the original goes on otherwise */
			if (rest.n < sizeof field - 1 || memcmp(rest.p, field, sizeof field - 1) != 0 ||
			    span_eq(span_sub(rest, 0, sizeof field - 1), span_sub(was, i, i + sizeof field - 1))) {
				i++, j++;
				continue;
			}
		}
		assert(rest.n > sizeof field && memcmp(rest.p, field, sizeof field - 1) == 0);
		assert(mime_field_next(&rest, &f));
		j += f.whole.n;
		assert(rest.n > 15 && span_isi(span_sub(rest, 0, 15), "Content-Convert"));
	}
	assert(i == was.n);
}

static void
all_described(struct span message)
{
	struct mime m;
	struct mime_field f;
	struct err e;

	if (mime_parse(message, &m, &e) == -1)
		return;
	for (uint32_t i = 0; i < m.n; i++)
		assert(m.part[i].root != 0 || mime_field_find(m.part[i].header, "Content-Convert", &f) == 0 ||
		    mime_field_find(m.part[i].header, "Content-Features", &f) > 0);
	mime_free(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span was = span_of(p, n);
	struct mime_field f;
	struct err e = { 0 };
	struct buf m;
	int r;

	if (n > ROOM / 2)
		return 0;
	buf_init(&m, ROOM);
	assert(buf_add(&m, was, &e) == 0);
	r = describe_message(&m, image, NULL, &e);
	if (r == -1) {
		assert(e.kind == ERR_PERM || e.kind == ERR_TEMP);
		assert(span_eq(buf_view(&m), was));
	} else if (mime_field_find(mime_message_header(was), "Received", &f) > 0) {
		assert(span_eq(buf_view(&m), was));
	} else {
		only_described(was, buf_view(&m));
		all_described(buf_view(&m));
	}
	buf_free(&m);
	return 0;
}
