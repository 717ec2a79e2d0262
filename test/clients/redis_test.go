package clients

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	redigo "github.com/gomodule/redigo/redis"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/valkey-io/valkey-go"
	"go.uber.org/goleak"

	"github.com/cladgo/clad/container/verdict"
)

var redisFamily = &family{
	title: "Redis and Valkey",
	intro: "go-redis repeats commands by itself, also those that are not safe to repeat, and heeds a context's deadline only with `ContextTimeoutEnabled`.",
}

func init() {
	leaks = append(leaks,
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/maintnotifications.(*CircuitBreakerManager).cleanupLoop"))
}

// redisClient is what the tests ask of a client.
type redisClient struct {
	module string
	open   func(t *testing.T, o redisOptions) func(ctx context.Context, args ...string) error
}

type redisOptions struct {
	addr     string
	username string
	password string
	patient  bool          // with the client's own defaults
	timeout  time.Duration // of the client's own, for a reply
}

var redisClients = []redisClient{
	{"github.com/redis/go-redis/v9", openGoRedis},
	{"github.com/gomodule/redigo", openRedigo},
	{"github.com/redis/rueidis", openRueidis},
	{"github.com/valkey-io/valkey-go", openValkey},
}

func goRedisOptions(o redisOptions) *redis.Options {
	opts := &redis.Options{Addr: o.addr, Username: o.username, Password: o.password, ReadTimeout: o.timeout}
	if !o.patient {
		opts.MaxRetries, opts.ContextTimeoutEnabled = -1, true
	}
	return opts
}

func openGoRedis(t *testing.T, o redisOptions) func(context.Context, ...string) error {
	c := redis.NewClient(goRedisOptions(o))
	t.Cleanup(func() { _ = c.Close() })
	return func(ctx context.Context, args ...string) error {
		all := make([]any, len(args))
		for i, arg := range args {
			all[i] = arg
		}
		return c.Do(ctx, all...).Err()
	}
}

func openRedigo(t *testing.T, o redisOptions) func(context.Context, ...string) error {
	pool := &redigo.Pool{DialContext: func(ctx context.Context) (redigo.Conn, error) {
		opts := []redigo.DialOption{redigo.DialReadTimeout(o.timeout)}
		if o.password != "" {
			opts = append(opts, redigo.DialUsername(o.username), redigo.DialPassword(o.password))
		}
		return redigo.DialContext(ctx, "tcp", o.addr, opts...)
	}}
	t.Cleanup(func() { _ = pool.Close() })
	return func(ctx context.Context, args ...string) error {
		conn, err := pool.GetContext(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		all := make([]any, len(args)-1)
		for i, arg := range args[1:] {
			all[i] = arg
		}
		reply, err := redigo.DoContext(conn, ctx, args[0], all...)
		if err == nil && reply == nil {
			_, err = redigo.String(reply, nil)
		}
		return err
	}
}

func openRueidis(t *testing.T, o redisOptions) func(context.Context, ...string) error {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{o.addr}, Username: o.username, Password: o.password,
		ForceSingleClient: true, DisableRetry: !o.patient, DisableCache: true, ConnWriteTimeout: o.timeout,
	})
	if err != nil {
		return func(context.Context, ...string) error { return err }
	}
	t.Cleanup(c.Close)
	return func(ctx context.Context, args ...string) error {
		return c.Do(ctx, c.B().Arbitrary(args...).Build()).Error()
	}
}

func openValkey(t *testing.T, o redisOptions) func(context.Context, ...string) error {
	c, err := valkey.NewClient(valkey.ClientOption{
		InitAddress: []string{o.addr}, Username: o.username, Password: o.password,
		ForceSingleClient: true, DisableRetry: !o.patient, DisableCache: true, ConnWriteTimeout: o.timeout,
	})
	if err != nil {
		return func(context.Context, ...string) error { return err }
	}
	t.Cleanup(c.Close)
	return func(ctx context.Context, args ...string) error {
		return c.Do(ctx, c.B().Arbitrary(args...).Build()).Error()
	}
}

// startRedis runs a server of its own, with settings as on the command line.
func startRedis(t *testing.T, settings ...string) *server {
	t.Helper()
	port := freePort(t)
	return start(t, port, "redis-server", append([]string{"--port", port, "--bind", "127.0.0.1", "--save", ""}, settings...)...)
}

