/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/sha256.h - SHA-256 (FIPS 180-4), which names content that was left out.  Written out because nothing
 * that convertd may link has it: OpenSSL is not linked beside jbigkit (LICENSE).  Pure; nothing here is secret.
 */
#ifndef CONVERTD_SHA256_H
#define CONVERTD_SHA256_H

#include "lib/span.h"

void sha256(struct span in, unsigned char digest[32]);

#endif
