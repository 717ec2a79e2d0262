package container_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// Two services of one type were one row in metrics and logs, one breaker in
// errors, and one choice in a profile.

// bankTags are how the banks of these tests are provided: without a name, under
// names, and in groups.
var bankTags = []string{"", `name:"stripe"`, `name:"geo"`, `group:"all"`, `group:"all"`, `group:"others"`}

// banks makes tagged banks under some of these tags, in the order given, and
// returns the orchestrator and the application's error.
func banks(t *testing.T, c policy.Catalog, tags ...string) (*container.Orchestrator, error) {
	t.Helper()
	var opts []fx.Option
	for _, tag := range tags {
		opts = append(opts, fx.Provide(container.Tag(fx.Annotate(newBank, fx.ResultTags(tag)), "external_api")))
	}
	var gateways []gateway
	for _, tag := range slices.Compact(slices.Clone(tags)) {
		var need any = func(g gateway) { gateways = append(gateways, g) }
		if strings.HasPrefix(tag, "group") {
			need = func(all []gateway) { gateways = append(gateways, all...) }
		}
		opts = append(opts, fx.Invoke(fx.Annotate(need, fx.ParamTags(tag))))
	}
	o := newOrchestrator(t, c)
	err := fx.New(fx.NopLogger, fx.Supply(o), fx.Provide(container.NamedValues(c)), fx.Options(opts...)).Err()
	for _, g := range gateways {
		bankOf(g).failures = 1000
		_ = g.Refund(t.Context(), "r")
	}
	return o, err
}

// policiesOf lists the policy in force of each service.
func policiesOf(o *container.Orchestrator) map[string]string {
	all := make(map[string]string)
	for _, s := range o.Services() {
		all[strings.TrimPrefix(s.Name, "container_test.")] = s.Policy
	}
	return all
}

func TestServicesGoByTheirFxNamesAndGroups(t *testing.T) {
	o, err := banks(t, profile, bankTags...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"gateway", "gateway[all#1]", "gateway[all#2]", "gateway[geo]", "gateway[others#1]", "gateway[stripe]"}
	if got := slices.Sorted(maps.Keys(policiesOf(o))); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, totals := range o.Metrics().Operations {
		if totals.TotalOperations != 1 {
			t.Errorf("%s: %d operations, which another service has a part in", name, totals.TotalOperations)
		}
	}
	if got := len(o.Metrics().Operations); got != len(want) {
		t.Errorf("%d rows of metrics, want %d", got, len(want))
	}
}

