/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/aliasfile.h"
#include "lib/authline.h"
#include "lib/confline.h"
#include "lib/confuser.h"
#include "lib/mailbox.h"
#include "lib/recipients.h"
#include "lib/routeauth.h"
#include "lib/tlscert.h"
#include "lib/tlspolicy.h"

enum {
	CONF_TEXT_MAX = 64 << 20,	/* octets of one setting's file */
	CONF_LINE_MAX = 4096,		/* octets of one line */
	CONF_CAPS_LINE_MAX = 66560,	/* of caps: an address and FEAT_MAX_TEXT */
	HOSTNAME_SIZE = 256
};

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define DAY 86400ull

#define R(role) (1u << ROLE_##role)
/* Who compares domains with ours, or says who we are. */
#define R_ME (R(SMTPD) | R(QMGR) | R(REMOTE) | R(LOCAL) | R(BOUNCE) | R(CAPD) | R(CONTROL) | \
	R(QUEUE) | R(CONVERTD) | R(LEARN) | R(OFFER) | R(EXPAND))
#define R_LANDLOCK (R(QUEUE) | R(RESOLVER) | R(CAPD) | R(CONVERTD) | R(BOUNCE) | R(REMOTE) | R(LOCAL) | \
	R(QMGR) | R(CONTROL) | R(SMTPD) | R(LEARN) | R(OFFER) | R(KEY) | R(AUTH) | R(EXPAND) | R(LDAP))

static int
flush_check(struct span line, struct err *e)
{
	static const char *const modes[] = { "auto", "journal", "each", "fs" };

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (span_is(line, modes[i]))
			return 0;
	return err_set(e, ERR_PERM, NULL, "expected auto, journal, each or fs");
}

static int
network_check(struct span line, struct err *e)
{
	struct network n;

	return network_parse(line, &n, e);
}

static int
nameserver_check(struct span line, struct err *e)
{
	struct netaddr a;

	return nameserver_parse(line, &a, e);
}

static int
trustanchor_check(struct span line, struct err *e)
{
	struct anchor a;

	return anchor_parse(line, &a, e);
}

#define NUMBER(name, def, min, max, readers, help) \
	{ name, CONF_NUMBER, def, min, max, readers, NULL, help, NULL, NULL }
#define STRING(name, def, readers, check, help) \
	{ name, CONF_STRING, def, 0, 0, readers, check, help, NULL, NULL }
#define LIST(name, def, readers, check, help) \
	{ name, CONF_LIST, def, 0, 0, readers, check, help, NULL, NULL }
#define KEYED_LIST(name, def, readers, check, help, keys, each) \
	{ name, CONF_LIST, def, 0, 0, readers, check, help, keys, each }
#define LONG_LIST(name, def, max, readers, check, help) \
	{ name, CONF_LIST, def, 0, max, readers, check, help, NULL, NULL }

