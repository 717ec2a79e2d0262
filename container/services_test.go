package container_test

import (
	"bytes"
	"log/slog"
	"math/rand" //nolint:depguard // its Source and that of v2 share a short name
	randv2 "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// choosing is the profile with choices for services.
func choosing(services map[string]policy.Service) policy.Catalog {
	c := profile
	c.Services = services
	return c
}

// charged starts an application with a tagged bank and tells how many attempts
// each method makes.
func charged(t *testing.T, c policy.Catalog, opts ...container.TagOption) (charges, refunds, closes int) {
	t.Helper()
	var g gateway
	app := fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(newBank, "external_api", opts...)), fx.Populate(&g))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	b := bankOf(g)
	b.failures = 1000
	_, _ = g.Charge(t.Context(), 1)
	_ = g.Refund(t.Context(), "r")
	_ = g.Close()
	return b.charges, b.refunds, b.closes
}

func TestAProfileChoosesForServicesAndMethods(t *testing.T) {
	const short, full = "container_test.gateway", "github.com/cladgo/clad/container_test.gateway"
	refund := container.Method("Refund", "database") // 2, in code
	for _, tt := range []struct {
		name     string
		services map[string]policy.Service
		want     [3]int // Charge, Refund, Close
	}{
		{"nothing", nil, [3]int{3, 2, 1}},
		{"a service", map[string]policy.Service{short: {Policy: "patient"}}, [3]int{5, 2, 1}},
		{"a service by its full path", map[string]policy.Service{full: {Policy: "patient"}}, [3]int{5, 2, 1}},
		{"the full path beats the short", map[string]policy.Service{full: {Policy: "patient"}, short: {Policy: "none"}}, [3]int{5, 2, 1}},
		{"a method", map[string]policy.Service{short: {Methods: map[string]string{"Charge": "none"}}}, [3]int{1, 2, 1}},
		{"a method that the code chooses for too", map[string]policy.Service{short: {Methods: map[string]string{"Refund": "patient"}}}, [3]int{3, 5, 1}},
		{"service and method", map[string]policy.Service{short: {Policy: "none", Methods: map[string]string{"Charge": "patient"}}}, [3]int{5, 2, 1}},
		{"an optional method", map[string]policy.Service{short: {Methods: map[string]string{"Close": "patient"}}}, [3]int{3, 2, 5}},
		{"another service", map[string]policy.Service{"container_test.ledger": {Policy: "none"}}, [3]int{3, 2, 1}},
	} {
		charges, refunds, closes := charged(t, choosing(tt.services), refund)
		if got := [3]int{charges, refunds, closes}; got != tt.want {
			t.Errorf("%s: attempts %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A profile may guard what the code leaves bare.
func TestAProfileGuardsWhatIsTaggedNone(t *testing.T) {
	var g gateway
	app := fx.New(fx.NopLogger, provided(choosing(map[string]policy.Service{"container_test.gateway": {Policy: "patient"}})),
		fx.Provide(container.Tag(newBank, "none")), fx.Populate(&g))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	wantAttempts(t, g, 5)
}

// An unknown method once silently got the defaults.
func TestAProfileThatNamesAnUnknownMethodFails(t *testing.T) {
	c := choosing(map[string]policy.Service{"container_test.gateway": {Methods: map[string]string{"Refnd": "database", "Chrge": "database"}}})
	err := fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(newBank, "external_api")), fx.Invoke(func(gateway) {})).Err()
	wantMessage(t, err, "container_test.gateway", "Refnd", `did you mean "Refund"?`, "Chrge", `did you mean "Charge"?`)
	wantMessage(t, err, "newBank", "tag_test.go:")
}

func TestAProfileThatNamesAnUnknownPolicyFailsAtOnce(t *testing.T) {
	_, err := newOrchestratorErr(choosing(map[string]policy.Service{"container_test.gateway": {Policy: "patent", Methods: map[string]string{"Charge": "databse"}}}))
	wantMessage(t, err, "container_test.gateway", `"patent"`, `did you mean "patient"?`, `"Charge"`, `did you mean "database"?`)
}

func TestServicesOfOneShortName(t *testing.T) {
	// rand.Source of math/rand and of math/rand/v2.
	sources := fx.Options(
		fx.Provide(
			container.Tag(func() rand.Source { return rand.NewSource(1) }, "none"),
			container.Tag(func() randv2.Source { return randv2.NewPCG(1, 2) }, "none")),
		fx.Invoke(func(rand.Source, randv2.Source) {}))
	err := fx.New(fx.NopLogger, provided(choosing(map[string]policy.Service{"rand.Source": {Policy: "database"}})), sources).Err()
	wantMessage(t, err, "rand.Source", "math/rand.Source", "math/rand/v2.Source", "full import path")

	for _, services := range []map[string]policy.Service{
		nil,
		{"math/rand/v2.Source": {Policy: "database"}},
		{"math/rand/v2.Source": {Policy: "database"}, "math/rand.Source": {Policy: "patient"}},
	} {
		if err := fx.New(fx.NopLogger, provided(choosing(services)), sources).Err(); err != nil {
			t.Errorf("%v: %v", services, err)
		}
	}
}

func TestServicesThatNothingProvides(t *testing.T) {
	c := choosing(map[string]policy.Service{
		"container_test.gateway":                       {Policy: "patient"},
		"github.com/cladgo/clad/container_test.ledger": {Policy: "patient"},
		"container_test.gatewya":                       {Policy: "patient"},
		"github.com/cladgo/clad/container_test.nobody": {Policy: "patient"},
	})
	app := fx.New(fx.NopLogger, provided(c),
		fx.Provide(container.Tag(newBank, "external_api"), container.Tag(func() ledger { return &book{} }, "external_api")),
		fx.Invoke(func(o *container.Orchestrator) {
			if got := o.UnusedServices(); len(got) != 4 {
				t.Errorf("before any is made: %v", got)
			}
		}),
		fx.Invoke(func(gateway, ledger) {}),
		fx.Invoke(func(o *container.Orchestrator) {
			want := []string{"container_test.gatewya", "github.com/cladgo/clad/container_test.nobody"}
			if got := o.UnusedServices(); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}))
	if err := app.Err(); err != nil {
		t.Error(err)
	}
}

func TestOperationsAreNamedAfterServiceAndMethod(t *testing.T) {
	var o *container.Orchestrator
	start(t, fx.Provide(container.Tag(newBank, "external_api")), fx.Populate(&o), fx.Invoke(func(g gateway) {
		bankOf(g).failures = 1000
		_, err := g.Charge(t.Context(), 1)
		wantMessage(t, err, "container_test.gateway.Charge: ")
	}))
	if got := o.Metrics().Operations["container_test.gateway.Charge"]; got.TotalOperations != 1 || got.RetryAttempts != 2 {
		t.Errorf("metrics are %+v", o.Metrics())
	}
}

func TestTheApplicationOfPoliciesIsVisibleAtDebug(t *testing.T) {
	var log bytes.Buffer
	c := profile
	c.Policies = map[string]policy.Policy{"p": policy.Timeout(1e9), "q": policy.Retry{}}
	app := fx.New(fx.NopLogger,
		fx.Provide(
			func() (*container.Orchestrator, error) {
				return container.NewOrchestrator(c, container.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			},
			container.NamedValues(c),
			container.Tag(newBank, "p", container.Method("Refund", "none")),
			container.Tag(func() ledger { return &book{} }, "p"),
			container.Tag(fx.Annotated{Name: "untimed", Target: func() ledger { return &book{} }}, "q")),
		fx.Invoke(fx.Annotate(func(gateway, ledger, ledger) {}, fx.ParamTags("", "", `name:"untimed"`))))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(log.String(), "no timeout can be enforced"); got != 1 {
		t.Errorf("said of %d methods that they take no context:\n%s", got, &log)
	}
	for _, want := range []string{
		`level=DEBUG msg="policy applied" service=container_test.gateway policy=p`,
		`no timeout can be enforced`, `operation=container_test.ledger.Balance`, // it takes no context
		`not guarded`, `operation=container_test.ledger.Name`, "it returns no error",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, &log)
		}
	}
}
