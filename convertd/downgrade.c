/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/downgrade.h"

#include "lib/edit_recode.h"

enum { DOWNGRADE_LINE = 998 };	/* octets of a line (RFC 5322, 2.1.1) */

/* What is in some octets. */
struct found {
	bool eight;		/* over 127 */
	bool raw;		/* NUL, CR and LF apart */
	bool long_line;
	uint64_t coded;		/* octets that quoted-printable writes as three */
};

static struct found
found_in(struct span s)
{
	struct found f = { 0 };
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = s.p[i];

		if (c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			line = 0;
			i++;
			continue;
		}
		f.eight |= c > 127;
		f.raw |= c == '\0' || c == '\r' || c == '\n';
		f.long_line |= ++line > DOWNGRADE_LINE;
		f.coded += c < 32 || c > 126 || c == '=';
	}
	return f;
}

int
downgrade_refused(struct err *e)
{
	memcpy(e->dsn, "5.6.3", sizeof "5.6.3");
	return -1;
}

static bool
type_begins(const struct mime_part *p, const char *start)
{
	size_t n = strlen(start);

	return p->type.n >= n && span_isi(span_sub(p->type, 0, n), start);
}

/* RFC 2045, 6.4: what has fields of its own inside may not be encoded.  message/global may (RFC 6532,
 * 3.5). */
static bool
part_composite(const struct mime_part *p)
{
	return p->multipart || (type_begins(p, "message/") && !type_begins(p, "message/global")) ||
	    mime_is(p, "message/rfc822");
}

static bool
part_text(const struct mime_part *p)
{
	return p->type.n == 0 || type_begins(p, "text/");
}

/* The encoding that its body needs, or the least that its field may say. */
static enum transfer
part_wants(const struct downgrade *d, const struct mime_part *p)
{
	struct found f = { 0 };
	bool cut = p->body.p + p->body.n == d->edits->message.p + d->edits->message.n &&
	    p->body.n > 0 && p->body.p[p->body.n - 1] != '\n';	/* DATA would add a CRLF */

	if (!part_composite(p)) {
		f = found_in(p->body);
		if (f.raw || f.long_line || cut || (f.eight && d->to == EDIT_TO_7BIT))
			return !part_text(p) || f.raw || cut || f.coded > p->body.n / 6 ?
			    TRANSFER_BASE64 : TRANSFER_QP;
	}
	if (d->to == EDIT_TO_8BIT && p->transfer == TRANSFER_BINARY && (f.eight || part_composite(p)))
		return TRANSFER_8BIT;
	return d->to == EDIT_TO_8BIT && p->transfer != TRANSFER_BINARY ? p->transfer : TRANSFER_7BIT;
}

/* The field that says `how`, in place of the one that is there or at the header's end. */
static int
part_field(struct downgrade *d, const struct mime_part *p, enum transfer how, bool message,
    struct err *e)
{
	static const char *const names[] = { [TRANSFER_7BIT] = "7bit", [TRANSFER_8BIT] = "8bit",
	    [TRANSFER_BASE64] = "base64", [TRANSFER_QP] = "quoted-printable" };
	struct mime_field f, ignored;
	struct buf *text = &d->edits->text;
	size_t from = text->n;
	bool has = mime_field_find(p->header, "Content-Transfer-Encoding", &f) > 0;
	struct span at = has ? f.whole : span_sub(p->header, p->header.n, p->header.n);

	if (message && mime_field_find(p->header, "MIME-Version", &ignored) == 0) {
		if (buf_add_str(text, RECODE_VERSION, e) == -1)
			return -1;
		if (mime_field_find(p->header, "Content-Type", &ignored) == 0 &&
		    buf_add_str(text, RECODE_TYPE, e) == -1)
			return -1;
	}
	if (buf_addf(text, e, RECODE_FIELD "%s\r\n", names[how]) == -1 ||
	    edits_copy_to(d->edits, edits_offset(d->edits, at), e) == -1 ||
	    edits_insert(d->edits, d->edits->at, EDIT_FIELD, from, e) == -1)
		return -1;
	return edits_cut(d->edits, at, e);
}

