# Java's SunPKCS11: keytool lists the token and signs a request with RSA and EC keys.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need keytool openssl pkcs11-tool
configure_java Alice
tool() {
  keytool -J-Duser.home="$HOME" -J-Djava.security.properties="$properties" \
    -keystore NONE -storetype PKCS11 -storepass '' "$@"
}

try tool -list
grep -q 'Alice RSA signing' said || fail "keytool lists no key: $(cat said)"
for alias in "Alice RSA signing" "Alice P-256 signing"; do
  try tool -certreq -alias "$alias" -file request
  try openssl req -in request -verify -noout
done

# The same by the configuration file alone; and without --slot, the first one with a token.
try keytool -J-Duser.home="$HOME" -providerClass sun.security.pkcs11.SunPKCS11 -providerArg "$configuration" \
  -keystore NONE -storetype PKCS11 -storepass '' -list
grep -q 'Alice RSA signing' said || fail "keytool lists no key: $(cat said)"
try "$PRIVYSEAL" setup java --yes
try tool -list
grep -q 'contains .* entr' said || fail "keytool lists no key: $(cat said)"

try "$PRIVYSEAL" setup java --undo --yes
[ ! -e "$configuration" ] && [ ! -e "$properties" ] || fail "something is left"
