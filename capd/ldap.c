/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/ldap.h"

#include "lib/address.h"

/* How long answers count is a part of the key, as the line is: a question has no other place for it. */
struct key_head { unsigned char name[SHA256_DIGEST]; uint32_t cache_s, negative_s; };
enum { KEY_MAX = sizeof(struct key_head) + 2 * ADDRESS_MAX };

void
ldap_open(struct ldap *l)
{
	static const struct asked_limits limits = { LDAP_ENTRIES, LDAP_QUESTIONS, LDAP_OCTETS, LDAP_LOST_S * 1000 };

	asked_init(&l->asked, &limits);
}

void
ldap_close(struct ldap *l)
{
	asked_free(&l->asked);
}

static int
key_make(struct span line, struct span addr, struct buf *key, struct err *e)
{
	struct key_head head;
	struct ldap_line parsed;

	if (ldapline_parse(line, &parsed, e) == -1)
		return -1;
	head = (struct key_head){ .cache_s = parsed.cache_s, .negative_s = parsed.negative_s };
	ldapline_name(line, head.name);
	return buf_add(key, span_of(&head, sizeof head), e) == -1 ? -1 : address_key(addr, key, e);
}

enum asked_state
ldap_get(const struct ldap *l, struct span line, struct span addr, int64_t now_ms, struct ldap_known *out)
{
	const struct asked_entry *at;
	enum asked_state state = ASKED_NEVER;
	struct err ignored;
	struct buf key;

	buf_init(&key, KEY_MAX);
	if (key_make(line, addr, &key, &ignored) == 0) {
		at = asked_find(&l->asked, buf_view(&key));
		state = asked_state(at, now_ms);
		if (state == ASKED_COUNTS)
			*out = (struct ldap_known){ at->found, { .state = at->state, .text = buf_view(&at->text),
			    .since_s = at->since_s } };
	}
	buf_free(&key);
	return state;
}

int
ldap_ask(struct ldap *l, struct span line, struct span addr, int64_t now_ms, uint32_t *number, struct err *e)
{
	struct asked_entry *at = NULL;
	struct buf key;
	int r;

	buf_init(&key, KEY_MAX);
	if ((r = key_make(line, addr, &key, e)) == 0) {
		if (asked_room(&l->asked, key.n, now_ms))
			at = asked_begin(&l->asked, buf_view(&key), now_ms, e);
		if (at != NULL)
			*number = at->number;
		else
			r = err_set(e, ERR_TEMP, "4.3.3", "too many questions to directories at once");
	}
	buf_free(&key);
	return r;
}

bool
ldap_told(struct ldap *l, uint32_t number, uint32_t found, const struct cap_entry *said, int64_t now_ms,
    struct err *e)
{
	struct asked_entry *at = asked_end(&l->asked, number);
	struct key_head head;
	int64_t lasts_s;

	*e = (struct err){ 0 };
	if (at == NULL)
		return false;
	memcpy(&head, at->key.p, sizeof head);
	at->found = found;
	at->since_s = said->since_s;
	asked_keep(&l->asked, at, found == 2 ? CAP_TEMP : found == 0 ? CAP_NONE : said->state, said->text, e);
	lasts_s = found == 2 || at->state == CAP_TEMP ? LDAP_LATER_S : found == 1 ? head.cache_s : head.negative_s;
	at->until_ms = now_ms + lasts_s * 1000;
	return true;
}

void
ldap_lost(struct ldap *l)
{
	asked_lost(&l->asked);
}

void
ldap_forget(struct ldap *l)
{
	asked_forget(&l->asked, NULL);
}
