/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The disk says no: each call that makes a message durable fails in turn, and no 250 may be given; or
 * a worker dies over it.
 * The calls are defined here, before libc's; the queue's worker, which is a child of this test, learns
 * by a shared page which of them is to fail.
 */
#include "tests/unit/queue/rig.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum call { NONE, FSYNC_FILE, FSYNC_DIRECTORY, SYNC_RANGE, SYNC_FS, FDATASYNC_DIES, NEW_TIMES, BEGUN, HOLE, LOG_FULL };
struct disk { volatile enum call fails; volatile unsigned failed, marks, all, times, waiting, permits; volatile bool hold; };

static struct disk fine, *disk = &fine;

static int (*libc_fsync)(int), (*libc_fdatasync)(int), (*libc_syncfs)(int);
static int (*libc_sync_file_range)(int, off64_t, off64_t, unsigned);
static int (*libc_futimens)(int, const struct timespec [2]);
static off_t (*libc_lseek)(int, off_t, int);
static int (*libc_fstatfs)(int, struct statfs *);
static ssize_t (*libc_write)(int, const void *, size_t);

/* Early: a worker under its sandbox could not. */
static __attribute__((constructor)) void
find_calls(void)
{
	*(void **)&libc_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&libc_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	*(void **)&libc_syncfs = dlsym(RTLD_NEXT, "syncfs");
	*(void **)&libc_sync_file_range = dlsym(RTLD_NEXT, "sync_file_range");
	*(void **)&libc_futimens = dlsym(RTLD_NEXT, "futimens");
	*(void **)&libc_lseek = dlsym(RTLD_NEXT, "lseek64");
	*(void **)&libc_fstatfs = dlsym(RTLD_NEXT, "fstatfs64");
	*(void **)&libc_write = dlsym(RTLD_NEXT, "write");
}

static bool
fails(enum call c)
{
	if (disk->fails != c)
		return false;
	disk->failed++;
	errno = EIO;
	return true;
}

/* On hold each permit lets one file's flush go on. */
static void
held(void)
{
	unsigned n;

	if (!disk->hold)
		return;
	__atomic_add_fetch(&disk->waiting, 1, __ATOMIC_SEQ_CST);
	while (disk->hold) {
		n = disk->permits;
		if (n > 0 && __atomic_compare_exchange_n(&disk->permits, &n, n - 1, false, __ATOMIC_SEQ_CST,
		    __ATOMIC_SEQ_CST))
			return;
		usleep(1000);
	}
}

int
fsync(int fd)
{
	struct stat st;
	bool directory = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

	if (!directory)
		held();
	return fails(directory ? FSYNC_DIRECTORY : FSYNC_FILE) ? -1 : libc_fsync(fd);
}

/* With "each", of files that hold marks alone. */
int
fdatasync(int fd)
{
	if (fails(FDATASYNC_DIES)) {
		disk->fails = NONE;
		kill(getpid(), SIGKILL);
	}
	disk->marks++;
	return libc_fdatasync(fd);
}

int
syncfs(int fd)
{
	disk->all++;
	return fails(SYNC_FS) ? -1 : libc_syncfs(fd);
}

int
sync_file_range(int fd, off64_t off, off64_t n, unsigned flags)
{
	bool waits = flags & SYNC_FILE_RANGE_WAIT_AFTER;

	return fails(waits ? SYNC_RANGE : BEGUN) ? -1 : libc_sync_file_range(fd, off, n, flags);
}

/* What tells a flush that went well from one that found its journal gone. */
int
futimens(int fd, const struct timespec t[2])
{
	if (fails(NEW_TIMES))
		return -1;
	disk->times++;
	return libc_futimens(fd, t);
}

/* What the kernel dropped when nobody looked. */
off_t
lseek(int fd, off_t off, int whence)
{
	return whence == SEEK_HOLE && fails(HOLE) ? 0 : libc_lseek(fd, off, whence);
}

/* Whatever the tests run on is ext4. */
int
fstatfs(int fd, struct statfs *fs)
{
	int r = libc_fstatfs(fd, fs);

	fs->f_type = 0xef53;
	return r;
}

