/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/qmgr/scene.h - one queue manager, and the steps that many of its tests are made of. */
#ifndef TESTS_UNIT_QMGR_SCENE_H
#define TESTS_UNIT_QMGR_SCENE_H

#include "tests/unit/qmgr/fake.h"

extern struct fake f;
extern char id[QID_SIZE];		/* of the last message() */
extern const struct rcpt_result delivered, greylisted, no_connection, refused;

/* The fixture: f without peers. */
void scene_begin(void);
void scene_end(void);
/* All are there, and the workers have nothing in flight. */
void all_peers(void);
/* Writes a message to one recipient; qmgr does not hear of it. */
void message(const char *to, uint8_t notify);

/* The next job for that worker, copied; the slot of its i-th recipient. */
struct msg_job *job(enum role role);
uint32_t job_slot(const struct msg_job *m, uint32_t i);
/* The same result for all of a job, its mark, its acknowledgement; the mark comes first.  Is the message gone? */
bool result(enum role role, const struct msg_job *m, const struct rcpt_result *r);

/* That worker says that it has the first recipient of the last message, by a job of that number. */
void in_flight(enum role role, uint32_t number);

/* To the MSG_REPORT in f.packet: MSG_REPORTED or MSG_REFUSED. */
void answer_report(uint32_t type);
/* Its only record. */
struct rcpt_result report_record(struct span *detail);

#endif
