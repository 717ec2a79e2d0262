package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/cladgo/clad/internal/printable"
	"github.com/cladgo/clad/internal/suggest"
)

// The exit codes of every command.
const (
	ok     = 0
	failed = 1 // what was looked at is not as it should be
	misuse = 2 // the command line is wrong
)

// A command is one of clad's.
type command struct {
	name    string
	summary string // for the list of commands
	usage   string // what follows "clad", as in "gen [flags] [packages]"
	help    string // what it does and examples; the flags are added
	// prepare declares the flags and returns what runs once they are parsed.
	prepare func(flags *flag.FlagSet, io streams) func(ctx context.Context, args []string) int
}

type streams struct{ out, err io.Writer }

// commands are all there are, in the order in which they are listed.
var commands = []command{genCommand, checkCommand, explainCommand, topCommand, statusCommand, schemaCommand, versionCommand}

// run is main without the process.
func run(ctx context.Context, args []string, out, err io.Writer) int {
	io := streams{out, printable.Writer(err)}
	if len(args) == 0 {
		overview(io.err)
		return misuse
	}
	switch name := args[0]; name {
	case "help", "-h", "-help", "--help":
		return help(args[1:], io)
	case "-version", "--version":
		args[0] = "version"
	}
	cmd, found := lookup(args[0])
	if !found {
		return unknown(args[0], io)
	}
	return cmd.run(ctx, args[1:], io)
}

func (c command) run(ctx context.Context, args []string, io streams) int {
	flags, start := c.flags(io)
	rest, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.print(io.out)
		return ok
	case err != nil:
		fmt.Fprintf(io.err, "clad %s: %v%s\nclad help %s tells more\n", c.name, printable.Error(err), c.nearestFlag(err, flags), c.name)
		return misuse
	}
	return start(ctx, rest)
}

// parse takes flags from anywhere among the arguments: what follows the packages
// must not be taken for one more package.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		terminated := len(args) > flags.NArg() && args[len(args)-flags.NArg()-1] == "--"
		if terminated {
			return append(rest, flags.Args()...), nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

func (c command) flags(s streams) (*flag.FlagSet, func(context.Context, []string) int) {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, here
	return flags, c.prepare(flags, s)
}

// nearestFlag says which flag was meant by one that does not exist.
func (c command) nearestFlag(err error, flags *flag.FlagSet) string {
	wrong, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: ")
	if !ok {
		return ""
	}
	var known []string
	flags.VisitAll(func(f *flag.Flag) { known = append(known, "-"+f.Name) })
	return suggest.DidYouMean(wrong, known)
}

func lookup(name string) (command, bool) {
	for _, c := range commands {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func unknown(name string, io streams) int {
	known := []string{"help"}
	for _, c := range commands {
		known = append(known, c.name)
	}
	fmt.Fprintf(io.err, "clad: unknown command %q%s\nclad help lists the commands\n", name, suggest.DidYouMean(name, known))
	return misuse
}

func help(args []string, io streams) int {
	if len(args) == 0 {
		overview(io.out)
		return ok
	}
	cmd, found := lookup(args[0])
	if !found {
		return unknown(args[0], io)
	}
	cmd.print(io.out)
	return ok
}

func overview(w io.Writer) {
	fmt.Fprintf(w, "clad is the tool of the clad container, which wraps dependencies in resilience policies.\n\nUsage:\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  clad %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(w, "  clad %-10s %s\n", "help", "tell more of a command: clad help gen")
	fmt.Fprintf(w, "\nIn a module that has it as a tool dependency:\n\n"+
		"  go get -tool github.com/cladgo/clad/cmd/clad\n"+
		"  go tool clad help\n\n"+
		"Exit codes: 0 all is well, 1 it is not, 2 the command line is wrong.\n")
}

// print writes all there is to know of a command.
func (c command) print(w io.Writer) {
	fmt.Fprintf(w, "clad %s: %s\n\nUsage:\n\n  clad %s\n\n%s\n", c.name, c.summary, c.usage, strings.TrimSpace(c.help))
	flags, _ := c.flags(streams{io.Discard, io.Discard})
	titled := false
	flags.VisitAll(func(f *flag.Flag) {
		if !titled {
			fmt.Fprintf(w, "\nFlags:\n\n")
			titled = true
		}
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-16s %s\n", strings.TrimSpace("-"+f.Name+" "+value), usage)
	})
}
