/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/capslog.h - capabilities that come one by one, each for a source and an address: an append-only
 * file, read whole at the start and kept in memory as a tree.  When most of it is of no use any more
 * it is written anew beside itself and takes its own name.
 *
 * The file: 16 octets "accord caps 1\n\0\0", then records, each of a multiple of 8 octets, little endian:
 *	u32 mark, u32 CRC32C of all that follows, u32 length of the whole, u32 seconds it counts (0: for
 *	good), u64 when it was said (seconds since 1970), u32 octets of the text, u16 of the key, u8 enum
 *	cap_source, u8 enum cap_state, key, text, zeros
 * A later record of the same source and key takes the place of an earlier one; CAP_NONE takes it away.
 * What is no record is stepped over, and cut off where no record follows: a torn tail.
 */
#ifndef LIB_CAPSLOG_H
#define LIB_CAPSLOG_H

#include "lib/buf.h"
#include "lib/msg.h"

enum {
	CAPSLOG_KEY = 600,		/* octets of a key at most: one that address_key() makes */
	CAPSLOG_TEXT = MSG_MAX,		/* of a text */
	CAPSLOG_OCTETS = 64 << 20	/* of all records that count: in memory, and a third of a file */
};

/* What one source says of an address: CAP_KNOWN with its text, or CAP_ANY; CAP_NONE: nothing. */
struct cap_entry {
	enum cap_source source;
	enum cap_state state;
	struct span text;
	uint64_t since_s;		/* wall clock */
	uint32_t ttl_s;			/* 0: for good */
};

struct capslog_node;

struct capslog {
	int dir_fd, fd;			/* the folder (borrowed); the file, or -1: there is none yet */
	char name[32];
	void *tree;
	struct capslog_node *first;	/* all of them, in no order */
	uint32_t n;			/* how many count */
	uint64_t live, end;		/* octets of their records; of the file */
	uint64_t damaged, cut;		/* octets found that are no record: between records, behind the last */
	bool distrusted;		/* a flush of the file failed: it has to be written anew */
};

/*
 * Reads the file of that name, if there is one.  -1: it cannot be read, or is none of ours (ERR_PERM): it
 * stays as it is, and c is not open.
 */
int capslog_open(struct capslog *c, int dir_fd, const char *name, struct err *e);
void capslog_close(struct capslog *c);

/*
 * Keeps v for key in place of what its source said before; v->since_s is now.  CAP_NONE: forgets that.
 * max: entries; one more is refused.  0: it survives a power cut, and counts from now on.
 * -1: nothing has changed: ERR_TEMP 4.3.1 where there is no room (the disk, max, CAPSLOG_OCTETS), 4.3.0.
 */
int capslog_put(struct capslog *c, struct span key, const struct cap_entry *v, uint32_t max, struct err *e);

/* Forgets everything.  -1, ERR_TEMP: all is known still, unless accord starts anew. */
int capslog_purge(struct capslog *c, struct err *e);

/* 1: *out, whose text lives until the next put or purge; 0: that source says nothing of key, or no longer. */
int capslog_get(const struct capslog *c, enum cap_source source, struct span key, uint64_t now_s,
    struct cap_entry *out);

#endif
