/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/certs.c - the files of the settings tlscert and tlsca.  Those of tlscert root alone may read: what they hold is copied as it is,
 * and parsed by accord-key and accord-smtpd.  Private keys lie in one memory file, for accord-key.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fileio.h"
#include "lib/ipc.h"
#include "lib/tlscert.h"
#include "lib/tlspolicy.h"
#include "start/place.h"

enum { TLSCA_MAX = 8 << 20 };	/* octets; the system's are 200 KB */

int
place_seal(struct span s, struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return err_sys(e, "memory file");
	if (fileio_write(fd, s, e) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0)
		return fd;
	err_sys(e, "memory file");
	close(fd);
	return -1;
}

static int
copy_files(const struct place *p, bool keys, struct err *e)
{
	struct buf all;
	int fd;

	buf_init(&all, TLSCERT_ALL);
	fd = tlscert_read(&p->conf, p->state_fd, keys, &all, e) == -1 ? -1 : place_seal(buf_view(&all), e);
	if (all.p != NULL)
		explicit_bzero(all.p, all.cap);
	buf_free(&all);
	return fd;
}

/* What tlsca names, where tlspolicy wants it. */
static int
place_authorities(struct place *p, struct err *e)
{
	const char *path = conf_string(&p->conf, CONF_TLSCA);
	struct err inner = { 0 };
	struct buf all;
	int fd;

	if (!tlspolicy_verifies(&p->conf))
		return 0;
	buf_init(&all, TLSCA_MAX);
	fd = openat(p->state_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		err_sys(&inner, "%s", path);
	else if (fileio_read(fd, &all, &inner) == 0)
		p->authorities_fd = place_seal(buf_view(&all), &inner);
	else
		err_in(&inner, "%s", path);
	ipc_close_fds(&fd, 1);
	buf_free(&all);
	return p->authorities_fd != -1 ? 0 : err_set(e, inner.kind, NULL, "%s/tlsca: %s", p->control, inner.what);
}

int
place_certs(struct place *p, struct err *e)
{
	const struct span *lines;
	struct err inner = { 0 };

	if (place_authorities(p, e) == -1)
		return -1;

	if (conf_lines(&p->conf, CONF_TLSCERT, &lines) == 0)
		return 0;
	p->certs_fd = copy_files(p, false, &inner);
	p->keys_fd = p->certs_fd == -1 ? -1 : copy_files(p, true, &inner);
	if (p->keys_fd != -1)
		return 0;
	ipc_close_fds(&p->certs_fd, 1);
	return err_set(e, inner.kind, NULL, "%s/%s", p->control, inner.what);
}
