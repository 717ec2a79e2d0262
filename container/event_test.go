package container_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// journal writes events down, one line each.
type journal struct{ lines []string }

func (j *journal) event(_ context.Context, event container.Event) {
	if e, ok := event.(container.Transition); ok {
		e.At = time.Time{}
		event = e
	}
	j.lines = append(j.lines, fmt.Sprintf("%T%+v", event, event))
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	for i, line := range want {
		want[i] = "container." + line
	}
	if !slices.Equal(j.lines, want) {
		t.Errorf("events:\n\t%s\nwant:\n\t%s", strings.Join(j.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	j.lines = nil
}

func TestEventsTellWhatHappened(t *testing.T) {
	virtual(t, func(t *testing.T) {
		j := &journal{}
		o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(j.event))
		p := pipelineFor(t, o, "charge",
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)},
			policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute},
			policy.Timeout(time.Second))
		_ = p.Run(t.Context(), works)
		j.want(t) // successes are silent

		s := &script{answers: []error{errDown}}
		_ = p.Run(t.Context(), s.call)
		j.want(t,
			"AttemptFailed{Operation:charge Attempt:1 Verdict:unknown Err:the dependency is down Took:0s}",
			"Retrying{Operation:charge Attempt:2 Of:3 After:1s Err:the dependency is down}")

		limited := pipelineFor(t, o, "list", policy.RateLimit{Name: "api", RequestsPerSecond: 0.5, Burst: 1})
		_ = limited.Run(t.Context(), works)
		_ = limited.Run(t.Context(), works)
		j.want(t, "Rejected{Operation:list Reason:rate_limited Name:api RetryAfter:2.000000001s}")

		_ = p.Run(t.Context(), waits(time.Hour))
		j.want(t,
			"AttemptFailed{Operation:charge Attempt:1 Verdict:unknown Err:context deadline exceeded Took:1s}",
			"TimedOut{Operation:charge After:1s Err:context deadline exceeded}",
			"Retrying{Operation:charge Attempt:2 Of:3 After:1s Err:charge: timed out after 1s: context deadline exceeded}",
			"AttemptFailed{Operation:charge Attempt:2 Verdict:unknown Err:context deadline exceeded Took:1s}",
			"TimedOut{Operation:charge After:1s Err:context deadline exceeded}",
			"Transition{Name:charge PartitionOf: From:closed To:open At:0001-01-01 00:00:00 +0000 UTC}",
			"Tripped{Operation:charge Name:charge Err:charge: timed out after 1s: context deadline exceeded Slow:false}",
			"Retrying{Operation:charge Attempt:3 Of:3 After:1s Err:charge: timed out after 1s: context deadline exceeded}",
			"Rejected{Operation:charge Reason:circuit_open Name:charge RetryAfter:59s}")

		time.Sleep(time.Minute)
		j.lines = nil
		_ = p.Run(t.Context(), works)
		j.want(t,
			"Transition{Name:charge PartitionOf: From:open To:half-open At:0001-01-01 00:00:00 +0000 UTC}",
			"Probed{Operation:charge Name:charge State:half-open}")

		patient := pipelineFor(t, o, "poll", policy.RateLimit{Name: "slow", RequestsPerSecond: 1, Burst: 1, MaxWait: time.Minute})
		_ = patient.Run(t.Context(), works)
		_ = patient.Run(t.Context(), works)
		j.want(t, "Waited{Operation:poll Name:slow For:1.000000001s Reason:rate_limited}")

		crowded := pipelineFor(t, o, "read", policy.Bulkhead{Name: "small", MaxConcurrent: 1, MaxWait: time.Second})
		go func() { _ = crowded.Run(t.Context(), ignores(3*time.Second/2, nil)) }()
		synctest.Wait()
		_ = crowded.Run(t.Context(), works)
		_ = crowded.Run(t.Context(), works)
		j.want(t,
			"Rejected{Operation:read Reason:bulkhead_full Name:small RetryAfter:0s}",
			"Waited{Operation:read Name:small For:500ms Reason:bulkhead_full}")
	})
}

