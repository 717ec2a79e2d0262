package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// call is what every service of the crowd is.
type call func(context.Context, bool) error

func newCall() call {
	return func(_ context.Context, fails bool) error {
		if fails {
			return errors.New("dial tcp 10.0.0.7:5432: connection refused")
		}
		return nil
	}
}

// crowd is an application with many services.
type crowd struct {
	console      string
	calls        []call
	orchestrator *container.Orchestrator
}

func startCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	c := &crowd{calls: make([]call, n)}
	policies := policy.Catalog{
		RateLimiters: map[string]policy.RateLimit{"calls": {RequestsPerSecond: 1000, Burst: 100}, "mails": {RequestsPerPeriod: 100, Per: time.Minute}},
		Bulkheads:    map[string]policy.Bulkhead{"room": {MaxConcurrent: 2, MaxWait: time.Second}},
		Policies: map[string]policy.Policy{"guarded": policy.Combine(
			policy.RateLimit{Name: "calls"}, policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Hour}),
			"metered": policy.Combine(policy.RateLimit{Name: "mails"}, policy.Bulkhead{Name: "room"})},
	}
	parts := []fx.Option{module.New(module.WithCatalog(policies), module.WithLogger(slog.New(slog.DiscardHandler))), fx.NopLogger, fx.Populate(&c.orchestrator)}
	for i := range n {
		name := fmt.Sprintf("%s-%03d", []string{"orders", "payments", "search", "users", "mail", "stock"}[i%6], i)
		parts = append(parts,
			fx.Provide(container.Tag(fx.Annotated{Name: name, Target: newCall}, "guarded")),
			fx.Populate(fx.Annotate(&c.calls[i], fx.ParamTags(`name:"`+name+`"`))))
	}
	app := fx.New(parts...)
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	c.console = serve(t, console.Handler(c.orchestrator, console.AllowControls(console.Loopback)))
	return c
}

// serve serves a console until the test ends, and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/debug/clad/", http.StripPrefix("/debug/clad", h))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("with pages open, the server did not stop: %v", err)
		}
	})
	return "http://" + l.Addr().String() + "/debug/clad/"
}

