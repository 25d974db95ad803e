# OpenSSH: ssh-add -s with an empty PIN, signatures by ssh-keygen -Y, and a login to an sshd of our own.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need ssh ssh-add ssh-agent ssh-keygen setsid
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[ -x "$sshd" ] || {
  echo "skipped: sshd is not installed"
  exit 77
}

# ssh-agent takes modules from folders on its list only; it names the real path.
eval "$(ssh-agent -s -P "$(dirname "$(realpath "$MODULE")")/*")" >/dev/null
trap 'kill "$SSH_AGENT_PID"' EXIT

# The empty PIN: an askpass that says nothing.
printf '#!/bin/sh\necho\n' >askpass
chmod +x askpass
SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force
export SSH_ASKPASS SSH_ASKPASS_REQUIRE
setsid ssh-add -s "$MODULE" >said 2>&1 || fail "ssh-add -s: $(cat said)"
ssh-add -L >keys || fail "ssh-add -L"
[ "$(grep -c ssh-rsa keys)" -ge 2 ] || fail "no RSA keys: $(cat keys)"
grep -q ecdsa-sha2-nistp256 keys || fail "no P-256 key: $(cat keys)"

# Signatures over a file, by an RSA and an EC key of the token, judged without it.
printf 'the Keeper never lets the seal out of his hands\n' >message
for id in 01 04; do
  ssh-keygen -D "$MODULE" >all 2>said || fail "ssh-keygen -D: $(cat said)"
  name=alice-rsa-sign
  [ $id = 01 ] || name=alice-p256-sign
  openssl x509 -in "$(certificate $name)" -noout -pubkey >pub.pem
  ssh-keygen -i -m PKCS8 -f pub.pem >key.pub
  grep -qF "$(cut -d' ' -f1,2 key.pub)" keys || fail "$name is not among the keys"
  rm -f message.sig
  try ssh-keygen -Y sign -f key.pub -n file message
  printf 'alice@example.org %s\n' "$(cut -d' ' -f1,2 key.pub)" >allowed
  ssh-keygen -Y verify -f allowed -I alice@example.org -n file -s message.sig <message >said 2>&1 ||
    fail "ssh-keygen -Y verify: $(cat said)"
done

# An sshd on a loopback port. It cannot let the kernel choose one, so what is taken is left to others.
ssh-keygen -q -t ed25519 -N '' -f host_key
cut -d' ' -f1,2 key.pub >authorized
cat >sshd_config <<TXT
HostKey $PWD/host_key
AuthorizedKeysFile $PWD/authorized
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
# ssh offers every key of every token, in an order that differs from one fixture to the next.
MaxAuthTries 50
TXT
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
listen() { # port
  : >sshd.log
  "$sshd" -D -e -f "$PWD/sshd_config" -o "ListenAddress=127.0.0.1:$1" >>sshd.log 2>&1 </dev/null &
  server=$!
  tail -n +1 -f --pid=$server sshd.log 2>/dev/null | grep -q "^Server listening on 127.0.0.1 port $1"
}
stop() {
  [ -z "${SSH_AGENT_PID:-}" ] || kill "$SSH_AGENT_PID"
  kill "$server" 2>/dev/null || true
}
trap stop EXIT
for port in $(shuf -n 9 -i 20000-32000); do
  ! listen "$port" || break
  port=
done
[ -n "$port" ] || fail "sshd: $(cat sshd.log)"
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 host_key.pub)" >known_hosts
login() { # options...
  ssh -p "$port" -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$PWD/known_hosts" \
    -o PreferredAuthentications=publickey -o LogLevel=ERROR "$@" "$(id -un)@127.0.0.1" \
    echo logged-in >said 2>&1 && grep -q logged-in said
}
login -F none -o IdentityFile="$PWD/key.pub" -o IdentitiesOnly=yes || fail "ssh: $(cat said sshd.log)"

# Without ssh-agent, by what `privyseal setup` writes.
eval "$(ssh-agent -k)" >/dev/null
try "$PRIVYSEAL" setup openssh --yes
login -F "$HOME/.ssh/config" -o IdentityFile=none || fail "ssh, set up: $(cat said sshd.log)"
! login -F "$HOME/.ssh/config" -o IdentityFile=none -o PKCS11Provider=none ||
  fail "ssh has a key from elsewhere"
try "$PRIVYSEAL" setup openssh --undo --yes
[ ! -e "$HOME/.ssh" ] || fail "something is left in .ssh"
