/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/reply.h"

#include <stdio.h>

void
reply_init(struct reply *r)
{
	*r = (struct reply){ 0 };
	buf_init(&r->text, REPLY_MAX_TEXT);
	buf_init(&r->line, REPLY_MAX_LINE);
}

void
reply_clear(struct reply *r)
{
	buf_clear(&r->text);
	buf_clear(&r->line);
	r->code = 0;
	r->nline = 0;
	r->octets = 0;
	r->over = r->cr = r->cut = false;
}

void
reply_free(struct reply *r)
{
	buf_free(&r->text);
	buf_free(&r->line);
}

/* Keeps a line's text, or notes that it was not kept. */
static int
reply_keep(struct reply *r, struct span text, struct err *e)
{
	if (r->nline > REPLY_MAX_LINES || r->text.n + text.n + 1 > REPLY_MAX_TEXT)
		r->over = true;
	if (r->over)
		return 0;
	if (buf_add(&r->text, text, e) == -1)
		return -1;
	return buf_add_byte(&r->text, '\n', e);
}

/* A whole line without its CRLF.  1: the last one; 0; -1. */
static int
reply_on_line(struct reply *r, struct span l, struct err *e)
{
	unsigned code = 0;

	if (l.n < 3)
		return err_set(e, ERR_PROTO, "4.5.0", "a reply line without a code");
	for (int i = 0; i < 3; i++) {
		if (!ascii_digit(l.p[i]))
			return err_set(e, ERR_PROTO, "4.5.0", "a reply line without a code");
		code = code * 10 + (l.p[i] - '0');
	}
	if (code < 200 || code > 599)
		return err_set(e, ERR_PROTO, "4.5.0", "reply code %u", code);
	if (l.n > 3 && l.p[3] != ' ' && l.p[3] != '-')
		return err_set(e, ERR_PROTO, "4.5.0", "reply code %u is not followed by a space",
		    code);
	if (r->nline > 0 && code / 100 != r->code / 100u)
		return err_set(e, ERR_PROTO, "4.5.0", "one reply with codes %u and %u", r->code,
		    code);
	r->code = (uint16_t)code;
	r->nline++;
	if (r->cut)
		r->over = true;
	r->cut = false;
	if (reply_keep(r, span_sub(l, 4, l.n), e) == -1)
		return -1;
	return l.n == 3 || l.p[3] == ' ';
}

/* Part of a line without LF. */
static int
reply_part(struct reply *r, struct span part, struct err *e)
{
	size_t room = REPLY_MAX_LINE - r->line.n;

	if (part.n > room) {
		part.n = room;
		r->cut = true;
	}
	return buf_add(&r->line, part, e);
}

/* The part of a line that ends at an LF, which is not in part. */
static int
reply_line_end(struct reply *r, struct span part, struct err *e)
{
	struct span l = part;
	int done;

	if (!(part.n > 0 ? part.p[part.n - 1] == '\r' : r->cr))
		return err_set(e, ERR_PROTO, "4.5.0", "a reply line that ends in LF alone");
	if (r->line.n > 0 || part.n > REPLY_MAX_LINE) {
		if (reply_part(r, part, e) == -1)
			return -1;
		l = buf_view(&r->line);
	}
	if (!r->cut)
		l.n--;			/* the CR */
	done = reply_on_line(r, l, e);
	buf_clear(&r->line);
	r->cr = false;
	return done;
}

int
reply_feed(struct reply *r, struct span in, size_t *used, struct err *e)
{
	*used = 0;
	while (*used < in.n) {
		struct span left = span_sub(in, *used, in.n), part;
		size_t lf = span_find(left, '\n');
		int done = 0;

		part = span_sub(left, 0, lf);
		r->octets += lf < left.n ? part.n + 1 : part.n;
		if (r->octets > REPLY_MAX_OCTETS)
			return err_set(e, ERR_PROTO, "4.5.0", "a reply of over %d octets",
			    REPLY_MAX_OCTETS);
		if (lf < left.n) {
			*used += lf + 1;
			done = reply_line_end(r, part, e);
		} else {
			*used = in.n;
			r->cr = part.p[part.n - 1] == '\r';
			done = reply_part(r, part, e);
		}
		if (done != 0)
			return done;
	}
	return 0;
}

bool
reply_line(struct span *rest, struct span *line)
{
	size_t n;

	if (rest->n == 0)
		return false;
	n = span_find(*rest, '\n');
	*line = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n + 1, rest->n);
	return true;
}

/* One to three digits at text's start; how many. */
static size_t
reply_digits(struct span text)
{
	size_t n = 0;

	while (n < text.n && n < 3 && ascii_digit(text.p[n]))
		n++;
	return n;
}

bool
reply_enhanced(struct span text, struct span *status, struct span *rest)
{
	struct span t = text;
	size_t n;

	*rest = text;
	*status = span_sub(text, 0, 0);
	if (t.n < 5 || (t.p[0] != '2' && t.p[0] != '4' && t.p[0] != '5'))
		return false;
	t = span_sub(t, 1, t.n);
	for (int part = 0; part < 2; part++) {
		if (t.n == 0 || t.p[0] != '.')
			return false;
		t = span_sub(t, 1, t.n);
		if ((n = reply_digits(t)) == 0)
			return false;
		t = span_sub(t, n, t.n);
	}
	if (t.n > 0 && (ascii_digit(t.p[0]) || t.p[0] == '.'))
		return false;
	*status = span_sub(text, 0, text.n - t.n);
	while (t.n > 0 && t.p[0] == ' ')
		t = span_sub(t, 1, t.n);
	*rest = t;
	return true;
}

void
reply_dsn(const struct reply *r, char out[12])
{
	struct span rest = buf_view(&r->text), line, status, text;

	snprintf(out, 12, "%u.0.0", r->code / 100u == 3 ? 2 : r->code / 100u);
	while (reply_line(&rest, &line))
		if (reply_enhanced(line, &status, &text) && status.p[0] - '0' == r->code / 100) {
			span_text(status, out, 12);
			return;
		}
}

void
reply_print(const struct reply *r, char *out, size_t cap)
{
	struct span rest = buf_view(&r->text), line = { NULL, 0 };
	char whole[REPLY_PRINT];
	bool more = true;
	size_t n = 0;

	while (more && n + 1 < sizeof whole) {
		(void)reply_line(&rest, &line);		/* else the code is all there is */
		more = rest.n > 0;
		snprintf(whole + n, sizeof whole - n, "%s%03u%s", n > 0 ? " " : "", r->code,
		    more ? "-" : line.n > 0 ? " " : "");
		n += strlen(whole + n);
		for (size_t i = 0; i < line.n && n + 1 < sizeof whole; i++)
			whole[n++] = line.p[i] < 0x20 || line.p[i] > 0x7e ? '?' : (char)line.p[i];
	}
	whole[n] = '\0';
	text_cut(whole, out, cap);
}
