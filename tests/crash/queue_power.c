/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/queue_power.c - what a power cut leaves of the queue; see blocks.py.
 *	queue_power run DIRECTORY STRATEGY CLIENTS SECONDS LEDGER
 *	    clients bring messages and a qmgr marks them, some as final; LEDGER (on another file system)
 *	    is told what must outlive a cut from here on.  Then DIRECTORY's file system is shut down
 *	    without its journal's last part
 *	queue_power load DIRECTORY STRATEGY CLIENTS SECONDS LEDGER
 *	    the same without the shutdown: it ends when LEDGER takes no more, or after SECONDS
 *	queue_power check DIRECTORY LEDGER
 *	    after mounting it again: starts the queue, which must take a message; exit 1 if it does
 *	    not, or if anything is not as LEDGER says, or a file under a final name is not whole
 *	queue_power choose DIRECTORY
 *	    which strategy is taken there without a setting, and why
 *	queue_power confirm DIRECTORY
 *	    writes a file, and waits for a line, by which time the disk is to fail; exit 1 if a flush of the file is
 *	    believed then
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/durable.h"
#include "queue/queue.h"

#define POWER_SHUTDOWN _IOR('X', 125, __u32)	/* FS_IOC_SHUTDOWN */
enum {
	POWER_NO_LOG_FLUSH = 2, CLIENTS_MAX = 200, TEXT_MAX = 3000,
	FIRST_S = 30,			/* until the first message at the latest */
	ROUND = 100,			/* marks that qmgr has under way at once */
	KEPT = 64,			/* messages that it marks again and again */
	WAIT_MAX = 8192			/* new messages not marked yet; more are left alone */
};

/*
 * A line of the ledger: a sign, an ID, a number.
 *	+	acknowledged: must be there and whole
 *	-	a final mark is about to be sent: need not be there from here on
 *	=	the result with that many attempts is durable
 *	x	so is the removal
 */
enum { LINE = 1 + QID_LEN + 1 + 8 + 1 };
struct line { char sign, id[QID_SIZE]; unsigned n; };

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "queue_power: %s: %s\n", what, strerror(errno));
	exit(2);
}

static _Noreturn void
serve(int dir_fd, const char *strategy, int smtpd, int qmgr)
{
	static struct queue q;
	static struct loop l;
	char why[128];
	struct queue_options opt = { .strategy = strategy_choose(strategy, dir_fd, why, sizeof why) };
	struct err e;

	if (loop_init(&l, &e) == -1 || queue_start(&q, &l, dir_fd, &opt, &e) == -1 ||
	    queue_attach(&q, ROLE_SMTPD, smtpd, &e) == -1 ||
	    queue_attach(&q, ROLE_QMGR, qmgr, &e) == -1)
		fprintf(stderr, "queue_power: %s\n", e.what);
	else
		loop_run(&l, &e);
	_exit(2);
}

/* One message of some hundred octets; false: refused, or the queue has gone. */
static bool
bring(int sock, unsigned size, struct span block, char id[QID_SIZE])
{
	static _Alignas(8) unsigned char packet[4096], reply[MSG_MAX];
	struct msg_open o = { .size = size };
	struct msg_commit *c = (struct msg_commit *)(void *)packet;
	struct msg_hdr *h = (struct msg_hdr *)(void *)reply;
	char text[TEXT_MAX];
	struct err e;
	size_t len;
	int fds[MSG_FDS];
	bool ok;

	if (ipc_call(sock, &o.h, MSG_OPEN, sizeof o, NULL, 0, reply, sizeof reply, &len, fds, -1, &e) !=
	    1 || h->type != MSG_OPENED)
		return false;
	memcpy(id, ((struct msg_id *)(void *)reply)->id, QID_SIZE);
	for (unsigned i = 0; i < size; i++)
		text[i] = id[i % QID_LEN];
	ok = write(fds[0], text, size) == (ssize_t)size;
	close(fds[0]);
	memcpy(c->id, id, QID_SIZE);
	c->msg_len = size;
	c->msg_crc = crc32c(0, text, size);
	c->env_len = (uint32_t)block.n;
	memcpy(packet + sizeof *c, block.p, block.n);
	return ok && ipc_call(sock, &c->h, MSG_COMMIT, sizeof *c + block.n, NULL, 0, reply, sizeof reply,
	    &len, fds, -1, &e) == 1 && h->type == MSG_COMMITTED;
}

static void
note(int ledger, char sign, const char *id, unsigned n)
{
	char text[LINE + 1];

	snprintf(text, sizeof text, "%c%.16s %08u\n", sign, id, n);
	if (write(ledger, text, LINE) != LINE)
		_exit(0);		/* the power is off */
}

