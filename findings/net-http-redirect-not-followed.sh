#!/usr/bin/env bash
# Go 1.26, package net/http: whether (*Client).Do follows a redirect with status 307 or
# 308 depends on the Go type of the request's body. Of a strings.Reader, bytes.Reader or
# bytes.Buffer it does; put a TeeReader around it, to count or log what is sent, or a
# pipe, and the 307 itself is the answer, with no error.
#
# Here the same eight bytes are sent thrice to an address that has moved.
#
# Expected: status 201 thrice, or an error that says why not.
# Seen: 201, then 307 twice, and the order is not stored. Code that takes what is below
# 400 for done loses it. Setting Request.GetBody makes it 201.
#
# Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

func main() {
	stored := 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/new", http.StatusTemporaryRedirect) })
	mux.HandleFunc("POST /new", func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); string(b) == "an order" {
			stored++
		}
		w.WriteHeader(http.StatusCreated)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	read, write := io.Pipe()
	go func() {
		fmt.Fprint(write, "an order")
		write.Close()
	}()
	for _, body := range []io.Reader{strings.NewReader("an order"), io.TeeReader(strings.NewReader("an order"), io.Discard), read} {
		resp, err := http.Post(server.URL+"/old", "text/plain", body)
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
		fmt.Println("no error, status", resp.StatusCode, "stored:", stored)
	}
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26.0
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'no error, status 201 stored: 1\nno error, status 307 stored: 1\nno error, status 307 stored: 1' ]
