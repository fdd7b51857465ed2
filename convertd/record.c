/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/record.h"

#include "lib/clock.h"
#include "lib/features.h"

enum {
	RECORD_LINE = 76,	/* octets a folded line should have */
	RECORD_LINE_MAX = 990,	/* and may have, where a filter has no legal break */
	RECORD_PARAM_MAX = 900	/* octets of a parameter's value that is kept */
};

struct folding { struct buf *out; bool first; };

static int
record_piece(void *arg, struct span piece, bool last, struct err *e)
{
	struct folding *f = arg;

	(void)last;
	if (buf_add_str(f->out, f->first ? " " : "\r\n ", e) == -1)
		return -1;
	f->first = false;
	return buf_add(f->out, span_trim(piece), e);
}

/* Appends the filter folded, and the last line's end. */
static int
record_filter(struct span filter, bool own_line, struct buf *out, struct err *e)
{
	struct folding f = { out, !own_line };
	size_t start = out->n;

	if (feat_pieces(filter, RECORD_LINE - sizeof "Content-Features:", record_piece, &f, e) == -1) {
		out->n = start;
		f.first = !own_line;
		if (feat_pieces(filter, RECORD_LINE_MAX - sizeof "Content-Features:", record_piece, &f,
		    e) == -1)
			return -1;
	}
	return buf_add_str(out, "\r\n", e);
}

int
record_features(struct span filter, struct buf *out, struct err *e)
{
	if (buf_add_str(out, "Content-Features:", e) == -1)
		return -1;
	return record_filter(filter, false, out, e);
}

int
record_previous(int64_t when_us, const char *me, struct span filter, struct buf *out,
    struct err *e)
{
	char date[40];

	clock_rfc5322(when_us, date, sizeof date);
	if (buf_addf(out, e, "Content-Previous: Date %s;\r\n By %s;", date, me) == -1)
		return -1;
	return record_filter(filter, true, out, e);
}

int
record_converted(int64_t when_us, const char *me, struct span was, struct span is, struct buf *out,
    struct err *e)
{
	char date[40];

	clock_rfc5322(when_us, date, sizeof date);
	if (buf_addf(out, e, "Content-Converted: Date %s;\r\n By %s;\r\n Old", date, me) == -1 ||
	    record_filter(was, true, out, e) == -1)
		return -1;
	out->n -= 2;			/* the field goes on */
	if (buf_add_str(out, ";\r\n New", e) == -1)
		return -1;
	return record_filter(is, true, out, e);
}

static bool
ends_with(struct span s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n > n && span_isi(span_sub(s, s.n - n, s.n), suffix);
}

/* Gives a file name the suffix of the type, if it has one of what becomes it.  true: it changed. */
static bool
record_suffix(struct buf *name, const char *type)
{
	struct span s = buf_view(name);
	bool fx = strcmp(type, "image/tiff-fx") == 0;
	bool picture = ends_with(s, ".jpg") || ends_with(s, ".jpeg") || ends_with(s, ".png") ||
	    ends_with(s, ".txt");
	size_t cut = ends_with(s, ".tiff") || ends_with(s, ".jpeg") ? 5 :
	    picture || ends_with(s, ".tif") || ends_with(s, ".tfx") ? 4 : 0;

	if (cut == 0 || (!picture && fx == ends_with(s, ".tfx")))
		return false;
	memcpy(name->p + name->n - cut, fx ? ".tfx" : ".tif", 4);
	name->n += 4 - cut;
	return true;
}

/* A file name is in filename, name and what RFC 2231 makes of them. */
static bool
record_is_name(struct span param)
{
	struct span base = span_sub(param, 0, span_find(param, '*'));

	return span_isi(base, "filename") || span_isi(base, "name");
}

static bool
record_plain(struct span s)
{
	if (s.n > RECORD_PARAM_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* Appends ";" and the parameter on a line of its own, quoted as it was. */
static int
record_param(const struct mime_param *p, struct span value, struct buf *out, struct err *e)
{
	if (!record_plain(value) || !record_plain(p->name) || p->name.n > 100)
		return 0;
	if (buf_addf(out, e, ";\r\n %.*s=%s", (int)p->name.n, (const char *)p->name.p,
	    p->quoted ? "\"" : "") == -1)
		return -1;
	for (size_t i = 0; i < value.n; i++)
		if ((p->quoted && (value.p[i] == '"' || value.p[i] == '\\') &&
		    buf_add_byte(out, '\\', e) == -1) || buf_add_byte(out, value.p[i], e) == -1)
			return -1;
	return p->quoted ? buf_add_byte(out, '"', e) : 0;
}

static bool
record_drops(struct span name, const char *const *drop)
{
	struct span base = span_sub(name, 0, span_find(name, '*'));

	for (; *drop != NULL; drop++)
		if (span_isi(base, *drop))
			return true;
	return false;
}

/* Appends the parameters but those named in drop, which NULL ends.  *changed: a suffix did, or one was dropped.
 * 0, 1 as mime_param_next ends; -1. */
static int
record_params(struct span rest, const char *type, const char *const *drop, bool *changed, struct buf *out,
    struct err *e)
{
	struct mime_param p;
	struct buf value;
	int r;

	buf_init(&value, MIME_MAX_HEADER);
	while ((r = mime_param_next(&rest, &p, e)) == 1) {
		if (record_drops(p.name, drop)) {
			*changed = true;
			continue;
		}
		buf_clear(&value);
		if (mime_param_text(&p, &value, e) == -1)
			break;
		if (record_is_name(p.name) && record_suffix(&value, type))
			*changed = true;
		if (record_param(&p, buf_view(&value), out, e) == -1)
			break;
	}
	buf_free(&value);
	return r == 0 ? 0 : -1;
}

int
record_type(struct span value, const char *type, struct buf *out, struct err *e)
{
	struct span word, rest;
	bool changed = false;
	static const char *const none[] = { NULL };
	/* of text: RFC 2046, 4.1.2; RFC 3676, 4.  RFC 3950 has dropped the last one. */
	static const char *const drop[] = { "charset", "format", "delsp", "application", NULL };
	bool fx = strcmp(type, "image/tiff-fx") == 0;

	if (mime_value(value, &word, &rest, e) == -1 ||
	    buf_addf(out, e, "Content-Type: %s", type) == -1 ||
	    record_params(rest, type, fx || span_isi(span_sub(word, 0, 5), "text/") ? drop : none, &changed, out,
	    e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

int
record_disposition(struct span value, const char *type, struct buf *out, struct err *e)
{
	static const char *const drop[] = { "size", NULL };
	struct span word, rest;
	size_t start = out->n;
	bool changed = false;

	if (mime_value(value, &word, &rest, e) == -1 || !record_plain(word))
		return 0;
	if (buf_addf(out, e, "Content-Disposition: %.*s", (int)word.n, (const char *)word.p) == -1)
		return -1;
	if (record_params(rest, type, drop, &changed, out, e) == -1) {
		out->n = start;
		return e->kind == ERR_TEMP ? -1 : 0;
	}
	if (!changed) {
		out->n = start;
		return 0;
	}
	return buf_add_str(out, "\r\n", e) == -1 ? -1 : 1;
}