static void
make_block(struct buf *block)
{
	struct rcpt rcpt = { .addr = span_str("somebody@example.org") };
	struct envelope env = { .sender = span_str("a@example.com"), .rcpt = &rcpt, .nrcpt = 1 };
	struct err e;

	buf_init(block, ENV_MAX);
	must(envelope_encode(&env, block, &e) == 0, "envelope");
}

/* A session's channel. */
static int
start_session(int smtpd)
{
	struct msg_hdr h;
	struct err e;
	int pair[2];

	must(ipc_pair(pair, &e) == 0, "pair");
	must(ipc_send(smtpd, &h, MSG_SESSION, 0, sizeof h, &pair[1], 1, &e) == 0, "SESSION");
	close(pair[1]);
	return pair[0];
}

static _Noreturn void
client(int sock, int ledger)
{
	char id[QID_SIZE];
	struct buf block;

	make_block(&block);
	for (unsigned i = (unsigned)getpid();; i += 37)
		if (bring(sock, 100 + i % (TEXT_MAX - 100), buf_view(&block), id))
			note(ledger, '+', id, 0);
		else
			usleep(1000);
}

/* qmgr's side. */
struct marker {
	int qmgr, session, ledger;
	char wait[WAIT_MAX][QID_SIZE];	/* new, not marked yet */
	unsigned nwait;
	struct line kept[KEPT], sent[ROUND];	/* sent: in this round */
	unsigned nsent, nanswered, count;
};

static void
marker_hear(struct marker *m)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	const struct msg_ids *ids = (const struct msg_ids *)(const void *)packet;
	int fds[MSG_FDS];
	struct err e;
	size_t len;

	if (ipc_recv(m->qmgr, packet, sizeof packet, &len, fds, &e) != 1)
		_exit(0);		/* the queue has gone */
	if (ids->h.type == MSG_MARKED)
		m->nanswered += ids->n;
	else
		for (uint32_t i = 0; i < ids->n && m->nwait < WAIT_MAX; i++)
			memcpy(m->wait[m->nwait++], ids->id[i], QID_SIZE);
}

/* sign: '=' another attempt failed, 'x' delivered. */
static void
marker_send(struct marker *m, char sign, const char *id, unsigned attempts)
{
	static _Alignas(8) unsigned char packet[sizeof(struct msg_marks) + sizeof(struct mark)];
	struct msg_marks *out = (struct msg_marks *)(void *)packet;
	struct line *l = &m->sent[m->nsent++];
	struct err e;

	*l = (struct line){ .sign = sign, .n = attempts };
	memcpy(l->id, id, QID_LEN);
	out->n = 1;
	out->mark[0] = (struct mark){ .state = sign == 'x' ? SLOT_DELIVERED : SLOT_QUEUED,
	    .attempts = (uint16_t)attempts, .dsn = "4.4.1", .text = "nobody there" };
	memcpy(out->mark[0].id, l->id, QID_SIZE);
	if (sign == 'x')
		note(m->ledger, '-', id, 0);
	if (ipc_send(m->qmgr, &out->h, MSG_MARK, 0, sizeof packet, NULL, 0, &e) == -1)
		_exit(0);
}

/* Of four new messages one is delivered, one gets its first result, and an old one another. */
static void
marker_round(struct marker *m)
{
	m->nsent = m->nanswered = 0;
	while (m->nwait > 0 && m->nsent + 2 < ROUND) {
		const char *id = m->wait[--m->nwait];
		struct line *k = &m->kept[m->count / 4 % KEPT];

		if (m->count++ % 4 == 0)
			marker_send(m, 'x', id, 0);
		else if (m->count % 4 == 0) {
			if (k->n > 0)
				marker_send(m, '=', k->id, ++k->n);
			if (k->n == 0 || k->n > 4) {
				*k = (struct line){ .n = 1 };
				memcpy(k->id, id, QID_LEN);
				marker_send(m, '=', id, 1);
			}
		}
	}
	while (m->nanswered < m->nsent)
		marker_hear(m);
}

/*
 * With JOURNAL and FS a batch takes the marks that were made before it.  So once a message that came
 * after them is acknowledged, they are durable.  EACH flushes them apart, and says nothing.
 */
static _Noreturn void
marker(int qmgr, int session, int ledger, bool together)
{
	static struct marker m;
	char id[QID_SIZE];
	struct buf block;

	m.qmgr = qmgr;
	m.session = session;
	m.ledger = ledger;
	make_block(&block);
	for (;;) {
		marker_hear(&m);
		marker_round(&m);
		if (m.nsent == 0 || !bring(session, 500, buf_view(&block), id))
			continue;
		note(ledger, '+', id, 0);
		for (unsigned i = 0; together && i < m.nsent; i++)
			note(ledger, m.sent[i].sign, m.sent[i].id, m.sent[i].n);
	}
}

static pid_t
must_fork(void)
{
	pid_t pid = fork();

	must(pid != -1, "fork");
	return pid;
}

