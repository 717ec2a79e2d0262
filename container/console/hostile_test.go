package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

// shown returns what the console says of an error that opened a breaker.
func shown(t *testing.T, err error, opts ...console.Option) string {
	t.Helper()
	o := newOrchestrator(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 1}}})
	h := console.Handler(o, opts...)
	_ = run(t, o, "pay", bank, func(context.Context) error { return err })
	return stateOf(t, h).CircuitBreakers[0].LastTrip.Error
}

func TestNoSecretIsShown(t *testing.T) {
	for _, secret := range []string{
		"postgres://app:§@db:5432/shop?sslmode=disable",
		"dial amqp://guest:p/§@mq failed",
		`Get "https://api.example/v1?api_key=§&x=1": EOF`,
		"password=§ host=db", "PGPASSWORD: §", `{"access_token":"§","x":1}`, `{"client_secret": "§ and more"}`,
		"Authorization: Bearer §", "401: bearer §", "Authorization: Basic §",
		"Cookie: session=§; theme=dark", "X-Api-Key: §", "Set-Cookie: id=§",
		"card 4111 1111 1111 1111", "card 4111111111111111", "5500-0000-0000-0004",
		"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
		"key 0123456789abcdef0123456789abcdef", "AKIA key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1",
	} {
		text := shown(t, errors.New(strings.ReplaceAll(secret, "§", "hunter2hunter2")))
		for _, leak := range []string{"hunter2", "4111", "0004", "eyJ", "0123456789abcdef", "wJalr"} {
			if strings.Contains(text, leak) {
				t.Errorf("%q is shown as %q", secret, text)
			}
		}
	}
	for _, harmless := range []string{
		"dial tcp 10.0.0.7:5432: connect: connection refused", "context deadline exceeded", "HTTP 503 Service Unavailable",
		`Post "http://127.0.0.1:8081/charges": EOF`, "ERROR: deadlock detected (SQLSTATE 40P01)", "lookup db.internal on 10.0.0.2:53: no such host",
		"/srv/payments/releases/current/configs/production.yaml:2:10: policies.bank.timeuot: unknown key",
	} {
		if text := shown(t, errors.New(harmless)); text != harmless {
			t.Errorf("%q is shown as %q", harmless, text)
		}
	}
	if text := shown(t, errDown, console.DescribeErrors(func(error) string { return "" })); text != "" {
		t.Errorf("shown is %q", text)
	}
}

// worst is an error that does not even say what it is.
type worst struct{}

func (worst) Error() string { panic("no words") }

func TestAnErrorMayBeAnything(t *testing.T) {
	text := shown(t, errors.New(strings.Repeat("\x1b[31m\u202e\r\n\xff<script>", 100_000)))
	if len(text) > 310 || strings.ContainsAny(text, "\x1b\r\n\u202e") || !utf8.ValidString(text) {
		t.Errorf("%q", text)
	}
	o := shop(t)
	h := console.Handler(o)
	for range 3 {
		_ = run(t, o, "pay", bank, func(context.Context) error { return worst{} })
	}
	if b := stateOf(t, h).CircuitBreakers[0]; b.State != "open" {
		t.Errorf("%+v", b)
	}
}

// A name can't leave the JSON that it is in, nor become markup.
func TestNamesAreOnlyNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		names := []string{`</script><script>alert(1)</script>`, "a\ndata: forged\n\nevent: state", "\u2028\u2029", `"},{"x":"`, "\xff\xfe", strings.Repeat("n", 10_000)}
		h := console.Handler(o)
		for _, name := range names {
			if err := o.RegisterCircuitBreaker(name, policy.CircuitBreaker{FailureThreshold: 1}); err != nil {
				t.Fatal(err)
			}
			_ = run(t, o, name, policy.CircuitBreaker{Name: name}, fail)
		}
		time.Sleep(3 * time.Second)
		stream := follow(t, h)
		for range 3 {
			name, data := stream.next()
			if !json.Valid([]byte(data)) || strings.ContainsAny(data, "<>\u2028\u2029") {
				t.Errorf("%s: %s", name, data)
			}
		}
		if n := len(stateOf(t, h).CircuitBreakers); n != len(names) {
			t.Errorf("%d breakers", n)
		}
	})
}

// What the console keeps has a bound, whatever comes: 300 services of three methods
// take the 7 MB that its documentation says, and a flood of operations not much more.
func TestMemoryIsBounded(t *testing.T) {
	for _, test := range []struct {
		operations int
		most       uint64 // bytes
	}{{900, 8 << 20}, {5000, 20 << 20}} {
		synctest.Test(t, func(t *testing.T) {
			o, err := container.NewOrchestrator(policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 1 << 30}}},
				container.WithMaxOperations(test.operations))
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			ids := make([]string, test.operations)
			for n := range ids {
				ids[n] = fmt.Sprintf("shop.Service%03d.Method%d", n/3, n%3)
			}
			use := func() {
				for n, id := range ids {
					_ = run(t, o, id, bank, func(context.Context) error {
						if n%2 == 0 {
							return errDown
						}
						return nil
					})
				}
			}
			use()
			before := heap()
			h := console.Handler(o)
			for range 5 { // what is kept of an operation is there from the start
				use()
				time.Sleep(2 * time.Second)
			}
			took := int64(heap()) - int64(before)
			t.Logf("%d operations: %.1f MB", test.operations, float64(took)/1e6)
			if took > int64(test.most) {
				t.Errorf("%d operations take %d bytes, more than %d", test.operations, took, test.most)
			}
			runtime.KeepAlive(h)
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func FuzzCommands(f *testing.F) {
	for _, body := range []string{
		`{"mode":"forced_open","reason":"r","for":"1m"}`, `{"mode":"reset","reason":"r"}`, `{"mode":"overridden","requests_per_second":5,"burst":1,"reason":"r"}`,
		`{"mode":"automatic","reason":"r"}`, `[]`, `{"mode":1}`, `{"requests_per_second":1e309}`, "\xff", `{"for":"9999999999h"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		o, err := container.NewOrchestrator(policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}},
			RateLimiters:    map[string]policy.RateLimit{"calls": {RequestsPerSecond: 10}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		h := console.Handler(o, console.AllowControls(ann))
		for _, path := range []string{"/api/circuit_breakers/bank", "/api/rate_limiters/calls"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, request(t, path, body))
			if !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			var s console.State
			get(t, h, "/api/state", &s)
			forced, other := s.CircuitBreakers[0], s.RateLimiters[0]
			if steered := forced.Mode != "automatic" || other.Mode != "automatic"; steered && w.Code != http.StatusOK && path == "/api/circuit_breakers/bank" {
				t.Fatalf("status %d, and it is in force: %+v %+v", w.Code, forced, other)
			}
			if forced.Mode != "automatic" && (forced.Control == nil || forced.Control.Reason == "") {
				t.Fatalf("in force for no reason: %+v", forced)
			}
			if limit := o.RateLimiters()[0].Limit(); !(limit.RequestsPerSecond > 0) || limit.Burst < 1 {
				t.Fatalf("the limit is %v", limit)
			}
		}
	})
}
