package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	stdio "io"
	"os"
	"strings"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/internal/printable"
)

var explainCommand = command{
	name:    "explain",
	summary: "show what a profile amounts to, and where each value comes from",
	usage:   "explain [flags] [service, method or policy] [packages]",
	help: `
Explain shows how the layers of each policy nest, outermost first, and where each
value comes from: a file and line, a variable $CLAD__..., or the default. It works
out how often a call may be attempted and how long it may take at most, says
which methods are retried and, with Go packages, which errors are answers, and warns
of combinations that are known to do harm.

  clad explain                              the profile that CLAD_PROFILE or APP_ENV names
  clad explain -profile production database
  clad explain payments.Gateway             what the profile chooses for a service
  clad explain payments.Gateway.Refund ./...
                                            with Go packages, what their tags say as well
  clad explain -diff production development [service, method or policy]
                                            what differs between two profiles

The worst case is worked out from the inside out. A timeout of T cuts what stands
inside to T; a rate limit adds its max_wait; a retry of n attempts takes n times
as long as one and all its waits, each as long as jitter can make it, but with
max_elapsed its last attempt begins by then. It assumes that the dependency heeds
its context, and does not ask for longer waits (Retry-After) than the back-off's.
`,
	prepare: func(flags *flag.FlagSet, io streams) func(context.Context, []string) int {
		var o explainOptions
		flags.StringVar(&o.profile, "profile", "", "the `name` of the profile; else the environment says")
		flags.StringVar(&o.dir, "dir", defaultDir, "the `directory` of profiles")
		flags.BoolVar(&o.diff, "diff", false, "compare the two profiles that are named first")
		flags.DurationVar(&o.patience, "patience", 30*time.Second, "warn of what may take longer: `how long` a caller is likely to wait")
		flags.BoolVar(&o.env, "env", true, "take the variables CLAD__... of this environment into account")
		flags.BoolVar(&o.json, "json", false, "print one JSON object")
		flags.StringVar(&o.color, "color", "auto", "`when` to use colours: auto (on a terminal, unless NO_COLOR is set), always, never")
		flags.StringVar(&o.tags, "tags", "", "build `tags` of the packages, separated by commas")
		return func(ctx context.Context, args []string) int { return o.run(ctx, args, io) }
	},
}

type explainOptions struct {
	profile, dir, color, tags string
	patience                  time.Duration
	diff, env, json           bool
}

// explained can be printed for people; as JSON, it is what it is.
type explained interface {
	Print(w stdio.Writer, c terminal.Colours)
}

func (o explainOptions) run(ctx context.Context, args []string, io streams) int {
	colours, err := terminal.For(io.out, o.color, os.Getenv)
	if err != nil {
		return misused(io, "explain", err)
	}
	what, err := o.subject(args)
	if err != nil {
		return misused(io, "explain", printable.Error(err))
	}
	options := explain.Options{Patience: o.patience}
	if len(what.packages) > 0 {
		code, err := usage.Find(ctx, usage.Options{Patterns: what.packages, Tags: o.tags})
		if err != nil {
			return misused(io, "explain", err)
		}
		options.Tagged = code.Services
		for _, b := range code.Broken {
			fmt.Fprintln(io.err, b)
		}
		for _, u := range code.Unchecked {
			fmt.Fprintf(io.err, "%v: %s\n", u.At, u.What)
		}
	}
	result, err := o.explain(what, options)
	var mistakes config.Mistakes
	switch {
	case errors.As(err, &mistakes):
		fmt.Fprintf(io.err, "%v\nclad explain: the profile is mistaken; clad check %s shows more\n", err, printable.Text(o.dir))
		return failed
	case err != nil:
		return misused(io, "explain", errors.New(strings.TrimPrefix(err.Error(), "config: ")))
	}
	if !o.json {
		result.Print(io.out, colours)
		return ok
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(result)
	if err == nil {
		_, err = io.out.Write(printable.JSON(text.Bytes()))
	}
	if err != nil {
		fmt.Fprintf(io.err, "clad explain: %v\n", err)
		return failed
	}
	return ok
}

// subject is what a command line asks to be explained.
type subject struct {
	profiles []string // two of them with -diff
	target   string   // "" for everything
	packages []string
}

func (o explainOptions) subject(args []string) (subject, error) {
	s := subject{profiles: []string{o.profile}}
	if o.diff {
		if len(args) < 2 || o.profile != "" {
			return s, errors.New("-diff needs two profiles, as in clad explain -diff production development")
		}
		s.profiles, args = args[:2], args[2:]
	}
	for _, arg := range args {
		switch {
		case strings.Contains(arg, "...") || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || arg == ".":
			s.packages = append(s.packages, arg)
		case s.target == "" && arg != "":
			s.target = arg
		default:
			return s, fmt.Errorf("one thing at a time: %s or %s (packages begin with ./ or have ... in them)", s.target, arg)
		}
	}
	return s, nil
}

func (o explainOptions) explain(what subject, options explain.Options) (explained, error) {
	var loaded []*config.Profile
	for _, name := range what.profiles {
		p, err := config.Load(config.Dir(o.dir), name, environment(o.env))
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, p)
	}
	if o.diff {
		return explain.Diff(loaded[0], loaded[1], what.target, options)
	}
	report := explain.New(loaded[0], options)
	if what.target == "" {
		return report, nil
	}
	return report.Only(what.target)
}
