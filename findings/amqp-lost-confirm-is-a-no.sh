#!/usr/bin/env bash
# github.com/rabbitmq/amqp091-go v1.16.0: DeferredConfirmation.WaitContext reports
# false and no error both when the broker has rejected a message and when the
# connection was lost before its confirm came. In the second case the message is in the
# queue: who takes "false, nil" for a rejection, and publishes again, has it twice.
#
# Expected: an error where no confirm came. Seen: false, <nil>, and one message.
#
# Wants a RabbitMQ at 127.0.0.1:5672 with its usual guest. Exits 0 while this is so,
# and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const broker = "127.0.0.1:5672"

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	direct, err := amqp.Dial("amqp://guest:guest@" + broker)
	check(err)
	defer direct.Close()
	watcher, err := direct.Channel()
	check(err)
	q, err := watcher.QueueDeclare("", false, true, false, false, nil)
	check(err)
	defer watcher.QueueDelete(q.Name, false, false, false)

	// A network that loses what the broker says from some time on, and then breaks.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	var lost atomic.Bool
	conns := make(chan net.Conn, 2)
	go func() {
		client, err := l.Accept()
		check(err)
		server, err := net.Dial("tcp", broker)
		check(err)
		conns <- client
		conns <- server
		go io.Copy(server, client)
		buf := make([]byte, 4096)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			if !lost.Load() {
				client.Write(buf[:n])
			}
		}
	}()
	conn, err := amqp.Dial("amqp://guest:guest@" + l.Addr().String())
	check(err)
	ch, err := conn.Channel()
	check(err)
	check(ch.Confirm(false))
	lost.Store(true)
	confirm, err := ch.PublishWithDeferredConfirmWithContext(context.Background(), "", q.Name, false, false, amqp.Publishing{Body: []byte("x")})
	check(err)
	time.Sleep(500 * time.Millisecond)
	(<-conns).Close()
	(<-conns).Close()
	ok, err := confirm.WaitContext(context.Background())
	fmt.Println("confirmed:", ok, "error:", err)
	state, err := watcher.QueueDeclarePassive(q.Name, false, true, false, false, nil)
	check(err)
	fmt.Println("in the queue:", state.Messages)
}
GO
cat > go.mod <<'MOD'
module finding

go 1.25.0

require github.com/rabbitmq/amqp091-go v1.16.0
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'confirmed: false error: <nil>\nin the queue: 1' ]