/* Of the log's lines: of these alone. */
ssize_t
write(int fd, const void *p, size_t n)
{
	if (n % LOGLINE == 0 && (fcntl(fd, F_GETFL) & O_APPEND) && fails(LOG_FULL)) {
		errno = ENOSPC;
		return -1;
	}
	return libc_write(fd, p, n);
}

static void
disk_new(void)
{
	disk = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(disk, MAP_FAILED);
}

static const struct { enum strategy strategy; enum call fails; } cases[] = {
	{ STRATEGY_JOURNAL, SYNC_RANGE }, { STRATEGY_JOURNAL, FSYNC_FILE },
	{ STRATEGY_EACH, FSYNC_FILE }, { STRATEGY_EACH, FSYNC_DIRECTORY },
	{ STRATEGY_FS, SYNC_RANGE }, { STRATEGY_FS, SYNC_FS },
	{ STRATEGY_JOURNAL, NEW_TIMES }, { STRATEGY_EACH, NEW_TIMES }, { STRATEGY_FS, NEW_TIMES },
	{ STRATEGY_JOURNAL, BEGUN }, { STRATEGY_EACH, BEGUN }, { STRATEGY_FS, BEGUN },
	{ STRATEGY_JOURNAL, HOLE }, { STRATEGY_EACH, HOLE }, { STRATEGY_FS, HOLE },
	{ STRATEGY_JOURNAL, LOG_FULL },
};

/* Refused for now, gone, and qmgr does not hear of it; the next one is taken. */
START_TEST(no_250_without_the_disk)
{
	static struct got g;
	const struct msg_refused *no = (const struct msg_refused *)(const void *)g.packet;
	char id[QID_SIZE];
	struct rig r;
	int s = rig_with_session(&r, cases[_i].strategy);

	client_put(s, rig_text, id);
	disk->fails = cases[_i].fails;
	client_commit(s, id, rig_text, 1);
	ck_assert(rig_get(s, &g));
	ck_assert_uint_gt(disk->failed, 0);
	ck_assert_msg(g.type == MSG_REFUSED, "packet %u although the disk failed", g.type);
	ck_assert_int_eq(no->kind, ERR_TEMP);
	ck_assert_int_eq(no->dsn[0], '4');
	ck_assert(!rig_has(&r, "tmp", id));
	ck_assert(!rig_has(&r, "HH", id));
	ck_assert(rig_silent(r.qmgr, 50));
	disk->fails = NONE;
	client_send(s, rig_text, 1, id);
	qmgr_new(&r, id);
	ck_assert(rig_has(&r, "HH", id));
	close(s);
	rig_end(&r);
}
END_TEST

/* Within seconds *count is more than n. */
static void
grows(const volatile unsigned *count, unsigned n)
{
	for (int i = 0; i < 1000 && *count <= n; i++)
		usleep(10000);
	ck_assert_uint_gt(*count, n);
}

/* The worker that had a mark in hand is gone: another one flushes it. */
START_TEST(marks_outlive_their_worker)
{
	char id[QID_SIZE];
	struct rig r;
	int s = rig_with_message(&r, STRATEGY_EACH, 2, id);

	disk->fails = FDATASYNC_DIES;
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	grows(&disk->marks, 0);
	ck_assert_uint_eq(disk->failed, 1);
	close(s);
	rig_end(&r);
}
END_TEST

