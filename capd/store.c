/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/store.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/log.h"

static const char file_name[] = "entries";

/* The sources that are kept here. */
static const enum cap_source kept[] = { SOURCE_OWN, SOURCE_LEARNED };
enum { NKEPT = sizeof kept / sizeof *kept };

void
store_open(struct store *s, int dir_fd)
{
	struct err e = { 0 };

	*s = (struct store){ .log = { .fd = -1 } };
	if (dir_fd == -1)
		return;
	s->open = capslog_open(&s->log, dir_fd, file_name, &e) == 0;
	if (!s->open)
		log_line(LOG_ERR, NULL, "entries-unreadable", "why=%s", log_q(e.what));
	else if (s->log.damaged > 0 || s->log.cut > 0)
		log_line(LOG_WARN, NULL, "entries-damaged", "octets=%llu cut=%llu",
		    (unsigned long long)s->log.damaged, (unsigned long long)s->log.cut);
}

const struct capslog *
store_log(const struct store *s)
{
	return s->open ? &s->log : NULL;
}

/* Forgets what each source says of the key. */
static int
forget(struct store *s, struct span key, struct cap_entry *v, struct err *e)
{
	int r = 0;

	for (int i = 0; r == 0 && i < NKEPT; i++) {
		v->source = kept[i];
		r = capslog_put(&s->log, key, v, UINT32_MAX, e);
	}
	return r;
}

/* A report that says what one said a short while ago: each entry is a flush, and reports come
 * from outside. */
static bool
is_fresh(const struct store *s, struct span key, const struct cap_entry *v)
{
	struct cap_entry old;

	return v->source == SOURCE_LEARNED && capslog_get(&s->log, v->source, key, v->since_s, &old) == 1 &&
	    old.state == v->state && span_eq(old.text, v->text) && v->since_s >= old.since_s &&
	    v->since_s - old.since_s < STORE_FRESH_S;
}

/* Reports have the half of it, so that they leave room for owners. */
static uint32_t
room_for(const struct directory *d, enum cap_source source)
{
	uint32_t max = (uint32_t)conf_number(d->conf, CONF_CAPSMAX);

	return source == SOURCE_LEARNED ? max / 2 : max;
}

/* v has all but the text as it is kept. */
static int
keep(struct store *s, const struct directory *d, struct span key, struct span text, struct cap_entry *v,
    struct err *e)
{
	struct buf out;
	int r = 0;

	if (v->state != CAP_NONE && !directory_asks(d, v->source))
		return err_set(e, ERR_PERM, "5.3.5", "the setting capsources has no line \"%s\": it would "
		    "have no effect", capsource_name(v->source));
	buf_init(&out, MSG_MAX - sizeof(struct msg_cap));	/* or it could not be told */
	if (v->state == CAP_KNOWN)
		r = capsdb_expression(text, &out, e);
	v->text = buf_view(&out);
	if (r == 0 && !is_fresh(s, key, v))
		r = capslog_put(&s->log, key, v, room_for(d, v->source), e);
	buf_free(&out);
	return r;
}

int
store_set(struct store *s, const struct directory *d, const struct msg_cap_set *m, struct err *e)
{
	struct span addr = span_of(m + 1, m->addr_len), text = span_of(addr.p + addr.n, m->len);
	struct cap_entry v = { (enum cap_source)m->source, (enum cap_state)m->state, { NULL, 0 },
	    (uint64_t)(clock_us() / 1000000), m->ttl_s };
	struct buf key;
	int r;

	if (!s->open)
		return err_set(e, ERR_TEMP, "4.3.0", "capd cannot read what it keeps; its log says why");
	if (addr.n == 0)
		return capslog_purge(&s->log, e);
	if (address_check(addr, e) == -1)
		return -1;
	buf_init(&key, CAPSLOG_KEY);
	r = address_key(addr, &key, e);
	if (r == 0)
		r = v.source == SOURCE_NONE ? forget(s, buf_view(&key), &v, e) :
		    keep(s, d, buf_view(&key), text, &v, e);
	buf_free(&key);
	return r;
}
