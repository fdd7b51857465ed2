/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/durable.h"

#include <stddef.h>
#include <sys/stat.h>

int
durable_confirm(int fd)
{
	/* ext4 may notice by the first one, whose failure it does not tell. */
	return futimens(fd, NULL) == -1 ? -1 : futimens(fd, NULL);
}
