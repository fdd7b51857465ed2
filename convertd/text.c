/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/text.h"

#include <stdlib.h>

enum {
	TAB_COLUMNS = 8,
	QUOTES_SHOWN = 20,		/* deeper quotations leave no room to read them in */
	FORM_FEED = '\f'
};

enum row_end { ROW_LINE, ROW_PAGE, ROW_END };

/* Where a row may be broken: what is left of it, and what goes on in the next. */
struct row_break { uint32_t column; struct text_at at; };

/* --- lines --- */

/* The octets of the end of line at a place: CR LF, LF or CR; 0: there is none. */
static size_t
line_end(const struct text *t, size_t at)
{
	if (at >= t->file.n)
		return 0;
	if (t->file.p[at] == '\n')
		return 1;
	if (t->file.p[at] != '\r')
		return 0;
	return at + 1 < t->file.n && t->file.p[at + 1] == '\n' ? 2 : 1;
}

/* Passes over what RFC 3676 has in front of a line's content: quote marks, and a space that is stuffing. */
static void
line_begin(const struct text *t, struct text_at *at)
{
	if (at->begun)
		return;
	at->begun = true;
	at->depth = 0;
	if (t->how.flowed) {
		for (; at->at < t->file.n && t->file.p[at->at] == '>'; at->at++)
			at->depth++;
		if (at->at < t->file.n && t->file.p[at->at] == ' ')
			at->at++;
	}
	at->line = at->at;
}

static void
line_over(struct text_at *at, size_t end)
{
	at->at += end;
	at->begun = false;
}

/* RFC 3676, 4.3: "-- " and nothing else, from a line's content on. */
static bool
is_signature(const struct text *t, size_t content)
{
	return content + 3 <= t->file.n && memcmp(t->file.p + content, "-- ", 3) == 0 &&
	    (content + 3 == t->file.n || line_end(t, content + 3) > 0);
}

/* Does the paragraph go on behind the end of line at `at`, of so many octets? */
static bool
line_is_soft(const struct text *t, const struct text_at *at, size_t end)
{
	struct text_at next = { .at = at->at + end };

	if (!t->how.flowed || at->at == at->line || t->file.p[at->at - 1] != ' ' ||
	    is_signature(t, at->line) || next.at >= t->file.n)
		return false;
	line_begin(t, &next);
	return next.depth == at->depth && !is_signature(t, next.at);
}

/* --- rows --- */

static void
row_put(struct text_row *row, uint32_t code, unsigned columns)
{
	for (unsigned i = 0; i < columns && row->n < TEXT_COLUMNS; i++) {
		memset(row->mark[row->n], 0, sizeof row->mark[row->n]);
		row->code[row->n++] = i == 0 ? code : TEXT_NOTHING;
	}
}

static void
row_mark(struct text_row *row, uint32_t from, uint32_t mark)
{
	uint32_t at = row->n;

	if (at > from && row->code[at - 1] == TEXT_NOTHING)
		at--;
	for (int i = 0; at > from && i < TEXT_MARKS; i++)
		if (row->mark[at - 1][i] == 0) {
			row->mark[at - 1][i] = mark;
			return;
		}
}

/* The row is full and a space is next: it and those behind it vanish, with the end of their line. */
static enum row_end
row_swallow(const struct text *t, struct text_at *at)
{
	size_t end;

	while (at->at < t->file.n && (t->file.p[at->at] == ' ' || t->file.p[at->at] == '\t'))
		at->at++;
	if ((end = line_end(t, at->at)) > 0) {
		bool soft = line_is_soft(t, at, end);

		line_over(at, end);
		if (soft)
			line_begin(t, at);
	}
	return at->at >= t->file.n ? ROW_END : ROW_LINE;
}

/* An end of line is next, of so many octets.  true: the row goes on. */
static bool
row_joins(const struct text *t, struct text_at *at, size_t end, uint32_t from, struct text_row *row)
{
	bool soft = line_is_soft(t, at, end);

	line_over(at, end);
	if (!soft)
		return false;
	if (t->how.delsp && row->n > from && row->code[row->n - 1] == ' ')
		row->n--;
	line_begin(t, at);
	return true;
}

static uint32_t
row_quote(const struct text *t, const struct text_at *at, struct text_row *row)
{
	row->n = 0;
	if (!t->how.flowed || at->depth == 0)
		return 0;
	for (uint32_t i = 0; i < at->depth && i < QUOTES_SHOWN; i++)
		row_put(row, '>', 1);
	row_put(row, ' ', 1);
	return row->n;
}