const struct conf_decl conf_table[CONF_COUNT] = {
	[CONF_ME] = STRING("me", "@me", R_ME, hostname_check, "this host's name"),
	[CONF_LISTEN] = KEYED_LIST("listen", "0.0.0.0:25\n[::]:25", R(START) | R(QMGR) | R(REMOTE),
	    listener_check, "ADDR:PORT [role] [norelay] [noconperm] [noconneg] [nodrucof] [nosmtputf8] [probeonly] [tls] [notls] [connegtls] [connegauth] [auth] [sessions=N]: "
	    "where mail comes in", listener_keys, "address and port"),
	[CONF_RCPTHOSTS] = LIST("rcpthosts", "@me", R(SMTPD), domain_line_check,
	    "a domain we take mail for; .domain for those below it"),
	[CONF_RELAYCLIENTS] = LIST("relayclients", "127.0.0.0/8\n::1/128", R(SMTPD), network_check,
	    "a network that may send anywhere"),
	[CONF_LOCALS] = LIST("locals", "@me", R(SMTPD) | R(QMGR) | R(CAPD) | R(LOCAL) | R(CONTROL) |
	    R(EXPAND), domain_line_check, "a domain delivered here"),
	[CONF_MAILBOXES] = KEYED_LIST("mailboxes", "postmaster@@me maildir:mail/postmaster",
	    R(CAPD) | R(LOCAL) | R(EXPAND), mailbox_check,
	    "ADDRESS DELIVERY or @domain DELIVERY: where mail for our domains goes",
	    mailbox_keys, "address"),
	[CONF_SMTPROUTES] = KEYED_LIST("smtproutes", "", R(QMGR) | R(REMOTE) | R(CONTROL), route_check,
	    "domain:host:port: the next hop of a domain; empty domain: of all others",
	    route_keys, "domain"),
	[CONF_NAMESERVERS] = LIST("nameservers", "", R(RESOLVER), nameserver_check,
	    "ADDR[@PORT]: a name server; none: those of resolv.conf"),
	[CONF_DATABYTES] = NUMBER("databytes", "52428800", 1024, 4 * GIB, R(SMTPD) | R(CONVERTD) |
	    R(QUEUE) | R(CONTROL) | R(OFFER), "largest message, octets"),
	[CONF_QUEUELIFETIME] = NUMBER("queuelifetime", "432000", 1, 100 * DAY, R(QMGR) | R(BOUNCE),
	    "seconds until a message is given up"),
	[CONF_FUTURERELEASE] = NUMBER("futurerelease", "2592000", 0, 999999999, R(SMTPD),
	    "seconds that a client may have a message held; 0: not at all"),
	[CONF_RETRYFIRST] = NUMBER("retryfirst", "60", 1, 30 * DAY, R(QMGR),
	    "seconds to the first retry"),
	[CONF_RETRYMAX] = NUMBER("retrymax", "14400", 1, 30 * DAY, R(QMGR),
	    "the longest wait between two tries, seconds"),
	[CONF_CONCURRENCYINCOMING] = NUMBER("concurrencyincoming", "500", 1, 100000,
	    R(START) | R(SMTPD) | R(QUEUE) | R(CAPD), "sessions in, at once"),
	[CONF_CONCURRENCYREMOTE] = NUMBER("concurrencyremote", "200", 1, 100000,
	    R(START) | R(QMGR) | R(REMOTE) | R(CONVERTD), "sessions out, at once"),
	[CONF_CONCURRENCYDOMAIN] = NUMBER("concurrencydomain", "20", 1, 100000, R(QMGR) | R(REMOTE),
	    "sessions out to one next hop, at once"),
	[CONF_CONCURRENCYLOCAL] = NUMBER("concurrencylocal", "20", 1, 10000,
	    R(START) | R(QMGR) | R(LOCAL) | R(CONVERTD) | R(CAPD), "deliveries here, at once"),
	[CONF_CONCURRENCYCONVERT] = NUMBER("concurrencyconvert", "2", 0, 1000, R(START) | R(CONVERTD),
	    "conversions, at once; 0: nothing is converted here"),
	[CONF_SESSIONSPERPROCESS] = NUMBER("sessionsperprocess", "100", 1, 1000000, R(SMTPD),
	    "sessions of one client that a smtpd process serves before it is replaced"),
	[CONF_TIMEOUTSMTPD] = NUMBER("timeoutsmtpd", "300", 1, DAY, R(SMTPD),
	    "seconds to wait for a client's next command"),
	[CONF_TIMEOUTREMOTE] = NUMBER("timeoutremote", "600", 1, DAY, R(REMOTE),
	    "seconds to wait for the reply to the final dot"),
	[CONF_TIMEOUTCONNECT] = NUMBER("timeoutconnect", "30", 1, DAY, R(REMOTE) | R(QMGR),
	    "seconds to wait for a connection"),
	[CONF_TIMEOUTTRANSACTION] = NUMBER("timeouttransaction", "3600", 1, 7 * DAY, R(SMTPD),
	    "seconds that one whole inbound transaction may take"),
	[CONF_MAXRCPTS] = NUMBER("maxrcpts", "1000", 100, 50000, R(SMTPD) | R(CONTROL),
	    "recipients of one message"),
	[CONF_MAXERRORS] = NUMBER("maxerrors", "20", 1, 100000, R(SMTPD),
	    "refused commands after which a client is cut off"),
	[CONF_CAPS] = LONG_LIST("caps", "", CONF_CAPS_LINE_MAX, R(START), NULL,
	    "ADDRESS EXPRESSION, @domain EXPRESSION or ADDRESS any: what a recipient can take"),
	[CONF_CAPSOURCES] = KEYED_LIST("capsources", "cdb:caps.cdb", R(START) | R(CAPD) | R(LOCAL) | R(LEARN) | R(LDAP),
	    capsource_check,
	    "cdb:FILE, own, ldap:URL, learned or probe: where capabilities are looked up, in order", capsource_keys,
	    "source"),
	[CONF_CONNEG] = KEYED_LIST("conneg", "", R(SMTPD) | R(CAPD) | R(REMOTE), conneg_check,
	    "DOMAIN directory|ensure|off [all|relayclients|NETWORK,…]: how CONNEG is answered, and to whom; * "
	    "for all domains",
	    conneg_keys, "domain"),
	[CONF_NEGOTIATION] = KEYED_LIST("negotiation", "", R(REMOTE) | R(LOCAL), negotiation_check,
	    "NEXT-HOP-OR-DOMAIN option=value …: how to negotiate with it; * for all",
	    hop_line_keys, "option of a name"),
	[CONF_FLUSH] = STRING("flush", "auto", R(QUEUE), flush_check,
	    "auto, journal, each or fs: how messages are made durable"),
	[CONF_RESERVE] = NUMBER("reserve", "5", 0, 90, R(QUEUE) | R(SMTPD),
	    "percent of space and inodes that new mail leaves free"),
	[CONF_CONVERTBYTES] = NUMBER("convertbytes", "268435456", 1 * MIB, 64 * GIB, R(CONVERTD),
	    "octets of converted copies kept in memory"),
	[CONF_CONVERTCPU] = NUMBER("convertcpu", "30", 1, 3600, R(CONVERTD),
	    "seconds of CPU that one conversion may take"),
	[CONF_CONVERTPAGES] = NUMBER("convertpages", "1000", 1, 100000, R(CONVERTD),
	    "pages of one document that are converted"),
	[CONF_NOLANDLOCK] = NUMBER("nolandlock", "0", 0, 1, R_LANDLOCK,
	    "1: run although the kernel has no Landlock"),
	[CONF_MAXMAILS] = NUMBER("maxmails", "1000", 1, 999999, R(SMTPD),
	    "messages that one session in may begin"),
	[CONF_CONCURRENCYCLIENT] = NUMBER("concurrencyclient", "50", 1, 100000, R(SMTPD),
	    "sessions at once of one client (an IPv4 address, an IPv6 /64) not in relayclients"),
	[CONF_CONCURRENCYNETWORK] = NUMBER("concurrencynetwork", "100", 1, 100000, R(SMTPD),
	    "sessions at once of one network (IPv4 /24, IPv6 /48) not in relayclients"),
	[CONF_DESTINATIONS] = KEYED_LIST("destinations", "", R(QMGR) | R(CONTROL), destination_check,
	    "NEXT-HOP-OR-DOMAIN option=value …: how much, how often and when it is sent mail; * for all",
	    hop_line_keys, "option of a name"),
	[CONF_DELAYWARNING] = NUMBER("delaywarning", "14400", 0, 30 * DAY, R(QMGR),
	    "seconds until a sender who asked for it hears of a delay; 0: never"),
	[CONF_TRUSTANCHOR] = LIST("trustanchor", "", R(RESOLVER), trustanchor_check,
	    "NAME [IN] DS|DNSKEY …: a key that DNS answers are validated with, as in a zone file"),
	[CONF_CAPSMAX] = NUMBER("capsmax", "100000", 0, 10000000, R(CAPD),
	    "recipients whose capabilities capd keeps beside the setting caps"),
	[CONF_OFFERS] = NUMBER("offers", "0", 0, 365 * DAY, R(LOCAL) | R(LEARN) | R(OFFER),
	    "seconds that a message is kept of which other forms are offered (RFC 3297); 0: none is"),
	[CONF_OFFERSBYTES] = NUMBER("offersbytes", "1073741824", 0, 1ull << 40, R(OFFER),
	    "octets of all messages that are kept so"),
	[CONF_TLSCERT] = LIST("tlscert", "", R(START) | R(SMTPD) | R(KEY), tlscert_check,
	    "NAME|* CERTFILE KEYFILE: what is shown to clients that begin TLS; none: TLS is not offered"),
	[CONF_TLSPOLICY] = KEYED_LIST("tlspolicy", "", R(START) | R(REMOTE), tlspolicy_check,
	    "NEXT-HOP-OR-DOMAIN none|may|encrypt|verify[=NAME]|fingerprint=SHA256,… [implicit]: how much TLS mail to it has to have; "
	    "* for all", tlspolicy_keys, "next hop or domain"),
	[CONF_TLSCA] = STRING("tlsca", "/etc/ssl/certs/ca-certificates.crt", R(START) | R(REMOTE), NULL,
	    "a file of the certificates of authorities that tlspolicy verify believes"),
	[CONF_ROUTEAUTH] = KEYED_LIST("routeauth", "", R(START) | R(REMOTE), routeauth_check,
	    "HOST[:PORT] plain|login|xoauth2 USER FILE: as whom we log in at a next hop of smtproutes; FILE has the password "
	    "or token", routeauth_keys, "next hop"),
	[CONF_RECIPIENTS] = KEYED_LIST("recipients", "", R(START) | R(SMTPD) | R(CAPD) | R(LDAP), recipients_check,
	    "DOMAIN any|file:FILE|cdb:FILE|ldap:URL: which addresses of a domain there are; others are refused; * for all "
	    "domains", recipients_keys, "domain and source"),
	[CONF_RECIPIENTDELIMITER] = STRING("recipientdelimiter", "+", R(CAPD) | R(LOCAL) | R(EXPAND), delimiter_check,
	    "characters that separate a user's name from an extension, such as + or +-; none: there are no "
	    "extensions"),
	[CONF_AUTH] = LIST("auth", "", R(START) | R(SMTPD) | R(AUTH), authline_check,
	    "passwd, dovecot:SOCKET or checkpassword:PROGRAM ...: against what, in order, names and passwords of clients are checked; "
	    "none: nobody can log in"),
	[CONF_ALIASES] = LIST("aliases", "", R(START), aliasfile_check,
	    "PATH [DOMAIN…]: a file of aliases, as aliases(5) has it, of these domains; none: of all domains here"),
	[CONF_SENDERS] = KEYED_LIST("senders", "", R(SMTPD), senders_check,
	    "USER|* ADDRESS|@domain|* …: what a user who has logged in may send as; *: each who has no line", user_keys,
	    "user"),
	[CONF_USERRATE] = KEYED_LIST("userrate", "", R(SMTPD), userrate_check,
	    "USER|* [messages=N/s|m|h|d] [recipients=N/s|m|h|d]: how much a user who has logged in may send", user_keys,
	    "user"),
	[CONF_CONPERMFOR] = KEYED_LIST("conpermfor", "", R(SMTPD), conpermfor_check,
	    "NETWORK|user:NAME any|none|EXPRESSION: whose mail counts as CONPERM, with that Content-Convert",
	    conpermfor_keys, "network or user"),
};

