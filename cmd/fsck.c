/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/fsck.c - accord queue fsck: every file of the queue's folder by lib/qfile.  It may run beside
 * accord: what vanishes meanwhile is no fault, and what looks torn is read again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/queue.h"

enum { FSCK_PATH = 300 };

/* What a finding means. */
enum finding {
	FOUND_BROKEN,		/* no whole message: belongs into bad/ */
	FOUND_MISPLACED,	/* whole, in another folder than its name says */
	FOUND_TORN,		/* a recipient's state is lost: it will be tried again */
	FOUND_STRANGE,		/* no file of a queue */
	FOUND_BAD,		/* in bad/ */
	FOUND_LEFTOVER		/* in tmp/, and nobody writes it: cleared at the next start; no fault */
};
static const char *const finding_names[] = {
	"broken", "misplaced", "torn", "strange", "bad", "leftover"
};

struct fsck {
	struct queue_call *q;
	struct buf store;
	uint64_t messages, octets, wrong, repaired;
	bool stopped;			/* no accord-queue has this folder */
};

static void
fsck_report(struct fsck *f, enum finding what, const char *path, const char *why, const char *moved)
{
	f->wrong += what != FOUND_LEFTOVER;
	f->repaired += moved != NULL;
	if (!f->q->common->json) {
		printf("%s: ", finding_names[what]);
		queue_print_safe(span_str(path));
		printf(": %s%s%s\n", why, moved != NULL ? "; moved to " : "", moved != NULL ? moved : "");
		return;
	}
	printf("{\"finding\":\"%s\",\"file\":", finding_names[what]);
	json_string(stdout, span_str(path));
	printf(",\"why\":");
	json_string(stdout, span_str(why));
	printf(",\"moved\":");
	if (moved != NULL)
		json_string(stdout, span_str(moved));
	else
		printf("null");
	printf("}\n");
}

