/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/blkcut.c - cuts the power at many places of what blkrec wrote down.
 *	blkcut IMAGE LOG FILESYSTEM OPTIONS FOLDER SECTOR CUTS SEED PROGRAM
 *	    IMAGE is the disk before the first write of LOG, and is changed.  For each cut a disk is
 *	    made in FOLDER, mounted there as FILESYSTEM with OPTIONS (its recovery runs), and PROGRAM is called:
 *	    PROGRAM check FOLDER/mnt/queue FOLDER/ledger.  Last line: how many cuts, how many failed
 *	blkcut LOG
 *	    prints the log, a line each
 *
 * A disk that was cut has all writes that stand before the last flush, and of those behind it any:
 * none, all, a random part, or of each any of its sectors (of SECTOR octets).  The ledger has what was
 * said before the cut.  Cut is before each flush, where most is unflushed and most has been said, and
 * somewhere in a long stretch without any; if these are more than CUTS, at some of them by chance.
 * An ext4 whose torn superblock nobody can mount is mended first, as its owner would: e2fsck -fy.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/blk.h"

enum { STRETCH = 64, PATH_LEN = 512, COPY = 1 << 20, LOOP_TRIES = 100, TEXT_LEN = 200, TOLD_MAX = 10 };
enum { FSCK_UNCORRECTED = 4, FSCK_FAILED = 8 };	/* e2fsck(8), exit code */

/* Which of the unflushed writes are there. */
enum part { PART_NONE, PART_ALL, PART_FEW, PART_HALF, PART_MOST, PART_TORN, PART_FRONT, PARTS };
static const char *const part_name[PARTS] = { "none", "all", "few", "half", "most", "torn", "front" };
static const unsigned part_percent[PARTS] = { 0, 100, 10, 50, 90, 50, 0 };

struct cut { size_t at, flush; };	/* records before at happened, those before flush are durable */

static struct cutter {
	const unsigned char *log;
	size_t *rec, nrec;		/* where the records stand */
	struct cut *cut;
	size_t ncut;
	int image_fd;
	const char *fs, *options, *folder, *program;
	uint32_t sector;
	uint64_t random;
	unsigned made[PARTS], mended, failed;
} c;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "blkcut: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* xorshift64*: the same cuts for the same seed. */
static unsigned
below(unsigned n)
{
	c.random ^= c.random >> 12;
	c.random ^= c.random << 25;
	c.random ^= c.random >> 27;
	return (unsigned)((c.random * UINT64_C(2685821657736338717)) >> 33) % n;
}

static const struct blk_rec *
rec_at(size_t i)
{
	return (const struct blk_rec *)(const void *)(c.log + c.rec[i]);
}

/* A recorder that was killed leaves its last record short. */
static void
log_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t cap = 0;

	must(fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0, path);
	c.log = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	must(c.log != MAP_FAILED, path);
	close(fd);
	for (size_t at = 0; at + sizeof(struct blk_rec) <= (size_t)st.st_size; c.nrec++) {
		if (c.nrec == cap) {
			cap = cap == 0 ? 1024 : 2 * cap;
			c.rec = realloc(c.rec, cap * sizeof *c.rec);
			must(c.rec != NULL, "memory");
		}
		c.rec[c.nrec] = at;
		at += blk_room(rec_at(c.nrec)->len);
		if (at > (size_t)st.st_size)
			break;
	}
}

static void
log_print(void)
{
	for (size_t i = 0; i < c.nrec; i++) {
		const struct blk_rec *r = rec_at(i);

		if (r->kind == BLK_WRITE)
			printf("write %llu %u\n", (unsigned long long)r->off, r->len);
		else if (r->kind == BLK_NOTE)
			printf("note %.*s", (int)r->len, (const char *)(r + 1));
		else
			puts("flush");
	}
}

static void
put(int fd, const struct blk_rec *r, uint32_t from, uint32_t n)
{
	must(pwrite(fd, (const char *)(r + 1) + from, n, (off_t)(r->off + from)) == (ssize_t)n, "image");
}

static void
cuts_add(size_t at, size_t flush)
{
	if ((c.ncut & (c.ncut + 1)) == 0)
		must((c.cut = realloc(c.cut, 2 * (c.ncut + 1) * sizeof *c.cut)) != NULL, "memory");
	c.cut[c.ncut++] = (struct cut){ at, flush };
}

