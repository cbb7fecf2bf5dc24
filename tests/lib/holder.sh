# Another program that holds the database, for tests after tests/lib/flow.sh; to be sourced by a POSIX shell.

hold_database() {
    mkfifo "$T/w/hold"
    sqlite3 "$T/i/state/db.sqlite" <"$T/w/hold" >"$T/w/held" &
    database_holder=$!
    exec 9>"$T/w/hold"
    printf 'BEGIN IMMEDIATE;\nSELECT 1;\n' >&9
    for hold_try in $(seq 300); do [ -s "$T/w/held" ] && break; sleep 0.1; done
}
let_database_go() {
    printf 'COMMIT;\n' >&9
    exec 9>&-
    wait $database_holder
    rm "$T/w/hold"
}
