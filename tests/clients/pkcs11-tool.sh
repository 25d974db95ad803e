# pkcs11-tool (OpenSC): lists, reads and signs; OpenSSL judges.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need pkcs11-tool openssl

tool() {
  pkcs11-tool --module "$MODULE" --token-label Alice "$@"
}

public_key() { # key
  openssl x509 -in "$(certificate "$1")" -noout -pubkey >"$1.pub"
}

try tool --list-slots
grep -q 'token label *: Alice' said || fail "the token is not listed: $(cat said)"
! grep -q 'login required' said || fail "a login is required"
try tool --list-mechanisms
grep -q 'SHA256-RSA-PKCS' said || fail "no mechanisms"
try tool --list-objects
[ "$(grep -c '^Private Key Object' said)" -eq 10 ] || fail "private keys: $(cat said)"
[ "$(grep -c '^Certificate Object' said)" -eq 12 ] || fail "certificates: $(cat said)"

# Certificates byte for byte.
tool --read-object --type cert --id 01 -o read.der 2>said || fail "$(cat said)"
openssl x509 -in "$(certificate alice-rsa-sign)" -outform DER -out want.der
cmp read.der want.der

printf 'the Keeper never lets the seal out of his hands' >message
openssl dgst -sha256 -binary message >digest

try tool --sign --mechanism SHA256-RSA-PKCS --id 01 -i message -o signature
public_key alice-rsa-sign
try openssl dgst -sha256 -verify alice-rsa-sign.pub -signature signature message

for hash in SHA256 SHA384 SHA512; do
  try tool --sign --mechanism "$hash-RSA-PKCS-PSS" --id 01 -i message -o signature
  try openssl dgst "-$(echo $hash | tr 'A-Z' 'a-z')" -sigopt rsa_padding_mode:pss \
    -verify alice-rsa-sign.pub -signature signature message
done

# A salt of another length than the digest's.
try tool --sign --mechanism SHA256-RSA-PKCS-PSS --salt-len 20 --id 01 -i message -o signature
try openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 \
  -verify alice-rsa-sign.pub -signature signature message

try tool --sign --mechanism ECDSA --signature-format openssl --id 04 -i digest -o signature
public_key alice-p256-sign
try openssl dgst -sha256 -verify alice-p256-sign.pub -signature signature message
try tool --sign --mechanism ECDSA-SHA384 --signature-format openssl --id 05 -i message -o signature
public_key alice-p384-sign
try openssl dgst -sha384 -verify alice-p384-sign.pub -signature signature message
try tool --sign --mechanism ECDSA-SHA512 --signature-format openssl --id 06 -i message -o signature
public_key alice-p521-sign
try openssl dgst -sha512 -verify alice-p521-sign.pub -signature signature message

try tool --sign --mechanism EDDSA --id 0a -i message -o signature
public_key alice-ed25519-sign
try openssl pkeyutl -verify -pubin -inkey alice-ed25519-sign.pub -rawin -in message -sigfile signature

# A session key in both paddings.
openssl rand -out session-key 32
public_key alice-rsa-decrypt
try openssl pkeyutl -encrypt -pubin -inkey alice-rsa-decrypt.pub -in session-key -out wrapped
try tool --decrypt --mechanism RSA-PKCS --id 02 -i wrapped -o opened
cmp session-key opened
try openssl pkeyutl -encrypt -pubin -inkey alice-rsa-decrypt.pub -in session-key -out wrapped \
  -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
try tool --decrypt --mechanism RSA-PKCS-OAEP --hash-algorithm SHA256 --mgf MGF1-SHA256 --id 02 \
  -i wrapped -o opened
cmp session-key opened

# A login that is asked for takes no PIN.
try tool --login --sign --mechanism ECDSA --id 04 -i digest -o signature
