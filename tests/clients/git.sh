# git with privyseal-git as its gpg.x509.program: commits and tags are signed by keys of every kind, however
# they are named, and OpenSSL agrees; each kind of bad signature is refused, with its reason.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need git openssl
anchors=$XDG_CONFIG_HOME/privyseal/anchors.d
git config --global init.defaultBranch main
git config --global user.name 'Alice Example'
git config --global user.email alice@example.org
try "$PRIVYSEAL" setup git --yes
try git init -q repository
cd repository

fingerprint() { # certificate's file, hash
  openssl x509 -in "$1" -noout -fingerprint "-$2" | sed 's/.*=//'
}

commit() { # git's options...
  try git "$@" commit -q -S --allow-empty -m 'the Keeper never lets the seal out of his hands'
}

# Refused, with these words on stderr and this letter as %G?.
refused() { # object, words, letter
  if git verify-commit "$1" >said 2>&1; then fail "verify-commit took a commit that is $2"; fi
  grep -q "$2" said || fail "no '$2' in: $(cat said)"
  letter=$(git log -1 --format=%G? "$1")
  [ "$letter" = "$3" ] || fail "%G? is $letter instead of $3 where it is $2"
}

# Splits a commit into what is signed (payload) and the signature in DER.
take_apart() { # object
  git cat-file commit "$1" | awk '
    !body && /^gpgsig / { sub(/^gpgsig /, ""); print > "signature.txt"; inside = 1; next }
    !body && inside && /^ / { sub(/^ /, ""); print > "signature.txt"; next }
    /^$/ { body = 1 }
    { inside = 0; print > "payload" }'
  grep -v '^-----' signature.txt | openssl base64 -d >signature
}

# The commit at HEAD, signed anew by OpenSSL with a software key.
commit_by_openssl() { # certificate, key, CA certificates
  git cat-file commit HEAD | awk '
    !body && (/^gpgsig / || (inside && /^ /)) { inside = 1; next }
    /^$/ { body = 1 }
    { inside = 0; print }' >payload
  openssl cms -sign -binary -in payload -signer "$1" -inkey "$2" -certfile "$3" -outform DER |
    openssl base64 | sed '1i -----BEGIN SIGNED MESSAGE-----
$a -----END SIGNED MESSAGE-----' >signature.txt
  {
    sed '/^$/,$d' payload
    sed '1s/^/gpgsig /; 2,$s/^/ /' signature.txt
    sed -n '/^$/,$p' payload
  } | git hash-object -t commit -w --stdin
}

# -- a signer whose CA is not known, and the same one once it is trusted
commit
refused HEAD incomplete-chain E
mkdir -p "$anchors"
cp "$TOKEN/root.pem" "$anchors/"
try git verify-commit HEAD
grep -q 'good signature of Alice Example <alice@example.org>' said || fail "$(cat said)"
try git log -1 --show-signature
grep -q 'good signature of Alice' said || fail "$(cat said)"
expected="G Alice Example <alice@example.org> $(fingerprint "$(certificate alice-rsa-sign)" sha1 | tr -d :) fully"
[ "$(git log -1 --format='%G? %GS %GF %GT')" = "$expected" ] ||
  fail "$(git log -1 --format='%G? %GS %GF %GT') instead of $expected"

# -- keys by every name, and OpenSSL's opinion
try_key() { # user.signingKey, certificate
  commit -c user.signingKey="$1"
  try git verify-commit HEAD
  [ "$(git log -1 --format=%GK)" = "$(fingerprint "$(certificate "$2")" sha1 | tr -d :)" ] ||
    fail "'$1' is not $2"
  take_apart HEAD
  [ "$2" = alice-ed25519-sign ] || # OpenSSL 3.0 knows no Ed25519 in CMS
    try openssl cms -verify -inform DER -in signature -binary -content payload -CAfile "$TOKEN/root.pem" -out /dev/null
}
try_key alice@example.org alice-rsa-sign
try_key 'Alice <alice@example.org>' alice-rsa-sign
try_key 'Alice RSA-3072 signing' alice-rsa3072-sign
try_key 'pkcs11:token=Alice;id=%04' alice-p256-sign
try_key "$(fingerprint "$(certificate alice-p384-sign)" sha1)" alice-p384-sign
try_key "0x$(fingerprint "$(certificate alice-p521-sign)" sha256 | tr -d :)" alice-p521-sign
try_key 'Alice Ed25519 signing' alice-ed25519-sign

# -- tags
try git tag -s -m 'sealed' v1
try git verify-tag v1
try git tag -v v1
grep -q 'good signature of Alice' said || fail "$(cat said)"
altered=$(git cat-file tag v1 | sed 's/^sealed/healed/' | git hash-object -t tag -w --stdin)
if git verify-tag "$altered" >said 2>&1; then fail 'an altered tag was taken'; fi
grep -q bad-signature said || fail "$(cat said)"

