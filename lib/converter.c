/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/converter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Nobody can change or shorten it any more. */
static bool
blob_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS), want = F_SEAL_SHRINK | F_SEAL_WRITE;

	return seals != -1 && (seals & want) == want;
}

static int
blob_copy(void *to, int fd, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = pread(fd, (char *)to + got, len - got, (off_t)got);

		if (n == 0 || (n == -1 && errno != EINTR))
			return -1;
		got += n == -1 ? 0 : (size_t)n;
	}
	return 0;
}

/* What is checked must be what is used: a memfd that its maker could still write is copied. */
static int
blob_map(struct blob *b, int fd, uint64_t len, struct err *e)
{
	bool sealed = blob_sealed(fd) && lseek(fd, 0, SEEK_END) >= (off_t)len;
	void *p = len == 0 || len > SIZE_MAX / 2 ? MAP_FAILED :
	    sealed ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0) :	/* shared: from Linux 6.7 */
	    mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED && !sealed && blob_copy(p, fd, (size_t)len) == -1) {
		munmap(p, (size_t)len);
		p = MAP_FAILED;
	}
	close(fd);
	if (p == MAP_FAILED)
		return err_set(e, ERR_TEMP, "4.3.0", "converter: an answer of %llu octets",
		    (unsigned long long)len);
	*b = (struct blob){ p, (size_t)len };
	return 0;
}

void
blob_free(struct blob *b)
{
	if (b->p != NULL)
		munmap(b->p, b->n);
	*b = (struct blob){ 0 };
}

void
converter_plan_free(struct converter_plan *p)
{
	plan_free(&p->plan);
	blob_free(&p->blob);
}

void
converter_edits_free(struct converter_edits *x)
{
	edit_free(&x->list);
	blob_free(&x->blob);
}

/* An answer's memfd, which is taken over, mapped. */
static int
answer_map(const struct msg_planned *m, int *fd, struct blob *out, struct err *e)
{
	struct span dsn = span_of(m->dsn, strnlen(m->dsn, sizeof m->dsn - 1));
	struct span what = span_of(m->what, strnlen(m->what, sizeof m->what - 1));
	char code[sizeof m->dsn];
	int memfd = *fd;

	span_text(dsn, code, sizeof code);
	if (m->kind == ERR_NONE && memfd != -1) {
		*fd = -1;
		return blob_map(out, memfd, m->len, e);
	}
	if (m->kind == ERR_NONE)
		return err_set(e, ERR_TEMP, "4.3.0", "converter: an answer without a file");
	return err_set(e, m->kind == ERR_TEMP ? ERR_TEMP : ERR_PERM, code, "%.*s", (int)what.n,
	    (const char *)what.p);
}

/* One request and its answer's memfd, mapped. */
static int
converter_call(int sock, struct msg_hdr *h, uint32_t type, size_t len, const int *fds_out, size_t nfd,
    int wait_ms, struct blob *out, struct err *e)
{
	struct msg_planned m = { 0 };
	int fds[MSG_FDS], r = -1;
	size_t got;

	if (ipc_call(sock, h, type, len, fds_out, nfd, &m, sizeof m, &got, fds, wait_ms, e) == -1) {
		memcpy(e->dsn, "4.6.5", sizeof "4.6.5");	/* no answer is as good as "busy" */
		return err_in(e, "converter");
	}
	if (got != sizeof m)
		err_set(e, ERR_TEMP, "4.3.0", "converter: an answer of %zu octets", got);
	else
		r = answer_map(&m, &fds[0], out, e);
	ipc_close_fds(fds, MSG_FDS);
	return r;
}

/* The expressions, each behind its length and wish. */
static int
pack_caps(const struct span *caps, const uint8_t *wish, uint32_t n, struct buf *out, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		struct plan_set set = { (uint32_t)caps[i].n, wish[i] };

		if (buf_add(out, span_of(&set, sizeof set), e) == -1 || buf_add(out, caps[i], e) == -1)
			return -1;
	}
	return 0;
}

