/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/send.c - accord send: a message goes into the queue of the running instance. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/original.h"

static const char usage[] =
    "accord send [-H HOME] [--conperm] [--drucof[=prefer]] [--convert EXPRESSION|any|none]\n"
    "            [--from ADDRESS] [--subject TEXT] [--attach FILE]... [--notify never|success,failure,delay]\n"
    "            [--ret full|hdrs] [--envid XTEXT] [--minimal] -- TO... < message";

static int
send_submit(const struct common *c, const struct original *o, struct span message, struct err *e)
{
	struct envelope env;
	char id[QID_SIZE];
	int r;

	if (original_envelope(o, &env, e) == -1)
		return -1;
	r = submit_message(&c->home, &env, message, id, e);
	free(env.rcpt);
	if (r == 0)
		printf(c->json ? "{\"id\":\"%s\"}\n" : "%s\n", id);
	return r;
}

/* For the message's recipients, if there are few. */
static void
send_tag(const struct common *c, const struct original *o, char tag[TAG_TEXT])
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
send_message(const struct common *c, struct original *o, struct err *e)
{
	char tag[TAG_TEXT] = "";
	struct buf text, message;
	int r = 0;

	buf_init(&text, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	o->compose.tag = tag;
	send_tag(c, o, tag);
	if (!isatty(0))
		r = cmd_read_fd(0, &text, e);
	if (r == 0)
		r = original_message(o, buf_view(&text), &message, e);
	if (r == 0)
		r = send_submit(c, o, buf_view(&message), e);
	buf_free(&text);
	buf_free(&message);
	return r;
}

int
verb_send(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct original o = { .compose = { .subject = "" } };
	struct err e = { 0 };
	int to = original_options(&o, argc, argv);

	if (to == -1 || to >= argc)
		return cmd_usage(usage);
	o.compose.to = argv + to;
	o.compose.nto = argc - to;
	if (original_sender(c, &o, &conf, &e) == -1 || send_message(c, &o, &e) == -1)
		return cmd_fail(&e);
	return EXIT_DONE;
}
