/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/crash/sim/judge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qmgr/spool.h"

enum { CHILD_SECONDS = 20, MAIL_MAX = 1 << 20, SLACK = 64 };

/* --- the results of the run --- */

/* The file's slots: where they begin, and how many.  0: it is no whole message. */
static uint32_t
slots_of(const struct disk *d, uint32_t file, uint64_t *off)
{
	const struct op *last = NULL;
	uint64_t end = 0;
	uint32_t n = 0;

	for (uint32_t w = d->file[file].first; w != DISK_NONE; w = d->write[w].next) {
		const struct op *o = &d->record->op[d->write[w].op];

		if (o->call == SYS_WRITE && o->off + o->data.n > end) {
			end = o->off + o->data.n;
			last = o;
		}
	}
	if (last == NULL || last->data.n < QFILE_FOOTER ||
	    memcmp(last->data.p + last->data.n - QFILE_FOOTER, "accordQ", 8) != 0)
		return 0;
	for (size_t i = 4; i-- > 0;)
		n = n << 8 | last->data.p[last->data.n - QFILE_FOOTER + 12 + i];
	*off = end - QFILE_FOOTER - (uint64_t)n * QFILE_SLOT;
	return n;
}

static void
result_add(struct judge *j, const struct name *n, const struct op *o, uint32_t slot, bool gone,
    uint64_t sure_at)
{
	struct result *r = &j->result[j->nresult++];

	*r = (struct result){ .slot = slot, .gone = gone, .end = o->end, .sure_at = sure_at,
	    .ms = ledger_after(j->ledger, o->end) };
	r->late_ms = r->ms + JUDGE_LATE_MS;
	for (size_t i = 0; i < j->ledger->nkill; i++)
		if (j->ledger->kill[i] + SLACK >= o->end && ledger_before(j->ledger, j->ledger->kill[i]) < r->late_ms)
			r->late_ms = r->ms + JUDGE_KILLED_MS;
	memcpy(r->id, n->text.p, n->text.n < QID_LEN ? n->text.n : QID_LEN);
}

static bool
is_hh(const struct disk *d, uint32_t folder)
{
	for (uint32_t n = 0; n < d->nname; n++)
		if (d->name[n].now == folder && d->name[n].text.n == 2 && d->name[n].folder != 0)
			return true;
	return false;
}

static void
results_of_file(struct judge *j, uint32_t name, uint32_t file)
{
	const struct disk *d = j->disk;
	uint64_t off;
	uint32_t n = slots_of(d, file, &off);

	for (uint32_t w = d->file[file].first; n > 0 && w != DISK_NONE; w = d->write[w].next) {
		const struct op *o = &d->record->op[d->write[w].op];

		if (o->call == SYS_WRITE && o->data.n == QFILE_SLOT && o->off >= off && slot_final(o->data.p[0]))
			result_add(j, &d->name[name], o, (uint32_t)((o->off - off) / QFILE_SLOT), false,
			    d->write[w].sure_at);
	}
}

/* Once the message is surely gone, so are its results. */
static void
results_outlived(struct judge *j)
{
	for (size_t i = 0; i < j->nresult; i++)
		for (size_t k = 0; k < j->nresult; k++)
			if (j->result[k].gone && j->result[k].sure_at < j->result[i].sure_at &&
			    memcmp(j->result[k].id, j->result[i].id, QID_LEN) == 0)
				j->result[i].sure_at = j->result[k].sure_at;
}

