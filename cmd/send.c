/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/send.c - accord send: a message goes into the queue of the running instance. */
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "lib/address.h"
#include "lib/envelope.h"
#include "lib/features.h"

static const char usage[] =
    "accord send [-H HOME] [--conperm] [--drucof[=prefer]] [--convert EXPRESSION|any|none]\n"
    "            [--from ADDRESS] [--subject TEXT] [--attach FILE]... [--notify never|success,failure,delay]\n"
    "            [--ret full|hdrs] [--envid XTEXT] [--minimal] -- TO... < message";

struct send_options {
	struct compose compose;
	const char *envid;
	uint8_t notify, ret, drucof;
	bool conperm, minimal;
	bool null;		/* the reverse-path is */
};

/* One that takes no value of its own. */
static bool
send_flag(struct send_options *o, const char *word)
{
	if (strcmp(word, "--conperm") == 0)
		o->conperm = true;
	else if (strcmp(word, "--minimal") == 0)
		o->minimal = true;
	else if (strcmp(word, "--drucof") == 0)
		o->drucof = DRUCOF_REQUIRE;
	else if (strcmp(word, "--drucof=prefer") == 0)
		o->drucof = DRUCOF_PREFER;
	else
		return false;
	return true;
}

/* -1: usage. */
static int
send_options(struct send_options *o, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *word = i + 1 < argc ? argv[i + 1] : NULL;

		if (send_flag(o, argv[i]))
			continue;
		if (argv[i][0] != '-')
			break;
		if (word == NULL)
			return -1;
		if (strcmp(argv[i], "--convert") == 0)
			o->compose.convert = word;
		else if (strcmp(argv[i], "--from") == 0)
			o->compose.from = word;
		else if (strcmp(argv[i], "--subject") == 0)
			o->compose.subject = word;
		else if (strcmp(argv[i], "--attach") == 0 && o->compose.nattach < COMPOSE_ATTACHMENTS)
			o->compose.attach[o->compose.nattach++] = word;
		else if (strcmp(argv[i], "--notify") == 0 && dsn_notify(word, &o->notify) == 0)
			;
		else if (strcmp(argv[i], "--ret") == 0 && dsn_ret(word, &o->ret) == 0)
			;
		else if (strcmp(argv[i], "--envid") == 0 && dsn_envid(word) == 0)
			o->envid = word;
		else
			return -1;
		i++;
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	o->compose.to = argv + i;
	o->compose.nto = argc - i;
	if (o->minimal && o->compose.convert == NULL)
		o->compose.convert = "any";
	return o->compose.nto > 0 ? 0 : -1;
}

