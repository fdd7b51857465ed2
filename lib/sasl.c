/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/sasl.h"

#include "lib/cur.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1: not of the alphabet. */
static int
six_bits(int c)
{
	const char *at = c <= 0 ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

static int
no_base64(struct err *e)
{
	return err_set(e, ERR_PERM, "5.5.2", "base64 is wanted, and nothing else");
}

/* Four characters, of which the last may be "=" in the last group.  How many octets they are; -1: none. */
static int
group(struct cur *c, unsigned char out[3])
{
	uint32_t v = 0;
	int pad = 0;

	for (int i = 0; i < 4; i++) {
		int o = cur_byte(c), six = six_bits(o);

		if (o == '=' && i >= 2)
			pad++;
		else if (six == -1 || pad > 0)
			return -1;
		v = v << 6 | (uint32_t)(six == -1 ? 0 : six);
	}
	if (pad > 0 && (cur_left(c) > 0 || (v & (pad == 1 ? 0xffu : 0xffffu)) != 0))
		return -1;
	out[0] = (unsigned char)(v >> 16), out[1] = (unsigned char)(v >> 8), out[2] = (unsigned char)v;
	return 3 - pad;
}

int
sasl_decode(struct span text, unsigned char *out, size_t cap, size_t *n, struct err *e)
{
	struct cur c = cur_of(text);

	*n = 0;
	while (cur_left(&c) > 0) {
		unsigned char three[3];
		int got = group(&c, three);

		if (got == -1)
			return no_base64(e);
		if ((size_t)got > cap - *n)
			return err_set(e, ERR_PERM, "5.5.6", "more than can be of use to log in");
		memcpy(out + *n, three, (size_t)got);
		*n += (size_t)got;
	}
	return 0;
}

void
sasl_encode(struct span in, char *out)
{
	for (size_t i = 0; i < in.n; i += 3) {
		uint32_t left = in.n - i < 3 ? (uint32_t)(in.n - i) : 3;
		uint32_t v = (uint32_t)in.p[i] << 16 | (left > 1 ? (uint32_t)in.p[i + 1] << 8 : 0) |
		    (left > 2 ? in.p[i + 2] : 0);

		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = left > 1 ? alphabet[v >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[v & 63] : '=';
	}
	*out = '\0';
}

bool
sasl_user_ok(struct span user)
{
	for (size_t i = 0; i < user.n; i++)
		if (user.p[i] < ' ' || user.p[i] == 0x7f)
			return false;
	return user.n > 0 && user.n <= SASL_USER_MAX;
}

int
sasl_plain(struct span message, struct span *user, struct span *word, struct err *e)
{
	size_t first = span_find(message, '\0');
	struct span as = span_sub(message, 0, first), rest = span_sub(message, first + 1, message.n);
	size_t second = span_find(rest, '\0');

	*user = span_sub(rest, 0, second);
	*word = span_sub(rest, second + 1, rest.n);
	if (first == message.n || second == rest.n || span_find(*word, '\0') != word->n)
		return err_set(e, ERR_PERM, "5.5.2", "PLAIN is [name] NUL name NUL password");
	if (as.n > 0 && !span_eq(as, *user))
		return err_set(e, ERR_PERM, "5.7.8", "nobody acts as another here");
	if (!sasl_user_ok(*user) || word->n == 0 || word->n > SASL_WORD_MAX)
		return err_set(e, ERR_PERM, "5.7.8", "wrong name or password");
	return 0;
}
