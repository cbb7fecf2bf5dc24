# bash completion of embargoctl. Source it, or put it into bash-completion's folder under the name embargoctl.
# The table is made by table.awk, and tests/house/manuals.sh holds it against the program.

_embargoctl_table='
admin list||
advisory ack|--org=W|C W W
advisory edit|--attach=F|C F
advisory new|--title=W|C
advisory preview|--tier=W|C
advisory recall||C
advisory send|--tier=W --to=W --dry-run!|C
advisory show|--version=W|C
application approve|--tier=W|W
application ask||W W
application decline|--reason=W|W
application list||
application show||W
approval approve||W
approval list||
approval veto|--reason=W|W
audit show||
audit verify|--anchor=W|
backup|--with-keys!|F
case accept|--reason=W|C
case attach||C W F
case close|--reason=W|C
case duplicate||C C
case fix-ready|--reason=W|C
case invite||C W
case list||
case log||C
case note||C F
case open|--from=F|
case reject|--reason=W|C
case reopen|--reason=W|C
case reply|--to=T|C F
case set||C S
case show|--message=W|C
check||
embargo broken|--reason=W|C
embargo extend|--until=W --reason=W|C
embargo lift|--reason=W|C
embargo set|--until=W --reason=W|C
embargo show||C
held discard||W
held list||
held release||W
held show||W
init|--home=D --list=W --address=W --policy=P --key=W --from=D --generate-key! --admin=W --uid=W|
key export||
key import||F
key list||
key refresh||
key replace||W W W
key rotate-list|--key=W|
key show||W
member add|--org=W --class=W --tier=W --address=W --key=F --language=W|
member breach|--reason=W|W
member contact|--key=F|W W W
member export|--csv=W --public!|
member import|--dry-run! --keys=F --from=W --class=W --tier=W|F
member language||W W
member list||
member reinstate|--reason=W|W
member remove|--reason=W|W
member show||W
member suspend|--reason=W|W
next||
policy check||F
policy compare|--history=F --rollout=W|P P
policy explain|--sender=W --member=W --policy=P --svg=F|C
policy list||
policy show||P
publish approve||W
publish build||
publish check||W
publish confirm||W
publish run||W
queue drop||W
queue hold||W
queue list||
queue retry||W
queue show||W
restore|--accept! --home=D --keys=F --list-key=W --rehearsal!|F
stats|--openmetrics!|
status||
wait|--timeout=W|
'

# The options before the command, for what is asked of the program itself.
_embargoctl_ask() {
    "${COMP_WORDS[0]}" "${_embargoctl_before[@]}" "$@" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_embargoctl_words() { # WORD...: those that fit
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$*" -- "$_embargoctl_cur"))
}

_embargoctl_value() { # KIND
    local IFS=$'\n'
    case $1 in
    F) compopt -o filenames && COMPREPLY=($(compgen -f -- "$_embargoctl_cur")) ;;
    D) compopt -o filenames && COMPREPLY=($(compgen -d -- "$_embargoctl_cur")) ;;
    P)
        _embargoctl_words "$(_embargoctl_ask policy list)"
        [ ${#COMPREPLY[@]} -gt 0 ] || _embargoctl_value F
        ;;
    C) _embargoctl_words "$(_embargoctl_ask case list)" ;;
    S)
        compopt -o nospace
        _embargoctl_words severity= track= cve= commit= discoverer_date= title= policy= public= answer.
        ;;
    T) _embargoctl_words team reporter ;;
    *) COMPREPLY=() ;;
    esac
}

# The kind of an option's value; ! where it takes none; nothing where there is no such option.
_embargoctl_kind() { # OPTION OPTIONS
    local option
    for option in $2; do
        case $option in
        "$1="*) echo "${option#*=}" ;;
        "$1!") echo '!' ;;
        esac
    done
}

_embargoctl_command() { # FIRST-INDEX
    local at=$1 verb options kinds row word kind n=0
    verb=${COMP_WORDS[at]}
    row=$(grep -e "^$verb|" -e "^$verb ${COMP_WORDS[at + 1]:-,}|" <<<"$_embargoctl_table")
    if [ "$COMP_CWORD" -eq "$at" ] || { [ -z "$row" ] && [ "$COMP_CWORD" -le $((at + 1)) ]; }; then
        if [ "$COMP_CWORD" -eq "$at" ]; then
            _embargoctl_words "$(cut -d '|' -f 1 <<<"$_embargoctl_table" | cut -d ' ' -f 1 | sort -u)" help
        else
            _embargoctl_words "$(sed -n "s/^$verb \([^|]*\)|.*/\1/p" <<<"$_embargoctl_table")"
        fi
        return
    fi
    [ -n "$row" ] || return
    case ${row%%|*} in *' '*) at=$((at + 1)) ;; esac
    if [ "$COMP_CWORD" -le "$at" ]; then
        _embargoctl_words "$(sed -n "s/^$verb \([^|]*\)|.*/\1/p" <<<"$_embargoctl_table")"
        return
    fi
    options=$(cut -d '|' -f 2 <<<"$row")
    kinds=$(cut -d '|' -f 3 <<<"$row")
    # Which argument it is: words that are neither options nor their values.
    while at=$((at + 1)) && [ "$at" -lt "$COMP_CWORD" ]; do
        word=${COMP_WORDS[at]}
        kind=$(_embargoctl_kind "$word" "$options")
        case $kind in
        '') [[ $word == --* ]] || n=$((n + 1)) ;;
        '!') ;;
        *)
            at=$((at + 1))
            if [ "$at" -eq "$COMP_CWORD" ]; then
                _embargoctl_value "$kind"
                return
            fi
            ;;
        esac
    done
    if [[ $_embargoctl_cur == -* ]]; then
        _embargoctl_words "$(sed 's/=[A-Z]//g; s/!//g' <<<"$options")" --help
        return
    fi
    set -- $kinds
    # NAME=VALUE may be said again and again.
    [ "$n" -ge $# ] && [ "${*: -1}" = S ] && n=$(($# - 1))
    shift "$n" 2>/dev/null || return
    [ $# -gt 0 ] && _embargoctl_value "$1"
}

_embargoctl() {
    local _embargoctl_cur=${COMP_WORDS[COMP_CWORD]} _embargoctl_before=() at=1 word
    local IFS=$' \t\n'
    COMPREPLY=()
    while [ "$at" -lt "$COMP_CWORD" ]; do
        word=${COMP_WORDS[at]}
        case $word in
        -c | --config | --list | --as)
            _embargoctl_before+=("$word" "${COMP_WORDS[at + 1]}")
            if [ $((at + 1)) -eq "$COMP_CWORD" ]; then
                case $word in -c | --config) _embargoctl_value F ;; esac
                return
            fi
            at=$((at + 2))
            ;;
        --json | --help | -h | --version | help) at=$((at + 1)) ;;
        *) break ;;
        esac
    done
    if [ "$at" -eq "$COMP_CWORD" ] && [[ $_embargoctl_cur == -* ]]; then
        _embargoctl_words -c --list --json --as --help --version
    else
        _embargoctl_command "$at"
    fi
}

complete -F _embargoctl embargoctl
