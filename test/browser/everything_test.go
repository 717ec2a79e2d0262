package browser

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/apptest"
	"github.com/cladgo/clad/policy"
)

// atlas is a service with a proxy as clad gen writes it: a search is hedged, and a
// price may be an old one.
type atlas interface{ apptest.Atlas }

func init() {
	container.RegisterProxy(func(next atlas, m container.Methods) atlas { return apptest.NewAtlasProxy(next, m) })
}

// printedAtlas is slow at each second attempt of a search, and has prices at first.
type printedAtlas struct{ finds, prices atomic.Int64 }

func (a *printedAtlas) Find(ctx context.Context, _ string) (string, error) {
	if a.finds.Add(1)%2 == 0 {
		return "page 7", nil
	}
	return "page 7", pause(ctx, 200*time.Millisecond)
}

func (a *printedAtlas) Price(context.Context, string) (int, error) {
	if a.prices.Add(1) > 1 {
		return 0, errors.New("the shop is closed")
	}
	return 12, nil
}

// pause takes real time: a browser looks on.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type tenantKey struct{}

func tenant(ctx context.Context) string {
	name, _ := ctx.Value(tenantKey{}).(string)
	return name
}

type courier func(context.Context) error

// startEverything starts an application that uses all there is, with tenants of which
// some are down, and has it work until the test ends.
func startEverything(t *testing.T, store container.Store, down ...string) (address string) {
	t.Helper()
	box, err := container.New(policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {Shared: true}},
		RateLimiters:    map[string]policy.RateLimit{"quotes": {RequestsPerSecond: 200, Burst: 50, Shared: true}, "mails": {RequestsPerPeriod: 100, Per: time.Minute}},
		Bulkheads:       map[string]policy.Bulkhead{"reports": {MaxConcurrent: 2, Reserve: 0.5}},
		Policies: map[string]policy.Policy{
			"atlas":   policy.Combine(policy.Hedge{Delay: 20 * time.Millisecond, Budget: 1}, policy.Timeout(time.Minute)),
			"prices":  policy.Combine(policy.Stale(time.Hour), policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Millisecond), Budget: 0.01}),
			"courier": policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour},
		},
	}, container.WithStore(store), container.WithMaxPartitions(20))
	if err != nil {
		t.Fatal(err)
	}
	o := box.Orchestrator()
	t.Cleanup(o.Close)
	isDown := map[string]bool{}
	for _, name := range down {
		isDown[name] = true
	}
	deliver := func() courier {
		return func(ctx context.Context) error {
			if isDown[tenant(ctx)] {
				return errors.New("no route to host")
			}
			return nil
		}
	}
	spare := func() courier { return func(context.Context) error { return nil } }
	var a atlas
	var send courier
	for _, tagged := range []any{
		container.Tag(func() atlas { return &printedAtlas{} }, "atlas", container.Method("Price", "prices")),
		container.Tag(deliver, "courier", container.Partition(tenant), container.Fallback(spare)),
	} {
		if err := box.Provide(tagged); err != nil {
			t.Fatal(err)
		}
	}
	if err := box.Invoke(func(its atlas, c courier) { a, send = its, c }); err != nil {
		t.Fatal(err)
	}
	address = serve(t, console.Handler(o))
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	t.Cleanup(func() { cancel(); work.Wait() })
	again := func(does func()) {
		work.Go(func() {
			for ctx.Err() == nil {
				does()
				_ = pause(ctx, 20*time.Millisecond)
			}
		})
	}
	run := func(ctx context.Context, operation string, p policy.Policy, does func(context.Context) error) {
		r, err := o.For(operation, p)
		if err != nil {
			t.Error(err)
			return
		}
		_ = r.Run(ctx, does)
	}
	works := func(context.Context) error { return nil }
	tenants := append([]string{"acme", "umbrella", "stark", "wayne"}, down...)
	again(func() { _, _ = a.Find(ctx, "x") })
	again(func() { _, _ = a.Price(ctx, "x") })
	again(func() { _ = send(context.WithValue(ctx, tenantKey{}, tenants[rand.IntN(len(tenants))])) })
	again(func() {
		run(ctx, "bank.transfer", policy.CircuitBreaker{Name: "bank"}, works)
		run(ctx, "quote", policy.RateLimit{Name: "quotes"}, works)
		run(ctx, "mail", policy.RateLimit{Name: "mails"}, works)
		run(ctx, "ledger.post", policy.AdaptiveLimit{Initial: 6, Min: 2, Max: 200}, func(ctx context.Context) error { return pause(ctx, 2*time.Millisecond) })
	})
	for range 2 { // one would do; of two, one is refused
		work.Go(func() {
			for ctx.Err() == nil {
				run(policy.WithCriticality(ctx, policy.Sheddable), "report", policy.Bulkhead{Name: "reports"}, func(ctx context.Context) error { return pause(ctx, 100*time.Millisecond) })
				_ = pause(ctx, 10*time.Millisecond)
			}
		})
	}
	return address
}