/* The queue and those who talk to it. */
struct power { pid_t pid[CLIENTS_MAX + 2]; int n, dir_fd, smtpd, qmgr; };

static void
power_queue(struct power *p, const char *strategy)
{
	int smtpd[2], qmgr[2];
	struct err e;

	/* The workers outlive a queue that is killed by a moment; they are waited for. */
	must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && ipc_pair(smtpd, &e) == 0 &&
	    ipc_pair(qmgr, &e) == 0, "pairs");
	p->pid[p->n] = must_fork();
	if (p->pid[p->n++] == 0) {
		close(smtpd[0]);
		close(qmgr[0]);
		serve(p->dir_fd, strategy, smtpd[1], qmgr[1]);
	}
	close(smtpd[1]);
	close(qmgr[1]);
	p->smtpd = smtpd[0];
	p->qmgr = qmgr[0];
}

static void
power_clients(struct power *p, int n, int ledger, bool together)
{
	for (int i = 0; i <= n; i++) {
		int sock = start_session(p->smtpd);

		p->pid[p->n] = must_fork();
		if (p->pid[p->n++] == 0) {
			close(p->smtpd);
			if (i == n)
				marker(p->qmgr, sock, ledger, together);
			close(p->qmgr);
			client(sock, ledger);
		}
		close(sock);
	}
}

static void
power_end(struct power *p)
{
	for (int i = 0; i < p->n; i++)
		kill(p->pid[i], SIGKILL);
	close(p->smtpd);
	close(p->qmgr);
	while (wait(NULL) != -1 || errno == EINTR)
		continue;
}

/* load: until the ledger cannot be read any more, which is when the power has failed. */
static int
power_run(char **argv, bool load)
{
	struct power p = { .dir_fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int ledger = open(argv[4], O_RDWR | (load ? 0 : O_CREAT) | O_APPEND | O_CLOEXEC, 0600);
	int n = atoi(argv[2]);
	__u32 how = POWER_NO_LOG_FLUSH;
	double left_s = atof(argv[3]), first_s = FIRST_S;
	char octet;

	must(p.dir_fd != -1 && ledger != -1 && n > 0 && n <= CLIENTS_MAX, "run");
	power_queue(&p, argv[1]);
	power_clients(&p, n, ledger, strcmp(argv[1], "each") != 0);
	while (!load && first_s > 0 && pread(ledger, &octet, 1, 0) == 0) {	/* not the start alone */
		usleep(20000);
		first_s -= 0.02;
	}
	for (; left_s > 0 && pread(ledger, &octet, 1, 0) != -1; left_s -= 0.02)
		usleep(20000);
	if (!load)
		must(ioctl(p.dir_fd, POWER_SHUTDOWN, &how) == 0, "shutdown");
	usleep(200000);		/* what is acknowledged now would be a lie, and found out */
	power_end(&p);
	return 0;
}

/* Is the message whole? */
static bool
power_whole(int dir_fd, const char *id)
{
	char path[PATH_SIZE];
	struct qfile q;
	struct err e;
	int fd;
	bool ok;

	path_final(id, path);
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	ok = qfile_open(fd, &q, &e) == 0 && qfile_check(fd, &q, &e) == 1;
	close(fd);
	return ok;
}

/* The queue starts on what the cut left, and takes a message. */
static bool
power_starts(int dir_fd)
{
	struct power p = { .dir_fd = dir_fd };
	char id[QID_SIZE];
	struct buf block;
	bool ok;

	power_queue(&p, "auto");
	make_block(&block);
	signal(SIGPIPE, SIG_IGN);
	ok = bring(start_session(p.smtpd), 100, buf_view(&block), id);
	buf_free(&block);
	power_end(&p);
	return ok;
}

/* Files under final names that are not whole, told of or not, and folders that cannot be read. */
static unsigned
power_damaged(int dir_fd)
{
	unsigned n = 0;
	char name[3];

	for (unsigned hh = 0; hh < 256; hh++) {
		struct dirent *de;
		DIR *d;

		snprintf(name, sizeof name, "%02x", hh);
		d = fdopendir(openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (d == NULL) {
			n++;
			continue;
		}
		while ((de = readdir(d)) != NULL)
			n += qid_ok(de->d_name) && !power_whole(dir_fd, de->d_name);
		closedir(d);
	}
	return n;
}

/* Attempts of the only recipient, or 0. */
static unsigned
power_attempts(int dir_fd, const char *id)
{
	struct slot *slot = NULL;
	char path[PATH_SIZE];
	unsigned n = 0;
	struct qfile q;
	struct err e;
	int fd;

	path_final(id, path);
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if (qfile_open(fd, &q, &e) == 0 && qfile_slots(fd, &q, &slot, &e) == 0 && q.nslot == 1)
		n = slot[0].attempts;
	free(slot);
	close(fd);
	return n;
}

static int
line_order(const void *a, const void *b)
{
	return memcmp(((const struct line *)a)->id, ((const struct line *)b)->id, QID_LEN);
}

/* All lines of the ledger, those of one ID together. */
static struct line *
ledger_read(const char *path, size_t *n)
{
	struct line *l = NULL;
	FILE *f = fopen(path, "r");
	char text[LINE + 1];

	must(f != NULL, path);
	for (*n = 0; fgets(text, sizeof text, f) != NULL; ++*n) {
		if ((*n & (*n + 1)) == 0)
			must((l = realloc(l, 2 * (*n + 1) * sizeof *l)) != NULL, "memory");
		l[*n] = (struct line){ .sign = text[0],
		    .n = (unsigned)strtoul(text + 2 + QID_LEN, NULL, 10) };
		memcpy(l[*n].id, text + 1, QID_LEN);
	}
	fclose(f);
	if (*n > 0)
		qsort(l, *n, sizeof *l, line_order);
	return l;
}

struct verdict { unsigned acknowledged, lost, results, undone, removed, back; };

/* What the n lines of one message say, and what is there. */
static void
judge(int dir_fd, const struct line *l, size_t n, struct verdict *v)
{
	bool told = false, may_go = false, gone = false, there = power_whole(dir_fd, l->id);
	unsigned attempts = 0;

	for (size_t i = 0; i < n; i++) {
		told |= l[i].sign == '+';
		may_go |= l[i].sign == '-';
		gone |= l[i].sign == 'x';
		if (l[i].sign == '=' && l[i].n > attempts)
			attempts = l[i].n;
	}
	v->acknowledged += told;
	v->lost += told && !may_go && !there;
	v->removed += gone;
	v->back += gone && there;
	if (attempts > 0 && !may_go) {
		v->results++;
		v->undone += power_attempts(dir_fd, l->id) < attempts;
	}
}

static int
power_check(char **argv)
{
	int dir_fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct verdict v = { 0 };
	unsigned damaged;
	struct line *l;
	size_t n;
	bool starts;

	must(dir_fd != -1, "check");
	starts = power_starts(dir_fd);
	l = ledger_read(argv[1], &n);
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && line_order(&l[i], &l[k]) == 0; k++)
			continue;
		judge(dir_fd, &l[i], k - i, &v);
	}
	free(l);
	damaged = power_damaged(dir_fd);
	printf("%u acknowledged, %u lost, %u damaged; %u results, %u undone; %u removed, %u back%s\n",
	    v.acknowledged, v.lost, damaged, v.results, v.undone, v.removed, v.back,
	    starts ? "" : "; the queue does not start");
	return !starts || v.acknowledged == 0 || v.lost + damaged + v.undone + v.back > 0;
}

