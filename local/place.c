/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the walk is, what is left, and which user's links led here. */
struct walk { int at; char rest[PLACE_PATH]; int links; bool linked; uid_t whose; };

/* Who can make the link: its folder's owner; in a folder of root, the link's own. */
static uid_t
link_maker(const struct stat *folder, const struct stat *link)
{
	return folder->st_uid != 0 ? folder->st_uid : link->st_uid;
}

/* The link's target takes its place in the path. */
static int
walk_target(struct walk *w, const char *target, const char *behind, struct err *e)
{
	char rest[PLACE_PATH];
	int root;

	if ((size_t)snprintf(rest, sizeof rest, "%s/%s", target, behind) >= sizeof rest)
		return err_set(e, ERR_TEMP, "4.3.5", "mailbox folder: a path too long");
	memcpy(w->rest, rest, sizeof rest);
	if (target[0] != '/')
		return 0;
	if ((root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return err_sys(e, "mailbox folder");
	close(w->at);
	w->at = root;
	return 0;
}

/* What stands in a folder's place: a link to be followed, or nothing that can hold mail. */
static int
walk_link(struct walk *w, const char *part, const char *behind, struct err *e)
{
	char target[PLACE_PATH];
	struct stat folder, link;
	int fd = openat(w->at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = -1;
	uid_t maker;

	if (fd == -1 || fstat(fd, &link) == -1 || fstat(w->at, &folder) == -1 ||
	    (S_ISLNK(link.st_mode) && (n = readlinkat(fd, "", target, sizeof target - 1)) == -1))
		err_sys(e, "mailbox folder");
	if (fd != -1)
		close(fd);
	if (e->kind != ERR_NONE)
		return -1;
	if (n == -1)
		return err_set(e, ERR_TEMP, "4.3.5", "mailbox folder: %s is none", part);
	target[n] = '\0';
	maker = link_maker(&folder, &link);
	if (++w->links > PLACE_LINKS || (maker != 0 && w->linked && w->whose != maker))
		return err_set(e, ERR_TEMP, "4.3.5", "mailbox folder: too many links");
	if (maker != 0) {
		w->linked = true;
		w->whose = maker;
	}
	return walk_target(w, target, behind, e);
}

/* One part of the path.  1: go on; 0: it does not exist; -1. */
static int
walk_step(struct walk *w, struct err *e)
{
	char part[256];
	const char *from = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(from, "/");
	int next;

	memmove(w->rest, from, strlen(from) + 1);
	if (n == 0)
		return 0;
	if (n >= sizeof part)
		return err_set(e, ERR_TEMP, "4.3.5", "mailbox folder: a name of %zu octets", n);
	memcpy(part, w->rest, n);
	part[n] = '\0';
	next = openat(w->at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next != -1) {
		close(w->at);
		w->at = next;
		memmove(w->rest, w->rest + n, strlen(w->rest + n) + 1);
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	if (errno != ELOOP && errno != ENOTDIR)
		return err_sys(e, "mailbox folder: %s", part);
	return walk_link(w, part, w->rest + n, e) == -1 ? -1 : 1;
}

/* A file in a folder of root's, as in /var/mail, is its own user's: nobody else can have put it there.  The folder's
 * group makes locks beside it. */
static bool
place_file(const struct walk *w, const char *file, struct place *p)
{
	struct stat folder, st;

	if (w->linked || fstat(w->at, &folder) == -1 || folder.st_uid != 0 || folder.st_mode & S_IWOTH ||
	    w->rest[strspn(w->rest, "/")] != '\0' || fstatat(w->at, file, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode) || st.st_uid == 0 || st.st_nlink != 1)
		return false;
	p->uid = st.st_uid;
	p->gid = folder.st_gid;
	return true;
}

static int
place_owner(const struct walk *w, bool as_root, const char *file, struct place *p, struct err *e)
{
	struct stat st;

	if (fstat(w->at, &st) == -1)
		return err_sys(e, "mailbox folder");
	if (as_root && file != NULL && place_file(w, file, p))
		return 0;
	if (as_root && st.st_uid == 0)
		return err_set(e, ERR_TEMP, "4.3.5", "the mailbox's folder belongs to root");
	if (as_root && w->linked && w->whose != st.st_uid)
		return err_set(e, ERR_TEMP, "4.3.5", "a link of user %u leads to a folder of user %u",
		    (unsigned)w->whose, (unsigned)st.st_uid);
	p->uid = st.st_uid;
	p->gid = st.st_gid;
	return 0;
}

static int
place_walk(int home, const char *path, bool as_root, const char *file, struct place *p, struct err *e)
{
	struct walk w = { .at = path[0] == '/' ? open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
	    fcntl(home, F_DUPFD_CLOEXEC, 0) };
	int r = 1;

	*e = (struct err){ 0 };
	if (w.at == -1)
		return err_sys(e, "mailbox folder");
	if ((size_t)snprintf(w.rest, sizeof w.rest, "%s", path) >= sizeof w.rest)
		r = err_set(e, ERR_TEMP, "4.3.5", "mailbox folder: a path too long");
	while (r == 1)
		r = walk_step(&w, e);
	if (r == -1 || place_owner(&w, as_root, file, p, e) == -1) {
		close(w.at);
		return -1;
	}
	p->folder = w.at;
	memcpy(p->rest, w.rest, sizeof p->rest);
	return 0;
}

int
place_find(int home, const char *path, bool as_root, struct place *p, struct err *e)
{
	return place_walk(home, path, as_root, NULL, p, e);
}

int
place_find_file(int home, const char *path, bool as_root, struct place *p, struct err *e)
{
	const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
	char folder[PLACE_PATH];
	size_t n;

	if (*file == '\0' || (size_t)(file - path) >= sizeof folder)
		return err_set(e, ERR_TEMP, "4.3.5", "mailbox file: a path too long, or of a folder");
	snprintf(folder, sizeof folder, "%.*s", (int)(file - path), path);
	if (place_walk(home, folder, as_root, file, p, e) == -1)
		return -1;
	n = strlen(p->rest);
	if ((size_t)snprintf(p->rest + n, sizeof p->rest - n, "%s%s", n > 0 && p->rest[n - 1] != '/' ? "/" : "",
	    file) < sizeof p->rest - n)
		return 0;
	close(p->folder);
	return err_set(e, ERR_TEMP, "4.3.5", "mailbox file: a path too long");
}
