/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/ldapfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cur.h"
#include "lib/fileio.h"

enum { PATH_SIZE = 1024, PASSWORD_TEXT = 128 * 1024 };

/* secret: nobody but its owner may read it. */
static int
read_file(int dir_fd, struct span name, bool secret, struct buf *out, struct err *e)
{
	char path[PATH_SIZE];
	struct stat st;
	int fd, r;

	if (name.n >= sizeof path)
		return err_set(e, ERR_PERM, NULL, "expected a path of less than %zu octets", sizeof path);
	span_text(name, path, sizeof path);
	fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		r = err_sys(e, "%s", path);
	else if (secret && st.st_mode & (S_IRWXG | S_IRWXO))
		r = err_set(e, ERR_PERM, NULL, "%s: expected a file that nobody but its owner can read (mode 600)", path);
	else if ((r = fileio_read(fd, out, e)) == -1)
		err_in(e, "%s", path);
	if (fd != -1)
		close(fd);
	return r;
}

static int
add_field(struct buf *out, struct span s, struct err *e)
{
	return buf_add_u32le(out, (uint32_t)s.n, e) == -1 ? -1 : buf_add(out, s, e);
}

static int
add_password(const struct ldap_line *l, int dir_fd, struct buf *out, struct err *e)
{
	struct span rest, line = { NULL, 0 };
	struct buf text;
	int r = 0;

	buf_init(&text, PASSWORD_TEXT);
	if (l->password.n > 0)
		r = read_file(dir_fd, l->password, true, &text, e);
	rest = buf_view(&text);
	if (r == 0 && l->password.n > 0 && (!span_line(&rest, &line) || line.n == 0 ||
	    line.n > LDAPFILE_PASSWORD))
		r = err_set(e, ERR_PERM, NULL, "%.*s: expected a password in its first line", (int)l->password.n,
		    (const char *)l->password.p);
	if (r == 0)
		r = add_field(out, line, e);
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_free(&text);
	return r;
}

static int
add_authorities(const struct conf *c, const struct ldap_line *l, int dir_fd, struct buf *out, struct err *e)
{
	struct span name = l->ca.n > 0 ? l->ca : span_str(conf_string(c, CONF_TLSCA));
	struct buf text;
	int r = 0;

	buf_init(&text, LDAPFILE_CA);
	if (ldapline_has_tls(l))
		r = read_file(dir_fd, name, false, &text, e);
	if (r == 0)
		r = add_field(out, buf_view(&text), e);
	buf_free(&text);
	return r;
}

/* "capsources:2": where a directory is named. */
static int
in_its_line(const struct conf *c, struct span text, struct err *e)
{
	static const enum conf_id where[] = { CONF_CAPSOURCES, CONF_RECIPIENTS };

	for (size_t w = 0; w < 2; w++) {
		const struct span *lines;
		uint32_t n = conf_lines(c, where[w], &lines);

		for (uint32_t i = 0; i < n; i++)
			if (text.p >= lines[i].p && text.p + text.n <= lines[i].p + lines[i].n)
				return err_in(e, "%s:%u", conf_table[where[w]].name, c->v[where[w]].lineno[i]);
	}
	return -1;
}

int
ldapfile_read(const struct conf *c, int dir_fd, struct buf *out, struct err *e)
{
	struct span line[LDAPLINE_MAX];
	int n = ldaplines_of(c, line, e);

	for (int i = 0; i < n; i++) {
		struct ldap_line l;

		if (ldapline_parse(line[i], &l, e) == -1 || add_password(&l, dir_fd, out, e) == -1 ||
		    add_authorities(c, &l, dir_fd, out, e) == -1)
			return in_its_line(c, line[i], e);
	}
	return n == -1 ? -1 : 0;
}

static struct span
take_field(struct cur *c)
{
	return cur_take(c, cur_u32le(c));
}

int
ldapfile_get(struct span file, uint32_t i, struct ldap_secrets *out, struct err *e)
{
	struct cur c = cur_of(file);

	for (uint32_t at = 0; at <= i && !c.bad; at++) {
		out->password = take_field(&c);
		out->ca = take_field(&c);
	}
	return c.bad ? err_set(e, ERR_PROTO, NULL, "no secrets of directory %u", i) : 0;
}
