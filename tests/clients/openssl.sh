# OpenSSL through libp11's engine: dgst, req, cms and a TLS client with keys on the token.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl
engine=$(openssl version -e | sed 's/.*"\(.*\)"/\1/')/pkcs11.so
[ -e "$engine" ] || {
  echo "skipped: libengine-pkcs11-openssl is not installed"
  exit 77
}

cat >openssl.cnf <<TXT
openssl_conf = main
[main]
engines = engines
[engines]
pkcs11 = privyseal
[privyseal]
engine_id = pkcs11
dynamic_path = $engine
MODULE_PATH = $MODULE
init = 0
[req]
distinguished_name = name
[name]
TXT
OPENSSL_CONF=$PWD/openssl.cnf
export OPENSSL_CONF
key() { # id
  printf 'pkcs11:token=Alice;id=%%%s;type=private' "$1"
}

printf 'the Keeper never lets the seal out of his hands\n' >message
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

try openssl cms -encrypt -aes256 -in message -out sealed "$(certificate alice-rsa-decrypt)"
try openssl cms -decrypt -engine pkcs11 -keyform engine -inkey "$(key 02)" \
  -recip "$(certificate alice-rsa-decrypt)" -in sealed -out opened
tr -d '\r' <opened | cmp - message
