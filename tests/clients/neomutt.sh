# neomutt (or mutt: mutt.sh) with privyseal.muttrc, on a pseudo-terminal: it signs, encrypts, opens and
# verifies with keys of the token, and finds and keeps the certificates of recipients. What it sends is
# judged by `privyseal open` and by OpenSSL; what it reads is also made by OpenSSL.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
mutt=${MUTT:-neomutt}
need "$mutt" openssl
python=
for candidate in python3 /usr/bin/python3; do # another one may have no pyte
  if [ -z "$python" ] && "$candidate" -c 'import pyte' 2>/dev/null; then python=$candidate; fi
done
[ -n "$python" ] || {
  echo 'skipped: python3-pyte is not installed'
  exit 77
}

PATH=$BUILD/ui-cli:$PATH
LC_ALL=C.UTF-8
export PATH LC_ALL
folder=$XDG_DATA_HOME/privyseal/mutt
words='the Keeper never lets the seal out of his hands'
mkdir -p "$XDG_CONFIG_HOME/privyseal/anchors.d"
cp "$TOKEN/root.pem" "$XDG_CONFIG_HOME/privyseal/anchors.d/"

# The editor writes the mail, sendmail keeps it.
printf '%s\n' "$words" >words
# shellcheck disable=SC2016
printf '#!/bin/sh\ncp "%s/words" "$1"\n' "$PWD" >edit
printf '#!/bin/sh\ncat >"%s/sent.eml"\n' "$PWD" >sendmail
chmod +x edit sendmail
cat >muttrc <<TXT
set from=alice@example.org realname="Alice Example" use_from=yes
set editor="$PWD/edit" sendmail="$PWD/sendmail" copy=no postpone=no
set folder="$PWD" spoolfile="$PWD/inbox" mbox_type=mbox move=no tmpdir="$PWD/tmp"
source $SOURCE/ui-cli/privyseal.muttrc
TXT

play() { # arguments of the program...; steps on stdin
  "$python" "$CLIENTS/play.py" "$mutt" -F muttrc "$@" >said 2>&1 || fail "$mutt $*: $(cat said)"
}

# Writes a mail, chooses in the S/MIME menu: s, e, b or a, and goes on with these steps.
compose() { # choice, recipient; steps on stdin
  rm -f sent.eml
  play -s 'The seal' "$2" <<TXT
see To: $2
type \r
see Subject: The seal
type \r
see Attachments
type S
see S/MIME (e)ncrypt
type $1
$(cat)
TXT
}

# Composes a mail and sends it.
send() { # choice, recipient; steps on stdin
  compose "$1" "$2" <<TXT
see (S/MIME)
type y
$(cat)
end
TXT
  [ -s sent.eml ] || fail "nothing was sent to $2: $(cat said)"
}

# mutt wants its passphrase before it signs; no key of ours has one.
send_signed() { # choice, recipient
  send "$1" "$2" <<TXT
see Enter S/MIME passphrase
type \r
TXT
}

# The one mail of a mailbox, with these steps while it is shown.
read_mail() { # mail; steps on stdin
  {
    echo 'From alice@example.org Sun Nov 29 03:00:00 2026'
    tr -d '\r' <"$1"
    echo
  } >box
  play -f box <<TXT
see The seal
type \r
$(cat)
type qx
end
TXT
}

# What `privyseal open` says of a mail, and that the words came out of it.
expect_verdict() { # mail, verdict
  "$PRIVYSEAL" open --json --output opened "$1" >report 2>said || fail "open $1: $(cat report said)"
  sed -n 's/^  "verdict" : "\(.*\)",/\1/p' report | grep -qx "$2" || fail "$1 is no $2: $(cat report)"
  grep -q "$words" opened || fail "the words are not in $1"
}

# -- what goes out; to Bob, whose certificate came as a file
try "$PRIVYSEAL" mutt import "$(certificate bob-rsa-decrypt)"
grep -q 'bob@example.org: kept; mutt asks' said || fail "import: $(cat said)"
try "$PRIVYSEAL" mutt import "$TOKEN/intermediate.pem"
try "$PRIVYSEAL" mutt import "$(certificate bob-rsa-decrypt)"
grep -q 'bob@example.org: kept, and trusted' said || fail "import: $(cat said)"
send_signed s bob@example.org
mv sent.eml signed.eml
expect_verdict signed.eml ok
grep -q 'micalg="*sha-256' signed.eml || fail 'the mail states another hash'
grep -q '"digest-algorithm" : "sha256"' report || fail "another hash was used: $(cat report)"
try openssl cms -verify -in signed.eml -CAfile "$TOKEN/root.pem" -out opened
grep -q "$words" opened || fail 'openssl finds other words'

send e bob@example.org </dev/null
mv sent.eml encrypted.eml
expect_verdict encrypted.eml decrypted-noauth
grep -q '"recipients" : 2' report || fail "not encrypted to both: $(cat report)"
if grep -q "$words" encrypted.eml; then fail 'the words can be read'; fi
for name in alice bob; do
  try openssl cms -decrypt -in encrypted.eml -inkey "$TOKEN/software-keys/$name-rsa-decrypt.pem" \
    -recip "$(certificate "$name-rsa-decrypt")" -out opened
  grep -q "$words" opened || fail "openssl finds other words for $name"
done

send_signed b bob@example.org
mv sent.eml both.eml
expect_verdict both.eml ok
grep -c '"type" : ' report | grep -qx 2 || fail "not in two layers: $(cat report)"
try openssl cms -decrypt -in both.eml -inkey "$TOKEN/software-keys/bob-rsa-decrypt.pem" \
  -recip "$(certificate bob-rsa-decrypt)" -out inner
