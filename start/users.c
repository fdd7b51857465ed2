/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* start/users.c - the file passwd, where the setting auth has a line for it: accord-auth's to have, and nobody else's. */
#include <fcntl.h>
#include <unistd.h>

#include "lib/authline.h"
#include "lib/ipc.h"
#include "lib/userfile.h"
#include "start/place.h"

static int
copy_file(const struct place *p, struct err *e)
{
	int dir = open(p->control, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct buf all;

	if (dir == -1)
		return err_sys(e, "folder");
	buf_init(&all, PASSWD_FILE_MAX);
	if (userfile_read(dir, &all, e) == 0)
		fd = place_seal(buf_view(&all), e);
	if (all.p != NULL)
		explicit_bzero(all.p, all.cap);
	buf_free(&all);
	close(dir);
	return fd;
}

int
place_users(struct place *p, struct err *e)
{
	struct err inner = { 0 };
	int fd = -1;

	if (authline_have(&p->conf, AUTH_PASSWD) && (fd = copy_file(p, &inner)) == -1)
		return err_set(e, inner.kind, NULL, "%s/%s", p->control, inner.what);
	ipc_close_fds(&p->users_fd, 1);
	p->users_fd = fd;
	return 0;
}
