/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* bounce/convert.c - R37: a report shows what was delivered; convertd makes it once more. */
#include "bounce/work.h"

#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

bool
convert_asks(const struct work *w)
{
	return w->state == BOUNDING || w->state == CONVERTING;
}

bool
convert_may_ask(const struct bounce *b)
{
	uint32_t n = 0;

	for (const struct work *w = b->first; w != NULL; w = w->next)
		n += convert_asks(w);
	return n < BOUNCE_CONVERTING;
}

void
convert_drop(struct bounce *b, struct work *w, const struct err *why)
{
	log_line(LOG_INFO, w->id, "header-alone", "why=%s", log_q(why->what));
	delivered_free(&w->delivered);
	work_open(b, w);
}

void
convert_ask(struct bounce *b, struct work *w)
{
	struct err why = { 0 };

	work_next(b, w, BOUNDING);
	if (delivered_ask(&w->delivered, &b->convertd, w->request, &why) == -1)
		convert_drop(b, w, &why);
}

/* An answer that comes too late is nobody's, and no fault. */
static int
on_planned(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_planned *m = msg;
	struct work *w = work_of(b, m->h.id);
	struct err why = { 0 };

	(void)len, (void)e;
	if (w == NULL || w->state != BOUNDING)
		return 0;
	work_next(b, w, CONVERTING);
	if (delivered_bounds(&w->delivered, c, w->request, m, &fds[0], &why) == -1)
		convert_drop(b, w, &why);
	bounce_turn(b);
	return 0;
}

static int
on_converted(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_planned *m = msg;
	struct work *w = work_of(b, m->h.id);
	struct err why = { 0 };

	(void)len, (void)e;
	if (w == NULL || w->state != CONVERTING)
		return 0;
	if (delivered_edits(&w->delivered, m, &fds[0], &why) == -1)
		convert_drop(b, w, &why);
	else
		work_open(b, w);
	bounce_turn(b);
	return 0;
}

static const struct msg_rule from_convertd[] = {
	{ MSG_PLANNED, sizeof(struct msg_planned), sizeof(struct msg_planned), 0, 1, on_planned },
	{ MSG_CONVERTED, sizeof(struct msg_planned), sizeof(struct msg_planned), 0, 1, on_converted },
};

/* What was asked for by a channel that is no more. */
static void
asking_drop(struct bounce *b, const char *what)
{
	struct err why = { 0 };
	struct work *next;

	err_set(&why, ERR_TEMP, "4.6.5", "convertd: %s", what);
	for (struct work *w = b->first; w != NULL; w = next) {
		next = w->next;
		if (convert_asks(w))
			convert_drop(b, w, &why);
	}
	bounce_turn(b);
}

static void
convertd_gone(struct chan *c, const struct err *why)
{
	log_line(LOG_INFO, NULL, "peer-gone", "peer=convertd why=%s",
	    log_q(why->kind == ERR_NONE ? "" : why->what));
	asking_drop(c->arg, "it has gone");
	daemon_lost(ROLE_CONVERTD);
}

void
convert_peer(struct bounce *b, int fd)
{
	struct err e = { 0 };

	chan_close(&b->convertd);
	asking_drop(b, "it was started anew");
	if (chan_open(&b->convertd, b->loop, fd, "convertd", from_convertd,
	    sizeof from_convertd / sizeof *from_convertd, convertd_gone, b, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "peer=convertd why=%s", log_q(e.what));
		close(fd);
	}
}
