/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/alternative.h"

#include "lib/contfield.h"
#include "lib/mime.h"

static const char field[] = "Content-Alternative:";

/* Is that what some of so many texts, a NUL behind each, says? */
static bool
is_said(const struct buf *said, struct span text)
{
	for (size_t at = 0; at < said->n;) {
		struct span one = span_str((const char *)said->p + at);

		if (span_eq(one, text))
			return true;
		at += one.n + 1;
	}
	return false;
}

/* The features of a part; "" if it has none. */
static int
features(const struct mime *m, uint32_t part, struct buf *out, struct err *e)
{
	buf_clear(out);
	return contfield_features(m->part[part].header, out, e) == -1 ? -1 : 0;
}

/* Appends the fields of one part, of those forms that differ. */
static int
describe_part(const struct mime *base, const struct mime *forms, size_t n, uint32_t part, struct buf *out,
    struct err *e)
{
	struct buf said, text;
	size_t before = out->n;
	int r;

	buf_init(&said, 4 * MIME_MAX_HEADER);
	buf_init(&text, MIME_MAX_HEADER);
	r = features(base, part, &text, e);
	for (size_t i = 0; r == 0 && text.n > 0 && i < n; i++) {
		if (!is_said(&said, buf_view(&text)) &&
		    (buf_add(&said, buf_view(&text), e) == -1 || buf_add_byte(&said, '\0', e) == -1))
			r = -1;
		if (r == 0 && (r = features(&forms[i], part, &text, e)) == 0 && text.n > 0 &&
		    !is_said(&said, buf_view(&text)))
			r = buf_add_str(out, field, e) == -1 || feat_fold(buf_view(&text), sizeof field - 1, out,
			    e) == -1 ? -1 : 0;
	}
	buf_free(&said);
	buf_free(&text);
	if (r == -1)
		out->n = before;
	return r;
}

static int
describe(struct span base, const struct mime *m, const struct mime *forms, size_t n, struct buf *out,
    struct err *e)
{
	size_t done = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		size_t end = (size_t)(m->part[i].header.p + m->part[i].header.n - base.p);

		if (m->part[i].multipart || m->part[i].header.n == 0)
			continue;
		if (buf_add(out, span_sub(base, done, end), e) == -1 ||
		    describe_part(m, forms, n, i, out, e) == -1)
			return -1;
		done = end;
	}
	return buf_add(out, span_sub(base, done, base.n), e);
}

enum { FORMS_MAX = 4 };

int
alternative_describe(struct span base, const struct span *forms, size_t n, bool *any, struct buf *out,
    struct err *e)
{
	struct mime m, of[FORMS_MAX] = { { NULL, 0, 0 } };
	size_t before = out->n;
	int r = n > FORMS_MAX ? err_set(e, ERR_BUG, NULL, "%zu forms", n) : mime_parse(base, &m, e);

	if (r == -1)
		return -1;
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((r = mime_parse(forms[i], &of[i], e)) == 0 && of[i].n != m.n)
			r = err_set(e, ERR_PERM, "5.6.0", "a form of the message has other parts");
	if (r == 0)
		r = describe(base, &m, of, n, out, e);
	for (size_t i = 0; i < n; i++)
		mime_free(&of[i]);
	mime_free(&m);
	*any = r == 0 && out->n - before > base.n;
	return r;
}
