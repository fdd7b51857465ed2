/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/qfile.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char text[] = "Received: by me\r\n\r\nhello\r\n";

/* CRC-32C of RFC 3720, B.4, and the check value of "123456789". */
static const struct { const char *name; unsigned char fill; int step; size_t n; uint32_t want; } crcs[] = {
	{ "zeros", 0, 0, 32, 0x8a9136aa },
	{ "ones", 0xff, 0, 32, 0x62a8ab43 },
	{ "up", 0, 1, 32, 0x46dd794e },
	{ "down", 31, -1, 32, 0x113fdb5c },
	{ "123456789", '1', 1, 9, 0xe3069283 },
	{ "nothing", 0, 0, 0, 0 },
};

START_TEST(crc32c_is_castagnolis)
{
	unsigned char in[32];

	for (size_t i = 0; i < crcs[_i].n; i++)
		in[i] = (unsigned char)(crcs[_i].fill + crcs[_i].step * (int)i);
	ck_assert_msg(crc32c(0, in, crcs[_i].n) == crcs[_i].want, "%s", crcs[_i].name);
	ck_assert_msg(crc32c_portable(0, in, crcs[_i].n) == crcs[_i].want, "%s", crcs[_i].name);
}
END_TEST

START_TEST(crc32c_both_ways_in_any_pieces)
{
	unsigned char in[257];
	uint32_t whole;

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (unsigned char)(i * 71 + 13);
	whole = crc32c(0, in, sizeof in);
	for (size_t cut = 0; cut <= sizeof in; cut++) {
		ck_assert_uint_eq(crc32c(crc32c(0, in, cut), in + cut, sizeof in - cut), whole);
		ck_assert_uint_eq(crc32c_portable(crc32c(0, in, cut), in + cut, sizeof in - cut), whole);
	}
}
END_TEST