func TestEventsComeWithTheCallersContext(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "request 7")
	told := 0
	o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(func(ctx context.Context, event container.Event) {
		if _, ok := event.(container.AttemptFailed); ok && ctx.Value(key{}) == "request 7" {
			told++
		}
	}))
	_ = pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Hour)).Run(ctx, always(errDown))
	if told != 2 {
		t.Errorf("%d attempts were told with the caller's context, want 2", told)
	}
}

func TestCompletedTellsHowAnOperationEnded(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var got []container.Completed
		o := newOrchestrator(t, policy.Catalog{}, container.OnCompleted(func(_ context.Context, c container.Completed) { got = append(got, c) }))
		p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Second)})
		took := func(d time.Duration, errs ...error) func(context.Context) error {
			s := &script{answers: errs}
			return func(ctx context.Context) error {
				time.Sleep(d)
				return s.call(ctx)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		_ = p.Run(t.Context(), took(time.Second))
		_ = p.Run(t.Context(), took(time.Second, errDown))
		_ = p.Run(t.Context(), took(time.Minute, policy.Answer(errNo)))
		_ = p.Run(gone, works)
		_ = recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { time.Sleep(time.Hour); panic("boom") }) })
		for i := range got {
			if i == 3 && !errors.Is(got[i].Err, policy.ErrCancelled) {
				t.Errorf("gone: %v", got[i].Err)
			}
			got[i].Err = nil
		}
		want := []container.Completed{
			{Operation: "op", Attempts: 1, Duration: time.Second, LastTook: time.Second},
			{Operation: "op", Attempts: 2, Duration: 3 * time.Second, LastTook: time.Second},
			{Operation: "op", Attempts: 1, Duration: time.Minute, LastTook: time.Minute, Verdict: policy.Answered},
			{Operation: "op", Cancelled: true},
			{Operation: "op", Attempts: 1, Duration: time.Hour, LastTook: time.Hour, Panicked: true},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}

// What asks the orchestrator from time to time gets it when it is made, and is told
// when it is over, once.
func TestWhatIsAttachedIsDetachedByClose(t *testing.T) {
	var told []string
	attach := func(name string) container.Option {
		return container.Attach(func(o *container.Orchestrator) func() {
			if _, ok := o.CircuitBreaker("bank"); !ok {
				t.Error("the orchestrator is not ready")
			}
			told = append(told, name)
			return func() { told = append(told, name+" ends") }
		})
	}
	nothing := container.Attach(func(*container.Orchestrator) func() { return nil })
	c := policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}}}
	o := newOrchestrator(t, c, attach("one"), nothing, attach("two"))
	o.Close()
	o.Close()
	if want := []string{"one", "two", "two ends", "one ends"}; !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
	c.CircuitBreakers["bank"] = policy.CircuitBreaker{FailureRate: -1}
	if _, err := container.NewOrchestrator(c, attach("three")); err == nil || len(told) != 4 {
		t.Errorf("%v; told %q", err, told)
	}
}

func TestReloadsAreTold(t *testing.T) {
	j := &journal{}
	o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(j.event))
	j.want(t) // the first catalog is none
	_ = o.Reload(policy.Catalog{})
	j.want(t, "Reloaded{Err:<nil>}")
	err := o.Reload(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.RateLimit{Name: "api"}}})
	j.want(t, fmt.Sprintf("Reloaded{Err:%v}", err))
	o.ReloadFailed(errDown)
	j.want(t, "Reloaded{Err:the dependency is down}")
}

