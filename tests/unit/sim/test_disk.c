/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Which disks a record may leave: each rule of tests/crash/sim/disk.h, by records made here. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "tests/crash/sim/disk.h"
#include "tests/unit/suites.h"

enum { ROOT = 1, TMP, A7, LOG, FIRST, SECOND, SIZE = 1 << 16, SEEDS = 400 };
/* What fills files: old where nothing was overwritten. */
enum { OLD = 'o', NEW = 'n' };

static _Alignas(8) unsigned char octets[SIZE];
static struct sys_record *const head = (struct sys_record *)(void *)octets;
static unsigned char fill[4096];

/* One call; it begins when all before are over, unless begin says otherwise. */
static uint64_t
call_from(uint64_t begin, enum sys_call call, uint64_t ino, uint64_t dir, const char *from, uint64_t to_dir,
    const char *to, uint64_t off, uint32_t n)
{
	struct sys_rec *r = (struct sys_rec *)(void *)(octets + head->next);
	size_t len = (sizeof *r + strlen(from) + strlen(to) + n + 7) / 8 * 8;

	ck_assert_uint_lt(head->next + len, SIZE);
	if (begin == 0)
		begin = head->count++;
	*r = (struct sys_rec){ .len = (uint32_t)len, .call = (uint16_t)call, .begin = begin, .end = head->count++,
	    .ino = ino, .dir = dir, .to_dir = to_dir, .off = off, .n = n, .from_len = (uint16_t)strlen(from),
	    .to_len = (uint16_t)strlen(to) };
	memcpy(r + 1, from, strlen(from));
	memcpy((char *)(r + 1) + strlen(from), to, strlen(to));
	memcpy((char *)(r + 1) + strlen(from) + strlen(to), fill, n);
	head->next += len;
	return r->end;
}

static uint64_t
call(enum sys_call c, uint64_t ino, uint64_t dir, const char *from, uint64_t to_dir, const char *to)
{
	return call_from(0, c, ino, dir, from, to_dir, to, 0, 0);
}

static uint64_t
put(uint64_t ino, uint64_t off, uint32_t n, int what)
{
	memset(fill, what, sizeof fill);
	return call_from(0, SYS_WRITE, ino, 0, "", 0, "", off, n);
}

static uint64_t
flush(enum sys_call c, uint64_t ino)
{
	return call(c, ino, 0, "", 0, "");
}

/* Two folders and a log, which are sure. */
static void
begin(void)
{
	memset(octets, 0, sizeof octets);
	*head = (struct sys_record){ .magic = "accordR", .size = SIZE, .next = sizeof *head, .count = 1 };
	call(SYS_MKDIR, 100, ROOT, "queue", 0, "");
	call(SYS_MKDIR, TMP, 100, "tmp", 0, "");
	call(SYS_MKDIR, A7, 100, "a7", 0, "");
	call(SYS_CREATE, LOG, 100, "log", 0, "");
	flush(SYS_FSYNC, ROOT);
	flush(SYS_FSYNC, 100);
}

static struct record record;
static struct disk disk;
static struct buf got;

static void
forget(void)
{
	buf_free(&got);
	disk_close(&disk);
	record_close(&record);
}

/* What the record leaves, read anew. */
static void
settle(enum model m)
{
	struct err e;

	forget();
	ck_assert_int_eq(record_read(&record, octets, SIZE, &e), 0);
	ck_assert_int_eq(disk_open(&disk, &record, ROOT, m, &e), 0);
}

static struct image
image(enum pattern p, uint64_t seed)
{
	struct image im = { .d = &disk, .cut = head->count, .pattern = p, .seed = seed, .percent = 50 };

	ck_assert(image_open(&im));
	return im;
}

/* folder NULL: in that of the queue. */
static uint32_t
find(const struct image *im, const char *folder, const char *name)
{
	uint32_t queue = image_find(im, 0, "queue");

	return image_find(im, folder == NULL ? queue : image_find(im, queue, folder), name);
}

/* The length of what is there, or -1; its octets are in got. */
static long
length(const struct image *im, const char *folder, const char *name)
{
	uint32_t file = find(im, folder, name);
	struct err e;

	buf_free(&got);
	buf_init(&got, SIZE);
	if (file == DISK_NONE)
		return -1;
	ck_assert_int_eq(image_octets(im, file, &got, &e), 0);
	return (long)got.n;
}

static long
length_in(enum pattern p, const char *folder, const char *name)
{
	struct image im = image(p, 1);
	long n = length(&im, folder, name);

	image_close(&im);
	return n;
}