/* A file with n recipients; the caller closes it. */
static int
file_of(uint32_t n, struct qfile *q, struct buf *block)
{
	struct rcpt *rcpt = calloc(n, sizeof *rcpt);
	struct envelope env = { .sender = span_str("a@b"), .rcpt = rcpt, .nrcpt = n };
	struct err e = { 0 };
	int fd = memfd_create("q", MFD_CLOEXEC);

	for (uint32_t i = 0; i < n; i++)
		rcpt[i].addr = span_str("c@d");
	buf_init(block, ENV_MAX);
	ck_assert_int_eq(envelope_encode(&env, block, &e), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_msg(qfile_finish(fd, strlen(text), crc32c(0, text, strlen(text)), buf_view(block), n, q,
	    &e) == 0, "%s", e.what);
	free(rcpt);
	return fd;
}

static const uint32_t counts[] = { 1, 2, 31, 32, 33, 1000, ENV_MAX_RCPT };

START_TEST(what_was_written_is_read)
{
	struct qfile made, q;
	struct buf block, store;
	struct envelope env;
	struct slot *s;
	struct stat st;
	struct err e = { 0 };
	uint32_t torn = 7;
	int fd = file_of(counts[_i], &made, &block);

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	ck_assert_mem_eq(&q, &made, sizeof q);
	ck_assert_uint_eq(q.file_len, (uint64_t)st.st_size);
	ck_assert_uint_eq(q.slots_off % 512, 0);	/* no slot crosses a sector */
	ck_assert_uint_eq(512 % QFILE_SLOT, 0);
	ck_assert_int_eq(qfile_check(fd, &q, &e), 1);
	buf_init(&store, ENV_MAX);
	ck_assert_int_eq(qfile_envelope(fd, &q, &store, &env, &e), 0);
	ck_assert_uint_eq(env.nrcpt, counts[_i]);
	ck_assert(span_eq(buf_view(&store), buf_view(&block)));
	envelope_free(&env);
	ck_assert_int_eq(qfile_slots(fd, &q, &s, &e), 0);
	for (uint32_t i = 0; i < q.nslot; i++)
		ck_assert(s[i].state == SLOT_QUEUED && s[i].attempts == 0 && s[i].next_us == 0);
	free(s);
	ck_assert_int_eq(qfile_torn(fd, &q, &torn, &e), 0);
	ck_assert_uint_eq(torn, 0);
	buf_free(&store);
	buf_free(&block);
	close(fd);
}
END_TEST

/* All at once is what the three readings give, whatever the size of the envelope; also what they refuse. */
START_TEST(loaded_at_once)
{
	const struct slot mark = { .state = SLOT_HELD, .attempts = 3, .flags = SLOT_DELAY_TOLD,
	    .dead = 0x80000001, .since_s = 0x90000002,
	    .dsn = "4.4.1", .text = "nobody" };
	struct qfile made, q;
	struct buf block, store;
	struct envelope env;
	struct slot *s, *want;
	struct err e = { 0 };
	unsigned char octet = 0xff;
	char got[sizeof text];
	int fd = file_of(counts[_i], &made, &block);

	ck_assert_int_eq(qfile_mark(fd, &made, counts[_i] - 1, &mark, &e), 0);
	buf_init(&store, ENV_MAX);
	ck_assert_int_eq(qfile_load(fd, &q, &store, &env, &s, &e), 0);
	ck_assert_mem_eq(&q, &made, sizeof q);
	ck_assert(span_eq(buf_view(&store), buf_view(&block)));
	ck_assert_uint_eq(env.nrcpt, counts[_i]);
	ck_assert_int_eq(qfile_slots(fd, &q, &want, &e), 0);
	for (uint32_t i = 0; i < q.nslot; i++)
		ck_assert(s[i].state == want[i].state && s[i].flags == want[i].flags &&
		    s[i].dead == want[i].dead && s[i].since_s == want[i].since_s &&
		    strcmp(s[i].text, want[i].text) == 0);
	ck_assert_uint_eq(s[counts[_i] - 1].state, SLOT_HELD);
	ck_assert_uint_eq(s[counts[_i] - 1].dead, mark.dead);
	ck_assert_uint_eq(s[counts[_i] - 1].since_s, mark.since_s);
	ck_assert_int_eq(qfile_message(fd, &q, got, &e), 0);
	ck_assert_mem_eq(got, text, strlen(text));
	ck_assert_int_eq(pwrite(fd, "J", 1, 20), 1);
	ck_assert_int_eq(qfile_message(fd, &q, got, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	envelope_free(&env);
	free(s);
	free(want);
	ck_assert_int_eq(pwrite(fd, &octet, 1, (off_t)q.env_off + 2), 1);
	ck_assert_int_eq(qfile_load(fd, &q, &store, &env, &s, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_int_eq(ftruncate(fd, (off_t)made.file_len - 1), 0);
	ck_assert_int_eq(qfile_load(fd, &q, &store, &env, &s, &e), -1);
	ck_assert_int_eq(ftruncate(fd, 10), 0);
	ck_assert_int_eq(qfile_load(fd, &q, &store, &env, &s, &e), -1);
	buf_free(&store);
	buf_free(&block);
	close(fd);
}
END_TEST

START_TEST(a_mark_changes_one_slot)
{
	const struct slot mark = { .state = SLOT_FAILED, .conneg_tries = 7, .attempts = 65535,
	    .code = 550, .last_us = UINT64_C(1795000123456789), .next_us = UINT64_MAX,
	    .dsn = "5.1.1", .text = "no such mailbox" };
	struct qfile q;
	struct buf block;
	struct slot *s;
	struct err e;
	int fd = file_of(5, &q, &block);

	ck_assert_int_eq(qfile_mark(fd, &q, 3, &mark, &e), 0);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	ck_assert_int_eq(qfile_slots(fd, &q, &s, &e), 0);
	ck_assert(s[3].state == SLOT_FAILED && s[3].conneg_tries == 7 && s[3].attempts == 65535 &&
	    s[3].code == 550 && s[3].last_us == mark.last_us && s[3].next_us == UINT64_MAX);
	ck_assert_str_eq(s[3].dsn, "5.1.1");
	ck_assert_str_eq(s[3].text, "no such mailbox");
	for (int i = 0; i < 5; i++)
		ck_assert(i == 3 || (s[i].state == SLOT_QUEUED && s[i].attempts == 0));
	free(s);
	ck_assert_int_eq(qfile_check(fd, &q, &e), 1);
	ck_assert_int_eq(qfile_mark(fd, &q, 5, &mark, &e), -1);
	buf_free(&block);
	close(fd);
}
END_TEST

/* Any octet of a slot that changed, or a slot in another's place, reads as never tried. */
START_TEST(a_torn_slot_reads_as_queued)
{
	const struct slot mark = { .state = SLOT_DELIVERED, .attempts = 1 };
	unsigned char raw[QFILE_SLOT];
	uint32_t torn = 0;
	struct qfile q;
	struct buf block;
	struct slot *s;
	struct err e;
	int fd = file_of(2, &q, &block);

	ck_assert_int_eq(qfile_mark(fd, &q, 0, &mark, &e), 0);
	ck_assert_int_eq(pread(fd, raw, sizeof raw, (off_t)q.slots_off), QFILE_SLOT);
	for (size_t i = 0; i < QFILE_SLOT; i++) {
		raw[i] ^= 0x40;
		ck_assert_int_eq(pwrite(fd, raw, sizeof raw, (off_t)q.slots_off), QFILE_SLOT);
		ck_assert_int_eq(qfile_slots(fd, &q, &s, &e), 0);
		ck_assert_msg(s[0].state == SLOT_QUEUED && s[0].attempts == 0, "octet %zu", i);
		free(s);
		ck_assert_int_eq(qfile_torn(fd, &q, &torn, &e), 0);
		ck_assert_uint_eq(torn, 1);
		raw[i] ^= 0x40;
	}
	ck_assert_int_eq(pwrite(fd, raw, sizeof raw, (off_t)q.slots_off + QFILE_SLOT), QFILE_SLOT);
	ck_assert_int_eq(qfile_slots(fd, &q, &s, &e), 0);
	ck_assert_uint_eq(s[1].state, SLOT_QUEUED);
	free(s);
	buf_free(&block);
	close(fd);
}
END_TEST

START_TEST(a_changed_footer_or_length_is_refused)
{
	struct qfile q, made;
	struct buf block;
	struct err e;
	int fd = file_of(2, &made, &block);
	unsigned char c;

	for (uint64_t at = made.file_len - QFILE_FOOTER; at < made.file_len; at++) {
		ck_assert_int_eq(pread(fd, &c, 1, (off_t)at), 1);
		c ^= 1;
		ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)at), 1);
		e.kind = ERR_NONE;
		ck_assert_msg(qfile_open(fd, &q, &e) == -1 && e.kind == ERR_PERM, "octet %d", (int)at);
		c ^= 1;
		ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)at), 1);
	}
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	for (uint64_t n = 0; n < made.file_len; n += 61) {
		ck_assert_int_eq(ftruncate(fd, (off_t)(made.file_len - 1 - n)), 0);
		ck_assert_int_eq(qfile_open(fd, &q, &e), -1);
	}
	buf_free(&block);
	close(fd);
}
END_TEST