/* Before the first note nothing was promised.  Each place twice: without unflushed writes, and with some. */
static void
cuts_find(size_t max)
{
	size_t flush = 0, from = 0, i;
	bool said = false;

	for (i = 0; i < c.nrec; i++) {
		uint32_t kind = rec_at(i)->kind;

		said |= kind == BLK_NOTE;
		if (said && (kind == BLK_FLUSH || i - from == STRETCH)) {
			size_t at = kind == BLK_FLUSH ? i : i - below(STRETCH / 2);

			cuts_add(at, flush);
			cuts_add(at, flush);
		}
		if (kind == BLK_FLUSH)
			flush = i;
		if (kind == BLK_FLUSH || i - from == STRETCH)
			from = i;
	}
	while (c.ncut > max) {		/* keeps their order, which the image relies on */
		size_t k = below((unsigned)c.ncut);

		memmove(c.cut + k, c.cut + k + 1, (--c.ncut - k) * sizeof *c.cut);
	}
}

/* A sparse copy of the image; its descriptor. */
static int
image_copy(const char *path)
{
	static char room[COPY];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	off_t at = 0, end;
	struct stat st;

	must(fd != -1 && fstat(c.image_fd, &st) == 0 && ftruncate(fd, st.st_size) == 0, path);
	while ((at = lseek(c.image_fd, at, SEEK_DATA)) != -1) {
		end = lseek(c.image_fd, at, SEEK_HOLE);
		while (at < end) {
			size_t want = end - at < COPY ? (size_t)(end - at) : COPY;

			must(pread(c.image_fd, room, want, at) == (ssize_t)want &&
			    pwrite(fd, room, want, at) == (ssize_t)want, path);
			at += (off_t)want;
		}
	}
	return fd;
}

static void
put_part(int fd, const struct cut *cut, enum part part)
{
	size_t front = cut->at - cut->flush == 0 ? 0 : below((unsigned)(cut->at - cut->flush) + 1);

	for (size_t i = cut->flush; i < cut->at; i++) {
		const struct blk_rec *r = rec_at(i);

		if (r->kind != BLK_WRITE)
			continue;
		if (part == PART_TORN) {
			for (uint32_t k = 0; k < r->len; k += c.sector)
				if (below(100) < part_percent[part])
					put(fd, r, k, r->len - k < c.sector ? r->len - k : c.sector);
		} else if (part == PART_FRONT ? i - cut->flush < front :
		    below(100) < part_percent[part]) {
			put(fd, r, 0, r->len);
		}
	}
}

static void
ledger_write(const char *path, size_t at)
{
	FILE *f = fopen(path, "we");

	must(f != NULL, path);
	for (size_t i = 0; i < at; i++)
		if (rec_at(i)->kind == BLK_NOTE)
			must(fwrite(rec_at(i) + 1, 1, rec_at(i)->len, f) == rec_at(i)->len, path);
	must(fclose(f) == 0, path);
}

/* A loop device over fd that goes with its last user; name: its path.  Others may take one too. */
static int
loop_make(int fd, char name[PATH_LEN])
{
	struct loop_config conf = { .fd = (uint32_t)fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop = -1;

	must(control != -1, "/dev/loop-control");
	for (int i = 0; i < LOOP_TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);

		must(n != -1, "no free loop device");
		snprintf(name, PATH_LEN, "/dev/loop%d", n);
		loop = open(name, O_RDWR | O_CLOEXEC);
		if (loop != -1 && ioctl(loop, LOOP_CONFIGURE, &conf) == 0)
			break;
		if (loop != -1)
			close(loop);
		loop = -1;
		usleep(10000);
	}
	close(control);
	must(loop != -1, "loop device");
	return loop;
}

/* btrfs remembers the disks that it saw, and takes an older state of one for a mistake. */
static void
btrfs_forget(const char *device)
{
	struct btrfs_ioctl_vol_args args = { 0 };
	int fd = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);

	if (fd == -1)
		return;
	snprintf(args.name, sizeof args.name, "%s", device);
	(void)ioctl(fd, BTRFS_IOC_FORGET_DEV, &args);
	close(fd);
}

/* e2fsck takes a copy of the superblock, and plays the journal.  true: there is a file system now. */
static bool
ext4_mend(const char *device)
{
	int status = -1;
	pid_t pid = fork();

	must(pid != -1, "fork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("e2fsck", "e2fsck", "-fy", device, (char *)NULL);
		_exit(FSCK_FAILED);
	}
	must(waitpid(pid, &status, 0) == pid, "wait");
	return WIFEXITED(status) && WEXITSTATUS(status) < FSCK_UNCORRECTED;
}

static bool
disk_mount(const char *device, const char *mnt, char why[TEXT_LEN])
{
	if (mount(device, mnt, c.fs, 0, c.options) == 0)
		return true;
	snprintf(why, TEXT_LEN, "cannot be mounted: %s", strerror(errno));
	if (errno != EBADMSG || strcmp(c.fs, "ext4") != 0 || !ext4_mend(device) ||
	    mount(device, mnt, c.fs, 0, c.options) == -1)
		return false;
	c.mended++;
	return true;
}

