/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "key/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/certfile.h"
#include "lib/confcheck.h"

/* -1: *e, without the folder's name. */
static int
check(struct conf *c, int control, int state, const char *folder, struct buf *all, struct err *e)
{
	int fd = conf_open(control, conf_table[CONF_TLSCERT].name, e), r;
	const struct span *lines;
	char warn[200];

	if (fd == -1)
		return e->kind == ERR_NONE ? 0 : -1;
	r = conf_init(c, e) == -1 ? -1 : conf_set_fd(c, CONF_TLSCERT, fd, e);
	close(fd);
	if (r == 0)
		r = tlscert_read(c, state, true, all, e);
	for (uint32_t i = 0; r == 0 && i < conf_lines(c, CONF_TLSCERT, &lines); i++) {
		r = certfile_verify(c, buf_view(all), i, NULL, warn, e);
		if (r == 0 && warn[0] != '\0')
			fprintf(stderr, "accord: %s/tlscert:%u: %s\n", folder, c->v[CONF_TLSCERT].lineno[i], warn);
	}
	return r;
}

int
check_files(const char *control, const char *state)
{
	static struct conf c;
	int dir = open(control, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int below = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = { 0 };
	struct buf all;
	int r = -1;

	buf_init(&all, TLSCERT_ALL);
	if (dir == -1)
		err_sys(&e, "folder");
	else	/* without the other, names from "/" on are all that can be meant */
		r = check(&c, dir, below != -1 ? below : AT_FDCWD, control, &all, &e);
	if (r == -1)
		fprintf(stderr, "accord: %s/%s\n", control, e.what);
	if (all.p != NULL)
		explicit_bzero(all.p, all.cap);
	buf_free(&all);
	conf_free(&c);
	return r == 0 ? 0 : 1;
}
