/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/features.h"

static bool
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * Where the first piece of s, which is longer than max, can end at the latest; 0: nowhere.  Within a set
 * only if nothing else is left: an item longer than a line.
 */
static size_t
piece_end(struct span s, size_t max)
{
	size_t at = 0, comma = 0;
	bool quoted = false;

	for (size_t i = 0; i < s.n && i <= max; i++) {
		if (i > 0 && !quoted && (s.p[i] == '(' || s.p[i - 1] == ')'))
			at = i;
		if (i > 0 && !quoted && s.p[i - 1] == ',')
			comma = i;
		quoted ^= s.p[i] == '"';
	}
	return at > 0 ? at : comma;
}

static int
piece_check(struct span s, struct err *e)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return err_set(e, ERR_PERM, "5.6.0",
			    "control octet inside a piece of a feature expression");
	return 0;
}

int
feat_pieces(struct span text, size_t max,
    int (*piece)(void *arg, struct span s, bool last, struct err *e), void *arg, struct err *e)
{
	struct span rest = span_trim(text), one;
	size_t n;

	if (rest.n == 0)
		return err_set(e, ERR_PERM, "5.6.0", "empty feature expression");
	while (rest.n > max) {
		n = piece_end(rest, max);
		one = span_trim(span_sub(rest, 0, n));
		if (n == 0 || one.n == 0)
			return err_set(e, ERR_PERM, "5.6.0",
			    "feature expression cannot be broken to %zu octets", max);
		if (piece_check(one, e) == -1 || piece(arg, one, false, e) == -1)
			return -1;
		for (rest = span_sub(rest, n, rest.n); is_space(rest.p[0]); rest.p++)
			rest.n--;
	}
	return piece_check(rest, e) == -1 ? -1 : piece(arg, rest, true, e);
}

enum { FOLD_LINE = 76, FOLD_LINE_MAX = 990 };

struct folding { struct buf *out; bool first; };

static int
fold_piece(void *arg, struct span piece, bool last, struct err *e)
{
	struct folding *f = arg;
	const char *before = f->first ? " " : "\r\n ";

	f->first = false;
	if (buf_add_str(f->out, before, e) == -1 || buf_add(f->out, piece, e) == -1)
		return -1;
	return last ? buf_add_str(f->out, "\r\n", e) : 0;
}

int
feat_fold(struct span text, size_t name, struct buf *out, struct err *e)
{
	static const size_t lines[] = { FOLD_LINE, FOLD_LINE_MAX };
	size_t start = out->n;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct folding f = { out, true };

		if (feat_pieces(text, lines[i] - name - 2, fold_piece, &f, e) == 0)
			return 0;
		out->n = start;
	}
	return -1;
}
