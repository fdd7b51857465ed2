/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/passwd.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>

static const char method[] = "$y$";	/* yescrypt */

bool
passwd_user_ok(struct span user)
{
	if (user.n == 0 || user.n > PASSWD_USER_MAX || user.p[0] == '#')
		return false;
	for (size_t i = 0; i < user.n; i++)
		if (user.p[i] <= ' ' || user.p[i] == 0x7f || user.p[i] == ':')
			return false;
	return true;
}

/* false: a line that names nobody. */
static bool
entry_of(struct span line, struct span *user, struct span *hash)
{
	if (line.n == 0 || line.p[0] == '#')
		return false;
	*user = span_sub(line, 0, span_find(line, ':'));
	*hash = span_sub(line, user->n + 1, line.n);
	return true;
}

static bool
find(struct span file, struct span wanted, struct span *hash)
{
	struct span line, user;

	while (span_line(&file, &line))
		if (entry_of(line, &user, hash) && span_eq(user, wanted))
			return true;
	return false;
}

/* Of a method that the library has; the shadow file's "*" and "!" are for nobody. */
static bool
hash_ok(struct span hash)
{
	char text[PASSWD_HASH_MAX];
	int r;

	if (hash.n == 0 || hash.n >= sizeof text || hash.p[0] != '$' || memchr(hash.p, '\0', hash.n) != NULL)
		return false;
	span_text(hash, text, sizeof text);
	r = crypt_checksalt(text);
	return r == CRYPT_SALT_OK || r == CRYPT_SALT_METHOD_LEGACY;
}

static int
by_octets(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return r != 0 ? r : x->n < y->n ? -1 : x->n > y->n;
}

static int
twice(struct span *users, size_t n, struct err *e)
{
	qsort(users, n, sizeof *users, by_octets);
	for (size_t i = 1; i < n; i++)
		if (span_eq(users[i - 1], users[i]))
			return err_set(e, ERR_PERM, NULL, "expected one line for %.*s", (int)users[i].n,
			    (const char *)users[i].p);
	return 0;
}

int
passwd_check(struct span file, struct err *e)
{
	struct span rest = file, line, user, hash, *users;
	size_t n = 0, cap = 1;
	uint32_t at = 0;
	int r = 0;

	for (size_t i = 0; i < file.n; i++)
		cap += file.p[i] == '\n';
	if ((users = calloc(cap, sizeof *users)) == NULL)
		return err_sys(e, "users");
	while (r == 0 && span_line(&rest, &line)) {
		at++;
		if (!entry_of(line, &user, &hash))
			continue;
		if (!passwd_user_ok(user) || !hash_ok(hash))
			r = err_set(e, ERR_PERM, NULL, "line %u: expected USER:HASH, as accord passwd writes it", at);
		else
			users[n++] = user;
	}
	if (r == 0)
		r = twice(users, n, e);
	free(users);
	return r;
}

static bool
word_ok(struct span word)
{
	if (word.n == 0 || word.n > PASSWD_WORD_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == '\0' || word.p[i] == '\n' || word.p[i] == '\r')
			return false;
	return true;
}

/* What crypt makes of the word; out "": it has not that method. */
static int
hashed(struct span word, const char *setting, char out[PASSWD_HASH_MAX], struct err *e)
{
	struct crypt_data *d = calloc(1, sizeof *d);
	char text[PASSWD_WORD_MAX + 1];
	const char *got;

	if (d == NULL)
		return err_sys(e, "crypt");
	span_text(word, text, sizeof text);
	got = crypt_r(text, setting, d);
	snprintf(out, PASSWD_HASH_MAX, "%s", got == NULL || got[0] == '*' ? "" : got);
	explicit_bzero(text, sizeof text);
	explicit_bzero(d, sizeof *d);
	free(d);
	return 0;
}

int
passwd_hash(struct span word, char out[PASSWD_HASH_MAX], struct err *e)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!word_ok(word))
		return err_set(e, ERR_PERM, NULL, "expected a password of 1 to %d octets in one line", PASSWD_WORD_MAX);
	if (crypt_gensalt_rn(method, 0, NULL, 0, salt, sizeof salt) == NULL)
		return err_sys(e, "crypt_gensalt");
	if (hashed(word, salt, out, e) == -1)
		return -1;
	return out[0] != '\0' ? 0 : err_set(e, ERR_TEMP, NULL, "the library has no yescrypt");
}

/* What to hash with for a user who is not there. */
static int
stand_in(struct span file, char out[PASSWD_HASH_MAX], struct err *e)
{
	struct span line, user, hash;

	while (span_line(&file, &line))
		if (entry_of(line, &user, &hash) && hash_ok(hash)) {
			span_text(hash, out, PASSWD_HASH_MAX);
			return 0;
		}
	return crypt_gensalt_rn(method, 0, NULL, 0, out, PASSWD_HASH_MAX) != NULL ? 0 :
	    err_sys(e, "crypt_gensalt");
}

/* Takes as long wherever they differ. */
static bool
same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char differ = 0;

	if (n == 0 || strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return differ == 0;
}

int
passwd_verify(struct span file, struct span user, struct span word, bool *yes, struct err *e)
{
	char want[PASSWD_HASH_MAX], got[PASSWD_HASH_MAX];
	struct span hash;
	bool known = passwd_user_ok(user) && find(file, user, &hash) && hash_ok(hash);

	*yes = false;
	if (!word_ok(word))
		return 0;
	if (known)
		span_text(hash, want, sizeof want);
	else if (stand_in(file, want, e) == -1)
		return -1;
	if (hashed(word, want, got, e) == -1)
		return -1;
	*yes = known && same(got, want);
	return 0;
}

static int
add_entry(struct buf *out, struct span user, const char *hash, struct err *e)
{
	return hash == NULL ? 0 : buf_addf(out, e, "%.*s:%s\n", (int)user.n, (const char *)user.p, hash);
}

int
passwd_replace(struct span file, struct span user, const char *hash, struct buf *out, bool *had, struct err *e)
{
	struct span line, name, old;
	int r = 0;

	*had = false;
	while (r == 0 && span_line(&file, &line))
		if (!entry_of(line, &name, &old) || !span_eq(name, user)) {
			r = buf_add(out, line, e) == -1 || buf_add_byte(out, '\n', e) == -1 ? -1 : 0;
		} else if (!*had) {
			*had = true;
			r = add_entry(out, user, hash, e);
		}
	return r == 0 && !*had ? add_entry(out, user, hash, e) : r;
}
