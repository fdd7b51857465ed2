/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/key.h"

#define BY_DRUCOF "drucof:"

static bool
form_same(const struct form *a, const struct form *b)
{
	return a->coding == b->coding && a->paper == b->paper && a->dpi_x == b->dpi_x &&
	    a->dpi_y == b->dpi_y;
}

static const char *const key_words[] = { [KEY_OMIT] = "omit", [KEY_ONLY] = "only" };

static int
key_start(struct span path, bool drucof, struct buf *out, struct err *e)
{
	if ((out->n > 0 && buf_add_byte(out, ';', e) == -1) || buf_add(out, path, e) == -1)
		return -1;
	return buf_add_str(out, drucof ? "=" BY_DRUCOF : "=", e);
}

int
key_add(struct span path, bool drucof, const struct form *form, uint32_t n, struct buf *out, struct err *e)
{
	if (key_start(path, drucof, out, e) == -1)
		return -1;
	for (uint32_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && form_same(&form[i], &form[i + run]);)
			run++;
		if ((i > 0 && buf_add_byte(out, ',', e) == -1) ||
		    form_print(&form[i], out, e) == -1 ||
		    (run > 1 && buf_addf(out, e, "*%u", run) == -1))
			return -1;
	}
	return 0;
}

int
key_add_change(struct span path, bool drucof, enum key_change change, struct buf *out, struct err *e)
{
	return key_start(path, drucof, out, e) == -1 ? -1 : buf_add_str(out, key_words[change], e);
}

int
key_next(struct span *rest, struct key_piece *out, struct err *e)
{
	struct span piece;
	size_t end, is, by = sizeof BY_DRUCOF - 1;

	if (rest->n == 0)
		return 0;
	end = span_find(*rest, ';');
	piece = span_sub(*rest, 0, end);
	*rest = span_sub(*rest, end + 1, rest->n);
	is = span_find(piece, '=');
	*out = (struct key_piece){ .path = span_sub(piece, 0, is), .forms = span_sub(piece, is + 1, piece.n) };
	out->drucof = span_is(span_sub(out->forms, 0, by), BY_DRUCOF);
	if (out->drucof)
		out->forms = span_sub(out->forms, by, out->forms.n);
	for (int i = KEY_OMIT; i <= KEY_ONLY; i++)
		if (span_is(out->forms, key_words[i]))
			out->change = (enum key_change)i;
	if (out->path.n == 0 || out->forms.n == 0)
		return err_set(e, ERR_PROTO, "5.5.4", "key: expected PATH=FORM");
	return 1;
}

int
key_forms(struct span forms, struct form *out, uint32_t n, struct err *e)
{
	uint32_t at = 0;

	while (forms.n > 0) {
		size_t end = span_find(forms, ','), star;
		struct span one = span_sub(forms, 0, end);
		uint64_t run = 1;

		forms = span_sub(forms, end + 1, forms.n);
		star = span_find(one, '*');
		if (star < one.n && !span_u64(span_sub(one, star + 1, one.n), n, &run))
			return err_set(e, ERR_PROTO, "5.5.4", "key: number of pages");
		if (run == 0 || run > n - at)
			return err_set(e, ERR_PROTO, "5.5.4", "key: not %u pages", n);
		if (form_scan(span_sub(one, 0, star), &out[at], e) == -1)
			return -1;
		for (uint64_t i = 1; i < run; i++)
			out[at + i] = out[at];
		at += (uint32_t)run;
	}
	return at == n ? 0 : err_set(e, ERR_PROTO, "5.5.4", "key: not %u pages", n);
}
