package cladotel

import (
	"context"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"github.com/cladgo/clad/internal/printable"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracer makes a span of each operation.
type tracer struct {
	operations *names[*operation]

	given atomic.Pointer[trace.Tracer]
	unset reflect.Type // of the global provider while nobody has set one
}

func newTracer(p trace.TracerProvider, operations *names[*operation]) *tracer {
	t := &tracer{operations: operations}
	if p != nil {
		t.take(p)
		return t
	}
	// That of otel itself starts spans for nothing, which cost as much as real ones
	// that are not sampled. It is known by where it is from.
	global := reflect.TypeOf(otel.GetTracerProvider())
	if global.Kind() == reflect.Pointer && strings.HasPrefix(global.Elem().PkgPath(), "go.opentelemetry.io/otel/internal/") {
		t.unset = global
	}
	return t
}

func (t *tracer) take(p trace.TracerProvider) trace.Tracer {
	made := p.Tracer(scope)
	t.given.Store(&made)
	return made
}

// tracer returns the tracer, or nil while there is none. Once there is one it
// stays: an operation must not end the span of another around it, for want of one
// of its own.
func (t *tracer) tracer() trace.Tracer {
	if known := t.given.Load(); known != nil {
		return *known
	}
	global := otel.GetTracerProvider()
	if reflect.TypeOf(global) == t.unset {
		return nil
	}
	return t.take(global)
}

// spanKey is that of an operation's span in its context. The one that OpenTelemetry
// finds there may be another's.
type spanKey struct{}

func (t *tracer) begin(ctx context.Context, operation string) context.Context {
	tracer := t.tracer()
	if tracer == nil {
		return ctx
	}
	o := t.operations.of(operation)
	if o.label == other { // spans may have more names than metrics
		o = newOperation(labelOf(operation))
	}
	ctx, span := tracer.Start(ctx, o.label, o.span...)
	return context.WithValue(ctx, spanKey{}, span)
}

// spanIn returns the operation's span, where it is recorded.
func (t *tracer) spanIn(ctx context.Context) trace.Span {
	if t.given.Load() == nil {
		return nil
	}
	span, _ := ctx.Value(spanKey{}).(trace.Span)
	if span == nil || !span.IsRecording() {
		return nil
	}
	return span
}

func (t *tracer) event(ctx context.Context, event container.Event) {
	span := t.spanIn(ctx)
	if span == nil {
		return
	}
	add := func(name string, about ...attribute.KeyValue) { span.AddEvent(name, trace.WithAttributes(about...)) }
	switch e := event.(type) {
	case container.AttemptFailed:
		add("attempt failed", attribute.Int("attempt", e.Attempt), attribute.String("verdict", e.Verdict.String()),
			seconds("took", e.Took), text("error", e.Err))
	case container.Retrying:
		add("waiting for retry", attribute.Int("attempt", e.Attempt), attribute.Int("of", e.Of), seconds("wait", e.After))
	case container.HedgeStarted:
		add("hedging", attribute.Int("attempt", e.Attempt), seconds("after", e.After))
	case container.HedgeWon:
		add("hedge won", attribute.Int("attempt", e.Attempt))
	case container.Waited:
		what, by := "waited for rate limiter", metrics.Limiter
		if e.Reason == container.BulkheadFull {
			what, by = "waited for bulkhead", metrics.Bulkhead
		}
		add(what, attribute.String(by, labelOf(e.Name)), seconds("wait", e.For))
	case container.Rejected:
		by := metrics.Breaker
		switch e.Reason {
		case container.RateLimited:
			by = metrics.Limiter
		case container.BulkheadFull:
			by = metrics.Bulkhead
		case container.RetryBudget:
			by = "dependency"
		case container.CircuitOpen:
		}
		add("rejected", attribute.String(metrics.Reason, string(e.Reason)), attribute.String(by, labelOf(e.Name)),
			seconds("retry_after", e.RetryAfter))
	case container.TimedOut:
		add("timed out", seconds("after", e.After))
	case container.Overrun:
		add("overran", seconds("late", e.Late))
	case container.Tripped:
		add("tripped circuit breaker", attribute.String(metrics.Breaker, labelOf(e.Name)), text("error", e.Err), attribute.Bool("slow", e.Slow))
	case container.Probed:
		add("probed circuit breaker", attribute.String(metrics.Breaker, labelOf(e.Name)), attribute.String(metrics.State, e.State.String()))
	}
}

func (t *tracer) completed(ctx context.Context, done container.Completed) {
	if t.given.Load() == nil {
		return
	}
	span, _ := ctx.Value(spanKey{}).(trace.Span)
	if span == nil {
		return
	}
	if span.IsRecording() {
		how := outcomeOf(done)
		span.SetAttributes(outcomeAttributes[how], attribute.Int("attempts", done.Attempts))
		switch {
		case how != failed:
		case done.Panicked:
			span.SetStatus(codes.Error, "panicked")
		default:
			span.SetStatus(codes.Error, printable.Text(done.Err.Error()))
		}
	}
	span.End()
}

var outcomeAttributes = func() (all [outcomes]attribute.KeyValue) {
	for o := range all {
		all[o] = attribute.String(metrics.Outcome, outcome(o).String())
	}
	return all
}()

func seconds(key string, d time.Duration) attribute.KeyValue {
	return attribute.Float64(key+"_s", d.Seconds())
}

func text(key string, err error) attribute.KeyValue {
	if err == nil {
		return attribute.String(key, "panicked")
	}
	return attribute.String(key, printable.Text(err.Error()))
}
