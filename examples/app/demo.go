package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/cladgo/clad/examples/app/demo"
	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// The demo plays the production profile. One setting is shortened by the
// environment, as anybody could, so that it is over in seconds.
const (
	demoProfile  = "production"
	demoVariable = "CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER__RECOVERY_TIMEOUT"
	demoValue    = "2s"
)

// playDemo runs the application on free ports, and the story against it.
func playDemo(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt)
	defer cancel()
	o.api, o.bank, o.bankURL, o.database = "127.0.0.1:0", "127.0.0.1:0", "", ""
	o.environ = slices.DeleteFunc(slices.Clone(o.environ), func(entry string) bool {
		return strings.HasPrefix(entry, demoVariable+"=")
	})
	unchanged, err := loadProfile(o.configs, demoProfile, o.environ)
	if err != nil {
		return err
	}
	p, err := loadProfile(o.configs, demoProfile, append(o.environ, demoVariable+"="+demoValue))
	if err != nil {
		return err
	}
	if !o.verbose {
		stderr = io.Discard // the table tells of the breakers
	}
	settings, _, err := settingsFor(ctx, o, stderr)
	if err != nil {
		return err
	}
	app := fx.New(wiring.App(settings, module.WithCatalog(p.Catalog())))
	if err := start(ctx, app, settings); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop(app)) }()

	fmt.Fprintf(stdout, "Profile: %s\n", p.describe())
	fmt.Fprintf(stdout, "Shortened: an open breaker of external_api probes after %s, where the file says %v (%s=%s)\n\n",
		demoValue, recoveryTimeout(unchanged), demoVariable, demoValue)
	stage := demo.Stage{API: "http://" + settings.API.Addr().String(), Bank: settings.BankURL, Breaker: "payments.Gateway"}
	return demo.Play(ctx, stage, demo.Table{Out: stdout, Colour: colour(stdout, o.environ)})
}

// recoveryTimeout is what the profile says of the breaker of external_api.
func recoveryTimeout(p profile) any {
	for _, layer := range policy.Layers(p.Catalog().Policies["external_api"]) {
		if breaker, ok := layer.(policy.CircuitBreaker); ok {
			return breaker.RecoveryTimeout
		}
	}
	return "nothing"
}

// colour is for terminals, unless somebody minds.
func colour(w io.Writer, environ []string) bool {
	f, ok := w.(*os.File)
	if !ok || lookup(environ, "NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