/* A memfd that holds s, at its start. */
static int
memfd_of(struct span s, struct err *e)
{
	int fd = memfd_create("accord", MFD_CLOEXEC);

	if (fd == -1 || write(fd, s.p, s.n) != (ssize_t)s.n) {
		err_sys(e, "memfd");
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

/* The plan in out->blob. */
static int
plan_read(struct converter_plan *out, uint32_t ncaps, struct err *e)
{
	if (plan_decode(blob_view(&out->blob), &out->plan, e) == 0 && out->plan.nverdict == ncaps)
		return 0;
	converter_plan_free(out);
	return err_set(e, ERR_TEMP, "4.3.0", "converter: a plan that cannot be read");
}

int
converter_put_bounds(const struct converter_message *m, struct buf *packet, struct err *e)
{
	struct msg_plan ask = { .msg_len = m->len, .flags = PLAN_BOUNDS };

	memcpy(ask.id, m->id, QID_LEN);
	return buf_add(packet, span_of(&ask, sizeof ask), e);
}

int
converter_get_bounds(const struct msg_planned *m, int *fd, struct converter_plan *out, struct err *e)
{
	*out = (struct converter_plan){ 0 };
	return answer_map(m, fd, &out->blob, e) == -1 ? -1 : plan_read(out, 0, e);
}

int
converter_ask_plan(int sock, const struct converter_message *m, uint32_t flags,
    const struct span *caps, const uint8_t *wish, uint32_t ncaps, struct converter_plan *out, struct err *e)
{
	struct msg_plan ask = { .msg_len = m->len, .flags = flags, .ncaps = ncaps };
	int fds[2] = { m->fd, -1 };
	struct buf packet, text;
	int r = -1;

	*out = (struct converter_plan){ 0 };
	buf_init(&text, 16 * 1024 * 1024);
	buf_init(&packet, MSG_MAX);
	memcpy(ask.id, m->id, QID_LEN);
	if (pack_caps(caps, wish, ncaps, &text, e) == -1)
		goto out;
	ask.caps_len = (uint32_t)text.n;
	if (buf_add(&packet, span_of(&ask, sizeof ask), e) == -1)
		goto out;
	if (text.n <= MSG_MAX - sizeof ask ? buf_add(&packet, buf_view(&text), e) == -1 :
	    (fds[1] = memfd_of(buf_view(&text), e)) == -1)
		goto out;
	r = converter_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_PLAN, packet.n, fds,
	    fds[1] == -1 ? 1 : 2, m->plan_ms != 0 ? m->plan_ms : CONVERTER_PLAN_MS, &out->blob, e);
	if (r == 0)
		r = plan_read(out, ncaps, e);
out:
	if (fds[1] != -1)
		close(fds[1]);
	buf_free(&text);
	buf_free(&packet);
	return r;
}

static int
edits_check(const struct edit_list *l, const struct converter_message *m, const struct plan *plan,
    struct err *e)
{
	const struct edit_range *range = plan == NULL ? NULL : plan->range;
	size_t n = plan == NULL ? 0 : plan->nrange;

	return m->transfer == EDIT_AS_IS ? edit_check(l, m->len, range, n, e) :
	    edit_check_transfer(l, m->content, m->transfer, range, n, e);
}

/* The list in out->blob, checked. */
static int
edits_read(struct converter_edits *out, const struct converter_message *m, const struct plan *plan,
    struct err *e)
{
	char why[200];

	if (edit_decode(blob_view(&out->blob), m->len, &out->list, e) == 0 &&
	    edits_check(&out->list, m, plan, e) == 0)
		return 0;
	converter_edits_free(out);
	snprintf(why, sizeof why, "%.199s", e->what);
	return err_set(e, ERR_PERM, "5.6.5", "the conversion's edits were refused: %s", why);
}

int
converter_put_edits(const struct converter_message *m, struct span key, struct buf *packet,
    struct err *e)
{
	struct msg_convert ask = { .msg_len = m->len, .key_len = (uint32_t)key.n,
	    .record = m->record_converted, .transfer = m->transfer };

	memcpy(ask.id, m->id, QID_LEN);
	return buf_add(packet, span_of(&ask, sizeof ask), e) == -1 ? -1 : buf_add(packet, key, e);
}

int
converter_get_edits(const struct msg_planned *m, int *fd, const struct converter_message *of,
    const struct plan *plan, struct converter_edits *out, struct err *e)
{
	*out = (struct converter_edits){ 0 };
	return answer_map(m, fd, &out->blob, e) == -1 ? -1 : edits_read(out, of, plan, e);
}

int
converter_ask_edits(int sock, const struct converter_message *m, const struct plan *plan,
    struct span key, int wait_ms, struct converter_edits *out, struct err *e)
{
	struct buf packet;
	int r;

	*out = (struct converter_edits){ 0 };
	buf_init(&packet, MSG_MAX);
	r = converter_put_edits(m, key, &packet, e);
	if (r == 0)
		r = converter_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_CONVERT, packet.n, &m->fd,
		    1, wait_ms, &out->blob, e);
	if (r == 0)
		r = edits_read(out, m, plan, e);
	buf_free(&packet);
	return r;
}

int
converter_ask_features(int sock, int image_fd, int wait_ms, struct blob *out, struct err *e)
{
	struct msg_hdr h;

	*out = (struct blob){ 0 };
	return converter_call(sock, &h, MSG_DESCRIBE, sizeof h, &image_fd, 1, wait_ms, out, e);
}
