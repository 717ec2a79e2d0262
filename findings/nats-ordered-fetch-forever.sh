#!/usr/bin/env bash
# github.com/nats-io/nats.go v1.55.0, package jetstream: Fetch of an ordered consumer
# makes the consumer anew before it asks, and tries that for ever, also where the
# stream is gone. It takes no context, and FetchMaxWait does not bound it: a reader
# whose stream was deleted, or has lost its leader, hangs without a word, unless
# MaxResetAttempts is set.
#
# Expected: an error after 0.5 s (FetchMaxWait), since there is no such stream.
# Seen: not back after 10 s; with MaxResetAttempts: 1, an error.
#
# Starts a nats-server of its own. Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(err)
	check(l.Close())
	server := exec.Command("nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", "js")
	check(server.Start())
	defer func() { server.Process.Kill(); server.Wait() }()
	nc, err := nats.Connect("nats://127.0.0.1:"+port, nats.RetryOnFailedConnect(true), nats.ReconnectWait(50*time.Millisecond))
	check(err)
	js, err := jetstream.New(nc)
	check(err)
	ctx := context.Background()
	for range 100 { // until the server listens
		if _, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	check(err)
	unbounded, err := js.OrderedConsumer(ctx, "S", jetstream.OrderedConsumerConfig{})
	check(err)
	bounded, err := js.OrderedConsumer(ctx, "S", jetstream.OrderedConsumerConfig{MaxResetAttempts: 1})
	check(err)
	check(js.DeleteStream(ctx, "S"))
	fetch := func(c jetstream.Consumer) string {
		done := make(chan error, 1)
		go func() {
			_, err := c.Fetch(1, jetstream.FetchMaxWait(500*time.Millisecond))
			done <- err
		}()
		select {
		case err := <-done:
			return fmt.Sprint("an error: ", err != nil)
		case <-time.After(10 * time.Second):
			return "not back after 10 s"
		}
	}
	fmt.Println("by default:", fetch(unbounded))
	fmt.Println("with MaxResetAttempts:", fetch(bounded))
}
GO
cat > go.mod <<'MOD'
module finding

go 1.25.0

require github.com/nats-io/nats.go v1.55.0
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'by default: not back after 10 s\nwith MaxResetAttempts: an error: true' ]
