# Time over members for both ways, on logarithmic axes, as SVG.
BEGIN {
    FS = "\t"
    left = 80; top = 60; width = 620; height = 420
    x0 = 1; x1 = 4.1 # log10 of members
}
function lx(n) { return left + width * (log(n) / log(10) - x0) / (x1 - x0) }
function ly(s) { return top + height * (1 - (log(s) / log(10) - y0) / (y1 - y0)) }
function floor(v, i) { i = int(v); return i > v ? i - 1 : i }
function add(id, n, s) {
    if (s <= 0)
        return
    if (!(id in points))
        order[++series] = id
    points[id] = points[id] " " n ":" s
    low = low == "" || s < low ? s : low
    high = s > high ? s : high
}
NR > 1 {
    size = $3 >= 1024 ? $3 / 1024 " MiB" : $3 " KiB"
    single = $6
    sub(/~/, "", single)
    add("embargod, " $1 ", " size, $2, $5 + 0)
    add("one call each, " $1 ", " size, $2, single + 0)
}
function text(x, y, anchor, words, more) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, more, words
}
function line(xa, ya, xb, yb, colour) {
    printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", xa, ya, xb, yb, colour
}
END {
    if (!series)
        exit 1
    y0 = floor(log(low) / log(10))
    y1 = floor(log(high) / log(10)) + 1
    split("#1b6ca8 #1b6ca8 #d1495b #d1495b #3a7d44 #3a7d44 #8e5aa8 #8e5aa8", colour, " ")
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n",
        left + width + 290, top + height + 70
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    text(left + width / 2, 28, "middle", "Seal and queue an advisory: time over the number of members", " font-size=\"16\"")
    for (e = y0; e <= y1; e++) {
        line(left, ly(10 ^ e), left + width, ly(10 ^ e), "#ccc")
        text(left - 8, ly(10 ^ e) + 4, "end", 10 ^ e, "")
    }
    split("10 20 50 100 200 500 1000 2000 5000 10000", ticks, " ")
    for (i = 1; i in ticks; i++) {
        line(lx(ticks[i]), top, lx(ticks[i]), top + height, "#eee")
        text(lx(ticks[i]), top + height + 18, "middle", ticks[i], "")
    }
    printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#444\"/>\n", left, top, width, height
    text(left + width / 2, top + height + 44, "middle", "members (logarithmic)", "")
    text(24, top + height / 2, "middle", "seconds (logarithmic)",
        sprintf(" transform=\"rotate(-90 24 %.1f)\"", top + height / 2))
    for (s = 1; s <= series; s++) {
        n = split(substr(points[order[s]], 2), p, " ")
        c = colour[(s - 1) % 8 + 1]
        dash = order[s] ~ /^one/ ? " stroke-dasharray=\"6 4\"" : ""
        path = ""
        for (i = 1; i <= n; i++) {
            split(p[i], xy, ":")
            path = path sprintf("%s%.1f,%.1f", i > 1 ? " " : "", lx(xy[1]), ly(xy[2]))
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", lx(xy[1]), ly(xy[2]), c
        }
        printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", path, c, dash
        y = top + 14 + s * 20
        printf "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", left + width + 12,
            y, left + width + 42, y, c, dash
        text(left + width + 48, y + 4, "start", order[s], "")
    }
    print "</svg>"
}
