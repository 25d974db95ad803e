# NSS's tools over the libraries inside Thunderbird, which are newer than Debian's: they sign with
# RSA and EC keys, and open mail to RSA and EC keys, from OpenSSL and from NSS itself.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
# shellcheck source=tests/clients/nss-tools.sh
. "$CLIENTS/nss-tools.sh"
need modutil certutil cmsutil openssl thunderbird
libraries=/usr/lib/thunderbird
export LD_LIBRARY_PATH=$libraries
for library in libnss3 libnssutil3 libsmime3; do
  ldd "$(command -v cmsutil)" | grep -q "$library.so => $libraries/" ||
    fail "cmsutil does not take Thunderbird's $library"
done
mkdir db
register_module db thunderbird
check_listed "Alice RSA signing" "Alice P-256 signing" "Alice P-256 decryption"

printf 'the Keeper never lets the seal out of his hands\n' >message
for label in "Alice RSA signing" "Alice RSA-3072 signing" "Alice P-256 signing" \
  "Alice P-384 signing" "Alice P-521 signing"; do
  for hash in SHA256 SHA384 SHA512; do
    check_signature "$label" $hash
  done
done

check_opens_from_openssl alice-rsa-decrypt
for hash in sha1 sha256 sha384 sha512; do
  check_opens_from_openssl alice-rsa-decrypt -keyopt rsa_padding_mode:oaep \
    -keyopt rsa_oaep_md:$hash
done
for curve in p256 p384 p521; do
  for hash in sha1 sha224 sha256 sha384 sha512; do
    check_opens_from_openssl alice-$curve-decrypt -keyopt ecdh_kdf_md:$hash
  done
done

# What NSS encrypts itself: its own choice of KDF, key wrap and content encryption.
for key in "RSA rsa" "P-256 p256" "P-384 p384" "P-521 p521"; do
  name=alice-${key#* }-decrypt
  try cmsutil -E -d sql:db -r "Alice:Alice ${key% *} decryption" -i message -o sealed.p7m
  check_opens "$name, from NSS"
  try openssl cms -decrypt -binary -inform DER -in sealed.p7m \
    -inkey "$TOKEN/software-keys/$name.pem" -recip "$(certificate "$name")" -out opened
  cmp message opened
done

# One message with a RecipientInfo of either kind.
try openssl cms -encrypt -aes256 -binary -in message -outform DER -out sealed.p7m \
  "$(certificate alice-p384-decrypt)" "$(certificate alice-rsa-decrypt)"
check_opens "two recipients"
