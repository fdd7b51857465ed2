/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/fileio.h"
#include "lib/log.h"

static const char name[] = "key", beside[] = "key.new";

/* 1; 0: there is none; -1: it cannot be read, or is none. */
static int
key_read(int dir_fd, unsigned char key[TAG_KEY], struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = 1;
	unsigned char octets[TAG_KEY + 1];
	ssize_t n;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", name);
	n = read(fd, octets, sizeof octets);
	if (n == -1)
		r = err_sys(e, "%s", name);
	else if (n != TAG_KEY)
		r = err_set(e, ERR_PERM, NULL, "%s: %s than %d octets", name, n < TAG_KEY ? "less" : "more", TAG_KEY);
	else
		memcpy(key, octets, TAG_KEY);
	explicit_bzero(octets, sizeof octets);
	close(fd);
	return r;
}

static int
key_write(int dir_fd, const unsigned char key[TAG_KEY], struct err *e)
{
	int fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), r = 0;

	if (fd == -1)
		return err_sys(e, "%s", beside);
	if (fileio_write(fd, span_of(key, TAG_KEY), e) == -1)
		r = -1;
	else if (fsync(fd) == -1 || renameat(dir_fd, beside, dir_fd, name) == -1 || fsync(dir_fd) == -1)
		r = err_sys(e, "%s", name);
	close(fd);
	return r;
}

int
key_open(int dir_fd, unsigned char key[TAG_KEY], struct err *e)
{
	struct err why = { 0 };
	int r = key_read(dir_fd, key, &why);

	if (r == 1)
		return 0;
	if (getrandom(key, TAG_KEY, 0) != TAG_KEY)
		return err_sys(e, "a key");
	/* one that is there and cannot be read is the administrator's to look at, and stays */
	if (r == -1 || key_write(dir_fd, key, &why) == -1)
		log_line(LOG_ERR, NULL, "key-unkept", "why=%s", log_q(why.what));
	return 0;
}