/* --- one value --- */

static void
value_free(struct conf_value *v)
{
	buf_free(&v->text);
	free(v->line);
	free(v->lineno);
	*v = (struct conf_value){ 0 };
}

/* The entry of a line: without comment and white space around it. */
static struct span
line_entry(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || ascii_wsp(line.p[i - 1]))) {
			line = span_sub(line, 0, i);
			break;
		}
	return span_trim(line);
}

static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return true;
	return false;
}

static int
value_add(struct conf_value *v, struct span entry, uint32_t lineno, struct err *e)
{
	if ((v->n & (v->n - 1)) == 0) {		/* grow at 0, 1, 2, 4 … */
		size_t cap = v->n == 0 ? 1 : (size_t)v->n * 2;
		struct span *line = realloc(v->line, cap * sizeof *line);
		uint32_t *no;

		if (line == NULL)
			return err_sys(e, "settings");
		v->line = line;
		no = realloc(v->lineno, cap * sizeof *no);
		if (no == NULL)
			return err_sys(e, "settings");
		v->lineno = no;
	}
	v->line[v->n] = entry;
	v->lineno[v->n++] = lineno;
	return 0;
}

static int
entry_check(const struct conf_decl *d, struct conf_value *v, struct span entry, struct err *e)
{
	size_t max = d->type == CONF_LIST && d->max > 0 ? d->max : CONF_LINE_MAX;

	if (entry.n > max)
		return err_set(e, ERR_PERM, NULL, "expected a line of at most %zu octets", max);
	if (has_control(entry))
		return err_set(e, ERR_PERM, NULL, "expected text without control characters");
	if (d->type != CONF_LIST && v->n > 0)
		return err_set(e, ERR_PERM, NULL, "expected one line only (the first is line %u)",
		    v->lineno[0]);
	if (d->type == CONF_NUMBER &&
	    (!span_u64(entry, d->max, &v->number) || v->number < d->min))
		return err_set(e, ERR_PERM, NULL, "expected a number from %llu to %llu",
		    (unsigned long long)d->min, (unsigned long long)d->max);
	return d->check == NULL ? 0 : d->check(entry, e);
}

