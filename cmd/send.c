/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/send.c - accord send: a message goes into the queue of the running instance. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/alternative.h"
#include "cmd/describe.h"
#include "cmd/original.h"
#include "lib/confline.h"
#include "lib/token.h"
#include "lib/xtext.h"

static const char usage[] =
    "accord send [-H HOME] [--conperm] [--drucof[=prefer]] [--convert EXPRESSION|any|none]\n"
    "            [--from ADDRESS] [--subject TEXT] [--attach FILE]... [--notify never|success,failure,delay]\n"
    "            [--ret full|hdrs] [--envid XTEXT] [--minimal]\n"
    "            [--alternative] -- TO... < message";

enum { OFFER_PERMANENT_S = 7 * 86400 };	/* "at least several days, and probably weeks" (RFC 3297, 6.1) */

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

/* --- other forms are offered (RFC 3297) --- */

/* May they be?  Somebody has to keep the original, and the answer has to come here, where it is read. */
static int
offer_check(const struct common *c, const struct original *o, const char **lifetime, struct err *e)
{
	static struct conf offers, locals;
	const struct span *lines;
	struct buf domain;
	uint32_t n;
	bool ours;

	if (cmd_setting(&c->home, &offers, CONF_OFFERS, e) == -1 ||
	    cmd_setting(&c->home, &locals, CONF_LOCALS, e) == -1)
		return -1;
	if (conf_number(&offers, CONF_OFFERS) == 0)
		return err_set(e, ERR_PERM, NULL, "--alternative: nothing is kept here for offers; the "
		    "setting offers is 0");
	if (o->null || o->compose.nattach == 0)
		return err_set(e, ERR_PERM, NULL, "--alternative: there has to be a sender, and a file with "
		    "--attach");
	n = conf_lines(&locals, CONF_LOCALS, &lines);
	buf_init(&domain, ADDRESS_MAX_DOMAIN + 1);
	ours = line_key_add(&domain, address_domain(span_str(o->compose.from)), '\0', e) == 0 &&
	    domains_have(lines, n, span_of(domain.p, domain.n - 1));
	buf_free(&domain);
	*lifetime = conf_number(&offers, CONF_OFFERS) >= OFFER_PERMANENT_S ? "permanent" : "transient";
	return ours ? 0 : err_set(e, ERR_PERM, NULL, "--alternative: %.200s is no address here, so no answer "
	    "would come here", o->compose.from);
}

/* The base form as it goes to one recipient: a message of its own, so that nobody else can answer it. */
static int
offer_one(const struct common *c, const struct original *all, char *const *to, const char *lifetime, struct span kept,
    struct span base, struct err *e)
{
	char tag[TAG_TEXT] = "", token[TOKEN_SIZE];
	struct original o = *all;
	struct buf message, orcpt;
	int r = token_make(token, e);

	buf_init(&message, 2 * COMPOSE_MAX + 4096);
	buf_init(&orcpt, 4096);
	o.compose.to = to;
	o.compose.nto = 1;
	o.compose.tag = tag;
	send_tag(c, &o, tag);
	if (tag[0] == '\0')
		memcpy(tag, token, sizeof token);
	if (r == 0)
		r = compose_top(tag, o.compose.host, &message, e);
	if (r == 0)
		r = buf_addf(&message, e, "Disposition-Notification-To: <%s>\r\nDisposition-Notification-Options: "
		    "Alternative-available=optional,%s\r\n", o.compose.from, lifetime);
	if (r == 0)
		r = buf_add(&message, base, e);
	if (r == 0 && (buf_add_str(&orcpt, "rfc822;", e) == -1 || xtext_encode(&orcpt, span_str(*to), e) == -1))
		r = -1;
	if (r == 0 && !xtext_orcpt_ok(buf_view(&orcpt), false))
		buf_clear(&orcpt);
	o.orcpt = buf_view(&orcpt);
	if (r == 0)	/* kept first: nothing is offered that is not there */
		r = submit_offer(&c->home, tag, o.compose.from, *to, kept, e);
	if (r == 0)
		r = send_submit(c, &o, buf_view(&message), e);
	buf_free(&message);
	buf_free(&orcpt);
	return r;
}

/* kept: the message without what is on top; minimal: the same in Profile S. */
static int
offer_all(const struct common *c, const struct original *o, const char *lifetime, struct own_converter *own,
    struct span kept, struct err *e)
{
	static const char profile_f[] = "(& (color=Binary) (image-file-structure=[TIFF-minimal,TIFF-limited]) "
	    "(image-coding=[MH,MR,MMR]) )";
	struct buf minimal, fine, base;
	struct span forms[2];
	bool any = false;
	int r;

	buf_init(&minimal, 2 * COMPOSE_MAX);
	buf_init(&fine, 2 * COMPOSE_MAX);
	buf_init(&base, 2 * COMPOSE_MAX + 65536);
	r = original_minimal(kept, own, &minimal, e);
	if (r == 0)
		r = original_form(kept, profile_f, own, &fine, e);
	forms[0] = kept;
	forms[1] = buf_view(&fine);
	if (r == 0)
		r = alternative_describe(buf_view(&minimal), forms, fine.n > 0 ? 2 : 1, &any, &base, e);
	if (r == 0 && !any)
		r = err_set(e, ERR_PERM, NULL, "--alternative: there is no other form than Profile S to be "
		    "offered");
	for (int i = 0; r == 0 && i < o->compose.nto; i++)
		r = offer_one(c, o, &o->compose.to[i], lifetime, kept, buf_view(&base), e);
	buf_free(&minimal);
	buf_free(&fine);
	buf_free(&base);
	return r;
}

/* The original, without what is on top of each recipient's message. */
static int
send_offers(const struct common *c, struct original *o, struct span text, struct err *e)
{
	struct own_converter converter = OWN_CONVERTER;
	const char *lifetime = "transient";
	struct buf kept;
	int r;

	if (offer_check(c, o, &lifetime, e) == -1)
		return -1;
	buf_init(&kept, 2 * COMPOSE_MAX);
	o->compose.bare = true;
	r = compose_message(&o->compose, text, &converter, &kept, e);
	if (r == 0)
		r = describe_message(&kept, own_converter_features, &converter, e);
	if (r == 0)
		r = offer_all(c, o, lifetime, &converter, buf_view(&kept), e);
	own_converter_end(&converter);
	buf_free(&kept);
	return r;
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
	if (!o->alternative)
		send_tag(c, o, tag);
	if (!isatty(0))
		r = cmd_read_fd(0, &text, e);
	if (r == 0 && o->alternative)
		r = send_offers(c, o, buf_view(&text), e);
	else if (r == 0)
		r = original_message(o, buf_view(&text), &message, e);
	if (r == 0 && !o->alternative)
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
