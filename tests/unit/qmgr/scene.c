/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/qmgr/scene.h"

#include <check.h>

struct fake f;
char id[QID_SIZE];

const struct rcpt_result delivered = { .outcome = OUTCOME_DELIVERED, .code = 250,
    .dsn = "2.0.0", .mta = "a [192.0.2.1]:25", .text = "250 ok" };
const struct rcpt_result greylisted = { .outcome = OUTCOME_DEFERRED, .code = 450,
    .dsn = "4.7.1", .text = "450 4.7.1 later" };
const struct rcpt_result no_connection = { .outcome = OUTCOME_DEFERRED, .flags = RESULT_HOST, .dsn = "4.4.1",
    .text = "no connection" };
const struct rcpt_result refused = { .outcome = OUTCOME_FAILED, .code = 550, .dsn = "5.1.1",
    .mta = "a", .text = "550 5.1.1 no such user" };

void
scene_begin(void)
{
	fake_start(&f);
}

void
scene_end(void)
{
	fake_end(&f);
}

void
all_peers(void)
{
	fake_peer(&f, ROLE_QUEUE);
	for (int i = 0; i < 3; i++) {
		static const enum role r[] = { ROLE_REMOTE, ROLE_LOCAL, ROLE_BOUNCE };

		fake_peer(&f, r[i]);
		fake_hello(&f, r[i]);
	}
	fake_run(&f, 5);
}

void
message(const char *to, uint8_t notify)
{
	const char *const list[] = { to, NULL };

	fake_message(&f, id, "s@sender.example", list, notify);
}

struct msg_job *
job(enum role role)
{
	static _Alignas(8) unsigned char copy[sizeof(struct msg_job) + 4 * 100];

	fake_expect(&f, role, MSG_JOB);
	memcpy(copy, f.packet, f.len);
	return (struct msg_job *)(void *)copy;
}

uint32_t
job_slot(const struct msg_job *m, uint32_t i)
{
	return ((const uint32_t *)(const void *)(m + 1))[i];
}

bool
result(enum role role, const struct msg_job *m, const struct rcpt_result *r)
{
	bool gone;

	fake_result(&f, role, m, r);
	fake_silence(&f, role);
	gone = fake_queue_mark(&f);
	fake_expect_ack(&f, role, m->h.id);
	return gone;
}

void
answer_report(uint32_t type)
{
	const struct msg_job *m = (const struct msg_job *)(const void *)f.packet;
	struct msg_reported done = { .report = "0000000000000000" };
	struct msg_refused no = { .kind = ERR_TEMP, .what = "full" };
	uint32_t number = m->h.id;

	memcpy(done.id, m->id, QID_SIZE);
	if (type == MSG_REPORTED)
		fake_send(&f, ROLE_BOUNCE, &done, type, number, sizeof done);
	else
		fake_send(&f, ROLE_BOUNCE, &no, type, number, sizeof no);
}

struct rcpt_result
report_record(struct span *detail)
{
	const struct msg_job *m = (const struct msg_job *)(const void *)f.packet;
	struct span rest = span_of(m + 1, f.len - sizeof *m);
	struct rcpt_result r;
	struct err e;

	ck_assert_uint_eq(m->n, 1);
	ck_assert_int_eq(result_next(&rest, &r, detail, &e), 1);
	ck_assert_uint_eq(rest.n, 0);
	return r;
}

void
in_flight(enum role role, uint32_t number)
{
	struct { struct msg_job m; uint32_t slot; } has = { .m = { .n = 1 } };

	memcpy(has.m.id, id, QID_SIZE);
	fake_send(&f, role, &has, MSG_INFLIGHT, number, sizeof has.m + sizeof has.slot);
}