START_TEST(fsync_keeps_octets_and_a_folders_fsync_names)
{
	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	put(FIRST, 0, 1000, NEW);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), -1);
	ck_assert_int_eq(length_in(PATTERN_NAMES, "a7", "m"), 0);
	ck_assert_int_eq(length_in(PATTERN_ALL, "a7", "m"), 1000);
	flush(SYS_FSYNC, FIRST);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), -1);
	ck_assert_int_eq(length_in(PATTERN_NAMES, "a7", "m"), 1000);
	flush(SYS_FSYNC, A7);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), 1000);
}
END_TEST

START_TEST(write_back_alone_keeps_nothing)
{
	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	put(FIRST, 0, 1000, NEW);
	flush(SYS_WRITTEN, FIRST);
	flush(SYS_FSYNC, A7);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), 0);
	flush(SYS_SYNCFS, A7);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), 1000);
}
END_TEST

START_TEST(a_flush_covers_what_ended_before_it_began)
{
	uint64_t early;

	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	flush(SYS_FSYNC, A7);
	early = head->count++;
	put(FIRST, 0, 1000, NEW);
	call_from(early, SYS_FSYNC, FIRST, 0, "", 0, "", 0, 0);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), 0);
}
END_TEST

START_TEST(a_call_that_has_not_begun_is_not_there)
{
	struct image im;

	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	settle(MODEL_SUBSET);
	im = (struct image){ .d = &disk, .cut = record.op[record.nop - 1].begin - 1, .pattern = PATTERN_ALL };
	ck_assert(image_open(&im));
	ck_assert_uint_eq(find(&im, "a7", "m"), DISK_NONE);
	image_close(&im);
	im.cut++;			/* in flight: it may be */
	ck_assert(image_open(&im));
	ck_assert_uint_ne(find(&im, "a7", "m"), DISK_NONE);
	image_close(&im);
}
END_TEST

/* A slot is overwritten: its sector is old, new or torn; the sector beside it never changes. */
START_TEST(sectors_are_old_new_or_torn)
{
	unsigned old = 0, new = 0, torn = 0;

	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	put(FIRST, 0, 1024, OLD);
	flush(SYS_FSYNC, FIRST);
	flush(SYS_FSYNC, A7);
	put(FIRST, 512, 128, NEW);
	settle((enum model)_i);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct image im = image(PATTERN_RANDOM, seed);
		unsigned n = 0, strange = 0;

		ck_assert_int_eq(length(&im, "a7", "m"), 1024);
		for (unsigned i = 0; i < 1024; i++) {
			strange += got.p[i] != OLD && (got.p[i] != NEW || i < 512 || i >= 640);
			n += got.p[i] == NEW;
		}
		ck_assert_uint_eq(strange, 0);
		old += n == 0;
		new += n == 128;
		torn += n > 0 && n < 128;
		image_close(&im);
	}
	ck_assert_uint_gt(old, 0);
	ck_assert_uint_gt(new, 0);
	ck_assert_uint_gt(torn, 0);
}
END_TEST

/* Each sector of a new file for itself; what is not there is zeros, or, if no journal orders it, stale. */
START_TEST(a_new_file_has_holes)
{
	unsigned holes = 0, stale = 0, cut = 0, lonely = 0;

	call(SYS_CREATE, SECOND, A7, "other", 0, "");
	put(SECOND, 0, 512, OLD);
	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	flush(SYS_FSYNC, A7);
	put(FIRST, 0, 2048, NEW);
	settle((enum model)_i);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct image im = image(PATTERN_RANDOM, seed);
		long n = length(&im, "a7", "m");

		cut += n == 0;
		holes += n == 2048 && got.p[0] == 0;
		stale += n == 2048 && got.p[0] == OLD;
		lonely += n == 2048 && got.p[0] == NEW && got.p[512] == 0 && got.p[1024] == NEW;
		image_close(&im);
	}
	ck_assert_uint_gt(cut, 0);
	ck_assert_uint_gt(holes, 0);
	ck_assert_uint_gt(lonely, 0);
	ck_assert_int_eq(stale > 0, _i == MODEL_SUBSET);
}
END_TEST

static void
rename_made(void)
{
	call(SYS_CREATE, FIRST, TMP, "m", 0, "");
	put(FIRST, 0, 10, NEW);
	flush(SYS_FSYNC, FIRST);
	flush(SYS_FSYNC, TMP);
	call(SYS_RENAME, FIRST, TMP, "m", A7, "m");
}

/* How often it has the old name, the new one, both, none. */
static void
rename_count(enum model m, unsigned n[4])
{
	memset(n, 0, 4 * sizeof *n);
	settle(m);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct image im = image(PATTERN_RANDOM, seed);
		bool old = find(&im, "tmp", "m") != DISK_NONE, new = find(&im, "a7", "m") != DISK_NONE;

		n[old && new ? 2 : old ? 0 : new ? 1 : 3]++;
		image_close(&im);
	}
}