func TestAProfileChoosesForOneOfSeveralServices(t *testing.T) {
	const short, full = "container_test.gateway", "github.com/cladgo/clad/container_test.gateway"
	for _, tt := range []struct {
		chosen string // for which the profile says "patient"
		want   []string
	}{
		{short + "[stripe]", []string{"gateway[stripe]"}},
		{full + "[stripe]", []string{"gateway[stripe]"}},
		{short + "[all#2]", []string{"gateway[all#2]"}},
		{short + "[all]", []string{"gateway[all#1]", "gateway[all#2]"}},
		{full + "[all]", []string{"gateway[all#1]", "gateway[all#2]"}},
		{short + "[]", []string{"gateway"}},
		{full + "[]", []string{"gateway"}},
	} {
		c := choosing(map[string]policy.Service{tt.chosen: {Policy: "patient"}})
		for range 2 {
			o, err := banks(t, c, bankTags...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for name, policyName := range policiesOf(o) {
				if policyName == "patient" {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: chosen for %v, want %v", tt.chosen, got, tt.want)
			}
			if unused := o.UnusedServices(); len(unused) > 0 {
				t.Errorf("%s: unused", tt.chosen)
			}
			slices.Reverse(bankTags) // the order in which they are made says nothing
		}
	}
}

func TestTheShortNameStandsForTheOneServiceThatThereIs(t *testing.T) {
	c := choosing(map[string]policy.Service{"container_test.gateway": {Policy: "patient"}})
	for _, tags := range [][]string{{""}, {`name:"stripe"`}, {`group:"all"`, `group:"all"`}} {
		o, err := banks(t, c, tags...)
		if err != nil {
			t.Fatal(err)
		}
		for name, policyName := range policiesOf(o) {
			if policyName != "patient" {
				t.Errorf("%s has the policy %s", name, policyName)
			}
		}
	}
}

// It was refused at startup alone: a reload took whichever came first.
func TestAnAmbiguousNameIsRefusedAtStartupAndOnReload(t *testing.T) {
	for _, tt := range []struct {
		chosen string
		tags   []string
		want   []string
	}{
		{"container_test.gateway", []string{`name:"stripe"`, `name:"geo"`}, []string{"container_test.gateway[geo] or container_test.gateway[stripe]"}},
		{"container_test.gateway", []string{`name:"stripe"`, ""}, []string{"container_test.gateway[] or container_test.gateway[stripe]"}},
		{"github.com/cladgo/clad/container_test.gateway", []string{`name:"stripe"`, `group:"all"`, `group:"all"`}, []string{"container_test.gateway[all] or container_test.gateway[stripe]"}},
	} {
		c := choosing(map[string]policy.Service{tt.chosen: {Policy: "patient"}})
		_, err := banks(t, c, tt.tags...)
		wantMessage(t, err, append(tt.want, fmt.Sprintf("%q may mean", tt.chosen))...)

		o, err := banks(t, profile, tt.tags...)
		if err != nil {
			t.Fatal(err)
		}
		before := policiesOf(o)
		wantMessage(t, o.Reload(c), append(tt.want, fmt.Sprintf("%q may mean", tt.chosen))...)
		if got := policiesOf(o); !maps.Equal(got, before) {
			t.Errorf("a refused reload left %v", got)
		}
	}
}

// Two of one type that bear no name are told apart by a number: modules may keep
// theirs private.
func TestServicesOfOneKeyAreNumbered(t *testing.T) {
	o := newOrchestrator(t, profile)
	private := func(name string) fx.Option {
		return fx.Module(name, fx.Provide(container.Tag(newBank, "external_api"), fx.Private), fx.Invoke(func(gateway) {}))
	}
	if err := fx.New(fx.NopLogger, fx.Supply(o), fx.Provide(container.NamedValues(profile)), private("a"), private("b")).Err(); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(policiesOf(o))); !slices.Equal(got, []string{"gateway", "gateway#2"}) {
		t.Errorf("got %v", got)
	}
	if err := o.Reload(choosing(map[string]policy.Service{"container_test.gateway": {Policy: "patient"}})); err != nil {
		t.Fatal(err)
	}
	for name, policyName := range policiesOf(o) {
		if policyName != "patient" { // no name tells them apart for good
			t.Errorf("%s has %s", name, policyName)
		}
	}
}

func TestServicesTellHowTheyAreGuarded(t *testing.T) {
	o := newOrchestrator(t, choosing(map[string]policy.Service{"container_test.gateway": {Policy: "patient", Methods: map[string]string{"Refund": "database"}}}))
	err := fx.New(fx.NopLogger, fx.Supply(o), fx.Provide(container.NamedValues(profile),
		container.Tag(newBank, "external_api"), container.Tag(func() ledger { return &book{} }, "external_api")),
		fx.Invoke(func(gateway, ledger) {})).Err()
	if err != nil {
		t.Fatal(err)
	}
	all := o.Services()
	if len(all) != 2 {
		t.Fatalf("%d services", len(all))
	}
	g := all[0]
	if g.Name != "container_test.gateway" || g.Type != "github.com/cladgo/clad/container_test.gateway" || g.Policy != "patient" ||
		g.Constructor != "container_test.newBank" || !strings.Contains(g.At, "tag_test.go:") {
		t.Errorf("got %+v", g)
	}
	want := []container.MethodInfo{
		{Name: "Charge", Operation: "container_test.gateway.Charge", Policy: "patient", Guard: container.Guarded},
		{Name: "Close", Operation: "container_test.gateway.Close", Policy: "none", Guard: container.GuardedByChoice},
		{Name: "Refund", Operation: "container_test.gateway.Refund", Policy: "database", Guard: container.Guarded},
	}
	if !slices.Equal(g.Methods, want) {
		t.Errorf("got %+v, want %+v", g.Methods, want)
	}
	want = []container.MethodInfo{
		{Name: "Append", Operation: "container_test.ledger.Append", Policy: "external_api", Guard: container.GuardedOnce},
		{Name: "Balance", Operation: "container_test.ledger.Balance", Policy: "external_api", Guard: container.GuardedWithoutContext},
		{Name: "Name", Operation: "container_test.ledger.Name", Policy: "none", Guard: container.Unguarded},
	}
	if got := all[1].Methods; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// guardedBy is a policy with an unnamed breaker and an unnamed limiter.
func guardedBy(failures uint32, more ...policy.Policy) policy.Policy {
	return policy.Combine(append(more, policy.RateLimit{RequestsPerSecond: float64(1000 * failures)}, policy.CircuitBreaker{FailureThreshold: failures})...)
}

func names[T interface{ Name() string }](all []T) []string {
	var names []string
	for _, one := range all {
		names = append(names, strings.TrimPrefix(one.Name(), "container_test."))
	}
	return names
}

// wantNames checks that these are all breakers and limiters, and that each is
// found by its name.
func wantNames(t *testing.T, o *container.Orchestrator, want ...string) {
	t.Helper()
	if got := names(o.CircuitBreakers()); !slices.Equal(got, want) {
		t.Errorf("the breakers are %v, want %v", got, want)
	}
	if got := names(o.RateLimiters()); !slices.Equal(got, want) {
		t.Errorf("the limiters are %v, want %v", got, want)
	}
	for _, b := range o.CircuitBreakers() {
		if found, ok := o.CircuitBreaker(b.Name()); !ok || found != b {
			t.Errorf("%s is not found by its name", b.Name())
		}
	}
	for _, l := range o.RateLimiters() {
		if found, ok := o.RateLimiter(l.Name()); !ok || found != l {
			t.Errorf("%s is not found by its name", l.Name())
		}
	}
}

// What clad makes by default, the README's breaker too, could be neither looked
// up nor listed nor forced.
func TestEveryBreakerAndLimiterIsListedAndFound(t *testing.T) {
	c := policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"named": {}},
		RateLimiters:    map[string]policy.RateLimit{"named": {RequestsPerSecond: 1}},
		Policies: map[string]policy.Policy{
			"p":        guardedBy(3),
			"p_once":   guardedBy(3, policy.Retry{MaxAttempts: 1}), // of one dependency: they share
			"another":  guardedBy(4),
			"unneeded": guardedBy(5),
			"run":      guardedBy(6),
		},
	}
	ctr, err := container.New(c)
	if err != nil {
		t.Fatal(err)
	}
	provide(t, ctr, container.Tag(newBank, "p", container.Method("Charge", "p_once"), container.Method("Close", "another")))
	provide(t, ctr, container.Tag(fx.Annotate(newBank, fx.ResultTags(`name:"stripe"`)), "p"))
	invoke(t, ctr, func(gateway) {})
	type in struct {
		fx.In
		Stripe gateway `name:"stripe"`
	}
	var stripe gateway
	invoke(t, ctr, func(in in) { stripe = in.Stripe })
	o := ctr.Orchestrator()
	_ = pipelineFor(t, o, "op", guardedBy(3))
	_ = pipelineFor(t, o, "op", guardedBy(4))
	run, err := o.Pipeline("run")
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Run(t.Context(), works); err != nil {
		t.Fatal(err)
	}
	wantNames(t, o, "gateway", "gateway/another", "gateway[stripe]", "named", "op", "op#2", "run")

	b, _ := o.CircuitBreaker("container_test.gateway[stripe]")
	b.ForceOpen()
	_, err = stripe.Charge(t.Context(), 1)
	wantIs(t, err, policy.ErrCircuitOpen)
	wantMessage(t, err, `"container_test.gateway[stripe]"`)
	if _, ok := o.CircuitBreaker("container_test.gateway[strip]"); ok {
		t.Error("a misspelt name is found")
	}
}

