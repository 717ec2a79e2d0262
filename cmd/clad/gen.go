package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

var genCommand = command{
	name:    "gen",
	summary: "write the proxies through which tagged constructors are wrapped",
	usage:   "gen [flags] [packages]",
	help: `
Gen finds the calls of container.Tag in the packages (by default the one in the
current folder) and writes a proxy for every interface that the constructors
given to it provide. Each package that tags gets one file, clad_gen.go, which is
to be committed. It is rewritten only when it changes.

Most need one line, once in the module, in a file of the package that tags:

  //go:generate go tool clad gen

and then

  go generate ./...          write or renew the files
  go tool clad gen ./...     the same for every package at once
  go tool clad gen -check ./...
                             fail if any file is not as it would be written now

Interfaces that no Tag call shows are asked for by name:

  clad gen -type Gateway,Ledger
  clad gen -type io/fs.FS,database/sql/driver.Connector
  clad gen -type 'Repo[User]'

The head of each file lists the methods and how each is guarded. A comment at a
method of an interface changes that:

  //clad:once    never attempted again once it may have reached the dependency
  //clad:safe    safe to repeat: a callback or an iter.Seq may begin anew
  //clad:bounded the policy's timeouts bound what it opened, too
  //clad:skip    passed through
  //clad:key id  each value of the parameter id has breakers, limiters and
                 bulkheads of its own: a string, an integer, or what has a String
`,
	prepare: func(flags *flag.FlagSet, io streams) func(context.Context, []string) int {
		var types, tags list
		var o gen.Options
		flags.Var(&types, "type", "also these interfaces: `names` separated by commas, of this package or import/path.Name")
		flags.Var(&tags, "tags", "build `tags` separated by commas; given several times, the file serves all these builds")
		flags.StringVar(&o.Output, "o", gen.DefaultOutput, "name of the `file` in each package")
		flags.BoolVar(&o.Check, "check", false, "write nothing; list the files that are stale, and fail if there are any")
		flags.BoolVar(&o.Anew, "a", false, "look at everything, also where nothing has changed since a run that found nothing to do")
		verbose := flags.Bool("v", false, "say what is done")
		return func(ctx context.Context, patterns []string) int {
			o.Types, o.Tags, o.Patterns = types, tags, patterns
			o.Say = func(format string, args ...any) { fmt.Fprintf(io.err, "clad gen: "+format+"\n", args...) }
			return generate(ctx, o, *verbose, io)
		}
	},
}

func generate(ctx context.Context, o gen.Options, verbose bool, io streams) int {
	result, err := gen.Run(ctx, o)
	if result != nil {
		report(result, verbose, io)
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(io.err, "clad gen: %s\n", line)
		}
		return failed
	}
	if len(result.Stale) > 0 {
		fmt.Fprintf(io.err, "clad gen: %s stale: run go generate, or clad gen, and commit what changes\n", count(len(result.Stale), "file is", "files are"))
		return failed
	}
	return ok
}

// report lists the files on standard output, one a line, and says the rest on
// standard error.
func report(r *gen.Result, verbose bool, io streams) {
	for _, name := range r.Written {
		fmt.Fprintln(io.out, relative(name))
	}
	for _, name := range r.Removed {
		fmt.Fprintf(io.out, "%s (removed: nothing needs it)\n", relative(name))
	}
	for _, name := range r.Stale {
		fmt.Fprintln(io.out, relative(name))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(io.err, "clad gen: %s\n", warning)
	}
	if !verbose {
		return
	}
	if r.Recalled {
		fmt.Fprintln(io.err, "clad gen: nothing has changed since the last run; -a looks at everything")
	}
	for _, name := range r.Unchanged {
		fmt.Fprintf(io.err, "clad gen: %s is up to date\n", relative(name))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(io.err, "clad gen: %s\n", note)
	}
	fmt.Fprintf(io.err, "clad gen: %s, %s\n", count(r.Proxies, "proxy", "proxies"), count(r.Methods, "method", "methods"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func relative(name string) string {
	wd, err := os.Getwd()
	if err != nil {
		return name
	}
	if rel, err := filepath.Rel(wd, name); err == nil {
		return rel
	}
	return name
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }
