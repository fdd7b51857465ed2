/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A submission's header edits (smtpd/mend.c, lib/describe.c, lib/headedit.c).  What is taken out again of the message that
 * they make is the message that came, but for Return-Path fields; it has a From, a Date and a Message-ID, each part with a
 * Content-Convert has a Content-Features, and there is nothing more to be mended.  The envelope takes them.
 * The first octet says whether it is internationalized, and whether its client cannot say CONPERM.
 */
#include <assert.h>
#include <stdlib.h>

#include "lib/describe.h"
#include "lib/envelope.h"
#include "lib/mime.h"
#include "smtpd/submit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define OURS "Received: from c\r\n\tby mx.example;\r\n\tnow\r\n"
enum { ROOM = 1 << 20 };

static struct conf conf;
static struct link l;
static struct session s;

static int
image(void *arg, struct span file, struct buf *out, struct err *e)
{
	(void)arg;
	if (file.n < 4 || memcmp(file.p, "II*\0", 4) != 0)
		return err_set(e, ERR_PERM, "5.6.1", "no TIFF");
	return buf_add_str(out, "(image-coding=MH)", e);
}

static int
put(void *arg, size_t at, struct span field, struct err *e)
{
	return mend_add(arg, at, 0, field, e);
}

/* The edits of message into list.  false: it is refused. */
static bool
mend(struct span message, bool permit, struct buf *list)
{
	struct refusal why = { .code = 0 };
	struct mending m = { .s = &s, .why = &why, .message = message };
	struct describe how = { image, NULL, put, &m, permit ? "ANY" : NULL };
	struct err e = { 0 };
	bool ok;

	buf_init(&m.octets, HEADEDIT_OCTETS);
	ok = mend_header(&m);
	assert(ok == (why.code == 0));
	ok = ok && describe_parts(message, &how, &e) != -1;
	if (ok)
		ok = mend_encode(&m, list, &e) == 0;
	free(m.edit);
	buf_free(&m.octets);
	return ok;
}

/* What was inserted is taken out: the message that came is left, but for what was cut. */
static void
only_added(struct span edits, struct span was, struct span now)
{
	struct headedit d;
	size_t i = 0, j = 0;

	while (edits.n > 0) {
		struct mime_field f;
		struct span rest;

		assert(headedit_next(&edits, &d));
		assert(span_eq(span_sub(was, i, (size_t)d.at), span_sub(now, j, j + (size_t)d.at - i)));
		j += (size_t)d.at - i;
		assert(span_eq(span_sub(now, j, j + d.text.n), d.text));
		j += d.text.n;
		i = (size_t)d.at;
		rest = span_sub(was, i, i + d.cut);
		assert(d.cut == 0 || (mime_field_next(&rest, &f) && rest.n == 0 && span_isi(f.name, "Return-Path")));
		i += d.cut;
	}
	assert(span_eq(span_sub(was, i, was.n), span_sub(now, j, now.n)));
}

static void
whole(struct span message)
{
	struct span header = mime_message_header(message);
	struct mime_field f;

	assert(mime_field_find(header, "From", &f) == 1 && mime_field_find(header, "Date", &f) > 0);
	assert(mime_field_find(header, "Message-ID", &f) > 0 && mime_field_find(header, "Return-Path", &f) == 0);
}

/* Lines of CRLF, as smtpd takes them; it begins with no white space. */
static bool
is_lines(struct span t)
{
	if (t.n < 2 || t.p[t.n - 2] != '\r' || t.p[t.n - 1] != '\n' || ascii_wsp(t.p[0]))
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] == '\0' || (t.p[i] == '\n' && (i == 0 || t.p[i - 1] != '\r')) ||
		    (t.p[i] == '\r' && (i + 1 == t.n || t.p[i + 1] != '\n')))
			return false;
	return true;
}

static void
enveloped(struct span edits)
{
	struct rcpt rcpt = { .addr = span_str("c@d.example") };
	struct envelope env = { .nrcpt = 1, .rcpt = &rcpt, .edits = edits }, back;
	struct buf block;
	struct err e;

	buf_init(&block, ROOM + HEADEDIT_OCTETS);
	assert(envelope_encode(&env, &block, &e) == 0);
	assert(envelope_decode(buf_view(&block), &back, &e) == 0 && span_eq(back.edits, edits));
	envelope_free(&back);
	buf_free(&block);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf message, list, made, none;
	struct err e = { 0 };
	struct edited x;

	if (conf.v[0].n == 0) {
		assert(conf_init_as(&conf, "mx.example", &e) == 0);
		link_init(&l, -1, -1, -1);
		l.rest_ms[0] = INT64_MAX;		/* nobody can be looked up now */
		s = (struct session){ .conf = &conf, .link = &l };
	}
	if (n < 2 || n > ROOM / 2 || !is_lines(span_of(p + 1, n - 1)))
		return 0;
	s.mail.smtputf8 = p[0] & 1;
	buf_init(&message, ROOM);
	buf_init(&list, HEADEDIT_OCTETS);
	buf_init(&made, ROOM + HEADEDIT_OCTETS);
	buf_init(&none, HEADEDIT_OCTETS);
	assert(buf_add_str(&message, OURS, &e) == 0 && buf_add(&message, span_of(p + 1, n - 1), &e) == 0);
	if (mend(buf_view(&message), p[0] & 2, &list)) {
		assert(headedit_ok(buf_view(&list)));
		assert(headedit_apply(buf_view(&list), buf_view(&message), false, &made, &e) == 0);
		only_added(buf_view(&list), buf_view(&message), buf_view(&made));
		assert(edited_open(buf_view(&list), buf_view(&message), &x, &e) == 0);
		assert(span_eq(edited_view(&x), buf_view(&made)));
		edited_close(&x);
		whole(buf_view(&made));
		enveloped(buf_view(&list));
		assert(mend(buf_view(&made), p[0] & 2, &none) && none.n == 0);
	}
	buf_free(&message);
	buf_free(&list);
	buf_free(&made);
	buf_free(&none);
	return 0;
}
