/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/qshow.c - accord queue show: one message, its envelope or its octets. */
#include <errno.h>
#include <unistd.h>

#include "cmd/queue.h"
#include "lib/clock.h"
#include "lib/headedit.h"
#include "lib/route.h"

enum { SHOW_CHUNK = 65536 };

static const char *const body_names[] = { "7BIT", "8BITMIME", "BINARYMIME" };
static const char *const ret_names[] = { "", "FULL", "HDRS" };
static const char *const drucof_names[] = { "", "require", "prefer" };

struct shower {
	uint32_t bad;			/* first: queue_note_bad counts here */
	struct queue_call *q;
	bool routes;			/* the settings are right, so destinations are known */
};

static void
notify_text(uint8_t notify, char out[32])
{
	static const struct { uint8_t bit; const char *name; } names[] = {
		{ NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" }, { NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" }
	};
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (notify & names[i].bit)
			n += (size_t)snprintf(out + n, 32 - n, "%s%s", n > 0 ? "," : "", names[i].name);
}

/* A line of the human form or a pair of the JSON one; nothing for an empty value. */
static void
put(const struct shower *s, int indent, const char *key, struct span value)
{
	if (s->q->common->json) {
		printf(",\"%s\":", key);
		json_string(stdout, value);
	} else if (value.n > 0) {
		printf("%*s%s: ", indent, "", key);
		queue_print_safe(value);
		putchar('\n');
	}
}

static void
put_time(const struct shower *s, int indent, const char *key, uint64_t us)
{
	char at[40];

	clock_iso((int64_t)us, at, sizeof at);
	if (us != 0)
		put(s, indent, key, span_str(at));
	else if (s->q->common->json)
		printf(",\"%s\":null", key);
}

static void
put_number(const struct shower *s, int indent, const char *key, unsigned n)
{
	if (s->q->common->json)
		printf(",\"%s\":%u", key, n);
	else if (n > 0)
		printf("%*s%s: %u\n", indent, "", key, n);
}

static void
put_signed(const struct shower *s, const char *key, int n)
{
	if (s->q->common->json)
		printf(",\"%s\":%d", key, n);
	else if (n != 0)
		printf("%s: %d\n", key, n);
}

static void
put_flag(const struct shower *s, int indent, const char *key, bool set)
{
	if (s->q->common->json)
		printf(",\"%s\":%s", key, set ? "true" : "false");
	else if (set)
		printf("%*s%s\n", indent, "", key);
}

static void
show_recipient(const struct shower *s, const struct rcpt *r, const struct slot *slot, bool first)
{
	char notify[32], dest[ROUTE_MAX] = "";

	notify_text(r->notify, notify);
	if (s->routes)
		route_of(s->q->select.conf, r->addr, dest);
	if (s->q->common->json) {
		printf(first ? "{\"address\":" : ",{\"address\":");
		json_string(stdout, r->addr);
	} else {
		fputs("recipient: <", stdout);
		queue_print_safe(r->addr);
		fputs(">\n", stdout);
	}
	put(s, 4, "state", span_str(select_state_name(select_state(slot))));
	put(s, 4, "destination", span_str(dest));
	put_number(s, 4, "attempts", slot->attempts);
	put_time(s, 4, "last", slot->last_us);
	put_time(s, 4, "next", slot->next_us);
	put(s, 4, "dsn", span_str(slot->dsn));
	put_number(s, 4, "code", slot->code);
	put(s, 4, "last_reply", span_str(slot->text));
	put_number(s, 4, "conneg_tries", slot->conneg_tries);
	put(s, 4, "orcpt", r->orcpt);
	put(s, 4, "notify", span_str(notify));
	put(s, 4, "drucof", span_str(r->drucof < 3 ? drucof_names[r->drucof] : "?"));
	put_flag(s, 4, "delay_told", slot->flags & SLOT_DELAY_TOLD);
	put_flag(s, 4, "alternative_asked", slot->flags & SLOT_ASKED);
	if (s->q->common->json)
		putchar('}');
}

