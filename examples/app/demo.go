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
	"go.uber.org/fx"
)

// demoProfile is the profile that the stories are played under.
const demoProfile = "production"

// story is one that the demo plays, with what it changes in the profile by the
// environment, as anybody could: so that it is over in seconds.
type story struct {
	title   string
	environ []string
	play    func(context.Context, demo.Stage, demo.Table) error
}

const (
	probesSoon = "CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER__RECOVERY_TIMEOUT=2s"
	fewRetries = "CLAD__POLICIES__EXTERNAL_API__RETRY__BUDGET=0.2"
)

var stories = []story{
	{"An outage of the bank, and the recovery", []string{probesSoon}, demo.PlayOutage},
	{"The bank on fire, and a crowd of customers", []string{probesSoon, fewRetries}, demo.PlayFire},
}

// playDemo plays all stories.
func playDemo(ctx context.Context, o options, stdout, stderr io.Writer) error {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt)
	defer cancel()
	o.api, o.bank, o.bankURL, o.database = "127.0.0.1:0", "127.0.0.1:0", "", ""
	if !o.verbose {
		stderr = io.Discard // the tables tell of the breakers
	}
	var errs []error
	for i, s := range stories {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		if err := s.perform(ctx, o, stdout, stderr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.title, err))
		}
	}
	return errors.Join(errs...)
}

// perform runs the application on free ports, and the story against it.
func (s story) perform(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	p, err := loadProfile(o.configs, demoProfile, append(s.without(o.environ), s.environ...))
	if err != nil {
		return err
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

	fmt.Fprintf(stdout, "%s\n\nProfile: %s\nbut:     %s\n\n", s.title, p.describe(), strings.Join(s.environ, "\n         "))
	api := "http://" + settings.API.Addr().String()
	stage := demo.Stage{API: api, Bank: settings.BankURL, Console: api + wiring.ConsolePath, Gateway: "payments.Gateway"}
	return s.play(ctx, stage, demo.Table{Out: stdout, Colour: colour(stdout, o.environ)})
}

// without leaves out what the story sets itself.
func (s story) without(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(s.environ, func(own string) bool { return strings.HasPrefix(own, name+"=") })
	})
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
