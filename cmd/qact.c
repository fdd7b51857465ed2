/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/qact.c - accord queue hold, release, retry, bounce, remove: what was selected is asked of qmgr
 * (by way of control) in packets of many recipients, several under way at once, since each is answered
 * when it is on the disk.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/queue.h"

enum {
	ACT_WINDOW = 8,			/* packets under way; control takes CONTROL_ACTS of a client */
	ACT_WAIT_MS = 120000
};

/* A packet that waits for its answer, and what is printed when it comes. */
struct act_packet { uint32_t id; char *text; size_t len; };

struct actor {
	uint32_t bad;			/* first: queue_note_bad counts here */
	struct queue_call *q;
	int sock;
	struct msg_act *out;		/* with room for ACT_MAX */
	struct buf text;		/* of the packet that is being filled */
	struct act_packet sent[ACT_WINDOW];
	uint32_t nsent, last_id;
	uint64_t messages, done, busy, gone;
};

static uint32_t
act_verb(const char *name)
{
	static const char *const names[] = { [ACT_RETRY] = "retry", [ACT_HOLD] = "hold",
	    [ACT_RELEASE] = "release", [ACT_BOUNCE] = "bounce", [ACT_REMOVE] = "remove" };
	uint32_t i = 0;

	while (strcmp(names[i], name) != 0)
		i++;
	return i;
}

/* The answer to the oldest or another packet that was sent. */
static int
act_answer(struct actor *a, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	const struct msg_acted *m = (const void *)reply;
	struct pollfd p = { a->sock, POLLIN, 0 };
	int fds[MSG_FDS], r;
	uint32_t i = 0;
	size_t len;

	while ((r = poll(&p, 1, ACT_WAIT_MS)) == -1 && errno == EINTR)
		;
	if (r == 0)
		return err_set(e, ERR_TEMP, NULL, "no answer from accord; some of it may be done");
	if (r == -1)
		return err_sys(e, "control");
	if ((r = ipc_recv(a->sock, reply, sizeof reply, &len, fds, e)) == -1)
		return err_in(e, "control");
	if (r == 0)
		return err_set(e, ERR_TEMP, NULL, "accord went away; some of it may be done");
	ipc_close_fds(fds, MSG_FDS);
	while (i < a->nsent && a->sent[i].id != m->h.id)
		i++;
	if (m->h.type == MSG_REFUSED && len == sizeof(struct msg_refused))
		return control_refused((const void *)reply, e);
	if (m->h.type != MSG_ACTED || len != sizeof *m || i == a->nsent)
		return err_set(e, ERR_PROTO, NULL, "control: an answer of %zu octets", len);
	a->done += m->done;
	a->busy += m->busy;
	a->gone += m->gone;
	if (a->sent[i].text != NULL)
		fwrite(a->sent[i].text, 1, a->sent[i].len, stdout);
	free(a->sent[i].text);
	a->sent[i] = a->sent[--a->nsent];
	return 0;
}

/* Sends what was gathered, if there is anything. */
static int
act_send(struct actor *a, struct err *e)
{
	struct act_packet *p;

	if (a->out->n == 0)
		return 0;
	if (a->nsent == ACT_WINDOW && act_answer(a, e) == -1)
		return -1;
	a->out->verb = act_verb(a->q->verb);
	if (ipc_send(a->sock, &a->out->h, MSG_ACT, ++a->last_id, sizeof *a->out +
	    a->out->n * sizeof(struct act), NULL, 0, e) == -1)
		return err_in(e, "control");
	p = &a->sent[a->nsent++];
	*p = (struct act_packet){ .id = a->last_id };
	p->text = buf_take(&a->text, &p->len);
	a->out->n = 0;
	return 0;
}

static int
act_add(struct actor *a, const char *id, uint32_t slot, struct err *e)
{
	struct act *act;

	if (a->out->n == ACT_MAX && act_send(a, e) == -1)
		return -1;
	act = &a->out->act[a->out->n++];
	*act = (struct act){ .slot = slot };
	memcpy(act->id, id, QID_LEN);
	return 0;
}

