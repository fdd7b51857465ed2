/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/account.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Started by root; local stays root until a delivery's child takes on the mailbox's owner. */
static const char *const names[ROLE_COUNT] = {
	[ROLE_START] = "accord-local", [ROLE_QUEUE] = "accord-queue", [ROLE_CAPD] = "accord-capd",
	[ROLE_CONVERTD] = "accord-convert", [ROLE_BOUNCE] = "accord-bounce",
	[ROLE_RESOLVER] = "accord-dns", [ROLE_LEARN] = "accord-learn", [ROLE_OFFER] = "accord-offer",
	[ROLE_KEY] = "accord-key", [ROLE_AUTH] = "accord-auth", [ROLE_EXPAND] = "accord-expand",
	[ROLE_LDAP] = "accord-ldap",
	[ROLE_REMOTE] = "accord-remote", [ROLE_LOCAL] = "root",
	[ROLE_QMGR] = "accord-qmgr", [ROLE_CONTROL] = "accord-control", [ROLE_SMTPD] = "accord-smtpd",
};

static int
find_one(struct account *out, const char *name, struct err *e)
{
	struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return err_set(e, ERR_PERM, NULL, "there is no account %s: `make install` creates the "
		    "accounts; or name one account for everything by -u USER", name);
	*out = (struct account){ .uid = pw->pw_uid, .gid = pw->pw_gid };
	return 0;
}

static int
find_each(struct accounts *a, struct err *e)
{
	struct group *gr;

	for (int i = 0; i < ROLE_COUNT; i++)
		if (find_one(&a->of[i], names[i], e) == -1)
			return -1;
	gr = getgrnam("accord-queue");
	if (gr == NULL)
		return err_set(e, ERR_PERM, NULL, "there is no group accord-queue: `make install` "
		    "creates it");
	a->of[ROLE_QUEUE].gid = gr->gr_gid;
	a->of[ROLE_QMGR].extra = gr->gr_gid;	/* reads what queue writes */
	a->of[ROLE_QMGR].has_extra = true;
	return 0;
}

int
accounts_find(struct accounts *a, const char *user, struct err *e)
{
	struct account one = { .uid = geteuid(), .gid = getegid() };

	*a = (struct accounts){ .change = geteuid() == 0 };
	if (a->change && user == NULL)
		return find_each(a, e);
	if (user != NULL && find_one(&one, user, e) == -1)
		return -1;
	if (a->change && one.uid == 0)
		return err_set(e, ERR_PERM, NULL, "expected an account other than root after -u");
	if (!a->change && one.uid != geteuid())
		return err_set(e, ERR_PERM, NULL, "only root can run accord as %s", user);
	for (int i = 0; i < ROLE_COUNT; i++)
		a->of[i] = one;
	return 0;
}

int
account_take(const struct accounts *a, enum role r, struct err *e)
{
	const struct account *to = &a->of[r];
	uid_t u, eu, su;

	if (!a->change)
		return 0;
	if (setgroups(to->has_extra ? 1 : 0, &to->extra) == -1 ||
	    setresgid(to->gid, to->gid, to->gid) == -1 || setresuid(to->uid, to->uid, to->uid) == -1)
		return err_sys(e, "account %u", (unsigned)to->uid);
	if (getresuid(&u, &eu, &su) == -1 || u != to->uid || eu != to->uid || su != to->uid ||
	    (to->uid != 0 && setuid(0) == 0))
		return err_set(e, ERR_BUG, NULL, "account %u: root was not given up", (unsigned)to->uid);
	return 0;
}

int
account_trim(struct err *e)
{
	static const int keep[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
	    CAP_KILL, CAP_NET_BIND_SERVICE, CAP_SETGID, CAP_SETUID, CAP_SYS_RESOURCE };
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2] = { { 0 } }, want[2] = { { 0 } };
	uint64_t kept = 0;

	if (geteuid() != 0)
		return 0;
	for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
		kept |= 1ull << keep[i];
	for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!(c < 64 && kept >> c & 1) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == -1)
			break;		/* a container without CAP_SETPCAP: it has few anyway */
	if (syscall(SYS_capget, &h, now) == -1)
		return err_sys(e, "capabilities");
	for (int i = 0; i < 2; i++) {
		want[i].permitted = now[i].permitted & (uint32_t)(kept >> 32 * i);
		want[i].effective = want[i].permitted;
	}
	return syscall(SYS_capset, &h, want) == -1 ? err_sys(e, "capabilities") : 0;
}