static int
check_run(const char *queue, const char *ledger, char *text, size_t cap)
{
	int out[2], status = -1;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	must(pipe2(out, O_CLOEXEC) == 0, "pipe");
	pid = fork();
	must(pid != -1, "fork");
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execl(c.program, c.program, "check", queue, ledger, (char *)NULL);
		_exit(2);
	}
	close(out[1]);
	while (n + 1 < cap && (r = read(out[0], text + n, cap - 1 - n)) > 0)
		n += (size_t)r;
	close(out[0]);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	must(waitpid(pid, &status, 0) == pid, "wait");
	if (n == 0)
		snprintf(text, cap, "the check says nothing, status %x", (unsigned)status);
	return status;
}

/* true: all is as the ledger says.  why: what the check said. */
static bool
cut_check(int fd, char why[TEXT_LEN])
{
	char device[PATH_LEN], mnt[PATH_LEN], queue[PATH_LEN + 8], ledger[PATH_LEN];
	int loop = loop_make(fd, device);
	bool ok = false;

	snprintf(mnt, sizeof mnt, "%s/mnt", c.folder);
	snprintf(queue, sizeof queue, "%s/queue", mnt);
	snprintf(ledger, sizeof ledger, "%s/ledger", c.folder);
	if (disk_mount(device, mnt, why)) {
		ok = check_run(queue, ledger, why, TEXT_LEN) == 0;
		must(umount2(mnt, 0) == 0, mnt);
	}
	close(loop);
	if (strcmp(c.fs, "btrfs") == 0)
		btrfs_forget(device);
	return ok;
}

static void
cut_make(const struct cut *cut, enum part part, bool last)
{
	char disk[PATH_LEN], ledger[PATH_LEN], why[TEXT_LEN];
	bool ok;
	int fd;

	snprintf(disk, sizeof disk, "%s/cut", c.folder);
	snprintf(ledger, sizeof ledger, "%s/ledger", c.folder);
	fd = image_copy(disk);
	put_part(fd, cut, part);
	ledger_write(ledger, cut->at);
	ok = cut_check(fd, why);
	close(fd);
	c.made[part]++;
	c.failed += !ok;
	if ((!ok && c.failed <= TOLD_MAX) || last)
		printf("%s record %zu, flush %zu, unflushed: %s: %s\n", ok ? "ok  " : "LOST", cut->at,
		    cut->flush, part_name[part], why);
	fflush(stdout);
}

static void
cuts_make(void)
{
	size_t applied = 0;

	for (size_t i = 0; i < c.ncut; i++) {
		const struct cut *cut = &c.cut[i];
		enum part part = i % 2 == 0 ? PART_NONE : (enum part)(1 + below(PARTS - 1));

		for (; applied < cut->flush; applied++)
			if (rec_at(applied)->kind == BLK_WRITE)
				put(c.image_fd, rec_at(applied), 0, rec_at(applied)->len);
		cut_make(cut, part, i + 1 == c.ncut);
	}
}

int
main(int argc, char **argv)
{
	unsigned flushes = 0;

	if (argc != 2 && argc != 10) {
		fprintf(stderr, "blkcut IMAGE LOG FILESYSTEM OPTIONS FOLDER SECTOR CUTS SEED PROGRAM |\n"
		    "    LOG\n");
		return 2;
	}
	log_read(argv[argc == 2 ? 1 : 2]);
	if (argc == 2) {
		log_print();
		return 0;
	}
	c.image_fd = open(argv[1], O_RDWR | O_CLOEXEC);
	must(c.image_fd != -1, argv[1]);
	c.fs = argv[3];
	c.options = argv[4];
	c.folder = argv[5];
	c.sector = (uint32_t)strtoul(argv[6], NULL, 10);
	c.random = strtoull(argv[8], NULL, 10) * 2 + 1;
	c.program = argv[9];
	must(c.sector >= BLK_SECTOR && c.sector % BLK_SECTOR == 0, "SECTOR");
	cuts_find(strtoul(argv[7], NULL, 10));
	cuts_make();
	for (size_t i = 0; i < c.nrec; i++)
		flushes += rec_at(i)->kind == BLK_FLUSH;
	for (int i = 0; i < PARTS; i++)
		printf("%s%u %s", i == 0 ? "" : ", ", c.made[i], part_name[i]);
	printf(" of the unflushed; %u mended by e2fsck; %u flushes; seed %s\n%zu cuts, %u failed\n", c.mended,
	    flushes, argv[8], c.ncut, c.failed);
	return c.ncut == 0 || c.failed > 0;
}
