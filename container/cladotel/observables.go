package cladotel

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// attach has an orchestrator read whenever somebody collects, until it is closed.
func (m *meter) attach(o *container.Orchestrator) (detach func()) {
	i, err := newInstruments(m.meter)
	if err != nil {
		otel.Handle(err)
	}
	registration, err := m.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		m.flush() // an SDK asks observables first
		m.observeOperations(o, i, to)
		m.observeBreakers(o, i, to)
		m.observeLimiters(o, i, to)
		m.observeBulkheads(o, i, to)
		m.observeShadow(o, i.shadow, to)
		to.ObserveInt64(i.reloads, m.reloads[0].Load(), attributes(metrics.Outcome, failed.String()))
		to.ObserveInt64(i.reloads, m.reloads[1].Load(), attributes(metrics.Outcome, succeeded.String()))
		return nil
	}, i.all...)
	if err != nil {
		otel.Handle(err)
		return nil
	}
	return func() {
		m.flush()
		if err := registration.Unregister(); err != nil {
			otel.Handle(err)
		}
	}
}

// instruments are those that are read when somebody collects.
type instruments struct {
	operations, retries, hedges, rejections, shed, timeouts, overruns, fallbacks, stale, chaos metric.Int64ObservableCounter
	transitions, reloads                                                                       metric.Int64ObservableCounter
	active                                                                                     metric.Int64ObservableUpDownCounter
	state, inUse, waiting, permits, instances, alone                                           metric.Int64ObservableGauge
	tokens, limit, age                                                                         metric.Float64ObservableGauge
	shadow                                                                                     shadowed

	all []metric.Observable
}

func newInstruments(from metric.Meter) (i instruments, err error) {
	about := func(d metrics.Metric) (string, metric.InstrumentOption, metric.InstrumentOption) {
		return d.Name, metric.WithUnit(d.Unit), metric.WithDescription(d.Description)
	}
	var errs []error
	keep := func(made metric.Observable, err error) {
		i.all = append(i.all, made)
		errs = append(errs, err)
	}
	for _, c := range []struct {
		to *metric.Int64ObservableCounter
		d  metrics.Metric
	}{
		{&i.operations, metrics.Operations},
		{&i.retries, metrics.Retries},
		{&i.hedges, metrics.Hedges},
		{&i.rejections, metrics.Rejections},
		{&i.shed, metrics.Shed},
		{&i.timeouts, metrics.Timeouts},
		{&i.overruns, metrics.Overruns},
		{&i.fallbacks, metrics.Fallbacks},
		{&i.stale, metrics.Stale},
		{&i.chaos, metrics.Chaos},
		{&i.transitions, metrics.Transitions},
		{&i.reloads, metrics.Reloads},
		{&i.shadow.trips, metrics.ShadowTrips},
		{&i.shadow.rejections, metrics.ShadowRejections},
		{&i.shadow.retries, metrics.ShadowRetries},
		{&i.shadow.timeouts, metrics.ShadowTimeouts},
	} {
		name, unit, description := about(c.d)
		*c.to, err = from.Int64ObservableCounter(name, unit, description)
		keep(*c.to, err)
	}
	for _, g := range []struct {
		to *metric.Float64ObservableGauge
		d  metrics.Metric
	}{
		{&i.tokens, metrics.LimiterTokens},
		{&i.limit, metrics.LimiterLimit},
		{&i.age, metrics.SharedAge},
	} {
		name, unit, description := about(g.d)
		*g.to, err = from.Float64ObservableGauge(name, unit, description)
		keep(*g.to, err)
	}
	name, unit, description := about(metrics.Active)
	i.active, err = from.Int64ObservableUpDownCounter(name, unit, description)
	keep(i.active, err)
	for _, g := range []struct {
		to *metric.Int64ObservableGauge
		d  metrics.Metric
	}{
		{&i.state, metrics.BreakerState},
		{&i.inUse, metrics.BulkheadInUse},
		{&i.waiting, metrics.BulkheadWaiting},
		{&i.permits, metrics.BulkheadLimit},
		{&i.instances, metrics.SharedInstances},
		{&i.alone, metrics.SharedAlone},
	} {
		name, unit, description := about(g.d)
		*g.to, err = from.Int64ObservableGauge(name, unit, description)
		keep(*g.to, err)
	}
	return i, errors.Join(errs...)
}

// observed is what is shown of the operations of a label.
type observed struct {
	policy.Totals
	active uint64
}

