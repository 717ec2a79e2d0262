package clients

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

const gomemcache = "github.com/bradfitz/gomemcache"

var memcacheFamily = &family{
	title: "memcached",
	intro: "Measured against a server of its text protocol. gomemcache takes no contexts, waits for half a second at each read and write (`Timeout`), and does not try again: a connection of its pool that the server has closed is an EOF.",
}

// startMemcached answers each command with what is said for its first word, and
// where nothing is said not at all.
func startMemcached(t *testing.T, answers map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					word, _, _ := strings.Cut(lines.Text(), " ")
					if answer, ok := answers[word]; ok {
						if answer == "" {
							_ = c.Close()
							return
						}
						_, _ = c.Write([]byte(answer + "\r\n"))
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

func TestMemcached(t *testing.T) {
	t.Parallel()
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		memcacheFamily.meets(t, gomemcache, situation, err, want)
	}
	open := func(answers map[string]string) *memcache.Client {
		c := memcache.New(startMemcached(t, answers))
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	item := &memcache.Item{Key: "k", Value: []byte("v")}
	_, err := open(map[string]string{"gets": "END"}).Get("k")
	saw("no such key", err, answered)
	saw("the key exists already", open(map[string]string{"add": "NOT_STORED"}).Add(item), answered)
	saw("another one was faster", open(map[string]string{"cas": "EXISTS"}).CompareAndSwap(item), answered)
	saw("no such key to delete", open(map[string]string{"delete": "NOT_FOUND"}).Delete("k"), answered)
	_, err = open(map[string]string{"incr": "CLIENT_ERROR cannot increment or decrement non-numeric value"}).Increment("k", 1)
	saw("a value of another type", err, answered)
	saw("too large", open(map[string]string{"set": "SERVER_ERROR object too large for cache"}).Set(item), answered)
	saw("out of memory, at a write", open(map[string]string{"set": "SERVER_ERROR out of memory storing object"}).Set(item), refused)
	saw("a trouble of the server's own", open(map[string]string{"set": "SERVER_ERROR temporary failure"}).Set(item), failed)
	saw("a key that is not one", open(nil).Set(&memcache.Item{Key: "a key"}), unknown)
	_, err = memcache.New().Get("k")
	saw("no server is given", err, refused)
	_, err = memcache.New("127.0.0.1:" + freePort(t)).Get("k")
	saw("nobody listens", err, unmade)
	saw("the connection breaks while the command runs", open(map[string]string{"set": ""}).Set(item), unknown)

	slow := open(nil)
	slow.Timeout = 200 * time.Millisecond
	took := took(func() { err = slow.Set(item) })
	saw("its own time for an answer passes", err, unknown)
	deadline := "no contexts: by `Timeout`"
	if took > time.Second {
		deadline = "no"
	}
	memcacheFamily.behaves(gomemcache, way{deadline: deadline, cancellation: "no contexts", retries: "no", set: "`Timeout` below the policy's attempt; `MaxIdleConns`, which is 2"})
}