# -- altered commits: the content, the signature, words behind the signature
altered=$(git cat-file commit HEAD | sed 's/Keeper/keeper/' | git hash-object -t commit -w --stdin)
refused "$altered" bad-signature B
altered=$(git cat-file commit HEAD | awk '/^ / && ++n == 3 { print " AAAA"; next } { print }' |
  git hash-object -t commit -w --stdin)
refused "$altered" malformed E
altered=$(git cat-file commit HEAD | sed 's/^ -----END.*/&\n approved by all/' |
  git hash-object -t commit -w --stdin)
refused "$altered" 'followed by something' E

# -- merges ask for more than verify-commit
try git checkout -q -b side
try git commit -q -S --allow-empty -m 'on the side'
try git checkout -q main
try git commit -q -S --allow-empty -m 'on the main branch'
try git merge -q --verify-signatures -S -m merged side
try git verify-commit HEAD

# -- signers who are not to be believed, each for one reason
PRIVYSEAL_BUILD=$BUILD "$SOURCE/softhsm-fixtures/make-token" "$PWD/judged" judged >said 2>&1 || fail "$(cat said)"
cp judged/root.pem "$anchors/judged.pem"
cat judged/intermediate.pem judged/stranger.pem >judged/authorities.pem
signed_by() { # key
  commit_by_openssl "judged/certs/$1.pem" "judged/software-keys/$1.pem" judged/authorities.pem
}
refused "$(signed_by expired-sign)" expired Y
refused "$(signed_by not-yet-valid-sign)" not-yet-valid E
refused "$(signed_by wrong-usage-sign)" wrong-usage E
refused "$(signed_by stranger-sign)" untrusted E
try git verify-commit "$(signed_by revoked-sign)" # nobody has said so yet
crls=$XDG_CONFIG_HOME/privyseal/crls.d
mkdir "$crls"
cp judged/crl.pem judged/root-crl.pem "$crls/"
refused "$(signed_by revoked-sign)" revoked R
rm "$crls"/* # they are of a CA with the same name as the token's

# -- a program in between adds options
cat >strict <<TXT
#!/bin/sh
exec "$PRIVYSEAL" git --revocation require "\$@"
TXT
chmod +x strict
git config gpg.x509.program "$PWD/strict"
refused HEAD revocation-unknown E
cp "$TOKEN/crl.pem" "$crls/ours.pem"
cp "$TOKEN/root-crl.pem" "$crls/ours-root.pem"
try git verify-commit HEAD
git config --unset gpg.x509.program

# -- on a terminal of which git leaves its program no descriptor, the person is asked and told all the same
on_terminal() { # command line
  script -qec "$1" /dev/null </dev/null >shown 2>&1
}
try "$PRIVYSEAL" lock
on_terminal 'tty; git commit -q -S --allow-empty -m "asked"' || fail "on a terminal: $(cat shown)"
terminal=$(sed -n 's|^\(/dev/pts/[0-9]*\).*|\1|p' shown)
grep -q "^OPTION ttyname=$terminal\$" "$HOME/pinentry/pinentry.log" || fail "not asked on $terminal"
echo 2 >"$HOME/prompts"
if on_terminal 'git -c user.signingKey=nobody@example.org commit -q -S --allow-empty -m x'; then
  fail 'signed with the key of nobody'
fi
grep -q "no certificate on any token signs as 'nobody@example.org'" shown || fail "not told: $(cat shown)"

# -- a push is signed like a tag, and the hook is told G only of signers who are trusted
try git init -q --bare ../bare.git
git -C ../bare.git config receive.certNonceSeed seed
cat >../bare.git/hooks/pre-receive <<'TXT'
#!/bin/sh
echo "the hook sees $GIT_PUSH_CERT_STATUS by '$GIT_PUSH_CERT_SIGNER'" >&2
TXT
chmod +x ../bare.git/hooks/pre-receive
try git push -q --signed ../bare.git main
grep -q "the hook sees G by 'Alice Example <alice@example.org>'" said || fail "$(cat said)"
mv "$anchors" "$anchors.away"
try git push -q --signed ../bare.git main:other
grep -q "the hook sees E by ''" said || fail "$(cat said)"
mv "$anchors.away" "$anchors"

# -- what cannot be signed is no commit
if git -c user.signingKey=nobody@example.org commit -q -S --allow-empty -m x >said 2>&1; then
  fail 'signed with the key of nobody'
fi
[ "$(git log -1 --format=%s)" = asked ] || fail 'a commit without its signature'
