#!/bin/sh
# Entry of a homeserver for Matrix conformance suites that expect a container: certificate from the authority of the suite, configuration, server.
set -eu
d=$HS_DATA; ca=$HS_ROOT/complement/ca
# The CA is new with every run of a package, the data may be older (a stopped server, a copied one): sign again when it does not fit.
if ! openssl verify -CAfile "$ca/ca.crt" "$d/tls.crt" >/dev/null 2>&1; then
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$d/tls.key" -subj "/CN=$SERVER_NAME" -out "$d/tls.csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s\n' "$SERVER_NAME" > "$d/tls.ext"
  openssl x509 -req -in "$d/tls.csr" -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -set_serial "$(date +%s%N)" -days 2 -extfile "$d/tls.ext" -out "$d/tls.crt" 2>/dev/null
fi
services=
for f in "$HS_ROOT"/complement/appservice/*.yaml; do [ -f "$f" ] && services="$services${services:+,}\"$f\""; done
# HS_ADDR may be another one at the next start with the same data: nothing derived from it may be stored.
cat > "$d/homeserver.yaml" <<CONF
{ "server_name": "$SERVER_NAME", "public_baseurl": "http://$HS_ADDR:8008/", "data_dir": "$d/store",
  "database": { "kind": "sqlite", "path": "$d/store/hs.db" },
  "listeners": [
    { "serves": ["client", "media", "admin", "federation"], "host": "$HS_ADDR", "port": 8008 },
    { "serves": ["client", "media", "federation"], "host": "$HS_ADDR", "port": 8448, "tls_certificate": "$d/tls.crt", "tls_key": "$d/tls.key" } ],
  "default_room_version": "${ROOM_VERSION:-11}",
  "registration": { "open": true, "shared_secret": "complement" },
  "federation": { "ca_file": "$ca/ca.crt", "allow_private_addresses": true, "list_public_rooms": true, "tell_device_names": true, "trusted_key_servers": [] },
  "push": { "allow_private_addresses": true },
  "url_preview": { "enabled": true, "allow_private_addresses": true }, "media": { "unauthenticated": true },
  "server_notices": { "localpart": "_server" },
  "delayed_events": { "longest": "24h" },
  "appservice_files": [$services], "rate_limits": "off", "password_hashing": "fast", "room_list_publish": "anyone" }
CONF
export NODE_EXTRA_CA_CERTS="$ca/ca.crt"
exec "${NODE:-node}" "$HS_MAIN" --config "$d/homeserver.yaml"
