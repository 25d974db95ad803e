# p11-kit and GnuTLS: the module file, p11tool, certtool.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need p11-kit p11tool certtool openssl

# The installed file, as a user's own registration. p11-kit does not read those of root, who is
# somebody else in a namespace of his own; to the kernel, so to the agent, he is the same.
as_user() {
  if [ "$(id -u)" -eq 0 ]; then
    unshare --user --map-user=1000 --map-group=1000 "$@"
  else
    "$@"
  fi
}
need unshare
if as_user true; then
  mkdir -p "$XDG_CONFIG_HOME/pkcs11/modules"
  sed "s|^module:.*|module: $MODULE|" "$MODULE_FILE" >"$XDG_CONFIG_HOME/pkcs11/modules/privyseal.module"
  printf 'user-config: only\n' >"$XDG_CONFIG_HOME/pkcs11/pkcs11.conf"
  try as_user p11-kit list-modules
  grep -q 'token: Alice' said || fail "p11-kit: $(cat said)"

  # disable-in: p11-kit goes by the program's name.
  cp "$(command -v p11-kit)" privyseal
  try as_user ./privyseal list-modules
  ! grep -q privyseal said || fail "p11-kit gives our own program our module: $(cat said)"
else
  echo "not tried: p11-kit's registration, since root has no user namespaces here"
fi

p11tool() {
  command p11tool --provider "$MODULE" "$@"
}
certtool() {
  command certtool --provider "$MODULE" "$@"
}

try p11tool --list-tokens
grep -q 'token=Alice' said || fail "p11tool: $(cat said)"
try p11tool --list-all-certs 'pkcs11:token=Alice'
grep -q 'object=Alice%20RSA%20signing' said || fail "no certificate: $(cat said)"
try p11tool --list-privkeys 'pkcs11:token=Alice'
grep -q 'object=Alice%20P-256%20signing;type=private' said || fail "no private key: $(cat said)"
p11tool --export 'pkcs11:token=Alice;id=%01;type=cert' >exported 2>said || fail "$(cat said)"
openssl x509 -in exported -outform DER -out exported.der
openssl x509 -in "$(certificate alice-rsa-sign)" -outform DER -out want.der
cmp exported.der want.der
try p11tool --test-sign 'pkcs11:token=Alice;id=%04;type=private'
try p11tool --test-sign 'pkcs11:token=Alice;id=%01;type=private'
try p11tool --test-sign --sign-params RSA-PSS 'pkcs11:token=Alice;id=%01;type=private'

# A request whose signature was made on the token.
printf 'cn = "Alice Example"\nemail = "alice@example.org"\nsigning_key\n' >request.template
for id in 01 04; do
  try certtool --generate-request --load-privkey "pkcs11:token=Alice;id=%$id;type=private" \
    --load-pubkey "pkcs11:token=Alice;id=%$id;type=public" --template request.template --outfile request
  try openssl req -in request -verify -noout
done
