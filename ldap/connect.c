/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "ldap/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openldap.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fileio.h"
#include "lib/resolve.h"
#include "lib/xtext.h"

/* libldap reads them from a file by name: one that has none but here. */
int
connect_authorities(struct span pem, struct err *e)
{
	int fd = memfd_create("authorities", MFD_CLOEXEC), demand = LDAP_OPT_X_TLS_DEMAND, new = 0, r;
	char path[40];

	if (fd == -1 || fileio_write(fd, pem, e) == -1) {
		r = err_sys(e, "authorities");
	} else {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		r = ldap_set_option(NULL, LDAP_OPT_X_TLS_CACERTFILE, path) == LDAP_OPT_SUCCESS &&
		    ldap_set_option(NULL, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
		    ldap_set_option(NULL, LDAP_OPT_X_TLS_NEWCTX, &new) == LDAP_OPT_SUCCESS ? 0 :
		    err_set(e, ERR_PERM, "5.3.5", "the authorities' certificates cannot be read");
	}
	if (fd != -1)
		close(fd);
	return r;
}

int
connect_failed(LDAP *ld, int code, const char *what, struct err *e)
{
	char *said = NULL;
	struct err ignored;
	struct buf clean;

	buf_init(&clean, 200);
	if (ld != NULL && ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said) == LDAP_OPT_SUCCESS && said != NULL)
		(void)xtext_clean(&clean, span_str(said), 100, &ignored);
	err_set(e, ERR_TEMP, "4.3.0", "%s: %s%s%.*s", what, ldap_err2string(code), clean.n > 0 ? ": " : "", (int)clean.n,
	    clean.n > 0 ? (const char *)clean.p : "");
	ldap_memfree(said);
	buf_free(&clean);
	return -1;
}

/* --- TCP --- */

static int
dial(const struct netaddr *a, uint16_t port, int wait_ms, struct err *e)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool four = memcmp(a->a, mapped, sizeof mapped) == 0;
	const struct sockaddr *to = four ? (const void *)&in : (const void *)&in6;
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed = 0;
	socklen_t n = sizeof failed;
	struct pollfd p = { fd, POLLOUT, 0 };

	memcpy(&in.sin_addr, a->a + 12, 4);
	memcpy(&in6.sin6_addr, a->a, 16);
	if (fd == -1)
		return err_sys(e, "socket");
	if (connect(fd, to, four ? sizeof in : sizeof in6) == 0 ||
	    (errno == EINPROGRESS && poll(&p, 1, wait_ms) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 && failed == 0))
		return fd;
	errno = failed != 0 ? failed : errno == EINPROGRESS ? ETIMEDOUT : errno;
	err_sys(e, "connect");
	close(fd);
	return -1;
}

static int
dial_all(const struct netaddr *a, size_t n, uint16_t port, int wait_ms, struct err *e)
{
	int64_t due = clock_ms() + wait_ms, left;
	int fd = -1;

	if (n == 0)
		return err_set(e, ERR_TEMP, "4.4.3", "it has no address");
	for (size_t i = 0; fd == -1 && i < n && (left = due - clock_ms()) > 0; i++)
		fd = dial(&a[i], port, (int)left, e);
	return fd;
}

static int
dial_host(const struct worker *w, const struct ldap_server *to, struct err *e)
{
	static struct resolved found;
	struct netaddr one;
	struct err ignored;
	int wait_ms = (int)w->line.timeout_s * 1000;

	if (netaddr_parse(span_str(to->host), &one, &ignored) == 0)
		return dial_all(&one, 1, to->port, wait_ms, e);
	if (w->resolver == -1)
		return err_set(e, ERR_TEMP, "4.4.3", "the resolver is not there");
	if (resolve_ask(w->resolver, RESOLVE_HOST, to->host, &found, e) == -1)
		return -1;
	return dial_all(found.host[0].addr, found.nhost > 0 ? found.host[0].naddr : 0, to->port, wait_ms, e);
}

/* --- LDAP --- */

/* A read that finds nothing for so long fails: no server keeps this process in one. */
static int
socket_limits(int fd, uint32_t timeout_s, struct err *e)
{
	struct timeval t = { (time_t)timeout_s, 0 };
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == -1)
		return err_sys(e, "socket");
	return 0;
}

static int
set_options(LDAP *ld, uint32_t timeout_s, struct err *e)
{
	struct timeval t = { (time_t)timeout_s, 0 };
	ber_len_t most = WORKER_ANSWER;
	int version = LDAP_VERSION3;
	Sockbuf *sb = NULL;

	if (ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &t) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(ld, LDAP_OPT_TIMEOUT, &t) != LDAP_OPT_SUCCESS ||
	    ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) != LDAP_OPT_SUCCESS || sb == NULL ||
	    ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most) != 1)
		return err_set(e, ERR_TEMP, "4.3.0", "libldap takes no options");
	return 0;
}

/* TLS as the line has it, then the bind, each within the timeout. */
static int
let_in(LDAP *ld, const struct worker *w, const struct ldap_server *to, struct err *e)
{
	struct berval password = { w->secrets.password.n, (char *)(uintptr_t)w->secrets.password.p };
	int r;

	if (to->tls && (r = ldap_install_tls(ld)) != LDAP_SUCCESS)
		return connect_failed(ld, r, "TLS", e);
	if (!to->tls && w->line.starttls && (r = ldap_start_tls_s(ld, NULL, NULL)) != LDAP_SUCCESS)
		return connect_failed(ld, r, "StartTLS", e);
	if (w->line.binddn[0] == '\0')
		return 0;
	r = ldap_sasl_bind_s(ld, w->line.binddn, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	return r == LDAP_SUCCESS ? 0 : connect_failed(ld, r, "bind", e);
}

LDAP *
connect_open(const struct worker *w, const struct ldap_server *to, int *fd, struct err *e)
{
	bool six = strchr(to->host, ':') != NULL;
	char url[LDAPLINE_HOST + 40];
	LDAP *ld = NULL;
	int r;

	*e = (struct err){ 0 };
	if ((*fd = dial_host(w, to, e)) == -1) {
		err_in(e, "%s:%u", to->host, to->port);
		return NULL;
	}
	snprintf(url, sizeof url, "%s://%s%s%s:%u", to->tls ? "ldaps" : "ldap", six ? "[" : "", to->host, six ? "]" : "",
	    to->port);
	if (socket_limits(*fd, w->line.timeout_s, e) == 0) {
		r = ldap_init_fd(*fd, LDAP_PROTO_TCP, url, &ld);
		if (r != LDAP_SUCCESS)
			(void)connect_failed(NULL, r, "LDAP", e);
		else if (set_options(ld, w->line.timeout_s, e) == 0 && let_in(ld, w, to, e) == 0)
			return ld;
	}
	if (ld != NULL)
		ldap_unbind_ext(ld, NULL, NULL);
	else
		close(*fd);
	err_in(e, "%s:%u", to->host, to->port);
	return NULL;
}
