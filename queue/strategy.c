/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MAGIC_EXT4 = 0xef53, MAGIC_XFS = 0x58465342, OPTIONS_MAX = 8192, NUMBER_MAX = 20 };

const char *
strategy_name(enum strategy s)
{
	return s == STRATEGY_JOURNAL ? "journal" : s == STRATEGY_FS ? "fs" : "each";
}

/* The next option off *rest; they are parted by commas or line ends. */
static bool
next_option(struct span *rest, struct span *word)
{
	size_t i = 0;

	if (rest->n == 0)
		return false;
	while (i < rest->n && rest->p[i] != ',' && rest->p[i] != '\n' && rest->p[i] != ' ')
		i++;
	*word = span_sub(*rest, 0, i);
	*rest = span_sub(*rest, i + 1, rest->n);
	return true;
}

bool
strategy_ext4_ordered(struct span options)
{
	bool ordered = false, barrier = false, other = false;
	struct span word;

	while (next_option(&options, &word)) {
		/* Without a journal the kernel names no mode of data at all. */
		ordered |= span_is(word, "data=ordered");
		barrier |= span_is(word, "barrier") || span_is(word, "barrier=1");
		other |= span_is(word, "nobarrier") || span_is(word, "barrier=0") ||
		    span_is(word, "journal_async_commit") || span_is(word, "data=writeback") ||
		    span_is(word, "data=journal");
	}
	return ordered && barrier && !other;
}

/* Is the line of that word ("12 commits") more than 0? */
static bool
figure_counts(struct span text, const char *word)
{
	size_t at = 0;

	while (at < text.n) {
		struct span rest = span_sub(text, at, text.n);
		size_t end = span_find(rest, '\n'), digits = 0;
		struct span line = span_sub(rest, 0, end);
		bool some = false;

		for (; digits < line.n && line.p[digits] >= '0' && line.p[digits] <= '9'; digits++)
			some |= line.p[digits] != '0';
		if (some && digits < line.n && span_is(span_sub(line, digits + 1, line.n), word))
			return true;
		at += end + 1;
	}
	return false;
}

bool
strategy_ext4_fast(struct span info)
{
	return figure_counts(info, "commits") || figure_counts(info, "ineligible");
}

/* A small file of /proc or /sys.  -1: not there. */
static ssize_t
slurp(const char *path, char *to, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, got = 0;

	if (fd == -1)
		return -1;
	while ((size_t)got < cap && (n = read(fd, to + got, cap - (size_t)got)) > 0)
		got += n;
	close(fd);
	return n == -1 ? -1 : got;
}

/* The device's name as the kernel has it ("vda1"), under which /proc/fs/ext4 lists its options. */
static bool
device_name(dev_t dev, char *out, size_t cap)
{
	char path[64], target[512];
	ssize_t n;
	size_t at;

	snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major(dev), minor(dev));
	n = readlink(path, target, sizeof target);
	if (n <= 0 || (size_t)n == sizeof target)
		return false;
	at = span_rfind(span_of(target, (size_t)n), '/');
	at = at == (size_t)n ? 0 : at + 1;
	snprintf(out, cap, "%.*s", (int)((size_t)n - at), target + at);
	return true;
}

/* A file of /proc/fs/ext4 of that device.  -1: not there. */
static ssize_t
ext4_file(const char *device, const char *file, char *to, size_t cap)
{
	char path[320];

	snprintf(path, sizeof path, "/proc/fs/ext4/%s/%s", device, file);
	return slurp(path, to, cap);
}

/* A file without a name is flushed. */
static bool
flush_something(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool ok = fd != -1 && write(fd, "x", 1) == 1 && fsync(fd) == 0;

	if (fd != -1)
		close(fd);
	return ok;
}

/*
 * Cut in the midst of fast commits, with Linux 6.18, an ext4 lost acknowledged messages or could not be
 * mounted any more in 24 of 220 cuts with JOURNAL, in 1 of 440 with EACH (tests/crash/blocks.py
 * ext4-fast_commit).  Only debugging kernels list the option, but all count such commits, from the first
 * fsync.
 */
static bool
ext4_is_fast(int dir_fd, const char *device)
{
	char info[OPTIONS_MAX];
	ssize_t n = ext4_file(device, "fc_info", info, sizeof info);

	if (n == -1)
		return false;		/* the kernel has none */
	if (strategy_ext4_fast(span_of(info, (size_t)n)))
		return true;
	if (!flush_something(dir_fd))
		return true;		/* cannot be told */
	n = ext4_file(device, "fc_info", info, sizeof info);
	return n == -1 || strategy_ext4_fast(span_of(info, (size_t)n));
}

/* /proc/fs/ext4 lists every option in force; mountinfo leaves out those that are the default. */
static bool
ext4_is_ordered(int dir_fd, dev_t dev, char *why, size_t cap)
{
	char name[256], options[OPTIONS_MAX];
	ssize_t n = -1;

	if (device_name(dev, name, sizeof name))
		n = ext4_file(name, "options", options, sizeof options);
	if (n <= 0) {
		snprintf(why, cap, "ext4, but its options cannot be read");
		return false;
	}
	if (!strategy_ext4_ordered(span_of(options, (size_t)n))) {
		snprintf(why, cap, "ext4 without a journal, ordered data or barriers");
		return false;
	}
	if (ext4_is_fast(dir_fd, name)) {
		snprintf(why, cap, "ext4 with fast commits");
		return false;
	}
	snprintf(why, cap, "ext4 with a journal, ordered data and barriers");
	return true;
}

enum strategy
strategy_choose(const char *setting, int dir_fd, char *why, size_t cap)
{
	struct statfs fs;
	struct stat st;

	snprintf(why, cap, "by setting");
	if (strcmp(setting, "journal") == 0)
		return STRATEGY_JOURNAL;
	if (strcmp(setting, "each") == 0)
		return STRATEGY_EACH;
	if (strcmp(setting, "fs") == 0)
		return STRATEGY_FS;
	if (fstatfs(dir_fd, &fs) == -1 || fstat(dir_fd, &st) == -1) {
		snprintf(why, cap, "the file system is not known");
		return STRATEGY_EACH;
	}
	if ((unsigned long)fs.f_type == MAGIC_EXT4)
		return ext4_is_ordered(dir_fd, st.st_dev, why, cap) ? STRATEGY_JOURNAL : STRATEGY_EACH;
	snprintf(why, cap, "file system type %lx", (unsigned long)fs.f_type);
	return (unsigned long)fs.f_type == MAGIC_XFS ? STRATEGY_JOURNAL : STRATEGY_EACH;
}

bool
strategy_holes_tell(int dir_fd)
{
	struct statfs fs;

	return fstatfs(dir_fd, &fs) == 0 &&
	    ((unsigned long)fs.f_type == MAGIC_EXT4 || (unsigned long)fs.f_type == MAGIC_XFS);
}
