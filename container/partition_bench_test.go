package container_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// How long it takes to find a partition, of one key for each goroutine, beside what the
// call takes without: go test -bench Partitions -cpu 1,2.
func BenchmarkPartitions(b *testing.B) {
	for _, tt := range []struct {
		name string
		opts []container.TagOption
	}{{"none", nil}, {"by context", []container.TagOption{container.Partition(tenant)}}} {
		b.Run(tt.name, func(b *testing.B) {
			catalog := rates(policy.CircuitBreaker{})
			var e exchanger
			app := fx.New(fx.NopLogger, fx.Provide(
				func() (*container.Orchestrator, error) { return container.NewOrchestrator(catalog) },
				container.NamedValues(catalog),
				container.Tag(func() exchanger { return &steady{} }, "rates", tt.opts...),
			), fx.Populate(&e))
			if err := app.Err(); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				ctx := context.WithValue(b.Context(), tenantKey{}, "tenant-"+strconv.FormatInt(n.Add(1), 10))
				for p.Next() {
					_, _ = e.Rate(ctx, "EUR")
				}
			})
		})
	}
}

// steady has no state that callers would meet at.
type steady struct{ desk }

func (*steady) Rate(context.Context, string) (float64, error) { return 1, nil }
