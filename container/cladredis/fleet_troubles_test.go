package cladredis_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// trouble is what may be wrong with a store. key is one that it holds.
type trouble struct {
	name       string
	begin, end func(t *testing.T, s *server, p *proxy, key string)
	alone      bool // instances find themselves alone for certain
	misdirects bool // what arrives may be meant for another key
}

func troubles() []trouble {
	do := func(t *testing.T, s *server, args ...any) {
		t.Helper()
		if err := s.bare().Do(background, args...).Err(); err != nil {
			t.Error(args, err)
		}
	}
	return []trouble{
		{
			name:  "its connections are cut",
			begin: func(_ *testing.T, _ *server, p *proxy, _ string) { p.setCut(true) },
			end:   func(_ *testing.T, _ *server, p *proxy, _ string) { p.setCut(false) },
			alone: true,
		},
		{
			name:  "it is slow",
			begin: func(_ *testing.T, _ *server, p *proxy, _ string) { p.delay.Store(int64(20 * time.Millisecond)) },
			end:   func(_ *testing.T, _ *server, p *proxy, _ string) { p.delay.Store(0) },
		},
		{
			name:  "it hangs",
			begin: func(_ *testing.T, s *server, _ *proxy, _ string) { s.freeze() },
			end:   func(_ *testing.T, s *server, _ *proxy, _ string) { s.thaw() },
			alone: true,
		},
		{
			name:       "what it says is corrupted",
			begin:      func(_ *testing.T, _ *server, p *proxy, _ string) { p.corrupt.Store(true) },
			end:        func(_ *testing.T, _ *server, p *proxy, _ string) { p.corrupt.Store(false) },
			misdirects: true,
		},
		{
			name: "the key is of another type",
			begin: func(t *testing.T, s *server, _ *proxy, key string) {
				do(t, s, "del", key)
				do(t, s, "lpush", key, "x")
			},
			end:   func(t *testing.T, s *server, _ *proxy, key string) { do(t, s, "del", key) },
			alone: true,
		},
		{
			name:  "it is out of memory",
			begin: func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "config", "set", "maxmemory", "1") },
			end:   func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "config", "set", "maxmemory", "0") },
			alone: true,
		},
		{
			name:  "it is read-only",
			begin: func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "replicaof", "127.0.0.1", "1") },
			end:   func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "replicaof", "no", "one") },
			alone: true,
		},
		{
			name:  "it forgets scripts",
			begin: func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "script", "flush") },
			end:   func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "script", "flush") },
		},
		{
			name:  "it forgets its data",
			begin: func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "flushall") },
			end:   func(t *testing.T, s *server, _ *proxy, _ string) { do(t, s, "flushall") },
		},
		{
			name:  "it is restarted without its data",
			begin: func(_ *testing.T, s *server, _ *proxy, _ string) { s.kill() },
			end:   func(_ *testing.T, s *server, _ *proxy, _ string) { s.start() },
			alone: true,
		},
	}
}

// inTrouble has a test made with each engine and each trouble.
func inTrouble(t *testing.T, key string, test func(t *testing.T, tt trouble, client func() redis.UniversalClient, begin, end func())) {
	t.Helper()
	for _, engine := range engines(t) {
		for _, tt := range troubles() {
			t.Run(engine+": "+tt.name, func(t *testing.T) {
				t.Parallel()
				s := newServerOf(t, engine)
				p := newProxy(t, s.addr)
				client := func() redis.UniversalClient {
					c := redis.NewClient(&redis.Options{Addr: p.addr, DialerRetries: 1})
					t.Cleanup(func() { _ = c.Close() })
					return c
				}
				test(t, tt, client, func() { tt.begin(t, s, p, key) }, func() { tt.end(t, s, p, key) })
			})
		}
	}
}
