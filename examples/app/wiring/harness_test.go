package wiring_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/examples/app/api"
	"github.com/cladgo/clad/examples/app/bank"
	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// unprotected has every policy that the constructors are tagged with, and each
// is none. Tests put in what they are about.
func unprotected() policy.Catalog {
	return policy.Catalog{Policies: map[string]policy.Policy{
		"api": policy.None{}, "database": policy.None{}, "cache": policy.None{},
		"external_api": policy.None{}, "external_api_once": policy.None{},
	}}
}

// with returns unprotected with one policy changed.
func with(name string, layers ...policy.Policy) policy.Catalog {
	c := unprotected()
	c.Policies[name] = policy.Combine(layers...)
	return c
}

// profile is one of the repository's.
func profile(t *testing.T, name string) policy.Catalog {
	t.Helper()
	p, err := config.Load(config.Dir("../../../configs"), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.Catalog()
}

func settings(t *testing.T) wiring.Settings {
	t.Helper()
	s := wiring.Settings{API: listen(t), Bank: listen(t), Log: slog.New(slog.DiscardHandler)}
	s.BankURL = "http://" + s.Bank.Addr().String()
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// running is a started application, seen from outside.
type running struct {
	t         *testing.T
	app       *fx.App
	api, bank string
	http      *http.Client
}

func start(t *testing.T, c policy.Catalog, more ...fx.Option) *running {
	t.Helper()
	return startWith(t, settings(t), c, more...)
}

func startWith(t *testing.T, s wiring.Settings, c policy.Catalog, more ...fx.Option) *running {
	t.Helper()
	return startApp(t, s, fx.Options(more...), module.WithCatalog(c))
}

func startApp(t *testing.T, s wiring.Settings, more fx.Option, policies ...module.Option) *running {
	t.Helper()
	app := fx.New(more, wiring.App(s, policies...))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &running{t, app, "http://" + s.API.Addr().String(), s.BankURL, &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() {
		r.http.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

type answer struct {
	status     int
	retryAfter string
	key        string
	body       string
}

func (a answer) json(t *testing.T) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%q: %v", a.body, err)
	}
	return m
}

func (r *running) do(ctx context.Context, method, url, key, body string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := r.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Retry-After"), res.Header.Get("Idempotency-Key"), string(b)}, err
}

func (r *running) must(method, url, key, body string) answer {
	r.t.Helper()
	a, err := r.do(r.t.Context(), method, url, key, body)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// pay asks for a payment by a method for which the domain declares no retry, so
// that what is seen is the profile's.
func (r *running) pay(key string) answer {
	r.t.Helper()
	return r.must(http.MethodPost, r.api+"/payments", key, order("100", "bank_transfer"))
}

func order(amount, method string) string {
	return fmt.Sprintf(`{"amount": %s, "currency": "EUR", "method": %q}`, amount, method)
}

func (r *running) find(id string) answer {
	r.t.Helper()
	return r.must(http.MethodGet, r.api+"/payments/"+id, "", "")
}

func (r *running) refund(id string) answer {
	r.t.Helper()
	return r.must(http.MethodPost, r.api+"/payments/"+id+"/refund", "", "")
}

func (r *running) faults(body string) {
	r.t.Helper()
	if a := r.must(http.MethodPut, r.bank+"/faults", "", body); a.status != http.StatusOK {
		r.t.Fatal(a)
	}
}

func (r *running) statement() (s bank.Statement) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.must(http.MethodGet, r.bank+"/statement", "", "").body), &s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *running) metrics() (m api.State) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.must(http.MethodGet, r.api+"/state", "", "").body), &m); err != nil {
		r.t.Fatal(err)
	}
	return m
}
