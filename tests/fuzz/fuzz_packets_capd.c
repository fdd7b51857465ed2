/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_capd.c - sessions, their parents, control and learn that say anything to capd
 * (tests/fuzz/hostile.h): an answer has the length that it says and follows a question, few of them wait
 * for who does not read, and an honest session is answered as ever.  Whatever control has had kept, or remote says
 * that other hosts said, what is told is an expression in the form that it is printed in, and what an honest control
 * says then is told.  remote is asked about addresses of other hosts' domains alone, and few at once.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capd/serve.h"
#include "lib/address.h"
#include "lib/confline.h"
#include "lib/envelope.h"
#include "lib/features.h"
#include "lib/fileio.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ASKER, SMTPD, LOCAL, CONTROL, REMOTE, LEARN, LDAP, SIDES };

#define LINE "ldap:ldap://dir.example/dc=x"

static const struct hostile_row question[] = { { MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 13 } };
static const struct hostile_row wish[] = {
	{ MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 13 }, { MSG_CAP_SET, sizeof(struct msg_cap_set) + 11 },
};
static const struct hostile_row finding[] = { { MSG_CAP_SET, sizeof(struct msg_cap_set) + 11 } };
static const struct hostile_row session[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };
static const struct hostile_row from_remote[] = {
	{ MSG_SESSION, sizeof(struct msg_hdr) }, { MSG_INQUIRED, sizeof(struct msg_inquired) },
};
static const struct hostile_row from_ldap[] = { { MSG_LDAP_TOLD, sizeof(struct msg_ldap_told) } };
static char features[200];		/* as the first answer says it */

static struct daemon d;
static struct capd capd;
static struct hostile h;

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { 0, ROLE_SMTPD, ROLE_LOCAL, ROLE_CONTROL, ROLE_REMOTE,
	    ROLE_LEARN, ROLE_LDAP };
	int fd = hostile_pair(x, side);
	struct err e;

	if (side != ASKER)
		d.peer(d.arg, roles[side], 1, fd);
	else if (capd_add_asker(&capd, fd, ROLE_SMTPD, 1, &e) == -1)
		abort();
}

/* What was kept is told as it was printed. */
static void
check_printed(struct span text)
{
	struct feat *f;
	struct buf again;
	struct err e;

	if (text.n == 0)
		return;
	buf_init(&again, MSG_MAX);
	assert(feat_parse(text, FEAT_STRICT, &f, &e) == 0 && !feat_empty(f));
	assert(feat_print(f, &again, &e) == 0 && span_eq(buf_view(&again), text));
	feat_free(f);
	buf_free(&again);
}

static void
check(const struct msg_cap *m, size_t len)
{
	assert(m->h.type == MSG_CAP && len == sizeof *m + m->len && m->features <= CAP_TEMP && m->known <= 2);
	assert((m->features == CAP_KNOWN) == (m->len > 0));
	assert((m->source != SOURCE_NONE) == (m->features == CAP_KNOWN || m->features == CAP_ANY));
	assert(m->source == SOURCE_LDAP || (m->source >= SOURCE_OWN) == (m->since_s > 0));
	if (features[0] == '\0' && m->len < sizeof features)
		memcpy(features, m + 1, m->len);
	if (m->source >= SOURCE_OWN)
		check_printed(span_of(m + 1, m->len));
	else
		assert(m->len == 0 || span_is(span_of(m + 1, m->len), features));
}

/* Who is to be asked about is somebody else's recipient. */
static void
check_probe(const struct msg_probe *m, size_t len)
{
	struct span addr = span_of(m + 1, m->addr_len), domain = address_domain(addr);
	struct err e;

	assert(m->h.type == MSG_PROBE && len == sizeof *m + addr.n && m->h.id != 0);
	assert(address_check(addr, &e) == 0 && hostname_check(domain, &e) == 0);
	assert(!span_eqi(domain, span_str("here.example")));
	assert(capd.probe.asked.nasked <= INQUIRY_PROBES);
}

