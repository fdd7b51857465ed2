/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/routeauth.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fileio.h"

enum { PATH_SIZE = 1024, FILE_MAX = ROUTEAUTH_SECRET + 2 };

/* --- the line --- */

static bool
method_of(struct span word, uint8_t *out)
{
	static const char *const words[ROUTEAUTH_METHODS] = { "plain", "login", "xoauth2" };

	for (*out = 0; *out < ROUTEAUTH_METHODS; ++*out)
		if (span_is(word, words[*out]))
			return true;
	return false;
}

/* A host, in any spelling, with or without a port: no domain's line with a dot in front, no "*". */
static bool
hop_ok(struct span s)
{
	return hop_line_who(s) && !span_is(s, "*") && s.p[0] != '.';
}

int
routeauth_parse(struct span line, struct routeauth *out, struct err *e)
{
	struct span rest = line, method, more;
	char shown[100];

	if (span_word(&rest, &out->hop) && hop_ok(out->hop) && span_word(&rest, &method) &&
	    method_of(method, &out->method) && span_word(&rest, &out->user) && out->user.n <= ROUTEAUTH_USER &&
	    span_word(&rest, &out->file) && out->file.n < PATH_SIZE && !span_word(&rest, &more))
		return 0;
	span_text(line, shown, sizeof shown);
	return err_set(e, ERR_PERM, NULL, "expected HOST[:PORT], then plain, login or xoauth2, a user's name of at most %d "
	    "octets and the file of its password or token, not \"%s\"", ROUTEAUTH_USER, shown);
}

int
routeauth_check(struct span line, struct err *e)
{
	struct routeauth r;

	return routeauth_parse(line, &r, e);
}

int
routeauth_keys(struct span line, struct buf *out, struct err *e)
{
	struct span rest = line, hop;
	char name[JOB_DEST];

	span_word(&rest, &hop);
	hop_name(hop, name);
	return line_key_add(out, span_str(name), '\0', e);
}

bool
routeauth_find(const struct span *lines, uint32_t n, const char *dest, struct routeauth *out)
{
	struct span to = span_str(dest), host = span_sub(to, 0, span_rfind(to, ':'));
	bool found = false;
	uint64_t port;

	if (host.n == to.n || !span_u64(span_sub(to, host.n + 1, to.n), UINT16_MAX, &port))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct routeauth r;
		struct err ignored;
		char name[JOB_DEST];
		bool whole;

		if (routeauth_parse(lines[i], &r, &ignored) == -1)
			continue;
		hop_name(r.hop, name);
		whole = span_is(to, name);
		if (!whole && (found || !span_is(host, name)))
			continue;
		*out = r;
		found = true;
		if (whole)
			break;
	}
	return found;
}

/* --- the file --- */

/* Who could write it could have another's mail sent in his name; who could read it knows the password. */
static int
file_guarded(const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode) || st->st_size > FILE_MAX)
		return err_set(e, ERR_PERM, NULL, "expected a regular file of one line, of at most %d octets", ROUTEAUTH_SECRET);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e, ERR_PERM, NULL, "expected a file of root's, or of who runs accord");
	if ((st->st_mode & 077) != 0)
		return err_set(e, ERR_PERM, NULL, "expected a file that nobody but its owner can read or write (mode 0600)");
	return 0;
}

static int
secret_add(struct span text, struct buf *out, struct err *e)
{
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n -= text.n > 1 && text.p[text.n - 2] == '\r' ? 2 : 1;
	if (text.n == 0 || text.n > ROUTEAUTH_SECRET)
		return err_set(e, ERR_PERM, NULL, "expected a password or token of 1 to %d octets", ROUTEAUTH_SECRET);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return err_set(e, ERR_PERM, NULL, "expected one line without control octets");
	return buf_add(out, text, e);
}

static int
file_read(int fd, struct buf *out, struct err *e)
{
	struct buf text;
	struct stat st;
	int r;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "stat");
	if (file_guarded(&st, e) == -1)
		return -1;
	buf_init(&text, FILE_MAX + (64 << 10));		/* room for a read that ends behind the file */
	/* all of it at once: what grows leaves copies */
	r = buf_room(&text, text.max, e) == NULL ? -1 : fileio_read(fd, &text, e);
	if (r == 0)
		r = secret_add(buf_view(&text), out, e);
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_free(&text);
	return r;
}

int
routeauth_read(int at, const struct routeauth *r, struct buf *out, struct err *e)
{
	char name[PATH_SIZE];
	int fd, got;

	span_text(r->file, name, sizeof name);
	fd = openat(at, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_set(e, ERR_PERM, NULL, "%s: expected a file that can be read: %s", name, strerror(errno));
	got = file_read(fd, out, e);
	close(fd);
	return got == 0 ? 0 : err_in(e, "%s", name);
}

int
routeauth_files(const struct conf *c, int at, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_ROUTEAUTH, &lines);
	int got = 0;

	for (uint32_t i = 0; i < n && got == 0; i++) {
		struct routeauth r;
		struct buf secret;

		buf_init(&secret, ROUTEAUTH_SECRET);
		got = routeauth_parse(lines[i], &r, e) == -1 ? -1 : routeauth_read(at, &r, &secret, e);
		if (secret.p != NULL)
			explicit_bzero(secret.p, secret.cap);
		buf_free(&secret);
		if (got == -1)
			err_in(e, "routeauth:%u", c->v[CONF_ROUTEAUTH].lineno[i]);
	}
	return got;
}
