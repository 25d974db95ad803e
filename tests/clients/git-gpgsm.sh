# git with gpgsm and with privyseal-git in one repository: each verifies what the other signed, and git's
# placeholders say the same.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need git openssl gpgsm gpg-agent gpgconf
GNUPGHOME=$PWD/gnupg
export GNUPGHOME
mkdir -m 700 gnupg
printf 'allow-loopback-pinentry\n' >gnupg/gpg-agent.conf
printf 'disable-crl-checks\ndisable-dirmngr\nno-secmem-warning\n' >gnupg/gpgsm.conf
trap 'gpgconf --kill all' EXIT
openssl x509 -in "$TOKEN/root.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/$/ S relax/' >gnupg/trustlist.txt
try gpgsm --batch --import "$TOKEN/root.pem" "$TOKEN/intermediate.pem"
try openssl pkcs12 -export -legacy -inkey "$TOKEN/software-keys/bob-rsa-sign.pem" \
  -in "$(certificate bob-rsa-sign)" -passout pass:bob -out bob.p12
printf 'bob\n' >passphrase
try gpgsm --batch --pinentry-mode loopback --passphrase-fd 3 --import bob.p12 3<passphrase
# git gives its program no options of ours; gpgsm asks for Bob's passphrase otherwise.
cat >bobs-gpgsm <<TXT
#!/bin/sh
exec gpgsm --batch --pinentry-mode loopback --passphrase-fd 3 "\$@" 3<"$PWD/passphrase"
TXT
chmod +x bobs-gpgsm

mkdir -p "$XDG_CONFIG_HOME/privyseal/anchors.d"
cp "$TOKEN/root.pem" "$XDG_CONFIG_HOME/privyseal/anchors.d/"
git config --global init.defaultBranch main
git config --global gpg.format x509
try git init -q repository
cd repository
with() { # program, then git's arguments
  program=$1
  shift
  git -c gpg.x509.program="$program" "$@"
}

for key in 'Alice RSA signing' 'Alice P-256 signing' 'Alice P-384 signing'; do
  try with "$PRIVYSEAL-git" -c user.name=Alice -c user.email=alice@example.org -c user.signingKey="$key" \
    commit -q -S --allow-empty -m "$key"
  try with ../bobs-gpgsm verify-commit HEAD
  ours=$(with "$PRIVYSEAL-git" log -1 --format='%G? %GK %GF %GT')
  theirs=$(with ../bobs-gpgsm log -1 --format='%G? %GK %GF %GT')
  [ "$ours" = "$theirs" ] || fail "we say '$ours', gpgsm says '$theirs'"
done

bob() { # git's arguments
  try with ../bobs-gpgsm -c user.name=Bob -c user.email=bob@example.org -c user.signingKey=bob@example.org "$@"
}
bob commit -q -S --allow-empty -m his
bob tag -s -m his v1
try with "$PRIVYSEAL-git" verify-commit HEAD
grep -q 'good signature of Bob Example <bob@example.org>' said || fail "$(cat said)"
try with "$PRIVYSEAL-git" verify-tag v1
