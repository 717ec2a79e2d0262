package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/cladgo/clad/cmd/clad/internal/check"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/internal/printable"
)

var checkCommand = command{
	name:    "check",
	summary: "find what is wrong with profiles, and with the names of policies in code",
	usage:   "check [flags] [directories, files] [packages]",
	help: `
Check loads every profile of a directory as an application would (base.yaml, then
the profile, then the variables CLAD__... of this environment) and reports all
mistakes at once, with their places and the nearest right names. The directory
is configs, unless others are given; of a single file, only that profile is
checked, and of base.yaml all that start from it.

  clad check
  clad check deploy/profiles
  clad check configs/production.yaml

With Go packages it also checks the names of policies in the code against every
profile: those in container.Tag and container.Method, in fields tagged policy:"..."
and in pipelines that are asked for by name; and the other way round, the
services and methods that profiles make choices for. Names that are no constants
are listed as not checked, and policies that nobody uses are noted. Test files
are left out.

  clad check ./...
  clad check configs ./cmd/server github.com/acme/shop/...

An argument is a directory of profiles if it has YAML files, and a package if it
has ... in it, is a directory with Go files only, or an import path.
`,
	prepare: func(flags *flag.FlagSet, io streams) func(context.Context, []string) int {
		var o checkOptions
		flags.StringVar(&o.dir, "dir", defaultDir, "the `directory` of profiles, if no argument is one")
		flags.BoolVar(&o.env, "env", true, "take the variables CLAD__... of this environment into account")
		flags.BoolVar(&o.json, "json", false, "print one JSON object")
		flags.BoolVar(&o.plain, "plain", false, "print one line for each finding, for editors and CI: file:line:column: what is wrong")
		flags.StringVar(&o.color, "color", "auto", "`when` to use colours: auto (on a terminal, unless NO_COLOR is set), always, never")
		flags.StringVar(&o.tags, "tags", "", "build `tags` of the packages, separated by commas")
		return func(ctx context.Context, args []string) int { return o.run(ctx, args, io) }
	},
}

type checkOptions struct {
	dir, color, tags string
	env, json, plain bool
}

func (o checkOptions) run(ctx context.Context, args []string, io streams) int {
	colours, err := terminal.For(io.out, o.color, os.Getenv)
	if err == nil && o.json && o.plain {
		err = fmt.Errorf("-json and -plain exclude each other")
	}
	if err != nil {
		return misused(io, "check", err)
	}
	a, err := classify(args)
	if err != nil {
		return misused(io, "check", printable.Error(err))
	}
	if len(a.dirs)+len(a.files) == 0 {
		a.dirs = []string{o.dir}
	}
	result, err := check.Run(ctx, check.Options{Dirs: a.dirs, Files: a.files, Environ: environment(o.env), Packages: a.packages, Tags: o.tags})
	if err != nil {
		return misused(io, "check", err)
	}
	switch {
	case o.json:
		if err := result.PrintJSON(io.out); err != nil {
			return misused(io, "check", err)
		}
	case o.plain:
		result.PrintPlain(io.out)
	default:
		result.Print(io.out, colours)
	}
	if len(result.Mistakes) > 0 {
		return failed
	}
	return ok
}

// environment is what profiles are loaded with.
func environment(use bool) []string {
	if !use {
		return nil
	}
	return os.Environ()
}

// misused reports that a command can't do what it was asked to.
func misused(io streams, command string, err error) int {
	fmt.Fprintf(io.err, "clad %s: %v\nclad help %[1]s tells more\n", command, err)
	return misuse
}
