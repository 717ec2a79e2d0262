package cladredis_test

import (
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// The user that the documentation describes is enough, and no error shows its password.
func TestAUserWithTheDocumentedRightsIsEnough(t *testing.T) {
	onEngines(t, testAUserWithTheDocumentedRightsIsEnough)
}

func testAUserWithTheDocumentedRightsIsEnough(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	rules := []any{
		"acl", "setuser", "clad", "on", ">secret", "~clad:*", "&clad:*",
		"+evalsha", "+eval", "+hset", "+hdel", "+hkeys", "+hmget", "+hgetall", "+pexpire",
		"+publish", "+subscribe", "+pubsub", "+time", "+ping",
	}
	if err := s.bare().Do(background, rules...).Err(); err != nil {
		t.Fatal(err)
	}
	client := func() *redis.Client {
		c := redis.NewClient(&redis.Options{Addr: s.addr, Username: "clad", Password: "secret", DialerRetries: 1})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	store := func() container.Store { return cladredis.NewStore(client()) }
	f := newFleetOf(t, 2, 300, 75, func() redis.UniversalClient { return client() })
	f.loadFor(300 * time.Millisecond)
	if n := f.alone(); n > 0 {
		t.Errorf("%d instances are alone", n)
	}
	all := newGuards(t, 3, store, policy.CircuitBreaker{RecoveryTimeout: time.Minute})
	all[0].trip()
	all[1].trip()
	awaitState(t, all, policy.StateOpen)
}
