#!/usr/bin/env bash
# go.mongodb.org/mongo-driver/v2 v2.10.0: retryable writes are documented to be made
# once more. Where the context has a deadline, the driver goes on until it passes.
#
# The server here speaks as much of the protocol as an insert needs, and ends the
# connection at each insert.
#
# Expected: 2 inserts, with a deadline of 3 s or without one.
# Seen: 2 without, more than 2 with.
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
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var inserts atomic.Int32

func serve(c net.Conn, addr string) {
	defer c.Close()
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		message := make([]byte, binary.LittleEndian.Uint32(head)-16)
		if _, err := io.ReadFull(c, message); err != nil {
			return
		}
		query := binary.LittleEndian.Uint32(head[12:]) == 2004
		document := message[5:]
		if query {
			for document = message[4:]; document[0] != 0; document = document[1:] {
			}
			document = document[9:]
		}
		elements, err := bson.Raw(document[:binary.LittleEndian.Uint32(document)]).Elements()
		if err != nil {
			return
		}
		if elements[0].Key() == "insert" {
			inserts.Add(1)
			return
		}
		body, _ := bson.Marshal(bson.M{
			"ok": 1, "helloOk": true, "isWritablePrimary": true, "ismaster": true, "setName": "rs", "hosts": bson.A{addr}, "me": addr,
			"maxBsonObjectSize": 16 << 20, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000,
			"minWireVersion": 0, "maxWireVersion": 21, "logicalSessionTimeoutMinutes": 30, "setVersion": 1,
		})
		out := make([]byte, 16)
		copy(out[8:], head[4:8])
		if query {
			binary.LittleEndian.PutUint32(out[12:], 1)
			out = append(out, make([]byte, 20)...)
			out[32] = 1
		} else {
			binary.LittleEndian.PutUint32(out[12:], 2013)
			out = append(out, make([]byte, 5)...)
		}
		out = append(out, body...)
		binary.LittleEndian.PutUint32(out, uint32(len(out)))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, l.Addr().String())
		}
	}()
	count := func(ctx context.Context) int32 {
		inserts.Store(0)
		client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + l.Addr().String() + "/?replicaSet=rs&heartbeatFrequencyMS=500"))
		if err != nil {
			panic(err)
		}
		defer client.Disconnect(context.Background())
		if _, err := client.Database("shop").Collection("orders").InsertOne(ctx, bson.M{"n": 1}); err == nil {
			panic("no error")
		}
		return inserts.Load()
	}
	fmt.Println("without a deadline:", count(context.Background()))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if n := count(ctx); n > 2 {
		fmt.Println("with one: more than 2")
	} else {
		fmt.Println("with one:", n)
	}
}
GO
cat > go.mod <<'MOD'
module finding

go 1.25.0

require go.mongodb.org/mongo-driver/v2 v2.10.0
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'without a deadline: 2\nwith one: more than 2' ]
