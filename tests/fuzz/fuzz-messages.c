/* The bodies of frames between agent and host. The first byte chooses the decoder, the rest is the
 * body. What a decoder accepts must come out of its encoder byte for byte: nothing in a frame is
 * ignored, so nothing can hide in one. */
#include <glib.h>
#include <string.h>

#include "pkcs11/wire/messages.h"
#include "tests/fuzz/fuzz.h"

static void
expect_same(const GByteArray *encoded, const void *body, size_t len)
{
    g_assert_cmpmem(encoded->data, encoded->len, body, len);
}

static void
try_requests(const uint8_t *body, size_t len)
{
    SealHello hello;
    SealLoginRequest login;
    SealPinRequest pin;
    SealSignRequest sign;
    SealUnwrapRequest unwrap;
    SealRawRequest raw;

    (void)seal_hello_decode(body, len, &hello);
    if (seal_login_request_decode(body, len, &login))
        g_assert_cmpuint(sizeof login.parameters + login.pin.len, ==, len);
    if (seal_pin_request_decode(body, len, &pin))
        g_assert_cmpuint(sizeof pin.parameters + pin.given.len + pin.fresh.len, ==, len);
    if (seal_sign_request_decode(body, len, &sign))
        g_assert_cmpuint(sizeof sign.parameters + sign.data.len + sign.pin.len, ==, len);
    if (seal_raw_request_decode(body, len, &raw))
        g_assert_cmpuint(sizeof raw.parameters + raw.input.len + raw.pin.len, ==, len);
    if (seal_unwrap_request_decode(body, len, &unwrap))
        g_assert_cmpuint(sizeof unwrap.parameters + unwrap.label.len + unwrap.originator.len +
                             unwrap.shared_info.len + unwrap.encrypted.len + unwrap.pin.len,
                         ==, len);
}

static void
try_failure(const uint8_t *body, size_t len)
{
    g_autoptr(GByteArray) encoded = g_byte_array_new();
    SealFailure failure = {0};

    if (!seal_failure_decode(body, len, &failure))
        return;
    seal_failure_encode(encoded, failure.ckr, failure.message);
    expect_same(encoded, body, len);
    seal_failure_clear(&failure);
}

static void
try_token(const uint8_t *body, size_t len)
{
    g_autoptr(GByteArray) encoded = g_byte_array_new();
    SealTokenInfo info = {0};

    if (!seal_token_info_decode(body, len, &info))
        return;
    seal_token_info_encode(encoded, &info);
    expect_same(encoded, body, len);
    seal_token_info_clear(&info);
}

static void
try_key(const uint8_t *body, size_t len)
{
    g_autoptr(GByteArray) encoded = g_byte_array_new();
    SealKeyInfo info = {0};

    if (!seal_key_info_decode(body, len, &info))
        return;
    seal_key_info_encode(encoded, &info);
    expect_same(encoded, body, len);
    seal_key_info_clear(&info);
}

static void
try_certificate(const uint8_t *body, size_t len)
{
    g_autoptr(GByteArray) encoded = g_byte_array_new();
    SealCertificateInfo info = {0};

    if (!seal_certificate_info_decode(body, len, &info))
        return;
    seal_certificate_info_encode(encoded, &info);
    expect_same(encoded, body, len);
    seal_certificate_info_clear(&info);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const uint8_t *body, size_t len) = {
        try_requests, try_failure, try_token, try_key, try_certificate,
    };

    if (size > 0)
        tries[data[0] % G_N_ELEMENTS(tries)](data + 1, size - 1);
    return 0;
}
