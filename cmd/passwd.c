/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/passwd.c - accord passwd: the users who may log in, in the file passwd beside the settings. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "lib/passwd.h"

/* One line of standard input, which a terminal does not show meanwhile. */
static int
ask(const char *prompt, char *out, size_t cap, struct err *e)
{
	struct termios was, quiet;
	bool person = tcgetattr(STDIN_FILENO, &was) == 0;
	char *got;

	if (person) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		fputs(prompt, stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(out, (int)cap, stdin);
	if (person) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputc('\n', stderr);
	}
	if (got == NULL)
		return err_set(e, ERR_PERM, NULL, "expected a password on standard input");
	if (strlen(out) == cap - 1 && out[cap - 2] != '\n')
		return err_set(e, ERR_PERM, NULL, "expected a password of 1 to %d octets", PASSWD_WORD_MAX);
	out[strcspn(out, "\r\n")] = '\0';
	return 0;
}

/* Its hash; a person at a terminal types it twice. */
static int
new_hash(char hash[PASSWD_HASH_MAX], struct err *e)
{
	char word[PASSWD_WORD_MAX + 3], again[PASSWD_WORD_MAX + 3];
	int r = ask("New password: ", word, sizeof word, e);

	if (r == 0 && isatty(STDIN_FILENO) && (r = ask("Once more: ", again, sizeof again, e)) == 0 &&
	    strcmp(word, again) != 0)
		r = err_set(e, ERR_PERM, NULL, "the two differ; nothing was changed");
	if (r == 0)
		r = passwd_hash(span_str(word), hash, e);
	explicit_bzero(word, sizeof word);
	explicit_bzero(again, sizeof again);
	return r;
}

/* Hashes can be guessed at: whoever owned the file may read it still, and nobody else. */
static int
closed_to_others(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == -1)
		return err_sys(e, "%s", path);
	return fchmod(fd, 0600) == -1 ? err_sys(e, "%s", path) : 0;
}

/* hash NULL: the user goes.  Another accord passwd waits: it would else undo this one. */
static int
change(const struct home *h, struct span user, const char *hash, struct err *e)
{
	int lock = open(h->control, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buf old, now;
	char path[600];
	bool had;
	int r = -1;

	if (lock == -1 || flock(lock, LOCK_EX) == -1) {
		err_sys(e, "%s", h->control);
		if (lock != -1)
			close(lock);
		return -1;
	}
	buf_init(&old, PASSWD_FILE_MAX);
	buf_init(&now, PASSWD_FILE_MAX);
	snprintf(path, sizeof path, "%s/passwd", h->control);
	if ((access(path, F_OK) == -1 && errno == ENOENT) || cmd_read_file(path, &old, e) == 0)
		r = passwd_check(buf_view(&old), e) == -1 ? err_in(e, "%s", path) :
		    passwd_replace(buf_view(&old), user, hash, &now, &had, e);
	if (r == 0 && hash == NULL && !had)
		r = err_set(e, ERR_PERM, NULL, "%s: no such user", path);
	if (r == 0)
		r = cmd_replace_file(path, buf_view(&now), closed_to_others, e);
	buf_free(&old);
	buf_free(&now);
	close(lock);
	return r;
}

/* Who runs has it at once. */
static int
tell(const struct home *h, struct err *e)
{
	struct msg_refused reply;	/* the longest answer */
	struct msg_hdr m;
	size_t len;
	int sock = control_connect(h, e), r;

	if (sock == -1)
		return 0;		/* nobody does */
	r = control_call(sock, &m, MSG_PASSWD_CHANGED, sizeof m, -1, &reply, sizeof reply, &len, e);
	close(sock);
	return r == 0 ? 0 : err_in(e, "it is written, but not in force before accord reload");
}

int
verb_passwd(struct common *c, int argc, char **argv)
{
	static const char usage[] = "accord passwd [-H HOME] [--delete] USER < password";
	bool gone = argc == 3 && strcmp(argv[1], "--delete") == 0;
	char hash[PASSWD_HASH_MAX];
	struct err e = { 0 };

	if (c->json || (argc != 2 && !gone) || argv[argc - 1][0] == '-')
		return cmd_usage(usage);
	if (!passwd_user_ok(span_str(argv[argc - 1]))) {
		err_set(&e, ERR_PERM, NULL, "expected a user's name without white space and colons");
		return cmd_fail(&e);
	}
	if ((!gone && new_hash(hash, &e) == -1) ||
	    change(&c->home, span_str(argv[argc - 1]), gone ? NULL : hash, &e) == -1 ||
	    tell(&c->home, &e) == -1)
		return cmd_fail(&e);
	return EXIT_DONE;
}