try openssl cms -verify -in inner -CAfile "$TOKEN/root.pem" -out opened

# Another key, chosen from the index of the keys.
compose a bob@example.org <<TXT
see Sign as:
type P-256\r
see S/MIME certificates matching
see Alice_P-256_signing
type \r
see Sign (S/MIME)
type y
see Enter S/MIME passphrase
type \r
end
TXT
expect_verdict sent.eml ok
grep -q '"signature-algorithm" : "ecdsa"' report || fail "another key signed: $(cat report)"

# -- what comes in
read_mail signed.eml <<TXT
see S/MIME signature successfully verified
see Verification successful
see certified as: alice@example.org
see $words
TXT
sed 's/never lets/always lets/' signed.eml >tampered.eml
read_mail tampered.eml <<TXT
see S/MIME signature could NOT be verified
see BAD SIGNATURE
see the content was changed after it was signed
miss Verification successful
TXT
# mutt by itself takes an address for the sender's that only begins alike.
sed 's/^From: .*/From: Alice <alice@example.or>/' signed.eml >other.eml
read_mail other.eml <<TXT
see the mail is from alice@example.or, but its signer is certified as alice@example.org
type \r
see no certfile
type \r
see S/MIME certificate owner does not match sender
TXT
read_mail encrypted.eml <<TXT
see Enter S/MIME passphrase
type \r
see End of S/MIME encrypted data
see $words
see nothing shows who wrote it
TXT
read_mail both.eml <<TXT
see Enter S/MIME passphrase
type \r
see S/MIME signature successfully verified
see Verification successful
see $words
see End of S/MIME encrypted data
TXT
printf 'From: alice@example.org\nSubject: The seal\n\n%s\n' "$words" >plain.eml
"$PRIVYSEAL" sign --opaque plain.eml >opaque.eml 2>said || fail "sign: $(cat said)"
read_mail opaque.eml <<TXT
see S/MIME signature successfully verified
see Verification successful
see $words
TXT

# -- what other people send: Dave of our CA, Eve of none; both can sign and be encrypted to
try openssl req -newkey rsa:2048 -nodes -keyout dave.key -out dave.csr -subj /CN=Dave
cat >dave.ext <<TXT
keyUsage=digitalSignature,keyEncipherment
extendedKeyUsage=emailProtection
subjectAltName=email:dave@example.org
TXT
try openssl x509 -req -in dave.csr -CA "$TOKEN/intermediate.pem" -CAkey "$TOKEN/ca-keys/intermediate.pem" \
  -days 2 -extfile dave.ext -out dave.pem
try openssl req -x509 -newkey rsa:2048 -nodes -keyout eve.key -out eve.pem -subj /CN=Eve -days 2 \
  -addext subjectAltName=email:eve@example.org -addext keyUsage=digitalSignature,keyEncipherment \
  -addext extendedKeyUsage=emailProtection
for name in dave eve; do
  {
    printf 'From: %s@example.org\nTo: alice@example.org\nSubject: The seal\n' "$name"
    printf '\n%s\n' "$words" | openssl cms -sign -signer $name.pem -inkey $name.key -md sha256 \
      -certfile "$TOKEN/intermediate.pem" 2>said
  } >$name.eml || fail "openssl: $(cat said)"
done
read_mail eve.eml <<TXT
see S/MIME signature could NOT be verified
see certificate is not trusted here
TXT
{
  printf 'From: eve@example.org\nSubject: The seal\n'
  printf '\n%s\n' "$words" | openssl cms -encrypt -aes256 eve.pem 2>said
} >foreign.eml || fail "openssl: $(cat said)"
# mutt shows why a mail cannot be opened; neomutt does not, but a pipe does.
reason='encrypted, but not for a key that is here'
{
  printf 'see Enter S/MIME passphrase\ntype \\r\n'
  if [ "$mutt" = neomutt ]; then
    printf 'see Could not copy message\ntype |\nsee Pipe to command:\ntype privyseal open\\r\n'
    printf 'see %s\nsee Press any key\nmiss %s\ntype \\r\nlose Press any key\n' "$reason" "$words"
  else
    printf 'see %s\nmiss %s\n' "$reason" "$words"
  fi
} | read_mail foreign.eml

# Dave's certificate is taken out of his mail, and mail to him is encrypted to it.
read_mail dave.eml <<TXT
see S/MIME signature successfully verified
type \x0b
see dave@example.org: kept, and trusted
see Press any key
type \r
lose Press any key
TXT
grep -q '^dave@example.org [0-9a-f]\{40\} CN=Dave ? t e$' "$folder/.index" || fail "$(cat "$folder/.index")"
send e dave@example.org </dev/null
try openssl cms -decrypt -in sent.eml -inkey dave.key -recip dave.pem -out opened
grep -q "$words" opened || fail 'openssl finds other words for Dave'

# Nobody vouches for Eve: mutt asks.
try "$PRIVYSEAL" mutt import eve.pem
grep -q 'mutt asks before it encrypts' said || fail "Eve is trusted: $(cat said)"
send e eve@example.org <<TXT
see S/MIME certificates matching
see Unverified
type \r
see undefined validity
type y
TXT
try openssl cms -decrypt -in sent.eml -inkey eve.key -recip eve.pem -out opened

# Of Frank there is no certificate: nothing is sent.
compose e frank@example.org <<TXT
see (S/MIME)
type y
see Enter keyID for frank@example.org
type \x07
see Attachments
type q
end 1
TXT
[ ! -e sent.eml ] || fail 'mail to Frank was sent'
