package console

import (
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// state builds what there is now, for nobody in particular.
func (c *console) state() State {
	health := c.o.Health()
	metrics, active := c.o.Metrics(), c.o.Active()
	s := State{
		At: time.Now(), Since: c.recorder.since, Ready: health.Ready,
		Services: []Service{}, Operations: []Operation{},
		CircuitBreakers: c.circuitBreakers(), RateLimiters: c.rateLimiters(), Bulkheads: c.bulkheads(),
		Totals: totalsOf(metrics.Totals), Profile: shownStatus(c.settings.profile().ProfileStatus), DryRun: c.settings.dryRun(),
	}
	s.Reloads = c.log.reloadsSoFar()
	byName := make(map[string]container.ServiceHealth, len(health.Services))
	for _, h := range health.Services {
		byName[h.Name] = h
	}
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	operation := func(id string) Operation {
		totals := metrics.Operations[id]
		delete(metrics.Operations, id)
		return Operation{ID: id, Active: active[id], Totals: totalsOf(totals), Recent: c.recorder.recent(id)}
	}
	for _, info := range c.o.Services() {
		h := byName[info.Name]
		service := Service{
			Name: info.Name, Type: info.Type, Constructor: info.Constructor, At: info.At, Policy: info.Policy,
			Critical: info.Critical, State: h.State.String(), CircuitBreakers: []string{}, Methods: []Method{},
		}
		for _, b := range h.CircuitBreakers {
			service.CircuitBreakers = append(service.CircuitBreakers, b.Name)
		}
		if parts := h.Partitions; parts != nil {
			service.Partitions = &Partitions{parts.Known, parts.Max, parts.Dropped, parts.Open}
		}
		for _, m := range info.Methods {
			service.Methods = append(service.Methods, Method{m.Name, m.Policy, string(m.Guard), operation(m.Operation)})
		}
		s.Services = append(s.Services, service)
	}
	for _, id := range slices.Sorted(maps.Keys(metrics.Operations)) {
		s.Operations = append(s.Operations, operation(id))
	}
	return s
}

func (c *console) circuitBreakers() []CircuitBreaker {
	all := []CircuitBreaker{}
	for _, b := range c.o.CircuitBreakers() {
		all = append(all, c.circuitBreaker(b))
	}
	return all
}

func (c *console) circuitBreaker(b *container.CircuitBreaker) CircuitBreaker {
	now := b.Status()
	shown := CircuitBreaker{
		Name: b.Name(), State: now.State.String(), Mode: string(now.Mode), Since: now.Since,
		RetryAfter: now.RetryAfter.Seconds(),
	}
	if control := c.controls.of(b); control != nil && now.Mode != container.ModeAutomatic {
		shown.Control = control
	}
	shown.Shared = shared(b.Sharing())
	shown.LastTrip, shown.Rejected = c.log.storyOf(shown.Name)
	if now.State == policy.StateClosed {
		shown.Rejected = 0
	}
	return shown
}

func (c *console) rateLimiters() []RateLimiter {
	all := []RateLimiter{}
	for _, l := range c.o.RateLimiters() {
		all = append(all, c.rateLimiter(l))
	}
	return all
}

func (c *console) rateLimiter(l *container.RateLimiter) RateLimiter {
	limit := l.Limit()
	shown := RateLimiter{
		Name: l.Name(), Mode: modeAutomatic, PerSecond: limit.Average(), Burst: limit.Burst,
		PerPeriod: limit.RequestsPerPeriod, Period: limit.Per.Seconds(),
		MaxWait: limit.MaxWait.Seconds(), Tokens: brief(l.Tokens()), Rejected: c.log.refusedBy(container.RateLimited, l.Name()),
	}
	shown.Shared = shared(l.Sharing())
	if l.Overridden() {
		shown.Mode, shown.Control = modeOverridden, c.controls.of(l)
	}
	return shown
}

func (c *console) bulkheads() []Bulkhead {
	all := []Bulkhead{}
	for _, b := range c.o.Bulkheads() {
		limit, now := b.Limit(), b.Status()
		shown := Bulkhead{
			Name: b.Name(), Limit: limit.MaxConcurrent, InUse: now.InUse, Waiting: now.Waiting,
			MaxWait: limit.MaxWait.Seconds(), Reserve: limit.Reserve, Rejected: c.log.refusedBy(container.BulkheadFull, b.Name()),
		}
		if found, ok := b.Adaptive(); ok {
			shown.Adaptive = &AdaptiveLimit{found.Min, found.Max, brief(found.Unloaded.Seconds()), found.Measuring}
		}
		all = append(all, shown)
	}
	return all
}

// shared is what is known of a fleet, where there is one.
func shared(s container.Sharing, ok bool) *Shared {
	if !ok {
		return nil
	}
	return &Shared{s.Alone, s.Instances, s.Heard, s.Listening}
}

// The modes of a rate limiter.
const (
	modeAutomatic  = "automatic"
	modeOverridden = "overridden"
)

// shape tells apart what there is: who follows by ticks alone needs to be told when
// that changes.
func (s *State) shape() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	add := func(texts ...string) {
		for _, text := range texts {
			_, _ = h.WriteString(text)
			_ = h.WriteByte(0)
		}
	}
	for _, service := range s.Services {
		add("s", service.Name, service.Policy)
		add(service.CircuitBreakers...)
		for _, m := range service.Methods {
			add("m", m.ID, m.Policy)
		}
	}
	for _, b := range s.CircuitBreakers {
		add("b", b.Name)
	}
	for _, b := range s.Bulkheads {
		add("h", b.Name)
	}
	for _, l := range s.RateLimiters {
		add("l", l.Name)
	}
	for _, o := range s.Operations {
		add("o", o.ID)
	}
	return h.Sum64()
}

var seed = maphash.MakeSeed()

func totalsOf(t policy.Totals) Totals {
	return Totals{
		Operations: t.TotalOperations, Successful: t.SuccessfulOperations, Answered: t.Answered,
		Failed: t.FailedOperations, Cancelled: t.Cancelled, Retries: t.RetryAttempts, Trips: t.CircuitBreakerTrips,
		CircuitOpen: t.CircuitBreakerRejections, RateLimited: t.RateLimitHits,
		BulkheadFull: t.BulkheadRejections, Shed: t.Shed, Hedges: t.Hedges, HedgesWon: t.HedgesWon, RetryBudget: t.RetryBudgetHits,
		Timeouts: t.TimeoutCount, Overruns: t.Overruns, Fallbacks: t.Fallbacks, Stale: t.Stale, Chaos: t.Chaos,
	}
}

// brief leaves off digits that say nothing.
func brief(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	if math.IsInf(scale, 0) || scale == 0 {
		return x
	}
	return math.Round(x*scale) / scale
}
