package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

func TestAForcedStateEndsAtItsDeadline(t *testing.T) {
	for name, test := range map[string]struct {
		asked string
		lasts time.Duration // 0: it does not end
	}{
		"of its own":  {`{"mode":"forced_open","reason":"they migrate","for":"1m"}`, time.Minute},
		"the default": {`{"mode":"disabled","reason":"it flaps"}`, console.DefaultFor},
		"none":        {`{"mode":"forced_open","reason":"for good","for":"forever"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := shop(t)
				h := console.Handler(o, console.AllowControls(ann))
				var got console.CircuitBreaker
				if w := post(t, h, "/api/circuit_breakers/bank", test.asked, &got); w.Code != http.StatusOK {
					t.Fatalf("status %d", w.Code)
				}
				if got.Control == nil || got.Control.By != "ann" || got.Control.Reason == "" {
					t.Fatalf("%+v", got)
				}
				b, _ := o.CircuitBreaker("bank")
				if test.lasts == 0 {
					time.Sleep(48 * time.Hour)
					if b.Status().Mode != container.ModeForcedOpen {
						t.Error("what was to last is over")
					}
					return
				}
				if want := got.Control.Since.Add(test.lasts); !got.Control.Until.Equal(want) {
					t.Errorf("until %v, want %v", got.Control.Until, want)
				}
				time.Sleep(test.lasts - 1)
				if b.Status().Mode == container.ModeAutomatic {
					t.Error("it was over before its deadline")
				}
				time.Sleep(2 * time.Nanosecond)
				synctest.Wait()
				if b.Status().Mode != container.ModeAutomatic {
					t.Error("it outlived its deadline")
				}
				if now := stateOf(t, h).CircuitBreakers[0]; now.Control != nil {
					t.Errorf("%+v", now)
				}
			})
		})
	}
}

// The deadline of a control that another took the place of must not end that one.
func TestALaterControlTakesThePlaceOfAnEarlierOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o, console.AllowControls(ann))
		b, _ := o.CircuitBreaker("bank")
		mode := func(want container.Mode) {
			t.Helper()
			synctest.Wait()
			if got := b.Status().Mode; got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		}
		post(t, h, "/api/circuit_breakers/bank", `{"mode":"forced_open","reason":"a","for":"1m"}`, nil)
		post(t, h, "/api/circuit_breakers/bank", `{"mode":"disabled","reason":"b","for":"5m"}`, nil)
		time.Sleep(2 * time.Minute)
		mode(container.ModeDisabled)
		post(t, h, "/api/circuit_breakers/bank", `{"mode":"automatic","reason":"c"}`, nil)
		mode(container.ModeAutomatic)
		b.Disable() // by the application itself
		time.Sleep(10 * time.Minute)
		mode(container.ModeDisabled)

		post(t, h, "/api/circuit_breakers/bank", `{"mode":"forced_open","reason":"d","for":"1m"}`, nil)
		b.Disable()
		time.Sleep(2 * time.Minute)
		mode(container.ModeDisabled)
	})
}

func TestALimitIsSetForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o, console.AllowControls(ann))
		var got console.RateLimiter
		post(t, h, "/api/rate_limiters/calls", `{"mode":"overridden","requests_per_second":1,"burst":2,"reason":"they are slow","for":"1m"}`, &got)
		if got.Mode != "overridden" || got.PerSecond != 1 || got.Burst != 2 || got.Tokens > 2 || got.Control == nil {
			t.Errorf("%+v", got)
		}
		l := policy.RateLimit{Name: "calls"}
		for n := range 3 {
			if err := run(t, o, "pay", l, works); (err == nil) != (n < 2) {
				t.Errorf("call %d: %v", n, err)
			}
		}
		time.Sleep(time.Minute + 1)
		synctest.Wait()
		if now := stateOf(t, h).RateLimiters[0]; now.Mode != "automatic" || now.PerSecond != 1000 || now.Burst != 100 || now.Rejected != 1 {
			t.Errorf("%+v", now)
		}
	})
}

func TestWhatMayNotSteer(t *testing.T) {
	const good = `{"mode":"forced_open","reason":"r"}`
	with := func(change func(*http.Request)) func(*http.Request) { return change }
	for name, test := range map[string]struct {
		path, body string
		who        func(*http.Request) (string, bool)
		change     func(*http.Request)
		status     int
	}{
		"nobody may":                    {"bank", good, nil, nil, http.StatusForbidden},
		"a stranger":                    {"bank", good, func(*http.Request) (string, bool) { return "", false }, nil, http.StatusForbidden},
		"another site":                  {"bank", good, ann, with(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }), http.StatusForbidden},
		"another port":                  {"bank", good, ann, with(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }), http.StatusForbidden},
		"an old browser":                {"bank", good, ann, with(func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }), http.StatusForbidden},
		"of no origin":                  {"bank", good, ann, with(func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") }), http.StatusForbidden},
		"a form":                        {"bank", good, ann, with(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), http.StatusUnsupportedMediaType},
		"a form of no type":             {"bank", good, ann, with(func(r *http.Request) { r.Header.Del("Content-Type") }), http.StatusUnsupportedMediaType},
		"a PUT":                         {"bank", good, ann, with(func(r *http.Request) { r.Method = http.MethodPut }), http.StatusMethodNotAllowed},
		"a GET":                         {"bank", good, ann, with(func(r *http.Request) { r.Method = http.MethodGet }), http.StatusMethodNotAllowed},
		"a name misspelt":               {"bnak", good, ann, nil, http.StatusNotFound},
		"no name":                       {"", good, ann, nil, http.StatusNotFound},
		"no JSON":                       {"bank", `mode=forced_open`, ann, nil, http.StatusBadRequest},
		"nothing":                       {"bank", ``, ann, nil, http.StatusBadRequest},
		"null":                          {"bank", `null`, ann, nil, http.StatusBadRequest},
		"a list":                        {"bank", `[` + good + `]`, ann, nil, http.StatusBadRequest},
		"two":                           {"bank", good + good, ann, nil, http.StatusBadRequest},
		"an unknown field":              {"bank", `{"mode":"forced_open","reason":"r","unitl":"1m"}`, ann, nil, http.StatusBadRequest},
		"an unknown mode":               {"bank", `{"mode":"open","reason":"r"}`, ann, nil, http.StatusBadRequest},
		"no mode":                       {"bank", `{"reason":"r"}`, ann, nil, http.StatusBadRequest},
		"no reason":                     {"bank", `{"mode":"forced_open"}`, ann, nil, http.StatusBadRequest},
		"a reason of nothing":           {"bank", `{"mode":"forced_open","reason":" \n\u202e"}`, ann, nil, http.StatusBadRequest},
		"a reason too long":             {"bank", `{"mode":"forced_open","reason":"` + strings.Repeat("é", 201) + `"}`, ann, nil, http.StatusBadRequest},
		"a time below 0":                {"bank", `{"mode":"forced_open","reason":"r","for":"-1m"}`, ann, nil, http.StatusBadRequest},
		"a time of 0":                   {"bank", `{"mode":"forced_open","reason":"r","for":"0s"}`, ann, nil, http.StatusBadRequest},
		"a bare number":                 {"bank", `{"mode":"forced_open","reason":"r","for":"10"}`, ann, nil, http.StatusBadRequest},
		"a time too long":               {"bank", `{"mode":"forced_open","reason":"r","for":"25h"}`, ann, nil, http.StatusBadRequest},
		"a time for a reset":            {"bank", `{"mode":"reset","reason":"r","for":"1m"}`, ann, nil, http.StatusBadRequest},
		"a body without end":            {"bank", `{"reason":"` + strings.Repeat("x", 1<<20), ann, nil, http.StatusRequestEntityTooLarge},
		"a depth without end":           {"bank", strings.Repeat("[", 4000), ann, nil, http.StatusBadRequest},
		"spaces without end":            {"bank", good + strings.Repeat(" ", 1<<20), ann, nil, http.StatusRequestEntityTooLarge},
		"a limit of no rate":            {"../rate_limiters/calls", `{"mode":"overridden","reason":"r"}`, ann, nil, http.StatusBadRequest},
		"a limit below 0":               {"../rate_limiters/calls", `{"mode":"overridden","requests_per_second":-1,"reason":"r"}`, ann, nil, http.StatusBadRequest},
		"a limit without end":           {"../rate_limiters/calls", `{"mode":"overridden","requests_per_second":1e999,"reason":"r"}`, ann, nil, http.StatusBadRequest},
		"an automatic one's":            {"../rate_limiters/calls", `{"mode":"automatic","requests_per_second":5,"reason":"r"}`, ann, nil, http.StatusBadRequest},
		"a limiter misspelt":            {"../rate_limiters/cells", `{"mode":"automatic","reason":"r"}`, ann, nil, http.StatusNotFound},
		"a limiter by a breaker's name": {"../rate_limiters/bank", `{"mode":"automatic","reason":"r"}`, ann, nil, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			o := shop(t)
			var opts []console.Option
			if test.who != nil {
				opts = append(opts, console.AllowControls(test.who))
			}
			path := "/api/circuit_breakers/" + test.path
			if limiter, ok := strings.CutPrefix(test.path, "../"); ok {
				path = "/api/" + limiter
			}
			r := request(t, path, test.body)
			if test.change != nil {
				test.change(r)
			}
			w := httptest.NewRecorder()
			console.Handler(o, opts...).ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if n := len(o.CircuitBreakers()) + len(o.RateLimiters()); n != 2 {
				t.Errorf("%d breakers and limiters: one was made", n)
			}
			if b := o.CircuitBreakers()[0]; b.Status().Mode != container.ModeAutomatic {
				t.Errorf("the breaker is %s", b.Status().Mode)
			}
			if o.RateLimiters()[0].Overridden() {
				t.Error("the limiter is overridden")
			}
		})
	}
}

// A name may hold anything, a slash too.
func TestWhatHasAStrangeNameCanBeSteered(t *testing.T) {
	for name, escaped := range map[string]string{
		"payments.Gateway/external_api_once": "payments.Gateway%2Fexternal_api_once",
		`<img src=x onerror=alert(1)>"'`:     "%3Cimg%20src=x%20onerror=alert(1)%3E%22%27",
		"http.Client[stripe]":                "http.Client%5Bstripe%5D",
		"/../%2F?#":                          "%2F..%2F%252F%3F%23",
		"ünïcödé \u202e":                     "%C3%BCn%C3%AFc%C3%B6d%C3%A9%20%E2%80%AE",
	} {
		for _, prefix := range []string{"", "/debug/clad"} {
			o := newOrchestrator(t, policy.Catalog{})
			if err := o.RegisterCircuitBreaker(name, policy.CircuitBreaker{}); err != nil {
				t.Fatal(err)
			}
			h := http.StripPrefix(prefix, console.Handler(o, console.AllowControls(ann)))
			w := post(t, h, prefix+"/api/circuit_breakers/"+escaped, `{"mode":"forced_open","reason":"r"}`, nil)
			if b, _ := o.CircuitBreaker(name); w.Code != http.StatusOK || b.State() != policy.StateOpen {
				t.Errorf("%q below %q: status %d, and it is %v", name, prefix, w.Code, b.State())
			}
		}
	}
}

func TestLoopbackIsWhoIsOnThisMachine(t *testing.T) {
	for name, test := range map[string]struct {
		from, host, forwarded string
		ok                    bool
	}{
		"this machine":      {"127.0.0.1:5", "127.0.0.1:8080", "", true},
		"by its name":       {"[::1]:5", "localhost:8080", "", true},
		"IPv6":              {"[::1]:5", "[::1]:8080", "", true},
		"IPv4 in IPv6":      {"[::ffff:127.0.0.1]:5", "localhost", "", true},
		"another machine":   {"10.0.0.1:5", "127.0.0.1:8080", "", false},
		"behind a proxy":    {"127.0.0.1:5", "127.0.0.1:8080", "10.0.0.1", false},
		"by a name of ours": {"127.0.0.1:5", "evil.example", "", false}, // which leads to 127.0.0.1
		"by nothing":        {"127.0.0.1:5", "", "", false},
		"by a socket":       {"@", "localhost", "", false},
	} {
		r := request(t, "/", "")
		r.RemoteAddr, r.Host = test.from, test.host
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if _, ok := console.Loopback(r); ok != test.ok {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
