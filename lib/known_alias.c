/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/known_alias.c - files of aliases into the database of lib/known.h, and out of it. */
#include "lib/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/alias.h"
#include "lib/aliasfile.h"
#include "lib/fileio.h"

enum {
	FILE_TEXT = 64 * 1024 * 1024, PATH_MAX_SHOWN = 512, KEY = ADDRESS_MAX + 4,
	MARK = '\n'		/* in front of an alias's key: no address has it */
};

static int
key_of(struct span local, struct span domain, struct buf *key, struct err *e)
{
	struct buf addr;
	int r;

	buf_init(&addr, KEY);
	buf_clear(key);
	r = buf_add(&addr, local, e);
	if (r == 0)
		r = buf_add_byte(&addr, '@', e);
	if (r == 0)
		r = buf_add(&addr, domain, e);
	if (r == 0)
		r = buf_add_byte(key, MARK, e);
	if (r == 0)
		r = address_key(buf_view(&addr), key, e);
	buf_free(&addr);
	return r;
}

/* --- to make --- */

/* One line of the setting, being read. */
struct reading { struct known_make *m; int dir_fd; struct span domains; };

static int
put(struct known_make *m, struct span name, struct span domain, struct span list, struct err *e)
{
	struct buf key;
	int r;

	buf_init(&key, KEY);
	r = key_of(name, domain, &key, e);
	if (r == 0) {
		r = cdb_make_put(&m->cdb, key.p, (unsigned)key.n, list.p, (unsigned)list.n, CDB_PUT_INSERT);
		if (r == -1)
			err_sys(e, "aliases");
		else if (r == 1)
			r = err_set(e, ERR_PERM, NULL, "expected each name once in a domain; \"%.*s\" was there before",
			    (int)name.n, (const char *)name.p);
	}
	buf_free(&key);
	m->naliases += r == 0;
	return r;
}

static int
add_word(struct buf *list, struct span word, struct err *e)
{
	if ((list->n > 0 && buf_add_byte(list, ',', e) == -1) || buf_add(list, word, e) == -1)
		return e->kind == ERR_TEMP ? -1 : err_set(e, ERR_PERM, NULL, "expected at most %d octets of addresses",
		    ALIASFILE_LIST);
	return 0;
}

static int
judge_word(struct span word, struct err *e)
{
	struct buf addr;
	bool plain;
	int r;

	buf_init(&addr, 2 * ADDRESS_MAX + 2);
	r = alias_address(word, span_str("x"), &plain, &addr, e);
	buf_free(&addr);
	return r;
}

/* A regular file that not everybody can write. */
static int
file_open(int dir_fd, const char *path, struct buf *text, struct err *e)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), r = -1;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(e, ERR_PERM, NULL, "%s: expected a regular file", path);
	else if (st.st_mode & S_IWOTH)
		err_set(e, ERR_PERM, NULL, "%s: expected a file that not everybody can write", path);
	else if ((r = fileio_read(fd, text, e)) == -1)
		err_in(e, "%s", path);
	if (fd != -1)
		close(fd);
	return r;
}

/* What an included file has.  Somebody else may own it, and the administrator reads what is said of it: none of its
 * octets are shown. */
static int
include_text(struct buf *list, struct span text, const char *path, struct err *e)
{
	struct aliasfile f = { .rest = text };
	struct span line, word;
	struct err why;
	int r;

	while (aliasfile_line(&f, &line)) {
		while ((r = alias_next(&line, &word, &why)) == 1)
			if (judge_word(word, &why) == -1 || add_word(list, word, &why) == -1) {
				r = -1;
				break;
			}
		if (r == -1)
			return why.kind == ERR_TEMP ? (*e = why, -1) :
			    err_set(e, ERR_PERM, NULL, "%s:%u: expected addresses, or there are too many", path, f.at);
	}
	return 0;
}

static int
include(const struct reading *g, struct buf *list, struct span name, struct err *e)
{
	char path[PATH_MAX_SHOWN];
	struct buf text;
	int r;

	if (name.n == 0 || name.n >= sizeof path)
		return err_set(e, ERR_PERM, NULL, "expected :include:PATH, of less than %zu octets", sizeof path);
	span_text(name, path, sizeof path);
	buf_init(&text, FILE_TEXT);
	r = file_open(g->dir_fd, path, &text, e);
	if (r == 0)
		r = include_text(list, buf_view(&text), path, e);
	buf_free(&text);
	return r;
}

