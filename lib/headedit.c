/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/headedit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cur.h"

enum { EDIT_HEAD = 16 };	/* octets before an edit's text */

int
headedit_add(struct buf *out, uint64_t at, uint32_t cut, struct span text, struct err *e)
{
	if (text.n > HEADEDIT_OCTETS || out->n + EDIT_HEAD + text.n > HEADEDIT_OCTETS)
		return err_set(e, ERR_PERM, "5.6.0", "more than %d octets of header edits", HEADEDIT_OCTETS);
	if (buf_add_u64le(out, at, e) == -1 || buf_add_u32le(out, cut, e) == -1 ||
	    buf_add_u32le(out, (uint32_t)text.n, e) == -1)
		return -1;
	return buf_add(out, text, e);
}

bool
headedit_next(struct span *rest, struct headedit *out)
{
	struct cur c = cur_of(*rest);
	uint32_t n;

	out->at = cur_u64le(&c);
	out->cut = cur_u32le(&c);
	n = cur_u32le(&c);
	out->text = cur_take(&c, n);
	if (c.bad)
		return false;
	*rest = span_of(c.p, cur_left(&c));
	return true;
}

static bool
text_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool pair = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';

		if (s.p[i] == '\0' || s.p[i] == '\n' || (s.p[i] == '\r' && !pair))
			return false;
		i += pair;
	}
	return true;
}

bool
headedit_ok(struct span edits)
{
	struct span rest = edits;
	struct headedit d;
	uint64_t at = 0;
	uint32_t n = 0;

	if (edits.n > HEADEDIT_OCTETS)
		return false;
	while (rest.n > 0) {
		if (!headedit_next(&rest, &d) || d.at < at || d.at > UINT64_MAX / 2 || !text_ok(d.text) ||
		    (d.cut == 0 && d.text.n == 0) || ++n > HEADEDIT_MAX)
			return false;
		at = d.at + d.cut;
	}
	return true;
}

int
headedit_apply(struct span edits, struct span message, bool prefix, struct buf *out, struct err *e)
{
	struct headedit d;
	uint64_t done = 0;

	while (edits.n > 0 && headedit_next(&edits, &d)) {
		bool within = d.at <= message.n && d.cut <= message.n - d.at;

		if (!within && !prefix)
			return err_set(e, ERR_PERM, "5.3.5", "a header edit beyond the message's end");
		if (!within || d.at < done)
			break;
		if (buf_add(out, span_sub(message, (size_t)done, (size_t)d.at), e) == -1 ||
		    buf_add(out, d.text, e) == -1)
			return -1;
		done = d.at + d.cut;
	}
	return buf_add(out, span_sub(message, (size_t)done, message.n), e);
}

int
headedit_shift(struct span edits, uint64_t n, struct buf *out, struct err *e)
{
	struct headedit d;

	while (edits.n > 0 && headedit_next(&edits, &d))
		if (headedit_add(out, d.at + n, d.cut, d.text, e) == -1)
			return -1;
	return 0;
}

/* --- a message read through them --- */

static int
put(int fd, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "message: memfd");
		s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

/* As headedit_apply, but into fd; *n: octets. */
static int
put_all(int fd, struct span edits, struct span message, size_t *n, struct err *e)
{
	struct headedit d;
	uint64_t done = 0;

	*n = 0;
	while (edits.n > 0 && headedit_next(&edits, &d)) {
		if (d.at < done || d.at > message.n || d.cut > message.n - d.at)
			return err_set(e, ERR_PERM, "5.3.5", "a header edit beyond the message's end");
		if (put(fd, span_sub(message, (size_t)done, (size_t)d.at), e) == -1 || put(fd, d.text, e) == -1)
			return -1;
		*n += (size_t)(d.at - done) + d.text.n;
		done = d.at + d.cut;
	}
	*n += message.n - (size_t)done;
	return put(fd, span_sub(message, (size_t)done, message.n), e);
}

int
edited_open(struct span edits, struct span message, struct edited *out, struct err *e)
{
	int fd = memfd_create("edited", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	*out = (struct edited){ .fd = -1 };
	if (fd == -1)
		return err_sys(e, "message: memfd");
	if (put_all(fd, edits, message, &out->n, e) == -1) {
		close(fd);
		return -1;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1 ||
	    (out->map = mmap(NULL, out->n == 0 ? 1 : out->n, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		err_sys(e, "message: memfd");
		close(fd);
		*out = (struct edited){ .fd = -1 };
		return -1;
	}
	out->fd = fd;
	return 0;
}

void
edited_close(struct edited *x)
{
	if (x->map != NULL)
		munmap(x->map, x->n == 0 ? 1 : x->n);
	if (x->map != NULL && x->fd != -1)
		close(x->fd);
	*x = (struct edited){ .fd = -1 };
}
