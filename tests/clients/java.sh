# Java's SunPKCS11: keytool lists the token and signs a request with RSA and EC keys.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need keytool openssl
slot=$(pkcs11-tool --module "$MODULE" -L 2>/dev/null | grep -B1 'token label *: Alice' |
  sed -n 's/^Slot [0-9]* (0x\([0-9a-f]*\)).*/\1/p')
cat >pkcs11.cfg <<TXT
name = PrivySeal
library = $MODULE
slot = $((0x$slot))
TXT
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
