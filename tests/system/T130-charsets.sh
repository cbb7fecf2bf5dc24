#!/bin/sh
# What is written in the charsets of the world is read in them: a protected Subject, and a notice of a mail server, of
# which nothing but the words say what it is.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

need iconv base64
init
start
member acorn distro distros

# ---- a protected Subject ----
make_key rita rita@reporter.example
give_key rita "$T/k/list.asc"
word() { printf '=?%s?B?%s?=' "$1" "$(printf %s "$2" | iconv -f utf-8 -t "$1" | base64 -w 0)"; }

# protected CHARSET SUBJECT: a mail whose Subject stands inside; the case has it.
protected() {
    {
        printf 'Content-Type: text/plain; charset=%s; protected-headers="v1"\r\n' "$1"
        printf 'Content-Transfer-Encoding: base64\r\nSubject: %s\r\n\r\n' "$(word "$1" "$2")"
        printf '%s 1\n' "$2" | iconv -f utf-8 -t "$1" | base64
    } >"$T/w/payload"
    {
        printf 'From: Rita <rita@reporter.example>\nTo: %s\nSubject: ...\nDate: %s\nMessage-ID: <%s@reporter.example>\n' \
            "$list" "$(date -u -d "$now" -R)" "$1"
        printf 'MIME-Version: 1.0\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"\n\n'
        printf -- '--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n'
        gpg --homedir "$T/k/rita" --batch -q --armor --trust-model always --sign -r "$list_fpr" --encrypt <"$T/w/payload" 2>/dev/null
        printf '\n--b--\n'
    } >"$T/w/m"
    inject rita@reporter.example "$T/w/m"
    protected_id=$(new_case)
    same "$1: the Subject" "$2" "$(get .data.messages[0].subject case show "$protected_id")"
    same "$1: the text" "$2 1" "$(get .data.messages[0].text case show "$protected_id" | head -n 1)"
    later '1 minute'
}
protected koi8-r 'переполнение буфера'
protected iso-2022-jp 'バッファの問題'
protected utf-16 'überlauf'

# ---- a notice ----
mail 'Rita <rita@reporter.example>' 'Overflow' <<X >"$T/w/m"
It overflows.
X
inject rita@reporter.example "$T/w/m"
id=$(new_case)
ctl case accept "$id" >/dev/null
printf 'Title: Overflow\nSeverity: high\n\n## Description\nIt overflows.\n' >"$T/w/advisory"
ctl advisory new "$id" --title T >/dev/null
check 'advisory edit' ctl advisory edit "$id" "$T/w/advisory"
check 'advisory send' ctl advisory send "$id"
settle
tag=$(sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$(newest security@acorn.example)" | head -n 1)
copy=$(ctl queue list | jq -r '[.data[] | select(.org == "acorn" and .kind == "advisory")] | last | .id')

# notice CHARSET ENCODING SUBJECT WORDS...: of a server; what it says decides.
notice() {
    notice_set=$1
    notice_head=$(word "$1" "$2")
    shift 2
    mail 'Mail Delivery System <mailer-daemon@mx.example.net>' "$notice_head" 'MIME-Version: 1.0' \
        "Content-Type: text/plain; charset=$notice_set" 'Content-Transfer-Encoding: base64' <<X >"$T/w/m"
$(printf '%s\n' "$@" | iconv -f utf-8 -t "$notice_set" | base64)
X
    inject '' "$T/w/m" "$tag"
    later '1 minute'
}
state() { get '.data.state + " " + .data.bounce.class' queue show "$copy"; }
notice koi8-r 'Недоставленное сообщение' 'Сообщение не доставлен' '' '<security@acorn.example>: почтовый ящик переполнен'
same 'koi8-r: full' 'failed full' "$(state)"
ctl queue retry "$copy" >/dev/null
settle
same 'gone again' sent "$(get .data.state queue show "$copy")"
tag=$(sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$(newest security@acorn.example)" | head -n 1)
notice iso-2022-jp 'エラー' '<security@acorn.example>' '' 'メールボックスがいっぱいのため届きませんでした。'
same 'iso-2022-jp: full' 'failed full' "$(state)"
ctl queue retry "$copy" >/dev/null
settle
tag=$(sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$(newest security@acorn.example)" | head -n 1)
notice gb2312 '退信' '<security@acorn.example>' '' '收件人邮箱不存在'
same 'gb2312: gone' 'failed permanent' "$(state)"
stop
finish
