/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/job.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

_Static_assert(sizeof(struct msg_result) + JOB_MAX_RCPT * (sizeof(struct rcpt_result) + 8) <= MSG_MAX,
    "results of a job fit one packet");

void
job_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 2 * JOB_READ_MAX);
	mallopt(M_TRIM_THRESHOLD, 4 * JOB_READ_MAX);
}

int
job_take(struct job *job, const struct msg_job *m, size_t len, int fd, struct err *e)
{
	const unsigned char *slots = (const unsigned char *)(m + 1);

	*job = (struct job){ .fd = fd, .start_ms = clock_ms() };
	if (len < sizeof *m || m->n == 0 || m->n > JOB_MAX_RCPT || len != sizeof *m + m->n * 4u ||
	    memchr(m->dest, '\0', sizeof m->dest) == NULL || memchr(m->id, '\0', sizeof m->id) == NULL)
		return err_set(e, ERR_PROTO, NULL, "a job of %u recipients in %zu octets",
		    len < sizeof *m ? 0 : m->n, len);
	job->number = m->h.id;
	job->last_try = m->last_try == 1;
	memcpy(job->id, m->id, sizeof job->id);
	memcpy(job->dest, m->dest, sizeof job->dest);
	job->target = calloc(m->n, sizeof *job->target);
	if (job->target == NULL)
		return err_sys(e, "a job of %u recipients", m->n);
	job->ntarget = m->n;
	for (uint32_t i = 0; i < m->n; i++) {
		memcpy(&job->target[i].res.slot, slots + i * 4, 4);
		buf_init(&job->target[i].detail, RESULT_DETAIL_MAX);
	}
	return 0;
}

/* Links the targets to their recipients and slots. */
static int
job_link(struct job *job, struct err *e)
{
	for (uint32_t i = 0; i < job->ntarget; i++) {
		struct target *t = &job->target[i];

		if (t->res.slot >= job->env.nrcpt || t->res.slot >= job->q.nslot)
			return err_set(e, ERR_BUG, "5.3.5", "slot %u of %u", t->res.slot,
			    job->env.nrcpt);
		t->rcpt = &job->env.rcpt[t->res.slot];
		t->attempts = job->slot[t->res.slot].attempts;
		t->conneg_tries = job->slot[t->res.slot].conneg_tries;
	}
	return 0;
}

/* A small message is read: cheaper than to map it, and to unmap it again, where the memory stays the
 * process's (job_memory). */
static int
job_read(struct job *job, struct err *e)
{
	if ((job->copy = malloc((size_t)job->q.msg_len + 1)) == NULL)
		return err_sys(e, "message");
	job->message = span_of(job->copy, (size_t)job->q.msg_len);
	return qfile_message(job->fd, &job->q, job->copy, e);
}

static int
job_map(struct job *job, struct err *e)
{
	if (job->q.msg_len <= JOB_READ_MAX)
		return job_read(job, e);
	job->map = mmap(NULL, job->q.file_len, PROT_READ, MAP_SHARED, job->fd, 0);
	if (job->map == MAP_FAILED) {
		job->map = NULL;
		return err_sys(e, "map");
	}
	job->message = span_of(job->map, job->q.msg_len);
	if (crc32c(0, job->message.p, job->message.n) != job->q.msg_crc)
		return err_set(e, ERR_PERM, "5.3.5", "the message's checksum is wrong");
	return 0;
}

static void
job_unmap(struct job *job)
{
	free(job->copy);
	if (job->map != NULL)
		munmap(job->map, job->q.file_len);
	job->copy = job->map = NULL;
}

/* The message as it is to be read.  One without header edits is what lies in the file. */
static int
job_edit(struct job *job, struct err *e)
{
	if (job->env.edits.n == 0)
		return 0;
	if (edited_open(job->env.edits, job->message, &job->edited, e) == -1)
		return -1;
	job_unmap(job);
	job->message = edited_view(&job->edited);
	return 0;
}

