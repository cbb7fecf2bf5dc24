# The results for people.
BEGIN {
    FS = "\t"
    printf "%-8s %7s %8s | %9s %11s %7s | %8s %8s | %8s %8s | %10s\n", "list key", "members", "payload", "seconds",
        "one by one", "factor", "core", "workers", "stored", "peak", "delivered"
    printf "%-8s %7s %8s | %9s %11s %7s | %8s %8s | %8s %8s | %10s\n", "", "", "KiB", "median", "seconds", "",
        "MiB", "MiB", "MiB", "MiB", "seconds"
}
NR > 1 {
    printf "%-8s %7d %8d | %9.3f %11s %7.1f | %8.1f %8.1f | %8.2f %8.2f | %10s\n", $1, $2, $3, $5, $6, $7,
        $8 / 1024, $9 / 1024, $10 / 1024, $11 / 1024, $12
    imported[$1 " " $13] = $13
    time[$1, $2, $3] = $5
}
END {
    print "seconds: from `advisory send` until every copy is sealed and queued. one by one: one gpgme call for each"
    print "recipient, same keys; ~ is scaled from a sample of calls. core: peak (VmHWM); workers: all of them with their"
    print "gpg, resident, at once. stored: growth of the state folder; peak: its greatest growth on the way."
    for (k in imported) {
        split(imported[k], p, "/")
        split(k, name, " ")
        printf "imported (%s): %d certificates in %.1f s\n", name[1], p[1], p[2]
    }
    for (k in time) {
        split(k, p, SUBSEP)
        if (p[2] == 10000 && ((p[1], 2000, p[3]) in time))
            printf "10,000 against five times 2,000 (%s, %d KiB): %.2f\n", p[1], p[3], time[k] / (5 * time[p[1], 2000, p[3]])
    }
}
