/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * start/place.h - where accord lives: its folders, its settings (all of them checked), the listening
 * sockets.  Everything that needs a name in the file system or the network is opened here, once.
 */
#ifndef START_PLACE_H
#define START_PLACE_H

#include "lib/conf.h"
#include "lib/daemon.h"
#include "start/account.h"

enum { PLACE_PATH = 512 };

struct place {
	char control[PLACE_PATH];	/* folder of settings, as messages name it */
	char state[PLACE_PATH];		/* HOME: queue/, mail/, caps/, learn/, offer/, caps.cdb */
	char run[PLACE_PATH];		/* control.sock, lock */
	int state_fd, queue_fd, caps_fd, learn_fd, offer_fd, run_fd, clock_fd, lock_fd;
	int control_sock;		/* -1: not bound yet */
	int certs_fd, keys_fd;		/* sealed: what tlscert names, without and with private keys; -1 */
	int directories_fd;		/* sealed: what the directories of settings need (lib/ldapfile.h); -1 */
	int known_fd;			/* sealed: the addresses that recipients lists in files (lib/known.h); -1 */
	int users_fd;			/* sealed: the file passwd, if auth wants it; -1 */
	int authorities_fd;		/* sealed: what tlsca names, if tlspolicy wants it; -1 */
	struct conf conf;
	int setting_fd[CONF_COUNT];	/* -1: not set */
	struct daemon_listener listener[DAEMON_LISTENERS];
	uint32_t nlistener;
	bool caps_beside;		/* caps.cdb was built anew, and does not have its name yet */
};

/*
 * Opens and checks everything for home (NULL: /etc/accord, /var/lib/accord, /run/accord): settings,
 * folders (made when missing, owned by the accounts), caps.cdb (built when caps is newer, unless the
 * disk is full and there is an old one).  clock:
 * the file of the clock's offset, or NULL.  -1: text for the administrator, with the file's name.
 */
int place_open(struct place *p, const char *home, const char *clock, const struct accounts *who,
    struct err *e);
void place_close(struct place *p);

/*
 * Reads and checks all settings of p anew into next, for a reload: folders and the control socket are
 * p's; the sockets of `listen` lines whose address p has are p's too (copied), the others are bound
 * now; a caps.cdb that is due is built beside the one in force.  -1: next is empty, p is as it was.
 */
int place_reopen(const struct place *p, struct place *next, struct err *e);
/* next becomes p, and holds what p was; the new caps.cdb gets its name.  -1: nothing changed. */
int place_switch(struct place *p, struct place *next, struct err *e);
/* What place_reopen opened, or place_switch left. */
void place_drop(struct place *next);

/* The folders' names; part of place_open. */
int place_names(struct place *p, const char *home, struct err *e);
/* Reads all settings of p->control into p->conf, and keeps each as a sealed copy: what somebody writes
 * into the file later is not in force. */
int place_settings(struct place *p, struct err *e);
/* Reads the files of tlscert, as sealed copies too; start/certs.c. */
int place_certs(struct place *p, struct err *e);
/* A sealed memory file with s in it.  -1: ERR_TEMP. */
int place_seal(struct span s, struct err *e);
/* Are the files of routeauth right?  They are read when they are needed; start/credential.c. */
int place_credentials(const struct place *p, struct err *e);
/* Makes the database of known addresses, where the settings name files of them; start/known.c. */
int place_known(struct place *p, struct err *e);
/* Reads the file passwd, in the place of what was read before; start/users.c.  None at all is one of no user.  -1: what
 * was read before stays. */
int place_users(struct place *p, struct err *e);
/* Reads the files of directories (LDAP): passwords and authorities; start/directories.c. */
int place_directories(struct place *p, struct err *e);
/* Binds all lines of `listen` and run/control.sock; the latter later where the disk is full. */
int place_bind(struct place *p, struct err *e);
/* Binds run/control.sock.  -1: control_sock stays as it is. */
int place_control(struct place *p, struct err *e);
/* The sockets of `listen`: those of old (may be NULL) with the same address, and new ones. */
int place_listen(struct place *p, const struct place *old, struct err *e);
/* A new descriptor of the capability database; -1 with e->kind ERR_NONE: there is none. */
int place_caps(const struct place *p, struct err *e);

#endif
