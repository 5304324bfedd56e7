#!/bin/sh
# Makes the secrets that compose.yaml asks for, below deploy/secrets: passwords of 192 random bits, and the addresses
# that hold them. A password that is there stays, for a database goes on asking for the one it was made with; addresses
# are written anew from them. Nothing is printed but names.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 700 secrets
echo '*' > secrets/.gitignore

password() {
    file=secrets/$1_password
    [ -s "$file" ] || od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n' > "$file"
    # In an address anything else would have to be percent-encoded.
    if grep -q '[^A-Za-z0-9._~-]' "$file" || sed 1d "$file" | grep -q .; then
        echo "deploy/$file: letters, digits and . _ ~ - only, on one line" >&2
        exit 2
    fi
    tr -d '\n' < "$file"
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

# Whoever runs in a container has another number than you: the files are readable, the folder is yours alone.
write() {
    cat > "secrets/$1.new"
    chmod 444 "secrets/$1.new"
    mv -f "secrets/$1.new" "secrets/$1"
    echo "deploy/secrets/$1"
}

postgres=$(password postgres) || exit
redis=$(password redis) || exit
milvus=$(password milvus) || exit
chmod 444 secrets/*_password
printf 'postgresql://reprise:%s@postgres:5432/reprise\n' "$postgres" | write catalogue_url
printf 'redis://:%s@redis:6379/0\n' "$redis" | write broker_url
printf 'user default on #%s ~* &* +@all\n' "$(printf %s "$redis" | sha256)" | write redis_users
printf 'http://root:%s@milvus:19530\n' "$milvus" | write milvus_url
printf 'COMMON_SECURITY_AUTHORIZATIONENABLED=true\nCOMMON_SECURITY_DEFAULTROOTPASSWORD=%s\n' "$milvus" | write milvus.env
