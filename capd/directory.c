/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/directory.h"

#include "lib/address.h"
#include "lib/aliases.h"
#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/log.h"
#include "lib/mailbox.h"
#include "lib/recipients.h"

enum { DIRECTORY_BASES = 3 };	/* spellings without an extension that are tried: an address may be all delimiters */

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
    const struct ldap *ldap, int caps_fd, struct err *e)
{
	*d = (struct directory){ .conf = conf, .log = log, .probe = probe, .ldap = ldap };
	return caps_fd == -1 ? 0 : directory_replace(d, caps_fd, e);
}

/* Of a line of capsources. */
static enum cap_source
source_of(struct span line)
{
	struct capsource s;
	struct err e;

	return capsource_parse(line, &s, &e) == -1 ? SOURCE_NONE : s.source;
}

bool
directory_asks(const struct directory *d, enum cap_source source)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_CAPSOURCES, &lines);

	return capsources_have(lines, n, source);
}

/* By the address, or by its domain. */
static enum cap_state
find_compiled(const struct directory *d, struct span addr, bool domain, struct cap_entry *out)
{
	struct err e = { 0 };
	bool any = false;
	int r;

	if (!d->have_db)
		return CAP_NONE;
	r = capsdb_get_by(&d->db, addr, domain, &out->text, &any, &e);
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
find_probed(const struct directory *d, struct span addr, struct cap_entry *out, enum asked_state *probe)
{
	*probe = d->probe == NULL || is_ours(d, addr) ? ASKED_NEVER : probe_get(d->probe, addr, clock_ms(), out);
	return *probe == ASKED_COUNTS ? out->state : CAP_NONE;
}

/* What a directory says; the first that has to be asked is noted. */
static uint32_t
find_in_ldap(const struct directory *d, struct span line, struct span addr, struct cap_entry *out,
    struct directory_want *want)
{
	struct ldap_known k = { 0 };
	enum asked_state state = d->ldap == NULL ? ASKED_NEVER : ldap_get(d->ldap, line, addr, clock_ms(), &k);

	if ((state == ASKED_DUE || state == ASKED_NOW) && want->ldap == ASKED_NEVER && addr.n <= sizeof want->addr) {
		want->ldap = state;
		want->line = line;
		want->naddr = addr.n;
		memcpy(want->addr, addr.p, addr.n);
	}
	*out = k.caps;
	return state == ASKED_COUNTS ? k.found : state == ASKED_NEVER ? 0 : 2;
}

static enum cap_state
find_once(const struct directory *d, struct span line, enum cap_source source, struct span addr, uint64_t now_s,
    struct cap_entry *out, struct directory_want *want)
{
	switch (source) {
	case SOURCE_CDB:
		return find_compiled(d, addr, false, out);
	case SOURCE_PROBE:
		return find_probed(d, addr, out, &want->probe);
	case SOURCE_LDAP:
		return find_in_ldap(d, line, addr, out, want) == 2 ? CAP_TEMP : out->state;
	default:
		return find_kept(d, source, addr, now_s, out);
	}
}

static const char *
delimiters(const struct directory *d)
{
	return delimiters_of(conf_string(d->conf, CONF_RECIPIENTDELIMITER));
}

/* Is it this host's to know what an address means (G1)? */
static bool
is_read_here(const struct directory *d, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_RECIPIENTS, &lines);

	return is_ours(d, addr) || recipients_listed(lines, n, address_domain(addr));
}

/* By one source: who has an extension takes what he takes without; at last what the whole domain takes. */
static enum cap_state
find_in(const struct directory *d, struct span line, struct span addr, uint64_t now_s,
    struct cap_entry *out, struct directory_want *want)
{
	enum cap_source source = source_of(line);
	enum cap_state state = find_once(d, line, source, addr, now_s, out, want);
	bool shorter = state == CAP_NONE && delimiters(d)[0] != '\0' && is_read_here(d, addr);
	size_t at = addr.n;
	struct err e;
	struct buf base;

	buf_init(&base, 2 * ADDRESS_MAX);
	for (int i = 0; shorter && state == CAP_NONE && i < DIRECTORY_BASES; i++) {
		buf_clear(&base);
		if (mailbox_base(addr, delimiters(d), &at, &base, &e) != 1)
			break;
		state = find_once(d, line, source, buf_view(&base), now_s, out, want);
	}
	buf_free(&base);
	if (state == CAP_NONE && source == SOURCE_CDB)
		state = find_compiled(d, addr, true, out);
	out->source = source;
	return state;
}