// What is declared under a name has it; what went by it goes by another.
func TestWhatIsDeclaredTakesItsName(t *testing.T) {
	var log bytes.Buffer
	o := newOrchestrator(t, policy.Catalog{}, container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	p := pipelineFor(t, o, "payments", guardedBy(1))
	wantNames(t, o, "payments")
	unnamed := o.CircuitBreakers()[0]
	declared := policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"payments": {FailureThreshold: 9}},
		RateLimiters:    map[string]policy.RateLimit{"payments": {RequestsPerSecond: 9}},
	}
	invalid := declared
	invalid.Policies = map[string]policy.Policy{"p": policy.CircuitBreaker{Name: "missing"}}
	if err := o.Reload(invalid); err == nil {
		t.Fatal("it is not valid")
	}
	wantNames(t, o, "payments")
	if err := o.Reload(declared); err != nil {
		t.Fatal(err)
	}
	wantNames(t, o, "payments", "payments#2")
	if found, _ := o.CircuitBreaker("payments#2"); found != unnamed {
		t.Error("the operation's breaker is another")
	}
	trip(t, p, unnamed)
	wantMessage(t, p.Run(t.Context(), works), `"payments#2"`)
	if !strings.Contains(log.String(), "payments#2") {
		t.Errorf("the log has another name:\n%s", &log)
	}
	if err := o.RegisterCircuitBreaker("payments#2", policy.CircuitBreaker{}); err != nil {
		t.Fatal(err)
	}
	if err := o.RegisterRateLimiter("payments#2", policy.RateLimit{RequestsPerSecond: 1}); err != nil {
		t.Fatal(err)
	}
	wantNames(t, o, "payments", "payments#2", "payments#2#2")
}

func TestWhatIsForgottenIsNotFound(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{}, container.WithMaxOperations(8))
	for n := range 100 {
		_ = pipelineFor(t, o, fmt.Sprint("op", n), guardedBy(3))
	}
	if got := len(o.CircuitBreakers()); got > 8 {
		t.Errorf("%d breakers of at most 8 operations", got)
	}
	found := 0
	for n := range 100 {
		if _, ok := o.CircuitBreaker(fmt.Sprint("op", n)); ok {
			found++
		}
	}
	if found != len(o.CircuitBreakers()) {
		t.Errorf("%d are found of %d", found, len(o.CircuitBreakers()))
	}
	for n := range uint32(200) { // policies that one operation invents
		_ = pipelineFor(t, o, "op", guardedBy(n+1))
	}
	if got := len(o.RateLimiters()); got > 80 {
		t.Errorf("%d limiters", got)
	}
}
