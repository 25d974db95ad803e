# gpgsm with gnupg-pkcs11-scd in place of scdaemon: signs and decrypts with RSA keys (0.10 knows no others).
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need gpgsm gnupg-pkcs11-scd gpg-agent gpgconf openssl
GNUPGHOME=$PWD/gnupg
export GNUPGHOME
mkdir -m 700 gnupg
cat >gnupg/gnupg-pkcs11-scd.conf <<TXT
providers privyseal
provider-privyseal-library $MODULE
TXT
printf 'scdaemon-program %s\nallow-mark-trusted\n' "$(command -v gnupg-pkcs11-scd)" >gnupg/gpg-agent.conf
printf 'disable-crl-checks\ndisable-dirmngr\nno-secmem-warning\n' >gnupg/gpgsm.conf
trap 'gpgconf --kill all' EXIT
fingerprint=$(openssl x509 -in "$TOKEN/root.pem" -noout -fingerprint -sha1 | sed 's/.*=//')
printf '%s S relax\n' "$fingerprint" >gnupg/trustlist.txt

try gpgsm --batch --import "$TOKEN/root.pem" "$TOKEN/intermediate.pem" \
  "$(certificate alice-rsa-sign)" "$(certificate alice-rsa-decrypt)"
try gpgsm --learn-card
gpgsm --batch --list-secret-keys >secret 2>said || fail "$(cat said)"
grep -q 'Alice Example' secret || fail "no secret keys: $(cat secret said)"

printf 'the Keeper never lets the seal out of his hands\n' >message
signer=$(openssl x509 -in "$(certificate alice-rsa-sign)" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')
gpgsm --batch --local-user "$signer" --detach-sign --output signature message 2>said || fail "gpgsm -b: $(cat said)"
try openssl cms -verify -inform DER -in signature -content message -binary -CAfile "$TOKEN/root.pem" \
  -out /dev/null

try openssl cms -encrypt -aes256 -binary -in message -outform DER -out sealed \
  "$(certificate alice-rsa-decrypt)"
gpgsm --batch --decrypt --output opened sealed 2>said || fail "gpgsm -d: $(cat said)"
cmp message opened
