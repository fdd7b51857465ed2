/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/keyring.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define PROPERTY "provider=accord"
static const char id_param[] = "accord-key";

/* A key as OpenSSL's core holds it; pub is of its own provider. */
struct held { const char *kind; unsigned char id[MSG_KEY_ID]; bool here; EVP_PKEY *pub; };

static int (*ask)(void *arg, const struct keyring_wish *w, unsigned char *sig, size_t *n);
static void *ask_arg;

void
keyring_ask(int (*sign)(void *, const struct keyring_wish *, unsigned char *, size_t *), void *arg)
{
	ask = sign;
	ask_arg = arg;
}

/* --- keys --- */

static void *
held_new(const char *kind)
{
	struct held *k = calloc(1, sizeof *k);

	if (k != NULL)
		k->kind = kind;
	return k;
}

static void *
rsa_new(void *provider)
{
	(void)provider;
	return held_new("RSA");
}

static void *
ec_new(void *provider)
{
	(void)provider;
	return held_new("EC");
}

static void *
ed25519_new(void *provider)
{
	(void)provider;
	return held_new("ED25519");
}

static void
held_free(void *key)
{
	struct held *k = key;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->pub);
	free(k);
}

static int
held_has(const void *key, int selection)
{
	const struct held *k = key;

	return k != NULL && k->pub != NULL && (!(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || k->here);
}

static int
held_match(const void *a, const void *b, int selection)
{
	(void)selection;
	return EVP_PKEY_eq(((const struct held *)a)->pub, ((const struct held *)b)->pub) == 1;
}

/* The public half, and which key it is of; a certificate's comes without that. */
static int
held_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct held *k = key;
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, id_param);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, k->kind, "provider=default");
	int ok = 0;

	(void)selection;
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		ok = EVP_PKEY_fromdata(ctx, &k->pub, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (ok && id != NULL && id->data_type == OSSL_PARAM_OCTET_STRING && id->data_size == sizeof k->id) {
		memcpy(k->id, id->data, sizeof k->id);
		k->here = true;
	}
	return ok;
}

