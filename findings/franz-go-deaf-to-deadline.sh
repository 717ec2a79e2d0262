#!/usr/bin/env bash
# github.com/twmb/franz-go v1.22.3, package kgo: ProduceSync takes a context, and does
# not return when its deadline passes, nor when it is cancelled, while a record may
# have been written: it waits for the broker's answer, however long that takes, unless
# AllowIdempotentProduceCancellation is set.
#
# Here a broker (franz-go's own kfake) keeps its answer to itself for 2 s.
#
# Expected: an error after 0.3 s, the context's deadline.
# Seen: no error, after 2 s; with the option, an error after 0.3 s.
#
# Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func produce(opts ...kgo.Opt) {
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	defer cluster.Close()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "orders"}).FirstErr(); err != nil {
		panic(err)
	}
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.SleepControl(func() { time.Sleep(2 * time.Second) })
		return nil, nil, false
	})
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err = client.ProduceSync(ctx, &kgo.Record{Topic: "orders"}).FirstErr()
	fmt.Println("an error:", err != nil, "before the answer:", time.Since(start) < 1500*time.Millisecond)
}

func main() {
	produce()
	produce(kgo.AllowIdempotentProduceCancellation())
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26.0

require (
	github.com/twmb/franz-go v1.22.3
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
)
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'an error: false before the answer: false\nan error: true before the answer: true' ]