START_TEST(a_rename_is_one_change)
{
	unsigned n[4];

	rename_made();
	rename_count(MODEL_SUBSET, n);
	ck_assert(n[0] > 0 && n[1] > 0 && n[2] == 0 && n[3] == 0);
	rename_count(MODEL_JOURNAL, n);
	ck_assert(n[0] > 0 && n[1] > 0 && n[2] == 0 && n[3] == 0);
	rename_count(MODEL_SPLIT, n);
	ck_assert(n[0] > 0 && n[1] > 0 && n[2] > 0 && n[3] > 0);
	flush(SYS_FSYNC, A7);
	rename_count(MODEL_SUBSET, n);
	ck_assert_uint_eq(n[1], SEEDS);
	rename_count(MODEL_SPLIT, n);
	ck_assert(n[0] == 0 && n[1] > 0 && n[2] > 0 && n[3] == 0);
}
END_TEST

/* Three names; only first parts of them are there, and those before the log's growth once it is flushed. */
START_TEST(a_journal_keeps_the_order)
{
	static const char *const names[] = { "x", "y", "z" };
	unsigned seen[4] = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		if (i == 1 && _i > 0)
			put(LOG, _i == 1 ? 0 : 26, 26, NEW);
		call(SYS_CREATE, FIRST + i, A7, names[i], 0, "");
	}
	flush(SYS_FSYNC, LOG);
	settle(MODEL_JOURNAL);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct image im = image(PATTERN_RANDOM, seed);
		unsigned n = 0;

		while (n < 3 && find(&im, "a7", names[n]) != DISK_NONE)
			n++;
		seen[n]++;
		for (unsigned i = n; i < 3; i++)
			ck_assert_uint_eq(find(&im, "a7", names[i]), DISK_NONE);
		image_close(&im);
	}
	ck_assert_int_eq(seen[0] > 0, _i == 0);		/* nothing grew: the flush commits nothing */
	ck_assert(seen[1] > 0 && seen[2] > 0 && seen[3] > 0);
}
END_TEST

/* As the queue does it: write-back, wait, name.  A name that is there has its octets; without the wait not. */
START_TEST(a_journal_flushes_the_device_before_it_commits)
{
	unsigned named = 0, half = 0;

	call(SYS_CREATE, FIRST, TMP, "m", 0, "");
	put(FIRST, 0, 1000, NEW);
	flush(_i ? SYS_WRITTEN : SYS_WRITEBACK, FIRST);
	call(SYS_RENAME, FIRST, TMP, "m", A7, "m");
	settle(MODEL_JOURNAL);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct image im = image(PATTERN_RANDOM, seed);
		long n = length(&im, "a7", "m");

		named += n >= 0;
		half += n >= 0 && n < 1000;
		image_close(&im);
	}
	ck_assert_uint_gt(named, 0);
	ck_assert_int_eq(half == 0, _i);
}
END_TEST

/* A mark that was written back is sure with the next commit, and no sooner. */
START_TEST(a_mark_is_sure_with_a_commit)
{
	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	put(FIRST, 0, 1024, OLD);
	flush(SYS_FSYNC, FIRST);
	put(LOG, 0, 26, NEW);
	flush(SYS_FSYNC, LOG);
	put(FIRST, 512, 128, NEW);
	flush(SYS_WRITTEN, FIRST);
	if (_i)
		put(LOG, 26, 26, NEW);
	flush(SYS_FSYNC, LOG);
	settle(MODEL_JOURNAL);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), 1024);
	ck_assert_int_eq(got.p[512], _i ? NEW : OLD);
}
END_TEST

START_TEST(mailboxes_commit_nothing_of_the_queue)
{
	call(SYS_MKDIR, 200, ROOT, "mail", 0, "");
	call(SYS_CREATE, FIRST, A7, "m", 0, "");
	call(SYS_CREATE, SECOND, 200, "m", 0, "");
	flush(SYS_FSYNC, 200);
	settle(MODEL_JOURNAL);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "m"), -1);
}
END_TEST

START_TEST(one_change_alone_and_all_but_one)
{
	struct image im;

	call(SYS_CREATE, FIRST, A7, "x", 0, "");
	call(SYS_CREATE, SECOND, A7, "y", 0, "");
	settle(MODEL_SUBSET);
	for (int i = 0; i < 2; i++) {
		im = (struct image){ .d = &disk, .cut = head->count, .which = (uint32_t)disk.nchange - 1,
		    .pattern = i == 0 ? PATTERN_ONE : PATTERN_BUT };
		ck_assert(image_open(&im));
		ck_assert_int_eq(find(&im, "a7", "x") != DISK_NONE, i == 1);
		ck_assert_int_eq(find(&im, "a7", "y") != DISK_NONE, i == 0);
		image_close(&im);
	}
}
END_TEST

