package demo_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/examples/app/demo"
	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// stage starts the application with the profile production, its breaker's
// recovery shortened, and the catalog changed further by change.
func stage(t *testing.T, change func(policy.Catalog), environ ...string) demo.Stage {
	t.Helper()
	p, err := config.Load(config.Dir("../../../configs"), "production",
		append(environ, "CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER__RECOVERY_TIMEOUT=1s"))
	if err != nil {
		t.Fatal(err)
	}
	c := p.Catalog()
	change(c)
	s := wiring.Settings{Log: slog.New(slog.DiscardHandler), API: listen(t), Bank: listen(t)}
	s.BankURL = "http://" + s.Bank.Addr().String()
	app := fx.New(wiring.App(s, module.WithCatalog(c)))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	api := "http://" + s.API.Addr().String()
	return demo.Stage{API: api, Bank: s.BankURL, Console: api + wiring.ConsolePath, Gateway: "payments.Gateway"}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestStoryGoesAsTold(t *testing.T) {
	var out bytes.Buffer
	err := demo.PlayOutage(t.Context(), stage(t, func(policy.Catalog) {}), demo.Table{Out: &out})
	if err != nil || strings.Contains(out.String(), "otherwise") {
		t.Errorf("%v\n%s", err, &out)
	}
	for _, want := range []string{" closed ", " open ", " half-open ", " 201 ", " 202 ", " 422 ", " 502 ", " 503 ", "Retry-After: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the table:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("there is colour, and nobody asked for it")
	}
}

// The demo must not say that all went well where it did not.
func TestStoryThatGoesOtherwiseIsAnError(t *testing.T) {
	for name, change := range map[string]func(policy.Catalog){
		"without a breaker": func(c policy.Catalog) {
			c.Policies["external_api"] = policy.Retry{MaxAttempts: 2}
		},
		"with a third attempt": func(c policy.Catalog) {
			layers := policy.Layers(c.Policies["external_api"])
			c.Policies["external_api"] = policy.Combine(append([]policy.Policy{policy.Retry{}}, layers[2:]...)...)
		},
		"with refunds repeated": func(c policy.Catalog) {
			c.Policies["external_api_once"] = c.Policies["external_api"]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := demo.PlayOutage(t.Context(), stage(t, change), demo.Table{Out: &out, Colour: true})
			if err == nil || !strings.Contains(err.Error(), "otherwise than told") || !strings.Contains(out.String(), "want ") {
				t.Errorf("%v\n%s", err, &out)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	l := listen(t)
	nowhere := "http://" + l.Addr().String()
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var out bytes.Buffer
	if err := demo.PlayOutage(ctx, demo.Stage{API: nowhere, Bank: nowhere}, demo.Table{Out: &out}); err == nil {
		t.Errorf("no error\n%s", &out)
	}
}
