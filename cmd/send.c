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

static const char usage[] =
    "accord send [-H HOME] [--conperm] [--convert EXPRESSION|any|none] [--from ADDRESS]\n"
    "            [--subject TEXT] [--attach FILE]... -- TO... < message";

struct send_options { struct compose compose; bool conperm; };

/* -1: usage. */
static int
send_options(struct send_options *o, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *word = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--conperm") == 0) {
			o->conperm = true;
			continue;
		}
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
		else
			return -1;
		i++;
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	o->compose.to = argv + i;
	o->compose.nto = argc - i;
	return o->compose.nto > 0 ? 0 : -1;
}

/* A header value of ours must not be able to add a field. */
static int
check_words(const struct send_options *o, struct err *e)
{
	for (const char *p = o->compose.subject; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			return err_set(e, ERR_PERM, NULL, "--subject: a control character");
	if (*o->compose.from != '\0' && address_check(span_str(o->compose.from), e) == -1)
		return err_in(e, "--from");
	for (int i = 0; i < o->compose.nto; i++)
		if (address_check(span_str(o->compose.to[i]), e) == -1)
			return err_in(e, "%s", o->compose.to[i]);
	return 0;
}

static int
submit(int sock, const struct send_options *o, struct span message, struct msg_id *id, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	struct envelope env = { .sender = span_str(o->compose.from), .conperm = o->conperm };
	struct msg_hdr h = { 0 };
	struct buf packet;
	size_t len;
	int fd, r = -1;

	buf_init(&packet, MSG_MAX);
	for (size_t i = 0; i < message.n && env.body == BODY_7BIT; i++)
		if (message.p[i] > 0x7f)
			env.body = BODY_8BITMIME;
	env.nrcpt = (uint32_t)o->compose.nto;
	if ((env.rcpt = calloc(env.nrcpt, sizeof *env.rcpt)) == NULL)
		return err_sys(e, "recipients");
	for (uint32_t i = 0; i < env.nrcpt; i++)
		env.rcpt[i].addr = span_str(o->compose.to[i]);
	fd = cmd_memfd(message, e);
	if (fd != -1 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE) == -1) {
		err_sys(e, "memory file");
		close(fd);
		fd = -1;
	}
	if (fd != -1 && buf_add(&packet, span_of(&h, sizeof h), e) == 0 &&
	    envelope_encode(&env, &packet, e) == 0)
		r = control_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_SUBMIT, packet.n, fd, reply,
		    sizeof reply, &len, e);
	if (r == 0)
		memcpy(id, reply, sizeof *id);
	if (fd != -1)
		close(fd);
	free(env.rcpt);
	buf_free(&packet);
	return r;
}

static int
send_message(const struct common *c, const struct send_options *o, struct err *e)
{
	struct own_converter converter = { -1, -1 };
	struct buf text, message;
	struct msg_id id;
	int r, sock = -1;

	buf_init(&text, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	r = check_words(o, e);
	if (r == 0 && !isatty(0))
		r = cmd_read_fd(0, &text, e);
	if (r == 0)
		r = own_converter_start(&converter, e);
	if (r == 0) {
		r = compose_message(&o->compose, buf_view(&text), &converter, &message, e);
		own_converter_end(&converter);
	}
	if (r == 0)
		r = sock = control_connect(&c->home, e);
	if (r != -1)
		r = submit(sock, o, buf_view(&message), &id, e);
	if (sock != -1)
		close(sock);
	if (r == 0)
		printf(c->json ? "{\"id\":\"%.16s\"}\n" : "%.16s\n", id.id);
	buf_free(&text);
	buf_free(&message);
	return r == -1 ? -1 : 0;
}

int
verb_send(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct send_options o = { .compose = { .subject = "" } };
	char from[ADDRESS_MAX];
	struct err e = { 0 };

	if (send_options(&o, argc, argv) == -1)
		return cmd_usage(usage);
	if (cmd_settings(&c->home, &conf, &e) == -1)
		return cmd_fail(&e);
	o.compose.host = conf_string(&conf, CONF_ME);
	if (o.compose.from == NULL) {
		const struct passwd *pw = getpwuid(getuid());

		snprintf(from, sizeof from, "%s@%s", pw != NULL ? pw->pw_name : "postmaster",
		    o.compose.host);
		o.compose.from = from;
	}
	return send_message(c, &o, &e) == -1 ? cmd_fail(&e) : EXIT_DONE;
}
