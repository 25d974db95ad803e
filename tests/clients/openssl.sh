# OpenSSL through libp11's engine: dgst, req and cms with keys on the token.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl
configure_engine
key() { # id
  printf 'pkcs11:token=Alice;id=%%%s;type=private' "$1"
}

printf 'the Keeper never lets the seal out of his hands\n' >message

# Who cancels is asked once, and is named as the reason: the engine tries ECDSA twice, and PSS again as
# raw RSA.
cp pinentry/pinentry.answers pin
printf 'cancel\ncancel\n' | cat - pin >pinentry/pinentry.answers
cancelled() { # id, options...
  id=$1
  shift
  ! openssl dgst -engine pkcs11 -keyform engine -sign "$(key "$id")" -sha256 -out signature "$@" \
    message >said 2>&1 || fail "signed without a PIN"
  grep -q 'Function canceled' said || fail "not called cancelled: $(cat said)"
}
cancelled 04
cancelled 01 -sigopt rsa_padding_mode:pss
echo 3 >prompts

for pair in 01:alice-rsa-sign 03:alice-rsa3072-sign 04:alice-p256-sign 05:alice-p384-sign; do
  name=${pair#*:}
  openssl x509 -in "$(certificate "$name")" -noout -pubkey >"$name.pub"
  try openssl dgst -engine pkcs11 -keyform engine -sign "$(key "${pair%:*}")" -sha256 \
    -out signature message
  try openssl dgst -sha256 -verify "$name.pub" -signature signature message
  try openssl req -new -engine pkcs11 -keyform engine -key "$(key "${pair%:*}")" \
    -subj "/CN=Alice Example" -sha256 -out request
  try openssl req -in request -verify -noout
  try openssl cms -sign -engine pkcs11 -keyform engine -inkey "$(key "${pair%:*}")" \
    -signer "$(certificate "$name")" -certfile "$TOKEN/intermediate.pem" -in message -out signed
  try openssl cms -verify -in signed -CAfile "$TOKEN/root.pem" -out opened
done

# Decrypts with the token; another encrypts, who has no engine in his configuration: with it
# OpenSSL 3.0 takes no options of OAEP.
check_decryption() { # options of cms -encrypt...
  try env -u OPENSSL_CONF openssl cms -encrypt -aes256 -in message -out sealed \
    -recip "$(certificate alice-rsa-decrypt)" "$@"
  try openssl cms -decrypt -engine pkcs11 -keyform engine -inkey "$(key 02)" \
    -recip "$(certificate alice-rsa-decrypt)" -in sealed -out opened
  tr -d '\r' <opened | cmp - message
}
check_decryption
check_decryption -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256

# PSS, and the engine without a configuration.
try env -u OPENSSL_CONF PKCS11_MODULE_PATH="$MODULE" openssl cms -sign -engine pkcs11 -keyform engine \
  -inkey "$(key 01)" -keyopt rsa_padding_mode:pss -signer "$(certificate alice-rsa-sign)" \
  -certfile "$TOKEN/intermediate.pem" -in message -out signed
try openssl cms -verify -in signed -CAfile "$TOKEN/root.pem" -out opened
openssl cms -cmsout -print -in signed | grep -q 'rsassaPss' || fail "not signed with PSS"

refuse() { # what, command...
  what=$1
  shift
  ! "$@" >said 2>&1 || fail "$what is not refused"
}

# libp11 wants the bare ECDH secret, and knows no Ed25519 keys.
try openssl cms -encrypt -aes256 -in message -out sealed -recip "$(certificate alice-p256-decrypt)"
refuse "the bare ECDH secret" openssl cms -decrypt -engine pkcs11 -keyform engine -inkey "$(key 07)" \
  -recip "$(certificate alice-p256-decrypt)" -in sealed -out opened
refuse "Ed25519" openssl req -new -engine pkcs11 -keyform engine -key "$(key 0a)" -subj /CN=Alice
refuse "a token that is not there" openssl req -new -engine pkcs11 -keyform engine \
  -key "pkcs11:token=Nobody;id=%01;type=private" -subj /CN=Nobody

try "$PRIVYSEAL" setup openssl --undo --yes
[ ! -e "$OPENSSL_CONF" ] || fail "something is left"