static bool
row_blank(const struct text_row *row, uint32_t from)
{
	while (from < row->n && row->code[from] == ' ')
		from++;
	return from == row->n;
}

/* The next row, *at moves behind it.  Each octet is looked at twice at most: a row is broken but once. */
static enum row_end
row_fill(const struct text *t, struct text_at *at, struct text_row *row)
{
	struct row_break at_space = { .column = 0 };
	uint32_t from;
	size_t end;

	line_begin(t, at);
	from = row_quote(t, at, row);
	while (at->at < t->file.n) {
		struct text_at before = *at;
		unsigned columns;
		uint32_t code;

		if ((end = line_end(t, at->at)) > 0) {
			if (!row_joins(t, at, end, from, row))
				return ROW_LINE;
			continue;
		}
		code = charset_next(t->how.charset, t->file, &at->at);
		if (code == FORM_FEED) {
			line_over(at, line_end(t, at->at));
			return ROW_PAGE;
		}
		columns = code == '\t' ? TAB_COLUMNS - (row->n - from) % TAB_COLUMNS : charset_columns(code);
		if (columns == 0) {
			if (charset_is_mark(code))
				row_mark(row, from, code);
			continue;
		}
		if ((code == ' ' || code == '\t') && row->n >= TEXT_COLUMNS)
			return row_swallow(t, at);
		if (row->n + columns > TEXT_COLUMNS && code != '\t') {
			*at = at_space.column > from && at_space.column <= row->n ? at_space.at : before;
			row->n = at->at == before.at ? row->n : at_space.column;
			return ROW_LINE;
		}
		for (unsigned i = 0; code == '\t' && i < columns; i++)
			row_put(row, ' ', 1);
		if (code != '\t')
			row_put(row, code, columns);
		if (columns == 2 || ((code == ' ' || code == '\t') && !row_blank(row, from)))
			at_space = (struct row_break){ row->n, *at };
	}
	return ROW_END;
}

/* --- pages --- */

/* The next page; *at moves behind it.  A form feed begins no page where one has begun. */
static void
page_fill(const struct text *t, struct text_at *at, struct text_page *out)
{
	out->n = 0;
	while (out->n < TEXT_ROWS && at->at < t->file.n) {
		struct text_row *row = &out->row[out->n];
		enum row_end end = row_fill(t, at, row);

		if (end != ROW_PAGE || row->n > 0)
			out->n++;
		if (end == ROW_PAGE && out->n > 0)
			return;
	}
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Appends a page's beginning; *cap grows with them. */
static int
page_add(struct text *t, const struct text_at *at, uint32_t *cap, struct err *e)
{
	if (t->npage == *cap) {
		uint32_t more = *cap == 0 ? 8 : *cap * 2;
		struct text_at *p = reallocarray(t->page, more, sizeof *p);

		if (p == NULL)
			return err_set(e, ERR_TEMP, "4.3.0", "no memory for pages of text");
		t->page = p;
		*cap = more;
	}
	t->page[t->npage++] = *at;
	return 0;
}

int
text_open(struct span file, const struct text_how *how, const struct limits *max, struct text *out,
    struct err *e)
{
	struct text_page *page;
	struct text_at at = { .at = 0 };
	uint32_t cap = 0;
	int r = 0;

	*out = (struct text){ .file = file, .how = *how };
	if (span_find(file, '\0') < file.n)
		return err_set(e, ERR_PERM, "5.6.1", "no text: octet %zu is 0", span_find(file, '\0'));
	while (out->file.n > 0 && is_space(out->file.p[out->file.n - 1]))
		out->file.n--;
	if ((page = malloc(sizeof *page)) == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory for a page of text");
	do {
		if (out->npage >= max->pages)
			r = err_set(e, ERR_PERM, "5.6.5", "text of more than %u pages", max->pages);
		else
			r = page_add(out, &at, &cap, e);
		if (r == 0)
			page_fill(out, &at, page);
	} while (r == 0 && at.at < out->file.n);
	free(page);
	if (r == -1)
		text_free(out);
	return r;
}

void
text_free(struct text *t)
{
	free(t->page);
	*t = (struct text){ .npage = 0 };
}

void
text_page(const struct text *t, uint32_t i, struct text_page *out)
{
	struct text_at at = t->page[i];

	page_fill(t, &at, out);
}
