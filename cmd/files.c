/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/files.c - files, settings and text that the verbs share. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/confcheck.h"

int
cmd_read_fd(int fd, struct buf *out, struct err *e)
{
	for (;;) {
		void *to = buf_room(out, 65536, e);
		ssize_t n;

		if (to == NULL)
			return -1;
		if ((n = read(fd, to, 65536)) == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "read");
		if (n == 0)
			return 0;
		out->n += (size_t)n;
	}
}

int
cmd_read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd == -1) {
		err_sys(e, "%s", path);
		e->kind = ERR_PERM;
		return -1;
	}
	r = cmd_read_fd(fd, out, e);
	if (fd != 0)
		close(fd);
	return r == -1 ? err_in(e, "%s", path) : 0;
}

static int
write_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

int
cmd_replace_file(const char *path, struct span content,
    int (*like_before)(int fd, const char *path, struct err *e), struct err *e)
{
	char tmp[1024];
	int fd, r;

	if ((size_t)snprintf(tmp, sizeof tmp, "%s.%d.tmp", path, (int)getpid()) >= sizeof tmp)
		return err_set(e, ERR_PERM, NULL, "%s: a path too long", path);
	/* what may be secret is nobody else's to read until like_before has said who may */
	if ((fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, like_before != NULL ? 0600 : 0644)) ==
	    -1) {
		err_sys(e, "%s", tmp);
		e->kind = ERR_PERM;
		return -1;
	}
	r = write_all(fd, content) == -1 || fsync(fd) == -1 ? err_sys(e, "%s", path) : 0;
	if (r == 0 && like_before != NULL)
		r = like_before(fd, path, e);
	if (r == 0 && rename(tmp, path) == -1)
		r = err_sys(e, "%s", path);
	close(fd);
	if (r == -1)
		unlink(tmp);
	return r;
}

/* A device, a pipe: it is written to, never put aside. */
static int
write_special(const char *path, struct span content, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd == -1)
		return err_sys(e, "%s", path);
	r = write_all(fd, content) == -1 ? err_sys(e, "%s", path) : 0;
	close(fd);
	return r;
}

int
cmd_write_file(const char *path, struct span content, struct err *e)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return write_all(1, content) == -1 ? err_sys(e, "standard output") : 0;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_special(path, content, e);
	return cmd_replace_file(path, content, NULL, e);
}

static int
read_setting(const struct home *h, struct conf *conf, enum conf_id id, struct err *e)
{
	char path[640];
	struct err inner = { 0 };
	int fd, r;

	snprintf(path, sizeof path, "%s/%s", h->control, conf_table[id].name);
	if ((fd = conf_open(AT_FDCWD, path, e)) == -1)
		return e->kind == ERR_NONE ? 0 : -1;
	r = conf_set_fd(conf, id, fd, &inner);	/* "listen:3: expected …" */
	close(fd);
	return r == -1 ? err_set(e, inner.kind, inner.dsn, "%s/%s", h->control, inner.what) : 0;
}

int
cmd_settings(const struct home *h, struct conf *conf, struct err *e)
{
	if (conf_init(conf, e) == -1)
		return -1;
	for (int i = 0; i < CONF_COUNT; i++)
		if (read_setting(h, conf, i, e) == -1)
			return -1;
	return 0;
}

int
cmd_setting(const struct home *h, struct conf *conf, enum conf_id id, struct err *e)
{
	return conf_init(conf, e) == -1 ? -1 : read_setting(h, conf, id, e);
}

int
cmd_program(const char *name, char *out, size_t cap, struct err *e)
{
	/* in the build folder; installed, wherever the tree was moved to; installed */
	static const char *const folders[] = { "", "/../libexec/accord", NULL };
	char self[512] = "", *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n > 0 && (slash = strrchr(self, '/')) != NULL) {
		*slash = '\0';
		for (int i = 0; folders[i] != NULL; i++)
			if ((size_t)snprintf(out, cap, "%s%s/%s", self, folders[i], name) < cap &&
			    access(out, X_OK) == 0)
				return 0;
	}
	if ((size_t)snprintf(out, cap, "%s/libexec/accord/%s", ACCORD_PREFIX, name) < cap &&
	    access(out, X_OK) == 0)
		return 0;
	return err_set(e, ERR_PERM, NULL, "%s: not beside accord, not in ../libexec/accord from there, "
	    "and not in %s/libexec/accord", name, ACCORD_PREFIX);
}

/* Octets of the well-formed UTF-8 character at s, or 0. */
static size_t
utf8_len(struct span s)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s.p[0] < 0x80 ? 1 : s.p[0] >> 5 == 6 ? 2 : s.p[0] >> 4 == 14 ? 3 :
	    s.p[0] >> 3 == 30 ? 4 : 0;
	uint32_t c;

	if (n <= 1)
		return n;
	if (n > s.n)
		return 0;
	c = s.p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s.p[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

void
json_string(FILE *to, struct span s)
{
	fputc('"', to);
	while (s.n > 0) {
		size_t n = utf8_len(s);

		if (n == 0)
			fputs("\\ufffd", to);
		else if (s.p[0] == '"' || s.p[0] == '\\')
			fprintf(to, "\\%c", s.p[0]);
		else if (s.p[0] < 0x20 || s.p[0] == 0x7f)
			fprintf(to, "\\u%04x", s.p[0]);
		else
			fwrite(s.p, 1, n, to);
		s = span_sub(s, n == 0 ? 1 : n, s.n);
	}
	fputc('"', to);
}
