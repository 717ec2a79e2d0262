package container_test

import (
	"context"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// What a dry run costs a call that succeeds: nothing where there is none.
func BenchmarkDryRun(b *testing.B) {
	p := policy.Combine(policy.Timeout(time.Minute), policy.Retry{MaxAttempts: 3}, policy.RateLimit{RequestsPerSecond: 1e9, Burst: 1e9}, policy.CircuitBreaker{}, policy.Timeout(time.Second))
	for _, on := range []bool{false, true} {
		b.Run(map[bool]string{false: "off", true: "on"}[on], func(b *testing.B) {
			c := policy.Catalog{Policies: map[string]policy.Policy{"bank": p}}
			o, err := container.NewOrchestrator(c)
			if err != nil {
				b.Fatal(err)
			}
			if on {
				if err := o.SetShadow("candidate", c); err != nil {
					b.Fatal(err)
				}
			}
			runner, _ := o.Pipeline("bank")
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if err := runner.Run(ctx, func(context.Context) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
