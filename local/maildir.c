/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"

/*
 * Makes a folder if it is missing; its name is durable before mail is put in it.  known: the names of
 * those that are there are durable; else they may be of a delivery that was killed before its fsync.
 */
static int
maildir_make(int at, const char *name, bool known, struct err *e)
{
	bool made = mkdirat(at, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return err_sys(e, "mailbox: %s", name);
	if (!made && known)
		return 0;
	return fsync(at) == 0 ? 0 : err_sys(e, "mailbox: fsync");
}

/* cur/ is made last: where it is, all else was durable before. */
static bool
maildir_known(int folder, const char *path)
{
	char cur[4096];
	int n = snprintf(cur, sizeof cur, "%s%scur", path, *path == '\0' ? "" : "/");
	struct stat st;

	return n > 0 && (size_t)n < sizeof cur && fstatat(folder, cur, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* Makes and opens every folder of path below at; the result is the caller's. */
static int
maildir_walk(int at, const char *path, bool known, struct err *e)
{
	int dir = fcntl(at, F_DUPFD_CLOEXEC, 0);
	char part[256];

	while (dir != -1 && *path != '\0') {
		size_t n = strcspn(path, "/");
		int next;

		if (n >= sizeof part) {
			close(dir);
			return err_set(e, ERR_TEMP, "4.2.0", "a folder's name of %zu octets", n);
		}
		memcpy(part, path, n);
		part[n] = '\0';
		path += n + (path[n] == '/');
		if (n == 0)
			continue;
		if (maildir_make(dir, part, known, e) == -1) {
			close(dir);
			return -1;
		}
		next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	if (dir == -1)
		return err_sys(e, "mailbox");
	return dir;
}

int
maildir_beside(int folder, const char *rest, const char *name, bool make, struct err *e)
{
	char path[4096];
	int fd, dir, n = snprintf(path, sizeof path, "%s%s%s", rest, *rest == '\0' ? "" : "/", name);

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(e, ERR_TEMP, "4.2.0", "mailbox: a path too long");
	if (make) {
		if ((dir = maildir_walk(folder, rest, maildir_known(folder, rest), e)) == -1)
			return -1;
		if (maildir_make(dir, name, true, e) == -1) {
			close(dir);
			return -1;
		}
		close(dir);
	}
	fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, "mailbox: %s", name) : fd;
}

int
maildir_begin(struct maildir *m, int folder, const char *rest, const char *name, struct err *e)
{
	static const char *const subs[] = { "tmp", "new", "cur" };
	static unsigned count;
	bool known = maildir_known(folder, rest);

	*m = (struct maildir){ .dir = -1, .file = -1 };
	buf_init(&m->out, 2 * MAILDIR_CHUNK + MAILDIR_HEADER);
	buf_init(&m->header, MAILDIR_HEADER + MAILDIR_CHUNK);
	snprintf(m->name, sizeof m->name, "%s", name);
	snprintf(m->tmp, sizeof m->tmp, "tmp/%s.%d_%u", name, (int)getpid(), count++);
	if ((m->dir = maildir_walk(folder, rest, known, e)) == -1)
		return -1;
	for (size_t i = 0; i < 3; i++)
		if (maildir_make(m->dir, subs[i], known, e) == -1)
			return -1;
	if (unlinkat(m->dir, m->tmp, 0) == -1 && errno != ENOENT)
		return err_sys(e, "mailbox: %s", m->tmp);
	m->file = openat(m->dir, m->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return m->file == -1 ? err_sys(e, "mailbox: %s", m->tmp) : 0;
}

static int
maildir_flush(struct maildir *m, struct err *e)
{
	size_t done = 0;

	while (done < m->out.n) {
		ssize_t n = write(m->file, m->out.p + done, m->out.n - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "mailbox: write");
		done += (size_t)n;
	}
	buf_clear(&m->out);
	return 0;
}

/* CRLF becomes LF; a CR that stands alone stays. */
static int
maildir_lines(struct maildir *m, struct span s, struct err *e)
{
	while (s.n > 0) {
		size_t n = span_find(s, '\r');

		if (m->cr) {
			m->cr = false;
			if (s.p[0] != '\n' && buf_add_byte(&m->out, '\r', e) == -1)
				return -1;
		}
		if (buf_add(&m->out, span_sub(s, 0, n), e) == -1)
			return -1;
		m->cr = n < s.n;
		s = span_sub(s, n + 1, s.n);
		if (m->out.n >= MAILDIR_CHUNK && maildir_flush(m, e) == -1)
			return -1;
	}
	return 0;
}

/* Where the header ends: after its blank line; 0: not seen yet. */
static size_t
header_end(struct span s)
{
	const unsigned char *at;

	if (s.n >= 2 && memcmp(s.p, "\r\n", 2) == 0)
		return 2;
	at = s.n < 4 ? NULL : memmem(s.p, s.n, "\r\n\r\n", 4);
	return at == NULL ? 0 : (size_t)(at - s.p) + 4;
}

/* The header without the fields that final delivery alone adds; one of ours may be absent, but then
 * another's would say what is not so. */
static int
maildir_header(struct maildir *m, struct span header, struct err *e)
{
	static const char *const fields[] = { "return-path", "original-recipient" };
	bool skip = false;

	while (header.n > 0) {
		size_t n = span_find(header, '\n');
		struct span line = span_sub(header, 0, n + 1);

		if (!ascii_wsp(line.p[0])) {
			struct span name = span_trim(span_sub(line, 0, span_find(line, ':')));

			skip = false;
			for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
				skip |= span_isi(name, fields[i]);
		}
		if (!skip && maildir_lines(m, line, e) == -1)
			return -1;
		header = span_sub(header, n + 1, header.n);
	}
	return 0;
}

static int
maildir_body(struct maildir *m, struct span s, struct err *e)
{
	if (!m->binary)
		return maildir_lines(m, s, e);
	while (s.n > 0) {
		struct span part = span_sub(s, 0, MAILDIR_CHUNK);

		if (buf_add(&m->out, part, e) == -1)
			return -1;
		s = span_sub(s, part.n, s.n);
		if (m->out.n >= MAILDIR_CHUNK && maildir_flush(m, e) == -1)
			return -1;
	}
	return 0;
}

int
maildir_put_own(struct maildir *m, struct span fields, struct err *e)
{
	return maildir_lines(m, fields, e);
}

int
maildir_put(struct maildir *m, struct span piece, struct err *e)
{
	while (!m->in_body && piece.n > 0) {
		struct span part = span_sub(piece, 0, MAILDIR_CHUNK);
		size_t end;

		if (buf_add(&m->header, part, e) == -1)
			return -1;
		piece = span_sub(piece, part.n, piece.n);
		end = header_end(buf_view(&m->header));
		if (end == 0 && m->header.n < MAILDIR_HEADER)
			continue;
		if (end == 0)
			end = m->header.n;
		m->in_body = true;
		if (maildir_header(m, span_sub(buf_view(&m->header), 0, end), e) == -1 ||
		    maildir_body(m, span_sub(buf_view(&m->header), end, m->header.n), e) == -1)
			return -1;
		buf_free(&m->header);
	}
	return maildir_body(m, piece, e);
}

int
maildir_commit(struct maildir *m, struct err *e)
{
	char new[160];
	int dir;

	if (!m->in_body && maildir_header(m, buf_view(&m->header), e) == -1)
		return -1;
	if (m->cr && buf_add_byte(&m->out, '\r', e) == -1)
		return -1;
	if (maildir_flush(m, e) == -1)
		return -1;
	if (fsync(m->file) == -1)
		return err_sys(e, "mailbox: fsync");
	snprintf(new, sizeof new, "new/%s", m->name);
	if (renameat(m->dir, m->tmp, m->dir, new) == -1)
		return err_sys(e, "mailbox: %s", new);
	close(m->file);
	m->file = -1;
	dir = openat(m->dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || fsync(dir) == -1 || durable_confirm(dir) == -1) {
		err_sys(e, "mailbox: fsync new");
		if (dir != -1)
			close(dir);
		return -1;
	}
	close(dir);
	return 0;
}

void
maildir_end(struct maildir *m)
{
	if (m->file != -1) {
		unlinkat(m->dir, m->tmp, 0);
		close(m->file);
	}
	if (m->dir != -1)
		close(m->dir);
	m->file = m->dir = -1;
	buf_free(&m->out);
	buf_free(&m->header);
}
