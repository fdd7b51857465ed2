/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* remote/own.c - which addresses are ours: the one part of remote/hosts.h that asks the system.  Of the
 * kernel itself, by rtnetlink(7): getifaddrs(3) opens a socket each time, which the sandbox forbids. */
#include "remote/hosts.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

void
own_listeners(struct own *own, const struct conf *conf)
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_LISTEN, &lines);
	struct listener l;
	struct err ignored;

	memset(own->listen, 0, sizeof own->listen);
	own->nlisten = 0;
	for (uint32_t i = 0; i < n && own->nlisten < OWN_LISTEN; i++)
		if (listener_parse(lines[i], &l, &ignored) == 0)
			own->listen[own->nlisten++] = l.addr;
}

int
own_open(struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	return fd == -1 ? err_sys(e, "network interfaces") : fd;
}

/* One address of an interface; IFA_ADDRESS is the other end's where there is an IFA_LOCAL. */
static void
own_take(struct own *own, const struct nlmsghdr *h)
{
	struct netaddr mapped = { .a = { [10] = 0xff, [11] = 0xff } }, *to = &own->local[own->nlocal];
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *found = NULL;
	int n = (int)IFA_PAYLOAD(h);

	for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, n); a = RTA_NEXT(a, n))
		if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && found == NULL))
			found = a;
	if (found == NULL || own->nlocal == OWN_LOCAL)
		return;
	if (m->ifa_family == AF_INET && RTA_PAYLOAD(found) == 4) {
		*to = mapped;
		memcpy(to->a + 12, RTA_DATA(found), 4);
	} else if (m->ifa_family == AF_INET6 && RTA_PAYLOAD(found) == 16) {
		memcpy(to->a, RTA_DATA(found), 16);
	} else {
		return;
	}
	own->nlocal++;
}

/* What one call brought of the answer.  1 it goes on, 0 that was all, -1. */
static int
own_read(struct own *own, const void *buf, ssize_t len)
{
	for (const struct nlmsghdr *h = buf; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
			return -1;
		own_take(own, h);
	}
	return 1;
}

int
own_addresses(struct own *own, int fd, struct err *e)
{
	static _Alignas(8) unsigned char buf[32768];	/* as long as the kernel's pieces get */
	static struct own found;
	struct { struct nlmsghdr h; struct ifaddrmsg m; } ask = { .h = { .nlmsg_len = sizeof ask,
	    .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	ssize_t len;
	int r = 1;

	while (read(fd, buf, sizeof buf) > 0)	/* of a question whose answer was not read to its end */
		;
	memset(&found, 0, sizeof found);
	if (write(fd, &ask, sizeof ask) != (ssize_t)sizeof ask)
		return err_sys(e, "network interfaces");
	while (r == 1) {			/* the answer is made as it is read: nothing is waited for */
		if ((len = read(fd, buf, sizeof buf)) <= 0)
			return err_sys(e, "network interfaces");
		r = own_read(&found, buf, len);
	}
	if (r == -1)
		return err_set(e, ERR_TEMP, "4.3.0", "network interfaces: the kernel's answer is none");
	memcpy(own->local, found.local, sizeof own->local);
	own->nlocal = found.nlocal;
	return 0;
}