static const OSSL_PARAM *
held_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(id_param, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static int
held_get_params(void *key, OSSL_PARAM params[])
{
	return EVP_PKEY_get_params(((struct held *)key)->pub, params);
}

static const OSSL_PARAM *
held_gettable_params(void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provider;
	return gettable;
}

static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define CALL(id, function) { id, (void (*)(void))(function) }
#define HELD(make) \
	CALL(OSSL_FUNC_KEYMGMT_NEW, make), \
	CALL(OSSL_FUNC_KEYMGMT_FREE, held_free), \
	CALL(OSSL_FUNC_KEYMGMT_HAS, held_has), \
	CALL(OSSL_FUNC_KEYMGMT_MATCH, held_match), \
	CALL(OSSL_FUNC_KEYMGMT_IMPORT, held_import), \
	CALL(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, held_import_types), \
	CALL(OSSL_FUNC_KEYMGMT_GET_PARAMS, held_get_params), \
	CALL(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, held_gettable_params)

static const OSSL_DISPATCH rsa_calls[] = { HELD(rsa_new), { 0, NULL } };
static const OSSL_DISPATCH ec_calls[] = { HELD(ec_new),
	CALL(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation), { 0, NULL } };
static const OSSL_DISPATCH ed25519_calls[] = { HELD(ed25519_new), { 0, NULL } };

static const OSSL_ALGORITHM keys[] = {
	{ "RSA:rsaEncryption", PROPERTY, rsa_calls, NULL },
	{ "EC:id-ecPublicKey", PROPERTY, ec_calls, NULL },
	{ "ED25519", PROPERTY, ed25519_calls, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* --- signatures --- */

struct signing { const struct held *key; uint32_t hash; bool pss; };

static void *
signing_new(void *provider, const char *properties)
{
	(void)provider, (void)properties;
	return calloc(1, sizeof(struct signing));
}

static void
signing_free(void *ctx)
{
	free(ctx);
}

static int
signing_set(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const OSSL_PARAM *p = params == NULL ? NULL : OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	int mode = 0;

	if (p == NULL)
		return 1;	/* the salt is as long as the digest, MGF1 has its hash: TLS has no other */
	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		s->pss = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	else if (OSSL_PARAM_get_int(p, &mode) == 1)
		s->pss = mode == RSA_PKCS1_PSS_PADDING;
	return 1;
}

static const OSSL_PARAM *
signing_settable(void *ctx, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_END
	};

	(void)ctx, (void)provider;
	return settable;
}

static int
signing_begin(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	static const struct { const char *name; uint32_t hash; } names[] = {
		{ "SHA256", SIGN_SHA256 }, { "SHA384", SIGN_SHA384 }, { "SHA512", SIGN_SHA512 },
		{ "SHA2-256", SIGN_SHA256 }, { "SHA2-384", SIGN_SHA384 }, { "SHA2-512", SIGN_SHA512 },
	};
	struct signing *s = ctx;

	*s = (struct signing){ .key = key, .hash = SIGN_HASHES };
	if (digest == NULL || digest[0] == '\0' || strcmp(digest, "UNDEF") == 0)
		s->hash = SIGN_NONE;
	for (size_t i = 0; s->hash == SIGN_HASHES && i < sizeof names / sizeof *names; i++)
		if (span_isi(span_str(digest), names[i].name))
			s->hash = names[i].hash;
	return s->hash != SIGN_HASHES && signing_set(ctx, params);
}

static int
signing_all(void *ctx, unsigned char *sig, size_t *n, size_t cap, const unsigned char *text, size_t len)
{
	const struct signing *s = ctx;
	struct keyring_wish w = { .hash = s->hash, .pss = s->pss, .text = span_of(text, len) };
	unsigned char got[MSG_SIGNATURE];
	size_t most = (size_t)EVP_PKEY_get_size(s->key->pub), have = 0;

	if (sig == NULL) {
		*n = most;
		return 1;
	}
	memcpy(w.key, s->key->id, sizeof w.key);
	if (!s->key->here || ask == NULL || ask(ask_arg, &w, got, &have) == -1 || have > cap || have > most) {
		ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the private key's process gave no signature");
		return 0;
	}
	memcpy(sig, got, have);
	*n = have;
	return 1;
}

static const OSSL_DISPATCH signing_calls[] = {
	CALL(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
	CALL(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
	CALL(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_begin),
	CALL(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_all),
	CALL(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signing_set),
	CALL(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signing_settable),
	{ 0, NULL }
};

static const OSSL_ALGORITHM signatures[] = {
	{ "RSA:rsaEncryption", PROPERTY, signing_calls, NULL },
	{ "ECDSA", PROPERTY, signing_calls, NULL },
	{ "ED25519", PROPERTY, signing_calls, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* --- the provider --- */

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT ? keys : operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx)
{
	static const OSSL_DISPATCH calls[] = { CALL(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), { 0, NULL } };

	(void)in;
	*out = calls;
	*ctx = (void *)(uintptr_t)handle;
	return 1;
}

int
keyring_open(struct err *e)
{
	static bool open;

	if (open)
		return 0;
	/* all that is not one of these keys is the other's, as it is without them */
	if (OSSL_PROVIDER_load(NULL, "default") == NULL ||
	    OSSL_PROVIDER_add_builtin(NULL, "accord", provider_init) != 1 ||
	    OSSL_PROVIDER_load(NULL, "accord") == NULL ||
	    EVP_set_default_properties(NULL, "?provider=default") != 1) {
		ERR_clear_error();
		return err_set(e, ERR_TEMP, "4.7.0", "TLS: no provider of keys");
	}
	open = true;
	return 0;
}

EVP_PKEY *
keyring_key(EVP_PKEY *pub, struct err *e)
{
	const char *kind = EVP_PKEY_is_a(pub, "RSA") ? "RSA" : EVP_PKEY_is_a(pub, "EC") ? "EC" : "ED25519";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, PROPERTY);
	unsigned char id[MSG_KEY_ID];
	OSSL_PARAM more[2] = { OSSL_PARAM_octet_string(id_param, id, sizeof id), OSSL_PARAM_END };
	OSSL_PARAM *params = NULL, *all = NULL;
	EVP_PKEY *key = NULL;

	if (certfile_id(pub, id, e) == -1 || ctx == NULL ||
	    EVP_PKEY_todata(pub, EVP_PKEY_PUBLIC_KEY, &params) != 1 ||
	    (all = OSSL_PARAM_merge(params, more)) == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, all) != 1)
		err_set(e, ERR_TEMP, "4.7.0", "TLS: no key of kind %s: %s", kind,
		    ERR_reason_error_string(ERR_peek_error()));
	ERR_clear_error();
	OSSL_PARAM_free(all);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}