// An operation is under way from its first attempt to the end of its result, however
// it ends.
func TestActiveCountsOperationsThatAreUnderWay(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{}, container.OnCompleted(func(context.Context, container.Completed) {}))
	p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)})
	want := func(n uint64) {
		t.Helper()
		if got := o.Active()["op"]; got != n {
			t.Errorf("%d under way, want %d", got, n)
		}
	}
	want(0)
	_ = p.Run(t.Context(), func(ctx context.Context) error {
		want(1)
		_ = p.Run(ctx, func(context.Context) error { want(2); return nil })
		return errDown
	})
	_ = recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { want(1); panic("boom") }) })
	gone, leave := context.WithCancel(t.Context())
	leave()
	_ = p.Run(gone, works)
	want(0)

	var pending container.Pending
	var err error
	call := p.Begin(t.Context())
	for call.Next(&err) {
		call.Defer(&pending)
	}
	call.End()
	want(1)
	_ = pending.Finish(nil, policy.Unknown)
	want(0)
	if o := newOrchestrator(t, policy.Catalog{}); len(o.Active()) != 0 {
		t.Error("counted for nobody")
	}
}

func TestAttemptsTellHowLongTheyTook(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var took []time.Duration
		o := newOrchestrator(t, policy.Catalog{},
			container.OnCompleted(func(context.Context, container.Completed) {}),
			container.OnEvent(func(_ context.Context, e container.Event) {
				if e, ok := e.(container.AttemptFailed); ok {
					took = append(took, e.Took)
				}
			}))
		p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Minute)})
		s := &script{answers: []error{errDown, errDown}, takes: time.Second}
		_ = p.Run(t.Context(), s.call)
		if want := []time.Duration{time.Second, time.Second}; !slices.Equal(took, want) {
			t.Errorf("took %v, want %v", took, want)
		}
	})
}

func TestAListenerThatPanicsDisturbsNoCall(t *testing.T) {
	boom := func() { panic("boom") }
	o := newOrchestrator(t, policy.Catalog{},
		container.OnEvent(func(context.Context, container.Event) { boom() }),
		container.OnCompleted(func(context.Context, container.Completed) { boom() }))
	p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 1})
	wantIs(t, p.Run(t.Context(), always(errDown)), errDown)
	other := pipelineFor(t, o, "other", policy.Retry{})
	if err := other.Run(t.Context(), works); err != nil {
		t.Error(err)
	}
}

// Where nobody listens nothing is paid, and who only wants to know how long calls
// take pays for nothing but the clock.
func TestListeningAllocatesNothingOnSuccess(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	calls := 0
	for _, tt := range []struct {
		name string
		opts []container.Option
	}{
		{"nobody", nil},
		{"events", []container.Option{container.OnEvent(func(context.Context, container.Event) {})}},
		{"completions", []container.Option{container.OnCompleted(func(context.Context, container.Completed) { calls++ })}},
	} {
		o := newOrchestrator(t, policy.Catalog{}, tt.opts...)
		p := pipelineFor(t, o, "op", policy.Retry{}, policy.CircuitBreaker{})
		g := gateway(&gatewayProxy{next: instant{}, charge: p})
		ctx := context.Background()
		if got := testing.AllocsPerRun(200, func() { _, _ = g.Charge(ctx, 1) }); got != 0 {
			t.Errorf("%s: %v allocations a call", tt.name, got)
		}
	}
	if calls != 201 {
		t.Errorf("told of %d calls", calls)
	}
}

// A span begins before the operation and ends after it; what happens between finds
// it in the context.
func TestWhatBeginsWithAnOperationIsInItsContext(t *testing.T) {
	type span struct{}
	var found []string
	find := func(where string) func(context.Context) {
		return func(ctx context.Context) {
			if name, ok := ctx.Value(span{}).(string); ok {
				found = append(found, where+" of "+name)
			}
		}
	}
	o := newOrchestrator(t, policy.Catalog{},
		container.OnBegin(func(ctx context.Context, operation string) context.Context {
			return context.WithValue(ctx, span{}, operation)
		}),
		container.OnEvent(func(ctx context.Context, _ container.Event) { find("event")(ctx) }),
		container.OnCompleted(func(ctx context.Context, _ container.Completed) { find("end")(ctx) }))
	p := pipelineFor(t, o, "charge", policy.Retry{MaxAttempts: 1}, policy.Timeout(time.Minute))
	_ = p.Run(t.Context(), func(ctx context.Context) error { find("attempt")(ctx); return errDown })
	if want := []string{"attempt of charge", "event of charge", "end of charge"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