/* A footer that is whole, but not of this file or not of this version. */
START_TEST(a_footer_must_fit)
{
	unsigned char raw[QFILE_FOOTER];
	struct qfile q, made;
	struct buf block;
	struct err e = { 0 };
	uint32_t crc;
	int fd = file_of(2, &made, &block);

	ck_assert_int_eq(pread(fd, raw, sizeof raw, (off_t)(made.file_len - sizeof raw)), sizeof raw);
	ck_assert_int_eq(pwrite(fd, raw, sizeof raw, (off_t)made.file_len), sizeof raw);
	ck_assert_int_eq(qfile_open(fd, &q, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_int_eq(ftruncate(fd, (off_t)made.file_len), 0);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	raw[8]++;
	crc = crc32c(0, raw, sizeof raw - 4);
	for (int i = 0; i < 4; i++)
		raw[sizeof raw - 4 + i] = (unsigned char)(crc >> 8 * i);
	ck_assert_int_eq(pwrite(fd, raw, sizeof raw, (off_t)(made.file_len - sizeof raw)), sizeof raw);
	ck_assert_int_eq(qfile_open(fd, &q, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "version"));
	buf_free(&block);
	close(fd);
}
END_TEST

START_TEST(a_changed_message_or_envelope_is_found)
{
	struct qfile q;
	struct buf block, store;
	struct envelope env;
	struct err e;
	int fd = file_of(2, &q, &block);

	buf_init(&store, ENV_MAX);
	ck_assert_int_eq(pwrite(fd, "r", 1, 0), 1);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	ck_assert_int_eq(qfile_check(fd, &q, &e), 0);
	ck_assert_int_eq(pwrite(fd, "R", 1, 0), 1);
	ck_assert_int_eq(qfile_check(fd, &q, &e), 1);
	ck_assert_int_eq(pwrite(fd, "x", 1, (off_t)q.env_off + 10), 1);
	ck_assert_int_eq(qfile_envelope(fd, &q, &store, &env, &e), -1);
	ck_assert_str_eq(e.dsn, "5.3.5");
	ck_assert_int_eq(pwrite(fd, block.p + 10, 1, (off_t)q.env_off + 10), 1);
	ck_assert_int_eq(qfile_envelope(fd, &q, &store, &env, &e), 0);
	envelope_free(&env);
	/* an octet of an address: what is left is still an envelope */
	ck_assert_int_eq(pwrite(fd, "x", 1, (off_t)(q.env_off + block.n - 1)), 1);
	ck_assert_int_eq(qfile_envelope(fd, &q, &store, &env, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "checksum"));
	buf_free(&store);
	buf_free(&block);
	close(fd);
}
END_TEST

START_TEST(no_message_of_ours)
{
	struct qfile q;
	struct err e = { 0 };
	int fd = memfd_create("q", MFD_CLOEXEC), pair[2];

	ck_assert_int_eq(qfile_open(fd, &q, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	ck_assert_int_eq(qfile_open(fd, &q, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	close(fd);
	ck_assert_int_eq(qfile_open(fd, &q, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(qfile_open(pair[0], &q, &e), -1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

Suite *suite_qfile(void);
Suite *
suite_qfile(void)
{
	Suite *s = suite_create("qfile");
	TCase *tc = tcase_create("qfile");

	tcase_add_loop_test(tc, crc32c_is_castagnolis, 0, sizeof crcs / sizeof *crcs);
	tcase_add_test(tc, crc32c_both_ways_in_any_pieces);
	tcase_add_loop_test(tc, what_was_written_is_read, 0, sizeof counts / sizeof *counts);
	tcase_add_loop_test(tc, loaded_at_once, 0, sizeof counts / sizeof *counts);
	tcase_add_test(tc, a_mark_changes_one_slot);
	tcase_add_test(tc, a_torn_slot_reads_as_queued);
	tcase_add_test(tc, a_changed_footer_or_length_is_refused);
	tcase_add_test(tc, a_footer_must_fit);
	tcase_add_test(tc, a_changed_message_or_envelope_is_found);
	tcase_add_test(tc, no_message_of_ours);
	suite_add_tcase(s, tc);
	return s;
}
