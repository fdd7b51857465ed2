/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/compose.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/describe.h"
#include "lib/features.h"
#include "lib/token.h"
#include "lib/transfer.h"

static const struct { const char *suffix, *type; bool image; } media_types[] = {
	{ ".tif", "image/tiff", true }, { ".tiff", "image/tiff", true },
	{ ".tfx", "image/tiff-fx", true }, { ".txt", "text/plain; charset=utf-8", false },
	{ ".pdf", "application/pdf", false }, { ".png", "image/png", true },
	{ ".jpg", "image/jpeg", true }, { ".jpeg", "image/jpeg", false },
	{ "", "application/octet-stream", false },
};

static size_t
media_type(const char *path)
{
	size_t n = strlen(path), i = 0;

	for (;; i++) {
		size_t k = strlen(media_types[i].suffix);

		if (k <= n && span_isi(span_of(path + n - k, k), media_types[i].suffix))
			return i;
	}
}

int
compose_lines(struct span s, struct buf *out, struct err *e)
{
	struct span line;

	while (span_line(&s, &line))
		if (buf_add(out, line, e) == -1 || buf_add_str(out, "\r\n", e) == -1)
			return -1;
	return 0;
}

/* "ANY", "NONE", or a filter that parses. */
static int
check_convert(const char *convert, struct err *e)
{
	struct feat *f;

	if (span_isi(span_str(convert), "any") || span_isi(span_str(convert), "none"))
		return 0;
	if (feat_parse(span_str(convert), 0, &f, e) == -1)
		return err_in(e, "--convert");
	feat_free(f);
	return 0;
}

static const char *
convert_value(const char *convert)
{
	return span_isi(span_str(convert), "any") ? "ANY" : span_isi(span_str(convert), "none") ?
	    "NONE" : convert;
}

/* The media type that the features state; else the one given. */
static const char *
image_type(struct span features, const char *given)
{
	static const char *const types[] = { "image/tiff-fx", "image/tiff", "image/jpeg", "image/png" };
	char stated[40];

	for (size_t i = 0; i < sizeof types / sizeof *types && features.n > 0; i++) {
		int n = snprintf(stated, sizeof stated, "type=\"%s\"", types[i]);

		if (memmem(features.p, features.n, stated, (size_t)n) != NULL)
			return types[i];
	}
	return given;
}

/* The fields of RFC 4141 for an image part: both or neither. */
static int
negotiation_fields(const struct compose *c, struct span features, struct buf *out,
    struct err *e)
{
	if (c->convert == NULL || features.n == 0)
		return 0;
	if (describe_field("Content-Features", features, out, e) == -1)
		return -1;
	return describe_field("Content-Convert", span_str(convert_value(c->convert)), out, e);
}

/* What an image is.  One that cannot be read is an error only if conversion is permitted. */
static int
describe(const struct compose *c, struct span file, struct own_converter *converter, struct buf *features,
    struct err *e)
{
	int r = own_converter_features(converter, file, features, e);

	return r == -1 && c->convert == NULL ? 0 : r;
}

static int
add_attachment(const struct compose *c, const char *path, struct own_converter *converter,
    struct buf *out, struct err *e)
{
	const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
	size_t type = media_type(path);
	struct buf file, features;
	char name[128];
	int r;

	buf_init(&file, COMPOSE_MAX);
	buf_init(&features, COMPOSE_MAX);
	span_text(span_str(base), name, sizeof name);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p > 0x7e)
			*p = '_';
	r = cmd_read_file(path, &file, e);
	if (r == 0 && media_types[type].image)
		r = describe(c, buf_view(&file), converter, &features, e);
	if (r == 0)
		r = buf_addf(out, e, "Content-Type: %s\r\nContent-Disposition: attachment; "
		    "filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n",
		    image_type(buf_view(&features), media_types[type].type), name);
	if (r == 0)
		r = negotiation_fields(c, buf_view(&features), out, e);
	if (r == 0)
		r = buf_add_str(out, "\r\n", e);
	if (r == 0)
		r = transfer_base64(buf_view(&file), out, e);
	buf_free(&features);
	buf_free(&file);
	return r;
}

static int
add_text(struct span text, struct buf *out, struct err *e)
{
	struct buf lines;
	int r;

	buf_init(&lines, COMPOSE_MAX);
	r = buf_add_str(out, "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n", e);
	if (r == 0)
		r = compose_lines(text, &lines, e);
	if (r == 0)
		r = transfer_qp(buf_view(&lines), true, out, e);
	buf_free(&lines);
	return r;
}

