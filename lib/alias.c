/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/alias.h"

#include "lib/address.h"

/* Where the word ends: at a comma outside quotes, or with the text.  false: within quotes. */
static bool
word_end(struct span s, size_t *end)
{
	bool quoted = false;
	size_t i = 0;

	for (; i < s.n && (quoted || s.p[i] != ','); i++) {
		if (s.p[i] == '\\' && quoted && i + 1 < s.n)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
	}
	*end = i;
	return !quoted;
}

int
alias_next(struct span *rest, struct span *word, struct err *e)
{
	size_t end;

	while (rest->n > 0) {
		if (!word_end(*rest, &end))
			return err_set(e, ERR_PERM, NULL, "expected a quote's end");
		*word = span_trim(span_sub(*rest, 0, end));
		*rest = span_sub(*rest, end + 1, rest->n);
		if (word->n > 0)
			return 1;
	}
	return 0;
}

/* What is no address in other programs' files of aliases: "|program", "/file", ":include:/path". */
static const char *
no_address(struct span word)
{
	if (word.p[0] == '"' && word.n > 1)	/* "|program with words", as a quoted string */
		word = span_sub(word, 1, word.n);
	switch (word.p[0]) {
	case '|':
		return "a program";
	case '/':
		return "a file";
	case ':':
		return "a file of addresses";
	default:
		return NULL;
	}
}

int
alias_address(struct span word, struct span domain, bool *plain, struct buf *out, struct err *e)
{
	size_t start = out->n;
	char shown[80];
	const char *what;
	struct err why;

	span_text(word, shown, sizeof shown);
	*plain = word.n > 0 && word.p[0] == '\\';
	if (*plain)
		word = span_sub(word, 1, word.n);
	if (word.n > 2 && word.p[0] == '<' && word.p[word.n - 1] == '>')
		word = span_sub(word, 1, word.n - 1);
	if (word.n == 0)
		return err_set(e, ERR_PERM, NULL, "expected an address, not \"%s\"", shown);
	if ((what = no_address(word)) != NULL && address_domain(word).n == 0)
		return err_set(e, ERR_PERM, NULL, "expected an address: %s is delivered to by a line of mailboxes, "
		    "not from here: \"%s\"", what, shown);
	if (buf_add(out, word, e) == -1)
		return -1;
	if (address_domain(word).n == 0 && domain.n > 0 &&
	    (buf_add_byte(out, '@', e) == -1 || buf_add(out, domain, e) == -1)) {
		out->n = start;
		return -1;
	}
	if (address_check(span_sub(buf_view(out), start, out->n), &why) == 0)
		return 0;
	out->n = start;
	return err_set(e, ERR_PERM, NULL, "expected an address, not \"%s\"", shown);
}

int
alias_check(struct span list, bool complete, struct err *e)
{
	struct span word;
	struct buf addr;
	uint32_t n = 0;
	bool plain;
	int r;

	buf_init(&addr, 2 * ADDRESS_MAX + 2);
	while ((r = alias_next(&list, &word, e)) == 1) {
		buf_clear(&addr);
		r = alias_address(word, span_str(complete ? "" : "x"), &plain, &addr, e);
		if (r == 0 && complete && plain)
			r = err_set(e, ERR_PERM, NULL, "expected an address without a backslash");
		if (r == -1)
			break;
		n++;
	}
	buf_free(&addr);
	if (r == 0 && n == 0)
		return err_set(e, ERR_PERM, NULL, "expected alias:ADDRESS[,ADDRESS...]");
	return r;
}

/* An address in the form of a domain of ours; empty where it is none. */
static void
key_of(struct span addr, struct buf *out)
{
	struct err e;

	buf_clear(out);
	if (addr.n == 0 || address_key(addr, out, &e) == -1)
		buf_clear(out);
}

bool
alias_was_there(struct span header, struct span addr)
{
	static const char name[] = "delivered-to:";
	struct span line;
	struct buf key, one;
	bool found = false;

	buf_init(&key, 4 * ADDRESS_MAX);
	buf_init(&one, 4 * ADDRESS_MAX);
	key_of(addr, &key);
	while (!found && key.n > 0 && span_line(&header, &line) && line.n > 0) {
		if (!span_isi(span_sub(line, 0, sizeof name - 1), name))
			continue;
		key_of(span_trim(span_sub(line, sizeof name - 1, line.n)), &one);
		found = span_eq(buf_view(&one), buf_view(&key));
	}
	buf_free(&key);
	buf_free(&one);
	return found;
}
