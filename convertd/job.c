/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "convertd/apply.h"
#include "convertd/image.h"
#include "convertd/plan_make.h"
#include "convertd/ranges.h"
#include "lib/clock.h"
#include "lib/reply.h"

enum { JOB_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL };

/* What a child says at its end: one write, less than a pipe takes whole. */
struct job_status { uint32_t kind, pad; char dsn[12]; char what[500]; uint64_t len; };

void
order_free(struct order *o)
{
	if (o->fd != -1)
		close(o->fd);
	if (o->text_fd != -1)
		close(o->text_fd);
	o->fd = o->text_fd = -1;
	buf_free(&o->text);
}

static int
job_describe(struct span file, const struct limits *max, struct buf *out, struct err *e)
{
	struct image img;
	int r;

	if (image_open(file, max, &img, e) == -1)
		return -1;
	r = image_features(&img, out, e);
	image_free(&img);
	return r;
}

int
job_work(const struct job_rules *r, const struct order *o, struct span content,
    struct span text, struct buf *out, struct err *e)
{
	struct apply_by by = { r->me, clock_us(), o->record != 0, (enum edit_transfer)o->transfer };

	switch (o->type) {
	case MSG_PLAN:
		if (o->flags & PLAN_BOUNDS)
			return ranges_bounds(content, out, e);
		return plan_make(content, text, o->ncaps, o->flags, &r->max, out, e);
	case MSG_CONVERT:
		return apply_key(content, text, &by, &r->max, out, e);
	case MSG_DESCRIBE:
		return job_describe(content, &r->max, out, e);
	default:
		return err_set(e, ERR_BUG, NULL, "no such job");
	}
}

/* --- in the child --- */

static void
child_limit(int what, uint64_t soft, uint64_t hard)
{
	struct rlimit l = { soft, hard };

	setrlimit(what, &l);
}

static int
child_text(const struct order *o, struct buf *text, struct err *e)
{
	unsigned char *to;

	if (o->text_fd == -1)
		return buf_add(text, buf_view(&o->text), e);
	if ((to = buf_room(text, o->text_len, e)) == NULL)
		return -1;
	while (text->n < o->text_len) {
		ssize_t n = pread(o->text_fd, to + text->n, o->text_len - text->n, (off_t)text->n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_PROTO, NULL, "capabilities cut short");
		text->n += (size_t)n;
	}
	return 0;
}

static int
child_write(int fd, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "result");
		s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

/* Writes the bounds and seals them for good, while nothing hostile but MIME has been read. */
static int
child_bounds(const struct job_rules *r, int fd, struct span content, struct err *e)
{
	struct buf out;
	int got;

	if (fd == -1)
		return 0;
	buf_init(&out, r->out_octets);
	got = r->bounds(content, &out, e);
	if (got == 0)
		got = child_write(fd, buf_view(&out), e);
	if (got == 0 && fcntl(fd, F_ADD_SEALS, JOB_SEALS) == -1)
		got = err_sys(e, "bounds");
	buf_free(&out);
	return got;
}

static int
child_do(const struct job_rules *r, const struct order *o, const struct job_child *c, uint64_t *len,
    struct err *e)
{
	struct span content = { NULL, (size_t)o->len };
	struct buf text, out;

	buf_init(&text, o->text_len > o->text.n ? o->text_len : o->text.n);
	buf_init(&out, r->out_octets);
	if (o->len > 0) {
		content.p = mmap(NULL, content.n, PROT_READ, MAP_PRIVATE, o->fd, 0);
		if (content.p == MAP_FAILED)
			return err_sys(e, "message");
	}
	if (child_text(o, &text, e) == -1 || (r->confine != NULL && r->confine(r, e) == -1) ||
	    child_bounds(r, c->bounds, content, e) == -1 ||
	    r->work(r, o, content, buf_view(&text), &out, e) == -1 ||
	    child_write(c->memfd, buf_view(&out), e) == -1)
		return -1;
	*len = out.n;
	return 0;
}

static void
child_run(const struct job_rules *r, const struct order *o, const struct job_child *c, int status)
{
	const int keep[] = { o->fd, o->text_fd, c->memfd, c->bounds, status };
	struct job_status s = { 0 };
	struct err e = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGXCPU, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (ipc_close_others(keep, sizeof keep / sizeof *keep, &e) == -1)
		_exit(1);
	child_limit(RLIMIT_CORE, 0, 0);
	child_limit(RLIMIT_CPU, r->max.cpu_s, r->max.cpu_s + 1);
	child_limit(RLIMIT_FSIZE, r->out_octets, r->out_octets);
	if (child_do(r, o, c, &s.len, &e) == -1) {
		s.kind = e.kind;
		snprintf(s.dsn, sizeof s.dsn, "%.11s", e.dsn);
		snprintf(s.what, sizeof s.what, "%.499s", e.what);
	}
	(void)child_write(status, span_of(&s, sizeof s), &e);
	_exit(0);
}

/* --- in the parent --- */

