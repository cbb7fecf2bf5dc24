#!/bin/sh
# The hooks for a project's repository, with real pushes: what names an unpublished issue is refused, what names a
# published one passes, and what cannot be known passes by an explicit word.
set -u
command -v git >/dev/null 2>&1 || { echo 'skipped: no git here'; exit 77; }
hooks=$(cd "${srcdir:-.}/contrib/git" && pwd) || exit 99
T=$(mktemp -d) || exit 99
trap 'rm -rf "$T"' EXIT
fails=0
year=$(date -u +%Y)
HOME=$T
GIT_CONFIG_NOSYSTEM=1
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
export HOME GIT_CONFIG_NOSYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
unset GIT_DIR GIT_PUSH_OPTION_COUNT EMBARGO_ALLOW 2>/dev/null

ok() { echo "ok - $*"; }
not_ok() { echo "not ok - $*"; fails=$((fails + 1)); sed 's/^/  /' "$T/err"; }

cat >"$T/published.txt" <<X
# Ids that are public, one a line; scheme: how this site's ids look. Read by contrib/git.
scheme XSA-{n}
scheme OSSA-{yyyy}-{n:3}
scheme {cve}
id XSA-7
id abcdefgh
cve CVE-$year-11111
X

git init -q --bare "$T/bare.git"
git -C "$T/bare.git" config receive.advertisePushOptions true
git -C "$T/bare.git" config embargo.published "$T/published.txt"
ln -s "$hooks/pre-receive" "$T/bare.git/hooks/pre-receive"
git init -q -b main "$T/work"
cd "$T/work" || exit 99
git remote add origin "$T/bare.git"

# commit MESSAGE [LINE]: on top of what passed last.
base=
commit() {
    [ -z "$base" ] || git reset -q --hard "$base"
    printf '%s\n' "${2:-line}" >>file
    git add file
    git commit -q -m "$1"
}
passes() { # WORDS MESSAGE [PUSH OPTION...]
    words=$1
    commit "$2" "${line:-line}"
    shift 2
    if git push -q "$@" origin HEAD:main 2>"$T/err"; then ok "$words"; base=$(git rev-parse HEAD); else not_ok "$words"; fi
}
refused() { # WORDS MESSAGE TOLD [PUSH OPTION...]
    words=$1 told=$3
    commit "$2" "${line:-line}"
    shift 3
    if git push -q "$@" origin HEAD:main 2>"$T/err"; then not_ok "$words: it passed"; base=$(git rev-parse HEAD)
    elif grep -qF -e "$told" "$T/err"; then ok "$words"; else not_ok "$words: no \`$told'"; fi
}

passes 'an ordinary commit' 'ring: count pages'
passes 'a published id' 'ring: fix XSA-7'
passes 'in small letters too' 'fix for xsa-7.'
passes 'a published CVE' "this is CVE-$year-11111"
passes 'a CVE of long ago' 'as in CVE-2014-0160'
passes 'what only looks like an id' 'MYXSA-8 and XSA-8x and an xsa and CASE handling'
refused 'an unpublished id' 'ring: this is XSA-8' XSA-8
refused 'one that begins like a published one' 'XSA-77' XSA-77
refused 'in small letters' '(xsa-470)' XSA-470
refused 'by the other scheme' "OSSA-$year-012" "OSSA-$year-012"
refused 'in the body of the message' "$(printf 'ring\n\nlong words\nReported as XSA-9\n')" XSA-9
refused 'behind a published one' 'XSA-7, XSA-8' XSA-8
refused 'a CVE of this year that is not ours to know' "CVE-$year-22222" "embargo-allow=CVE-$year-22222"
refused 'of last year' "CVE-$((year - 1))-22222" "CVE-$((year - 1))-22222"
passes 'with the word of the pusher' "CVE-$year-22222" -o "embargo-allow=CVE-$year-22222"
refused 'whose word is for that one alone' "CVE-$year-33333" "CVE-$year-33333" -o "embargo-allow=CVE-$year-22222"
refused 'and not for our own ids' 'XSA-8' XSA-8 -o embargo-allow=XSA-8
refused 'a pasted field' 'Embargo-Until: 2026-12-01T15:00:00Z' embargo-until
refused 'the case of an embargo' 'Embargo-Case: zzzzzzzz' embargo-case
passes 'the case of what is public' 'Embargo-Case: abcdefgh'