/* Reads text into v, which starts empty. */
static int
value_read(const struct conf_decl *d, struct conf_value *v, struct span text, struct err *e)
{
	struct span rest, line, entry;
	uint32_t lineno = 0;

	buf_init(&v->text, CONF_TEXT_MAX + 1);
	if (buf_add(&v->text, text, e) == -1 || buf_add_byte(&v->text, '\0', e) == -1)
		return err_in(e, "%s", d->name);
	rest = span_sub(buf_view(&v->text), 0, text.n);
	while (span_line(&rest, &line)) {
		lineno++;
		entry = line_entry(line);
		if (entry.n == 0)
			continue;
		if (entry_check(d, v, entry, e) == -1)
			return err_in(e, "%s:%u", d->name, lineno);
		if (value_add(v, entry, lineno, e) == -1)
			return -1;
	}
	if (d->type != CONF_LIST && v->n == 0)
		return err_set(e, ERR_PERM, NULL, "%s:1: expected %s", d->name, d->help);
	if (d->keys != NULL && v->n > 0 && conf_keys_once(d, v, e) == -1)
		return -1;
	/* what follows an entry is its white space, comment, line end or the octet added above */
	for (uint32_t i = 0; i < v->n; i++)
		v->text.p[v->line[i].p - v->text.p + (ptrdiff_t)v->line[i].n] = '\0';
	return 0;
}

