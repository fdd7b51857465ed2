/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/capsdb.h"
#include "lib/clock.h"
#include "lib/confcheck.h"
#include "lib/confline.h"
#include "lib/ipc.h"
#include "lib/log.h"

static const char caps_default[] = "caps.cdb", caps_beside[] = "caps.cdb.next";

int
place_names(struct place *p, const char *home, struct err *e)
{
	*p = (struct place){ .state_fd = -1, .queue_fd = -1, .caps_fd = -1, .learn_fd = -1, .offer_fd = -1,
	    .run_fd = -1, .clock_fd = -1, .control_sock = -1, .certs_fd = -1, .keys_fd = -1, .authorities_fd = -1,
	    .known_fd = -1, .users_fd = -1, .directories_fd = -1, .lock_fd = -1 };
	for (int i = 0; i < CONF_COUNT; i++)
		p->setting_fd[i] = -1;
	if (home == NULL) {
		snprintf(p->control, sizeof p->control, "/etc/accord");
		snprintf(p->state, sizeof p->state, "/var/lib/accord");
		snprintf(p->run, sizeof p->run, "/run/accord");
		return 0;
	}
	if (strlen(home) > PLACE_PATH - 100)
		return err_set(e, ERR_PERM, NULL, "expected a shorter path after -H");
	snprintf(p->control, sizeof p->control, "%s/control", home);
	snprintf(p->state, sizeof p->state, "%s", home);
	snprintf(p->run, sizeof p->run, "%s/run", home);
	return 0;
}

/* --- settings --- */

/* "listen:3: expected …" becomes "/etc/accord/listen:3: expected …". */
static int
in_control(const struct place *p, struct err *e)
{
	struct err inner = *e;

	return err_set(e, inner.kind, inner.dsn, "%s/%s", p->control, inner.what);
}

/* The text of a setting as a sealed memory file; fd is closed. */
static int
setting_copy(int fd, const char *name, struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char chunk[16384];
	off_t at = 0;
	ssize_t n = copy == -1 ? -1 : 1;

	while (n > 0 && (n = pread(fd, chunk, sizeof chunk, at)) > 0) {
		if (pwrite(copy, chunk, (size_t)n, at) != n)
			n = -1;
		at += n;
	}
	if (n == 0 && fcntl(copy, F_ADD_SEALS, seals) == 0) {
		close(fd);
		return copy;
	}
	err_sys(e, "%s", name);
	close(fd);
	if (copy != -1)
		close(copy);
	return -1;
}

static int
one_setting(struct place *p, int dir, enum conf_id id, struct err *e)
{
	const char *name = conf_table[id].name;
	int fd = conf_open(dir, name, e);
	struct stat st;

	if (fd == -1)
		return e->kind == ERR_NONE ? 0 : in_control(p, e);
	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s/%s", p->control, name);
	/* caps is capsdb_build's, which wants its time too; conf_set_fd says what is no file */
	if (id != CONF_CAPS && S_ISREG(st.st_mode) && (fd = setting_copy(fd, name, e)) == -1)
		return in_control(p, e);
	p->setting_fd[id] = fd;
	if (id != CONF_CAPS && conf_set_fd(&p->conf, id, fd, e) == -1)
		return in_control(p, e);
	return 0;
}

