/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/aliasfile.h"

#include "lib/address.h"
#include "lib/confline.h"

/* Empty, or a comment. */
static bool
counts_not(struct span line)
{
	line = span_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

static int
add_line(struct buf *out, struct span line, struct err *e)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return err_set(e, ERR_PERM, NULL, "expected text without control characters");
	if (buf_add_byte(out, ' ', e) == -1 || buf_add(out, line, e) == -1)
		return e->kind == ERR_TEMP ? -1 : err_set(e, ERR_PERM, NULL, "expected at most %d octets of addresses",
		    ALIASFILE_LIST);
	return 0;
}

/* An entry's lines, joined.  1, 0, -1. */
static int
join_lines(struct aliasfile *f, struct buf *out, struct err *e)
{
	struct span ahead, line;

	while (ahead = f->rest, span_line(&ahead, &line)) {
		bool more = line.n > 0 && ascii_wsp(line.p[0]), empty = counts_not(line);

		if (!empty && !more && out->n > 0)
			return 1;
		f->rest = ahead;
		f->line++;
		if (empty)
			continue;
		if (out->n == 0)
			f->at = f->line;
		if (more && out->n == 0)
			return err_set(e, ERR_PERM, NULL, "expected NAME: before a line that goes on with it");
		if (add_line(out, line, e) == -1)
			return -1;
	}
	return out->n > 0;
}

/* The colon behind the name, or s.n. */
static size_t
find_colon(struct span s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == ':' && !quoted)
			return i;
	}
	return s.n;
}

/* A name is the local part of an address. */
static int
take_name(struct span s, struct buf *name, struct err *e)
{
	char shown[80];
	struct buf addr;
	struct err why;
	int r;

	span_text(s, shown, sizeof shown);
	buf_init(&addr, ALIASFILE_NAME + 2);
	r = s.n == 0 || address_domain(s).n > 0 || buf_add(&addr, s, &why) == -1 || buf_add_str(&addr, "@x", &why) == -1 ||
	    address_check(buf_view(&addr), &why) == -1;
	buf_free(&addr);
	if (r != 0)
		return err_set(e, ERR_PERM, NULL, "expected NAME: ADDRESS, not \"%s\" for a name", shown);
	return buf_add(name, s, e);
}

int
aliasfile_next(struct aliasfile *f, struct buf *name, struct buf *list, struct err *e)
{
	struct span all;
	size_t colon;
	int r;

	buf_clear(name);
	buf_clear(list);
	if ((r = join_lines(f, list, e)) != 1)
		return r;
	all = buf_view(list);
	colon = find_colon(all);
	if (colon == all.n)
		return err_set(e, ERR_PERM, NULL, "expected NAME: ADDRESS");
	if (take_name(span_trim(span_sub(all, 0, colon)), name, e) == -1)
		return -1;
	buf_eat(list, colon + 1);
	return 1;
}

bool
aliasfile_line(struct aliasfile *f, struct span *list)
{
	while (span_line(&f->rest, list)) {
		f->at = ++f->line;
		if (!counts_not(*list))
			return true;
	}
	return false;
}

int
aliasfile_setting(struct span line, struct span *path, struct span *domains, struct err *e)
{
	struct span rest = line, word;

	if (!span_word(&rest, path))
		return err_set(e, ERR_PERM, NULL, "expected PATH [DOMAIN…]");
	*domains = rest;
	while (span_word(&rest, &word))
		if (hostname_check(word, e) == -1)
			return err_set(e, ERR_PERM, NULL, "expected PATH [DOMAIN…], each DOMAIN a name of A-labels");
	return 0;
}

int
aliasfile_check(struct span line, struct err *e)
{
	struct span path, domains;

	return aliasfile_setting(line, &path, &domains, e);
}
