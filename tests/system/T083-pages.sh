#!/bin/sh
# The pages as people and programs read them: in a text browser, in Chromium at the width of a phone and of a desk, by
# an HTML checker and an XML parser; and that every link leads somewhere. What is not installed is passed over.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
site=$T/i/public
looked=0

# ---- a site with something of everything, of two policies' kinds ----
init --policy xen@2026
start
make_key acorn security@acorn.example

member acorn hosting-provider predisclosure
long=$(printf 'x%.0s' $(seq 150))
for n in 1 2 3; do
    disclose "A long title that goes on over more than one line of a phone, number $n, for the sake of breaking"
    { usual_text "A long title that goes on over more than one line of a phone, number $n" 'CVE: CVE-2026-11111, CVE-2026-22222, CVE-2026-33333' \
        'CVSS: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H' 'CWE: CWE-787, CWE-20' 'Affected: hypervisor >=4.1 <4.17' \
        'Fixed: hypervisor 4.17' 'Credits: Rita Reporter' "References: https://example.org/$long"
      printf '\n## RESOLUTION\n\nApply the patch:\n\n    patch -p1 <%s.patch\n\n%s\n\n- one\n- two\n' "$long" "$long"; } >"$T/w/text"
    printf 'a patch of %s\n' "$n" >"$T/w/a-very-long-name-of-a-patch-as-projects-like-to-give-them-for-several-branches-4.17-$n.patch"
    ctl advisory edit "$id" "$T/w/text" --attach "$T/w/a-very-long-name-of-a-patch-as-projects-like-to-give-them-for-several-branches-4.17-$n.patch" >"$T/w/edit"
    ctl case set "$id" severity=critical commit=0123456789abcdef0123456789abcdef01234567 >/dev/null
    later '1 day'
    send_advisory "$id"
    settle
    later '10 days'
    ctl embargo lift "$id" >"$T/w/lift" || { not_ok 'embargo lift'; cat "$T/w/lift"; }
    settle
done
check 'publish build' ctl publish build
stop
pages=$(cd "$site" && find . -name '*.html' | sort)
page=$(cd "$site" && find . -name '*.html' | grep -v 'index\|policy\|report' | sort | head -n 1)
same 'seven pages' 7 "$(echo "$pages" | wc -l)"

# ---- links ----
broken=
for file in $pages; do
    for link in $(grep -o '\(href\|src\)="[^"]*"' "$site/$file" | sed 's/^[a-z]*="//; s/"$//'); do
        case $link in
        https://* | mailto:*) continue ;;
        '#'*) grep -q "id=\"${link#?}\"" "$site/$file" || broken="$broken $file:$link" ;;
        *) [ -f "$site/$(dirname "$file")/${link%%#*}" ] || broken="$broken $file:$link" ;;
        esac
    done
done
same 'every link leads somewhere' '' "$broken"
same 'no page has a script' '' "$(cd "$site" && grep -lE '<script|javascript:| on[a-z]+=' $pages)"

