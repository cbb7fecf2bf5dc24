#!/bin/sh
# A gpg or an agent that asks something: a question on its status pipe, a passphrase by a pinentry
# that hangs, is missing or is not needed, or by loopback. Nobody is there to answer: no role waits longer than
# limits.worker_seconds, the log names the remedy, `check' finds it, and nothing is lost.
. "${srcdir:-.}/tests/lib/flow.sh"
init
sed -i '/^reminders/d' "$conf"
printf 'limits = { worker_seconds = 3; worker_tries = 1; retry_first_s = 1; retry_max_s = 1; };\nreminders = [];\n' >>"$conf"
make_key rita rita@reporter.example
give_key rita "$T/k/list.asc"
home=$T/i/gnupg/main/list

. "${srcdir:-.}/tests/lib/fakegpg.sh"
status='before= fd=2; for word; do [ "$before" = --status-fd ] && fd=$word; before=$word; done'
n=0
report() {
    n=$((n + 1))
    echo "Words of $n." | secret_mail rita 'Rita <rita@reporter.example>' "Report $n" >"$T/w/m"
    post rita@reporter.example "$T/w/m" || not_ok "mail $n is taken"
}
logged() { # WORDS PATTERN: comes up within fifteen seconds, and commands are answered meanwhile
    for logged_try in $(seq 300); do
        grep -q "$2" "$T/log" && { ok "the log says: $1"; break; }
        sleep 0.1
    done
    grep -q "$2" "$T/log" || { not_ok "the log says: $1"; grep -v 'rule=- verb' "$T/log" | tail -n 5; }
    check "core answers meanwhile: $1" timeout 3 "$bin/embargoctl" -c "$conf" --as ann@example.org status
}
finds() { # WORDS DETAIL: check fails for it, with a remedy, in time
    began=$(date +%s)
    "$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
    if [ $(($(date +%s) - began)) -le 25 ] &&
        jq -e --arg d "$2" '[.data[] | select(.status == "fail" and (.name | test("^(gpg|key|keys)")) and
            (.detail | test($d)) and .remedy != null)] | length > 0' "$T/w/check" >/dev/null; then
        ok "check finds it: $1"
    else
        not_ok "check finds it: $1 ($(($(date +%s) - began)) s)"
        jq -c '.data[] | select(.status != "ok")' "$T/w/check"
    fi
}
whole() { # WORDS: after the cure
    settle
    same "nothing is lost or held: $1" "$n 0" "$(cases) $(get '.data | length' held list)"
    : >"$T/log"
}
fake true
PATH=$T/i/bin:$PATH
start
PATH=$path

# ---- gpg asks ----
work='case " $* " in *" --decrypt "*|*" -d "*|*" --sign "*)'
fake "$status" "$work eval 'echo \"[GNUPG:] GET_BOOL untrusted_key.override\" >&'\$fd; read -r answer; sleep 60 ;; esac"
report
logged 'a question on the status pipe' 'rule=worker.deadline .*'
PATH=$T/i/bin:$PATH
finds 'a question on the status pipe' .
PATH=$path
fake true
whole 'a question on the status pipe'

stop

# ---- the key has a passphrase ----
"$real" --homedir "$home" --batch --pinentry-mode loopback --passphrase '' --armor --export-secret-keys "$list_fpr" >"$T/w/secret.asc" 2>/dev/null
gpgconf --homedir "$home" --kill all
cp -a "$home" "$T/w/list"
mkdir -m 700 "$T/k/lock"
gpg --homedir "$T/k/lock" --batch -q --import "$T/w/secret.asc" 2>/dev/null
printf 'one long passphrase' >"$T/w/pass"
gpg --homedir "$T/k/lock" --batch --yes --pinentry-mode loopback --passphrase-file "$T/w/pass" --change-passphrase "$list_fpr" 2>/dev/null
gpgconf --homedir "$T/k/lock" --kill all
lock() {
    rm -f "$home"/private-keys-v1.d/*
    cp "$T/k/lock/private-keys-v1.d"/*.key "$home/private-keys-v1.d/"
}
unlock() { # as it was
    stop
    gpgconf --homedir "$home" --kill all
    rm -f "$home"/private-keys-v1.d/*
    cp "$T/w/list/private-keys-v1.d"/* "$home/private-keys-v1.d"
    cp "$T/w/list/gpg-agent.conf" "$home/gpg-agent.conf"
    [ -f "$T/w/list/gpg.conf" ] && cp "$T/w/list/gpg.conf" "$home/gpg.conf"
    start
}
printf '#!/bin/sh\necho asked >>"%s"\nsleep 60\n' "$T/w/asked" >"$T/i/bin/pinentry"
chmod +x "$T/i/bin/pinentry"
# locked WORDS AGENT-LINE [GPG-LINE]
locked() {
    stop
    gpgconf --homedir "$home" --kill all
    lock
    [ -n "$2" ] && printf '%s\n' "$2" >>"$home/gpg-agent.conf"
    [ -n "${3:-}" ] && printf '%s\n' "$3" >>"$home/gpg.conf"
    : >"$T/log" >"$T/w/asked"
    start
    report
    logged "$1" 'rule=locked-key .*passphrase'
    finds "$1" passphrase
    same "nobody is asked: $1" '' "$(cat "$T/w/asked")"
    unlock
    whole "$1"
}
locked 'a pinentry that is missing' "pinentry-program $T/i/bin/none"
locked 'a pinentry that hangs, and a gpg.conf that wants it' "pinentry-program $T/i/bin/pinentry" 'pinentry-mode ask'
locked 'a passphrase by loopback' 'allow-loopback-pinentry' 'pinentry-mode loopback'
stop

# ---- at the start, when the storage key is used ----
: >"$T/log"
fake "$work sleep 60 ;; esac"
PATH=$T/i/bin:$PATH
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1 &
daemon=$!
PATH=$path
for try in $(seq 300); do [ -S "$T/i/run/control.sock" ] && break; sleep 0.1; done
ctl wait --timeout 2 >"$T/w/out"
same 'a command does not wait for it for ever' '75 daemon.silent' "$? $(jq -r .rule "$T/w/out")"
for try in $(seq 300); do grep -q event=core-start-failed "$T/log" && break; sleep 0.1; done
has 'core says why it does not start, and what to do' 'event=core-start-failed rule=worker.deadline' "$T/log"
fake true
for try in $(seq 300); do grep -q event=core-ready "$T/log" && break; sleep 0.1; done
has 'it is started again, and serves' event=core-ready "$T/log"
whole 'a start'
stop
finish
