/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/convert.c - accord convert: what accord would make of an image file or a message, and why. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "lib/transfer.h"

static const char usage[] =
    "accord convert IN -o OUT --for EXPRESSION [--permit EXPRESSION|any|none] [--type TYPE]\n"
    "    [--drucof[=prefer]] [--explain]\n"
    "accord convert IN --explain --for EXPRESSION [OPTION...]";

struct convert_options { const char *in, *out, *for_whom, *permit, *type; enum plan_wish wish; bool explain; };

/* An option without a word of its own.  false: it is another. */
static bool
convert_flag(struct convert_options *o, const char *word)
{
	bool prefer = strcmp(word, "--drucof=prefer") == 0;

	if (strcmp(word, "--explain") == 0) {
		o->explain = true;
		return true;
	}
	if (!prefer && strcmp(word, "--drucof") != 0)
		return false;
	o->wish = prefer ? WISH_PREFER : WISH_DRUCOF;
	return true;
}

static int
convert_options(struct convert_options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char **to = strcmp(argv[i], "-o") == 0 ? &o->out :
		    strcmp(argv[i], "--for") == 0 ? &o->for_whom :
		    strcmp(argv[i], "--permit") == 0 ? &o->permit :
		    strcmp(argv[i], "--type") == 0 ? &o->type : NULL;

		if (convert_flag(o, argv[i]))
			continue;
		if (to == NULL && o->in == NULL)
			o->in = argv[i];
		else if (to == NULL || i + 1 == argc)
			return -1;
		else
			*to = argv[++i];
	}
	return o->in != NULL && (o->out != NULL || o->explain) && o->for_whom != NULL ? 0 : -1;
}

/* The media type by the first octets; NULL: no image that is converted. */
static const char *
image_type(struct span s)
{
	static const struct { const char *magic; size_t n; const char *type; } types[] = {
		{ "II*\0", 4, "image/tiff" }, { "MM\0*", 4, "image/tiff" }, { "\xff\xd8\xff", 3, "image/jpeg" },
		{ "\x89PNG\r\n\x1a\n", 8, "image/png" },
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (s.n >= types[i].n && memcmp(s.p, types[i].magic, types[i].n) == 0)
			return types[i].type;
	return NULL;
}

/* The type of the file, as far as it is one that is converted: as it is said, by its first octets, by its name. */
static const char *
file_type(const struct convert_options *o, struct span in)
{
	size_t n = strlen(o->in);
	const char *type = o->type != NULL ? o->type : image_type(in);

	if (type == NULL && n > 4 && strcasecmp(o->in + n - 4, ".txt") == 0)
		type = "text/plain; charset=utf-8";
	return type;
}

/* What is said in a header field: printable, in one line. */
static bool
type_is_sound(const char *type)
{
	size_t n = strlen(type);

	for (size_t i = 0; i < n; i++)
		if (type[i] < ' ' || type[i] > '~')
			return false;
	return n < 500 && strchr(type, '/') != NULL;
}

static int
put_buf(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

/* The body of a message of one base64 part, decoded. */
static int
decode_body(struct span message, struct buf *out, struct err *e)
{
	const unsigned char *at = memmem(message.p, message.n, "\r\n\r\n", 4);

	if (at == NULL)
		return err_set(e, ERR_BUG, NULL, "a message without a body");
	return transfer_decode(TRANSFER_BASE64,
	    span_sub(message, (size_t)(at - message.p) + 4, message.n), out, e);
}

/* Writes the converted message, or the image in it. */
static int
write_converted(const struct convert_options *o, struct span message, const struct edit_list *list,
    bool image, struct err *e)
{
	struct buf result, body;
	int r;

	buf_init(&result, 2 * COMPOSE_MAX);
	buf_init(&body, COMPOSE_MAX);
	r = edit_walk(list, message, put_buf, &result, e);
	if (r == 0 && image)
		r = decode_body(buf_view(&result), &body, e);
	if (r == 0)
		r = cmd_write_file(o->out, image ? buf_view(&body) : buf_view(&result), e);
	buf_free(&result);
	buf_free(&body);
	return r;
}

static int
convert_message(const struct convert_options *o, struct span original, struct span message, bool image,
    const struct own_converter *own, struct err *e)
{
	struct converter_message m = { .fd = cmd_memfd(message, e), .len = message.n,
	    .id = "0000000000000000" };
	struct span caps = span_str(o->for_whom);
	uint8_t wish = (uint8_t)o->wish;
	struct converter_plan plan;
	struct converter_edits edits;
	const struct plan_verdict *v;
	FILE *tell = o->out == NULL ? stdout : stderr;
	int r;

	if (m.fd == -1)
		return -1;
	r = converter_ask_plan(own->sock, &m, o->explain ? PLAN_ALL_PARTS | PLAN_ALTERNATIVES : 0, &caps, &wish, 1,
	    &plan, e);
	if (r == -1) {
		close(m.fd);
		return -1;
	}
	v = &plan.plan.verdict[0];
	fprintf(tell, "%.*s", (int)v->detail.n, (const char *)v->detail.p);
	if (v->fate == PLAN_FITS) {
		fprintf(tell, "fits as it is\n");
		r = o->out == NULL ? 0 : cmd_write_file(o->out, original, e);
	} else if (v->fate == PLAN_EMPTY) {
		r = err_set(e, ERR_PERM, v->dsn, "no form is both permitted and taken (%s)", v->dsn);
	} else if (o->out == NULL) {
		fprintf(tell, "would be converted: %.*s\n", (int)v->key.n, (const char *)v->key.p);
	} else {
		r = converter_ask_edits(own->sock, &m, &plan.plan, v->key, CONVERTER_PLAN_MS, &edits, e);
		if (r == 0) {
			fprintf(tell, "converted: %.*s\n", (int)v->key.n, (const char *)v->key.p);
			r = write_converted(o, message, &edits.list, image, e);
			converter_edits_free(&edits);
		}
	}
	converter_plan_free(&plan);
	close(m.fd);
	return r;
}

int
verb_convert(struct common *c, int argc, char **argv)
{
	struct convert_options o = { .permit = "any", .wish = WISH_CONPERM };
	struct own_converter own = OWN_CONVERTER;
	struct buf in, message;
	struct err e = { 0 };
	const char *type;
	int r;

	(void)c;
	if (convert_options(&o, argc, argv) == -1)
		return cmd_usage(usage);
	if (o.type != NULL && !type_is_sound(o.type))
		return cmd_usage("accord convert: --type: expected a media type, such as text/plain");
	buf_init(&in, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	r = cmd_read_file(o.in, &in, &e);
	type = file_type(&o, buf_view(&in));
	if (r == 0 && type != NULL)
		r = compose_image(buf_view(&in), type, o.permit, &message, &e);
	else if (r == 0)
		r = compose_lines(buf_view(&in), &message, &e);
	if (r == 0)
		r = own_converter_start(&own, &e);
	if (r == 0) {
		r = convert_message(&o, buf_view(&in), buf_view(&message), type != NULL, &own, &e);
		own_converter_end(&own);
	}
	buf_free(&in);
	buf_free(&message);
	return r == -1 ? cmd_fail(&e) : EXIT_DONE;
}
