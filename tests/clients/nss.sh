# NSS's own tools: modutil, certutil, cmsutil sign with RSA and EC keys, and open mail to RSA.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need modutil certutil cmsutil openssl
mkdir db
try certutil -N -d sql:db --empty-password
try modutil -dbdir sql:db -add "Privy Seal" -libfile "$MODULE" -force
# Its status tells of empty slots, as it does for empty readers.
modutil -dbdir sql:db -list "Privy Seal" >said 2>&1 || true
grep -q 'Token Name: Alice' said || fail "modutil: $(cat said)"
grep -q 'Login Type: Public' said || fail "modutil: $(cat said)"
try certutil -A -d sql:db -n root -t C,C,C -a -i "$TOKEN/root.pem"

try certutil -L -d sql:db -h Alice
for label in "Alice RSA signing" "Alice P-256 signing" "Alice P-256 decryption"; do
  grep -q "Alice:$label *u,u,u" said || fail "certutil shows no user certificate: $(cat said)"
done
try certutil -K -d sql:db -h Alice
try certutil -V -d sql:db -n "Alice:Alice RSA signing" -u S

printf 'the Keeper never lets the seal out of his hands\n' >message
for label in "Alice RSA signing" "Alice P-256 signing" "Alice P-384 signing"; do
  cmsutil -S -d sql:db -N "Alice:$label" -H SHA256 -i message -o signed.p7m 2>said ||
    fail "cmsutil -S ($label): $(cat said)"
  try openssl cms -verify -inform DER -in signed.p7m -CAfile "$TOKEN/root.pem" -out opened
  cmp message opened
done

# NSS 3.87 of Debian 12 knows no ECDH recipients (newer ones do).
try openssl cms -encrypt -aes256 -binary -in message -outform DER -out sealed.p7m \
  "$(certificate alice-rsa-decrypt)"
cmsutil -D -d sql:db -i sealed.p7m -o opened 2>said || fail "cmsutil -D: $(cat said)"
cmp message opened