/* A header value of ours must not be able to add a field. */
static int
check_words(const struct send_options *o, struct err *e)
{
	for (const char *p = o->compose.subject; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			return err_set(e, ERR_PERM, NULL, "--subject: a control character");
	if (address_check(span_str(o->compose.from), e) == -1)
		return err_in(e, "--from");
	for (int i = 0; i < o->compose.nto; i++)
		if (address_check(span_str(o->compose.to[i]), e) == -1)
			return err_in(e, "%s", o->compose.to[i]);
	return 0;
}

static int
send_submit(const struct common *c, const struct send_options *o, struct span message, struct err *e)
{
	struct envelope env = { .sender = span_str(o->null ? "" : o->compose.from), .conperm = o->conperm,
	    .ret = o->ret,
	    .envid = span_str(o->envid != NULL ? o->envid : o->compose.tag),
	    .nrcpt = (uint32_t)o->compose.nto };
	char id[QID_SIZE];
	int r;

	if ((env.rcpt = calloc(env.nrcpt, sizeof *env.rcpt)) == NULL)
		return err_sys(e, "recipients");
	for (uint32_t i = 0; i < env.nrcpt; i++)
		env.rcpt[i] = (struct rcpt){ .addr = span_str(o->compose.to[i]), .notify = o->notify,
		    .drucof = o->drucof };
	r = submit_message(&c->home, &env, message, id, e);
	free(env.rcpt);
	if (r == 0)
		printf(c->json ? "{\"id\":\"%s\"}\n" : "%s\n", id);
	return r;
}

static int
put_buf(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

/* The message with its images in Profile S, made here: no hop can be relied on to do it. */
static int
send_minimal(struct span message, const struct own_converter *own, struct buf *out, struct err *e)
{
	struct converter_message m = { .fd = cmd_memfd(message, e), .len = message.n,
	    .id = "0000000000000000" };
	struct span caps = span_str(FEAT_PROFILE_S);
	static const uint8_t wish = WISH_CONPERM;
	struct converter_plan plan = { 0 };
	struct converter_edits edits;
	const struct plan_verdict *v;
	int r;

	if (m.fd == -1)
		return -1;
	r = converter_ask_plan(own->sock, &m, 0, &caps, &wish, 1, &plan, e);
	v = r == 0 ? &plan.plan.verdict[0] : NULL;
	if (v != NULL && v->fate == PLAN_FITS) {
		r = buf_add(out, message, e);
	} else if (v != NULL && v->fate == PLAN_EMPTY) {
		r = err_set(e, ERR_PERM, v->dsn, "--minimal: Profile S cannot be made of an image, or --convert "
		    "does not permit it");
	} else if (v != NULL) {
		r = converter_ask_edits(own->sock, &m, &plan.plan, v->key, CONVERTER_PLAN_MS, &edits, e);
		if (r == 0) {
			r = edit_walk(&edits.list, message, put_buf, out, e);
			converter_edits_free(&edits);
		}
	}
	converter_plan_free(&plan);
	close(m.fd);
	return r;
}

/* For the message's recipients, if there are few. */
static void
send_tag(const struct common *c, const struct send_options *o, char tag[TAG_TEXT])
{
	struct buf rcpts;
	struct err e;

	tag[0] = '\0';
	buf_init(&rcpts, TAG_RCPTS * (ENV_MAX_PATH + 1));
	for (int i = 0; i < o->compose.nto; i++)
		if (buf_add(&rcpts, span_of(o->compose.to[i], strlen(o->compose.to[i]) + 1), &e) == -1) {
			buf_free(&rcpts);
			return;
		}
	submit_tag(&c->home, buf_view(&rcpts), tag);
	buf_free(&rcpts);
}

static int
send_message(const struct common *c, struct send_options *o, struct err *e)
{
	struct own_converter converter = { -1, -1 };
	char tag[TAG_TEXT] = "";
	struct buf text, message, minimal;
	int r;

	buf_init(&text, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	buf_init(&minimal, 2 * COMPOSE_MAX);
	o->compose.tag = tag;
	r = check_words(o, e);
	if (r == 0)
		send_tag(c, o, tag);
	if (r == 0 && !isatty(0))
		r = cmd_read_fd(0, &text, e);
	if (r == 0)
		r = own_converter_start(&converter, e);
	if (r == 0) {
		r = compose_message(&o->compose, buf_view(&text), &converter, &message, e);
		if (r == 0 && o->minimal)
			r = send_minimal(buf_view(&message), &converter, &minimal, e);
		own_converter_end(&converter);
	}
	if (r == 0)
		r = send_submit(c, o, buf_view(o->minimal ? &minimal : &message), e);
	buf_free(&text);
	buf_free(&minimal);
	buf_free(&message);
	return r;
}

int
verb_send(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct send_options o = { .compose = { .subject = "" } };
	char from[ADDRESS_MAX + 1];
	struct err e = { 0 };

	if (send_options(&o, argc, argv) == -1)
		return cmd_usage(usage);
	if (cmd_setting(&c->home, &conf, CONF_ME, &e) == -1)
		return cmd_fail(&e);
	o.compose.host = conf_string(&conf, CONF_ME);
	o.null = o.compose.from != NULL && *o.compose.from == '\0';
	if (o.compose.from == NULL || o.null) {		/* From names who calls (RFC 5322, 3.6.2) */
		const struct passwd *pw = getpwuid(getuid());

		snprintf(from, sizeof from, "%s@%s", pw != NULL ? pw->pw_name : "postmaster",
		    o.compose.host);
		o.compose.from = from;
	}
	return send_message(c, &o, &e) == -1 ? cmd_fail(&e) : EXIT_DONE;
}
