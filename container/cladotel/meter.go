package cladotel

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// outcome says how an operation ended, as metrics.Values spells it.
type outcome int

const (
	succeeded outcome = iota
	answered
	failed
	cancelled
	outcomes
)

func outcomeOf(done container.Completed) outcome {
	switch {
	case done.Cancelled:
		return cancelled
	case done.Panicked:
		return failed
	case done.Err == nil:
		return succeeded
	case done.Verdict == policy.Answered:
		return answered
	default:
		return failed
	}
}

func (o outcome) String() string { return metrics.Values[metrics.Outcome][o] }

// operation is what is recorded of one, with its attributes made once.
type operation struct {
	label    string
	attempts durations
	ended    [outcomes]durations
	span     []trace.SpanStartOption
}

func newOperation(label string) *operation {
	return &operation{
		label: label,
		span:  []trace.SpanStartOption{trace.WithAttributes(attribute.String(metrics.Operation, label))},
	}
}

func (m *meter) newOperation(label string) *operation {
	o := newOperation(label)
	o.attempts = durations{histogram: m.attempt, with: []metric.RecordOption{attributes(metrics.Operation, label)}}
	for i := range o.ended {
		o.ended[i].histogram = m.operation
		o.ended[i].with = []metric.RecordOption{attributes(metrics.Operation, label, metrics.Outcome, outcome(i).String())}
	}
	return o
}

func attributes(keysAndValues ...string) metric.MeasurementOption {
	var all []attribute.KeyValue
	for pair := range slices.Chunk(keysAndValues, 2) {
		all = append(all, attribute.String(pair[0], pair[1]))
	}
	return metric.WithAttributeSet(attribute.NewSet(all...))
}

// breaker counts the changes of a circuit breaker, to each state.
type breaker struct {
	label string
	to    [policy.StateOpen + 1]atomic.Int64
}

// meter records what happens, and shows what the orchestrator knows.
type meter struct {
	meter      metric.Meter
	operations *names[*operation]
	breakers   *names[*breaker]
	limiters   *names[string]
	bulkheads  *names[string]
	reloads    [2]atomic.Int64 // that failed, and that succeeded
	operation  metric.Float64Histogram
	attempt    metric.Float64Histogram
}

func newMeter(o options) *meter {
	m := &meter{
		meter:     o.meters.Meter(scope),
		breakers:  newNames(o.names, func(label string) *breaker { return &breaker{label: label} }),
		limiters:  newNames(o.names, func(label string) string { return label }),
		bulkheads: newNames(o.names, func(label string) string { return label }),
	}
	m.operations = newNames(o.names, m.newOperation)
	m.operation = m.histogram(metrics.OperationDuration)
	m.attempt = m.histogram(metrics.AttemptDuration)
	return m
}

func (m *meter) histogram(d metrics.Metric) metric.Float64Histogram {
	h, err := m.meter.Float64Histogram(d.Name, metric.WithUnit(d.Unit), metric.WithDescription(d.Description),
		metric.WithExplicitBucketBoundaries(metrics.Boundaries...))
	if err != nil {
		otel.Handle(err)
	}
	return h
}

// completed records how long an operation took, and the attempt with which it
// ended; one that failed was told of before.
func (m *meter) completed(ctx context.Context, done container.Completed) {
	o := m.operations.of(done.Operation)
	o.ended[outcomeOf(done)].record(ctx, done.Duration)
	if done.Err == nil && done.Attempts > 0 {
		o.attempts.record(ctx, done.LastTook)
	}
}

// flush has the histograms take what was kept for them.
func (m *meter) flush() {
	for o := range m.operations.all {
		o.attempts.flush()
		for i := range o.ended {
			o.ended[i].flush()
		}
	}
}

func (m *meter) event(ctx context.Context, event container.Event) {
	switch e := event.(type) {
	case container.AttemptFailed:
		m.operations.of(e.Operation).attempts.record(ctx, e.Took)
	case container.Transition:
		if to := m.breakers.of(cmp.Or(e.PartitionOf, e.Name)); int(e.To) < len(to.to) {
			to.to[e.To].Add(1)
		}
	case container.Reloaded:
		if e.Err != nil {
			m.reloads[0].Add(1)
		} else {
			m.reloads[1].Add(1)
		}
	}
}