bool
judge_open(struct judge *j)
{
	const struct disk *d = j->disk;
	bool *hh = calloc(d->nfile + 1, sizeof *hh);

	j->nresult = 0;
	j->result = malloc((d->nwrite + d->nchange + 1) * sizeof *j->result);
	if (j->result == NULL || hh == NULL) {
		free(hh);
		return false;
	}
	for (uint32_t f = 0; f < d->nfile; f++)
		hh[f] = d->file[f].folder && is_hh(d, f);
	for (uint32_t i = 0; i < d->nchange; i++) {
		const struct change *c = &d->change[i];

		if (!hh[d->name[c->name].folder] || d->name[c->name].text.n != QID_LEN)
			continue;
		if (c->file != DISK_NONE)
			results_of_file(j, c->name, c->file);
		else
			result_add(j, &d->name[c->name], &d->record->op[c->op], 0, true, c->sure_at);
	}
	free(hh);
	results_outlived(j);
	return true;
}

void
judge_close(struct judge *j)
{
	free(j->result);
	j->result = NULL;
}

/* --- one image --- */

/* What was found of a message. */
struct found {
	bool file, report[LEDGER_RCPTS], mail[LEDGER_RCPTS];
	uint8_t state[LEDGER_RCPTS];
};
struct look {
	const struct judge *j;
	uint64_t cut;
	struct found *found;
	char *why;
};

static bool
wrong(const struct look *k, const char *fmt, const char *a, uint32_t n)
{
	snprintf(k->why, JUDGE_WHY, fmt, a, n);
	return false;
}

static bool
is_text(uint32_t number, struct span message)
{
	struct buf want;
	struct err e;
	bool same;

	buf_init(&want, MAIL_MAX);
	same = ledger_text(number, &want, &e) == 0 && message.n > want.n &&
	    memcmp(message.p, "Received: ", 10) == 0 &&
	    memcmp(message.p + message.n - want.n, want.p, want.n) == 0 &&
	    message.p[message.n - want.n - 1] == '\n';
	buf_free(&want);
	return same;
}

static bool
look_message(const struct look *k, const struct letter *l, struct span message, uint32_t number)
{
	const struct truth *t = &k->j->ledger->of[number];
	struct found *f = &k->found[number];

	if (t->state != 'M')
		return wrong(k, "%s: message %u was never finished, or was refused", l->id, number);
	if (f->file)
		return wrong(k, "%s: message %u is there twice", l->id, number);
	if (!is_text(number, message))
		return wrong(k, "%s: message %u has other octets", l->id, number);
	if (l->env.nrcpt != t->nrcpt)
		return wrong(k, "%s: message %u has other recipients", l->id, number);
	for (uint32_t i = 0; i < t->nrcpt; i++) {
		if (!span_is(l->env.rcpt[i].addr, t->rcpt[i].addr))
			return wrong(k, "%s: message %u has other recipients", l->id, number);
		f->state[i] = l->slot[i].state;
	}
	f->file = true;
	return true;
}

static bool
look_report(const struct look *k, const struct letter *l, struct span message, uint32_t number)
{
	const struct truth *t = &k->j->ledger->of[number];

	if (t->state != 'M')
		return wrong(k, "%s: a report of message %u, which never was", l->id, number);
	for (uint32_t i = 0; i < t->nrcpt; i++)
		if (memmem(message.p, message.n, t->rcpt[i].addr, strlen(t->rcpt[i].addr)) != NULL &&
		    (!slot_final(l->slot[0].state) || t->rcpt[i].reported <= k->cut))
			k->found[number].report[i] = true;
	return true;
}

/* A result that is so old is on the disk. */
static bool
look_results(const struct look *k, const struct letter *l)
{
	int64_t now = ledger_before(k->j->ledger, k->cut);

	for (size_t i = 0; i < k->j->nresult; i++) {
		const struct result *r = &k->j->result[i];

		if (memcmp(r->id, l->id, QID_LEN) != 0 || r->end > k->cut || r->late_ms > now)
			continue;
		if (r->gone)
			return wrong(k, "%s: was unlinked more than %u ms ago and is back", l->id,
			    (uint32_t)(now - r->ms));
		if (r->slot < l->q.nslot && !slot_final(l->slot[r->slot].state))
			return wrong(k, "%s: a result is lost that was marked %u ms ago", l->id,
			    (uint32_t)(now - r->ms));
	}
	return true;
}

