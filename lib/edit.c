/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/edit.h"

#include <stdlib.h>

#include "lib/cur.h"
#include "lib/edit_note.h"
#include "lib/edit_recode.h"

enum {
	EDIT_MAGIC = 0x31544445,	/* "EDT1" */
	EDIT_HEAD = 32, EDIT_ROW = 24,	/* octets of the head, of one operation */
	EDIT_HEADER_MAX = 65536,	/* octets inserted at one place of a header */
	EDIT_NESTED = 80,		/* ranges about ranges: more than MIME's limits let be */
	EDIT_LINE_MAX = 998,		/* RFC 5322, 2.1.1 */
	EDIT_BASE64_LINE = 76		/* RFC 2045, 6.8 */
};

int
edit_encode(const struct edit_list *l, struct buf *out, struct err *e)
{
	if (buf_add_u32le(out, EDIT_MAGIC, e) == -1 || buf_add_u32le(out, (uint32_t)l->n, e) == -1 ||
	    buf_add_u64le(out, l->size, e) == -1 || buf_add_u64le(out, l->text.n, e) == -1 ||
	    buf_add_u64le(out, 0, e) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		if (buf_add_u64le(out, l->edit[i].op, e) == -1 ||
		    buf_add_u64le(out, l->edit[i].off, e) == -1 ||
		    buf_add_u64le(out, l->edit[i].len, e) == -1)
			return -1;
	return buf_add(out, l->text, e);
}

/* Checks order and bounds of one operation; msg_at and text_at move on. */
static int
edit_step(const struct edit *d, uint64_t msg_len, uint64_t text_len, uint64_t *msg_at,
    uint64_t *text_at, struct err *e)
{
	uint64_t end = d->op == EDIT_COPY ? msg_len : text_len;

	if (d->len == 0 || d->off > end || d->len > end - d->off)
		return err_set(e, ERR_PROTO, NULL, "edit list: out of bounds");
	if (d->op == EDIT_COPY) {
		if (d->off < *msg_at)
			return err_set(e, ERR_PROTO, NULL, "edit list: not ascending");
		*msg_at = d->off + d->len;
		return 0;
	}
	if (d->off != *text_at)		/* each octet of the text is used once, in order */
		return err_set(e, ERR_PROTO, NULL, "edit list: text out of order");
	*text_at = d->off + d->len;
	return 0;
}

static int
edit_read_rows(struct cur *c, uint64_t msg_len, struct edit_list *out, struct err *e)
{
	uint64_t msg_at = 0, text_at = 0, size = 0;

	for (size_t i = 0; i < out->n; i++) {
		struct edit *d = &out->edit[i];
		uint64_t op = cur_u64le(c);

		d->op = (uint8_t)op;
		d->off = cur_u64le(c);
		d->len = cur_u64le(c);
		if (op > EDIT_SOFT)
			return err_set(e, ERR_PROTO, NULL, "edit list: no such operation");
		if (edit_step(d, msg_len, out->text.n, &msg_at, &text_at, e) == -1)
			return -1;
		size += d->len;		/* at most msg_len + text.n, so no overflow */
	}
	if (text_at != out->text.n || size != out->size)
		return err_set(e, ERR_PROTO, NULL, "edit list: sizes do not agree");
	return 0;
}

int
edit_decode(struct span in, uint64_t msg_len, struct edit_list *out, struct err *e)
{
	struct cur c = cur_of(in);
	uint32_t magic = cur_u32le(&c), n = cur_u32le(&c);
	uint64_t size = cur_u64le(&c), text_len = cur_u64le(&c), zero = cur_u64le(&c);

	*out = (struct edit_list){ .n = n, .size = size };
	if (c.bad || magic != EDIT_MAGIC || zero != 0 || n > EDIT_MAX_OPS ||
	    cur_left(&c) < (size_t)n * EDIT_ROW ||
	    cur_left(&c) - (size_t)n * EDIT_ROW != text_len || msg_len > UINT64_MAX / 4)
		return err_set(e, ERR_PROTO, NULL, "edit list: %zu octets are none", in.n);
	out->text = span_sub(in, EDIT_HEAD + (size_t)n * EDIT_ROW, in.n);
	if ((out->edit = calloc(n == 0 ? 1 : n, sizeof *out->edit)) == NULL)
		return err_sys(e, "edit list");
	if (edit_read_rows(&c, msg_len, out, e) == -1) {
		edit_free(out);
		return -1;
	}
	return 0;
}

void
edit_free(struct edit_list *l)
{
	free(l->edit);
	*l = (struct edit_list){ 0 };
}

/* Is it about others? */
static bool
range_encloses(const struct edit_range *r)
{
	return r->kind == RANGE_PART || r->kind == RANGE_CHOICE || r->kind == RANGE_BRANCH;
}

static bool
range_may_be_empty(const struct edit_range *r)
{
	return r->kind == RANGE_HEADER || r->kind == RANGE_RECORD;
}

int
edit_ranges_ok(uint64_t msg_len, const struct edit_range *range, size_t n, struct err *e)
{
	struct { uint64_t end; bool choice; } in[EDIT_NESTED] = { { msg_len, false } };
	uint64_t at = 0;
	size_t depth = 1;

	for (size_t i = 0; i < n; i++) {
		const struct edit_range *r = &range[i];
		bool encloses = range_encloses(r);

		while (depth > 1 && r->off >= in[depth - 1].end)
			at = in[--depth].end;
		if (r->kind > RANGE_RECORD || r->off < at || r->off > in[depth - 1].end ||
		    r->len > in[depth - 1].end - r->off || (r->len == 0 && !range_may_be_empty(r)) ||
		    in[depth - 1].choice != (r->kind == RANGE_BRANCH) ||
		    (encloses && depth == EDIT_NESTED))
			return err_set(e, ERR_PROTO, NULL, "range %zu is out of order or bounds", i);
		at = r->off + (encloses ? 0 : r->len);
		if (encloses) {
			in[depth].choice = r->kind == RANGE_CHOICE;
			in[depth++].end = r->off + r->len;
		}
	}
	return 0;
}

/* Octets of the message from, to that are left out, with what is inserted there. */
struct edit_gap { uint64_t from, to; const struct edit *insert; size_t n; };

/* Those of the ranges that are asked for next: from *next on none starts before `from`, which ascends. */
static void
edit_ranges_skip(const struct edit_range *range, size_t n, uint64_t from, size_t *next)
{
	while (*next < n && range[*next].off < from)
		++*next;
}

/* Does some range of that kind lie there? */
static bool
edit_range_at(const struct edit_range *range, size_t n, size_t next, uint64_t from, uint64_t to,
    enum edit_range_kind kind)
{
	for (size_t i = next; i < n && range[i].off == from; i++)
		if (range[i].kind == kind && range[i].len == to - from)
			return true;
	return false;
}

/* A note stands in place of one whole part. */
static int
edit_note_placed(const struct edit_gap *g, const struct edit_range *range, size_t n, size_t next,
    struct err *e)
{
	if (edit_range_at(range, n, next, g->from, g->to, RANGE_PART))
		return 0;
	return err_set(e, ERR_PROTO, NULL, "edit list: octets %llu to %llu are no part that a note may stand for",
	    (unsigned long long)g->from, (unsigned long long)g->to);
}

static bool
edit_branch_starts(const struct edit_range *range, size_t n, size_t next, uint64_t from)
{
	for (size_t i = next; i < n && range[i].off == from; i++)
		if (range[i].kind == RANGE_BRANCH)
			return true;
	return false;
}

/* Branches side by side are left out, and one of that multipart stays. */
static int
edit_branches_ok(const struct edit_gap *g, const struct edit_range *range, size_t n, size_t next,
    struct err *e)
{
	uint64_t at = g->from;

	for (size_t i = next; i < n && at < g->to && range[i].off <= at; i++)
		if (range[i].kind == RANGE_BRANCH && range[i].off == at && range[i].len <= g->to - at)
			at += range[i].len;
	if (at == g->to && !edit_range_at(range, n, next, g->from, g->to, RANGE_CHOICE))
		return 0;
	return err_set(e, ERR_PROTO, NULL, "edit list: octets %llu to %llu are no branches that may be left out",
	    (unsigned long long)g->from, (unsigned long long)g->to);
}

/* What is left out must be whole ranges of one kind, side by side; what stands there, that kind. */
static int
edit_gap_ranges(const struct edit_gap *g, const struct edit_range *range, size_t n, size_t next,
    int *kind, struct err *e)
{
	uint64_t at = g->from;
	bool starts = false;

	*kind = -1;
	for (size_t i = next; i < n && range[i].off <= g->to; i++) {
		const struct edit_range *r = &range[i];

		if (range_encloses(r))
			continue;
		if (r->off == g->from) {
			starts = true;
			if (*kind == -1)
				*kind = r->kind;
		}
		if (r->off != at || r->len > g->to - at)
			break;
		if (r->len > 0 && *kind != r->kind)
			return err_set(e, ERR_PROTO, NULL, "edit list: header and body in one cut");
		at += r->len;
	}
	if (at != g->to)
		return err_set(e, ERR_PROTO, NULL,
		    "edit list: octets %llu to %llu may not be left out",
		    (unsigned long long)at, (unsigned long long)g->to);
	if (g->n > 0 && !starts)
		return err_set(e, ERR_PROTO, NULL, "edit list: nothing may be inserted at octet %llu",
		    (unsigned long long)g->from);
	return 0;
}

/* The fields that a conversion gives a part, and for two of them the values that it may give.  record: those
 * that tell of it. */
static const struct { const char *name; const char *value[3]; bool record; } edit_fields[] = {
	{ "Content-Type", { "image/tiff", "image/tiff-fx", "text/plain" }, false },
	{ "Content-Transfer-Encoding", { "base64" }, false },
	{ "Content-Disposition", { NULL }, false },
	{ "Content-Features", { NULL }, true },
	{ "Content-Previous", { NULL }, true },
	{ "Content-Converted", { NULL }, true },
};

static bool
edit_value_ok(struct span value, const char *const allowed[3])
{
	struct span v = span_trim(span_sub(value, 0, span_find(value, ';')));

	if (allowed[0] == NULL)
		return true;
	for (size_t i = 0; i < 3 && allowed[i] != NULL; i++)
		if (span_isi(v, allowed[i]))
			return true;
	return false;
}

/* line: the first line of a field. */
static int
edit_field_ok(struct span line, bool record, struct err *e)
{
	size_t colon = span_find(line, ':');
	struct span name = span_sub(line, 0, colon), value = span_sub(line, colon + 1, line.n);

	for (size_t i = 0; colon < line.n && i < sizeof edit_fields / sizeof *edit_fields; i++)
		if (span_isi(name, edit_fields[i].name) && (edit_fields[i].record || !record)) {
			if (edit_value_ok(value, edit_fields[i].value))
				return 0;
			return err_set(e, ERR_PROTO, NULL, "edit list: value of %s",
			    edit_fields[i].name);
		}
	return err_set(e, ERR_PROTO, NULL, "edit list: a field that no conversion gives");
}

/* Takes one CRLF line of printable ASCII and tabs; its end is not in *line. */
static bool
edit_line(struct span *rest, size_t max, struct span *line)
{
	size_t lf = span_find(*rest, '\n');

	if (lf == rest->n || lf == 0 || rest->p[lf - 1] != '\r' || lf - 1 > max)
		return false;
	*line = span_sub(*rest, 0, lf - 1);
	*rest = span_sub(*rest, lf + 1, rest->n);
	for (size_t i = 0; i < line->n; i++)
		if ((line->p[i] < 0x20 && line->p[i] != '\t') || line->p[i] > 0x7e)
			return false;
	return true;
}

static int
edit_header_ok(struct span text, bool record, struct err *e)
{
	struct span line;
	bool first = true;

	if (text.n > EDIT_HEADER_MAX)
		return err_set(e, ERR_PROTO, NULL, "edit list: a header of %zu octets", text.n);
	for (; text.n > 0; first = false) {
		if (!edit_line(&text, EDIT_LINE_MAX, &line) || span_trim(line).n == 0)
			return err_set(e, ERR_PROTO, NULL, "edit list: no line of a header");
		if (ascii_wsp(line.p[0]) && !first)
			continue;
		if (edit_field_ok(line, record, e) == -1)
			return -1;
	}
	return 0;
}

static bool
edit_base64_char(int c)
{
	return ascii_alpha(c) || ascii_digit(c) || c == '+' || c == '/';
}

/* Padding is two octets at most, and only at the very end. */
static int
edit_body_ok(struct span text, struct err *e)
{
	struct span line;

	while (text.n > 0) {
		size_t n;

		if (!edit_line(&text, EDIT_BASE64_LINE, &line) || line.n == 0)
			return err_set(e, ERR_PROTO, NULL, "edit list: no line of base64");
		n = line.n;
		for (int pad = 0; pad < 2 && text.n == 0 && n > 0 && line.p[n - 1] == '='; pad++)
			n--;
		for (size_t i = 0; i < n; i++)
			if (!edit_base64_char(line.p[i]))
				return err_set(e, ERR_PROTO, NULL, "edit list: not base64");
	}
	return 0;
}

static int
edit_note_shape(const struct edit_list *l, const struct edit *d, struct err *e)
{
	if (edit_note_ok(span_sub(l->text, (size_t)d->off, (size_t)(d->off + d->len))))
		return 0;
	return err_set(e, ERR_PROTO, NULL, "edit list: no note of a part that was left out");
}

static int
edit_gap_ok(const struct edit_list *l, const struct edit_gap *g, const struct edit_range *range,
    size_t n, size_t *next, struct err *e)
{
	int kind;

	if (g->from == g->to && g->n == 0)
		return 0;
	edit_ranges_skip(range, n, g->from, next);
	if (g->n == 1 && g->insert->op == EDIT_NOTE)
		return edit_note_placed(g, range, n, *next, e) == -1 ? -1 : edit_note_shape(l, g->insert, e);
	if (g->n == 0 && edit_branch_starts(range, n, *next, g->from))
		return edit_branches_ok(g, range, n, *next, e);
	if (edit_gap_ranges(g, range, n, *next, &kind, e) == -1)
		return -1;
	if (kind == RANGE_BODY && (g->n != 1 || g->from == g->to))
		return err_set(e, ERR_PROTO, NULL, "edit list: a body is replaced whole, once");
	for (size_t i = 0; i < g->n; i++) {
		const struct edit *d = &g->insert[i];
		struct span text = span_sub(l->text, (size_t)d->off, (size_t)(d->off + d->len));

		if (d->op != (kind == RANGE_BODY ? EDIT_BODY : EDIT_HEADER))
			return err_set(e, ERR_PROTO, NULL, "edit list: not what goes there");
		if ((kind == RANGE_BODY ? edit_body_ok(text, e) : edit_header_ok(text, kind == RANGE_RECORD, e)) == -1)
			return -1;
	}
	return 0;
}

/* A list under check. */
struct edit_checked {
	const struct edit_list *l;
	const struct edit_range *range;
	size_t n, next;
	enum edit_transfer to;
	struct recode recode;
};

static int
edit_any_gap_ok(struct edit_checked *c, const struct edit_gap *g, struct err *e)
{
	if (g->from == g->to && g->n == 0)
		return 0;
	if (c->to != EDIT_AS_IS && g->n == 1 && g->insert->op >= EDIT_FIELD)
		return recode_gap(&c->recode, g->from, g->to, g->insert, e);
	return recode_done(&c->recode, e) == -1 ? -1 :
	    edit_gap_ok(c->l, g, c->range, c->n, &c->next, e);
}

static int
edit_check_gaps(struct edit_checked *c, uint64_t msg_len, struct err *e)
{
	const struct edit_list *l = c->l;
	struct edit_gap g = { 0 };
	uint64_t msg_at = 0, text_at = 0;

	if (edit_ranges_ok(msg_len, c->range, c->n, e) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		const struct edit *d = &l->edit[i];

		if (d->op > EDIT_SOFT)
			return err_set(e, ERR_PROTO, NULL, "edit list: no such operation");
		if (edit_step(d, msg_len, l->text.n, &msg_at, &text_at, e) == -1)
			return -1;
		if (d->op != EDIT_COPY) {
			if (g.n++ == 0)
				g.insert = d;
			continue;
		}
		g.to = d->off;
		if (edit_any_gap_ok(c, &g, e) == -1)
			return -1;
		g = (struct edit_gap){ .from = d->off + d->len };
	}
	g.to = msg_len;
	return edit_any_gap_ok(c, &g, e);
}

int
edit_check(const struct edit_list *l, uint64_t msg_len, const struct edit_range *range, size_t n,
    struct err *e)
{
	struct edit_checked c = { .l = l, .range = range, .n = n };

	return edit_check_gaps(&c, msg_len, e);
}

int
edit_check_transfer(const struct edit_list *l, struct span message, enum edit_transfer to,
    const struct edit_range *range, size_t n, struct err *e)
{
	struct edit_checked c = { .l = l, .range = range, .n = n, .to = to,
	    .recode = { .message = message, .text = l->text } };

	if (edit_check_gaps(&c, message.n, e) == -1 || recode_done(&c.recode, e) == -1)
		return -1;
	return to == EDIT_AS_IS ? 0 : recode_result(l, message, to, e);
}

int
edit_walk(const struct edit_list *l, struct span message,
    int (*put)(void *arg, struct span piece, struct err *e), void *arg, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct edit *d = &l->edit[i];
		struct span from = d->op == EDIT_COPY ? message : l->text;
		int r;

		if (d->off > from.n || d->len > from.n - d->off)
			return err_set(e, ERR_BUG, NULL, "edit list: piece %zu is out of bounds", i);
		r = put(arg, span_sub(from, (size_t)d->off, (size_t)(d->off + d->len)), e);
		if (r != 0)
			return r;
	}
	return 0;
}
