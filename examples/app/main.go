// Command app is a payment service whose dependencies come out of the container
// already protected, by the policies of the repository's configs directory.
//
//	go run ./examples/app                          # the profile development
//	CLAD_PROFILE=production go run ./examples/app
//	go run ./examples/app -demo                    # plays an outage, and a bank on fire
//	go run ./examples/app -h
//
// Start reading at package payments, the domain; then package wiring, where
// clad comes in.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// run returns the exit code: 0 for good, 1 for a failure, 2 for wrong usage.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, environ, stderr)
	if err != nil {
		return usageExit(err)
	}
	if o.demo {
		err = playDemo(ctx, o, stdout, stderr)
	} else {
		err = serve(ctx, o, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%v\n", err)
		return 1
	}
	return 0
}

// serve runs the application until it is told to stop, by Ctrl-C or SIGTERM.
// Changes of the profile take effect meanwhile.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	p, err := loadProfile(o.configs, "", o.environ)
	if err != nil {
		return err
	}
	settings, notes, err := settingsFor(ctx, o, stderr)
	if err != nil {
		return err
	}
	settings.Steer = p.Name() == "development"
	app := fx.New(wiring.App(settings, module.WithConfigDir(p.dir), module.WithReload()))
	if err := start(ctx, app, settings); err != nil {
		return err
	}
	told := app.Wait()
	welcome(stdout, settings, p, notes)
	signal := <-told
	fmt.Fprintln(stderr, "stopping: requests that are being answered may finish")
	if err := stop(app); err != nil {
		return err
	}
	if signal.ExitCode != 0 {
		return fmt.Errorf("stopped because a server broke; exit code %d", signal.ExitCode)
	}
	return nil
}

// start starts the application. What Fx does not own yet is let go of if that
// fails.
func start(ctx context.Context, app *fx.App, s wiring.Settings) error {
	ctx, cancel := context.WithTimeout(ctx, app.StartTimeout())
	defer cancel()
	err := app.Start(ctx)
	if err != nil {
		s.API.Close()
		if s.Bank != nil {
			s.Bank.Close()
		}
	}
	return err
}

// stop stops it in a context of its own: the caller's may be over already.
func stop(app *fx.App) error {
	ctx, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	return app.Stop(ctx)
}

func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo // reloads; changes of circuit breakers are warnings
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
