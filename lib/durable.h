/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/durable.h - whether a flush that went well may be believed. */
#ifndef LIB_DURABLE_H
#define LIB_DURABLE_H

/*
 * To be asked after each fsync or syncfs that a promise rests on, before the promise.  A file system whose
 * journal has failed (its disk answered with an error, or it was shut down) drops what it had not written; an
 * fsync that comes then, or that waits meanwhile, finds nothing left to wait for: ext4 and XFS say that all
 * is well.  From then on they refuse changes, however; so a change that is taken after the flush shows that
 * nothing had failed before.
 * fd: a file or folder of that file system that this process may write; its times become now.
 * 0, or -1 with errno: the flush is worth nothing.
 */
int durable_confirm(int fd);

#endif