int
job_open(struct job *job, struct err *e)
{
	buf_init(&job->store, ENV_MAX);
	if (qfile_load(job->fd, &job->q, &job->store, &job->env, &job->slot, e) == 0) {
		job->open = true;
		if (job_map(job, e) == 0 && job_edit(job, e) == 0 && job_link(job, e) == 0)
			return 0;
	}
	job->bad_file = e->kind == ERR_PERM;
	log_line(LOG_ERR, job->id, job->bad_file ? "bad-file" : "not-read" /* events: bad-file not-read */,
	    "why=%s", log_q(e->what));
	for (uint32_t i = 0; i < job->ntarget; i++)
		job_settle(&job->target[i], OUTCOME_DEFERRED, 0, "4.3.0", "",
		    "the message could not be read from the queue");
	return -1;
}

int
job_blank(struct job *job, struct span addr, struct err *e)
{
	buf_init(&job->store, ENV_MAX_PATH);
	if ((job->slot = calloc(1, sizeof *job->slot)) == NULL ||
	    (job->env.rcpt = calloc(1, sizeof *job->env.rcpt)) == NULL)
		return err_sys(e, "a job without a message");
	if (buf_add(&job->store, addr, e) == -1)
		return -1;
	job->open = true;
	job->q.nslot = job->env.nrcpt = 1;
	job->env.rcpt->addr = buf_view(&job->store);
	return job_link(job, e);
}

void
job_free(struct job *job)
{
	for (uint32_t i = 0; i < job->ntarget; i++)
		buf_free(&job->target[i].detail);
	free(job->target);
	free(job->slot);
	job_unmap(job);
	edited_close(&job->edited);
	if (job->open)
		envelope_free(&job->env);
	buf_free(&job->store);
	if (job->fd != -1)
		close(job->fd);
	*job = (struct job){ .fd = -1 };
}

void
job_settle(struct target *t, enum outcome outcome, uint16_t code, const char *dsn, const char *mta,
    const char *text)
{
	if (t->done)
		return;
	t->done = true;
	t->res.outcome = (uint8_t)outcome;
	t->res.code = code;
	snprintf(t->res.dsn, sizeof t->res.dsn, "%s", dsn);
	snprintf(t->res.mta, sizeof t->res.mta, "%s", mta);
	text_cut(text, t->res.text, sizeof t->res.text);
	for (char *s = t->res.text; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
}

void
job_settle_err(struct target *t, const char *mta, const struct err *e)
{
	bool perm = e->kind == ERR_PERM && e->dsn[0] == '5';
	const char *dsn = e->dsn;

	if (!perm && dsn[0] != '4')
		dsn = "4.3.0";
	job_settle(t, perm ? OUTCOME_FAILED : OUTCOME_DEFERRED, e->code, dsn, mta, e->what);
}

void
job_detail(struct target *t, const char *name, struct span value)
{
	struct err ignored;		/* a detail that does not fit is left out, the result stays */
	char line[1024];

	span_text(value, line, sizeof line);
	(void)buf_addf(&t->detail, &ignored, "%s: %s\n", name, line);
}

bool
job_over(const struct job *job)
{
	for (uint32_t i = 0; i < job->ntarget; i++)
		if (!job->target[i].done)
			return false;
	return true;
}

int
job_result(const struct job *job, struct buf *out, struct err *e)
{
	size_t each = (MSG_MAX - sizeof(struct msg_result)) / job->ntarget -
	    sizeof(struct rcpt_result) - 8;
	struct msg_result m = { .n = job->bad_file ? 0 : job->ntarget, .bad_file = job->bad_file };

	memcpy(m.id, job->id, sizeof m.id);
	if (buf_add(out, span_of(&m, sizeof m), e) == -1)
		return -1;
	for (uint32_t i = 0; i < m.n; i++) {
		struct span detail = buf_view(&job->target[i].detail);

		if (detail.n > each) {		/* to its last whole line that fits */
			detail.n = each;
			detail.n = span_rfind(detail, '\n') < each ? span_rfind(detail, '\n') + 1 : 0;
		}
		if (result_add(out, &job->target[i].res, detail, e) == -1)
			return -1;
	}
	return 0;
}