/* The object that --json prints for a message when it is done. */
static int
act_text(struct actor *a, const struct qitem *m, bool *slots, struct err *e)
{
	char *text = NULL;
	bool first = true;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (f == NULL)
		return err_sys(e, "text");
	fprintf(f, "{\"id\":\"%s\",\"action\":\"%s\",\"recipients\":[", m->id, a->q->verb);
	for (uint32_t i = 0; i < m->env.nrcpt; i++)
		if (slots[i]) {
			fputs(first ? "" : ",", f);
			first = false;
			json_string(f, m->env.rcpt[i].addr);
		}
	fputs("]}\n", f);
	fclose(f);
	r = text == NULL ? err_sys(e, "text") : buf_add(&a->text, span_of(text, len), e);
	free(text);
	return r;
}

static int
act_message(struct actor *a, const struct qitem *m, bool *meant, struct err *e)
{
	uint32_t n = 0;
	int r = 0;

	for (uint32_t i = 0; i < m->env.nrcpt; i++) {
		meant[i] = !slot_final(m->slots[i].state) && select_slot(&a->q->select, m, i);
		n += meant[i];
	}
	if (n == 0)
		return 0;
	a->messages++;
	if (!select_by_slot(&a->q->select))
		r = act_add(a, m->id, ACT_ALL_SLOTS, e);
	for (uint32_t i = 0; r == 0 && select_by_slot(&a->q->select) && i < m->env.nrcpt; i++)
		if (meant[i])
			r = act_add(a, m->id, i, e);
	/* after its last act, so that it is printed with the packet that has it */
	return r == 0 && a->q->common->json ? act_text(a, m, meant, e) : r;
}

static int
act_each(void *arg, const struct qitem *m, struct err *e)
{
	struct actor *a = arg;
	bool *meant;
	int r;

	if (!select_message(&a->q->select, m))
		return 0;
	if ((meant = calloc(m->env.nrcpt, sizeof *meant)) == NULL)
		return err_sys(e, "recipients");
	r = act_message(a, m, meant, e);
	free(meant);
	return r;
}

static void
act_print(const struct actor *a)
{
	static const char *const past[] = { [ACT_RETRY] = "due now", [ACT_HOLD] = "held",
	    [ACT_RELEASE] = "released", [ACT_BOUNCE] = "bounced", [ACT_REMOVE] = "removed" };
	FILE *to = a->q->common->json ? stderr : stdout;

	fprintf(to, "%s: %llu recipient%s of %llu message%s", past[act_verb(a->q->verb)],
	    (unsigned long long)a->done, a->done == 1 ? "" : "s", (unsigned long long)a->messages,
	    a->messages == 1 ? "" : "s");
	if (a->busy > 0)
		fprintf(to, "; %llu left alone, being delivered right now", (unsigned long long)a->busy);
	if (a->gone > 0)
		fprintf(to, "; %llu finished meanwhile", (unsigned long long)a->gone);
	fprintf(to, "\n");
}

int
queue_act(struct queue_call *q)
{
	static _Alignas(8) unsigned char packet[sizeof(struct msg_act) + ACT_MAX * sizeof(struct act)];
	static struct actor a;
	struct qwalk w = { .each = act_each, .bad = queue_note_bad, .arg = &a };
	struct err e = { 0 };
	uint32_t missing = 0;
	int r;

	a = (struct actor){ .q = q, .out = (struct msg_act *)(void *)packet };
	buf_init(&a.text, SIZE_MAX / 2);
	if ((a.sock = control_connect(&q->common->home, &e)) == -1)
		return cmd_fail(&e);
	r = queue_walk(q, &w, &missing, &e);
	if (r == 0)
		r = act_send(&a, &e);
	while (r == 0 && a.nsent > 0)
		r = act_answer(&a, &e);
	close(a.sock);
	buf_free(&a.text);
	for (uint32_t i = 0; i < a.nsent; i++)
		free(a.sent[i].text);
	if (r == 0 || a.done + a.busy + a.gone > 0)
		act_print(&a);
	if (r == -1)
		return cmd_fail(&e);
	return a.bad > 0 || missing > 0 ? EXIT_NO : a.busy > 0 ? EXIT_LATER : EXIT_DONE;
}
