package proxies_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cladgo/clad/policy"
)

// Cache is some methods of redis.Cmdable.
type Cache interface {
	Get(ctx context.Context, key string) *redis.StringCmd
	Set(ctx context.Context, key string, value any, expiration time.Duration) *redis.StatusCmd
	//clad:once
	Incr(ctx context.Context, key string) *redis.IntCmd
	Subscribe(ctx context.Context, channels ...string) *redis.PubSub
}

func cache(t *testing.T, addr string) Cache {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestRedisCommandsAreGuarded: they return no error, and nobody saw that they
// failed.
func TestRedisCommandsAreGuarded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := l.Addr().String()
	_ = l.Close()
	client, totals := wrap(t, cache(t, nowhere), policy.Combine(retry(2), policy.CircuitBreaker{FailureThreshold: 3}))

	cmd := client.Get(t.Context(), "key")
	var dial *net.OpError
	if !errors.Is(cmd.Err(), policy.ErrRetriesExhausted) || !errors.As(cmd.Err(), &dial) {
		t.Errorf("Get: %v", cmd.Err())
	}
	if _, err := cmd.Result(); !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("its Result: %v", err)
	}
	if err := client.Incr(t.Context(), "key").Err(); !errors.As(err, &dial) {
		t.Errorf("Incr: %v", err)
	}
	cmd = client.Get(t.Context(), "key")
	if text, err := cmd.Result(); !errors.Is(err, policy.ErrCircuitOpen) || text != "" || cmd.String() == "" {
		t.Errorf("with an open circuit: %q, %v", text, err)
	}
	if got := totals(); got.TotalOperations != 3 || got.FailedOperations != 3 || got.RetryAttempts == 0 {
		t.Errorf("%+v", got)
	}
}

// TestRedisNilIsAnAnswer, in a command as in an error.
func TestRedisNilIsAnAnswer(t *testing.T) {
	client, totals := wrap(t, cache(t, "127.0.0.1:6379"), retry(3))
	if err := client.Set(t.Context(), "clad:test:proxies", "value", time.Minute).Err(); err != nil {
		if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if text, err := client.Get(t.Context(), "clad:test:proxies").Result(); text != "value" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := client.Get(t.Context(), "clad:test:nothing").Err(); err != redis.Nil { //nolint:errorlint // as it was
		t.Errorf("got %v", err)
	}
	if got := totals(); got.SuccessfulOperations != 3 || got.Answered != 1 || got.RetryAttempts != 0 {
		t.Errorf("%+v", got)
	}
}
