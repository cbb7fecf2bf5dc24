# Command mails, for tests; to be sourced behind flow.sh.

# secrets of a mail: signed by NAME and encrypted to the list, text on standard input.
# order NAME FROM [COMMAND...]: a command mail with a fresh nonce of FROM's (from the newest mail that brought one).
nonce_of() { # NAME ADDRESS: the nonce in the newest mail
    open_mail "$1" "$(newest "$2")" "$T/w/nonce-mail"
    sed -n 's/^Embargo-Nonce: //p' "$T/w/nonce-mail" | tail -n 1
}
order_text() { # NONCE COMMAND...
    printf 'Embargo-List: main\n'
    [ -z "$1" ] || printf 'Embargo-Nonce: %s\n' "$1"
    shift
    for order_line; do printf 'Embargo-Command: %s\n' "$order_line"; done
}
# order NAME ADDRESS NONCE COMMAND...: sent; the answer, if one comes, opened in $T/w/answer. Answers counts.
order() {
    order_name=$1 order_address=$2
    shift 2
    order_text "$@" | secret_mail "$order_name" "$order_name <$order_address>" commands >"$T/w/order"
    order_send
}
order_send() {
    order_before=$(box "$order_address")
    rm -f "$T/w/answer"
    inject "$order_address" "$T/w/order"
    for order_mail in $(find "$T/i/mail/$order_address/new" -type f -printf '%T@ %p\n' 2>/dev/null | sort -rn | cut -d' ' -f2- | head -n 3); do
        open_mail "$order_name" "$order_mail" "$T/w/answer.try"
        grep -q '^Subject: Your commands' "$T/w/answer.try" || continue
        [ "$(box "$order_address")" -gt "$order_before" ] && cp "$T/w/answer.try" "$T/w/answer"
        break
    done
    [ -f "$T/w/answer" ] || : >"$T/w/answer"
}
answered() { sed -n 's/^Result: *//p' "$T/w/answer" | tr '\n' ';'; }
fresh() { sed -n 's/^Embargo-Nonce: //p' "$T/w/answer" | tail -n 1; }
ignored() { get '[.data[] | select(.event == "command.ignored") | .rule] | last' audit show; }
