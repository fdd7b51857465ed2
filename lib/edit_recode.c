/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/edit_recode.h"

#include "lib/mime.h"

/* Takes text off the start of *s, if it stands there. */
static bool
recode_take(struct span *s, const char *text)
{
	size_t n = strlen(text);

	if (!span_is(span_sub(*s, 0, n), text))
		return false;
	*s = span_sub(*s, n, s->n);
	return true;
}

/* The fields of an EDIT_FIELD; *how: what the last one says. */
static bool
recode_fields(struct span s, enum transfer *how)
{
	if (recode_take(&s, RECODE_VERSION))
		(void)recode_take(&s, RECODE_TYPE);
	if (!recode_take(&s, RECODE_FIELD) || s.n < 3 || memcmp(s.p + s.n - 2, "\r\n", 2) != 0)
		return false;
	*how = transfer_of(span_sub(s, 0, s.n - 2));
	return *how == TRANSFER_7BIT || *how == TRANSFER_8BIT || *how == TRANSFER_QP ||
	    *how == TRANSFER_BASE64;
}

/* Is it one whole field that says that nothing is encoded? */
static bool
recode_identity(struct span cut)
{
	struct mime_field f;
	struct span word, rest;
	struct mime_param p;
	struct err e;
	size_t n = cut.n;

	return mime_field_next(&cut, &f) && f.whole.n == n && n > 2 &&
	    memcmp(f.whole.p + n - 2, "\r\n", 2) == 0 &&
	    span_isi(f.name, "Content-Transfer-Encoding") &&
	    mime_value(f.value, &word, &rest, &e) == 0 && mime_param_next(&rest, &p, &e) == 0 &&
	    transfer_of(word) <= TRANSFER_BINARY;
}

static int
recode_field(struct recode *r, uint64_t from, uint64_t to, struct span text, struct err *e)
{
	struct span cut = span_sub(r->message, (size_t)from, (size_t)to);

	if (from > 0 && (from < 2 || memcmp(r->message.p + from - 2, "\r\n", 2) != 0))
		return err_set(e, ERR_PROTO, NULL, "edit list: a field in the midst of a line");
	if (cut.n > 0 && !recode_identity(cut))
		return err_set(e, ERR_PROTO, NULL, "edit list: no transfer encoding is left out");
	if (!recode_fields(text, &r->pending))
		return err_set(e, ERR_PROTO, NULL, "edit list: no transfer encoding");
	if (cut.n == 0 && (r->pending == TRANSFER_7BIT || r->pending == TRANSFER_8BIT))
		return err_set(e, ERR_PROTO, NULL, "edit list: a label where none was");
	r->after = to;
	return 0;
}

/* Does the header that has the field end where the body starts? */
static bool
recode_header_ends(const struct recode *r, uint64_t body)
{
	struct span s = span_sub(r->message, r->after < 2 ? 0 : (size_t)r->after - 2, (size_t)body);
	const unsigned char *end;

	if (r->after == 0 && s.n == 2)		/* the message has no field at all */
		return memcmp(s.p, "\r\n", 2) == 0;
	end = s.n < 4 ? NULL : memmem(s.p, s.n, "\r\n\r\n", 4);
	return end != NULL && end + 4 == s.p + s.n;
}

static int
recode_body(struct recode *r, uint64_t from, uint64_t to, enum transfer how, struct span text,
    struct err *e)
{
	if (how != r->pending || from == to || !recode_header_ends(r, from))
		return err_set(e, ERR_PROTO, NULL, "edit list: a body that its header does not name");
	if (!transfer_same(how, text, span_sub(r->message, (size_t)from, (size_t)to)))
		return err_set(e, ERR_PROTO, NULL, "edit list: a body that is not what it stands for");
	r->pending = TRANSFER_7BIT;
	return 0;
}

bool
recode_open_end(struct span message, uint64_t *at)
{
	struct span in = message, end = message;
	bool inner = in.n > 0 && in.p[in.n - 1] != '\n', found = false;

	while (inner) {			/* the last part, and that of a message which it is */
		struct mime m;
		struct mime_part *p;
		struct err e;

		if (mime_parse(in, &m, &e) == -1)
			return false;
		p = &m.part[m.n - 1];
		inner = p->body.n > 0 && p->body.n < in.n && p->body.p + p->body.n == in.p + in.n &&
		    !p->broken && !p->protected;
		found = inner && p->transfer == TRANSFER_QP && !p->multipart;
		inner &= mime_is(p, "message/rfc822") && p->transfer <= TRANSFER_BINARY;
		in = p->body;
		mime_free(&m);
	}
	while (found && end.n > 0 && ascii_wsp(end.p[end.n - 1]))
		end.n--;
	*at = end.n;
	return found && end.p[end.n - 1] != '=';
}

/* What DATA adds is no content. */
static int
recode_soft(struct recode *r, uint64_t from, uint64_t to, struct span text, struct err *e)
{
	uint64_t at;

	if (from != to || !span_is(text, "=") || !recode_open_end(r->message, &at) || at != from)
		return err_set(e, ERR_PROTO, NULL, "edit list: a soft line end where none is due");
	return recode_done(r, e);
}

int
recode_gap(struct recode *r, uint64_t from, uint64_t to, const struct edit *d, struct err *e)
{
	struct span text = span_sub(r->text, (size_t)d->off, (size_t)(d->off + d->len));

	if (d->op == EDIT_SOFT)
		return recode_soft(r, from, to, text, e);
	if (d->op != EDIT_FIELD)
		return recode_body(r, from, to, d->op == EDIT_QP ? TRANSFER_QP : TRANSFER_BASE64, text,
		    e);
	return recode_done(r, e) == -1 ? -1 : recode_field(r, from, to, text, e);
}

int
recode_done(const struct recode *r, struct err *e)
{
	if (r->pending == TRANSFER_QP || r->pending == TRANSFER_BASE64)
		return err_set(e, ERR_PROTO, NULL, "edit list: a header whose body was not encoded");
	return 0;
}

struct recode_scan { enum edit_transfer to; unsigned char last; };

static int
recode_scan(void *arg, struct span piece, struct err *e)
{
	struct recode_scan *s = arg;
	unsigned char last = s->last, all = 0;
	bool bad = false;

	for (size_t i = 0; i < piece.n; i++) {
		unsigned char c = piece.p[i];

		all |= c;
		bad |= c == '\0' || (c == '\n') != (last == '\r');
		last = c;
	}
	s->last = last;
	if (bad || (s->to == EDIT_TO_7BIT && all > 127))
		return err_set(e, ERR_PROTO, NULL, "edit list: octets that the hop does not take");
	return 0;
}

int
recode_result(const struct edit_list *l, struct span message, enum edit_transfer to, struct err *e)
{
	struct recode_scan s = { to, 0 };

	if (edit_walk(l, message, recode_scan, &s, e) == -1)
		return -1;
	return s.last != '\r' ? 0 : err_set(e, ERR_PROTO, NULL, "edit list: ends in a bare CR");
}