/* --- all values --- */

static void
host_name(char out[HOSTNAME_SIZE])
{
	struct err ignored;

	if (gethostname(out, HOSTNAME_SIZE) == -1)
		out[0] = '\0';
	out[HOSTNAME_SIZE - 1] = '\0';
	if (hostname_check(span_str(out), &ignored) == -1)
		snprintf(out, HOSTNAME_SIZE, "localhost");
}

static int
default_text(const char *def, const char *me, struct buf *out, struct err *e)
{
	const char *at = strstr(def, "@me");

	buf_init(out, CONF_LINE_MAX);
	if (at == NULL)
		return buf_add_str(out, def, e);
	return buf_addf(out, e, "%.*s%s%s", (int)(at - def), def, me, at + 3);
}

/* Sets id to its default. */
static int
set_default(struct conf *c, enum conf_id id, const char *me, struct err *e)
{
	struct conf_value v = { 0 };
	struct buf text;
	int r = default_text(conf_table[id].def, me, &text, e);

	if (r == 0)
		r = value_read(&conf_table[id], &v, buf_view(&text), e);
	buf_free(&text);
	if (r == -1) {
		value_free(&v);
		return -1;
	}
	value_free(&c->v[id]);
	c->v[id] = v;
	return 0;
}

int
conf_init(struct conf *c, struct err *e)
{
	char me[HOSTNAME_SIZE];

	host_name(me);
	return conf_init_as(c, me, e);
}

