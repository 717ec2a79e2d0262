package cladotel_test

import (
	"context"
	"runtime/debug"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// call is an operation that succeeds at once, under a retry, a breaker and a timeout.
func call(tb testing.TB, opts ...container.Option) func() {
	tb.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{}, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(o.Close)
	r, err := o.For("payments.Gateway.Charge", policy.Combine(policy.Retry{}, policy.CircuitBreaker{}))
	if err != nil {
		tb.Fatal(err)
	}
	ctx := context.Background()
	works := func(context.Context) error { return nil }
	return func() { _ = r.Run(ctx, works) }
}

// metered is a meter provider that somebody collects from.
func metered(tb testing.TB) (opt cladotel.Option, collect func()) {
	reader := sdkmetric.NewManualReader()
	var all metricdata.ResourceMetrics
	return cladotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), func() {
		if err := reader.Collect(context.Background(), &all); err != nil {
			tb.Fatal(err)
		}
	}
}

// byHand measures a call as otelhttp does, with what is known of the operation made
// once: a counter of what is under way, a counter of what has ended, a duration.
func byHand(tb testing.TB) func() {
	tb.Helper()
	m := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())).Meter("by hand")
	duration, err := m.Float64Histogram("duration", metric.WithUnit("s"))
	if err != nil {
		tb.Fatal(err)
	}
	attempt, _ := m.Float64Histogram("attempt", metric.WithUnit("s"))
	active, _ := m.Int64UpDownCounter("active")
	ended, _ := m.Int64Counter("ended")
	operation := attribute.String("operation", "payments.Gateway.Charge")
	with := metric.WithAttributeSet(attribute.NewSet(operation, attribute.String("outcome", "succeeded")))
	of := metric.WithAttributeSet(attribute.NewSet(operation))
	add, addEnded, record, recordAttempt := []metric.AddOption{of}, []metric.AddOption{with}, []metric.RecordOption{with}, []metric.RecordOption{of}
	ctx, plain := context.Background(), call(tb)
	return func() {
		start := time.Now()
		active.Add(ctx, 1, add...)
		plain()
		took := time.Since(start).Seconds()
		duration.Record(ctx, took, record...)
		attempt.Record(ctx, took, recordAttempt...)
		ended.Add(ctx, 1, addEnded...)
		active.Add(ctx, -1, add...)
	}
}

// spannedByHand makes a span around a call, as otelhttp does.
func spannedByHand(tb testing.TB) func() {
	tb.Helper()
	tracer := sdktrace.NewTracerProvider().Tracer("by hand")
	measured := byHand(tb)
	return func() {
		_, span := tracer.Start(context.Background(), "payments.Gateway.Charge")
		measured()
		span.SetStatus(codes.Ok, "")
		span.End()
	}
}

// What telemetry adds to a call: "off" is what a call costs without it, "clock" is
// one time.Now. What a collection takes, now and then and in another goroutine, is
// "metrics with collecting".
func BenchmarkCall(b *testing.B) {
	const seldom = 50_000 // calls
	opt, collect := metered(b)
	metrics := call(b, cladotel.Observe(opt))
	traced, _ := metered(b)
	for _, bench := range []struct {
		name    string
		call    func()
		collect func()
		timed   bool
	}{
		{"clock", func() { _ = time.Now() }, nil, false},
		{"off", call(b), nil, false},
		{"metrics", metrics, collect, false},
		{"metrics with collecting", metrics, collect, true},
		{"metrics by hand", byHand(b), nil, false},
		{"spans", call(b, cladotel.Observe(traced, cladotel.WithTracerProvider(sdktrace.NewTracerProvider()))), nil, false},
		{"spans by hand", spannedByHand(b), nil, false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			calls := 0
			for b.Loop() {
				bench.call()
				if calls++; calls%seldom == 0 && bench.collect != nil {
					if !bench.timed {
						b.StopTimer()
					}
					bench.collect()
					if !bench.timed {
						b.StartTimer()
					}
				}
			}
		})
	}
}

func TestMetricsAllocateNothing(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" && s.Value == "true" {
				t.Skip("the race detector allocates")
			}
		}
	}
	opt, _ := metered(t)
	charge := call(t, cladotel.Observe(opt))
	if got := testing.AllocsPerRun(1000, charge); got != 0 {
		t.Errorf("%v allocations a call", got)
	}
}
