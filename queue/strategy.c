/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MAGIC_EXT4 = 0xef53, MAGIC_XFS = 0x58465342, OPTIONS_MAX = 8192 };

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

/* /proc/fs/ext4 lists every option in force; mountinfo leaves out those that are the default. */
static bool
ext4_is_ordered(dev_t dev, char *why, size_t cap)
{
	char name[256], path[320], options[OPTIONS_MAX];
	ssize_t n = -1;

	if (device_name(dev, name, sizeof name)) {
		snprintf(path, sizeof path, "/proc/fs/ext4/%s/options", name);
		n = slurp(path, options, sizeof options);
	}
	if (n <= 0) {
		snprintf(why, cap, "ext4, but its options cannot be read");
		return false;
	}
	if (strategy_ext4_ordered(span_of(options, (size_t)n))) {
		snprintf(why, cap, "ext4 with a journal, ordered data and barriers");
		return true;
	}
	snprintf(why, cap, "ext4 without a journal, ordered data or barriers");
	return false;
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
		return ext4_is_ordered(st.st_dev, why, cap) ? STRATEGY_JOURNAL : STRATEGY_EACH;
	snprintf(why, cap, "file system type %lx", (unsigned long)fs.f_type);
	return (unsigned long)fs.f_type == MAGIC_XFS ? STRATEGY_JOURNAL : STRATEGY_EACH;
}