static int
power_choose(const char *dir)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char why[128];

	must(dir_fd != -1, dir);
	printf("%s ", strategy_name(strategy_choose("auto", dir_fd, why, sizeof why)));
	printf("%s\n", why);
	return 0;
}

static int
power_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	must(fd != -1 && write(fd, name, strlen(name)) > 0 && fsync(fd) == 0 &&
	    durable_confirm(fd) == 0, name);
	return fd;
}

/* The journal fails under another file's flush, before this one's, whose octets are with the disk. */
static int
power_confirm(const char *dir)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ours = power_file(dir_fd, "ours"), others = power_file(dir_fd, "others");
	int other, flush, confirm;

	must(write(ours, "more", 4) == 4 && sync_file_range(ours, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
	    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0, "write");
	puts("written");
	fflush(stdout);
	must(getchar() != EOF && fchmod(others, 0640) == 0, "the other file");
	other = fsync(others) == -1 ? errno : 0;
	flush = fsync(ours) == -1 ? errno : 0;
	confirm = durable_confirm(ours) == -1 ? errno : 0;
	printf("another's fsync: %s; ours: %s; a change after it: %s\n", strerror(other), strerror(flush),
	    strerror(confirm));
	return other == 0 || (flush == 0 && confirm == 0);
}

int
main(int argc, char **argv)
{
	if (argc == 7 && (strcmp(argv[1], "run") == 0 || strcmp(argv[1], "load") == 0))
		return power_run(argv + 2, argv[1][0] == 'l');
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return power_check(argv + 2);
	if (argc == 3 && strcmp(argv[1], "choose") == 0)
		return power_choose(argv[2]);
	if (argc == 3 && strcmp(argv[1], "confirm") == 0)
		return power_confirm(argv[2]);
	fprintf(stderr, "queue_power run|load DIRECTORY STRATEGY CLIENTS SECONDS LEDGER |\n"
	    "    check DIRECTORY LEDGER | choose DIRECTORY | confirm DIRECTORY\n");
	return 2;
}
