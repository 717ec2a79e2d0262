package container_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// caller makes calls that go by names of their own.
type caller interface {
	Call(ctx context.Context, name string) error
}

// remote is one that fails, and counts.
type remote struct{ calls int }

func (r *remote) Call(context.Context, string) error {
	r.calls++
	return errDown
}

type callerProxy struct {
	next    caller
	methods container.Methods
	call    *container.Pipeline
}

func (p *callerProxy) Call(ctx context.Context, name string) (err error) {
	pipeline := p.methods.Chosen(name)
	if pipeline == nil {
		pipeline = p.call
	}
	call := pipeline.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Call(call.Context(), name)
	}
	return err
}

func registerCaller() {
	container.RegisterProxy(func(next caller, m container.Methods) caller {
		return &callerProxy{next, m, m.Method("Call")}
	})
	container.RegisterNames[caller](func(name string) error {
		if !strings.HasPrefix(name, "/") {
			return errors.New(`a name begins with "/"`)
		}
		return nil
	})
}

// called starts an application with a tagged caller.
func called(t *testing.T, c policy.Catalog, opts ...container.TagOption) (caller, *remote, *container.Orchestrator) {
	t.Helper()
	registerCaller()
	var (
		made caller
		o    *container.Orchestrator
		r    remote
	)
	app := fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(func() caller { return &r }, "external_api", opts...)), fx.Populate(&made, &o))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	return made, &r, o
}

func (r *remote) wantCalls(t *testing.T, c caller, name string, want int) {
	t.Helper()
	r.calls = 0
	if err := c.Call(t.Context(), name); !errors.Is(err, errDown) {
		t.Errorf("%s: %v", name, err)
	}
	if r.calls != want {
		t.Errorf("%s was attempted %d times, want %d", name, r.calls, want)
	}
}

func TestPoliciesAreChosenByTheNamesOfCalls(t *testing.T) {
	c := choosing(map[string]policy.Service{"container_test.caller": {Methods: map[string]string{"/b": "patient", "/c": "none"}}})
	made, r, o := called(t, c, container.Method("/a", "database"), container.Method("/b", "database"))
	for name, want := range map[string]int{
		"/a": 2, // by the tag
		"/b": 5, // by the profile, which beats the tag
		"/c": 1,
		"/d": 3, // not chosen
	} {
		r.wantCalls(t, made, name, want)
	}
	operations := o.Metrics().Operations
	if operations["container_test.caller/a"].RetryAttempts != 1 || operations["container_test.caller.Call"].RetryAttempts != 2 {
		t.Errorf("counted %+v", operations)
	}
}

func TestAReloadChoosesForOtherCalls(t *testing.T) {
	made, r, o := called(t, choosing(map[string]policy.Service{"container_test.caller": {Methods: map[string]string{"/a": "patient"}}}))
	r.wantCalls(t, made, "/a", 5)
	r.wantCalls(t, made, "/b", 3)
	if err := o.Reload(choosing(map[string]policy.Service{"container_test.caller": {Methods: map[string]string{"/b": "database"}}})); err != nil {
		t.Fatal(err)
	}
	r.wantCalls(t, made, "/a", 3)
	r.wantCalls(t, made, "/b", 2)
	if err := o.Reload(profile); err != nil {
		t.Fatal(err)
	}
	r.wantCalls(t, made, "/b", 3)
}

// All that a service guards is one dependency: its calls share the unnamed breaker.
func TestCallsOfOneServiceShareItsBreaker(t *testing.T) {
	breaking := policy.CircuitBreaker{FailureThreshold: 2}
	c := policy.Catalog{
		Policies: map[string]policy.Policy{
			"external_api": breaking,
			"again":        policy.Combine(attempts(2), breaking),
		},
		Services: map[string]policy.Service{"container_test.caller": {Methods: map[string]string{"/a": "again"}}},
	}
	made, r, o := called(t, c)
	r.wantCalls(t, made, "/a", 2)
	wantIs(t, made.Call(t.Context(), "/b"), policy.ErrCircuitOpen)
	if err := o.Reload(c); err != nil { // which changes nothing
		t.Fatal(err)
	}
	wantIs(t, made.Call(t.Context(), "/a"), policy.ErrCircuitOpen)
}

func TestNamesThatNoCallGoesByAreMistakes(t *testing.T) {
	registerCaller()
	start := func(c policy.Catalog) error {
		return fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(func() caller { return &remote{} }, "external_api")), fx.Invoke(func(caller) {})).Err()
	}
	misspelt := choosing(map[string]policy.Service{"container_test.caller": {Methods: map[string]string{"Cal": "database", "a": "database"}}})
	wantMessage(t, start(misspelt), `there is no method Cal (did you mean "Call"?)`, "there is no method a", `a name begins with "/"`)
	tagged := newContainer(t)
	provide(t, tagged, container.Tag(func() caller { return &remote{} }, "external_api", container.Method("a", "database"), container.Method("b", "database")))
	wantMessage(t, tagged.Invoke(func() {}), `container.Method("a")`, `container.Method("b")`, `a name begins with "/"`)

	_, _, o := called(t, profile)
	wantMessage(t, o.Reload(misspelt), "there is no method a")
	wantMessage(t, o.Reload(choosing(map[string]policy.Service{"container_test.caller": {Methods: map[string]string{"/a": "databse"}}})), `did you mean "database"?`)
}
