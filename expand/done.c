/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/done.h"

#include <string.h>

#include "lib/qfile.h"

static size_t
done_place(const char *id, uint32_t slot)
{
	return crc32c(crc32c(0, id, QID_LEN), &slot, sizeof slot) % DONE_MAX;
}

void
done_keep(struct done *d, const char *id, uint32_t slot, uint32_t flags, uint32_t n)
{
	struct done_one *one = &d->at[done_place(id, slot)];

	*one = (struct done_one){ .slot = slot, .flags = flags, .n = n };
	memcpy(one->id, id, QID_LEN);
}

const struct done_one *
done_find(const struct done *d, const char *id, uint32_t slot)
{
	const struct done_one *one = &d->at[done_place(id, slot)];

	return one->slot == slot && strcmp(one->id, id) == 0 ? one : NULL;
}
