package bench_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/test/bench"
)

// A benchmark that never ran what it timed is worth less than none.
func TestCasesDoWhatTheyAreNamedAfter(t *testing.T) {
	for _, c := range bench.Cases() {
		t.Run(c.ID(), func(t *testing.T) {
			b, err := c.Prepare()
			if err != nil {
				t.Fatal(err)
			}
			const calls = 100
			if err := b.Run(calls); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(calls); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEveryRowIsMeasuredInEveryFormOfClad(t *testing.T) {
	var ids []string
	for _, c := range bench.Cases() {
		ids = append(ids, c.ID())
	}
	for _, row := range bench.Rows() {
		for _, form := range []string{"proxy", "policy.Do", "policy.Execute", "policy.Execute.fresh"} {
			if id := row.Name + "/clad:" + form; !slices.Contains(ids, id) {
				t.Errorf("%s is not measured", id)
			}
		}
	}
	for _, peer := range []string{"by-hand", "failsafe-go", "hystrix-go", "go-resiliency", "backoff", "aegis"} {
		if !slices.ContainsFunc(ids, func(id string) bool { return strings.HasSuffix(id, "/"+peer) }) {
			t.Errorf("%s is never measured", peer)
		}
	}
}

// without is a system of clad's proxies that leaves a layer out.
func without(drop func(*bench.Settings)) bench.System {
	proxy := proxySystem()
	return bench.System{Name: "cheat", Build: func(next bench.Gateway, s bench.Settings) (*bench.Built, error) {
		drop(&s)
		return proxy.Build(next, s)
	}}
}

func proxySystem() bench.System {
	systems := bench.Systems()
	return systems[slices.IndexFunc(systems, func(s bench.System) bool { return s.ID() == "clad:proxy" })]
}

// A system that leaves a layer out is found out, in whatever company the layer is.
func TestVerifyFindsWhatIsLeftOut(t *testing.T) {
	for _, row := range bench.Rows() {
		s := row.Settings()
		for _, cheat := range []struct {
			what   string
			asked  bool
			system bench.System
		}{
			{"retry", s.Retry, without(func(s *bench.Settings) { s.Retry = false })},
			{"rate limit", s.RateLimit, without(func(s *bench.Settings) { s.RateLimit = false })},
			{"circuit breaker", s.Breaker, without(func(s *bench.Settings) { s.Breaker = false })},
			{"timeout", s.Timeout, without(func(s *bench.Settings) { s.Timeout = false })},
		} {
			if !cheat.asked {
				continue
			}
			t.Run(row.Name+"/"+cheat.what, func(t *testing.T) {
				t.Parallel()
				if err := (bench.Case{Row: row, System: cheat.system}).Verify(); err == nil {
					t.Error("it was not missed")
				}
			})
		}
	}
}

// everyOther passes every other call by what protects the target.
type everyOther struct {
	protected, bare bench.Gateway
	calls           int
}

func (g *everyOther) Charge(ctx context.Context, amount int) (int, error) {
	if g.calls++; g.calls%2 == 0 {
		return g.bare.Charge(ctx, amount)
	}
	return g.protected.Charge(ctx, amount)
}

// Calls that went past clad while they were timed are missing in its books.
func TestCloseFindsCallsThatWentPast(t *testing.T) {
	proxy := proxySystem()
	builds := 0
	system := bench.System{Name: "cheat", Build: func(next bench.Gateway, s bench.Settings) (*bench.Built, error) {
		built, err := proxy.Build(next, s)
		if builds++; err == nil && builds > 2 { // honest as long as it is being verified
			built.Gateway = &everyOther{protected: built.Gateway, bare: next}
		}
		return built, err
	}}
	row := bench.Rows()[slices.IndexFunc(bench.Rows(), func(r bench.Row) bool { return r.Name == "breaker" })]
	b, err := bench.Case{Row: row, System: system}.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	const calls = 100
	if err := b.Run(calls); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(calls); err == nil || !strings.Contains(err.Error(), "counted 50") {
		t.Errorf("half of the calls went past clad: %v", err)
	}
}
