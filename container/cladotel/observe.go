package cladotel

import (
	"context"

	"github.com/cladgo/clad/container"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation.
const scope = "github.com/cladgo/clad/container/cladotel"

// DefaultMaxNames is how many operations, circuit breakers, rate limiters and
// bulkheads have series of their own, without [WithMaxNames]: with it no metric has more than the
// 2000 series to which the SDK limits them.
const DefaultMaxNames = 400

// Option changes what [Observe] does.
type Option interface{ apply(*options) }

type options struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
	names   int
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithMeterProvider takes another meter provider than otel's global one.
func WithMeterProvider(p metric.MeterProvider) Option {
	return optionFunc(func(o *options) { o.meters = p })
}

// WithTracerProvider takes another tracer provider than otel's global one. Without
// it there are spans from when the program sets that, and nothing is paid before.
func WithTracerProvider(p trace.TracerProvider) Option {
	return optionFunc(func(o *options) { o.tracers = p })
}

// WithMaxNames sets how many operations, circuit breakers, rate limiters and bulkheads,
// n of each, have series of their own; below 1 it is [DefaultMaxNames]. Those that come
// later are counted together as "_OTHER"; further rate limiters and bulkheads are
// left out. Names
// of operations are bounded by container.WithMaxOperations, to more than a metric
// should have series.
func WithMaxNames(n int) Option {
	return optionFunc(func(o *options) {
		if n >= 1 {
			o.names = n
		}
	})
}

// Observe has an orchestrator's operations, circuit breakers, rate limiters,
// bulkheads and reloads seen as metrics, and its operations as spans, which the contexts of their
// attempts carry. It ends with [container.Orchestrator.Close]. Each orchestrator
// takes one of its own.
//
// Instruments that the meter provider refuses are told to otel's error handler.
func Observe(opts ...Option) container.Option {
	settings := options{names: DefaultMaxNames}
	for _, opt := range opts {
		opt.apply(&settings)
	}
	if settings.meters == nil {
		settings.meters = otel.GetMeterProvider()
	}
	m := newMeter(settings)
	t := newTracer(settings.tracers, m.operations)
	return container.Options(
		container.OnBegin(t.begin),
		container.OnEvent(func(ctx context.Context, e container.Event) {
			m.event(ctx, e)
			t.event(ctx, e)
		}),
		container.OnCompleted(func(ctx context.Context, done container.Completed) {
			m.completed(ctx, done) // while the span is still there
			t.completed(ctx, done)
		}),
		container.Attach(m.attach),
	)
}
