/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/tlscert.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/confline.h"
#include "lib/fileio.h"

enum { PATH_SIZE = 1024 };

/* --- the line --- */

int
tlscert_parse(struct span line, struct tlscert *out, struct err *e)
{
	struct span rest = line, more, host;

	if (!span_word(&rest, &out->name) || !span_word(&rest, &out->cert) || !span_word(&rest, &out->key) ||
	    span_word(&rest, &more))
		return err_set(e, ERR_PERM, NULL, "expected NAME CERTFILE KEYFILE, or * CERTFILE KEYFILE");
	host = out->name.n > 2 && out->name.p[0] == '*' && out->name.p[1] == '.' ?
	    span_sub(out->name, 2, out->name.n) : out->name;
	if (!span_is(out->name, "*") && hostname_check(host, e) == -1)
		return err_set(e, ERR_PERM, NULL, "expected a host's name, *.DOMAIN or * before CERTFILE KEYFILE");
	return 0;
}

int
tlscert_check(struct span line, struct err *e)
{
	struct tlscert t;

	return tlscert_parse(line, &t, e);
}

bool
tlscert_fits(struct span pattern, struct span name)
{
	size_t dot = span_find(name, '.');

	if (pattern.n > 2 && pattern.p[0] == '*')
		return dot > 0 && dot < name.n &&
		    span_eqi(span_sub(pattern, 1, pattern.n), span_sub(name, dot, name.n));
	return span_eqi(pattern, name);
}

/* --- files --- */

static int
file_add(int at, struct span path, struct buf *out, struct err *e)
{
	char name[PATH_SIZE];
	struct buf text;
	struct stat st;
	int fd, r = 0;

	if (path.n >= sizeof name)
		return err_set(e, ERR_PERM, NULL, "expected a shorter file name");
	span_text(path, name, sizeof name);
	fd = openat(at, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return err_set(e, ERR_PERM, NULL, "%s: expected a file that can be read: %s", name, strerror(errno));
	buf_init(&text, TLSCERT_FILE_MAX);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size > TLSCERT_FILE_MAX)
		r = err_set(e, ERR_PERM, NULL, "%s: expected a regular file of at most %d octets", name,
		    TLSCERT_FILE_MAX);
	else if (fileio_read(fd, &text, e) == -1)
		r = err_in(e, "%s", name);
	if (r == 0)
		r = buf_add_u32le(out, (uint32_t)text.n, e);
	if (r == 0)
		r = buf_add(out, buf_view(&text), e);
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_free(&text);
	close(fd);
	return r;
}

int
tlscert_in_line(const struct conf *c, uint32_t n, struct err *e)
{
	return err_in(e, "tlscert:%u", c->v[CONF_TLSCERT].lineno[n]);
}

int
tlscert_read(const struct conf *c, int at, bool keys, struct buf *out, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_TLSCERT, &lines);

	if (n > TLSCERT_MAX)
		return err_set(e, ERR_PERM, NULL, "tlscert: expected at most %d lines", TLSCERT_MAX);
	for (uint32_t i = 0; i < n; i++) {
		struct tlscert t;

		if (tlscert_parse(lines[i], &t, e) == -1 || file_add(at, t.cert, out, e) == -1 ||
		    (keys ? file_add(at, t.key, out, e) : buf_add_u32le(out, 0, e)) == -1)
			return tlscert_in_line(c, i, e);
	}
	return 0;
}

/* The next text, or p NULL. */
static struct span
text_next(struct span *all)
{
	struct span out = { NULL, 0 };
	uint32_t n;

	if (all->n < 4)
		return out;
	n = (uint32_t)all->p[0] | (uint32_t)all->p[1] << 8 | (uint32_t)all->p[2] << 16 | (uint32_t)all->p[3] << 24;
	if (n > all->n - 4)
		return out;
	out = span_sub(*all, 4, 4 + (size_t)n);
	*all = span_sub(*all, 4 + (size_t)n, all->n);
	return out;
}

int
tlscert_entry(struct span all, uint32_t n, struct tlscert_files *out)
{
	for (uint32_t i = 0; i <= n; i++) {
		out->cert = text_next(&all);
		out->key = text_next(&all);
		if (out->cert.p == NULL || out->key.p == NULL)
			return -1;
	}
	return 0;
}
