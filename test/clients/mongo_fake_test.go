package clients

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fakeMongo speaks enough of MongoDB's wire protocol: it answers each command with
// what a function says.
type fakeMongo struct {
	addr   string
	answer func(command string, body bson.M) bson.M // nil: never; hangUp: ends the connection

	mu    sync.Mutex
	asked map[string]int
	conns []net.Conn
}

var hangUp = bson.M{}

func startMongo(t *testing.T, answer func(command string, body bson.M) bson.M) *fakeMongo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeMongo{addr: l.Addr().String(), answer: answer, asked: map[string]int{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, c)
			f.mu.Unlock()
			wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.mu.Lock()
		for _, c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
		wg.Wait()
	})
	return f
}

// sent counts the commands of a name.
func (f *fakeMongo) sent(command string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[command]
}

const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

func (f *fakeMongo) serve(c net.Conn) {
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
		op := binary.LittleEndian.Uint32(head[12:])
		document := message[4+1:] // flags, kind of section
		if op == opQuery {
			document = message[4:]
			for document[0] != 0 { // the collection's name
				document = document[1:]
			}
			document = document[1+8:] // and two numbers
		}
		raw := bson.Raw(document[:binary.LittleEndian.Uint32(document)])
		elements, err := raw.Elements()
		if err != nil {
			return
		}
		reply := f.reply(elements[0].Key(), raw)
		if reply == nil {
			continue
		}
		if len(reply) == 0 {
			return
		}
		body, err := bson.Marshal(reply)
		if err != nil {
			return
		}
		out := append([]byte(nil), make([]byte, 16)...)
		copy(out[8:], head[4:8]) // in answer to
		if op == opQuery {
			binary.LittleEndian.PutUint32(out[12:], opReply)
			out = append(out, make([]byte, 20)...)
			out[32] = 1 // document
		} else {
			binary.LittleEndian.PutUint32(out[12:], opMsg)
			out = append(out, make([]byte, 5)...)
		}
		out = append(out, body...)
		binary.LittleEndian.PutUint32(out, uint32(len(out)))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func (f *fakeMongo) reply(command string, raw bson.Raw) bson.M {
	switch command {
	case "hello", "isMaster", "ismaster":
		return bson.M{
			"ok": 1, "helloOk": true, "isWritablePrimary": true, "ismaster": true, "setName": "rs", "hosts": bson.A{f.addr}, "me": f.addr,
			"maxBsonObjectSize": 16 << 20, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000,
			"minWireVersion": 0, "maxWireVersion": 21, "logicalSessionTimeoutMinutes": 30, "setVersion": 1, "secondary": false,
		}
	case "endSessions":
		return bson.M{"ok": 1}
	}
	var body bson.M
	_ = bson.Unmarshal(raw, &body)
	f.mu.Lock()
	f.asked[command]++
	f.mu.Unlock()
	return f.answer(command, body)
}
