/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/delivered.h"

#include <fcntl.h>

#include "bounce/report.h"

int
delivered_want(struct delivered *d, struct span key, int fd, uint64_t len, const char *id,
    struct span edited, struct err *e)
{
	d->of = (struct converter_message){ .fd = fd, .len = len, .id = id };
	if (edited.n > 0) {
		if (edited_open(span_of(NULL, 0), edited, &d->own, e) == -1)
			return -1;
		d->of.fd = d->own.fd;
		d->of.len = d->own.n;
	}
	buf_init(&d->key, PLAN_MAX_KEY);
	return buf_add(&d->key, key, e);
}

void
delivered_free(struct delivered *d)
{
	buf_free(&d->key);
	converter_plan_free(&d->bounds);
	converter_edits_free(&d->edits);
	edited_close(&d->own);
}

/* Sends what lies in packet, with the message. */
static int
delivered_send(const struct delivered *d, struct chan *c, uint32_t type, uint32_t request,
    struct buf *packet, struct err *e)
{
	int fd = fcntl(d->of.fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return err_sys(e, "message");
	return chan_send(c, (struct msg_hdr *)(void *)packet->p, type, request, packet->n, &fd, 1, e);
}

/* What was asked for is kept for nobody. */
static int
delivered_end(struct delivered *d, int r)
{
	if (r == -1)
		delivered_free(d);
	return r;
}

int
delivered_ask(struct delivered *d, struct chan *c, uint32_t request, struct err *e)
{
	struct buf packet;
	int r;

	buf_init(&packet, MSG_MAX);
	r = converter_put_bounds(&d->of, &packet, e);
	if (r == 0)
		r = delivered_send(d, c, MSG_PLAN, request, &packet, e);
	buf_free(&packet);
	return delivered_end(d, r);
}

int
delivered_bounds(struct delivered *d, struct chan *c, uint32_t request, const struct msg_planned *m,
    int *fd, struct err *e)
{
	struct buf packet;
	int r;

	buf_init(&packet, MSG_MAX);
	r = converter_get_bounds(m, fd, &d->bounds, e);
	if (r == 0)
		r = converter_put_edits(&d->of, buf_view(&d->key), &packet, e);
	if (r == 0)
		r = delivered_send(d, c, MSG_CONVERT, request, &packet, e);
	buf_free(&packet);
	return delivered_end(d, r);
}

int
delivered_edits(struct delivered *d, const struct msg_planned *m, int *fd, struct err *e)
{
	int r;

	if (m->kind == ERR_NONE && m->len > 2 * (uint64_t)REPORT_FULL_MAX)	/* before it is mapped */
		r = err_set(e, ERR_PERM, "5.3.4", "a conversion of %llu octets", (unsigned long long)m->len);
	else
		r = converter_get_edits(m, fd, &d->of, &d->bounds.plan, &d->edits, e);
	if (r == 0 && d->edits.list.size > REPORT_FULL_MAX)
		r = err_set(e, ERR_PERM, "5.3.4", "a message of %llu octets",
		    (unsigned long long)d->edits.list.size);
	return delivered_end(d, r);
}

static int
put_piece(void *arg, struct span piece, struct err *e)
{
	return buf_add(arg, piece, e);
}

int
delivered_text(const struct delivered *d, struct span message, struct buf *out, struct err *e)
{
	return edit_walk(&d->edits.list, message, put_piece, out, e);
}