/* A misspelt name must not be silently without effect. */
static void
warn_unknown(const struct place *p, int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy == -1 ? NULL : fdopendir(copy);
	struct dirent *ent;

	while (d != NULL && (ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.' && strcmp(ent->d_name, "passwd") != 0 &&
		    conf_find(ent->d_name) == CONF_COUNT)
			log_line(LOG_WARN, NULL, "unknown-setting", "folder=%s name=%s",
			    log_q(p->control), log_q(ent->d_name));
	if (d != NULL)
		closedir(d);
}

int
place_settings(struct place *p, struct err *e)
{
	int dir = open(p->control, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (dir == -1)
		return err_sys(e, "%s", p->control);
	if (conf_init(&p->conf, e) == -1)
		r = -1;
	for (int i = 0; r == 0 && i < CONF_COUNT; i++)
		r = one_setting(p, dir, (enum conf_id)i, e);
	if (r == 0) {
		warn_unknown(p, dir);
		r = conf_together(&p->conf, e) == -1 ? in_control(p, e) : 0;
	}
	close(dir);
	return r;
}

/* --- folders --- */

/* By another name until its owner has it: who dies between leaves none that the next start takes so. */
static int
folder_make(int at, const char *path, mode_t mode, const struct accounts *who, const struct account *owner,
    struct err *e)
{
	char part[PLACE_PATH + sizeof ".new"];
	int fd;

	snprintf(part, sizeof part, "%s.new", path);
	if (mkdirat(at, part, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", path);
	fd = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", part);
	if (fchmod(fd, mode) == 0 && (!who->change || owner == NULL || fchown(fd, owner->uid, owner->gid) == 0) &&
	    renameat(at, part, at, path) == 0)
		return fd;
	err_sys(e, "%s", path);
	close(fd);
	return -1;
}

/* Opens path below at, made with mode and given to its owner when missing. */
static int
folder(int at, const char *path, mode_t mode, const struct accounts *who, const struct account *owner,
    struct err *e)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return folder_make(at, path, mode, who, owner, e);
	return fd == -1 ? err_sys(e, "%s", path) : fd;
}

/* Names that a power cut took would take all mail with them.  Each time: who made them may have died then. */
static int
folders_flush(const struct place *p, struct err *e)
{
	int above = openat(p->state_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (above != -1) {
		(void)fsync(above);	/* not always ours, or on this disk */
		close(above);
	}
	return fsync(p->state_fd) == -1 ? err_sys(e, "%s: fsync", p->state) : 0;
}

static int
place_folders(struct place *p, const struct accounts *who, struct err *e)
{
	int mail;

	p->state_fd = folder(AT_FDCWD, p->state, 0755, who, NULL, e);
	if (p->state_fd == -1)
		return -1;
	/* the group reads: qmgr is in it */
	p->queue_fd = folder(p->state_fd, "queue", 0750, who, &who->of[ROLE_QUEUE], e);
	if (p->queue_fd == -1)
		return err_in(e, "%s", p->state);
	p->caps_fd = folder(p->state_fd, "caps", 0700, who, &who->of[ROLE_CAPD], e);
	if (p->caps_fd == -1)
		return err_in(e, "%s", p->state);
	p->learn_fd = folder(p->state_fd, "learn", 0700, who, &who->of[ROLE_LEARN], e);
	if (p->learn_fd == -1)
		return err_in(e, "%s", p->state);
	p->offer_fd = folder(p->state_fd, "offer", 0700, who, &who->of[ROLE_OFFER], e);
	if (p->offer_fd == -1)
		return err_in(e, "%s", p->state);
	mail = folder(p->state_fd, "mail", 0711, who, &who->of[ROLE_START], e);
	if (mail == -1)
		return err_in(e, "%s", p->state);
	close(mail);
	if (folders_flush(p, e) == -1)
		return -1;
	p->run_fd = folder(AT_FDCWD, p->run, 0755, who, NULL, e);
	if (p->run_fd == -1)
		return -1;
	p->lock_fd = openat(p->run_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->lock_fd == -1)
		return err_sys(e, "%s/lock", p->run);
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK ? err_set(e, ERR_PERM, NULL,
		    "%s/lock: accord runs here already", p->run) : err_sys(e, "%s/lock", p->run);
	return 0;
}

/* --- the capability database --- */

/* A full disk, at a start: mail that waits there is to go out, and so make room.  A reload, which keeps what
 * is in force anyway, says that it failed. */
static bool
may_be_later(const struct err *e)
{
	if (e->sys != ENOSPC && e->sys != EDQUOT)
		return false;
	log_line(LOG_WARN, NULL, "caps-old", "why=%s", log_q(e->what));
	return true;
}

static int
build_caps(struct place *p, const char *name, struct err *e)
{
	struct stat text, db;
	int fd = p->setting_fd[CONF_CAPS];
	bool there;

	if (fd == -1)
		return 0;
	if (fstat(fd, &text) == -1)
		return err_sys(e, "%s/caps", p->control);
	there = fstatat(p->state_fd, caps_default, &db, 0) == 0;
	if (there && (db.st_mtim.tv_sec > text.st_mtim.tv_sec ||
	    (db.st_mtim.tv_sec == text.st_mtim.tv_sec && db.st_mtim.tv_nsec > text.st_mtim.tv_nsec)))
		return 0;
	if (capsdb_build(fd, "caps", p->state_fd, name, e) == -1)
		return name == caps_default && there && may_be_later(e) ? 0 : in_control(p, e);
	p->caps_beside = name == caps_beside;
	log_line(LOG_INFO, NULL, "caps-built", "");
	return 0;
}

int
place_caps(const struct place *p, struct err *e)
{
	struct capsource s = { 0 };
	const struct span *lines;
	uint32_t n = conf_lines(&p->conf, CONF_CAPSOURCES, &lines);
	char path[PLACE_PATH];
	int fd;

	e->kind = ERR_NONE;
	for (uint32_t i = 0; i < n && s.source != SOURCE_CDB; i++)
		if (capsource_parse(lines[i], &s, e) == -1)
			return -1;
	if (s.source != SOURCE_CDB)
		return -1;
	span_text(s.file, path, sizeof path);
	if (p->caps_beside && strcmp(path, caps_default) == 0)
		snprintf(path, sizeof path, "%s", caps_beside);
	fd = openat(p->state_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 && !(errno == ENOENT && strcmp(path, caps_default) == 0))
		err_sys(e, "%s/%s", p->state, path);
	return fd;
}

static int
check_caps(const struct place *p, struct err *e)
{
	int caps = place_caps(p, e);

	if (caps != -1)
		close(caps);
	return caps == -1 && e->kind != ERR_NONE ? -1 : 0;
}

int
place_open(struct place *p, const char *home, const char *clock, const struct accounts *who,
    struct err *e)
{
	if (place_names(p, home, e) == -1 || place_settings(p, e) == -1 ||
	    place_folders(p, who, e) == -1 || place_certs(p, e) == -1 || place_credentials(p, e) == -1 ||
	    place_known(p, e) == -1 || place_users(p, e) == -1 || place_directories(p, e) == -1 ||
	    build_caps(p, caps_default, e) == -1 ||
	    check_caps(p, e) == -1)
		return -1;
	if (clock != NULL && ((p->clock_fd = open(clock, O_RDONLY | O_CLOEXEC)) == -1 ||
	    clock_shift(p->clock_fd) == -1))
		return err_sys(e, "%s", clock);
	return place_bind(p, e);
}

void
place_close(struct place *p)
{
	int *const fds[] = { &p->state_fd, &p->queue_fd, &p->caps_fd, &p->learn_fd, &p->offer_fd, &p->clock_fd,
	    &p->control_sock };

	if (p->control_sock != -1)	/* else it is another accord's, which runs there */
		(void)unlinkat(p->run_fd, "control.sock", 0);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		ipc_close_fds(fds[i], 1);
	ipc_close_fds(&p->run_fd, 1);
	ipc_close_fds(&p->lock_fd, 1);
	place_drop(p);
}

/* --- a reload --- */

void
place_drop(struct place *next)
{
	if (next->caps_beside)
		(void)unlinkat(next->state_fd, caps_beside, 0);
	next->caps_beside = false;
	ipc_close_fds(next->setting_fd, CONF_COUNT);
	ipc_close_fds(&next->certs_fd, 1);
	ipc_close_fds(&next->authorities_fd, 1);
	ipc_close_fds(&next->users_fd, 1);
	ipc_close_fds(&next->keys_fd, 1);
	ipc_close_fds(&next->known_fd, 1);
	ipc_close_fds(&next->directories_fd, 1);
	for (uint32_t i = 0; i < next->nlistener; i++)
		close(next->listener[i].fd);
	next->nlistener = 0;
	conf_free(&next->conf);
}

int
place_reopen(const struct place *p, struct place *next, struct err *e)
{
	*next = *p;
	next->conf = (struct conf){ 0 };
	next->nlistener = 0;
	next->caps_beside = false;
	next->certs_fd = next->keys_fd = next->authorities_fd = next->known_fd = next->users_fd = -1;
	next->directories_fd = -1;
	for (int i = 0; i < CONF_COUNT; i++)
		next->setting_fd[i] = -1;
	if (place_settings(next, e) == 0 && place_certs(next, e) == 0 && place_credentials(next, e) == 0 &&
	    place_known(next, e) == 0 && place_users(next, e) == 0 && place_directories(next, e) == 0 &&
	    build_caps(next, caps_beside, e) == 0 &&
	    check_caps(next, e) == 0 && place_listen(next, p, e) == 0)
		return 0;
	place_drop(next);
	return -1;
}

int
place_switch(struct place *p, struct place *next, struct err *e)
{
	struct place was = *p;

	if (next->caps_beside && renameat(p->state_fd, caps_beside, p->state_fd, caps_default) == -1)
		return err_sys(e, "%s/%s", p->state, caps_default);
	if (next->caps_beside)
		(void)fsync(p->state_fd);	/* a name that a power cut takes back is built anew */
	next->caps_beside = false;
	next->control_sock = p->control_sock;	/* may have been bound meanwhile */
	*p = *next;
	*next = was;
	return 0;
}
