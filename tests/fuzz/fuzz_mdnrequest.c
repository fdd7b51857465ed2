/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * What any header asks of its recipient: who is to be answered is an address, what is cited is a message
 * ID, an offer is made by options that can be read, and nobody is answered but the sender of the envelope.
 * A second field of a kind takes away what the first one said.
 */
#include "lib/mdnrequest.h"

#include <assert.h>

#include "lib/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ROOM = 1 << 21 };

static void
id(const char *s)
{
	assert(s[0] == '\0' || mdnrequest_id_ok(span_str(s)));
}

/* The header with one more field on top. */
static void
with(const char *field, struct span header, struct mdnrequest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, ROOM);
	assert(buf_add_str(&b, field, &e) == 0 && buf_add(&b, header, &e) == 0);
	mdnrequest_read(buf_view(&b), out);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span header = mime_message_header(span_of(p, n));
	struct mdnrequest r, two;
	struct mime_field f;
	struct err e;

	if (n == 0)
		return 0;
	mdnrequest_read(header, &r);
	assert(r.asked == (r.to[0] != '\0') && (!r.asked || address_check(span_str(r.to), &e) == 0));
	id(r.id);
	id(r.original);
	assert(r.answers || r.original[0] == '\0');
	assert(!r.foreign || r.offer == OFFER_NONE);
	if (mdnrequest_may_answer(&r, span_str("a@x.example"), span_str("b@x.example")))
		assert(r.asked && !r.foreign && r.id[0] != '\0' && span_isi(span_str(r.to), "a@x.example"));
	assert(!mdnrequest_may_answer(&r, span_str(""), span_str("b@x.example")));
	if (mime_field_find(header, "Disposition-Notification-Options", &f) > 0) {
		with("Disposition-Notification-Options: a=optional,b\r\n", header, &two);
		assert(two.foreign && two.offer == OFFER_NONE);
	}
	if (mime_field_find(header, "Disposition-Notification-To", &f) > 0) {
		with("Disposition-Notification-To: a@x.example\r\n", header, &two);
		assert(!two.asked);
	}
	with("To: a@x.example\r\n", header, &two);
	assert(two.asked == r.asked && two.offer == r.offer);
	(void)mdnrequest_names(header, span_str("b@x.example"), span_str(r.to));
	return 0;
}
