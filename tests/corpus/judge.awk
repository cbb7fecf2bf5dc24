# judge.awk: what became of each file (the second input) against what a correct program must conclude (MANIFEST.tsv, the
# first). Each kind's rules stand in a function that returns why it is wrong, or "". See ../../corpus/README.md for the
# meaning of the columns. Exit 1 where something is wrong that no exception excuses.
# Columns of the second: file kind opened signed_by rule encrypted signature addresses class ms subject

function person(fpr) { return fpr in name_of ? name_of[fpr] : fpr }

function judge_spoof(must, f) {
    if (must ~ /control/)
        return f ~ /pgp/ && !signed ? "a genuine signature does not count" : ""
    if (must ~ /identity by key|by eve/)
        return signed && person(signed) != "eve" ? "signed by " person(signed) : ""
    if (must ~ /Encrypted=ok\]/ && must !~ /!Encrypted/ && f !~ /fwd-|multi-from/ && !encrypted)
        return "not decrypted"
    if (must ~ /Signed=unknown/ || f ~ /eve-duplicate/)
        return ""
    return signed ? "counts as signed, by " person(signed) : ""
}

# What gpg of today cannot, or has no key for.
function beyond_gpg(f) {
    return rule ~ /^(not-for-us|unsupported|locked-key|symmetric)$/ || f ~ /pqc|sm2|v6|v5|eax|aead|RFC9580/
}

function judge_openpgp(must, f) {
    # Repaired, and what was inside is no message (a fixture without its ciphertext): held.
    if (must ~ /repair or refuse/ || (must ~ /repair/ && rule == "corrupt"))
        return opened && !encrypted ? "taken for plain" : ""
    if (must ~ /REFUSE|=> refuse|: refuse|cannot decrypt|password encrypted/)
        return opened && (encrypted || signed) ? "not refused" : ""
    if (must ~ /NoSigned/ && must !~ /unverified/ && signed)
        return "counts as signed"
    if (must ~ /invalid|NOT a valid|no crash|Level::Bad|NotSoGood/)
        return signed && must !~ /no crash|NotSoGood/ ? "counts as signed" : ""
    if (must ~ /nested|attachment and text|Inline|Encapsulated/)
        return ""
    if (must ~ /[^!]Encrypted=ok|FullyEncrypted|decrypts|repair|MDC ok|hidden recipient|^encrypted|encrypt encapsulation/ && !encrypted && !beyond_gpg(f))
        return "not decrypted"
    if (must ~ /Signed=(ok|verified)|FullySigned|Security(Level)?::Good/ && !signed)
        return "a good signature does not count"
    if (must ~ /^signed (two|per)/ && !opened)
        return "not opened"
    return ""
}

function judge_schleuder(must, f) {
    if (must ~ /cannot decrypt/)
        return opened ? "opened" : ""
    if (!opened)
        return "not opened"
    # Schleuder passes on what says Auto-Submitted (a tracker's mails); here it opens no case, and is held.
    if (must ~ /NOT automated|ordinary mail/)
        return class ~ /permanent|temporary/ ? "taken for a bounce" : ""
    if (must ~ /encrypted|decrypt/ && must !~ /neither/ && !encrypted)
        return "not decrypted"
    if (must ~ /validly signed|valid PGP|alternative signed|signature valid/ && !signed)
        return "the signature does not count"
    return must ~ /neither signed/ && (signed || encrypted) ? "signed or encrypted" : ""
}

function judge_smime(must, f) { return signed ? "counts as signed" : "" }

function judge_headers(must, f) {
    if (must ~ /must NOT be used/)
        return subject ~ /[Pp]hony|protected/ ? "a header that nothing protects is used" : ""
    if (must ~ /good signature/ && !signed)
        return "the signature does not count"
    if (must ~ /real (one|Subject)|Subject protected/ && f !~ /\.inner$/ && (!opened || subject == "" || subject == "..."))
        return "the inner Subject is not used"
    return ""
}

function judge_keys(must, f) {
    if (must ~ /must not be accepted/ && opened && f !~ /-pub\.pgp$/)
        return "accepted"
    return ""
}