/* The list with what it includes in place. */
static int
resolve(const struct reading *g, struct span from, struct buf *list, struct err *e)
{
	static const char included[] = ":include:";
	struct span word;
	int r;

	buf_clear(list);
	while ((r = alias_next(&from, &word, e)) == 1) {
		struct span bare = word.n > 1 && word.p[0] == '"' && word.p[word.n - 1] == '"' ?
		    span_sub(word, 1, word.n - 1) : word;

		if (span_isi(span_sub(bare, 0, sizeof included - 1), included))
			r = include(g, list, span_trim(span_sub(bare, sizeof included - 1, bare.n)), e);
		else if ((r = judge_word(word, e)) == 0)
			r = add_word(list, word, e);
		if (r == -1)
			return -1;
	}
	return r;
}

static int
add_entry(const struct reading *g, struct span name, struct span from, struct buf *list, struct err *e)
{
	struct span rest = g->domains, domain;
	bool any = false;

	if (resolve(g, from, list, e) == -1)
		return -1;
	for (; span_word(&rest, &domain); any = true)
		if (put(g->m, name, domain, buf_view(list), e) == -1)
			return -1;
	return any ? 0 : put(g->m, name, span_of(NULL, 0), buf_view(list), e);
}

static int
add_file(const struct reading *g, struct span text, const char *path, struct err *e)
{
	struct aliasfile f = { .rest = text };
	struct buf name, from, list;
	int r;

	buf_init(&name, ALIASFILE_NAME);
	buf_init(&from, ALIASFILE_LIST);
	buf_init(&list, ALIASFILE_LIST);
	while ((r = aliasfile_next(&f, &name, &from, e)) == 1)
		if (add_entry(g, buf_view(&name), buf_view(&from), &list, e) == -1) {
			r = -1;
			break;
		}
	if (r == -1)
		err_in(e, "%s:%u", path, f.at);
	buf_free(&name);
	buf_free(&from);
	buf_free(&list);
	return r;
}

static int
add_line(struct known_make *m, struct span line, int dir_fd, struct err *e)
{
	struct reading g = { .m = m, .dir_fd = dir_fd };
	char path[PATH_MAX_SHOWN];
	struct span name;
	struct buf text;
	int r;

	if (aliasfile_setting(line, &name, &g.domains, e) == -1)
		return -1;
	if (name.n >= sizeof path)
		return err_set(e, ERR_PERM, NULL, "expected a path of less than %zu octets", sizeof path);
	span_text(name, path, sizeof path);
	buf_init(&text, FILE_TEXT);
	r = file_open(dir_fd, path, &text, e);
	if (r == 0)
		r = add_file(&g, buf_view(&text), path, e);
	buf_free(&text);
	return r;
}

int
known_make_aliases(struct known_make *m, const struct conf *c, int dir_fd, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_ALIASES, &lines);

	for (uint32_t i = 0; i < n; i++)
		if (add_line(m, lines[i], dir_fd, e) == -1)
			return err_in(e, "aliases:%u", c->v[CONF_ALIASES].lineno[i]);
	return 0;
}

/* --- to look into it --- */

static int
find(const struct known *k, struct span local, struct span domain, struct span *list, struct err *e)
{
	struct cdb c = k->cdb;		/* the search keeps its place in it */
	struct buf key;
	int r;

	buf_init(&key, KEY);
	if (key_of(local, domain, &key, e) == -1) {
		buf_free(&key);
		return e->kind == ERR_PERM ? 0 : -1;	/* too long for any key */
	}
	r = cdb_find(&c, key.p, (unsigned)key.n);
	buf_free(&key);
	if (r > 0)
		*list = span_of(cdb_getdata(&c), cdb_datalen(&c));
	if (r < 0 || (r > 0 && list->p == NULL))
		return err_set(e, ERR_TEMP, "4.3.0", "the database of aliases is damaged");
	return r > 0;
}

int
known_alias(const struct known *k, struct span addr, struct span *list, struct err *e)
{
	struct span local = address_local(addr);
	int r = find(k, local, address_domain(addr), list, e);

	return r != 0 ? r : find(k, local, span_of(NULL, 0), list, e);
}