/* A disk with no room for the log's lines takes no message, but what makes room is flushed. */
START_TEST(a_full_disk_flushes_marks)
{
	char id[QID_SIZE];
	struct rig r;
	int s = rig_with_message(&r, STRATEGY_JOURNAL, 1, id);

	disk->all = 0;
	disk->fails = LOG_FULL;
	ck_assert(qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	grows(&disk->all, 0);
	ck_assert_uint_eq(disk->all, 1);
	disk->fails = NONE;
	client_send(s, rig_text, 1, id);
	close(s);
	rig_end(&r);
}
END_TEST

/* Marks whose flush failed are flushed once more. */
START_TEST(a_failed_flush_of_marks_is_done_again)
{
	char id[QID_SIZE];
	struct rig r;
	unsigned n;
	int s = rig_with_message(&r, STRATEGY_EACH, 2, id);

	grows(&disk->times, 3);		/* the start's flush is over, as the message's is */
	disk->fails = NEW_TIMES;
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	grows(&disk->failed, 0);
	n = disk->marks;
	ck_assert_uint_gt(n, 0);
	disk->fails = NONE;
	grows(&disk->marks, n);
	ck_assert_uint_eq(disk->marks, n + 1);
	close(s);
	rig_end(&r);
}
END_TEST

/* An orderly stop leaves nothing for a power cut to take. */
START_TEST(a_stop_flushes_marks)
{
	char id[QID_SIZE];
	struct rig r;
	int s = rig_with_message(&r, STRATEGY_EACH, 2, id);

	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	close(s);
	rig_stop(&r);
	ck_assert_uint_eq(disk->marks, 1);
	rig_boot(&r);
	rig_end(&r);
}
END_TEST

/* Folders that an earlier queue made may have no durable name yet: without a flush there is no start. */
START_TEST(folders_are_flushed_at_each_start)
{
	struct rig r;
	char id[QID_SIZE];
	int s = rig_with_message(&r, STRATEGY_EACH, 1, id), status;

	close(s);
	rig_stop(&r);
	disk->fails = FSYNC_DIRECTORY;
	rig_boot(&r);
	ck_assert_int_eq(waitpid(r.pid, &status, 0), r.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 20);
	close(r.life);
	close(r.smtpd);
	close(r.bounce);
	close(r.qmgr);
	disk->fails = NONE;
	rig_boot(&r);
	rig_end(&r);
}
END_TEST

/* What a killed queue had marked is flushed by the next one. */
START_TEST(a_start_flushes_what_was_left)
{
	struct rig r;

	rig_new(&r, STRATEGY_EACH);
	rig_kill(&r);
	disk->all = 0;
	rig_boot(&r);
	grows(&disk->all, 0);
	ck_assert_uint_eq(disk->all, 1);
	rig_end(&r);
}
END_TEST

/* All workers wait for the disk, and another commit for them: marks that are due have the next one. */
START_TEST(commits_do_not_hold_up_marks)
{
	char id[QID_SIZE], other[QID_SIZE];
	int session[EACH_WORKERS + 1], s;
	struct rig r;

	s = rig_with_message(&r, STRATEGY_EACH, 2, id);
	disk->hold = true;
	for (unsigned i = 0; i <= EACH_WORKERS; i++) {
		session[i] = rig_session(&r);
		client_put(session[i], rig_text, other);
		client_commit(session[i], other, rig_text, 1);
		for (int k = 0; k < 1000 && i < EACH_WORKERS && disk->waiting <= i; k++)
			usleep(5000);
	}
	ck_assert_uint_eq(disk->waiting, EACH_WORKERS);
	ck_assert(!qmgr_mark(&r, id, 0, SLOT_DELIVERED));
	usleep(1500 * MARK_FLUSH_MS);
	disk->permits = 1;
	for (int i = 0; i < 1000 && disk->marks == 0 && disk->waiting == EACH_WORKERS; i++)
		usleep(5000);
	ck_assert_uint_eq(disk->marks, 1);
	disk->hold = false;
	close(s);
	for (unsigned i = 0; i <= EACH_WORKERS; i++)
		close(session[i]);
	rig_end(&r);
}
END_TEST

Suite *suite_flush(void);
Suite *
suite_flush(void)
{
	Suite *s = suite_create("flush");
	TCase *tc = tcase_create("flush");

	tcase_add_checked_fixture(tc, disk_new, NULL);
	tcase_add_loop_test(tc, no_250_without_the_disk, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, marks_outlive_their_worker);
	tcase_add_test(tc, folders_are_flushed_at_each_start);
	tcase_add_test(tc, a_full_disk_flushes_marks);
	tcase_add_test(tc, a_failed_flush_of_marks_is_done_again);
	tcase_add_test(tc, a_stop_flushes_marks);
	tcase_add_test(tc, a_start_flushes_what_was_left);
	tcase_add_test(tc, commits_do_not_hold_up_marks);
	suite_add_tcase(s, tc);
	return s;
}
