/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/durable.h"

static const char mark_word[] = "accord ";	/* begins what a lock of ours says */

/* All of s into fd. */
static int
write_all(int fd, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "mailbox: write");
		s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

/* --- what is written --- */

static int
mbox_flush(struct mbox *m, struct err *e)
{
	int r;

	m->written = true;
	r = write_all(m->file, buf_view(&m->out), e);
	buf_clear(&m->out);
	return r;
}

static const char from_word[] = "From ";

/* What was held back at the start of a line goes out, with one ">" more if it is to be quoted. */
static int
line_decided(struct mbox *m, bool quote, struct err *e)
{
	for (size_t i = 0; i < m->more + quote; i++)
		if (buf_add_byte(&m->out, '>', e) == -1 || (m->out.n >= LETTER_CHUNK && mbox_flush(m, e) == -1))
			return -1;
	if (buf_add(&m->out, span_of(from_word, m->from), e) == -1)
		return -1;
	m->in_line = true;
	m->more = m->from = 0;
	return 0;
}

/* One octet while it is not decided what the line is. */
static int
line_start(struct mbox *m, int o, struct err *e)
{
	if (o == '>' && m->from == 0) {
		m->more++;
		return 0;
	}
	if (o == from_word[m->from]) {
		m->from++;
		return from_word[m->from] == '\0' ? line_decided(m, true, e) : 0;
	}
	if (line_decided(m, false, e) == -1)
		return -1;
	m->in_line = o != '\n';
	return buf_add_byte(&m->out, o, e);
}

static int
mbox_write(void *arg, struct span s, struct err *e)
{
	struct mbox *m = arg;

	while (s.n > 0) {
		size_t n = 1;

		if (m->in_line) {
			n = span_find(s, '\n');
			n = n < s.n ? n + 1 : n;
			if (buf_add(&m->out, span_sub(s, 0, n), e) == -1)
				return -1;
			m->in_line = s.p[n - 1] != '\n';
		} else if (line_start(m, s.p[0], e) == -1) {
			return -1;
		}
		m->blank = s.p[n - 1] == '\n';
		s = span_sub(s, n, s.n);
		if (m->out.n >= LETTER_CHUNK && mbox_flush(m, e) == -1)
			return -1;
	}
	return 0;
}

/* "From SENDER Tue Dec  1 03:00:00 2026"; what would end the sender's word is a "-" in it. */
static void
from_line(struct span sender, int64_t at_us, char out[MBOX_LINE])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
	    "Nov", "Dec" };
	time_t at = (time_t)(at_us / 1000000);
	char name[MBOX_LINE - 64];
	struct tm t;
	size_t n = 0;

	for (; n < sender.n && n < sizeof name - 1; n++)
		name[n] = (char)(sender.p[n] <= ' ' || sender.p[n] == 0x7f ? '-' : sender.p[n]);
	name[n] = '\0';
	gmtime_r(&at, &t);
	snprintf(out, MBOX_LINE, "From %s %s %s %2d %02d:%02d:%02d %d\n", n > 0 ? name : "MAILER-DAEMON",
	    days[t.tm_wday], months[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_year + 1900);
}

/* --- locks, and what a crash left --- */

static bool
wait_a_little(int64_t due_ms)
{
	if (clock_ms() >= due_ms)
		return false;
	(void)poll(NULL, 0, 50);
	return true;
}

/* Waits for the kernel's lock, which no dead process has. */
static int
lock_file(struct mbox *m, int64_t due_ms, struct err *e)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(m->file, F_SETLK, &all) == -1) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(e, "mailbox: lock");
		if (!wait_a_little(due_ms))
			return err_set(e, ERR_TEMP, "4.2.0", "the mailbox is locked by another program");
	}
	return 0;
}

/* Is what lies from start to the end of the file one message that begins with line, or a part of one? */
static bool
is_remnant(int file, int64_t start, struct span line)
{
	unsigned char some[LETTER_CHUNK + 8];
	int64_t at = start;
	size_t kept = 0;

	for (;;) {
		ssize_t n = pread(file, some + kept, LETTER_CHUNK, at);
		struct span all = span_of(some, kept + (n > 0 ? (size_t)n : 0));

		if (n == -1)
			return false;
		if (n == 0)
			return true;
		if (at == start && !span_eq(span_sub(all, 0, line.n), span_sub(line, 0, all.n)))
			return false;
		if (memmem(all.p, all.n, "\nFrom ", 6) != NULL)	/* another's came behind it */
			return false;
		kept = all.n < 5 ? all.n : 5;
		memmove(some, all.p + all.n - kept, kept);
		at += n;
	}
}

/* A lock of ours that is left, and the kernel's lock is ours: who wrote it is dead.  Its message goes. */
static int
clear_remnant(struct mbox *m, struct err *e)
{
	char text[MBOX_LINE + 64];
	struct span rest, word;
	uint64_t start;
	struct stat st;
	ssize_t n;
	int fd = openat(m->dir, m->lock_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "mailbox: %s", m->lock_name);
	n = pread(fd, text, sizeof text, 0);
	close(fd);
	rest = span_of(text, n > 0 ? (size_t)n : 0);
	if (!span_is(span_sub(rest, 0, sizeof mark_word - 1), mark_word))
		return 0;
	rest = span_sub(rest, sizeof mark_word - 1, rest.n);
	word = span_sub(rest, 0, span_find(rest, '\n'));
	rest = span_sub(rest, word.n + 1, rest.n);
	if (rest.n > 0 && rest.p[rest.n - 1] == '\n' && span_u64(word, INT64_MAX, &start) && fstat(m->file, &st) == 0 &&
	    (int64_t)start < st.st_size && is_remnant(m->file, (int64_t)start, rest) &&
	    (ftruncate(m->file, (off_t)start) == -1 || fsync(m->file) == -1))
		return err_sys(e, "mailbox: cut");
	return unlinkat(m->dir, m->lock_name, 0) == 0 || errno == ENOENT ? 0 : err_sys(e, "mailbox: %s", m->lock_name);
}

