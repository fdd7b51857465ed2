/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/explain.c - accord explain: what would become of a message, told by those who would deliver it.  They get
 * it as a file of the queue that is in no queue.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/original.h"
#include "lib/inquiry.h"
#include "lib/mime.h"
#include "lib/qfile.h"

static const char usage[] =
    "accord explain [-H HOME] [--json] [--conperm] [--drucof[=prefer]]\n"
    "            [--convert EXPRESSION|any|none] [--from ADDRESS] [--attach FILE]... ADDRESS [MESSAGE|-]";

enum { INQUIRE_WAIT_MS = 200 * 1000 };	/* more than an inquiry may take */

struct explain {
	struct original o;
	const char *path;		/* of the message, "-"; or NULL */
	struct msg_inquired reply;
	struct buf items;		/* lib/inquiry.h */
};

/* --- the message --- */

/* The part's header, with the permission given by --convert if it is an image's and has none. */
static int
permit_part(const struct mime_part *p, const char *value, struct buf *out, struct err *e)
{
	static const char image[] = "image/";
	struct mime_field f;

	if (!span_isi(span_sub(p->type, 0, sizeof image - 1), image) ||
	    mime_field_find(p->header, "Content-Convert", &f) > 0)
		return 0;
	return buf_addf(out, e, "Content-Convert: %s\r\n", value);
}

/* Appends the message, its images with what --convert permits. */
static int
permit(struct span message, const char *value, struct buf *out, struct err *e)
{
	const unsigned char *at = message.p;
	struct mime m;
	int r = 0;

	if (mime_parse(message, &m, e) == -1)
		return -1;
	for (uint32_t i = 0; i < m.n && r == 0; i++) {
		const struct mime_part *p = &m.part[i];

		if (p->header.p == NULL || p->header.p < at)
			continue;
		r = buf_add(out, span_of(at, (size_t)(p->header.p - at)), e);
		at = p->header.p;
		if (r == 0)
			r = permit_part(p, value, out, e);
	}
	if (r == 0)
		r = buf_add(out, span_of(at, (size_t)(message.p + message.n - at)), e);
	mime_free(&m);
	return r;
}

/* A message that is there already, or one that is made of what is attached; with neither: none. */
static int
explain_message(const struct explain *x, struct buf *out, struct err *e)
{
	struct buf text, message;
	int r = 0;

	buf_init(&text, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	if (x->path != NULL)
		r = strcmp(x->path, "-") == 0 ? cmd_read_fd(0, &text, e) : cmd_read_file(x->path, &text, e);
	if (r == 0 && (x->path != NULL || x->o.compose.nattach > 0))
		r = original_message(&x->o, buf_view(&text), &message, e);
	if (r == 0 && x->o.compose.convert != NULL)
		r = permit(buf_view(&message), x->o.compose.convert, out, e);
	else if (r == 0)
		r = buf_add(out, buf_view(&message), e);
	buf_free(&text);
	buf_free(&message);
	return r;
}

/* A file as the queue keeps them, of the one recipient.  -1. */
static int
explain_file(const struct explain *x, struct span message, struct err *e)
{
	struct envelope env;
	struct qfile q;
	struct buf block;
	int fd, r = -1;

	if (original_envelope(&x->o, &env, e) == -1)
		return -1;
	submit_body(&env, message);
	buf_init(&block, ENV_MAX);
	fd = cmd_memfd(message, e);
	if (fd != -1 && envelope_encode(&env, &block, e) == 0 && qfile_finish(fd, message.n,
	    crc32c(0, message.p, message.n), buf_view(&block), env.nrcpt, &q, e) == 0)
		r = cmd_seal(fd, e);
	if (r == -1 && fd != -1)
		close(fd);
	buf_free(&block);
	free(env.rcpt);
	return r == -1 ? -1 : fd;
}

/* --- the question --- */

static int
explain_ask(const struct common *c, struct explain *x, int file, struct err *e)
{
	union { struct msg_inquired m; struct msg_refused no; } reply;
	bool whole = x->path != NULL || x->o.compose.nattach > 0;
	struct msg_inquire m = { .kind = whole ? INQUIRY_MESSAGE : INQUIRY_CAPS };
	int sock = control_connect(&c->home, e), fds[MSG_FDS], r;
	size_t len;

	if (sock == -1)
		return -1;
	r = control_call_fds(sock, &m.h, MSG_INQUIRE, sizeof m, file, INQUIRE_WAIT_MS, &reply, sizeof reply, &len,
	    fds, e);
	close(sock);
	if (r == -1)
		return -1;
	x->reply = reply.m;
	r = inquiry_of_packet(&x->reply, len, fds[0], &x->items, e);
	ipc_close_fds(fds, MSG_FDS);
	return r;
}

/* --- the answer --- */

/* A hop's words are shown, and cannot do anything: what is no printable ASCII as \xNN. */
static void
print_safe(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '\\')
			printf("\\x%02x", s.p[i]);
		else
			putchar(s.p[i]);
}