static void
show_envelope(const struct shower *s, const struct qitem *m)
{
	const struct envelope *env = &m->env;

	if (s->q->common->json)
		printf("{\"id\":\"%s\",\"size\":%llu", m->id, (unsigned long long)m->file.msg_len);
	else
		printf("id: %s\nsize: %llu\n", m->id, (unsigned long long)m->file.msg_len);
	put_time(s, 0, "arrival", env->arrival_us);
	if (!s->q->common->json && env->sender.n == 0)
		printf("sender: <>\n");
	else
		put(s, 0, "sender", env->sender);
	put(s, 0, "client", env->client);
	put(s, 0, "body", span_str(env->body < 3 ? body_names[env->body] : "?"));
	put(s, 0, "envid", env->envid);
	put(s, 0, "ret", span_str(env->ret < 3 ? ret_names[env->ret] : "?"));
	put_time(s, 0, "release", env->release_us);
	put_time(s, 0, "deliver_by", env->by_us);
	put(s, 0, "by_mode", span_str(env->by_us == 0 ? "" : env->by & BY_RETURN ? "return" : "notify"));
	put_flag(s, 0, "by_trace", env->by & BY_TRACE);
	put_signed(s, "priority", env->priority);
	put_flag(s, 0, "smtputf8", env->smtputf8);
	put_flag(s, 0, "conperm", env->conperm);
	if (s->q->common->json)
		printf(",\"recipients\":[");
	for (uint32_t i = 0; i < env->nrcpt; i++)
		show_recipient(s, &env->rcpt[i], &m->slots[i], i == 0);
	if (s->q->common->json)
		printf("]}\n");
}

/* The same of a message with header edits, as its recipients get it. */
static int
show_edited(const struct qitem *m, bool headers, struct err *e)
{
	struct buf came, out;
	unsigned char *to;
	struct span text;
	int r = -1;

	buf_init(&came, HEADEDIT_MESSAGE);
	buf_init(&out, HEADEDIT_MESSAGE + HEADEDIT_OCTETS);
	if ((to = buf_room(&came, (size_t)m->file.msg_len, e)) != NULL && qfile_message(m->fd, &m->file, to, e) == 0)
		r = headedit_apply(m->env.edits, span_of(to, (size_t)m->file.msg_len), false, &out, e);
	text = buf_view(&out);
	if (r == 0 && headers) {
		const unsigned char *end = memmem(text.p, text.n, "\r\n\r\n", 4);

		text.n = end != NULL ? (size_t)(end - text.p) + 4 : text.n;
	}
	if (r == 0)
		(void)fwrite(text.p, 1, text.n, stdout);
	buf_free(&came);
	buf_free(&out);
	return r == -1 ? err_in(e, "%s", m->id) : 0;
}

/* The message's octets as they are, or those up to the empty line. */
static int
show_octets(const struct qitem *m, bool headers, struct err *e)
{
	static unsigned char chunk[SHOW_CHUNK];
	unsigned seen = 0;		/* octets of CRLFCRLF */
	uint64_t at = 0;

	if (m->env.edits.n > 0)
		return show_edited(m, headers, e);
	while (at < m->file.msg_len) {
		size_t want = m->file.msg_len - at < sizeof chunk ? (size_t)(m->file.msg_len - at) :
		    sizeof chunk, n = 0;
		ssize_t r = pread(m->fd, chunk, want, (off_t)at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_sys(e, "%s", m->id);
		while (n < (size_t)r && seen < 4) {
			seen = chunk[n] == "\r\n\r\n"[seen] ? seen + 1 : chunk[n] == '\r' ? 1 : 0;
			n++;
		}
		if (!headers)
			n = (size_t)r;
		if (fwrite(chunk, 1, n, stdout) != n || (headers && seen == 4))
			break;
		at += (size_t)r;
	}
	return 0;
}

static int
show_each(void *arg, const struct qitem *m, struct err *e)
{
	struct shower *s = arg;

	if (s->q->headers || s->q->message)
		return show_octets(m, s->q->headers, e);
	show_envelope(s, m);
	return 0;
}

int
queue_show(struct queue_call *q)
{
	struct shower s = { .q = q };
	struct qwalk w = { .each = show_each, .bad = queue_note_bad, .arg = &s };
	struct err e = { 0 };
	uint32_t missing;

	s.routes = cmd_settings(&q->common->home, q->conf, &e) == 0;
	if (queue_walk(q, &w, &missing, &e) == -1)
		return cmd_fail(&e);
	return s.bad > 0 || missing > 0 ? EXIT_NO : EXIT_DONE;
}
