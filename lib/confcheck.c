/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/confline.h"
#include "lib/confuser.h"
#include "lib/daemon.h"
#include "lib/features.h"
#include "lib/ldapline.h"

/* What is promised is made here, or not promised. */
static int
ensure_together(const struct conf *c, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_CONNEG, &lines);

	for (uint32_t i = 0; i < n && conf_number(c, CONF_CONCURRENCYCONVERT) == 0; i++)
		if (conneg_ensures(lines[i]))
			return err_set(e, ERR_PERM, NULL, "conneg:%u: expected no mode ensure where "
			    "concurrencyconvert is 0: what is promised by it has to be converted here",
			    c->v[CONF_CONNEG].lineno[i]);
	return 0;
}

/* A listener that speaks TLS from the first octet on, or negotiates or lets log in under TLS alone, needs a certificate;
 * one by which users log in, something to check them against. */
static int
tls_together(const struct conf *c, struct err *e)
{
	const struct span *lines, *other;
	uint32_t n = conf_lines(c, CONF_LISTEN, &lines);
	bool certs = conf_lines(c, CONF_TLSCERT, &other) > 0, users = conf_lines(c, CONF_AUTH, &other) > 0;

	for (uint32_t i = 0; i < n; i++) {
		struct listener l;

		if (listener_parse(lines[i], &l, e) == -1)
			return -1;
		if (!certs && (l.tls || l.connegtls || l.auth))
			return err_set(e, ERR_PERM, NULL, "listen:%u: expected a certificate in the setting tlscert, "
			    "for TLS", c->v[CONF_LISTEN].lineno[i]);
		if (!users && l.auth)
			return err_set(e, ERR_PERM, NULL, "listen:%u: expected a line in the setting auth, for who logs in",
			    c->v[CONF_LISTEN].lineno[i]);
	}
	return 0;
}

/* What stands in a Content-Convert must be one that others can read. */
static int
permissions_right(const struct conf *c, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_CONPERMFOR, &lines);
	struct feat *f;

	for (uint32_t i = 0; i < n; i++) {
		struct span text = conpermfor_expression(lines[i]);

		if (text.n > 0 && feat_parse(text, FEAT_STRICT, &f, e) == -1)
			return err_in(e, "conpermfor:%u: expected any, none or an expression",
			    c->v[CONF_CONPERMFOR].lineno[i]);
		if (text.n > 0)
			feat_free(f);
	}
	return 0;
}

int
conf_together(const struct conf *c, struct err *e)
{
	struct span directories[LDAPLINE_MAX];
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_LISTEN, &lines);
	size_t max = sizeof ((struct daemon_listener *)NULL)->line - 1;

	if (n > DAEMON_LISTENERS)
		return err_set(e, ERR_PERM, NULL, "listen: expected at most %d lines", DAEMON_LISTENERS);
	for (uint32_t i = 0; i < n; i++)
		if (lines[i].n > max)
			return err_set(e, ERR_PERM, NULL, "listen:%u: expected a line of at most %zu octets",
			    c->v[CONF_LISTEN].lineno[i], max);
	if (conf_number(c, CONF_RETRYMAX) < conf_number(c, CONF_RETRYFIRST))
		return err_set(e, ERR_PERM, NULL, "retrymax: expected at least the value of retryfirst "
		    "(%llu)", (unsigned long long)conf_number(c, CONF_RETRYFIRST));
	if (ensure_together(c, e) == -1 || permissions_right(c, e) == -1 || ldaplines_of(c, directories, e) == -1)
		return -1;
	return tls_together(c, e);
}

int
conf_open(int at, const char *path, struct err *e)
{
	int fd = openat(at, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	e->kind = ERR_NONE;
	if (fd != -1)
		return fd;
	if (errno == ENXIO)		/* a socket */
		return err_set(e, ERR_PERM, NULL, "%s: expected a regular file", path);
	if (errno != ENOENT && errno != ELOOP)
		return err_sys(e, "%s", path);
	if (fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_PERM, NULL, "%s: expected a file: this link leads to none", path);
	return errno == ENOENT ? -1 : err_sys(e, "%s", path);
}
