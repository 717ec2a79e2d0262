package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/live"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/internal/printable"
)

var topCommand = command{
	name:    "top",
	summary: "show live what happens to an application's dependencies",
	usage:   "top [flags] URL",
	help: `
Top shows what the console of a running application knows: what is wrong, each
operation with its rates and latencies, what became of them by hedges, fallbacks
and old answers, every breaker, limit, bulkhead and partition, what a fleet shares,
and what a dry run would have done. URL is where the application serves
console.Handler.

  clad top http://localhost:8080/clad/
  clad top -unhealthy -sort failures localhost:8080/clad
  clad top -json -n 1 localhost:8080/clad | jq .circuit_breakers

Keys: q quits, tab shows the next table, s sorts by the next column, / filters by name, u shows only what is
unhealthy, ? tells more. Where there is no terminal, all lines are printed every so
often; with -json, the console's JSON, one object a line.
`,
	prepare: func(flags *flag.FlagSet, io streams) func(context.Context, []string) int {
		var o topOptions
		flags.DurationVar(&o.every, "every", time.Second, "ask so `often`; 100ms at least")
		flags.IntVar(&o.n, "n", 0, "stop after so many `times`; 0 goes on. It shows lines, also on a terminal")
		flags.StringVar(&o.sort, "sort", "state", "sort by `what`: state, rate, failures, latency or name")
		flags.StringVar(&o.filter, "filter", "", "show operations whose name has this `text` in it")
		flags.BoolVar(&o.unhealthy, "unhealthy", false, "show only what fails, retries, is rejected or is not closed")
		flags.BoolVar(&o.json, "json", false, "print the console's JSON")
		flags.StringVar(&o.color, "color", "auto", "`when` to use colours: auto (on a terminal, unless NO_COLOR is set), always, never")
		return func(ctx context.Context, args []string) int { return o.run(ctx, args, io) }
	},
}

type topOptions struct {
	every               time.Duration
	n                   int
	sort, filter, color string
	unhealthy, json     bool
}

func (o topOptions) run(ctx context.Context, args []string, io streams) int {
	client, err := consoleAt(args)
	if err != nil {
		return misused(io, "top", err)
	}
	defer client.Close()
	sort, err := live.ParseSort(o.sort)
	if err != nil {
		return misused(io, "top", err)
	}
	colours, err := terminal.For(io.out, o.color, os.Getenv)
	if err != nil {
		return misused(io, "top", err)
	}
	if o.every < 100*time.Millisecond || o.n < 0 {
		return misused(io, "top", errors.New("-every must be 100ms or more, and -n not negative"))
	}
	view := live.View{Sort: sort, Filter: o.filter, Unhealthy: o.unhealthy}
	out, isFile := io.out.(*os.File)
	if !isFile || o.json || o.n > 0 || os.Getenv("TERM") == "dumb" || !live.IsTerminal(out, os.Stdin) {
		return o.print(ctx, client, view, io)
	}
	screen := &live.Screen{View: view, Address: client.Address(), Colours: colours}
	if err := screen.Run(ctx, client, o.every, out, os.Stdin); err != nil {
		fmt.Fprintf(io.err, "clad top: %v\n", err)
		return misuse
	}
	return ok
}

// print prints states as lines. What can't be asked is told, and asked again: an
// application that is being deployed comes back.
func (o topOptions) print(ctx context.Context, client *live.Client, view live.View, io streams) int {
	for n := 1; ; n++ {
		code := ok
		state, body, err := client.State(ctx)
		switch {
		case ctx.Err() != nil:
			return ok
		case err != nil:
			fmt.Fprintf(io.err, "clad top: %v\n", err)
			code = misuse
		case o.json:
			_, err = fmt.Fprintf(io.out, "%s\n", printable.JSON(bytes.ReplaceAll(body, []byte("\n"), nil)))
		default:
			var page bytes.Buffer
			if n > 1 {
				page.WriteString("\n")
			}
			view.Print(&page, state)
			_, err = io.out.Write(page.Bytes())
		}
		if code == ok && err != nil || n == o.n {
			return code // nobody reads on, or all was said
		}
		select {
		case <-time.After(o.every):
		case <-ctx.Done():
			return ok
		}
	}
}

// consoleAt returns a client of the console at the one argument.
func consoleAt(args []string) (*live.Client, error) {
	if len(args) != 1 {
		return nil, errors.New("it takes one URL, that of the console: http://localhost:8080/clad/")
	}
	return live.NewClient(args[0])
}
