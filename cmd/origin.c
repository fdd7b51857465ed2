/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/origin.h"

#include <stdio.h>

#include "cmd/compose.h"
#include "lib/addrlist.h"
#include "lib/clock.h"
#include "lib/mime.h"
#include "lib/token.h"

/* What is known of the header, and of the body's octets. */
struct fields {
	bool date, from, message_id, resent, mime;	/* mime: any of Content-… or MIME-Version */
	struct span type, encoding;	/* values of Content-Type, -Transfer-Encoding */
};
struct octets { bool eight, strange, is_long; };	/* strange: CR or NUL where none may be */

int
origin_address(const struct origin *o, const char *word, struct buf *out, struct err *e)
{
	struct span s = span_str(word);
	size_t from = out->n;

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = span_sub(s, 1, s.n - 1);
	if (buf_add(out, s, e) == -1 || (address_domain(s).n == 0 && s.n > 0 && s.p[s.n - 1] != '@' &&
	    buf_addf(out, e, "@%s", o->host) == -1))
		return -1;
	if (address_check(span_sub(buf_view(out), from, out->n), e) == -1) {
		out->n = from;
		return err_in(e, "%.100s", word);
	}
	return buf_add_byte(out, '\0', e);
}

/* --- recipients --- */

static int
note_rcpt(void *arg, const struct addrlist_box *b, struct err *e)
{
	struct origin *o = arg;

	if (o->nrcpt++ == ORIGIN_RCPT)
		return err_set(e, ERR_PERM, "5.5.3", "more than %d recipients", ORIGIN_RCPT);
	return origin_address(o, b->addr, &o->rcpt, e);
}

int
origin_rcpts(struct origin *o, const char *word, struct err *e)
{
	uint32_t before = o->nrcpt;

	if (addrlist_parse(span_str(word), note_rcpt, o, e) == -1 ||
	    (o->nrcpt == before && err_set(e, ERR_PERM, "5.1.3", "no address") == -1))
		return err_in(e, "%.100s", word);
	return 0;
}

/* RFC 5322 3.6.6: what is sent again goes to those of the Resent- fields alone. */
static int
header_rcpts(struct origin *o, struct span header, bool resent, struct err *e)
{
	static const char *const names[2][3] = { { "To", "Cc", "Bcc" },
	    { "Resent-To", "Resent-Cc", "Resent-Bcc" } };
	struct mime_field f;

	while (mime_field_next(&header, &f))
		for (int i = 0; i < 3; i++)
			if (f.name.n > 0 && span_isi(f.name, names[resent][i]) &&
			    addrlist_parse(f.value, note_rcpt, o, e) == -1)
				return err_in(e, "%s", names[resent][i]);
	return 0;
}

/* --- fields --- */

static bool
is_one_of(struct span name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (span_isi(name, *list))
			return true;
	return false;
}

static bool
is_resent_rcpt(struct span name)
{
	static const char *const names[] = { "Resent-To", "Resent-Cc", "Resent-Bcc", NULL };

	return is_one_of(name, names);
}

static void
fields_look(struct span header, struct fields *k)
{
	struct mime_field f;

	*k = (struct fields){ .date = false };
	while (mime_field_next(&header, &f)) {
		if (f.name.n == 0)
			continue;
		k->date |= span_isi(f.name, "Date");
		k->from |= span_isi(f.name, "From");
		k->message_id |= span_isi(f.name, "Message-ID");
		k->resent |= is_resent_rcpt(f.name);
		if (span_isi(f.name, "Content-Type"))
			k->type = f.value;
		if (span_isi(f.name, "Content-Transfer-Encoding"))
			k->encoding = span_trim(f.value);
		k->mime |= span_isi(f.name, "MIME-Version") ||
		    (f.name.n > 8 && span_isi(span_sub(f.name, 0, 8), "Content-"));
	}
}

struct qualify { const char *host; struct span value; size_t done; struct buf *out; };

static int
qualify_box(void *arg, const struct addrlist_box *b, struct err *e)
{
	struct qualify *q = arg;

	if (b->qualified)
		return 0;
	if (buf_add(q->out, span_sub(q->value, q->done, b->end), e) == -1 ||
	    buf_addf(q->out, e, "@%s", q->host) == -1)
		return -1;
	q->done = b->end;
	return 0;
}

/* A field of addresses: short ones get our host's name; one that cannot be read stays as it is. */
static int
add_qualified(const struct origin *o, const struct mime_field *f, struct buf *out, struct err *e)
{
	struct qualify q = { o->host, f->value, 0, out };
	size_t from = out->n;
	struct err why = { 0 };

	if (buf_add(out, f->name, e) == -1 || buf_add_byte(out, ':', e) == -1)
		return -1;
	if (addrlist_parse(f->value, qualify_box, &q, &why) == 0)
		return buf_add(out, span_sub(f->value, q.done, f->value.n), e) == -1 ? -1 :
		    buf_add_str(out, "\r\n", e);
	out->n = from;
	return why.kind == ERR_TEMP ? (*e = why, -1) : buf_add(out, f->whole, e);
}

