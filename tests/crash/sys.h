/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/sys.h - the thin layer between accord and the kernel, in test builds alone.  The linker
 * (--wrap) leads every call of these names in a program's own objects to sys.c, which counts it, lets it
 * fail if that was asked for, makes it, and writes down what it changed.
 *
 * Both are files that a program maps before main() and so before its sandbox; children inherit them.
 * Whoever runs the programs makes them, in full size and with their magic, for all accounts to write:
 *	ACCORD_RECORD	struct sys_record, then records; without it nothing is written down.  It counts in a
 *			program's address space, which a sandbox limits: 24 MiB at most
 *	ACCORD_FAULTS	struct sys_faults; without it nothing fails
 *
 * Not seen are calls of libraries (libcdb writes caps.cdb, stdio the output of commands), and chown and
 * chmod; new times of a file are counted and may fail, but are not written down.  No file of the queue is ever mapped for writing: mmap() of files is PROT_READ everywhere.
 */
#ifndef TESTS_CRASH_SYS_H
#define TESTS_CRASH_SYS_H

#include <stdint.h>

enum sys_call {
	SYS_OPEN,		/* open, openat, without O_CREAT */
	SYS_CREATE,		/* the same with O_CREAT, whether it was there or not */
	SYS_READ,		/* read, pread, of regular files; readdir */
	SYS_WRITE,		/* write, pwrite, writev, to regular files */
	SYS_TRUNCATE, SYS_MKDIR, SYS_RENAME, SYS_LINK, SYS_UNLINK,
	SYS_FSYNC, SYS_FDATASYNC, SYS_SYNCFS,
	SYS_WRITEBACK,		/* sync_file_range: begun */
	SYS_WRITTEN,		/* sync_file_range that waits: begun and over */
	SYS_TOUCH,		/* futimens */
	SYS_STAT,		/* fstat, fstatat, stat, statvfs, statfs */
	SYS_LEASE, SYS_MAP,
	SYS_SOCKET,		/* socket, socketpair, accept4, pipe2, fcntl(F_DUPFD): descriptors */
	SYS_FORK,
	SYS_MEMORY,		/* malloc, calloc, realloc; memfd_create; epoll_ctl(EPOLL_CTL_ADD) */
	SYS_PACKET,		/* send, sendto, sendmsg (on a local socket, to receive takes no memory) */
	SYS_CALLS
};

/*
 * One call that changed something or was a flush.  Numbers are drawn from one counter for all processes, one
 * when the call begins and one when it has returned: a write is before a flush for certain only if its
 * end is smaller than the flush's begin.
 */
struct sys_rec {
	uint32_t len;		/* octets of this record with all that follows it, a multiple of 8; written last */
	uint16_t call;		/* enum sys_call */
	uint16_t error;		/* errno, 0: it was done */
	uint32_t pid;
	uint32_t flags;		/* of open, rename, sync_file_range */
	uint64_t begin, end;
	uint64_t ino, dir, to_dir;	/* inode numbers: of the file; of the folders that from and to lie in */
	uint64_t off;		/* of a write; the new length of a truncate */
	uint32_t n;		/* octets written, which follow the names */
	uint16_t from_len, to_len;	/* of the names (last component, no NUL), which follow the record, the
				 * data behind them */
};
struct sys_record {
	char magic[8];		/* "accordR" */
	uint64_t size;		/* of the whole file, octets */
	uint64_t next;		/* where the next record goes; atomic.  Beyond size: full, the run is void */
	uint64_t count;		/* the counter; atomic */
	uint64_t marks;		/* a test may draw from it too, to know what came before what */
};

/*
 * A rule: calls of one kind in one program, by number.  All rules that match a call count it; the first whose
 * turn it is makes the fault.  A program is "queue" for accord-queue; what it forks has a name of its own:
 * "queue-worker", "smtpd-session", "remote-session", "local-job", "convert-job".
 */
struct sys_fault {
	uint32_t on;		/* 0: no rule */
	uint32_t call;		/* enum sys_call, or SYS_CALLS: any */
	char program[16];	/* "queue", "queue-worker", "smtpd", "qmgr" …; "": any */
	char path[24];		/* the name begins with this ("tmp/", "log"); "": any */
	uint64_t from, to;	/* these numbers of matching calls, from 1; to 0: to the end */
	uint64_t seen;		/* matching calls so far; atomic */
	uint64_t made;		/* faults made; atomic */
	uint32_t error;		/* errno; 0 with SYS_WRITE: half of it is written */
	uint32_t pad;
};
enum { SYS_FAULTS = 256 };
struct sys_faults {
	char magic[8];			/* "accordF" */
	uint64_t rules;			/* so many of them are looked at */
	struct sys_fault rule[SYS_FAULTS];
};

#endif
