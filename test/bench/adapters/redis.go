package adapters

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/cladgo/clad/container"
	_ "github.com/cladgo/clad/container/cladredis" // wraps what is tagged
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

func redisCases() []Case {
	const row = "redis-get"
	return append(bare(row, func() (*opened, error) { return asked(newRedis()), nil }),
		Case{Row: row, System: "clad", Form: "cladredis", open: func() (*opened, error) {
			c, err := tagged(newRedis)
			if err != nil {
				return nil, err
			}
			var made *opened
			err = c.Invoke(func(r *redis.Client) { made = asked(r) })
			if err == nil {
				made.protected = books(c.Orchestrator(), "redis.Client.Read")
			}
			return made, err
		}})
}

// tagged is a container that makes something under the protection.
func tagged(ctor any) (*container.Container, error) {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"protection": protection()}})
	if err != nil {
		return nil, err
	}
	return c, c.Provide(container.Tag(ctor, "protection"))
}

func asked(r *redis.Client) *opened {
	return &opened{call: func(ctx context.Context) error { return r.Get(ctx, "key").Err() }, close: r.Close}
}

// newRedis is a client of one connection to a server that has every key.
func newRedis() *redis.Client {
	return redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true, PoolSize: 1, MaxRetries: -1,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go answerAll(server)
			return client, nil
		},
	})
}

// answerAll reads commands of the protocol, and has a value for each key. It knows no
// others: that is what clients take a server for that is older than they are.
func answerAll(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		words, err := number(r, '*')
		if err != nil {
			return
		}
		var command [16]byte
		for i := range words {
			n, err := number(r, '$')
			if err != nil {
				return
			}
			if i == 0 && n <= len(command) {
				_, err = io.ReadFull(r, command[:n])
				n = 0
			}
			if err != nil {
				return
			}
			if _, err := r.Discard(n + len("\r\n")); err != nil {
				return
			}
		}
		answer := "-ERR unknown command\r\n"
		if string(command[:3]) == "get" {
			answer = "$5\r\nvalue\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// number reads a line that says how much follows.
func number(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	text := string(bytes.TrimSpace(line))
	if text == "" || text[0] != kind {
		return 0, fmt.Errorf("%q where %q was expected", text, kind)
	}
	return strconv.Atoi(text[1:])
}
