# A real HTTPS server on loopback with a CA of its own, for the tests of look-ups; after flow.sh. Needs python3, openssl.
#   wkd_start HOST...   serves $T/w/www/HOST/… ; its port in $wkd_port, its process in $wkd_pid; the CA is $T/w/ca.pem
#   wkd_put HOST METHOD NAME <KEY   for the address of NAME's key; METHOD: advanced or direct
#   wkd_conf            what embargod.conf needs, on standard output
need python3 openssl
wkd_pid=

wkd_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 -subj /CN=test-ca \
        -keyout "$T/w/ca.key" -out "$T/w/ca.pem" 2>/dev/null
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test \
        -keyout "$T/w/tls.key" -out "$T/w/tls.csr" 2>/dev/null
    wkd_names=
    for wkd_host; do wkd_names="$wkd_names,DNS:$wkd_host"; done
    printf 'subjectAltName=%s\n' "${wkd_names#,}" >"$T/w/tls.ext"
    openssl x509 -req -in "$T/w/tls.csr" -CA "$T/w/ca.pem" -CAkey "$T/w/ca.key" -CAcreateserial -days 3 \
        -extfile "$T/w/tls.ext" -out "$T/w/tls.pem" 2>/dev/null
}

wkd_start() {
    wkd_hosts=$*
    rm -f "$T/w/port"
    mkdir -p "$T/w/www"
    wkd_certificate "$@"
    cat >"$T/w/server.py" <<'PY'
import http.server, os, ssl, sys, time, urllib.parse
root, folder = sys.argv[1], sys.argv[2]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        name = os.path.join(root, self.headers.get('Host', '').split(':')[0], path.lstrip('/'))
        with open(os.path.join(folder, 'asked'), 'a') as log:
            log.write(self.headers.get('Host', '') + ' ' + self.path + '\n')
        if os.path.exists(name + '.moved'):
            self.send_response(302); self.send_header('Location', 'https://elsewhere.example/')
            self.send_header('Content-Length', '0'); self.end_headers(); return
        if os.path.exists(name + '.slow'):
            time.sleep(30)
        try:
            body = open(name, 'rb').read()
        except OSError:
            self.send_response(404); self.send_header('Content-Length', '0'); self.end_headers(); return
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(folder, 'tls.pem'), os.path.join(folder, 'tls.key'))
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(os.path.join(folder, 'port.new'), 'w') as out:
    out.write(str(server.server_address[1]))
os.rename(os.path.join(folder, 'port.new'), os.path.join(folder, 'port'))
server.serve_forever()
PY
    python3 "$T/w/server.py" "$T/w/www" "$T/w" 2>"$T/w/server.err" &
    wkd_pid=$!
    for wkd_try in $(seq 300); do
        [ -s "$T/w/port" ] && break
        sleep 0.1
    done
    wkd_port=$(cat "$T/w/port") || exit 99
}

wkd_stop() {
    kill "$wkd_pid" 2>/dev/null
    wait "$wkd_pid" 2>/dev/null
    wkd_pid=
}

# wkd_path HOST METHOD NAME: where the key of NAME's home is published, by gpg's own hash of its address.
wkd_path() {
    wkd_hash=$(gpg --homedir "$T/k/$3" --batch --with-wkd-hash -k 2>/dev/null | sed -n 's/^ *\([a-z0-9]\{32\}\)@.*/\1/p' | head -n 1)
    wkd_domain=
    [ "$2" = advanced ] && wkd_domain=/${1#openpgpkey.}
    printf '%s' "$T/w/www/$1/.well-known/openpgpkey$wkd_domain/hu/$wkd_hash"
}

wkd_put() {
    cat >"$T/w/wkd-key" # all of it, before gpg is asked for the path
    wkd_file=$(wkd_path "$@")
    mkdir -p "${wkd_file%/*}"
    mv "$T/w/wkd-key" "$wkd_file"
}

wkd_conf() {
    printf 'fetch = { ca = "%s"; timeout_s = 5; connect_to = [' "$T/w/ca.pem"
    wkd_comma=
    for wkd_host in $wkd_hosts; do
        printf '%s"%s:127.0.0.1:%s"' "$wkd_comma" "$wkd_host" "$wkd_port"
        wkd_comma=', '
    done
    printf ']; };\n'
}