/* It goes to bad/ and is not sent.  Where names follow the data there is none; with syncfs there may be. */
static bool
look_bad(const struct look *k, const char *id, const char *why)
{
	char text[QID_SIZE + sizeof(struct err)];

	snprintf(text, sizeof text, "%s: %s", id, why);
	return k->j->strategy == STRATEGY_FS || wrong(k, "half a file under its name: %s (%u)", text, 0);
}

static bool
look_letter(const struct look *k, const struct letter *l)
{
	unsigned char *text = malloc((size_t)l->q.msg_len + 1);
	uint32_t number = 0;
	char who[LEDGER_ADDR];
	bool good = true, report = l->env.sender.n == 0;
	struct err e;

	if (text == NULL)
		return wrong(k, "%s: no memory (%u)", l->id, 0);
	if (qfile_message(l->fd, &l->q, text, &e) == -1) {	/* as remote does */
		free(text);
		return look_bad(k, l->id, e.what);
	}
	span_text(report ? l->env.rcpt[0].addr : l->env.sender, who, sizeof who);
	if (sscanf(who, "s%u@client.example", &number) != 1 || number >= LEDGER_MAX)
		good = wrong(k, "%s: a message of nobody's (%u)", who, number);
	else
		good = (report ? look_report : look_message)(k, l, span_of(text, (size_t)l->q.msg_len), number) &&
		    look_results(k, l);
	free(text);
	return good;
}

/* Every file under HH/, as qmgr reads it. */
static bool
look_queue(const struct look *k, int dir_fd)
{
	char id[QID_SIZE];
	bool good = true;
	struct scan s;

	scan_start(&s, dir_fd);
	while (good && scan_next(&s, id) == 1) {
		struct letter l;
		struct err e;
		int r = letter_open(dir_fd, id, &l, &e);

		if (r == -1 && e.kind != ERR_PERM)
			good = wrong(k, "%s cannot be read (%u)", id, 0);
		else if (r == -1)
			good = look_bad(k, id, e.what);
		if (r == 1) {
			good = look_letter(k, &l);
			letter_close(&l);
		}
	}
	if (good && s.failed)
		good = wrong(k, "%sthe scan failed (%u)", "", 0);
	scan_end(&s);
	return good;
}

/* The mail without its CRs, and the fields that local put on top. */
static bool
is_mail(uint32_t number, struct span mail)
{
	struct buf want;
	struct err e;
	size_t n = 0;
	bool same;

	buf_init(&want, MAIL_MAX);
	same = ledger_text(number, &want, &e) == 0;
	for (size_t i = 0; i < want.n; i++)
		if (want.p[i] != '\r')
			want.p[n++] = want.p[i];
	same = same && mail.n > n && memcmp(mail.p + mail.n - n, want.p, n) == 0;
	buf_free(&want);
	return same;
}

static bool
look_mail(const struct look *k, int at, const char *file)
{
	static unsigned char mail[MAIL_MAX];
	const unsigned char *to, *end;
	int fd = openat(at, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, mail, sizeof mail);
	uint32_t number, i;

	if (fd != -1)
		close(fd);
	to = n <= 0 ? NULL : memmem(mail, (size_t)n, "Delivered-To: ", 14);
	end = to == NULL ? NULL : memchr(to, '\n', (size_t)(mail + n - to));
	if (end == NULL || !ledger_named(span_of(to + 14, (size_t)(end - to - 14)), &number, &i) ||
	    !is_mail(number, span_of(mail, (size_t)n)))
		return wrong(k, "%s: half a message in a mailbox (%u octets)", file, (uint32_t)n);
	k->found[number].mail[i] = true;
	return true;
}