func TestRedisReplies(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	admin := openGoRedis(t, redisOptions{addr: s.addr})
	must := func(args ...string) {
		t.Helper()
		if err := admin(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	must("SET", "text", "a")
	must("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+get")

	locked := startRedis(t, "--requirepass", "secret")
	full := startRedis(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
	alone := startRedis(t, "--min-replicas-to-write", "1")
	cluster := startRedis(t, "--cluster-enabled", "yes")
	replica := startRedis(t, "--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes")
	stale := startRedis(t, "--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no")

	for _, c := range redisClients {
		plain := c.open(t, redisOptions{addr: s.addr})
		for _, tt := range []struct {
			situation string
			do        func(context.Context, ...string) error
			command   string
			want      verdict.Meaning
		}{
			{"no such key", plain, "GET missing", answered},
			{"a key of another type", plain, "LPUSH text x", answered},
			{"a command that is not one", plain, "NOSUCH", answered},
			{"a script that is not there", plain, "EVALSHA " + strings.Repeat("0", 40) + " 0", answered},
			{"a script's own error", plain, "EVAL error('no') 0", answered},
			{"not permitted", c.open(t, redisOptions{addr: s.addr, username: "reader", password: "secret"}), "SET text b", answered},
			{"out of memory, at a write", c.open(t, redisOptions{addr: full.addr}), "SET k v", refused},
			{"too few replicas", c.open(t, redisOptions{addr: alone.addr}), "SET k v", unmade},
			{"a cluster that is down", c.open(t, redisOptions{addr: cluster.addr}), "GET k", unmade},
			{"a write to a replica", c.open(t, redisOptions{addr: replica.addr}), "SET k v", unmade},
			{"a replica whose master is down", c.open(t, redisOptions{addr: stale.addr}), "GET k", unmade},
		} {
			redisFamily.meets(t, c.module, tt.situation, tt.do(within(t, 5*time.Second), strings.Fields(tt.command)...), tt.want)
		}
		err := c.open(t, redisOptions{addr: locked.addr, password: "wrong"})(within(t, 5*time.Second), "GET", "k")
		redisFamily.meets(t, c.module, "a wrong password", err, answered)
	}
}

func TestRedisConnections(t *testing.T) {
	t.Parallel()
	nobody := "127.0.0.1:" + freePort(t)
	for _, c := range redisClients {
		err := c.open(t, redisOptions{addr: nobody})(within(t, 5*time.Second), "GET", "k")
		want := unmade
		redisFamily.meets(t, c.module, "nobody listens", err, want)

		s := startRedis(t)
		k := newLink(t, s.addr)
		do := c.open(t, redisOptions{addr: k.addr})
		if err := do(t.Context(), "SET", "k", "v"); err != nil {
			t.Fatal(c.module, err)
		}
		k.swallow()
		time.AfterFunc(100*time.Millisecond, k.cut)
		redisFamily.meets(t, c.module, "the connection breaks while the command runs", do(within(t, 5*time.Second), "INCR", "n"), unknown)
	}
}

// What is written once may be executed more than once, and what is to end in a second
// may not.
func TestRedisDeadlinesAndRetries(t *testing.T) {
	t.Parallel()
	advice := map[string]string{
		"github.com/redis/go-redis/v9":   "`MaxRetries: -1`, `ContextTimeoutEnabled: true`",
		"github.com/gomodule/redigo":     "`DoContext`; `DialReadTimeout`",
		"github.com/redis/rueidis":       "`DisableRetry: true`; `ConnWriteTimeout`",
		"github.com/valkey-io/valkey-go": "`DisableRetry: true`; `ConnWriteTimeout`",
	}
	for _, c := range redisClients {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			s := startRedis(t)
			do := c.open(t, redisOptions{addr: s.addr, patient: true})
			if err := do(t.Context(), "SET", "n", "0"); err != nil {
				t.Fatal(c.module, err)
			}
			s.freeze(t)
			const soon = 300 * time.Millisecond
			var err error
			deadline := took(func() { err = do(within(t, soon), "INCR", "n") })
			if c.module != "github.com/gomodule/redigo" { // the context and the connection race to end it
				redisFamily.meets(t, c.module, "the deadline passes at a server that hangs", err, unknown)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(soon, cancel)
			cancelled := took(func() { _ = do(ctx, "INCR", "m") })
			s.thaw()
			redisFamily.behaves(c.module, way{
				deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: sentRedis(t, c), set: advice[c.module],
			})
		})
	}
}

// sentRedis counts how often a client, with its own defaults, sends an INCR that the
// server does not answer in time.
func sentRedis(t *testing.T, c redisClient) string {
	t.Helper()
	s := startRedis(t)
	do := c.open(t, redisOptions{addr: s.addr, patient: true, timeout: 300 * time.Millisecond})
	if err := do(t.Context(), "SET", "n", "0"); err != nil {
		t.Fatal(c.module, err)
	}
	var busy sync.WaitGroup
	for range 8 { // a pool with connections to spare, as a service has
		busy.Go(func() { _ = do(t.Context(), "BLPOP", "never", "0.1") })
	}
	busy.Wait()
	s.freeze(t)
	if err := do(within(t, 10*time.Second), "INCR", "n"); err == nil {
		t.Errorf("%s: no error", c.module)
	}
	s.thaw()
	count := redis.NewClient(&redis.Options{Addr: s.addr})
	defer func() { _ = count.Close() }()
	// real time: what is on its way arrives
	time.Sleep(100 * time.Millisecond)
	n, err := count.Get(t.Context(), "n").Int()
	if err != nil {
		t.Fatal(err)
	}
	if n == 1 {
		return "no"
	}
	return fmt.Sprintf("INCR was executed %d times", n)
}

func TestClosedRedisClients(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	_ = c.Close()
	redisFamily.meets(t, "github.com/redis/go-redis/v9", "a client that was closed", c.Get(t.Context(), "k").Err(), refused)

	pool := &redigo.Pool{Dial: func() (redigo.Conn, error) { return redigo.Dial("tcp", s.addr) }}
	_ = pool.Close()
	conn, err := pool.GetContext(t.Context())
	if conn != nil {
		_ = conn.Close()
	}
	redisFamily.meets(t, "github.com/gomodule/redigo", "a client that was closed", err, refused)

	r, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	redisFamily.meets(t, "github.com/redis/rueidis", "a client that was closed", r.Do(t.Context(), r.B().Get().Key("k").Build()).Error(), failed)
}

func TestRedisPoolTimeout(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	c := redis.NewClient(&redis.Options{Addr: s.addr, PoolSize: 1, PoolTimeout: 50 * time.Millisecond, MaxRetries: -1, ContextTimeoutEnabled: true})
	defer func() { _ = c.Close() }()
	go func() { _ = c.BLPop(t.Context(), time.Second, "never").Err() }()
	var err error
	until(t, "the pool is taken", func() error {
		err = c.Get(t.Context(), "k").Err()
		if err == nil || errors.Is(err, redis.Nil) {
			return fmt.Errorf("not yet: %w", err)
		}
		return nil
	})
	redisFamily.meets(t, "github.com/redis/go-redis/v9", "all connections of the pool are taken", err, waited)

	pool := &redigo.Pool{MaxActive: 1, Dial: func() (redigo.Conn, error) { return redigo.Dial("tcp", s.addr) }}
	defer func() { _ = pool.Close() }()
	held := pool.Get()
	defer func() { _ = held.Close() }()
	_, err = pool.GetContext(t.Context())
	redisFamily.meets(t, "github.com/gomodule/redigo", "all connections of the pool are taken", err, waited)
}

func TestRedisTransactions(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	defer func() { _ = c.Close() }()
	err := c.Watch(t.Context(), func(tx *redis.Tx) error {
		if err := c.Set(t.Context(), "k", "other", 0).Err(); err != nil {
			return err
		}
		_, err := tx.TxPipelined(t.Context(), func(p redis.Pipeliner) error { p.Set(t.Context(), "k", "mine", 0); return nil })
		return err
	}, "k")
	redisFamily.meets(t, "github.com/redis/go-redis/v9", "a transaction that another one overtook", err, answered)
}
