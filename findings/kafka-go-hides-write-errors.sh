#!/usr/bin/env bash
# github.com/segmentio/kafka-go v0.4.51: a Writer gives the errors of its messages in a
# kafka.WriteErrors, a slice without Unwrap. errors.Is and errors.As do not find the
# broker's error in it, also where one message was written.
#
# Expected: errors.Is(err, kafka.TopicAuthorizationFailed) after a write that the broker
# has answered with it. Seen: it prints so, and is not.
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
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func main() {
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	defer cluster.Close()
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	w := &kafka.Writer{Addr: kafka.TCP(cluster.ListenAddrs()[0]), Topic: "orders", BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireOne}
	defer w.Close()
	err := w.WriteMessages(context.Background(), kafka.Message{Value: []byte("x")})
	var code kafka.Error
	fmt.Println("prints so:", strings.Contains(err.Error(), kafka.TopicAuthorizationFailed.Error()),
		"is:", errors.Is(err, kafka.TopicAuthorizationFailed), "as:", errors.As(err, &code))
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26.0

require (
	github.com/segmentio/kafka-go v0.4.51
	github.com/twmb/franz-go v1.22.3
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
)
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = "prints so: true is: false as: false" ]
