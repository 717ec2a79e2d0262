package cladotel_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func traced() (*tracetest.SpanRecorder, *sdk.TracerProvider) {
	spans := tracetest.NewSpanRecorder()
	return spans, sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
}

// events writes a span's events down, one line each.
func events(span sdk.ReadOnlySpan) (lines []string) {
	for _, e := range span.Events() {
		line := e.Name
		for _, kv := range e.Attributes {
			line += fmt.Sprintf(" %s=%s", kv.Key, kv.Value.Emit())
		}
		lines = append(lines, line)
	}
	return lines
}

func attributeOf(span sdk.ReadOnlySpan, key string) string {
	for _, kv := range span.Attributes() {
		if string(kv.Key) == key {
			return kv.Value.Emit()
		}
	}
	return ""
}

func TestASpanTellsWhatHappenedToAnOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans, provider := traced()
		o := observe(t, policy.Catalog{}, cladotel.WithTracerProvider(provider))
		p := policy.Combine(
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)},
			policy.RateLimit{Name: "api", RequestsPerSecond: 0.5, Burst: 1, MaxWait: time.Minute},
			policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour})
		o.run(t.Context(), "charge", p, errDown, errDown, errDown)
		span := spans.Ended()[0]
		want := []string{
			"attempt failed attempt=1 verdict=unknown took_s=0 error=the dependency is down",
			"waiting for retry attempt=2 of=3 wait_s=1",
			"waited for rate limiter limiter=api wait_s=1.000000001",
			"attempt failed attempt=2 verdict=unknown took_s=0 error=the dependency is down",
			"tripped circuit breaker breaker=charge error=the dependency is down slow=false",
			"waiting for retry attempt=3 of=3 wait_s=1",
			"waited for rate limiter limiter=api wait_s=1.000000001",
			"rejected reason=circuit_open breaker=charge retry_after_s=3597.999999999",
		}
		if got := events(span); !slices.Equal(got, want) {
			t.Errorf("events:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		if span.Name() != "charge" || attributeOf(span, "operation") != "charge" || attributeOf(span, "outcome") != "failed" ||
			attributeOf(span, "attempts") != "2" || span.Status().Code != codes.Error {
			t.Errorf("span %q: %v, %v", span.Name(), span.Attributes(), span.Status())
		}
		time.Sleep(time.Hour)
		o.run(t.Context(), "charge", p)
		span = spans.Ended()[1]
		if got := events(span); !slices.Equal(got, []string{"probed circuit breaker breaker=charge state=half-open"}) || span.Status().Code != codes.Unset {
			t.Errorf("events %q, status %v", got, span.Status())
		}
	})
}

func TestTheCalleesContextCarriesTheSpan(t *testing.T) {
	spans, provider := traced()
	o := observe(t, policy.Catalog{}, cladotel.WithTracerProvider(provider))
	outer, _ := o.For("outer", policy.Combine(policy.Retry{}, policy.Timeout(time.Minute)))
	inner, _ := o.For("inner", policy.Retry{MaxAttempts: 1})
	ctx, request := provider.Tracer("test").Start(t.Context(), "request")
	_ = outer.Run(ctx, func(ctx context.Context) error {
		return inner.Run(ctx, func(ctx context.Context) error {
			_, span := provider.Tracer("test").Start(ctx, "call")
			span.End()
			return errDown
		})
	})
	request.End()
	var chain []string
	parents := map[string]string{}
	for _, s := range spans.Ended() {
		for _, parent := range spans.Ended() {
			if s.Parent().SpanID() == parent.SpanContext().SpanID() {
				parents[s.Name()] = parent.Name()
			}
		}
	}
	for name := "call"; name != ""; name = parents[name] {
		chain = append(chain, name)
	}
	// The outer one has retried the inner: three spans of each within it.
	if got := strings.Join(chain, "<"); got != "call<inner<outer<request" || len(spans.Ended()) != 8 {
		t.Errorf("%s; %d spans", got, len(spans.Ended()))
	}
}

// Whatever happens to an operation, its span ends, and no other.
func TestEverySpanEndsOnce(t *testing.T) {
	spans, provider := traced()
	o := observe(t, policy.Catalog{}, cladotel.WithTracerProvider(provider))
	r, _ := o.For("op", policy.Combine(policy.Timeout(time.Minute), policy.CircuitBreaker{}))
	ctx, request := provider.Tracer("test").Start(t.Context(), "request")
	gone, leave := context.WithCancel(ctx)
	leave()
	_ = r.Run(gone, func(context.Context) error { return nil })
	func() {
		defer func() { _ = recover() }()
		_ = r.Run(ctx, func(context.Context) error { panic("boom") })
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run(ctx, func(context.Context) error { runtime.Goexit(); return nil })
	}()
	_ = r.Run(ctx, func(context.Context) error { return policy.Answer(errDown) })
	<-ended
	if !request.IsRecording() {
		t.Error("the span of the request was ended")
	}
	request.End()
	started, endedSpans := len(spans.Started()), len(spans.Ended())
	if started != endedSpans {
		t.Errorf("%d spans started, %d ended", started, endedSpans)
	}
}

func TestDurationsHaveExemplarsOfTheSpan(t *testing.T) {
	spans, provider := traced()
	o := observe(t, policy.Catalog{}, cladotel.WithTracerProvider(provider))
	o.run(t.Context(), "op", policy.Retry{MaxAttempts: 1})
	span := spans.Ended()[0].SpanContext()
	for _, name := range []string{"clad.operation.duration", "clad.attempt.duration"} {
		id := span.SpanID()
		point := o.collect()[name].Data.(metricdata.Histogram[float64]).DataPoints[0]
		if len(point.Exemplars) != 1 || !slices.Equal(point.Exemplars[0].SpanID, id[:]) {
			t.Errorf("%s: exemplars %+v, want one of %v", name, point.Exemplars, id)
		}
	}
}

// The global providers count from when they are set, and cost nothing before. An
// operation that began before has no span, and does not end the one around it.
func TestGlobalProvidersMayComeLater(t *testing.T) {
	spans, provider := traced()
	reader := sdkmetric.NewManualReader()
	inner, err := container.NewOrchestrator(policy.Catalog{}, cladotel.Observe())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	o := &observed{inner, t, reader}
	r, _ := o.For("early", policy.Retry{MaxAttempts: 1})
	_ = r.Run(t.Context(), func(ctx context.Context) error {
		if trace.SpanFromContext(ctx).SpanContext().IsValid() || ctx != t.Context() {
			t.Error("there is a span of nobody")
		}
		otel.SetTracerProvider(provider)
		otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		o.run(ctx, "late", policy.Retry{MaxAttempts: 1})
		return errDown
	})
	if len(spans.Ended()) != 1 || spans.Ended()[0].Name() != "late" {
		t.Errorf("spans: %v", spans.Ended())
	}
	o.want("clad.operations", map[string]float64{
		"late,succeeded": 1, "late,answered": 0, "late,failed": 0, "late,cancelled": 0,
		"early,succeeded": 0, "early,answered": 0, "early,failed": 1, "early,cancelled": 0,
	})
}