/* Of another program that has forgotten it. */
static bool
is_stale(const struct mbox *m)
{
	struct stat st;

	return fstatat(m->dir, m->lock_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    clock_us() / 1000000 - st.st_mtime > MBOX_STALE_S;
}

static int
lock_name(struct mbox *m, int64_t due_ms, struct err *e)
{
	for (;;) {
		m->lock = openat(m->dir, m->lock_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (m->lock != -1)
			return 0;
		if (errno != EEXIST)
			return err_sys(e, "mailbox: %s", m->lock_name);
		if (clear_remnant(m, e) == -1)
			return -1;
		if (is_stale(m))
			(void)unlinkat(m->dir, m->lock_name, 0);
		else if (!wait_a_little(due_ms))
			return err_set(e, ERR_TEMP, "4.2.0", "the mailbox is locked by another program, by %s",
			    m->lock_name);
	}
}

/* Where the message begins, and its line: durable before there is anything of it. */
static int
lock_mark(struct mbox *m, const char *line, struct err *e)
{
	char text[MBOX_LINE + 64];
	int n = snprintf(text, sizeof text, "%s%lld\n%s", mark_word, (long long)m->start, line);

	if (write_all(m->lock, span_of(text, (size_t)n), e) == -1)
		return -1;
	return fsync(m->lock) == -1 || fsync(m->dir) == -1 ? err_sys(e, "mailbox: %s", m->lock_name) : 0;
}

/* --- the file --- */

static int
mbox_open(struct mbox *m, struct err *e)
{
	struct stat st;

	m->file = openat(m->dir, m->name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (m->file == -1)
		return err_sys(e, "mailbox: %s", m->name);
	if (fstat(m->file, &st) == -1)
		return err_sys(e, "mailbox: %s", m->name);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid())
		return err_set(e, ERR_TEMP, "4.3.5", "mailbox: %s is no file of its own", m->name);
	return 0;
}

/* What stands between the last message and the next: its end may lack a line's. */
static int
mbox_gap(struct mbox *m, struct err *e)
{
	unsigned char last[2] = { '\n', '\n' };
	struct stat st;

	if (fstat(m->file, &st) == -1 ||
	    (st.st_size > 0 && pread(m->file, last + (st.st_size == 1), st.st_size == 1 ? 1 : 2,
	    st.st_size - (st.st_size == 1 ? 1 : 2)) == -1))
		return err_sys(e, "mailbox: %s", m->name);
	if (last[1] != '\n' && write_all(m->file, span_str("\n\n"), e) == -1)
		return -1;
	if (last[1] == '\n' && last[0] != '\n' && write_all(m->file, span_str("\n"), e) == -1)
		return -1;
	m->start = lseek(m->file, 0, SEEK_END);
	return m->start == -1 ? err_sys(e, "mailbox: %s", m->name) : 0;
}

int
mbox_begin(struct mbox *m, int dir, const char *name, struct span sender, int64_t at_us, bool binary, struct err *e)
{
	int64_t due = clock_ms() + MBOX_WAIT_MS;
	char line[MBOX_LINE];

	*m = (struct mbox){ .dir = dir, .file = -1, .lock = -1 };
	letter_init(&m->letter, binary, mbox_write, m);
	buf_init(&m->out, 2 * LETTER_CHUNK + 4 * LETTER_HEADER);
	if (*name == '\0' || strchr(name, '/') != NULL || strlen(name) >= sizeof m->name)
		return err_set(e, ERR_TEMP, "4.3.5", "the mailbox's folder is not there");
	snprintf(m->name, sizeof m->name, "%s", name);
	snprintf(m->lock_name, sizeof m->lock_name, "%s.lock", name);
	from_line(sender, at_us, line);
	if (mbox_open(m, e) == -1 || lock_file(m, due, e) == -1 || lock_name(m, due, e) == -1 || mbox_gap(m, e) == -1 ||
	    lock_mark(m, line, e) == -1)
		return -1;
	return buf_add_str(&m->out, line, e);
}

/* The name goes while the kernel's lock is ours: who finds it later knows that its message is not whole. */
static void
mbox_unlock(struct mbox *m)
{
	if (m->lock != -1) {
		unlinkat(m->dir, m->lock_name, 0);
		close(m->lock);
	}
	if (m->file != -1)
		close(m->file);
	m->lock = m->file = -1;
}

int
mbox_commit(struct mbox *m, struct err *e)
{
	if (letter_end(&m->letter, e) == -1 || ((m->more | m->from) > 0 && line_decided(m, false, e) == -1))
		return -1;
	if (buf_add_str(&m->out, m->blank ? "\n" : "\n\n", e) == -1 || mbox_flush(m, e) == -1)
		return -1;
	if (fsync(m->file) == -1 || durable_confirm(m->file) == -1 || fsync(m->dir) == -1)
		return err_sys(e, "mailbox: fsync");
	m->written = false;
	mbox_unlock(m);
	return 0;
}

void
mbox_end(struct mbox *m)
{
	/* if it cannot be cut off, the lock stays and says where it begins */
	if (m->written && m->file != -1 && ftruncate(m->file, (off_t)m->start) == -1 && m->lock != -1) {
		close(m->lock);
		m->lock = -1;
	}
	mbox_unlock(m);
	letter_free(&m->letter);
	buf_free(&m->out);
}
