/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

static const char *log_name = "accord";
static unsigned long log_dropped, log_dropped_ever;

void
log_open(const char *name)
{
	log_name = name;
}

static int log_pid;	/* of this process: asked for once, and again in a child */

static void
log_forked(void)
{
	log_pid = 0;
}

static int
log_self(void)
{
	static bool watched;

	if (!watched)
		watched = pthread_atfork(NULL, NULL, log_forked) == 0;
	if (log_pid == 0 || !watched)
		log_pid = getpid();
	return log_pid;
}

static void
log_write(const char *line, size_t n)
{
	ssize_t r = send(2, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (r == -1 && errno == ENOTSOCK)
		r = write(2, line, n);
	if (r == -1) {
		log_dropped++;
		log_dropped_ever++;
	}
}

unsigned long
log_lost(void)
{
	return log_dropped_ever;
}

/* The line without what was dropped: its length, below LOG_LINE_SIZE. */
static size_t
log_form(char line[LOG_LINE_SIZE], enum log_level level, const char *id, const char *event, const char *fmt,
    va_list ap)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	size_t n, max = LOG_LINE_SIZE - 1;
	char ts[40];

	clock_iso(clock_us(), ts, sizeof ts);
	n = (size_t)snprintf(line, max, "ts=%s level=%s proc=%s[%d] id=%s event=%s", ts, levels[level],
	    log_name, log_self(), id != NULL && *id != '\0' ? id : "-", event);
	if (n < max && *fmt != '\0') {
		line[n++] = ' ';
		n += (size_t)vsnprintf(line + n, max - n, fmt, ap);
	}
	return n;
}

/* Cut to what there is room for, and ended. */
static size_t
log_end(char line[LOG_LINE_SIZE], size_t n)
{
	if (n > LOG_LINE_SIZE - 2)
		n = LOG_LINE_SIZE - 2;
	line[n++] = '\n';
	return n;
}

size_t
log_text(char line[LOG_LINE_SIZE], enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = log_form(line, level, NULL, event, fmt, ap);
	va_end(ap);
	return log_end(line, n);
}

void
log_line(enum log_level level, const char *id, const char *event, const char *fmt, ...)
{
	unsigned long dropped = log_dropped;
	char line[LOG_LINE_SIZE];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = log_form(line, level, id, event, fmt, ap);
	va_end(ap);
	if (n < sizeof line - 1 && dropped > 0)
		n += (size_t)snprintf(line + n, sizeof line - 1 - n, " dropped=%lu", dropped);
	log_write(line, log_end(line, n));
	if (log_dropped == dropped)
		log_dropped = 0;
}

const char *
log_qs(struct span s)
{
	static char slots[8][1700];
	static unsigned next;
	char *out = slots[next++ % 8], *p = out;

	*p++ = '"';
	for (size_t i = 0; i < s.n && i < 400; i++) {
		unsigned char c = s.p[i];

		if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c < 0x20 || c > 0x7e) {
			p += snprintf(p, 5, "\\x%02x", c);
		} else {
			*p++ = (char)c;
		}
	}
	*p++ = '"';
	*p = '\0';
	return out;
}

const char *
log_q(const char *s)
{
	return log_qs(span_str(s));
}
