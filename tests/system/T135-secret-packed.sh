#!/bin/sh
# A secret key that comes packed (gzip, ZIP, tar.gz), or as an Autocrypt Setup Message, is wiped and its owner told, as any
# other: in clear, inside of an encrypted mail, in a held one, and in what an admin hands in. Packed files that hold none
# stay as they are, bombs too.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"

init
sed -i '$ s/$/\nlimits: { sender_mails = 1000; domain_mails = 1000; all_mails = 1000; };/' "$conf"
start
make_key joe joe@reporter.example
give_key joe "$T/k/list.asc"
set_clock "$now"
dir=$T/w/pack
mkdir "$dir"
gpg --homedir "$T/k/joe" --batch --armor --export-secret-keys >"$dir/joe.asc" 2>/dev/null
cp "$T/k/joe.asc" "$dir/public.asc"
(cd "$dir" && gzip -k joe.asc && tar -czf joe.tar.gz joe.asc public.asc && tar -czf public.tar.gz public.asc &&
    head -c 300000000 /dev/zero | gzip -1 >bomb.gz &&
    python3 -c 'import zipfile
z = zipfile.ZipFile("joe.zip", "w", zipfile.ZIP_DEFLATED)
z.write("public.asc"); z.write("joe.asc"); z.close()')
{ printf '<html><body><p>Setup message</p><pre>\n'
  gpg --homedir "$T/k/joe" --batch --pinentry-mode loopback --passphrase 1742-0000 --armor --symmetric --output - "$dir/joe.asc" 2>/dev/null |
    sed '1a Passphrase-Format: numeric9x4\nPassphrase-Begin: 17'
  printf '</pre></body></html>\n'; } >"$dir/setup.html"
has 'a setup message as programs make it' 'BEGIN PGP MESSAGE' "$dir/setup.html"

report() { # NAME TYPE FILE [HOME]: a report with the file, encrypted where a home is given
    { printf 'Content-Type: multipart/mixed; boundary="mixed-b"\n\n--mixed-b\nContent-Type: text/plain\n\nThe ring overflows.\n'
      printf -- '--mixed-b\nContent-Type: %s\nContent-Transfer-Encoding: base64\n\n' "$2"
      base64 -w 76 <"$3"
      printf -- '\n--mixed-b--\n'; } | crlf >"$T/w/part"
    set -- "$1" "$2" "$3" "${4-}"
    [ -z "$4" ] || { encrypted_part "$T/w/part" --homedir "$T/k/$4" -r "$list_fpr" --encrypt >"$T/w/sealed" && mv "$T/w/sealed" "$T/w/part"; }
    mail_of "$T/w/part" "R <$1@reporter.example>" "Report $1" "$dmarc" "Autocrypt-Setup-Message: v1" >"$T/w/m"
    post "$1@reporter.example" "$T/w/m"
}
report gz 'application/gzip; name="joe.asc.gz"' "$dir/joe.asc.gz"
report zip 'application/zip; name="joe.zip"' "$dir/joe.zip"
report tgz 'application/octet-stream; name="joe.tar.gz"' "$dir/joe.tar.gz"
report sealed 'application/zip; name="joe.zip"' "$dir/joe.zip" joe
report setup 'application/autocrypt-setup; name="setup.html"' "$dir/setup.html"
report public 'application/gzip; name="public.tar.gz"' "$dir/public.tar.gz"
report bomb 'application/gzip; name="bomb.gz"' "$dir/bomb.gz"
settle
same 'each is a case' 7 "$(cases)"
for id in $(get '.data[].id' case list); do
    ctl case show "$id" >"$T/w/case"
    name=$(jq -r .data.title "$T/w/case" | sed 's/.* //')
    case $name in ...) name=sealed ;; esac
    has "$name: the report is there" 'The ring overflows.' "$T/w/case"
    ctl case attach "$id" 1.1 "$T/w/$name.file" >/dev/null
    keys=$(jq -r '.data.messages[0].secret_keys | map(. // "unknown") | join(" ")' "$T/w/case")
    case $name in
    public) check 'what holds a public key is as it came' cmp "$dir/public.tar.gz" "$T/w/public.file" ;;
    bomb) check 'what holds too much is as it came' cmp "$dir/bomb.gz" "$T/w/bomb.file" ;;
    setup) has 'setup: a sentence in its place' 'secret key was here and was wiped' "$T/w/setup.file" ;;
    *) has "$name: a sentence in its place" "secret key of $(fpr joe) was here" "$T/w/$name.file" ;;
    esac
    case $name in
    public | bomb) same "$name: none is noted" '' "$keys" ;;
    setup) same 'setup: one is noted, whose nobody can say' unknown "$keys" ;;
    *) same "$name: the fingerprint is noted" "$(fpr joe)" "$keys" ;;
    esac
done
for name in gz zip tgz sealed setup; do
    has "$name: its owner is told" 'held an OpenPGP secret key' "$(grep -rl 'secret key' "$T/i/mail/$name@reporter.example/new" | head -n 1)"
done
for name in public bomb; do
    same "$name: nobody is told of a key" '' "$(grep -rl 'secret key' "$T/i/mail/$name@reporter.example/new")"
done
same 'the trail has each' 5 "$(get '[.data[] | select(.event == "mail.secret-key")] | length' audit show)"

# ---- what an admin hands in ----
id=$(get '.data[0].id' case list)
for file in joe.asc.gz joe.zip joe.tar.gz; do
    denied key.secret "$file as a note is refused" case note "$id" "$dir/$file"
done

# ---- an application with the setup message as its key ----
form birch >"$T/w/form"
{ printf 'Content-Type: multipart/mixed; boundary="a-b"\n\n--a-b\nContent-Type: text/plain\n\n'; cat "$T/w/form"
  printf -- '--a-b\nContent-Type: application/autocrypt-setup; name="setup.html"\n\n'; cat "$dir/setup.html"; printf -- '\n--a-b--\n'; } >"$T/w/p"
mail_of "$T/w/p" 'B <joe@birch.example>' 'Application' "$dmarc" >"$T/w/m"
inject joe@birch.example "$T/w/m" $apply
app=$(new_application)
same 'an application with it is incomplete' incomplete "$(app_state "$app")"
grep -rh 'secret key' "$T/i/mail/joe@birch.example/new" >"$T/w/told"
has 'and its applicant is told' 'held an OpenPGP secret key' "$T/w/told"

# ---- nowhere ----
stop
same 'no packed byte of it is kept' '' "$(for f in joe.zip joe.asc.gz joe.tar.gz setup.html; do
    base64 -w 0 <"$dir/$f" | cut -c81-160 | LC_ALL=C grep -rlaF -f - "$T/i" "$T/log"; done)"
finish