# ---- form ----
if command -v xmllint >/dev/null 2>&1; then
    looked=$((looked + 1))
    for file in atom.xml main/atom.xml; do check "$file is XML" xmllint --noout --nonet "$site/$file"; done
    same 'three entries' 3 "$(xmllint --xpath 'count(//*[local-name()="entry"])' "$site/atom.xml")"
    for word in id title updated; do
        same "each entry has $word" 3 "$(xmllint --xpath "count(//*[local-name()='entry']/*[local-name()='$word'])" "$site/atom.xml")"
    done
    sed -n '/<svg/,/<\/svg>/p' "$site/$page" >"$T/w/line.svg"
    check 'the picture is XML' xmllint --noout --nonet "$T/w/line.svg"
    same 'it has a title and a description' 2 "$(xmllint --xpath 'count(//*[local-name()="title" or local-name()="desc"])' "$T/w/line.svg")"
fi
if command -v tidy >/dev/null 2>&1; then
    looked=$((looked + 1))
    for file in $pages; do
        tidy -q -e -utf8 --mute-id yes --mute PROPRIETARY_ELEMENT "$site/$file" >/dev/null 2>"$T/w/tidy"
        grep -E '(Warning|Error):' "$T/w/tidy" | grep -v 'text-wrap\|PROPRIETARY' >"$T/w/faults"
        if [ -s "$T/w/faults" ]; then not_ok "tidy: $file"; head -n 5 "$T/w/faults" | sed 's/^/  /'; else ok "tidy: $file"; fi
    done
fi

# ---- a text browser ----
if command -v w3m >/dev/null 2>&1; then
    looked=$((looked + 1))
    w3m -dump -cols 60 -T text/html -I UTF-8 "$site/$page" >"$T/w/text.out" 2>/dev/null
    for words in 'Severity' 'CVE-2026-11111' 'A guest can read' 'Reported' 'Public' 'Signed text'; do
        has "in text: $words" "$words" "$T/w/text.out"
    done
fi

# ---- Chromium ----
browser=$(command -v chromium || command -v chromium-browser || true)
if [ -n "$browser" ]; then
    looked=$((looked + 1))
    # A page of ours holds each page in a frame of a given width, and writes down what it finds there.
    { printf '<!DOCTYPE html><meta charset=utf-8><pre id=out></pre><script>const pages=['
      for file in $pages; do printf '"%s",' "$site/${file#./}"; done
      cat <<'X'
];
const out = document.getElementById("out");
async function look(page, width) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width:${width}px;height:900px;border:0`;
    const loaded = new Promise(done => frame.onload = done);
    frame.src = "file://" + page;
    document.body.append(frame);
    await loaded;
    const d = frame.contentDocument, root = d.documentElement;
    const wide = [...d.querySelectorAll("body *")].filter(e => !e.closest("pre, .skip") && e.getBoundingClientRect().right > width + 1);
    const style = frame.contentWindow.getComputedStyle(d.body);
    const small = [...d.querySelectorAll("p, li, dd, td, a")].filter(e => parseFloat(frame.contentWindow.getComputedStyle(e).fontSize) < 12);
    out.append(`${page.split("/").pop()} ${width} ${root.scrollWidth <= width ? "fits" : "WIDE " + root.scrollWidth} ` +
        `${wide.length ? "OUTSIDE " + wide[0].tagName : "inside"} ${small.length ? "SMALL " + small[0].tagName : "large"} ` +
        `${d.querySelectorAll("h1").length === 1 ? "h1" : "NO-H1"} ${style.fontFamily.includes("Charter") ? "styled" : "PLAIN"}\n`);
    frame.remove();
}
(async () => { for (const width of [360, 1200]) for (const p of pages) await look(p, width); out.append("done\n"); })();
</script>
X
    } >"$T/w/look.html"
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update \
        --disable-sync --user-data-dir="$T/w/browser" --allow-file-access-from-files --enable-logging=stderr --virtual-time-budget=20000 \
        --dump-dom "file://$T/w/look.html" >"$T/w/dom" 2>"$T/w/console"
    sed -n 's/^.*<pre id="out">//; / fits \| WIDE \|^done/p' "$T/w/dom" >"$T/w/seen"
    same 'Chromium has seen all pages at both widths' 14 "$(grep -c ' styled$' "$T/w/seen")"
    same 'nothing is too wide, too small, or without a heading' '' "$(grep -E 'WIDE|OUTSIDE|SMALL|NO-H1|PLAIN' "$T/w/seen")"
    same 'the console is silent' '' "$(grep 'CONSOLE' "$T/w/console" | head -n 5)"
else
    echo '# not looked at in a browser: no chromium here'
fi
[ "$looked" -gt 0 ] || { echo 'skipped: neither xmllint nor tidy, w3m or chromium here'; [ "$fails" -eq 0 ] && exit 77; }
finish