static bool
look_mailbox(const struct look *k, const char *dir)
{
	char path[512];
	struct dirent *de;
	bool good = true;
	DIR *d;

	snprintf(path, sizeof path, "%s/mail/postmaster/new", dir);
	if ((d = opendir(path)) == NULL)
		return true;
	while (good && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			good = look_mail(k, dirfd(d), de->d_name);
	closedir(d);
	return good;
}

/* Is a recipient, who is in no queued file, where he may be? */
static bool
fate_known(const struct look *k, const struct truth *t, const struct found *f, uint32_t i)
{
	const struct fate *w = &t->rcpt[i];

	return w->handed <= k->cut || w->removed <= k->cut || w->reported <= k->cut || f->report[i] || f->mail[i];
}

static bool
look_truth(const struct look *k, uint32_t number)
{
	const struct truth *t = &k->j->ledger->of[number];
	const struct found *f = &k->found[number];

	if (t->state != 'M' || t->ack > k->cut)
		return true;
	for (uint32_t i = 0; i < t->nrcpt; i++) {
		if (f->file && !slot_final(f->state[i]))
			continue;
		if (!fate_known(k, t, f, i))
			return wrong(k, f->file ? "%s: marked as done and is nowhere; message %u" :
			    "%s: lost; message %u was acknowledged, and is gone", t->rcpt[i].addr, number);
	}
	return true;
}

static bool
look_tmp(const struct look *k, int dir_fd)
{
	int fd = openat(dir_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;
	bool good = d != NULL;

	if (!good)
		return wrong(k, "%s is not there (%u)", "queue/tmp", 0);
	while (good && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			good = wrong(k, "tmp/%s: was never acknowledged, and stays (%u)", de->d_name, 0);
	closedir(d);
	return good;
}

static bool
look_all(const struct look *k, const char *dir)
{
	struct queue_options opt = { .strategy = k->j->strategy };
	static struct queue q;
	static struct loop l;
	char path[512];
	bool good;
	struct err e;
	int fd;

	snprintf(path, sizeof path, "%s/queue", dir);
	if ((mkdir(path, 0750) == -1 && errno != EEXIST) ||
	    (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || loop_init(&l, &e) == -1)
		return wrong(k, "%s: %u", path, (uint32_t)errno);
	if (queue_start(&q, &l, fd, &opt, &e) == -1)
		return wrong(k, "start-up: %s (%u)", e.what, 0);
	good = look_tmp(k, fd) && look_queue(k, fd) && look_mailbox(k, dir);
	queue_free(&q);
	close(fd);
	for (uint32_t n = 0; good && n < k->j->ledger->nmessage; n++)
		good = look_truth(k, n);
	return good;
}

static _Noreturn void
look_child(const struct judge *j, const struct image *im, const char *dir, int out)
{
	char why[JUDGE_WHY] = "";
	struct look k = { j, im->cut, calloc(LEDGER_MAX, sizeof *k.found), why };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	alarm(CHILD_SECONDS);
	if (null != -1)
		dup2(null, 2);		/* the queue's log */
	if (k.found == NULL)
		_exit(2);
	if (!look_all(&k, dir))
		(void)!write(out, why, strlen(why));
	_exit(0);
}

bool
judge_image(const struct judge *j, const struct image *im, const char *dir, char why[JUDGE_WHY])
{
	int pair[2], status = -1;
	ssize_t n = 0;
	pid_t pid;

	memset(why, 0, JUDGE_WHY);
	if (pipe2(pair, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		snprintf(why, JUDGE_WHY, "fork: errno %d", errno);
		return false;
	}
	if (pid == 0)
		look_child(j, im, dir, pair[1]);
	close(pair[1]);
	n = read(pair[0], why, JUDGE_WHY - 1);
	close(pair[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (n <= 0 && status != 0)
		snprintf(why, JUDGE_WHY, "start-up died: status %x", (unsigned)status);
	image_clear(AT_FDCWD, dir, false);
	return why[0] == '\0';
}
