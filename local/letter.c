/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/letter.h"

void
letter_init(struct letter *l, bool binary, int (*write)(void *, struct span, struct err *), void *arg)
{
	*l = (struct letter){ .binary = binary, .write = write, .arg = arg };
	buf_init(&l->out, 2 * LETTER_CHUNK + LETTER_HEADER);
	buf_init(&l->header, LETTER_HEADER + LETTER_CHUNK);
}

void
letter_free(struct letter *l)
{
	buf_free(&l->out);
	buf_free(&l->header);
}

static int
letter_flush(struct letter *l, struct err *e)
{
	int r = l->out.n > 0 ? l->write(l->arg, buf_view(&l->out), e) : 0;

	buf_clear(&l->out);
	return r;
}

/* CRLF becomes LF; a CR that stands alone stays. */
static int
letter_lines(struct letter *l, struct span s, struct err *e)
{
	while (s.n > 0) {
		size_t n = span_find(s, '\r');

		if (l->cr) {
			l->cr = false;
			if (s.p[0] != '\n' && buf_add_byte(&l->out, '\r', e) == -1)
				return -1;
		}
		if (buf_add(&l->out, span_sub(s, 0, n), e) == -1)
			return -1;
		l->cr = n < s.n;
		s = span_sub(s, n + 1, s.n);
		if (l->out.n >= LETTER_CHUNK && letter_flush(l, e) == -1)
			return -1;
	}
	return 0;
}

/* Where the header ends: after its blank line; 0: not seen yet. */
static size_t
header_end(struct span s)
{
	const unsigned char *at;

	if (s.n >= 2 && memcmp(s.p, "\r\n", 2) == 0)
		return 2;
	at = s.n < 4 ? NULL : memmem(s.p, s.n, "\r\n\r\n", 4);
	return at == NULL ? 0 : (size_t)(at - s.p) + 4;
}

/* The header without the fields that final delivery alone adds; one of ours may be absent, but then
 * another's would say what is not so. */
static int
letter_header(struct letter *l, struct span header, struct err *e)
{
	static const char *const fields[] = { "return-path", "original-recipient" };
	bool skip = false;

	while (header.n > 0) {
		size_t n = span_find(header, '\n');
		struct span line = span_sub(header, 0, n + 1);

		if (!ascii_wsp(line.p[0])) {
			struct span name = span_trim(span_sub(line, 0, span_find(line, ':')));

			skip = false;
			for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
				skip |= span_isi(name, fields[i]);
		}
		if (!skip && letter_lines(l, line, e) == -1)
			return -1;
		header = span_sub(header, n + 1, header.n);
	}
	return 0;
}

static int
letter_body(struct letter *l, struct span s, struct err *e)
{
	if (!l->binary)
		return letter_lines(l, s, e);
	while (s.n > 0) {
		struct span part = span_sub(s, 0, LETTER_CHUNK);

		if (buf_add(&l->out, part, e) == -1)
			return -1;
		s = span_sub(s, part.n, s.n);
		if (l->out.n >= LETTER_CHUNK && letter_flush(l, e) == -1)
			return -1;
	}
	return 0;
}

int
letter_own(struct letter *l, struct span fields, struct err *e)
{
	return letter_lines(l, fields, e);
}

int
letter_put(struct letter *l, struct span piece, struct err *e)
{
	while (!l->in_body && piece.n > 0) {
		struct span part = span_sub(piece, 0, LETTER_CHUNK);
		size_t end;

		if (buf_add(&l->header, part, e) == -1)
			return -1;
		piece = span_sub(piece, part.n, piece.n);
		end = header_end(buf_view(&l->header));
		if (end == 0 && l->header.n < LETTER_HEADER)
			continue;
		if (end == 0)
			end = l->header.n;
		l->in_body = true;
		if (letter_header(l, span_sub(buf_view(&l->header), 0, end), e) == -1 ||
		    letter_body(l, span_sub(buf_view(&l->header), end, l->header.n), e) == -1)
			return -1;
		buf_free(&l->header);
	}
	return letter_body(l, piece, e);
}

int
letter_end(struct letter *l, struct err *e)
{
	if (!l->in_body && letter_header(l, buf_view(&l->header), e) == -1)
		return -1;
	if (l->cr && buf_add_byte(&l->out, '\r', e) == -1)
		return -1;
	return letter_flush(l, e);
}
