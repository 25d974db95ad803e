# Shared by the scripts that run NSS's tools or programs with NSS, after common.sh. What the checks
# use is the database in the folder db.

# A new database in a profile of a program, which knows the module and trusts the fixture's root.
register_module() { # folder, thunderbird or firefox
  try certutil -N -d "sql:$1" --empty-password
  cp "$1/pkcs11.txt" without
  try "$PRIVYSEAL" setup "$2" --profile "$1" --yes
  try certutil -A -d "sql:$1" -n root -t C,C,C -a -i "$TOKEN/root.pem"
}

# A profile with that, for marionette.py; what it tries to reach in the network ends here.
make_profile() { # thunderbird or firefox
  mkdir profile
  cat >profile/user.js <<TXT
user_pref("marionette.port", 0);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.socks", "127.0.0.1");
user_pref("network.proxy.socks_port", 9);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
TXT
  register_module profile "$1"
}

# The token needs no login, and its certificates are those of a user with the key.
check_listed() { # labels
  # Its status tells of empty slots, as it does for empty readers.
  modutil -dbdir sql:db -list "Privy Seal" >said 2>&1 || true
  grep -q 'Token Name: Alice' said || fail "modutil: $(cat said)"
  grep -q 'Login Type: Public' said || fail "modutil: $(cat said)"
  try certutil -L -d sql:db -h Alice
  for label; do
    grep -q "Alice:$label *u,u,u" said || fail "certutil shows no user certificate: $(cat said)"
  done
  try certutil -K -d sql:db -h Alice
  try certutil -V -d sql:db -n "Alice:Alice RSA signing" -u S
}

# Signs the file `message`; OpenSSL judges.
check_signature() { # label hash
  rm -f signed.p7m opened
  cmsutil -S -d sql:db -N "Alice:$1" -H "$2" -i message -o signed.p7m 2>said ||
    fail "cmsutil -S ($1, $2): $(cat said)"
  try openssl cms -verify -inform DER -in signed.p7m -CAfile "$TOKEN/root.pem" -out opened
  cmp message opened
}

# Opens sealed.p7m, which holds the file `message`.
check_opens() { # what it is
  rm -f opened
  cmsutil -D -d sql:db -i sealed.p7m -o opened 2>said || fail "cmsutil -D ($1): $(cat said)"
  cmp message opened
}

# Opens what OpenSSL encrypts to one of Alice's certificates.
check_opens_from_openssl() { # certificate [openssl's options]
  what=$*
  recipient=$(certificate "$1")
  shift
  try openssl cms -encrypt -aes256 -binary -in message -outform DER -out sealed.p7m \
    -recip "$recipient" "$@"
  check_opens "$what"
}

# NSS writes its list anew when somebody else's module comes; ours is taken out of what it wrote.
check_undo() {
  try modutil -dbdir sql:db -add Other -libfile /usr/lib/softhsm/libsofthsm2.so -force
  try "$PRIVYSEAL" setup thunderbird --profile db --undo --yes
  modutil -dbdir sql:db -list >said 2>&1 || true
  grep -q 'Other' said || fail "the other module is gone: $(cat said)"
  ! grep -q 'Privy Seal' said || fail "our module is still there: $(cat said)"
  try modutil -dbdir sql:db -delete Other -force
  cmp db/pkcs11.txt without
}
