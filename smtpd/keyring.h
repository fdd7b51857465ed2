/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/keyring.h - private keys that are not here: OpenSSL gets a key whose public half is a certificate's, and
 * whose signatures accord-key makes (an OpenSSL provider: provider-keymgmt(7), provider-signature(7)).
 */
#ifndef SMTPD_KEYRING_H
#define SMTPD_KEYRING_H

#include "lib/certfile.h"

/* What is asked of the process that has the key. */
struct keyring_wish { unsigned char key[MSG_KEY_ID]; uint32_t hash; bool pss; struct span text; };

/* Makes such keys known to OpenSSL, once, before keyring_key.  -1: ERR_TEMP. */
int keyring_open(struct err *e);

/* A key with the public half pub; the caller's.  NULL: ERR_TEMP. */
EVP_PKEY *keyring_key(EVP_PKEY *pub, struct err *e);

/* Who is asked, in this process: sig has MSG_SIGNATURE octets, *n of them are set; -1: there is no signature. */
void keyring_ask(int (*sign)(void *arg, const struct keyring_wish *w, unsigned char *sig, size_t *n), void *arg);

#endif
