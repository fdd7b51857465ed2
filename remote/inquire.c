/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/inquire.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"

void
inquire_hosts(struct inquiry *q, const struct resolved *r, const struct hosts *order)
{
	char name[96];

	inquiry_tellf(q, INQUIRY_RESOLVED, "source=%s dnssec=%s ttl=%u hosts=%u addresses=%u",
	    resolve_source_name(r->source), resolve_dnssec_name(r->dnssec), r->ttl, r->nhost, order->n);
	for (uint32_t i = 0; q != NULL && i < order->n; i++) {
		hosts_name(&order->c[i], name, sizeof name);
		inquiry_tellf(q, INQUIRY_HOST, "%u %s%s", order->c[i].preference, name,
		    order->c[i].resting ? ", failed a while ago" : "");
	}
}

void
inquire_offers(struct inquiry *q, const struct hop *hop)
{
	static const struct { unsigned ext; const char *word; } words[] = {
		{ HOP_PIPELINING, "PIPELINING" }, { HOP_8BITMIME, "8BITMIME" }, { HOP_CHUNKING, "CHUNKING" },
		{ HOP_BINARYMIME, "BINARYMIME" }, { HOP_DSN, "DSN" }, { HOP_SMTPUTF8, "SMTPUTF8" },
		{ HOP_CONPERM, "CONPERM" }, { HOP_CONNEG, "CONNEG" }, { HOP_DRUCOF, "DRUCOF" },
		{ HOP_DRUCOF_PREFER, "DRUCOF-PREFER" }, { HOP_STARTTLS, "STARTTLS" }, { HOP_MT_PRIORITY, "MT-PRIORITY" },
		{ HOP_DELIVERBY, "DELIVERBY" }, { HOP_AUTH_PLAIN, "AUTH=PLAIN" },
		{ HOP_AUTH_LOGIN, "AUTH=LOGIN" }, { HOP_AUTH_XOAUTH2, "AUTH=XOAUTH2" }, { HOP_SIZE, "SIZE" },
	};
	char text[256];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; q != NULL && i < sizeof words / sizeof *words; i++)
		if (hop->ext & words[i].ext)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n > 0 ? " " : "", words[i].word);
	if (hop->ext & HOP_SIZE && hop->size_max > 0 && q != NULL)
		snprintf(text + n, sizeof text - n, "=%llu", (unsigned long long)hop->size_max);
	inquiry_tell(q, INQUIRY_OFFERS, span_str(text));
}

void
inquire_heard(struct inquiry *q, const struct reply *r)
{
	struct span rest = buf_view(&r->text), line;
	char code[8];

	while (reply_line(&rest, &line)) {
		snprintf(code, sizeof code, "%u%c", r->code, rest.n > 0 ? '-' : ' ');
		inquiry_tell_with(q, INQUIRY_HEARD, code, line);
	}
}

void
inquire_caps(struct inquiry *q, const struct target *t)
{
	const char *state = "not-asked";

	if (t->caps == CAPS_LATER)
		state = "not-now";
	else if (t->set != NULL)
		state = t->set->text.n > 0 ? "given" : "any";
	else if (t->asked || t->bare)
		state = "none";
	inquiry_tell(q, INQUIRY_CAPABILITIES, span_str(state));
	if (t->set == NULL)
		return;
	inquiry_tell(q, INQUIRY_SOURCE, span_str(t->caps == CAPS_OURS ? capsource_name(t->source) : "hop"));
	if (t->set->text.n > 0)
		inquiry_tell(q, INQUIRY_TAKES, buf_view(&t->set->text));
}

void
inquire_batch(struct inquiry *q, const struct target *t)
{
	const struct rcpt_decision *d = &t->decision;
	const char *drucof = d->drucof ? ", DRUCOF" : "";

	if (d->action == ACT_CONVERT)
		inquiry_tell_with(q, INQUIRY_BATCH, "converted ", t->set->verdict->key);
	else
		inquiry_tell_with(q, INQUIRY_BATCH, d->action == ACT_SEPARATE ? "original, nobody asked" :
		    "original", span_str(drucof));
}