// Whatever an application uses, the page shows what becomes of it.
func TestEverythingIsShown(t *testing.T) {
	_, err := chromium()
	need(t, err)
	store := &apptest.ThreeInstances{}
	page := open(t, startEverything(t, store, "globex"))
	look := func(name string) {
		page.shot("everything-" + name)
		page.do(chromedp.EmulateViewport(400, 2000, chromedp.EmulateMobile))
		page.until(`document.documentElement.scrollWidth <= innerWidth`)
		page.until(`(({ left, right }) => left >= 0 && right <= innerWidth)(document.querySelector("[aria-selected=true]").getBoundingClientRect())`)
		page.shot("everything-" + name + "-400")
		page.do(chromedp.EmulateViewport(1280, 1000))
	}
	page.says("#verdict", "browser.courier/globex is down")
	page.says("#verdict-more", "shared by 3 instances, the store answered")
	page.says(".entry .badge.down", "down in part")
	look("overview")
	unfold := func(view, name string) action {
		return script(fmt.Sprintf(`[...document.querySelectorAll("#view-%s .entry .row-name")].find((b) => b.textContent.includes(%q)).click()`, view, name))
	}
	page.do(unfold("services", "browser.courier"))
	page.says(".facts-line", "5 of 20 partitions, down: globex")
	page.says(".instead", "handed to the fallback")
	look("service")
	page.do(unfold("services", "browser.courier"), unfold("services", "browser.atlas"))
	page.says(".instead", "hedges")
	page.says(".instead", "of them faster")
	page.says(".instead", "with an old answer")
	page.says(".instead", "retries beyond the budget")
	look("atlas")
	page.accessible("a service that is hedged")

	page.click("#tab-limiters")
	page.says("#view-limiters .card", "shared by 3 instances, the store answered")
	page.says("#view-limiters .card .badge.ok", "shared")
	page.says(".bulkheads .card", "Finds its limit from 2 to 200 by how long calls take: ")
	page.says(".bulkheads .card", "50 % for critical calls · refused ")
	look("limits")
	page.accessible("limits, shared and adaptive")
	page.click("#tab-operations")
	page.says("#view-operations .entry", "report")
	page.do(unfold("operations", "report"))
	page.says("#view-operations .instead", "shed")
	page.click("#tab-events")
	for _, said := range []string{"began beside one that had taken", "had the answer first", "its fallback was asked", "answered as it did"} {
		page.says(".log-entry", said)
	}
	look("events")
	page.until(`![...document.querySelectorAll(".log-entry.bad")].some((e) => e.textContent.includes("canceled"))`) // of hedges that lost

	store.Away.Store(true)
	page.says(".incident", "The store does not answer, so this instance goes by what it knows itself")
	page.says("#verdict-more", ", and is away")
	page.says(".log-entry", "goes on without the others")
	page.click("#tab-services")
	look("alone")
	page.accessible("without the store")
}

// A thousand tenants that are down are one thing to look at.
func TestManyPartitionsAreToldOfTogether(t *testing.T) {
	_, err := chromium()
	need(t, err)
	page := open(t, startEverything(t, &apptest.ThreeInstances{}, "globex", "initech", "hooli", "soylent", "vandelay"))
	page.says("#verdict", "Partitions of browser.courier are down")
	page.says(".incident", "5 of 9 partitions are down: globex, hooli, initech, soylent, vandelay")
	page.until(`document.querySelectorAll(".incident").length === 1`)
	page.shot("partitions")
}