/* A directory is asked about one address, few at once. */
static void
check_ldap(const struct msg_ldap_ask *m, size_t len)
{
	unsigned char name[SHA256_DIGEST];

	ldapline_name(span_str(LINE), name);
	assert(m->h.type == MSG_LDAP_ASK && len == sizeof *m + m->addr_len && m->h.id != 0 && m->addr_len > 0);
	assert(memcmp(m->line, name, sizeof name) == 0 && capd.ldap.asked.nasked <= LDAP_QUESTIONS);
}

/* What remote's sessions found, as somebody else made it. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct err e;

	(void)what;
	ipc_close_fds(&x->file, 1);
	x->file = memfd_create("found", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (x->file == -1 || fileio_write(x->file, p, &e) == -1 ||
	    fcntl(x->file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
		abort();
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	const struct msg_refused *no = (const void *)m;

	if (side == REMOTE) {
		check_probe((const void *)m, len);
		return;
	}
	if (side == LDAP) {
		check_ldap((const void *)m, len);
		return;
	}
	assert(side == ASKER || side == CONTROL);
	if (side == CONTROL && m->type == MSG_CAP_SETTED)
		assert(len == sizeof *m);
	else if (side == CONTROL && m->type == MSG_REFUSED)
		assert(len == sizeof *no && memchr(no->what, '\0', sizeof no->what) != NULL &&
		    memchr(no->dsn, '\0', sizeof no->dsn) != NULL);
	else
		check((const void *)m, len);
}

/* The database of two addresses, compiled as `accord caps` does. */
static int
build(void)
{
	static const char text[] = "fax@example.com (&(color=Binary)(dpi=200))\nany@example.com any\n";
	char dir[] = "/dev/shm/accord-fuzz-XXXXXX";
	int in = memfd_create("caps", MFD_CLOEXEC), at, out;
	struct err e = { 0 };

	if (write(in, text, sizeof text - 1) != sizeof text - 1 || lseek(in, 0, SEEK_SET) != 0 ||
	    mkdtemp(dir) == NULL || (at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    capsdb_build(in, "caps", at, "caps.cdb", &e) == -1) {
		fprintf(stderr, "caps: %s\n", e.what);
		abort();
	}
	close(in);
	out = openat(at, "caps.cdb", O_RDONLY | O_CLOEXEC);
	(void)unlinkat(at, "caps.cdb", 0);
	close(at);
	(void)rmdir(dir);
	return out;
}

/* A folder for what capd keeps, without a name once the process ends. */
static char kept[] = "/dev/shm/accord-fuzz-XXXXXX";
static int kept_fd;

static void
clear(void)
{
	(void)unlinkat(kept_fd, "entries", 0);
	(void)rmdir(kept);
}

static int
folder(void)
{
	if (mkdtemp(kept) == NULL || (kept_fd = open(kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    atexit(clear) != 0)
		abort();
	return kept_fd;
}

static void
set_up(void)
{
	const struct cap_entry one = { SOURCE_OWN, CAP_ANY, { NULL, 0 }, 1, 0 };
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	d.file[0] = (struct daemon_file){ "caps.cdb", build() };
	d.file[1] = (struct daemon_file){ "caps", folder() };
	d.nfile = 2;
	d.settings = 1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_MAILBOXES, span_str("box@here.example maildir:m\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_CAPSOURCES, span_str("cdb:caps.cdb\nown\n" LINE "\nlearned\nprobe\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_LOCALS, span_str("here.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_RECIPIENTS, span_str("there.example " LINE "\n"), &e) == -1 ||
	    capd_open(&capd, &d, &e) == -1 ||
	    capslog_put(&capd.store.log, span_str("x"), &one, 1, &e) == -1)	/* its file is open from now on */
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .file = -1, .open = open_side,
	    .heard = heard, .other = other, .side = { { question, 1, -1, { 0 }, 0 }, { session, 1, -1, { 0 }, 0 },
	    { session, 1, -1, { 0 }, 0 }, { wish, 2, -1, { 0 }, 0 }, { from_remote, 2, -1, { 0 }, 0 },
	    { finding, 1, -1, { 0 }, 0 }, { from_ldap, 1, -1, { 0 }, 0 } } };
}

static void
honest(const char *addr, uint32_t want_features, uint32_t want_known)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct { struct msg_cap_ask m; char addr[64]; } out = { { .want = CAP_WANT_FEATURES |
	    CAP_WANT_KNOWN, .addr_len = (uint32_t)strlen(addr) }, "" };
	const struct msg_cap *m = (const struct msg_cap *)(const void *)packet;
	struct err e;
	int pair[2], fds[MSG_FDS];
	size_t len;

	memcpy(out.addr, addr, strlen(addr));
	if (ipc_pair(pair, &e) == -1 || capd_add_asker(&capd, pair[1], ROLE_SMTPD, 1, &e) == -1 ||
	    ipc_send(pair[0], &out.m.h, MSG_CAP_ASK, 5, sizeof out.m + strlen(addr), NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(recv(pair[0], packet, 1, MSG_PEEK | MSG_DONTWAIT) == 1);
	assert(ipc_recv(pair[0], packet, sizeof packet, &len, fds, &e) == 1 && m->h.id == 5);
	check(m, len);
	assert((m->features == want_features || m->source >= SOURCE_OWN) && m->known == want_known);
	close(pair[0]);
	hostile_turn(&h);
}

/* An honest control in the hostile one's place has something kept. */
static void
honest_wish(void)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct { struct msg_cap_set m; char text[24]; } out = { { .source = SOURCE_OWN, .state = CAP_KNOWN,
	    .addr_len = 11, .len = 9 }, "own@example(dpi=300)" };
	struct err e;
	int fds[MSG_FDS];
	size_t len;

	open_side(&h, CONTROL);
	if (ipc_send(h.side[CONTROL].fd, &out.m.h, MSG_CAP_SET, 6, sizeof out.m + 20, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(ipc_recv_now(h.side[CONTROL].fd, packet, sizeof packet, &len, fds, &e) == 1);
	assert(((struct msg_hdr *)(void *)packet)->type == MSG_CAP_SETTED);
	honest("own@example", CAP_KNOWN, 0);
}

/* An honest remote in the hostile one's place tells what an honest session waits for. */
static void
honest_remote(void)
{
	static const char addr[] = "r@far.example";
	struct { struct msg_cap_ask m; char addr[16]; } ask = { .m = { .want = CAP_WANT_FEATURES,
	    .addr_len = sizeof addr - 1 } };
	union { struct msg_cap m; struct msg_probe p; unsigned char octets[512]; } in;
	struct msg_inquired m = { .len = 0 };
	struct inquiry found;
	struct err e;
	int pair[2], fds[MSG_FDS], fd;
	size_t len;

	open_side(&h, REMOTE);
	memcpy(ask.addr, addr, sizeof addr - 1);
	probe_free(&capd.probe);
	probe_init(&capd.probe, 1);
	if (ipc_pair(pair, &e) == -1 || capd_add_asker(&capd, pair[1], ROLE_SMTPD, 1, &e) == -1 ||
	    ipc_send(pair[0], &ask.m.h, MSG_CAP_ASK, 5, sizeof ask.m + sizeof addr - 1, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(ipc_recv_now(h.side[REMOTE].fd, &in, sizeof in, &len, fds, &e) == 1);
	check_probe(&in.p, len);
	inquiry_init(&found);
	inquiry_tell(&found, INQUIRY_CAPABILITIES, span_str("given"));
	inquiry_tell(&found, INQUIRY_TAKES, span_str("( dpi = 300 )"));
	m.len = found.items.n;
	if ((fd = inquiry_seal(&found, &e)) == -1 ||
	    ipc_send(h.side[REMOTE].fd, &m.h, MSG_INQUIRED, in.p.h.id, sizeof m, &fd, 1, &e) == -1)
		abort();
	close(fd);
	inquiry_free(&found);
	hostile_turn(&h);
	assert(ipc_recv_now(pair[0], &in, sizeof in, &len, fds, &e) == 1 && in.m.h.id == 5);
	assert(in.m.features == CAP_KNOWN && in.m.source == SOURCE_PROBE && in.m.known == 0);
	assert(span_is(span_of(&in.m + 1, in.m.len), "(dpi=300)"));
	close(pair[0]);
	hostile_turn(&h);
}

/* An honest accord-ldap in the hostile one's place tells what an honest session waits for. */
static void
honest_ldap(void)
{
	static const char addr[] = "r@there.example";
	struct { struct msg_cap_ask m; char addr[16]; } ask = { .m = { .want = CAP_WANT_FEATURES | CAP_WANT_KNOWN,
	    .addr_len = sizeof addr - 1 } };
	struct { struct msg_ldap_told m; char text[14]; } out = { { .found = 1, .caps = CAP_KNOWN, .len = 13 },
	    "( dpi = 300 )" };
	union { struct msg_cap m; struct msg_ldap_ask q; unsigned char octets[512]; } in;
	struct err e;
	int pair[2], fds[MSG_FDS];
	size_t len;

	open_side(&h, LDAP);
	memcpy(ask.addr, addr, sizeof addr - 1);
	ldap_close(&capd.ldap);
	ldap_open(&capd.ldap);
	if (ipc_pair(pair, &e) == -1 || capd_add_asker(&capd, pair[1], ROLE_SMTPD, 1, &e) == -1 ||
	    ipc_send(pair[0], &ask.m.h, MSG_CAP_ASK, 5, sizeof ask.m + sizeof addr - 1, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(ipc_recv_now(h.side[LDAP].fd, &in, sizeof in, &len, fds, &e) == 1);
	check_ldap(&in.q, len);
	if (ipc_send(h.side[LDAP].fd, &out.m.h, MSG_LDAP_TOLD, in.q.h.id, sizeof out.m + 13, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(ipc_recv_now(pair[0], &in, sizeof in, &len, fds, &e) == 1 && in.m.h.id == 5);
	assert(in.m.features == CAP_KNOWN && in.m.known == 1);
	close(pair[0]);
	hostile_turn(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e;

	set_up();
	assert(capslog_purge(&capd.store.log, &e) == 0);
	probe_free(&capd.probe);
	probe_init(&capd.probe, 1);
	ldap_close(&capd.ldap);
	ldap_open(&capd.ldap);
	ipc_close_fds(&h.file, 1);
	h.file = -1;
	hostile_begin(&h);
	honest("fax@example.com", CAP_KNOWN, 0);
	hostile_run(&h, span_of(p, n));
	ipc_close_fds(&h.file, 1);
	h.file = -1;
	assert(capd.probe.asked.nasked <= INQUIRY_PROBES && capd.probe.asked.octets <= PROBE_OCTETS);
	assert(capd.nasker <= 1 + HOSTILE_STEPS + SIDES);
	assert(capd.ldap.asked.nasked <= LDAP_QUESTIONS && capd.ldap.asked.octets <= LDAP_OCTETS);
	chan_close(&capd.parent[ROLE_LDAP]);	/* now nobody can ask a directory */
	ldap_close(&capd.ldap);
	ldap_open(&capd.ldap);
	honest("fax@example.com", CAP_KNOWN, 0);
	honest("any@EXAMPLE.com", CAP_ANY, 0);
	honest("box@here.example", CAP_TEMP, 1);
	honest_wish();
	honest_remote();
	honest_ldap();
	for (int r = 0; r < ROLE_COUNT; r++)
		chan_close(&capd.parent[r]);
	hostile_end(&h);
	assert(capd.nasker == 0);
	return 0;
}
