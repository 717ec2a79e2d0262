package cladredis

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/quorum"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// Store keeps what the instances of a fleet share in Redis or Valkey, for
// [container.WithStore]. It is safe for use by many goroutines.
type Store struct {
	client redis.UniversalClient
	prefix string
	number atomic.Uint64 // of the last report
	mixed  atomic.Bool   // it was told that others keep another format
}

var _ container.Store = (*Store)(nil)

// Option changes a [Store].
type Option interface{ apply(*Store) }

type optionFunc func(*Store)

func (f optionFunc) apply(s *Store) { f(s) }

// WithPrefix has the store's keys and channel begin with something else than "clad":
// fleets that share a server and use the same names for different things need one
// each. After it comes the version of the format; instances of another format share
// nothing with this one.
func WithPrefix(prefix string) Option {
	return optionFunc(func(s *Store) { s.prefix = prefix })
}

// version is that of the format of keys and messages, which their names have: nobody
// reads those of another one.
const (
	version = "1"
	format  = ":" + version + ":"
)

// NewStore makes a store of a client for one server, for Sentinels or for a cluster,
// of Redis 6.2 or later or of Valkey. How it connects (passwords, TLS, timeouts) is
// the client's. From then on the client heeds its context's deadline
// (ContextTimeoutEnabled). It stays the caller's to close, after the orchestrator.
//
// The user of an ACL needs the keys and the channel that begin with the prefix, and
// +evalsha +eval +hset +hdel +hkeys +hmget +hgetall +pexpire +publish +subscribe +pubsub
// +time +ping.
func NewStore(client redis.UniversalClient, opts ...Option) *Store {
	s := &Store{client: client, prefix: "clad"}
	for _, opt := range opts {
		opt.apply(s)
	}
	heed(client)
	return s
}

// heed has a client heed its context's deadline.
func heed(client redis.UniversalClient) {
	node := func(c *redis.Client) { c.Options().ContextTimeoutEnabled = true }
	switch client := client.(type) {
	case *redis.Client:
		node(client)
	case *redis.ClusterClient:
		client.Options().ContextTimeoutEnabled = true
		client.OnNewNode(node)
	case *redis.Ring:
		client.Options().ContextTimeoutEnabled = true
		client.OnNewNode(node)
	}
}

var (
	//go:embed lease.lua
	leaseSource string
	leaseScript = redis.NewScript(leaseSource)
)

// Lease implements [container.Store]: one script on one key.
func (s *Store) Lease(ctx context.Context, limit string, r container.LeaseRequest) (g container.LeaseGrant, err error) {
	key := s.prefix + format + "limit:{" + limit + "}"
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	reply, err := s.run(ctx, leaseScript, key, 6,
		r.Instance, r.Sequence, number(r.PerSecond), number(r.Burst), r.Want, r.Return, r.Spent,
		number(r.Fresh), number(r.Most), r.Epoch, container.StoreEpoch.Microseconds())
	if err != nil {
		return g, err
	}
	if want := key + "/" + strconv.FormatUint(r.Sequence, 10); reply[0] != want {
		return g, fmt.Errorf("an answer to %v came for %s", reply[0], want)
	}
	var n [5]int64
	for i := range n {
		if n[i], err = integer(reply[i+1]); err != nil {
			return g, policy.Answer(fmt.Errorf("key %q: %w", key, err))
		}
	}
	return container.LeaseGrant{
		Tokens: n[0], Wait: microseconds(n[1]),
		Fleet: int(n[2]), Epoch: n[3], Young: n[4] != 0,
	}, nil
}

// run runs a script that returns so many values.
func (s *Store) run(ctx context.Context, script *redis.Script, key string, values int, args ...any) ([]any, error) {
	reply, err := script.Run(ctx, s.client, []string{key}, args...).Slice()
	switch {
	case err != nil && (strings.Contains(err.Error(), "WRONGTYPE") || strings.Contains(err.Error(), "user_script")):
		return nil, policy.Answer(fmt.Errorf("key %q: %w", key, err)) // the server works
	case err != nil:
		return nil, err
	case len(reply) != values:
		return nil, fmt.Errorf("a script returned %d values, not %d", len(reply), values)
	}
	return reply, nil
}

func integer(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case string: // what is too large for Lua's own
		return strconv.ParseInt(v, 10, 64)
	}
	return 0, fmt.Errorf("a script returned %T for a number", v)
}

// microseconds returns the longest duration for what is longer.
func microseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Microsecond)
	return time.Duration(max(min(n, most), -most)) * time.Microsecond
}

var (
	//go:embed breaker.lua
	breakerSource string
	breakerScript = redis.NewScript(breakerSource)
)

// group holds all breakers and their channel together, on one node of a cluster.
const group = "{breakers}"

func (s *Store) channel() string { return s.prefix + format + group }

// versions is the channel on which instances of all versions say theirs.
func (s *Store) versions() string { return s.prefix + ":version" }

// Report implements [container.Store]: one script on one key.
func (s *Store) Report(ctx context.Context, breaker string, r container.BreakerReport) (n container.BreakerNews, err error) {
	nonce := strconv.FormatUint(s.number.Add(1), 10) + "/" + r.Instance
	key := s.channel() + ":" + breaker
	reply, err := s.run(ctx, breakerScript, key, 7,
		s.channel(), breaker, nonce, r.Instance, r.What, r.Quorum, r.Probes, min(r.For, quorum.Longest).Microseconds(),
		r.Round, r.Place, min(r.ProbeTimeout, quorum.Longest).Microseconds(), quorum.Window.Microseconds(),
		quorum.Forgotten.Microseconds(), quorum.Longest.Microseconds())
	if err != nil {
		return n, err
	}
	if reply[0] != nonce {
		return n, fmt.Errorf("an answer to %v came for %s", reply[0], nonce)
	}
	var v [6]int64
	for i := range v {
		if v[i], err = integer(reply[i+1]); err != nil {
			return n, policy.Answer(fmt.Errorf("key %q: %w", key, err))
		}
	}
	return container.BreakerNews{
		Round: v[0], Open: v[1] != 0, For: microseconds(v[2]),
		Place: v[3] != 0, Down: v[4], Fleet: v[5],
	}, nil
}
