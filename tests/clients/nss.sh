# NSS's own tools: modutil, certutil, cmsutil sign with RSA and EC keys, and open mail to RSA.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
# shellcheck source=tests/clients/nss-tools.sh
. "$CLIENTS/nss-tools.sh"
need modutil certutil cmsutil openssl
mkdir db
register_module db thunderbird
check_listed "Alice RSA signing" "Alice P-256 signing" "Alice P-256 decryption"

printf 'the Keeper never lets the seal out of his hands\n' >message
for label in "Alice RSA signing" "Alice P-256 signing" "Alice P-384 signing"; do
  check_signature "$label" SHA256
done

# NSS 3.87 of Debian 12 knows no ECDH recipients (thunderbird-nss.sh has a newer one).
check_opens_from_openssl alice-rsa-decrypt
check_undo