static void
print_item(const char *name, struct span value)
{
	printf(value.n > 0 ? "%-12s " : "%s", name);
	print_safe(value);
	putchar('\n');
}

/* The last value of each kind; p NULL: none. */
struct last { struct span of[INQUIRY_WHATS]; };

/* Calls each for every item.  -1: ERR_PROTO. */
static int
each_item(const struct explain *x, struct last *last, void (*each)(enum inquiry_what, struct span), struct err *e)
{
	struct span rest = buf_view(&x->items), value;
	enum inquiry_what what;
	int r;

	while ((r = inquiry_next(&rest, &what, &value, e)) == 1) {
		last->of[what] = value;
		each(what, value);
	}
	return r;
}

static void
text_item(enum inquiry_what what, struct span value)
{
	print_item(inquiry_name(what), value);
}

static int
explain_text(const struct explain *x, struct last *last, struct err *e)
{
	print_item("address", span_str(x->o.compose.to[0]));
	print_item("route", span_str(x->reply.route));
	if (x->reply.options[0] != '\0')
		print_item("destinations", span_trim(span_str(x->reply.options)));
	return each_item(x, last, text_item, e);
}

static void
json_pair(const char *before, const char *name, struct span value)
{
	printf("%s\"%s\":", before, name);
	json_string(stdout, value);
}

static bool json_more;

static void
json_item(enum inquiry_what what, struct span value)
{
	json_pair(json_more ? ",{" : "{", "what", span_str(inquiry_name(what)));
	json_pair(",", "value", value);
	putchar('}');
	json_more = true;
}

/* All steps, and the last word on what a program wants to know first. */
static int
explain_json(const struct explain *x, struct last *last, struct err *e)
{
	static const enum inquiry_what words[] = { INQUIRY_CAPABILITIES, INQUIRY_SOURCE, INQUIRY_TAKES, INQUIRY_FATE,
	    INQUIRY_ROW, INQUIRY_BATCH, INQUIRY_FORM, INQUIRY_OUTCOME, INQUIRY_STATUS, INQUIRY_WHY };
	int r;

	json_pair("{", "address", span_str(x->o.compose.to[0]));
	json_pair(",", "route", span_str(x->reply.route));
	json_pair(",", "destinations", span_trim(span_str(x->reply.options)));
	printf(",\"steps\":[");
	r = each_item(x, last, json_item, e);
	putchar(']');
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (last->of[words[i]].p != NULL)
			json_pair(",", inquiry_name(words[i]), last->of[words[i]]);
	printf("}\n");
	return r;
}

/* As the message's own fate would be. */
static int
exit_code(const struct last *last)
{
	struct span s = last->of[INQUIRY_OUTCOME];

	return span_is(s, "delivered") || span_is(s, "relayed") ? EXIT_DONE :
	    span_is(s, "deferred") ? EXIT_LATER : EXIT_NO;
}

static int
explain_run(const struct common *c, struct explain *x, struct last *last, struct err *e)
{
	struct buf message;
	int fd = -1, r;

	buf_init(&message, 3 * COMPOSE_MAX);
	r = explain_message(x, &message, e);
	if (r == 0)
		r = fd = explain_file(x, buf_view(&message), e);
	if (fd != -1)
		r = explain_ask(c, x, fd, e);
	if (r == 0)
		r = c->json ? explain_json(x, last, e) : explain_text(x, last, e);
	if (fd != -1)
		close(fd);
	buf_free(&message);
	return r;
}

int
verb_explain(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	static struct explain x = { .o = { .compose = { .subject = "" } } };
	struct last last = { 0 };
	struct err e = { 0 };
	int at = original_options(&x.o, argc, argv), r;

	if (at == -1 || at >= argc || argc - at > 2 || x.o.alternative)
		return cmd_usage(usage);
	x.o.compose.to = argv + at;
	x.o.compose.nto = 1;
	x.path = argv[at + 1];
	buf_init(&x.items, INQUIRY_MAX + MSG_MAX);
	r = original_sender(c, &x.o, &conf, &e);
	if (r == 0)
		r = explain_run(c, &x, &last, &e);
	r = r == -1 ? cmd_fail(&e) : exit_code(&last);
	buf_free(&x.items);
	return r;
}