/* What is sure cannot be left out. */
START_TEST(all_but_one_has_what_is_sure)
{
	struct image im = { .d = &disk, .pattern = PATTERN_BUT };

	call(SYS_CREATE, FIRST, A7, "x", 0, "");
	flush(SYS_FSYNC, A7);
	settle((enum model)_i);
	im.cut = head->count;
	im.which = (uint32_t)disk.nchange - 1;
	ck_assert(image_open(&im));
	ck_assert_uint_ne(find(&im, "a7", "x"), DISK_NONE);
	image_close(&im);
}
END_TEST

START_TEST(a_number_that_is_used_again_is_another_file)
{
	call(SYS_CREATE, FIRST, A7, "x", 0, "");
	put(FIRST, 0, 1000, NEW);
	call(SYS_UNLINK, FIRST, A7, "x", 0, "");
	call(SYS_CREATE, FIRST, A7, "y", 0, "");
	put(FIRST, 0, 10, NEW);
	flush(SYS_FSYNC, FIRST);
	flush(SYS_FSYNC, A7);
	settle(MODEL_SUBSET);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "x"), -1);
	ck_assert_int_eq(length_in(PATTERN_NONE, "a7", "y"), 10);
}
END_TEST

START_TEST(a_length_is_old_or_new)
{
	put(LOG, 0, 1000, NEW);
	flush(SYS_FSYNC, LOG);
	call_from(0, SYS_TRUNCATE, LOG, 0, "", 0, "", 0, 0);
	put(LOG, 0, 26, OLD);
	settle(MODEL_SUBSET);
	ck_assert_uint_eq(disk.nwrite, 3);
	for (int p = PATTERN_NONE; p <= PATTERN_ALL; p++)
		ck_assert_int_eq(length_in((enum pattern)p, NULL, "log"), p == PATTERN_NONE ? 1000 : 26);
}
END_TEST

/* A call that failed did nothing; who was killed while it wrote leaves a hole; no end, no record. */
START_TEST(records_are_read)
{
	struct sys_rec *r;
	struct err e;
	size_t n;

	ck_assert_int_eq(record_read(&record, octets, SIZE, &e), 0);
	n = record.nop;
	record_close(&record);
	r = (struct sys_rec *)(void *)(octets + head->next);
	flush(SYS_FSYNC, LOG);
	r->error = 5;
	head->next += 64;
	flush(SYS_FSYNC, LOG);
	ck_assert_int_eq(record_read(&record, octets, SIZE, &e), 0);
	ck_assert_uint_eq(record.nop, n + 1);
	record_close(&record);
	head->next = SIZE + 1;
	ck_assert_int_eq(record_read(&record, octets, SIZE, &e), -1);
}
END_TEST

Suite *suite_disk(void);

Suite *
suite_disk(void)
{
	Suite *s = suite_create("disk");
	TCase *tc = tcase_create("disk");

	tcase_add_checked_fixture(tc, begin, forget);
	tcase_add_test(tc, fsync_keeps_octets_and_a_folders_fsync_names);
	tcase_add_test(tc, write_back_alone_keeps_nothing);
	tcase_add_test(tc, a_flush_covers_what_ended_before_it_began);
	tcase_add_test(tc, a_call_that_has_not_begun_is_not_there);
	tcase_add_loop_test(tc, sectors_are_old_new_or_torn, MODEL_SUBSET, MODEL_JOURNAL + 1);
	tcase_add_loop_test(tc, a_new_file_has_holes, MODEL_SUBSET, MODEL_SUBSET + 1);
	tcase_add_loop_test(tc, a_new_file_has_holes, MODEL_JOURNAL, MODEL_JOURNAL + 1);
	tcase_add_test(tc, a_rename_is_one_change);
	tcase_add_loop_test(tc, a_journal_keeps_the_order, 0, 3);
	tcase_add_loop_test(tc, a_journal_flushes_the_device_before_it_commits, 0, 2);
	tcase_add_loop_test(tc, a_mark_is_sure_with_a_commit, 0, 2);
	tcase_add_test(tc, mailboxes_commit_nothing_of_the_queue);
	tcase_add_test(tc, one_change_alone_and_all_but_one);
	tcase_add_loop_test(tc, all_but_one_has_what_is_sure, MODEL_SUBSET, MODEL_JOURNAL + 1);
	tcase_add_test(tc, a_number_that_is_used_again_is_another_file);
	tcase_add_test(tc, a_length_is_old_or_new);
	tcase_add_test(tc, records_are_read);
	suite_add_tcase(s, tc);
	return s;
}
