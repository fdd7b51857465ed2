/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "offer/job.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/converter.h"
#include "lib/features.h"
#include "lib/fileio.h"

static int
put_piece(void *arg, struct span piece, struct err *e)
{
	return fileio_write(*(const int *)arg, piece, e);
}

/* The message, through the plan's conversion where it does not fit as it is. */
static int
job_write(struct span message, const struct converter_message *m, const struct converter_plan *plan, int convertd,
    int out, struct err *e)
{
	const struct plan_verdict *v = plan->plan.verdict;
	struct converter_edits edits;
	int r;

	if (v->fate == PLAN_FITS)
		return fileio_write(out, message, e);
	if (v->fate == PLAN_EMPTY)
		return err_set(e, ERR_PERM, v->dsn, "the message has no form that the recipient's machine takes");
	if (converter_ask_edits(convertd, m, &plan->plan, v->key, CONVERTER_PLAN_MS, &edits, e) == -1)
		return -1;
	r = edit_walk(&edits.list, message, put_piece, &out, e);
	converter_edits_free(&edits);
	return r;
}

/* RFC 3297, 6.2: where nothing is said of the machine, some baseline is assumed. */
static int
job_make(const struct offer *o, int message_fd, struct span features, int convertd, int out, struct err *e)
{
	static const uint8_t wish = WISH_CONPERM;
	struct converter_message m = { .fd = message_fd, .len = o->msg_len, .id = "0000000000000000" };
	struct span caps = features.n > 0 ? features : span_str(FEAT_PROFILE_S);
	struct converter_plan plan = { 0 };
	void *map = mmap(NULL, (size_t)o->msg_len, PROT_READ, MAP_PRIVATE, message_fd, 0);
	int r;

	if (map == MAP_FAILED)
		return err_sys(e, "offer");
	r = converter_ask_plan(convertd, &m, 0, &caps, &wish, 1, &plan, e);
	if (r == 0)
		r = job_write(span_of(map, (size_t)o->msg_len), &m, &plan, convertd, out, e);
	converter_plan_free(&plan);
	return r;
}

_Noreturn void
job_run(const struct offer *o, int message_fd, struct span features, int convertd, int up)
{
	int out = memfd_create("form", MFD_CLOEXEC);
	struct msg_planned m = { .kind = ERR_NONE };
	struct err e = { 0 };
	off_t len;

	if (out == -1)
		err_sys(&e, "memory file");
	if (out != -1 && job_make(o, message_fd, features, convertd, out, &e) == 0) {
		len = lseek(out, 0, SEEK_CUR);
		m.len = len > 0 ? (uint64_t)len : 0;
	} else {
		m.kind = (uint32_t)(e.kind == ERR_PERM ? ERR_PERM : ERR_TEMP);
		snprintf(m.dsn, sizeof m.dsn, "%s", e.dsn);
		snprintf(m.what, sizeof m.what, "%.*s", (int)sizeof m.what - 1, e.what);
	}
	_exit(ipc_send(up, &m.h, MSG_MADE, 0, sizeof m, &out, m.kind == ERR_NONE, &e) == -1);
}
