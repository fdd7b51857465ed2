/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/caplist.h"

#include "lib/features.h"

/* The text after CONNEG in a line; false: another line. */
static bool
caplist_text(struct span line, struct span *text)
{
	static const char keyword[] = "CONNEG";
	struct span status, rest;
	size_t n = sizeof keyword - 1;

	/* the status must be followed by a space: reply_enhanced took at least one, or CONNEG would
	 * stand right behind a digit */
	if (reply_enhanced(line, &status, &rest) && rest.n + status.n == line.n)
		return false;
	if (rest.n < n || !span_isi(span_sub(rest, 0, n), keyword))
		return false;
	rest = span_sub(rest, n, rest.n);
	if (rest.n > 0 && rest.p[0] != ' ')
		return false;
	*text = span_trim(rest);
	return true;
}

/* Every parenthesis closed, none too many, outside quoted strings: a list that was cut off could
 * still parse under the lenient grammar, and would claim more than was meant. */
static bool
caplist_whole(struct span text)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && text.p[i] == '(')
			depth++;
		else if (!quoted && text.p[i] == ')' && depth-- == 0)
			return false;
	}
	return depth == 0 && !quoted;
}

int
caplist_read(const struct reply *r, struct buf *out, struct err *e)
{
	struct span rest = buf_view(&r->text), line, text;
	size_t from = out->n;
	bool any = false;
	struct feat *f;

	*e = (struct err){ 0 };
	if (r->code != 250)
		return 0;
	while (reply_line(&rest, &line)) {
		if (!caplist_text(line, &text))
			continue;
		any = true;
		if (text.n == 0)
			continue;
		if ((out->n > from && buf_add_byte(out, ' ', e) == -1) ||
		    buf_add(out, text, e) == -1) {
			out->n = from;
			return e->kind == ERR_TEMP ? -1 : 0;
		}
	}
	if (!any && !r->over)
		return 0;
	if (r->over) {
		err_set(e, ERR_PERM, "5.6.0", "a capability list over the limits");
	} else if (out->n == from) {
		err_set(e, ERR_PERM, "5.6.0", "a capability list without a word");
	} else if (!caplist_whole(span_sub(buf_view(out), from, out->n))) {
		err_set(e, ERR_PERM, "5.6.0", "half a capability list");
	} else if (feat_parse(span_sub(buf_view(out), from, out->n), FEAT_CLAIM, &f, e) == 0) {
		feat_free(f);
		return 1;
	}
	out->n = from;
	return e->kind == ERR_TEMP ? -1 : 0;
}

bool
caplist_later(const struct reply *r)
{
	char dsn[12];

	if (r->code / 100 != 4)
		return false;
	reply_dsn(r, dsn);
	return r->code == 404 || strcmp(dsn + 1, ".3.3") == 0;
}
