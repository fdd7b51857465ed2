/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/known.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/fileio.h"
#include "lib/recipients.h"

enum { KNOWN_TEXT = 1 << 30, KNOWN_KEY = ADDRESS_MAX + 2, KNOWN_PATH = 512 };

int
known_make_start(struct known_make *m, int fd, struct err *e)
{
	m->n = m->naliases = 0;
	return cdb_make_start(&m->cdb, fd) == -1 ? err_sys(e, "known addresses") : 0;
}

int
known_make_end(struct known_make *m, struct err *e)
{
	return cdb_make_finish(&m->cdb) == -1 ? err_sys(e, "known addresses") : 0;
}

static int
put(struct known_make *m, struct span key, struct err *e)
{
	int r = cdb_make_put(&m->cdb, key.p, (unsigned)key.n, "", 0, CDB_PUT_INSERT);

	if (r == -1)
		return err_sys(e, "known addresses");
	m->n += r == 0;
	return 0;
}

int
known_make_add(struct known_make *m, struct span addr, struct err *e)
{
	struct buf key;
	int r;

	if (address_check_utf8(addr, e) == -1 || !address_ascii(address_domain(addr)))
		return err_set(e, ERR_PERM, NULL, "expected an address, its domain in A-labels");
	buf_init(&key, KNOWN_KEY);
	r = address_key(addr, &key, e) == -1 ? -1 : put(m, buf_view(&key), e);
	buf_free(&key);
	return r;
}

/* --- what the setting recipients names --- */

/* An address of a line for domain; a local part alone is one of that domain.  One of another domain is for another
 * line. */
static int
add_word(struct known_make *m, struct span domain, struct span word, struct err *e)
{
	struct span of = address_domain(word);
	struct buf addr;
	int r;

	if (of.n > 0)
		return domain_rank(domain, of) > 0 ? known_make_add(m, word, e) : 0;
	if (domain.p[0] == '.' || span_is(domain, "*"))
		return err_set(e, ERR_PERM, NULL, "expected an address with its domain, since the line is for more "
		    "than one");
	buf_init(&addr, 2 * ADDRESS_MAX);
	r = buf_add(&addr, word, e);
	if (r == 0)
		r = buf_add_byte(&addr, '@', e);
	if (r == 0)
		r = buf_add(&addr, domain, e);
	if (r == 0)
		r = known_make_add(m, buf_view(&addr), e);
	buf_free(&addr);
	return r;
}

/* Without comment and white space; a quoted local part may hold both. */
static struct span
word_of(struct span line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		if (quoted && line.p[i] == '\\')
			i++;
		else if (line.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && line.p[i] == '#' && (i == 0 || ascii_wsp(line.p[i - 1])))
			return span_trim(span_sub(line, 0, i));
	}
	return span_trim(line);
}

static int
add_text(struct known_make *m, struct span domain, int fd, const char *path, struct err *e)
{
	struct span rest, line, word;
	struct buf text;
	uint32_t n = 0;
	int r;

	buf_init(&text, KNOWN_TEXT);
	if ((r = fileio_read(fd, &text, e)) == -1)
		err_in(e, "%s", path);
	rest = buf_view(&text);
	while (r == 0 && span_line(&rest, &line)) {
		n++;
		word = word_of(line);
		if (word.n > 0 && (r = add_word(m, domain, word, e)) == -1)
			err_in(e, "%s:%u", path, n);
	}
	buf_free(&text);
	return r;
}

/* Its keys are addresses as they are looked up, so those of caps.cdb do too; "@domain" names nobody. */
static int
add_database(struct known_make *m, struct span domain, int fd, const char *path, struct err *e)
{
	struct cdb from;
	unsigned at;
	int r, got;

	if (cdb_init(&from, fd) == -1)
		return err_set(e, ERR_PERM, NULL, "%s: expected a constant database (cdb)", path);
	cdb_seqinit(&at, &from);
	for (r = 0; r == 0 && (got = cdb_seqnext(&at, &from)) > 0;) {
		const void *p = cdb_getkey(&from);
		struct span key = span_of(p, p == NULL ? 0 : cdb_keylen(&from));
		size_t mark = span_rfind(key, '@');

		if (mark > 0 && mark < key.n && domain_rank(domain, span_sub(key, mark + 1, key.n)) > 0)
			r = put(m, key, e);
	}
	if (r == 0 && got < 0)
		r = err_set(e, ERR_PERM, NULL, "%s: the database is damaged", path);
	cdb_free(&from);
	return r;
}

static int
add_line(struct known_make *m, const struct recipients_line *line, int dir_fd, struct err *e)
{
	char path[KNOWN_PATH];
	int fd, r;

	if (line->arg.n >= sizeof path)
		return err_set(e, ERR_PERM, NULL, "expected a path of less than %zu octets", sizeof path);
	span_text(line->arg, path, sizeof path);
	fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", path);
	r = line->source == RECIPIENTS_FILE ? add_text(m, line->domain, fd, path, e) :
	    add_database(m, line->domain, fd, path, e);
	close(fd);
	return r;
}

static bool
in_a_file(enum recipients_source source)
{
	return source == RECIPIENTS_FILE || source == RECIPIENTS_CDB;
}

int
known_make_recipients(struct known_make *m, const struct conf *c, int dir_fd, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_RECIPIENTS, &lines);

	for (uint32_t i = 0; i < n; i++) {
		struct recipients_line line;

		if (recipients_parse(lines[i], &line, e) == -1 ||
		    (in_a_file(line.source) && add_line(m, &line, dir_fd, e) == -1))
			return err_in(e, "recipients:%u", c->v[CONF_RECIPIENTS].lineno[i]);
	}
	return 0;
}

bool
known_is_wanted(const struct conf *c)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_RECIPIENTS, &lines);
	struct recipients_line line;
	struct err ignored;

	if (c->v[CONF_ALIASES].n > 0)
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (recipients_parse(lines[i], &line, &ignored) == 0 && in_a_file(line.source))
			return true;
	return false;
}

/* --- to look into one --- */

int
known_open(struct known *k, int fd, struct err *e)
{
	if (cdb_init(&k->cdb, fd) == 0)
		return 0;
	err_sys(e, "known addresses");
	close(fd);
	return -1;
}

void
known_close(struct known *k)
{
	close(cdb_fileno(&k->cdb));
	cdb_free(&k->cdb);
}

int
known_has(const struct known *k, struct span addr, struct err *e)
{
	struct cdb c = k->cdb;		/* the search keeps its place in it */
	struct buf key;
	int r;

	buf_init(&key, KNOWN_KEY);
	if (address_key(addr, &key, e) == -1) {
		buf_free(&key);
		return e->kind == ERR_PERM ? 0 : -1;	/* too long for any key */
	}
	r = cdb_find(&c, key.p, (unsigned)key.n);
	buf_free(&key);
	return r >= 0 ? r > 0 : err_set(e, ERR_TEMP, "4.3.0", "the database of known addresses is damaged");
}