int
conf_init_as(struct conf *c, const char *me, struct err *e)
{
	*c = (struct conf){ 0 };
	for (int i = 0; i < CONF_COUNT; i++)
		if (set_default(c, (enum conf_id)i, me, e) == -1) {
			conf_free(c);
			return -1;
		}
	return 0;
}

void
conf_free(struct conf *c)
{
	for (int i = 0; i < CONF_COUNT; i++)
		value_free(&c->v[i]);
}

bool
conf_same(const struct conf *a, const struct conf *b, enum conf_id id)
{
	const struct conf_value *x = &a->v[id], *y = &b->v[id];

	if (x->n != y->n)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (!span_eq(x->line[i], y->line[i]))
			return false;
	return true;
}

/* `me` has changed: the defaults that hold it follow. */
static int
follow_me(struct conf *c, struct err *e)
{
	for (int i = 0; i < CONF_COUNT; i++)
		if (i != CONF_ME && !c->v[i].set && strstr(conf_table[i].def, "@me") != NULL &&
		    set_default(c, (enum conf_id)i, conf_string(c, CONF_ME), e) == -1)
			return -1;
	return 0;
}

int
conf_set(struct conf *c, enum conf_id id, struct span text, struct err *e)
{
	struct conf_value v = { 0 };

	if (value_read(&conf_table[id], &v, text, e) == -1) {
		value_free(&v);
		return -1;
	}
	v.set = true;
	value_free(&c->v[id]);
	c->v[id] = v;
	return id == CONF_ME ? follow_me(c, e) : 0;
}

int
conf_set_fd(struct conf *c, enum conf_id id, int fd, struct err *e)
{
	const char *name = conf_table[id].name;
	struct buf text;
	struct stat st;
	ssize_t n = 1;
	int r = -1;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_PERM, NULL, "%s: expected a regular file", name);
	buf_init(&text, CONF_TEXT_MAX);
	while (n > 0) {		/* pread: the descriptor's offset is shared with other readers */
		void *p = buf_room(&text, 16 * KIB, e);

		if (p == NULL) {
			buf_free(&text);
			return err_in(e, "%s", name);
		}
		n = pread(fd, p, 16 * KIB, (off_t)text.n);
		if (n > 0)
			text.n += (size_t)n;
	}
	r = n == -1 ? err_sys(e, "%s", name) : conf_set(c, id, buf_view(&text), e);
	buf_free(&text);
	return r;
}

enum conf_id
conf_find(const char *name)
{
	int i = 0;

	while (i < CONF_COUNT && strcmp(conf_table[i].name, name) != 0)
		i++;
	return (enum conf_id)i;
}

uint64_t
conf_number(const struct conf *c, enum conf_id id)
{
	return c->v[id].number;
}

const char *
conf_string(const struct conf *c, enum conf_id id)
{
	return c->v[id].n == 0 ? "" : (const char *)c->v[id].line[0].p;
}

uint32_t
conf_lines(const struct conf *c, enum conf_id id, const struct span **lines)
{
	*lines = c->v[id].line;
	return c->v[id].n;
}
