package cladredis_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// limited is an instance that calls under a shared limit.
type limited struct {
	t       testing.TB
	o       *container.Orchestrator
	run     policy.Runner
	limiter *container.RateLimiter
}

func newLimited(t testing.TB, store container.Store, rate float64, burst int, opts ...container.Option) *limited {
	t.Helper()
	c := policy.Catalog{
		RateLimiters: map[string]policy.RateLimit{"api": {RequestsPerSecond: rate, Burst: burst, Shared: true}},
		Policies:     map[string]policy.Policy{"p": policy.RateLimit{Name: "api"}},
	}
	o, err := container.NewOrchestrator(c, append(opts, container.WithStore(store))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	run, err := o.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	l, _ := o.RateLimiter("api")
	return &limited{t, o, run, l}
}

// call reports whether a call passed. Nothing but the limit may refuse it.
func (l *limited) call() bool {
	err := l.run.Run(background, func(context.Context) error { return nil })
	if err != nil && !errors.Is(err, policy.ErrRateLimited) {
		l.t.Error(err)
	}
	return err == nil
}

// commands is how many of each a server has been sent, by whomever.
func commands(t testing.TB, client *redis.Client) map[string]int {
	t.Helper()
	info, err := client.Info(background, "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]int)
	for line := range strings.SplitSeq(info, "\r\n") {
		if stats, ok := strings.CutPrefix(line, "cmdstat_"); ok {
			name, calls, _ := strings.Cut(stats, ":calls=")
			calls, _, _ = strings.Cut(calls, ",")
			all[name], _ = strconv.Atoi(calls)
		}
	}
	return all
}

// fairly has something measured that a busy machine may spoil: once in three times is
// to be well.
func fairly(t testing.TB, what string, measure func() (got float64, well bool)) {
	t.Helper()
	var all []float64
	for range 3 {
		got, well := measure()
		if all = append(all, got); well {
			return
		}
	}
	t.Errorf("%s: %v", what, all)
}
