/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/log.h - log lines: key=value pairs in a fixed order, `ts level proc id event`, then
 * `from to relay size delay dsn reply …`.  They go to descriptor 2: a packet socket when the
 * supervisor gave one (a full one drops the line and counts it: a stalled reader never stops mail),
 * else a terminal or file.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include "lib/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERR };

/* name: "smtpd"; static.  Called first in every main. */
void log_open(const char *name);

enum { LOG_LINE_SIZE = 4096 };

/* Lines of this process that nobody could take, since its start. */
unsigned long log_lost(void);

/* One line.  id: message ID or NULL.  event: a fixed word.  Then key=value pairs by fmt (may be ""). */
void log_line(enum log_level level, const char *id, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same as text with its newline, for the log's writer, which sends itself nothing: its length. */
size_t log_text(char line[LOG_LINE_SIZE], enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * A value from outside, quoted: "…" with \" and \\, control and non-ASCII octets as \xHH, cut at 400.
 * The result lives in one of eight rotating static buffers.
 */
const char *log_q(const char *s);
const char *log_qs(struct span s);

#endif
