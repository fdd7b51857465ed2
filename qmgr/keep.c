/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * qmgr/keep.c - files that were read a moment ago.  A new message is read to learn where it goes, and
 * mostly goes at once or in a few milliseconds, when its destination has a place: it is not opened
 * and read a second time for that.  The slots on disk change by our own marks only; those drop what
 * is kept.
 */
#include "qmgr/qmgr.h"

#include "lib/clock.h"

void
qmgr_keep_init(struct qmgr *q)
{
	for (size_t i = 0; i < QMGR_KEPT; i++)
		q->kept[i].letter.fd = -1;
}

/* Its one place; what was there gives way. */
static struct kept *
kept_place(struct qmgr *q, const char *id)
{
	uint32_t h = 0;

	for (size_t i = 0; i < QID_LEN; i++)
		h = h * 31 + (unsigned char)id[i];
	return &q->kept[(h ^ h >> 8) % QMGR_KEPT];
}

static struct kept *
kept_find(struct qmgr *q, const char *id)
{
	struct kept *k = kept_place(q, id);

	return k->letter.fd != -1 && memcmp(k->letter.id, id, QID_LEN) == 0 ? k : NULL;
}

static void
kept_drop(struct kept *k)
{
	if (k->letter.fd != -1)
		letter_close(&k->letter);
}

int
qmgr_letter(struct qmgr *q, const char *id, struct letter *l, struct err *e)
{
	struct kept *k = kept_find(q, id);

	if (k != NULL && clock_ms() - k->read_ms < QMGR_KEPT_MS) {
		*l = k->letter;
		k->letter.fd = -1;
		return 1;
	}
	return letter_open(q->dirfd, id, l, e);
}

void
qmgr_keep(struct qmgr *q, struct letter *l)
{
	struct kept *k = kept_place(q, l->id);

	kept_drop(k);
	k->letter = *l;
	k->read_ms = clock_ms();
	l->fd = -1;
}

void
qmgr_keep_not(struct qmgr *q, const char *id)
{
	struct kept *k = kept_find(q, id);

	if (k != NULL)
		kept_drop(k);
}

void
qmgr_keep_nothing(struct qmgr *q)
{
	for (size_t i = 0; i < QMGR_KEPT; i++)
		kept_drop(&q->kept[i]);
}
