/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/known.c - the addresses that the settings list in files, and aliases, as one database in a memory file, for
 * capd, local and expand.  Made anew at each start and reload: a file that was changed halfway counts for nothing
 * until then.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "lib/ipc.h"
#include "lib/known.h"
#include "lib/log.h"
#include "start/place.h"

static int
known_fill(const struct place *p, int fd, struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct known_make m;
	struct err ignored;
	int r;

	if (known_make_start(&m, fd, e) == -1)
		return -1;
	r = known_make_recipients(&m, &p->conf, p->state_fd, e);
	if (r == 0)
		r = known_make_aliases(&m, &p->conf, p->state_fd, e);
	if (known_make_end(&m, r == -1 ? &ignored : e) == -1 || r == -1)
		return -1;
	log_line(LOG_INFO, NULL, "recipients-read", "addresses=%llu aliases=%llu", (unsigned long long)m.n,
	    (unsigned long long)m.naliases);
	return fcntl(fd, F_ADD_SEALS, seals) == -1 ? err_sys(e, "known addresses") : 0;
}

int
place_known(struct place *p, struct err *e)
{
	struct err inner = { 0 };

	if (!known_is_wanted(&p->conf))
		return 0;
	p->known_fd = memfd_create("known", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->known_fd == -1)
		return err_sys(e, "known addresses");
	if (known_fill(p, p->known_fd, &inner) == 0)
		return 0;
	ipc_close_fds(&p->known_fd, 1);
	return err_set(e, inner.kind, inner.dsn, "%s/%s", p->control, inner.what);
}