static int
part_body(struct downgrade *d, const struct mime_part *p, enum transfer how, struct err *e)
{
	struct buf *text = &d->edits->text;
	size_t from = text->n;
	int r;

	if (edits_copy_to(d->edits, edits_offset(d->edits, p->body), e) == -1)
		return -1;
	r = how == TRANSFER_QP ? transfer_qp(p->body, true, text, e) :
	    transfer_base64(p->body, text, e);
	if (r == -1 || edits_insert(d->edits, d->edits->at, how == TRANSFER_QP ? EDIT_QP : EDIT_BASE64,
	    from, e) == -1)
		return -1;
	return edits_cut(d->edits, p->body, e);
}

/* A message within the message, deeper than MIME's walk goes, is recoded inside (RFC 2046, 5.2.1). */
static int
part_message(struct downgrade *d, const struct mime_part *p, struct err *e)
{
	struct downgrade inner = *d;
	struct mime m;
	int r = 0;

	if (mime_parse(p->body, &m, e) == -1)
		return e->kind == ERR_PERM ? downgrade_refused(e) : -1;
	inner.parts += m.n;
	if (inner.parts > MIME_MAX_PARTS)
		r = err_set(e, ERR_PERM, "5.6.3", "message: more than %d parts in messages within it",
		    MIME_MAX_PARTS);
	for (uint32_t i = 0; i < m.n && r == 0; i++)
		r = downgrade_part(&inner, &m, i, e);
	d->parts = inner.parts;
	mime_free(&m);
	return r;
}

/* In a message, or in one in it, that is composite and has no MIME-Version: some read its parts, some
 * do not. */
static bool
part_opaque(const struct mime *m, uint32_t part)
{
	struct mime_field f;

	for (uint32_t i = part; i != MIME_NONE;) {
		const struct mime_part *root = &m->part[m->part[i].root];

		if (part_composite(root) && mime_field_find(root->header, "MIME-Version", &f) == 0)
			return true;
		i = root->parent;
	}
	return false;
}

int
downgrade_part(struct downgrade *d, const struct mime *m, uint32_t part, struct err *e)
{
	const struct mime_part *p = &m->part[part];
	bool message = p->root == part, coded;
	enum transfer wants;

	if (d->to == EDIT_AS_IS || p->protected || p->broken || p->transfer > TRANSFER_BINARY ||
	    part_opaque(m, part))
		return 0;
	wants = part_wants(d, p);
	coded = wants == TRANSFER_QP || wants == TRANSFER_BASE64;
	if (wants != p->transfer && part_field(d, p, wants, message && coded, e) == -1)
		return -1;
	if (coded)
		return part_body(d, p, wants, e);
	return mime_is(p, "message/rfc822") && !p->message && p->body.n > 0 ? part_message(d, p, e) : 0;
}

int
downgrade_end(struct downgrade *d, struct err *e)
{
	size_t from = d->edits->text.n;
	uint64_t at;

	if (d->to == EDIT_AS_IS || !recode_open_end(d->edits->message, &at) || at < d->edits->at)
		return 0;		/* the last: a body that was replaced */
	return buf_add_byte(&d->edits->text, '=', e) == -1 ? -1 :
	    edits_insert(d->edits, at, EDIT_SOFT, from, e);
}

int
downgrade_over(const struct downgrade *d, struct err *e)
{
	const struct edits *x = d->edits;

	for (size_t i = 0; i < x->n && d->to != EDIT_AS_IS; i++) {
		struct span s = span_sub(x->message, (size_t)x->row[i].off,
		    (size_t)(x->row[i].off + x->row[i].len));
		struct found f;

		if (x->row[i].op != EDIT_COPY)
			continue;
		f = found_in(s);
		if (f.raw || (f.eight && d->to == EDIT_TO_7BIT))
			return err_set(e, ERR_PERM, "5.6.3", "the next hop takes no %s octets, and these "
			    "stand where no encoding can be: in a header, between parts, in a signed "
			    "or encrypted part, or in one that is not well formed",
			    f.eight && d->to == EDIT_TO_7BIT ? "8-bit" : "binary");
	}
	return 0;
}
