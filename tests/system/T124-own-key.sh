#!/bin/sh
# The list's own key is no member's: not at member add, nor as a further contact's, nor in a table, nor as a
# replacement; and the name of who was removed is said to be that.
. "${srcdir:-.}/tests/lib/flow.sh"

init
start
make_key acorn security@acorn.example
member acorn distro distros

denied key.duplicate 'member add' member add --org birch --class distro --tier distros --address security@birch.example \
    --key "$T/k/list.asc"
has 'says whose it is' 'the key of the list itself' "$T/w/denied"
denied key.duplicate 'member contact add' member contact acorn add more@acorn.example --key "$T/k/list.asc"
denied key.duplicate 'key replace' key replace acorn "$(fpr acorn)" "$T/k/list.asc"
cp "$T/k/list.asc" "$T/w/list.asc"
printf 'org,class,tier,address,key\ncedar,distro,distros,security@cedar.example,list.asc\n' >"$T/w/table.csv"
ctl member import "$T/w/table.csv" >"$T/w/import"
has 'member import' key.duplicate "$T/w/import"
same 'nobody else came in' '["acorn"]' "$(get '[.data[].org] | tojson' member list)"
same 'with the key that it had' "$(fpr acorn)" "$(get '.data.contacts[0].fingerprint' member show acorn)"

denied member.exists 'a name that differs in case alone' member add --org Acorn --class distro --tier distros --address new@acorn.example
check 'member remove' ctl member remove acorn --reason 'gone'
denied member.exists 'its name again' member add --org acorn --class distro --tier distros --address new@acorn.example
has 'it was removed' 'was a member' "$T/w/denied"
stop
finish