/* encode: the body will be quoted-printable, so its field is ours. */
static int
add_fields(const struct origin *o, struct span header, bool encode, struct buf *out, struct err *e)
{
	static const char *const dropped[] = { "Bcc", "Resent-Bcc", "Return-Path", NULL };
	static const char *const lists[] = { "From", "Sender", "Reply-To", "To", "Cc", "Resent-From",
	    "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc", NULL };
	struct mime_field f;

	while (mime_field_next(&header, &f)) {
		int r = 0;

		if (is_one_of(f.name, dropped) ||
		    (encode && span_isi(f.name, "Content-Transfer-Encoding")))
			continue;
		r = is_one_of(f.name, lists) ? add_qualified(o, &f, out, e) : buf_add(out, f.whole, e);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* From's name: as it is, quoted, or as encoded words. */
static int
add_name(struct span name, struct buf *out, struct err *e)
{
	bool plain = true;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] > 0x7e)
			return compose_words(name, out, e);
		plain &= ascii_alpha(name.p[i]) || ascii_digit(name.p[i]) || name.p[i] == ' ' ||
		    name.p[i] == '-';
	}
	if (plain)
		return buf_add_byte(out, ' ', e) == -1 ? -1 : buf_add(out, name, e);
	if (buf_add_str(out, " \"", e) == -1)
		return -1;
	for (size_t i = 0; i < name.n; i++)
		if (((name.p[i] == '"' || name.p[i] == '\\') && buf_add_byte(out, '\\', e) == -1) ||
		    buf_add_byte(out, name.p[i] < ' ' ? ' ' : name.p[i], e) == -1)
			return -1;
	return buf_add_byte(out, '"', e);
}

/* What is missing (RFC 5322 3.6, RFC 6409 8.2, 8.3). */
static int
add_missing(const struct origin *o, const struct fields *k, bool encode, struct buf *out,
    struct err *e)
{
	char date[40], token[TOKEN_SIZE];

	if (!k->date) {
		clock_rfc5322(clock_us(), date, sizeof date);
		if (buf_addf(out, e, "Date: %s\r\n", date) == -1)
			return -1;
	}
	if (!k->from && (buf_add_str(out, "From:", e) == -1 || (*o->name != '\0' &&
	    add_name(span_str(o->name), out, e) == -1) || buf_addf(out, e, " <%s>\r\n", o->from) == -1))
		return -1;
	if (!k->message_id && (token_make(token, e) == -1 ||
	    buf_addf(out, e, "Message-ID: <%s@%s>\r\n", *o->tag != '\0' ? o->tag : token, o->host) == -1))
		return -1;
	if (encode && !k->mime && buf_add_str(out, "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n", e) == -1)
		return -1;
	return encode ? buf_add_str(out, "Content-Transfer-Encoding: quoted-printable\r\n", e) : 0;
}

/* --- lines --- */

/* Where the header ends in lines of CRLF: at an empty line, or at the first that is no field. */
static size_t
header_length(struct span lines)
{
	struct span rest = lines;
	struct mime_field f;

	while (rest.n > 0 && rest.p[0] != '\r') {
		size_t at = lines.n - rest.n;

		if (!mime_field_next(&rest, &f) || f.name.n == 0)
			return at;
	}
	return lines.n - rest.n;
}

static struct octets
octets_look(struct span s)
{
	struct octets k = { .eight = false };
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool end = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';

		k.eight |= s.p[i] > 0x7f;
		k.strange |= s.p[i] == '\0' || (s.p[i] == '\r' && !end);
		line = s.p[i] == '\n' ? 0 : line + 1;
		k.is_long |= line > ORIGIN_LINE && !end;
	}
	return k;
}

/* May a text be given another transfer encoding?  One part of text, not encoded yet. */
static bool
may_encode(const struct fields *k)
{
	struct span type = span_trim(k->type);
	enum transfer how = transfer_of(k->encoding);

	return (how == TRANSFER_7BIT || how == TRANSFER_8BIT || how == TRANSFER_BINARY) &&
	    (type.n == 0 || (type.n > 5 && span_isi(span_sub(type, 0, 5), "text/")));
}

static int
add_body(struct span body, bool encode, struct buf *out, struct err *e)
{
	if (buf_add_str(out, "\r\n", e) == -1)
		return -1;
	return encode ? transfer_qp(body, true, out, e) : buf_add(out, body, e);
}

static int
build(struct origin *o, struct span lines, struct buf *out, struct err *e)
{
	size_t at = header_length(lines);
	struct span header = span_sub(lines, 0, at), body = span_sub(lines, at, lines.n);
	struct fields k;
	struct octets in;
	bool encode;

	if (body.n >= 2 && body.p[0] == '\r' && body.p[1] == '\n')
		body = span_sub(body, 2, body.n);
	fields_look(header, &k);
	if (octets_look(header).strange)
		return err_set(e, ERR_PERM, "5.6.0", "the header has a NUL or a CR within a line");
	in = octets_look(body);
	encode = (in.strange || in.is_long) && may_encode(&k);
	if (in.strange && !encode)
		return err_set(e, ERR_PERM, "5.6.0", "a MIME part has a NUL or a CR within a line");
	if (o->from_header && header_rcpts(o, header, k.resent, e) == -1)
		return -1;
	if (o->make_tag != NULL)
		o->make_tag(o->tag_arg, buf_view(&o->rcpt), o->tag);
	if (add_missing(o, &k, encode, out, e) == -1 || add_fields(o, header, encode, out, e) == -1)
		return -1;
	return add_body(body, encode, out, e);
}

int
origin_message(struct origin *o, struct span text, struct buf *out, struct err *e)
{
	struct buf lines;
	struct span line;
	int r;

	/* the line that mailboxes have before a message */
	if (text.n > 5 && memcmp(text.p, "From ", 5) == 0)
		(void)span_line(&text, &line);
	buf_init(&lines, 2 * COMPOSE_MAX);
	r = compose_lines(text, &lines, e);
	if (r == 0)
		r = build(o, buf_view(&lines), out, e);
	buf_free(&lines);
	return r;
}
