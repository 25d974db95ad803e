# Thunderbird without a display: knows the token's certificates, signs and encrypts with its RSA and
# EC keys what OpenSSL and privyseal judge, and opens what privyseal sealed.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
# shellcheck source=tests/clients/nss-tools.sh
. "$CLIENTS/nss-tools.sh"
need thunderbird certutil openssl python3 dbus-send

# An account that never fetches mail, and local folders. No search index: to make it, Thunderbird opens
# each mail once more, whenever it has time.
add_account() {
  cat >>profile/user.js <<TXT
user_pref("mailnews.start_page.enabled", false);
user_pref("mailnews.database.global.indexer.enabled", false);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.accountmanager.accounts", "account1,account2");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.accountmanager.localfoldersserver", "server2");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account1.identities", "id1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.server.server1.type", "pop3");
user_pref("mail.server.server1.hostname", "127.0.0.1");
user_pref("mail.server.server1.userName", "alice");
user_pref("mail.server.server1.name", "Alice");
user_pref("mail.server.server1.check_new_mail", false);
user_pref("mail.server.server1.login_at_startup", false);
user_pref("mail.server.server1.directory-rel", "[ProfD]Mail/Alice");
user_pref("mail.server.server2.type", "none");
user_pref("mail.server.server2.hostname", "Local Folders");
user_pref("mail.server.server2.userName", "nobody");
user_pref("mail.server.server2.name", "Local Folders");
user_pref("mail.server.server2.directory-rel", "[ProfD]Mail/Local Folders");
user_pref("mail.identity.id1.fullName", "Alice Example");
user_pref("mail.identity.id1.useremail", "alice@example.org");
user_pref("mail.identity.id1.valid", true);
user_pref("mail.identity.id1.smtpServer", "smtp1");
user_pref("mail.identity.id1.sign_mail", true);
user_pref("mail.identity.id1.encryptionpolicy", 2);
user_pref("mail.identity.id1.compose_html", false);
user_pref("mail.smtpservers", "smtp1");
user_pref("mail.smtp.defaultserver", "smtp1");
user_pref("mail.smtpserver.smtp1.hostname", "127.0.0.1");
user_pref("mail.smtpserver.smtp1.port", 9);
TXT
}

# What Thunderbird sent with these keys is good, for privyseal and for OpenSSL.
judge() { # rsa, p256...
  "$PRIVYSEAL" open --json --anchor "$TOKEN/root.pem" --output opened "sent-$1.eml" >report 2>said ||
    fail "privyseal open ($1): $(cat report said)"
  grep -q '"verdict" *: *"ok"' report || fail "not good ($1): $(cat report)"
  grep -q "written in Thunderbird with the $1 keys" opened || fail "another text ($1): $(cat opened)"

  name=alice-$1-decrypt
  try openssl cms -decrypt -in "sent-$1.eml" -inkey "$TOKEN/software-keys/$name.pem" \
    -recip "$(certificate "$name")" -out signed
  try openssl cms -verify -in signed -CAfile "$TOKEN/root.pem" -signer signer.pem -out opened
  grep -q "written in Thunderbird with the $1 keys" opened || fail "another text ($1): $(cat opened)"
  openssl x509 -in signer.pem | cmp - "$(certificate "alice-$1-sign")"
}

make_profile thunderbird
add_account
python3 -B "$CLIENTS/thunderbird.py" profile || {
  grep -aEv 'gtk_|^$' thunderbird.log >&2
  fail "in Thunderbird"
}
for kind in rsa p256 p384 p521; do
  judge $kind
done
# One prompt for all of it, and those of what was tried with prompts and the agent itself.
echo 6 >prompts