// work has the services called until the test ends; the first few fail.
func (c *crowd) work(t *testing.T, failing int) {
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			for range 20 {
				i := rand.IntN(len(c.calls))
				_ = c.calls[i](ctx, i < failing)
			}
			for i := range failing {
				_ = c.calls[i](ctx, true)
			}
			select { // real time: a browser looks on
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
}

func TestThreeHundredServicesCanBeRead(t *testing.T) {
	_, err := chromium()
	need(t, err)
	c := startCrowd(t, 300)
	c.work(t, 3)
	page := open(t, c.console)
	page.says("#verdict", "3 dependencies are down")
	page.says("#verdict-more", "300 services")
	page.until(`document.querySelectorAll(".entry").length === 300`)
	// The worst come first.
	page.until(`[...document.querySelectorAll(".entry .badge")].slice(0, 3).every((b) => b.innerText === "down")`)
	page.shot("300")
	page.accessible("with 300 services")

	page.do(chromedp.KeyEvent("u"))
	page.until(`document.querySelectorAll("#view-services .entry").length === 3`)
	page.shot("300-only-unhealthy")
	page.do(chromedp.KeyEvent("u"), chromedp.KeyEvent("/"))
	page.until(`document.activeElement.matches("#view-services .search")`)
	search := func(text string) {
		page.do(script(`(() => { const s = document.querySelector("#view-services .search"); s.value = "` + text + `"; s.dispatchEvent(new Event("input")); })()`))
	}
	search("stock-299")
	page.until(`document.querySelectorAll("#view-services .entry").length === 1`)
	page.says("#view-services .tools", "of 300")
	search("")
	page.do(chromedp.SetValue("#view-services select", "name"), script(`document.querySelector("#view-services select").dispatchEvent(new Event("change"))`))
	page.until(`document.querySelector("#view-services .entry .name").innerText.includes("mail-004")`)
	page.do(phone())
	page.until(`document.documentElement.scrollWidth <= innerWidth`)
	page.shot("300-phone")
}

// A bulkhead is followed while it fills and empties, and a limit says its period.
func TestBulkheadsAndPeriodsAreShown(t *testing.T) {
	_, err := chromium()
	need(t, err)
	c := startCrowd(t, 2)
	metered, err := c.orchestrator.Pipeline("metered")
	if err != nil {
		t.Fatal(err)
	}
	leave, left := make(chan struct{}), make(chan error, 2)
	for range cap(left) {
		go func() {
			left <- metered.Run(t.Context(), func(context.Context) error { <-leave; return nil })
		}()
	}
	page := open(t, c.console+"#limiters")
	page.says("#view-limiters .card", "100 per 1 min")
	page.says(".bulkheads .card", "2 of 2 in use · 0 waiting · waits up to 1 s")
	page.says(".bulkheads .badge.failing", "full")
	page.shot("bulkheads")
	close(leave)
	for range cap(left) {
		if err := <-left; err != nil {
			t.Error(err)
		}
	}
	page.says(".bulkheads .card", "0 of 2 in use")
	page.says(".bulkheads .badge.ok", "has room")
}

// A control is used by the keyboard alone, and ends by itself.
func TestTheKeyboardAloneSteers(t *testing.T) {
	_, err := chromium()
	need(t, err)
	c := startCrowd(t, 5)
	page := open(t, c.console)
	page.says("#facts", "you may steer")
	breaker := c.orchestrator.CircuitBreakers()[0]

	focused := func(script string) {
		t.Helper()
		for range 60 {
			if eval[bool](page, "document.activeElement.matches("+script+")") {
				return
			}
			page.do(chromedp.KeyEvent(kb.Tab))
		}
		t.Fatalf("no number of tabs leads to %s; the focus is on %s", script, eval[string](page, "document.activeElement.outerHTML"))
	}
	focused(`".skip"`)
	page.do(chromedp.KeyEvent("3"))
	page.until(`document.activeElement.id === "tab-breakers"`)
	page.do(chromedp.KeyEvent(kb.ArrowRight))
	page.until(`document.activeElement.id === "tab-limiters"`)
	page.do(chromedp.KeyEvent(kb.ArrowLeft))
	page.until(`document.activeElement.id === "tab-breakers"`)
	focused(`"#view-breakers .card button"`)
	page.do(chromedp.KeyEvent(kb.Enter))
	page.until(`document.activeElement.name === "mode"`)
	page.shot("control")
	page.accessible("the dialog")
	page.do(chromedp.KeyEvent(kb.Escape))
	page.until(`!document.querySelector("dialog").open && document.activeElement.matches("#view-breakers .card button")`)
	page.do(chromedp.KeyEvent(kb.Enter))
	page.until(`document.querySelector("dialog").open`)
	// The times to choose from are long for a test: one is made short.
	page.do(script(`document.querySelector("dialog select option[value='5m']").value = "6s"; document.querySelector("dialog select").value = "6s"`))
	focused(`"dialog input[name=reason]"`)
	page.do(chromedp.SendKeys("dialog input[name=reason]", "a <b>drill</b>"), chromedp.KeyEvent(kb.Enter))
	page.until(`!document.querySelector("dialog").open`)
	page.says("#verdict", "is down")
	page.says(".incident", "somebody on this machine: a <b>drill</b>")
	if breaker.Status().Mode != container.ModeForcedOpen {
		t.Errorf("the breaker is %s", breaker.Status().Mode)
	}
	page.shot("forced-open")
	page.accessible("while a breaker is forced open")
	page.says("#verdict", "Everything works")
	if breaker.Status().Mode != container.ModeAutomatic {
		t.Errorf("the breaker is %s", breaker.Status().Mode)
	}
	page.do(chromedp.KeyEvent("5"))
	page.says(".log-entry", "forced open for 6s: a <b>drill</b>")
	page.says(".log-entry", "automatic again, after 6s")
}

func TestTheThemeCanBeChosen(t *testing.T) {
	_, err := chromium()
	need(t, err)
	page := open(t, startCrowd(t, 5).console)
	back := func() string { return eval[string](page, `getComputedStyle(document.documentElement).backgroundColor`) }
	choose := func(theme string) {
		page.do(script(`(() => { const s = document.getElementById("theme"); s.value = "` + theme + `"; s.dispatchEvent(new Event("change")); })()`))
	}
	page.do(scheme("light"))
	light := back()
	page.do(scheme("dark"))
	dark := back()
	if light == dark {
		t.Errorf("both are %s", light)
	}
	choose("light")
	if got := back(); got != light {
		t.Errorf("light on a dark system is %s, want %s", got, light)
	}
	page.do(chromedp.Reload(), chromedp.WaitVisible("#live.on"))
	if got := back(); got != light {
		t.Errorf("after a reload it is %s, want %s", got, light)
	}
	page.do(scheme("light"))
	choose("dark")
	if got := back(); got != dark {
		t.Errorf("dark on a light system is %s, want %s", got, dark)
	}
}
