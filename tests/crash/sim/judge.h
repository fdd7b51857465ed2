/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/crash/sim/judge.h - starts accord's queue on an image, reads it as qmgr does, and compares. */
#ifndef TESTS_CRASH_SIM_JUDGE_H
#define TESTS_CRASH_SIM_JUDGE_H

#include "queue/queue.h"
#include "tests/crash/sim/disk.h"
#include "tests/crash/sim/ledger.h"

/* A slot that was marked final, or a message that was unlinked, in the run. */
struct result {
	char id[QID_SIZE];
	uint32_t slot;
	bool gone;			/* unlinked: slot says nothing */
	uint64_t end, sure_at;
	int64_t ms;			/* when it was over */
	int64_t late_ms;		/* when it has to be sure */
};
struct judge {
	const struct disk *disk;
	const struct ledger *ledger;
	enum strategy strategy;
	struct result *result;		/* owned */
	size_t nresult;
};
/* A second, and then the flush before its own and its own, on a disk that others use too.  A killed queue
 * takes its list of what is to be flushed with it: the next one has to be started first, after a while if
 * many were killed. */
enum { JUDGE_WHY = 800, JUDGE_LATE_MS = 4000, JUDGE_KILLED_MS = 20000 };

/* Finds the results in the record.  false: no memory. */
bool judge_open(struct judge *j);
void judge_close(struct judge *j);

/*
 * dir: a folder that holds the image (image_write), and has no file afterwards.  true: all is as it must be;
 * else why says what is not.  The queue's start-up runs in a child.
 */
bool judge_image(const struct judge *j, const struct image *im, const char *dir, char why[JUDGE_WHY]);
#endif
