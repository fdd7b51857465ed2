/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/describe.h"

#include "lib/mime.h"

/* The message anew. */
struct anew { struct span message; size_t done; struct buf out; };

static int
anew_put(void *arg, size_t at, struct span field, struct err *e)
{
	struct anew *a = arg;

	if (buf_add(&a->out, span_sub(a->message, a->done, at), e) == -1)
		return -1;
	a->done = at;
	return buf_add(&a->out, field, e);
}

int
describe_message(struct buf *message, describe_image *image, void *arg, struct err *e)
{
	struct anew a = { .message = buf_view(message) };
	struct describe how = { .image = image, .image_arg = arg, .put = anew_put, .put_arg = &a };
	struct mime_field f;
	int r;

	if (mime_field_find(mime_message_header(a.message), "Received", &f) > 0)
		return 0;
	buf_init(&a.out, message->max);
	r = describe_parts(a.message, &how, e);
	if (r == 1)
		r = buf_add(&a.out, span_sub(a.message, a.done, a.message.n), e);
	if (r == 0 && a.out.n > 0) {
		buf_free(message);
		*message = a.out;
	} else {
		buf_free(&a.out);
	}
	return r;
}
