# Java's SunPKCS11: keytool lists the token and signs a request with RSA and EC keys.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need keytool openssl pkcs11-tool
configure_java Alice
tool() {
  keytool -J-Duser.home="$HOME" -providerClass sun.security.pkcs11.SunPKCS11 -providerArg pkcs11.cfg \
    -keystore NONE -storetype PKCS11 -storepass '' "$@"
}

try tool -list
grep -q 'Alice RSA signing' said || fail "keytool lists no key: $(cat said)"
for alias in "Alice RSA signing" "Alice P-256 signing"; do
  try tool -certreq -alias "$alias" -file request
  try openssl req -in request -verify -noout
done