/* Moves a file within the queue, over nothing that is there; both folders are flushed. */
static int
fsck_move(const struct fsck *f, const char *from, const char *to, struct err *e)
{
	const char *const paths[] = { from, to };

	if (renameat2(f->q->queue, from, f->q->queue, to, RENAME_NOREPLACE) == -1)
		return err_sys(e, "%s to %s", from, to);
	for (int i = 0; i < 2; i++) {
		char folder[FSCK_PATH];
		int fd;

		snprintf(folder, sizeof folder, "%s", paths[i]);
		*strrchr(folder, '/') = '\0';
		if ((fd = openat(f->q->queue, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
		    fsync(fd) == -1)
			err_sys(e, "%s: flush", folder);
		if (fd != -1)
			close(fd);
	}
	return e->kind == ERR_NONE ? 0 : -1;
}

/* Reports, and moves to the folder if that was asked (NULL: there is no better place). */
static int
fsck_fault(struct fsck *f, enum finding what, const char *path, const char *why, const char *folder,
    struct err *e)
{
	char to[FSCK_PATH];

	if (folder == NULL || !f->q->repair) {
		fsck_report(f, what, path, why, NULL);
		return 0;
	}
	if (mkdirat(f->q->queue, folder, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "queue/%s", folder);
	snprintf(to, sizeof to, "%.8s/%.260s", folder, strrchr(path, '/') + 1);
	if (fsck_move(f, path, to, e) == -1)
		return -1;
	fsck_report(f, what, path, why, to);
	return 0;
}

/* 1 whole, 0 not: *why.  -1: it is gone, or cannot be read now (*why; kind ERR_NONE: gone). */
static int
fsck_content(struct fsck *f, const char *path, uint32_t *torn, struct err *why)
{
	int fd = openat(f->q->queue, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r;
	struct envelope env = { 0 };
	struct slot *slots = NULL;
	struct qfile q;

	*torn = 0;
	if (fd == -1 && errno == ENOENT)
		return -1;
	if (fd == -1 && errno == ELOOP)
		return err_set(why, ERR_PERM, NULL, "a symbolic link"), 0;
	if (fd == -1)
		return err_sys(why, "open");
	r = qfile_load(fd, &q, &f->store, &env, &slots, why);
	if (r == 0) {
		envelope_free(&env);
		free(slots);
		f->octets += q.msg_len;
		r = qfile_torn(fd, &q, torn, why);
	}
	if (r == 0 && *torn > 0)	/* it may just have been written */
		r = qfile_torn(fd, &q, torn, why);
	if (r == 0 && (r = qfile_check(fd, &q, why)) == 0)
		err_set(why, ERR_PERM, NULL, "wrong checksum of the message");
	else if (r == -1 && why->kind == ERR_PERM)
		r = 0;
	close(fd);
	return r;
}

/* A name in one of the folders 00 … ff. */
static int
fsck_message(struct fsck *f, const char *folder, const char *name, struct err *e)
{
	char path[FSCK_PATH], home[3] = "", text[80];
	struct err why = { 0 };
	uint32_t torn;
	int r;

	snprintf(path, sizeof path, "%.2s/%.260s", folder, name);
	if (!qid_ok(name))
		return fsck_fault(f, FOUND_STRANGE, path, "not a message's name", "bad", e);
	if ((r = fsck_content(f, path, &torn, &why)) == -1) {
		if (why.kind != ERR_NONE)
			fsck_report(f, FOUND_BROKEN, path, why.what, NULL);
		return 0;
	}
	f->messages++;
	if (r == 0)
		return fsck_fault(f, FOUND_BROKEN, path, why.what, "bad", e);
	if (torn > 0) {
		snprintf(text, sizeof text, "the state of %u recipients is lost: they will be tried again",
		    torn);
		fsck_report(f, FOUND_TORN, path, text, NULL);
	}
	qid_dir(name, home);
	if (strcmp(home, folder) == 0)
		return 0;
	snprintf(text, sizeof text, "belongs into queue/%s", home);
	return fsck_fault(f, FOUND_MISPLACED, path, text, home, e);
}

static int
fsck_bad(struct fsck *f, const char *folder, const char *name, struct err *e)
{
	struct err why = { 0 };
	char path[FSCK_PATH];
	uint32_t torn;
	int r;

	(void)e;
	snprintf(path, sizeof path, "%.4s/%.260s", folder, name);
	r = fsck_content(f, path, &torn, &why);
	if (r != -1 || why.kind != ERR_NONE)
		fsck_report(f, FOUND_BAD, path, r == 1 ? "whole: put aside for a fault that is no more" :
		    why.what, NULL);
	return 0;
}

static int
fsck_leftover(struct fsck *f, const char *folder, const char *name, struct err *e)
{
	char path[FSCK_PATH];

	(void)e;
	snprintf(path, sizeof path, "%.4s/%.260s", folder, name);
	if (f->stopped)
		fsck_report(f, FOUND_LEFTOVER, path, "was being received, never accepted", NULL);
	return 0;
}

typedef int name_judge(struct fsck *f, const char *folder, const char *name, struct err *e);

static int
fsck_folder(struct fsck *f, const char *folder, name_judge *judge, struct err *e)
{
	int fd = openat(f->q->queue, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (fd == -1 && (errno == ENOTDIR || errno == ELOOP)) {
		fsck_report(f, FOUND_STRANGE, folder, "not a folder", NULL);
		return 0;
	}
	if (dir == NULL)
		return errno == ENOENT ? 0 : err_sys(e, "queue/%s", folder);
	while (r == 0 && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			r = judge(f, folder, d->d_name, e);
	closedir(dir);
	return r;
}

static bool
is_hex_folder(const char *name)
{
	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

/* A name in the queue's folder itself. */
static int
fsck_top(struct fsck *f, const char *folder, const char *name, struct err *e)
{
	static const char *const known[] = { "tmp", "bad", "log", "lock" };

	(void)folder;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(name, known[i]) == 0)
			return 0;
	if (is_hex_folder(name))
		return fsck_folder(f, name, fsck_message, e);
	fsck_report(f, FOUND_STRANGE, name, "no part of a queue", NULL);
	return 0;
}

/*
 * Whoever owns the queue can put anything into it, links out of it too: root looks and mends with the
 * owner's rights alone, and what it makes is the owner's.
 */
static int
fsck_become_owner(const struct fsck *f, struct err *e)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (fstat(f->q->queue, &st) == -1)
		return err_sys(e, "queue");
	if (st.st_uid != 0 && (setgroups(0, NULL) == -1 || setresgid(st.st_gid, st.st_gid, st.st_gid) == -1 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == -1))
		return err_sys(e, "queue: its owner's rights");
	return 0;
}

/* 1: the lock is ours (*fd); 0: an accord-queue has it; -1. */
static int
fsck_lock(const struct fsck *f, int *fd, struct err *e)
{
	if ((*fd = openat(f->q->queue, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return errno == ENOENT ? 1 : err_sys(e, "queue/lock");
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	return errno == EWOULDBLOCK ? 0 : err_sys(e, "queue/lock");
}

static void
fsck_end(const struct fsck *f)
{
	FILE *to = f->q->common->json ? stderr : stdout;

	fprintf(to, "%llu messages, %llu octets checked: ", (unsigned long long)f->messages,
	    (unsigned long long)f->octets);
	if (f->wrong == 0)
		fprintf(to, "all is well\n");
	else
		fprintf(to, "%llu wrong, %llu of them mended\n", (unsigned long long)f->wrong,
		    (unsigned long long)f->repaired);
}

int
queue_fsck(struct queue_call *q)
{
	struct fsck f = { .q = q };
	struct err e = { 0 };
	int lock = -1, r = fsck_become_owner(&f, &e);

	if (r == 0)
		r = fsck_lock(&f, &lock, &e);
	if (r == 0 && q->repair)
		r = err_set(&e, ERR_TEMP, NULL, "accord has this queue: stop it first");
	f.stopped = r == 1;
	if (lock != -1 && !q->repair) {		/* or accord could not start meanwhile */
		close(lock);
		lock = -1;
	}
	buf_init(&f.store, ENV_MAX + MSG_MAX);
	if (r != -1)
		r = fsck_folder(&f, ".", fsck_top, &e);
	if (r != -1)
		r = fsck_folder(&f, "bad", fsck_bad, &e);
	if (r != -1)
		r = fsck_folder(&f, "tmp", fsck_leftover, &e);
	buf_free(&f.store);
	if (lock != -1)
		close(lock);
	if (r == -1)
		return cmd_fail(&e);
	fsck_end(&f);
	return f.wrong > 0 ? EXIT_NO : EXIT_DONE;
}