# Several commits at once: the one in the middle is found.
git reset -q --hard "$base"
for m in one 'two: XSA-11' three; do echo "$m" >>file; git commit -q -am "$m"; done
if git push -q origin HEAD:main 2>"$T/err"; then not_ok 'one of several'; else ok 'one of several is found'; fi

# Names of refs, and tags.
git reset -q --hard "$base"
git push -q origin HEAD:refs/heads/fix-xsa-12 2>"$T/err" && not_ok 'a name of a branch' || ok 'a name of a branch is refused'
git tag -a -m 'for XSA-13' v1
git push -q origin v1 2>"$T/err" && not_ok "a tag's message" || ok "a tag's message is refused"
git tag -d v1 >/dev/null
git tag -a -m 'version 2' v2
git push -q origin v2 2>"$T/err" && ok 'an ordinary tag' || not_ok 'an ordinary tag'
git push -q origin :refs/tags/v2 2>"$T/err" && ok 'taking one away' || not_ok 'taking one away'

# What is there already is not looked at again.
git push -q origin HEAD:refs/heads/other 2>"$T/err" && ok 'a branch of known commits' || not_ok 'a branch of known commits'

# Added lines, where that is asked for.
line='/* XSA-14 */'
passes 'an added line, not asked for' 'ring: comment'
git -C "$T/bare.git" config embargo.lines true
line='/* XSA-15 */'
refused 'an added line' 'ring: comment' XSA-15
line=plain
passes 'a line that was there before' 'ring: again'
git reset -q --hard "$base"
sed -i '/XSA-14/d' file
git commit -q -am 'ring: a comment goes'
git push -q origin HEAD:main 2>"$T/err" && { ok 'a line taken away'; base=$(git rev-parse HEAD); } || not_ok 'a line taken away'
git -C "$T/bare.git" config embargo.lines false

# Others' CVE ids in a file; any year; none.
echo "CVE-$year-44444" >"$T/known"
git -C "$T/bare.git" config embargo.known "$T/known"
passes 'a CVE that the repository knows' "CVE-$year-44444"
git -C "$T/bare.git" config embargo.cves all
refused 'of any year' 'CVE-2013-0160' CVE-2013-0160
git -C "$T/bare.git" config embargo.cves off
passes 'of none' "CVE-$year-55555"
git -C "$T/bare.git" config --unset embargo.cves

# Without knowing what is public, nothing passes.
git -C "$T/bare.git" config embargo.published "$T/none"
refused 'nothing to read' plain 'cannot be read'
echo '<html>' >"$T/none"
refused 'something else' plain 'no published.txt'
git -C "$T/bare.git" config --unset embargo.published
refused 'nothing set' plain 'embargo.published'
git -C "$T/bare.git" config embargo.published "$T/published.txt"

# Each ref by itself.
rm "$T/bare.git/hooks/pre-receive"
ln -s "$hooks/update" "$T/bare.git/hooks/update"
refused 'update: an unpublished id' XSA-16 XSA-16
passes 'update: an ordinary commit' plain

# In the clone.
rm "$T/bare.git/hooks/update"
cp "$hooks/pre-push" "$hooks/embargo-check" .git/hooks/
git config embargo.published "$T/published.txt"
refused 'pre-push: an unpublished id' XSA-17 XSA-17
refused 'pre-push: a CVE' "CVE-$year-66666" "CVE-$year-66666"
EMBARGO_ALLOW=CVE-$year-66666
export EMBARGO_ALLOW
passes 'pre-push: with the word of the pusher' "CVE-$year-66666"
unset EMBARGO_ALLOW
passes 'pre-push: an ordinary commit' plain

[ "$fails" -eq 0 ]