void
directory_find(const struct directory *d, struct span addr, uint64_t now_s, struct cap_entry *out,
    struct directory_want *want)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_CAPSOURCES, &lines);
	bool temp = false;

	for (uint32_t i = 0; i < n; i++) {
		enum cap_state state;

		*out = (struct cap_entry){ .text = { NULL, 0 } };
		state = find_in(d, lines[i], addr, now_s, out, want);
		out->state = state;
		if (state == CAP_KNOWN || state == CAP_ANY)
			return;
		temp = temp || state == CAP_TEMP;
	}
	*out = (struct cap_entry){ .state = temp ? CAP_TEMP : CAP_NONE };
}

/* --- who there is --- */

void
directory_take_known(struct directory *d, const struct known *known)
{
	if (d->have_known)
		known_close(&d->known);
	d->have_known = known != NULL;
	if (known != NULL)
		d->known = *known;
}

/* The best of what two sources say: somebody is there if one of them has him. */
static int
either(int a, int b)
{
	return a == 1 || b == 1 ? 1 : a == 2 || b == 2 ? 2 : 0;
}

static int
listed_once(const struct directory *d, struct span addr, const struct recipients_line *line,
    struct directory_want *want)
{
	struct cap_entry caps;
	struct err e = { 0 };
	int r;

	if (line->source == RECIPIENTS_ANY)
		return 1;
	if (line->source == RECIPIENTS_LDAP)
		return (int)find_in_ldap(d, line->arg, addr, &caps, want);
	if (!d->have_known)
		return 0;
	if ((r = known_has(&d->known, addr, &e)) == -1)
		log_line(LOG_ERR, NULL, "recipients-unreadable", "why=%s", log_q(e.what));
	return r == -1 ? 2 : r;
}

/* By one source, with the extension and without. */
static int
listed_in(const struct directory *d, struct span addr, const struct recipients_line *line,
    struct directory_want *want)
{
	int known = listed_once(d, addr, line, want);
	size_t at = addr.n;
	struct err e;
	struct buf base;

	buf_init(&base, 2 * ADDRESS_MAX);
	for (int i = 0; known == 0 && i < DIRECTORY_BASES; i++) {
		buf_clear(&base);
		if (mailbox_base(addr, delimiters(d), &at, &base, &e) != 1)
			break;
		known = listed_once(d, buf_view(&base), line, want);
	}
	buf_free(&base);
	return known;
}

/* What the setting recipients says.  Nobody is asked about whom another source knows. */
static int
listed(const struct directory *d, struct span addr, struct span domain, struct directory_want *want)
{
	struct directory_want mine = *want;
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_RECIPIENTS, &lines);
	struct recipients_place p = { 0 };
	struct recipients_line line;
	int known = 0;

	while (known != 1 && recipients_next(lines, n, domain, &p, &line))
		known = either(known, listed_in(d, addr, &line, &mine));
	if (known != 1)
		*want = mine;
	return known;
}

/* Does it stand for others, by a file that names it? */
static bool
directory_alias(const struct directory *d, struct span addr)
{
	const struct aliases a = { .conf = d->conf, .now = d->known, .have = d->have_known };
	struct span list;

	return aliases_in_files(&a, addr, &list);
}

int
directory_known(const struct directory *d, struct span addr, struct directory_want *want)
{
	const struct span *lines, *rules;
	uint32_t n = conf_lines(d->conf, CONF_MAILBOXES, &lines);
	uint32_t nrule = conf_lines(d->conf, CONF_RECIPIENTS, &rules);
	struct span domain = address_domain(addr);
	struct mailbox_match m;

	if (mailbox_is_postmaster(addr))
		return 1;		/* RFC 5321, 4.5.1; of a domain that is relayed, that domain's host has one */
	if (!is_ours(d, addr))
		return listed(d, addr, domain, want);
	if (directory_alias(d, addr))
		return 1;
	if (!mailbox_find(lines, n, delimiters(d), addr, &m))
		return 0;
	return m.how == MAILBOX_REST && recipients_listed(rules, nrule, domain) ? listed(d, addr, domain, want) : 1;
}