func (m *meter) observeOperations(o *container.Orchestrator, i instruments, to metric.Observer) {
	all := o.Metrics()
	byLabel := make(map[string]*observed, len(all.Operations))
	of := func(label string) *observed {
		if byLabel[label] == nil {
			byLabel[label] = &observed{}
		}
		return byLabel[label]
	}
	// What no operation has, those had that are forgotten.
	forgotten := all.Totals
	for id, t := range all.Operations {
		add(&of(m.operations.of(id).label).Totals, t, 1)
		add(&forgotten, t, -1)
	}
	if forgotten.TotalOperations > 0 {
		add(&of(other).Totals, forgotten, 1)
	}
	for id, n := range o.Active() {
		of(m.operations.of(id).label).active += n
	}
	for label, t := range byLabel {
		observe := func(i metric.Int64Observable, n uint64, more ...string) {
			to.ObserveInt64(i, int64(n), attributes(append([]string{metrics.Operation, label}, more...)...))
		}
		for is, n := range map[outcome]uint64{
			succeeded: t.SuccessfulOperations - t.Answered, answered: t.Answered,
			failed: t.FailedOperations - t.Cancelled, cancelled: t.Cancelled,
		} {
			observe(i.operations, n, metrics.Outcome, is.String())
		}
		observe(i.active, t.active)
		observe(i.retries, t.RetryAttempts)
		observe(i.hedges, t.HedgesWon, metrics.Result, "won")
		observe(i.hedges, t.Hedges-t.HedgesWon, metrics.Result, "lost")
		observe(i.shed, t.Shed)
		observe(i.timeouts, t.TimeoutCount)
		observe(i.overruns, t.Overruns)
		observe(i.fallbacks, t.Fallbacks)
		observe(i.stale, t.Stale)
		observe(i.chaos, t.Chaos)
		observe(i.rejections, t.CircuitBreakerRejections, metrics.Reason, string(container.CircuitOpen))
		observe(i.rejections, t.RateLimitHits, metrics.Reason, string(container.RateLimited))
		observe(i.rejections, t.BulkheadRejections, metrics.Reason, string(container.BulkheadFull))
		observe(i.rejections, t.RetryBudgetHits, metrics.Reason, string(container.RetryBudget))
	}
}

// add adds t to a sum n times: once, or to take it off, -1 times.
func add(sum *policy.Totals, t policy.Totals, n int64) {
	times := uint64(n) // wraps around, and back again
	sum.TotalOperations += times * t.TotalOperations
	sum.SuccessfulOperations += times * t.SuccessfulOperations
	sum.Answered += times * t.Answered
	sum.FailedOperations += times * t.FailedOperations
	sum.Cancelled += times * t.Cancelled
	sum.RetryAttempts += times * t.RetryAttempts
	sum.Hedges += times * t.Hedges
	sum.HedgesWon += times * t.HedgesWon
	sum.CircuitBreakerRejections += times * t.CircuitBreakerRejections
	sum.RateLimitHits += times * t.RateLimitHits
	sum.BulkheadRejections += times * t.BulkheadRejections
	sum.Shed += times * t.Shed
	sum.RetryBudgetHits += times * t.RetryBudgetHits
	sum.TimeoutCount += times * t.TimeoutCount
	sum.Overruns += times * t.Overruns
	sum.Fallbacks += times * t.Fallbacks
	sum.Stale += times * t.Stale
	sum.Chaos += times * t.Chaos
}

var states = []policy.State{policy.StateClosed, policy.StateHalfOpen, policy.StateOpen}

func (m *meter) observeBreakers(o *container.Orchestrator, i instruments, to metric.Observer) {
	in := make(map[*breaker]*[len(breaker{}.to)]int64)
	for _, b := range o.CircuitBreakers() {
		known := m.breakers.of(cmp.Or(b.PartitionOf(), b.Name()))
		if in[known] == nil {
			in[known] = new([len(breaker{}.to)]int64)
		}
		in[known][b.State()]++
		if known.label != other {
			observeSharing(b, metrics.Values[metrics.SharedKind][0], known.label, i, to)
		}
	}
	for known, now := range in {
		for _, s := range states {
			with := attributes(metrics.Breaker, known.label, metrics.State, s.String())
			to.ObserveInt64(i.state, now[s], with)
			to.ObserveInt64(i.transitions, known.to[s].Load(), with)
		}
	}
}

func (m *meter) observeLimiters(o *container.Orchestrator, i instruments, to metric.Observer) {
	for _, l := range o.RateLimiters() {
		if l.PartitionOf() != "" {
			continue // there may be any number
		}
		label := m.limiters.of(l.Name())
		if label == other {
			continue // a sum of them would say nothing
		}
		with := attributes(metrics.Limiter, label)
		to.ObserveFloat64(i.tokens, l.Tokens(), with)
		to.ObserveFloat64(i.limit, l.Limit().Average(), with)
		observeSharing(l, metrics.Values[metrics.SharedKind][1], label, i, to)
	}
}

// observeSharing shows what is known of the fleet that shares something, if one does.
func observeSharing(what interface {
	Sharing() (container.Sharing, bool)
}, kind, label string, i instruments, to metric.Observer,
) {
	known, ok := what.Sharing()
	if !ok {
		return
	}
	with := attributes(metrics.SharedKind, kind, metrics.SharedName, label)
	to.ObserveInt64(i.instances, int64(known.Instances), with)
	alone := int64(0)
	if known.Alone {
		alone = 1
	}
	to.ObserveInt64(i.alone, alone, with)
	if !known.Heard.IsZero() {
		to.ObserveFloat64(i.age, time.Since(known.Heard).Seconds(), with)
	}
}

func (m *meter) observeBulkheads(o *container.Orchestrator, i instruments, to metric.Observer) {
	for _, b := range o.Bulkheads() {
		if b.PartitionOf() != "" {
			continue // as above
		}
		label := m.bulkheads.of(b.Name())
		if label == other {
			continue // as above
		}
		with, status := attributes(metrics.Bulkhead, label), b.Status()
		to.ObserveInt64(i.inUse, int64(status.InUse), with)
		to.ObserveInt64(i.waiting, int64(status.Waiting), with)
		to.ObserveInt64(i.permits, int64(b.Limit().MaxConcurrent), with)
	}
}
