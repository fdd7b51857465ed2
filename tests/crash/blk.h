/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/blk.h - what a file system asked of its disk, in order: blkrec writes it, blkcut reads it.
 *
 * A write stands where its completion was told, a flush where it came.  So what stands before a flush
 * was complete before that was asked for, and is durable behind it; of all else nothing is certain.
 */
#ifndef TESTS_CRASH_BLK_H
#define TESTS_CRASH_BLK_H

#include <stdint.h>

enum { BLK_SECTOR = 512 };	/* octets that a disk writes whole or not at all */

enum blk_kind {
	BLK_WRITE,
	BLK_FLUSH,		/* no data */
	BLK_NOTE		/* text that a client wrote to `ledger`: true from here on */
};
struct blk_rec { uint64_t off; uint32_t len, kind; };	/* len octets follow, padded to 8 */

static inline uint64_t
blk_room(uint32_t len)
{
	return sizeof(struct blk_rec) + (((uint64_t)len + 7) & ~UINT64_C(7));
}

#endif
