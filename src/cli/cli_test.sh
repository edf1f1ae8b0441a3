#!/bin/sh
# cli_test.sh POSTSEAL: exit codes, and what people are told.
set -u
postseal=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

# check CODE TEXT ARGUMENT...: ends with CODE and says TEXT somewhere.
check() {
    code=$1 text=$2
    shift 2
    "$postseal" "$@" >out 2>&1 </dev/null
    got=$?
    if [ $got -ne "$code" ] || ! grep -qF -- "$text" out; then
        echo "postseal $*: $got instead of $code, or it does not say: $text"
        cat out
        failed=1
    fi
}

cat >good.conf <<'END'
hostname gate.clinic.example data .
tls { certificate gate.pem key gate.key }
listen 127.0.0.1:2525 { accept-from 127.0.0.0/8 }
include rules.conf
expect from a@x.example to b@y.example gives tls rule "all"
END
echo 'rule "all" { floor verified ladder tls }' >rules.conf
openssl req -x509 -newkey rsa:2048 -nodes -keyout gate.key -out gate.pem \
    -days 90 -subj / -addext subjectAltName=DNS:gate.clinic.example 2>/dev/null
openssl genrsa -out other.key 2048 2>/dev/null
chmod 600 gate.key other.key
mkdir keys && touch keys/dispatch.pub
sed 's/gives tls/gives portal/' good.conf >unmet.conf
sed 's/gate.key/other.key/' good.conf >pair.conf
sed 's/hostname/hostnam/' good.conf >typo.conf
sed 's/accept-from [^ ]*//' good.conf >relay.conf
sed 's/rules.conf/broken.conf/' good.conf >include.conf
echo 'rule "all" { flor open }' >broken.conf

check 2 'usage: postseal COMMAND'
check 0 'config check' --help
check 0 'postseal ' --version
check 2 "did you mean 'config'" confg
check 2 "did you mean 'config show'" config shw
check 2 'say which' config
check 2 'did you mean --offline' config check --ofline
check 2 'needs a value' config check --config
check 2 'takes no value' config check --offline=yes
check 2 'has no JSON form' config show --json
check 2 'usage: postseal version' version extra
check 2 'auto, always or never' version --color maybe
check 0 'exit status' help config check
check 0 'complete -F _postseal' completion bash
check 0 'bashcompinit' completion zsh
check 0 'complete -c postseal' completion fish
check 2 'bash, zsh or fish' completion tcsh
check 0 'valid' config check -c good.conf --offline
check 0 '"valid": true' config check -c good.conf --offline --json
check 3 'No such file' config check -c none.conf
check 3 "typo.conf:1:1: unknown setting 'hostnam'; did you mean 'hostname'?" \
    config check -c typo.conf
check 3 '"column": 1' config check -c typo.conf --json
check 3 "broken.conf:1:14: unknown setting 'flor'" config check -c include.conf
check 3 'open relay' config check -c relay.conf
check 3 'not the key of the certificate' config check -c pair.conf --offline
check 0 'rules.conf:1' config show -c good.conf --origin
check 0 'retry 5m 15m 30m 1h 2h 4h' config show -c good.conf --all
check 0 '1 hold, 0 fail' policy test good.conf
check 1 'expected  portal' policy test unmet.conf
check 1 '"failing": 1' policy test unmet.conf --json
check 3 'hostnam' policy test typo.conf

# OP-03: a secret that others may read is refused, by load and check alike.
chmod 644 gate.key
check 3 'chmod 600 it' config check -c good.conf
check 3 'chmod 600 it' policy test good.conf
chmod 600 gate.key

# What is shown can be read again and is the same.
"$postseal" config show -c good.conf >shown.conf
"$postseal" config show -c shown.conf >again.conf
cmp -s shown.conf again.conf || { echo "config show changes"; failed=1; }

"$postseal" config show -c good.conf >/dev/full 2>/dev/null
[ $? -eq 5 ] || { echo "a full disk went unnoticed"; failed=1; }
"$postseal" completion bash | bash -n || failed=1

check 2 'say which domains' check
check 2 'not a domain' check localhost
check 2 'not a domain' check 'a b.example'
check 2 '--jobs is a number' check a.example --jobs 0
check 2 'is for itself' check a.example --csv --json
check 2 'usage: postseal check --replies' check --replies a.a b.b c.c
check 2 'cannot read' check --file none.txt
check 2 'is not a resolver address' check a.example --resolver ns.example
check 3 'No such file' check a.example -c none.conf
check 4 'our own side is at fault' check a.example --ca good.conf

check 0 'postseal.conf' init new --hostname gate.clinic.example \
    --portal-url https://localhost:8443
check 0 'valid' config check -c new/postseal.conf --offline
check 0 '2 hold, 0 fail' policy test new/postseal.conf
check 1 'there already' init new --hostname gate.clinic.example
check 2 'is not a full host name' init other --hostname gate
check 2 'say the name of this host' init other
[ "$(stat -c %a new/gate.key)" = 600 ] || { echo "gate.key"; failed=1; }
echo 'correct horse' >password
"$postseal" user add bob --scram --senders '*@x.example' \
    -c new/postseal.conf <password >out 2>&1 || { cat out; failed=1; }
check 0 'bob' user list -c new/postseal.conf
check 0 '"scram": true' user list --json -c new/postseal.conf
check 2 'standard input' user add eve -c new/postseal.conf
check 0 'removed bob' user remove bob -c new/postseal.conf
check 1 'no account bob' user remove bob -c new/postseal.conf
check 0 'nothing' queue list -c new/postseal.conf
check 0 '[]' queue list --json -c new/postseal.conf
check 0 'no pickups' pickup list -c new/postseal.conf
check 1 'no such state' queue list --state gone -c new/postseal.conf
check 1 'no such state' pickup list --state gone -c new/postseal.conf
check 2 'is not an id' message show x -c new/postseal.conf
check 2 'is not an id' queue delete 01% -c new/postseal.conf
check 1 'no message' message show 01m4w3k9x2 -c new/postseal.conf
check 1 'nothing is queued' queue hold 01m4w3k9x2 -c new/postseal.conf
check 1 'no live pickup' pickup recall 01m4w3k9x2 -c new/postseal.conf
check 2 '--by takes' pickup extend 01m4w3k9x2 --by soon -c new/postseal.conf
check 3 'No such file' queue list -c none.conf
grep -rq 'correct horse' new && { echo "the password is kept"; failed=1; }

exit $failed
