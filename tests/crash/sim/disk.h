/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/sim/disk.h - what a disk may hold after a power cut, from a record of calls.
 *
 * A cut is a number of the record's counter.  What ended before it has happened; what had begun may have,
 * wholly or in part.  Some of that is sure to be on the disk, by what was flushed; of the rest:
 *
 * MODEL_SUBSET	any subset.  Each change of a name is there or not, whatever became of the others; a rename,
 *		also from one folder to another, is one change, since a file system that did it by halves could
 *		lose a file that nobody touched.  Each sector of 512 octets is old or new, or torn: new up to an
 *		octet, or from one on.  A size is old or new, whatever became of the octets; sectors that were
 *		never written back read as zeros, or as what some other file left there.  fsync makes a file's
 *		octets and size sure, never its name; fsync of a folder makes its names sure; syncfs all of that file system.
 * MODEL_SPLIT	the same, but a rename is two changes: the new name is sure with its folder, and the old name
 *		may be there still, or be gone before the new one is there.
 * MODEL_JOURNAL	names change in their order: the disk has a first part of them.  An fsync of a file that has
 *		something to commit (it has grown, say) makes sure all changes that ended before that growth
 *		began, so what ext4 and xfs both promise.  Octets whose write-back was waited for are sure once a
 *		later change, or such an fsync, is: a journal flushes the device before it commits.  Other
 *		octets are there or not, by sectors as above, without what other files left.
 *
 * Each top folder counts as a file system, and so do the names in the root: mailboxes commit nothing of the
 * queue.
 * A sector that is being written keeps the octets that do not change (no part of it becomes unreadable).
 */
#ifndef TESTS_CRASH_SIM_DISK_H
#define TESTS_CRASH_SIM_DISK_H

#include "lib/buf.h"
#include "tests/crash/sim/record.h"

#define DISK_NEVER UINT64_MAX
enum { DISK_NONE = UINT32_MAX, DISK_SECTOR = 512, DISK_GROUPS = 64 };

enum model { MODEL_SUBSET, MODEL_SPLIT, MODEL_JOURNAL };

/* A file or folder, from its creation on; inode numbers are used again, these are not. */
struct file {
	bool folder;
	uint32_t group;			/* the file system it counts to */
	uint32_t first, last;		/* its writes; of a folder: its names */
};
/* Octets written, or a new length. */
struct write {
	uint32_t op, file, next;
	uint64_t sure_at;		/* sure from this number on, or DISK_NEVER */
	uint64_t back_at;		/* written back by then */
};
struct name { uint32_t folder, next, now; struct span text; };
/* A name begins to stand for a file, or for none. */
struct change {
	uint32_t op, name, file, key;	/* those with one key are there together or not at all */
	uint64_t sure_at;
};
struct flush { uint32_t op, file; };

struct disk {
	const struct record *record;
	enum model model;
	struct file *file;		/* file[0] is the root */
	struct write *write;
	struct name *name;
	struct change *change;		/* in their order */
	struct flush *flush;
	size_t nfile, nwrite, nname, nchange, nflush;
	uint32_t ngroup;
	uint32_t *by_ino, *by_name;	/* hash tables, while it is built */
	uint64_t *ino_key;
};

/* root: inode number of the folder below which everything lies; it is there and empty at first. */
int disk_open(struct disk *d, const struct record *r, uint64_t root, enum model model, struct err *e);
void disk_close(struct disk *d);

enum pattern {
	PATTERN_NONE,			/* nothing but what is sure */
	PATTERN_ALL,			/* everything that had begun */
	PATTERN_NAMES,			/* names, no octets */
	PATTERN_OCTETS,			/* octets, no names */
	PATTERN_ONE,			/* of what is not sure only one: change number `which`, or write */
	PATTERN_BUT,			/* all but that one, or but some sectors of it */
	PATTERN_RANDOM,			/* each by chance, `percent` of them; some sectors torn */
	PATTERNS
};
struct image {
	const struct disk *d;
	uint64_t cut, seed;
	enum pattern pattern;
	uint32_t which, percent;	/* which: a change, or nchange + a write */
	/* What follows is made by image_open. */
	uint32_t *value;		/* of each name: a file or DISK_NONE */
	uint32_t limit[DISK_GROUPS];	/* MODEL_JOURNAL: the last change that is there, plus 1 */
	uint64_t after[DISK_GROUPS];	/* MODEL_JOURNAL: what was written back before is sure */
	uint64_t hash;
};
/* Decides the names; false: no memory. */
bool image_open(struct image *im);
void image_close(struct image *im);
/* What the name within folder stands for, or DISK_NONE. */
uint32_t image_find(const struct image *im, uint32_t folder, const char *name);
/* The octets of a file. */
int image_octets(const struct image *im, uint32_t file, struct buf *out, struct err *e);
/* Makes everything below the root under dir_fd, which has no file; im->hash then tells images apart. */
int image_write(struct image *im, int dir_fd, struct err *e);
/* Removes the files in the folder and below, and the folders too if so wanted. */
void image_clear(int at, const char *name, bool folders);

#endif
