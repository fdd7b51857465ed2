/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/directory.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/log.h"
#include "lib/mailbox.h"

void
directory_take(struct directory *d, const struct capsdb *db)
{
	if (d->have_db)
		capsdb_close(&d->db);
	d->have_db = db != NULL;
	if (db != NULL)
		d->db = *db;
}

int
directory_replace(struct directory *d, int caps_fd, struct err *e)
{
	struct capsdb db;

	if (capsdb_open(&db, caps_fd, e) == -1)
		return -1;
	directory_take(d, &db);
	return 0;
}

int
directory_open(struct directory *d, const struct conf *conf, const struct capslog *log, const struct probe *probe,
    int caps_fd, struct err *e)
{
	*d = (struct directory){ .conf = conf, .log = log, .probe = probe };
	return caps_fd == -1 ? 0 : directory_replace(d, caps_fd, e);
}

/* The i'th of capsources. */
static enum cap_source
source_of(const struct span *lines, uint32_t i)
{
	struct capsource s;
	struct err e;

	return capsource_parse(lines[i], &s, &e) == -1 ? SOURCE_NONE : s.source;
}

bool
directory_asks(const struct directory *d, enum cap_source source)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_CAPSOURCES, &lines);

	return capsources_have(lines, n, source);
}

static enum cap_state
find_compiled(const struct directory *d, struct span addr, struct cap_entry *out)
{
	struct err e = { 0 };
	bool any = false;
	int r;

	if (!d->have_db)
		return CAP_NONE;
	r = capsdb_get(&d->db, addr, &out->text, &any, &e);
	if (r == -1) {
		log_line(LOG_ERR, NULL, "caps-unreadable", "why=%s", log_q(e.what));
		return CAP_TEMP;
	}
	return r == 0 ? CAP_NONE : any ? CAP_ANY : CAP_KNOWN;
}

static enum cap_state
find_kept(const struct directory *d, enum cap_source source, struct span addr, uint64_t now_s,
    struct cap_entry *out)
{
	struct err e = { 0 };
	struct buf key;
	int r;

	if (d->log == NULL)
		return CAP_TEMP;
	buf_init(&key, CAPSLOG_KEY);
	if (address_key(addr, &key, &e) == -1) {
		buf_free(&key);
		return e.kind == ERR_PERM ? CAP_NONE : CAP_TEMP;	/* too long for any key */
	}
	r = capslog_get(d->log, source, buf_view(&key), now_s, out);
	buf_free(&key);
	return r == 0 ? CAP_NONE : out->state;
}

/* Of addresses here this directory is what others would ask. */
static bool
is_ours(const struct directory *d, struct span addr)
{
	struct span domain = address_domain(addr);
	char lower[ADDRESS_MAX_DOMAIN + 1];
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_LOCALS, &lines);

	if (domain.n >= sizeof lower)
		return false;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = (char)ascii_lower(domain.p[i]);
	return domains_have(lines, n, span_of(lower, domain.n));
}

static enum cap_state
find_probed(const struct directory *d, struct span addr, struct cap_entry *out, enum probe_state *probe)
{
	*probe = d->probe == NULL || is_ours(d, addr) ? PROBE_NEVER : probe_get(d->probe, addr, clock_ms(), out);
	return *probe == PROBE_COUNTS ? out->state : CAP_NONE;
}

void
directory_find(const struct directory *d, struct span addr, uint64_t now_s, struct cap_entry *out,
    enum probe_state *probe)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_CAPSOURCES, &lines);
	bool temp = false;

	*probe = PROBE_NEVER;
	for (uint32_t i = 0; i < n; i++) {
		enum cap_source source = source_of(lines, i);
		enum cap_state state;

		*out = (struct cap_entry){ .text = { NULL, 0 } };
		state = source == SOURCE_CDB ? find_compiled(d, addr, out) :
		    source == SOURCE_PROBE ? find_probed(d, addr, out, probe) :
		    find_kept(d, source, addr, now_s, out);
		out->source = source;
		out->state = state;
		if (state == CAP_KNOWN || state == CAP_ANY)
			return;
		temp = temp || state == CAP_TEMP;
	}
	*out = (struct cap_entry){ .state = temp ? CAP_TEMP : CAP_NONE };
}

int
directory_mailbox(const struct directory *d, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_MAILBOXES, &lines);
	struct span delivery;

	return mailbox_find(lines, n, addr, &delivery) == 1;
}