function judge_autoreply(must, f) {
    if (class ~ /permanent|temporary/ && must !~ /multipart\/report/)
        return "taken for a bounce"
    return must !~ /may pass it|hard to recognise/ && opened && !rule ? "taken for a report" : ""
}

# Is the class one that the origin's own tests allow? README of the corpus: how BOUNCES.tsv is scored.
function class_fits(want, got,    n, i, part) {
    n = split(want, part, /[,+|\/ ]+/)
    for (i = 1; i <= n; i++)
        if ((part[i] == "permanent" && got == "permanent") || (part[i] == "temporary" && got == "temporary") ||
            (part[i] ~ /soft-reason/ && got ~ /^(permanent|temporary)$/) ||
            (part[i] ~ /^unknown/ && got ~ /^(permanent|temporary|unknown)$/) ||
            (part[i] ~ /^(delivered|none|not-a-bounce)$/ && got !~ /^(permanent|temporary|unknown)$/))
            return 1
    return 0
}

function judge_bounce(f,    n, i, part) {
    if (!(f in bounce_class))
        return ""
    if (!class_fits(bounce_class[f], class))
        return "class " (class ? class : "none") ", wanted " bounce_class[f]
    if (bounce_class[f] ~ /^(delivered|none|not-a-bounce)$/)
        return ""
    n = split(bounce_addresses[f], part, ",")
    for (i = 1; i <= n; i++)
        if (part[i] ~ /@/ && index("," tolower(addresses) ",", "," tolower(part[i]) ",") == 0)
            return "addresses " (addresses ? addresses : "none") ", wanted " bounce_addresses[f]
    return ""
}

function judge(kind, must, f) {
    if (rule ~ /^(worker\.(died|deadline)|frame\.bad)$/)
        return "its worker " rule
    if (kind == "spoof") return judge_spoof(must, f)
    if (kind == "openpgp") return judge_openpgp(must, f)
    if (kind == "schleuder") return judge_schleuder(must, f)
    if (kind == "smime") return judge_smime(must, f)
    if (kind == "header-protection") return judge_headers(must, f)
    if (kind == "openpgp-keys-bad") return judge_keys(must, f)
    if (kind == "autoreply") return judge_autoreply(must, f)
    if (kind == "bounce") return judge_bounce(f)
    return ""
}

function read_tables(    line, part) {
    while ((getline line <who) > 0) { split(line, part, "\t"); name_of[part[1]] = part[2] }
    while ((getline line <bounces) > 0) { split(line, part, "\t"); bounce_addresses[part[1]] = part[2]; bounce_class[part[1]] = part[3] }
    while ((getline line <exceptions) > 0) { split(line, part, "\t"); if (line !~ /^#/) excused[part[1]] = part[2] }
}

BEGIN { read_tables() }

NR == FNR { must_of[$1] = $7; next }

{
    opened = $3 == "true"; signed = $4; rule = $5; encrypted = $6 == "true"; addresses = $8; class = $9; subject = $11
    of[$2]++
    if (opened && encrypted) time_of[++n_times] = $10
    wrong_why = judge($2, must_of[$1], $1)
    if (wrong_why == "") { right[$2]++; next }
    if ($1 in excused) { excuse[$2]++; wrong_why = wrong_why " (excused: " excused[$1] ")" } else wrong[$2]++
    lines[++n_lines] = $2 "\t" $1 "\t" wrong_why
}

# At least 98 in a hundred bounces; of all other kinds every file.
function fails(kind) { return wrong[kind] * 100 > (kind == "bounce" ? 2 : 0) * of[kind] }

END {
    n = split("schleuder openpgp openpgp-keys-bad spoof smime header-protection autocrypt mime autoreply bounce mail", kinds, " ")
    for (i = 1; i <= n; i++) {
        kind = kinds[i]
        if (!of[kind]) continue
        printf "%-18s %4d files %4d right %3d wrong %3d excused%s\n", kind, of[kind], right[kind], wrong[kind], excuse[kind], fails(kind) ? "  <- not enough" : ""
        if (fails(kind)) bad = 1
        if (excuse[kind] * 50 > of[kind] && excuse[kind] > 1) { print "too many exceptions of kind " kind; bad = 1 }
    }
    for (i = 1; i <= n_lines; i++) { split(lines[i], part, "\t"); print "  " part[2] ": " part[3] }
    exit bad
}
