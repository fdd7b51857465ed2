/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/submit.c - a message of this machine's user goes to the running instance. */
#include <fcntl.h>
#include <unistd.h>

#include "cmd/client.h"
#include "lib/xtext.h"

enum { TAG_WAIT_MS = 1000 };

int
cmd_seal(int fd, struct err *e)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return 0;
	return err_sys(e, "memory file");
}

void
submit_body(struct envelope *env, struct span message)
{
	for (size_t i = 0; i < message.n && env->body == BODY_7BIT; i++)
		if (message.p[i] > 0x7f)
			env->body = BODY_8BITMIME;
}

int
submit_message(const struct home *h, struct envelope *env, struct span message, char id[QID_SIZE],
    struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	struct msg_hdr hdr = { 0 };
	int sock = -1, fd, r = -1;
	struct buf packet;
	size_t len;

	buf_init(&packet, MSG_MAX);
	submit_body(env, message);
	fd = cmd_memfd(message, e);
	if (fd != -1 && cmd_seal(fd, e) == 0 && (sock = control_connect(h, e)) != -1 &&
	    buf_add(&packet, span_of(&hdr, sizeof hdr), e) == 0 && envelope_encode(env, &packet, e) == 0)
		r = control_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_SUBMIT, packet.n, fd, reply,
		    sizeof reply, &len, e);
	if (r == 0)
		snprintf(id, QID_SIZE, "%.16s", ((const struct msg_id *)(const void *)reply)->id);
	if (sock != -1)
		close(sock);
	if (fd != -1)
		close(fd);
	buf_free(&packet);
	return r;
}

int
submit_offer(const struct home *h, const char *tag, const char *sender, const char *rcpt, struct span message,
    struct err *e)
{
	struct msg_offer m = { .sender_len = (uint32_t)strlen(sender), .rcpt_len = (uint32_t)strlen(rcpt) };
	struct msg_refused reply;	/* the longest answer */
	int sock = -1, fd = cmd_memfd(message, e), r = -1;
	struct buf packet;
	size_t len;

	buf_init(&packet, MSG_MAX);
	snprintf(m.tag, sizeof m.tag, "%s", tag);
	if (fd != -1 && cmd_seal(fd, e) == 0 && (sock = control_connect(h, e)) != -1 &&
	    buf_add(&packet, span_of(&m, sizeof m), e) == 0 &&
	    buf_add_str(&packet, sender, e) == 0 && buf_add_str(&packet, rcpt, e) == 0)
		r = control_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_OFFER, packet.n, fd, &reply,
		    sizeof reply, &len, e);
	if (sock != -1)
		close(sock);
	if (fd != -1)
		close(fd);
	buf_free(&packet);
	return r;
}

void
submit_tag(const struct home *h, struct span rcpts, char tag[TAG_TEXT])
{
	struct { struct msg_hdr h; unsigned char rcpt[TAG_RCPTS * (ENV_MAX_PATH + 1)]; } ask;
	struct msg_refused reply;	/* the longest answer */
	const struct msg_tagged *m = (const void *)&reply;
	int sock, fds[MSG_FDS];
	struct err ignored;
	size_t len;

	tag[0] = '\0';
	if (rcpts.n > sizeof ask.rcpt || (sock = control_connect(h, &ignored)) == -1)
		return;
	memcpy(ask.rcpt, rcpts.p, rcpts.n);
	if (ipc_call(sock, &ask.h, MSG_TAG, sizeof ask.h + rcpts.n, NULL, 0, &reply, sizeof reply, &len, fds,
	    TAG_WAIT_MS, &ignored) == 1) {
		ipc_close_fds(fds, MSG_FDS);
		if (len == sizeof *m && m->h.type == MSG_TAGGED)
			snprintf(tag, TAG_TEXT, "%.*s", TAG_TEXT - 1, m->tag);
	}
	close(sock);
}

/* "never", or some of the others with commas between them. */
int
dsn_notify(const char *text, uint8_t *out)
{
	static const struct { const char *name; uint8_t bit; } words[] = {
		{ "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS }, { "failure", NOTIFY_FAILURE },
		{ "delay", NOTIFY_DELAY }
	};
	struct span rest = span_str(text);

	*out = 0;
	do {
		size_t comma = span_find(rest, ','), i = 0;

		while (i < 4 && !span_isi(span_sub(rest, 0, comma), words[i].name))
			i++;
		if (i == 4 || (*out & words[i].bit) != 0)
			return -1;
		*out |= words[i].bit;
		rest = span_sub(rest, comma, rest.n);
		if (rest.n > 0)
			rest = span_sub(rest, 1, rest.n);
		else
			break;
	} while (true);
	return (*out & NOTIFY_NEVER) != 0 && *out != NOTIFY_NEVER ? -1 : 0;
}

int
dsn_ret(const char *text, uint8_t *out)
{
	*out = span_isi(span_str(text), "full") ? RET_FULL : span_isi(span_str(text), "hdrs") ? RET_HDRS :
	    RET_UNSET;
	return *out == RET_UNSET ? -1 : 0;
}

int
dsn_envid(const char *text)
{
	return xtext_envid_ok(span_str(text)) ? 0 : -1;
}
