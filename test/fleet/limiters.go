package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/goredisstore.v9"
)

// Allow asks a limiter, whose error says that it could not tell.
type Allow func(ctx context.Context) (ok bool, err error)

// Limiters are the libraries, by name: each makes a limiter of a rate and a burst, and
// what ends it.
var Limiters = []struct {
	Name string
	Make func(client *redis.Client, rate, burst int) (Allow, func(), error)
}{
	{"clad, shared", func(c *redis.Client, rate, burst int) (Allow, func(), error) { return clad(c, rate, burst, false) }},
	{"clad, shared exactly", func(c *redis.Client, rate, burst int) (Allow, func(), error) { return clad(c, rate, burst, true) }},
	{"go-redis/redis_rate", redisRate},
	{"throttled", throttle},
}

func clad(client *redis.Client, rate, burst int, exact bool) (Allow, func(), error) {
	o, err := container.NewOrchestrator(policy.Catalog{
		RateLimiters: map[string]policy.RateLimit{"api": {RequestsPerSecond: float64(rate), Burst: burst, Shared: true, Exact: exact}},
		Policies:     map[string]policy.Policy{"p": policy.RateLimit{Name: "api"}},
	}, container.WithStore(cladredis.NewStore(client)), container.WithFleet(8))
	if err != nil {
		return nil, nil, err
	}
	run, err := o.Pipeline("p")
	if err != nil {
		return nil, nil, err
	}
	nothing := func(context.Context) error { return nil }
	return func(ctx context.Context) (bool, error) {
		err := run.Run(ctx, nothing)
		if errors.Is(err, policy.ErrRateLimited) {
			return false, nil
		}
		return err == nil, err
	}, o.Close, nil
}

func redisRate(client *redis.Client, rate, burst int) (Allow, func(), error) {
	l := redis_rate.NewLimiter(client)
	limit := redis_rate.Limit{Rate: rate, Burst: burst, Period: time.Second}
	return func(ctx context.Context) (bool, error) {
		got, err := l.Allow(ctx, "api", limit)
		return err == nil && got.Allowed > 0, err
	}, func() {}, nil
}

func throttle(client *redis.Client, rate, burst int) (Allow, func(), error) {
	store, err := goredisstore.NewCtx(client, "throttled:")
	if err != nil {
		return nil, nil, err
	}
	l, err := throttled.NewGCRARateLimiterCtx(store, throttled.RateQuota{MaxRate: throttled.PerSec(rate), MaxBurst: burst - 1})
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) (bool, error) {
		limited, _, err := l.RateLimitCtx(ctx, "api", 1)
		return err == nil && !limited, err
	}, func() {}, nil
}
