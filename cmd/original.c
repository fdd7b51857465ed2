/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/original.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/describe.h"
#include "lib/features.h"

/* One that takes no value of its own. */
static bool
original_flag(struct original *o, const char *word)
{
	if (strcmp(word, "--conperm") == 0)
		o->conperm = true;
	else if (strcmp(word, "--minimal") == 0)
		o->minimal = true;
	else if (strcmp(word, "--alternative") == 0)
		o->alternative = o->minimal = true;
	else if (strcmp(word, "--drucof") == 0)
		o->drucof = DRUCOF_REQUIRE;
	else if (strcmp(word, "--drucof=prefer") == 0)
		o->drucof = DRUCOF_PREFER;
	else
		return false;
	return true;
}

int
original_options(struct original *o, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *word = i + 1 < argc ? argv[i + 1] : NULL;

		if (original_flag(o, argv[i]))
			continue;
		if (argv[i][0] != '-' || argv[i][1] == '\0')
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
	if (o->minimal && o->compose.convert == NULL)
		o->compose.convert = "any";
	return i;
}

/* A header value of ours must not be able to add a field. */
static int
original_check(const struct original *o, struct err *e)
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
put_buf(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

int
original_form(struct span message, const char *takes, struct own_converter *own, struct buf *out,
    struct err *e)
{
	struct converter_message m = { .fd = cmd_memfd(message, e), .len = message.n,
	    .id = "0000000000000000" };
	struct span caps = span_str(takes);
	static const uint8_t wish = WISH_CONPERM;
	struct converter_plan plan = { 0 };
	struct converter_edits edits;
	const struct plan_verdict *v;
	int r;

	if (m.fd == -1)
		return -1;
	r = own_converter_start(own, e);
	if (r == 0)
		r = converter_ask_plan(own->sock, &m, 0, &caps, &wish, 1, &plan, e);
	v = r == 0 ? &plan.plan.verdict[0] : NULL;
	if (v != NULL && v->fate == PLAN_FITS) {
		r = buf_add(out, message, e);
	} else if (v != NULL && v->fate != PLAN_EMPTY) {
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

int
original_minimal(struct span message, struct own_converter *own, struct buf *out, struct err *e)
{
	if (original_form(message, FEAT_PROFILE_S, own, out, e) == -1)
		return -1;
	return out->n > 0 ? 0 : err_set(e, ERR_PERM, "5.6.5", "Profile S cannot be made of an image, or "
	    "--convert does not permit it");
}

int
original_sender(const struct common *c, struct original *o, struct conf *conf, struct err *e)
{
	if (cmd_setting(&c->home, conf, CONF_ME, e) == -1)
		return -1;
	o->compose.host = conf_string(conf, CONF_ME);
	o->null = o->compose.from != NULL && *o->compose.from == '\0';
	if (o->compose.from == NULL || o->null) {		/* From names who calls (RFC 5322, 3.6.2) */
		const struct passwd *pw = getpwuid(getuid());

		snprintf(o->from, sizeof o->from, "%s@%s", pw != NULL ? pw->pw_name : "postmaster",
		    o->compose.host);
		o->compose.from = o->from;
	}
	return original_check(o, e);
}

int
original_message(const struct original *o, struct span text, struct buf *out, struct err *e)
{
	struct own_converter converter = OWN_CONVERTER;
	struct buf message, *made = o->minimal ? &message : out;
	int r;

	buf_init(&message, 2 * COMPOSE_MAX);
	r = compose_message(&o->compose, text, &converter, made, e);
	if (r == 0)
		r = describe_message(made, own_converter_features, &converter, e);
	if (r == 0 && o->minimal)
		r = original_minimal(buf_view(&message), &converter, out, e);
	own_converter_end(&converter);
	buf_free(&message);
	return r;
}

int
original_envelope(const struct original *o, struct envelope *env, struct err *e)
{
	const char *tag = o->compose.tag != NULL ? o->compose.tag : "";

	*env = (struct envelope){ .sender = span_str(o->null ? "" : o->compose.from), .conperm = o->conperm,
	    .ret = o->ret, .envid = span_str(o->envid != NULL ? o->envid : tag),
	    .nrcpt = (uint32_t)o->compose.nto };
	if ((env->rcpt = calloc(env->nrcpt, sizeof *env->rcpt)) == NULL)
		return err_sys(e, "recipients");
	for (uint32_t i = 0; i < env->nrcpt; i++)
		env->rcpt[i] = (struct rcpt){ .addr = span_str(o->compose.to[i]), .orcpt = o->orcpt,
		    .notify = o->notify, .drucof = o->drucof };
	return 0;
}