/* A job of one recipient, as qmgr would give it; takes fd over. */
static int
inquire_job(struct job *job, const char id[QID_SIZE], const char dest[JOB_DEST], int fd, struct err *e)
{
	struct { struct msg_job m; uint32_t slot; } packet = { .m = { .n = 1 } };

	memcpy(packet.m.id, id, sizeof packet.m.id);
	memcpy(packet.m.dest, dest, sizeof packet.m.dest);
	_Static_assert(offsetof(__typeof__(packet), slot) == sizeof packet.m, "slots follow a job");
	return job_take(job, &packet.m, sizeof packet.m + sizeof packet.slot, fd, e);
}

static int
inquire_take(struct job *job, const struct msg_inquire *m, size_t len, int fd, struct err *e)
{
	if (len == sizeof *m && m->kind < INQUIRY_KINDS && qid_ok(m->id) &&
	    memchr(m->dest, '\0', sizeof m->dest) != NULL)
		return inquire_job(job, m->id, m->dest, fd, e);
	close(fd);
	return err_set(e, ERR_PROTO, NULL, "an inquiry of %zu octets", len);
}

static int
inquire_answer(struct session *s, const struct inquiry *q, uint32_t id, struct err *e)
{
	struct msg_inquired m = { .len = q->items.n };
	int fd = inquiry_seal(q, e), r;

	if (fd == -1)
		return -1;
	r = ipc_send(s->parent, &m.h, MSG_INQUIRED, id, sizeof m, &fd, 1, e);
	close(fd);
	return r;
}

/* Tries the job, which is freed, and answers. */
static int
inquire_do(struct session *s, struct job *job, uint32_t id, struct err *e)
{
	struct inquiry q;
	int r;

	inquiry_init(&q);
	s->inquiry = &q;
	s->w.until_ms = clock_ms() + SESSION_INQUIRY_MS;
	session_job(s, job);
	smtp_reset(s);
	smtp_quit(s);
	for (uint32_t i = 0; i < job->ntarget; i++)
		inquiry_tell_result(&q, &job->target[i].res);
	s->inquiry = NULL;
	r = inquire_answer(s, &q, id, e);
	inquiry_free(&q);
	job_free(job);
	return r;
}

int
inquire_run(struct session *s, const struct msg_inquire *m, size_t len, int fd, struct err *e)
{
	struct job job = { .fd = -1 };

	if (inquire_take(&job, m, len, fd, e) == -1) {
		job_free(&job);
		return -1;
	}
	s->question = m->kind == INQUIRY_CAPS;
	return inquire_do(s, &job, m->h.id, e);
}

/* --- probes --- */

/* Its job: to the address's domain, without a message. */
static int
probe_take(struct job *job, const struct msg_probe *m, size_t len, struct err *e)
{
	struct span addr = span_of(m + 1, len < sizeof *m ? 0 : m->addr_len), domain = address_domain(addr);
	char dest[JOB_DEST] = "";

	if (addr.n == 0 || addr.n != len - sizeof *m || !qid_ok(m->id) || address_check(addr, e) == -1 ||
	    domain.n >= sizeof dest)
		return err_set(e, ERR_PROTO, NULL, "a probe of %zu octets", len);
	for (size_t i = 0; i < domain.n; i++)
		dest[i] = (char)ascii_lower(domain.p[i]);
	return inquire_job(job, m->id, dest, -1, e) == -1 ? -1 : job_blank(job, addr, e);
}

int
inquire_probe(struct session *s, const struct msg_probe *m, size_t len, struct err *e)
{
	struct job job = { .fd = -1 };

	if (probe_take(&job, m, len, e) == -1) {
		job_free(&job);
		return -1;
	}
	s->question = s->srv = true;
	return inquire_do(s, &job, m->h.id, e);
}
