/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* remote/own.c - which addresses are ours: the one part of remote/hosts.h that asks the system. */
#include "remote/hosts.h"

#include <ifaddrs.h>
#include <netinet/in.h>

static bool
own_local(const struct sockaddr *sa, struct netaddr *out)
{
	static const struct netaddr mapped = { .a = { [10] = 0xff, [11] = 0xff } };

	if (sa == NULL || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return false;
	*out = mapped;
	if (sa->sa_family == AF_INET)
		memcpy(out->a + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else
		memcpy(out->a, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	return true;
}

void
own_listeners(struct own *own, const struct conf *conf)
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_LISTEN, &lines);
	struct listener l;
	struct err ignored;

	own->nlisten = 0;
	for (uint32_t i = 0; i < n && own->nlisten < OWN_LISTEN; i++)
		if (listener_parse(lines[i], &l, &ignored) == 0)
			own->listen[own->nlisten++] = l.addr;
}

int
own_find(struct own *own, const struct conf *conf, struct err *e)
{
	struct ifaddrs *all;

	*own = (struct own){ 0 };
	own_listeners(own, conf);
	if (getifaddrs(&all) == -1)
		return err_sys(e, "network interfaces");
	for (const struct ifaddrs *i = all; i != NULL && own->nlocal < OWN_LOCAL; i = i->ifa_next)
		if (own_local(i->ifa_addr, &own->local[own->nlocal]))
			own->nlocal++;
	freeifaddrs(all);
	return 0;
}