static void
job_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int
job_start(const struct job_rules *r, const struct order *o, struct job_child *c, struct err *e)
{
	int status[2] = { -1, -1 };

	*c = (struct job_child){ .pid = -1, .status = -1, .memfd = -1, .bounds = -1 };
	c->memfd = memfd_create("accord-job", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (o->type == MSG_PLAN && r->bounds != NULL)
		c->bounds = memfd_create("accord-bounds", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (c->memfd == -1 || (o->type == MSG_PLAN && r->bounds != NULL && c->bounds == -1) ||
	    pipe2(status, O_CLOEXEC) == -1 ||
	    fcntl(status[0], F_SETFL, O_NONBLOCK) == -1 || (c->pid = fork()) == -1) {
		err_sys(e, "converter");
		memcpy(e->dsn, "4.6.5", sizeof "4.6.5");
		e->kind = ERR_TEMP;
		job_close(&c->memfd);
		job_close(&c->bounds);
		job_close(&status[0]);
		job_close(&status[1]);
		return -1;
	}
	if (c->pid == 0)
		child_run(r, o, c, status[1]);
	close(status[1]);
	c->status = status[0];
	return 0;
}

/* How a child ended that said nothing. */
static int
job_died(int status, bool late, struct err *e)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig == SIGXCPU || late)
		return err_set(e, ERR_PERM, "5.6.5", "the converter ran out of time");
	if (sig == SIGXFSZ)
		return err_set(e, ERR_PERM, "5.6.5", "the conversion's result is too large");
	if (sig == SIGSYS)
		return err_set(e, ERR_PERM, "5.6.5", "the converter was stopped: a call it may not make");
	return err_set(e, ERR_PERM, "5.6.5", "the converter broke down (%s %d)",
	    sig != 0 ? "signal" : "status", sig != 0 ? sig : WEXITSTATUS(status));
}

/* A child's words, which may be an intruder's: kinds, codes and text are checked. */
static int
job_said(const struct job_status *s, struct err *e)
{
	bool temp = s->kind == ERR_TEMP;
	struct span what = span_of(s->what, sizeof s->what), dsn = span_of(s->dsn, sizeof s->dsn);
	char text[sizeof s->what], code[sizeof s->dsn];
	struct span status, rest;

	span_text(span_sub(what, 0, span_find(what, '\0')), text, sizeof text);
	span_text(span_sub(dsn, 0, span_find(dsn, '\0')), code, sizeof code);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p > 0x7e)
			*p = '?';
	if (!reply_enhanced(span_str(code), &status, &rest) || status.n != strlen(code) ||
	    code[0] != (temp ? '4' : '5'))
		snprintf(code, sizeof code, temp ? "4.6.5" : "5.6.5");
	if (text[0] == '\0')
		snprintf(text, sizeof text, "the converter gave no reason");
	return err_set(e, temp ? ERR_TEMP : ERR_PERM, code, "%s", text);
}

static int
job_seal(int memfd, uint64_t len, struct err *e)
{
	if (ftruncate(memfd, (off_t)len) == -1 || fcntl(memfd, F_ADD_SEALS, JOB_SEALS) == -1)
		return err_sys(e, "converter's result");
	return 0;
}

/* A sealed memfd's octets; unmapped by the caller. */
static int
job_map(int fd, struct span *out, struct err *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1 || st.st_size <= 0)
		return err_set(e, ERR_PERM, "5.6.5", "the converter gave no result");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "converter's result");
	*out = span_of(p, (size_t)st.st_size);
	return 0;
}

/* A plan, sealed, that stays within its bounds.  They come from the same child, but from before it
 * could be led astray by an image. */
static int
job_bounded(const struct job_child *c, struct err *e)
{
	struct span plan, bounds;
	int r;

	if (fcntl(c->bounds, F_GET_SEALS) != JOB_SEALS)
		return err_set(e, ERR_PERM, "5.6.5", "the converter gave a plan without bounds");
	if (job_map(c->memfd, &plan, e) == -1)
		return -1;
	r = job_map(c->bounds, &bounds, e);
	if (r == 0) {
		r = ranges_within(plan, bounds, e);
		munmap((void *)(uintptr_t)bounds.p, bounds.n);
	}
	munmap((void *)(uintptr_t)plan.p, plan.n);
	if (r == -1 && e->kind == ERR_PROTO) {
		e->kind = ERR_PERM;
		memcpy(e->dsn, "5.6.5", sizeof "5.6.5");
	}
	return r;
}

int
job_end(const struct job_rules *r, struct job_child *c, bool late, uint64_t *len,
    uint64_t *cpu_ms, struct err *e)
{
	struct job_status s;
	struct rusage used = { 0 };
	int status = 0;
	ssize_t got = read(c->status, &s, sizeof s);
	int result;

	/* It is over, or should be; one that is dying already keeps its own cause. */
	kill(c->pid, SIGKILL);
	while (wait4(c->pid, &status, 0, &used) == -1 && errno == EINTR)
		;
	*cpu_ms = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	    (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
	job_close(&c->status);
	if (got != sizeof s)
		result = job_died(status, late, e);
	else if (s.kind != ERR_NONE)
		result = job_said(&s, e);
	else if (s.len == 0 || s.len > r->out_octets)
		result = err_set(e, ERR_PERM, "5.6.5", "the converter gave no result");
	else
		result = job_seal(c->memfd, s.len, e);
	if (result == 0 && c->bounds != -1)
		result = job_bounded(c, e);
	job_close(&c->bounds);
	if (result == 0)
		*len = s.len;
	else
		job_close(&c->memfd);
	return result;
}