int
compose_words(struct span text, struct buf *out, struct err *e)
{
	enum { WORD = 42 };		/* octets whose base64 fits a word */
	bool first = true;

	while (text.n > 0) {
		size_t n = text.n < WORD ? text.n : WORD;

		while (n < text.n && n > WORD - 4 && (text.p[n] & 0xc0) == 0x80)
			n--;
		if (buf_add_str(out, first ? " =?utf-8?B?" : "\r\n =?utf-8?B?", e) == -1 ||
		    transfer_base64(span_sub(text, 0, n), out, e) == -1)
			return -1;
		out->n -= 2;		/* transfer_base64 ends its line */
		if (buf_add_str(out, "?=", e) == -1)
			return -1;
		first = false;
		text = span_sub(text, n, text.n);
	}
	return 0;
}

static int
add_subject(struct span text, struct buf *out, struct err *e)
{
	size_t i = 0;

	while (i < text.n && text.p[i] < 0x80)
		i++;
	if (i == text.n)
		return buf_addf(out, e, "Subject: %.*s\r\n", (int)text.n, (const char *)text.p);
	if (buf_add_str(out, "Subject:", e) == -1 || compose_words(text, out, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

int
compose_top(const char *left, const char *host, struct buf *out, struct err *e)
{
	char date[40];

	clock_rfc5322(clock_us(), date, sizeof date);
	return buf_addf(out, e, "Date: %s\r\nMessage-ID: <%s@%s>\r\n", date, left, host);
}

static int
add_header(const struct compose *c, const char *token, struct buf *out, struct err *e)
{
	const char *left = c->tag != NULL && *c->tag != '\0' ? c->tag : token;

	if ((!c->bare && compose_top(left, c->host, out, e) == -1) ||
	    buf_addf(out, e, "From: <%s>\r\n", c->from) == -1)
		return -1;
	for (int i = 0; i < c->nto; i++)
		if (buf_addf(out, e, i == 0 ? "To: <%s>" : ",\r\n\t<%s>", c->to[i]) == -1)
			return -1;
	if (buf_add_str(out, "\r\n", e) == -1 || add_subject(span_str(c->subject), out, e) == -1)
		return -1;
	return buf_add_str(out, "MIME-Version: 1.0\r\n", e);
}

/* Does text begin with a header field? */
static bool
has_header(struct span text)
{
	size_t colon = span_find(text, ':');

	if (colon == 0 || colon == text.n)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return true;
}

int
compose_message(const struct compose *c, struct span text, struct own_converter *converter,
    struct buf *out, struct err *e)
{
	char token[TOKEN_SIZE];

	if (c->convert != NULL && check_convert(c->convert, e) == -1)
		return -1;
	if (c->nattach == 0 && has_header(text))
		return compose_lines(text, out, e);
	if (token_make(token, e) == -1 || add_header(c, token, out, e) == -1)
		return -1;
	if (c->nattach == 0)
		return add_text(text, out, e);
	if (c->nattach == 1 && text.n == 0)
		return add_attachment(c, c->attach[0], converter, out, e);
	if (buf_addf(out, e, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n", token) == -1)
		return -1;
	if (text.n > 0 && (buf_addf(out, e, "--=_%s\r\n", token) == -1 ||
	    add_text(text, out, e) == -1 || buf_add_str(out, "\r\n", e) == -1))
		return -1;
	for (int i = 0; i < c->nattach; i++)
		if (buf_addf(out, e, "--=_%s\r\n", token) == -1 ||
		    add_attachment(c, c->attach[i], converter, out, e) == -1)
			return -1;
	return buf_addf(out, e, "--=_%s--\r\n", token);
}

int
compose_image(struct span file, const char *type, const char *convert, struct buf *out, struct err *e)
{
	if (buf_addf(out, e, "MIME-Version: 1.0\r\nContent-Type: %s\r\n"
	    "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n", type) == -1 ||
	    check_convert(convert, e) == -1 ||
	    describe_field("Content-Convert", span_str(convert_value(convert)), out, e) == -1 ||
	    buf_add_str(out, "\r\n", e) == -1)
		return -1;
	return transfer_base64(file, out, e);
}
