# OpenSSL through libp11's engine where a policy rule opens raw operations: what needs the bare ECDH
# secret or raw RSA works, for the program that the rule names and no other.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl
configure_engine
cat >>config/privyseal/privyseal.conf <<TXT
[policy openssl]
program=$(readlink -f "$(command -v openssl)")
action=allow
raw=ecdh;rsa
TXT
key() { # id
  printf 'pkcs11:token=Alice;id=%%%s;type=private' "$1"
}
printf 'the Keeper never lets the seal out of his hands\n' >message

# The same secret from both sides: ours with the other's point, and the other way round.
for pair in 07:p256 08:p384 09:p521; do
  curve=${pair#*:}
  openssl x509 -in "$(certificate "alice-$curve-decrypt")" -noout -pubkey >"$curve.pub"
  try env -u OPENSSL_CONF openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${curve#p}" \
    -out other.pem
  try env -u OPENSSL_CONF openssl pkey -in other.pem -pubout -out other.pub
  try env -u OPENSSL_CONF openssl pkeyutl -derive -inkey other.pem -peerkey "$curve.pub" -out theirs
  try openssl pkeyutl -derive -engine pkcs11 -keyform engine -inkey "$(key "${pair%:*}")" \
    -peerkey other.pub -out ours
  cmp ours theirs
done

# Mail to EC keys.
for curve in p256 p384 p521; do
  try env -u OPENSSL_CONF openssl cms -encrypt -aes256 -in message -out sealed \
    -recip "$(certificate "alice-$curve-decrypt")"
  case $curve in p256) id=07 ;; p384) id=08 ;; *) id=09 ;; esac
  try openssl cms -decrypt -engine pkcs11 -keyform engine -inkey "$(key $id)" \
    -recip "$(certificate "alice-$curve-decrypt")" -in sealed -out opened
  tr -d '\r' <opened | cmp - message
done

# RSA without padding, both ways: one block of the modulus' length.
openssl x509 -in "$(certificate alice-rsa-sign)" -noout -pubkey >sign.pub
openssl x509 -in "$(certificate alice-rsa-decrypt)" -noout -pubkey >decrypt.pub
printf 'a%.0s' $(seq 256) >block
# (pkeyutl signs nothing that is longer than a hash.)
try openssl rsautl -sign -raw -engine pkcs11 -keyform engine -inkey "$(key 01)" -in block -out signature
try openssl pkeyutl -verifyrecover -pubin -inkey sign.pub -in signature -out back \
  -pkeyopt rsa_padding_mode:none
cmp back block
try openssl pkeyutl -encrypt -pubin -inkey decrypt.pub -in block -out encrypted \
  -pkeyopt rsa_padding_mode:none
try openssl pkeyutl -decrypt -engine pkcs11 -keyform engine -inkey "$(key 02)" -in encrypted -out back \
  -pkeyopt rsa_padding_mode:none
cmp back block

# PSS as the agent does not make it: OpenSSL pads, and libp11 has the block signed.
try openssl dgst -engine pkcs11 -keyform engine -sign "$(key 01)" -sha256 -out signature \
  -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha1 message
try openssl dgst -sha256 -verify sign.pub -signature signature -sigopt rsa_padding_mode:pss \
  -sigopt rsa_mgf1_md:sha1 message

# The rule names the program: a copy of it gets what everybody gets.
cp "$(command -v openssl)" another
! ./another pkeyutl -derive -engine pkcs11 -keyform engine -inkey "$(key 09)" -peerkey other.pub \
  -out none >said 2>&1 || fail "another program got the secret"
! ./another pkeyutl -decrypt -engine pkcs11 -keyform engine -inkey "$(key 02)" -in encrypted -out none \
  -pkeyopt rsa_padding_mode:none >said 2>&1 || fail "another program decrypted without padding"
for operation in raw-ecdh raw-rsa-sign raw-rsa-decrypt; do
  grep -q "$operation with key .* for openssl .*: done, rule openssl" bus.log ||
    fail "no record of $operation: $(cat bus.log)"
done
