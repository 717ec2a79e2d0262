package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/cladgo/clad/cmd/clad/internal/live"
	"github.com/cladgo/clad/internal/printable"
)

var statusCommand = command{
	name:    "status",
	summary: "say what is wrong with an application's dependencies, for scripts",
	usage:   "status [flags] URL",
	help: `
Status asks the console of a running application, and prints a line for each thing
that is wrong: services that are down, circuit breakers that are not closed, what
somebody has forced, bulkheads before which calls wait, a store that is away, a
profile that could not be reloaded. URL is where the application serves
console.Handler.

  clad status http://localhost:8080/clad/
  clad status -q localhost:8080/clad || page-somebody
  clad status -v localhost:8080/clad

It exits with 0 where nothing critical is down, with 1 where a service is that the
profile calls critical, and with 2 where the console can't be asked.
`,
	prepare: func(flags *flag.FlagSet, io streams) func(context.Context, []string) int {
		quiet := flags.Bool("q", false, "print nothing but what is critical")
		verbose := flags.Bool("v", false, "print every limit too: rates, bulkheads, partitions, what is shared and with how many")
		asJSON := flags.Bool("json", false, "print one JSON object: {\"ready\", \"troubles\": [{\"critical\", \"text\"}], \"facts\": [text]}")
		return func(ctx context.Context, args []string) int { return status(ctx, args, *quiet, *verbose, *asJSON, io) }
	},
}

func status(ctx context.Context, args []string, quiet, verbose, asJSON bool, io streams) int {
	client, err := consoleAt(args)
	if err != nil {
		return misused(io, "status", err)
	}
	defer client.Close()
	state, _, err := client.State(ctx)
	if err != nil {
		fmt.Fprintf(io.err, "clad status: %v\n", err)
		return misuse
	}
	code := ok
	troubles := []live.Trouble{}
	for _, trouble := range live.Troubles(state) {
		if trouble.Critical {
			code = failed
		}
		if trouble.Critical || !quiet {
			troubles = append(troubles, trouble)
		}
	}
	switch {
	case asJSON:
		text, err := json.Marshal(struct {
			Ready    bool           `json:"ready"`
			Troubles []live.Trouble `json:"troubles"`
			Facts    []string       `json:"facts"`
		}{state.Ready, troubles, live.Facts(state)})
		if err != nil {
			fmt.Fprintf(io.err, "clad status: %v\n", err)
			return misuse
		}
		fmt.Fprintf(io.out, "%s\n", printable.JSON(text))
	case len(troubles) == 0 && !quiet:
		fmt.Fprintf(io.out, "ok: %d services, %d circuit breakers, all closed\n", len(state.Services), len(state.CircuitBreakers))
	}
	if !asJSON {
		for _, trouble := range troubles {
			fmt.Fprintln(io.out, trouble)
		}
		if verbose {
			for _, fact := range live.Facts(state) {
				fmt.Fprintln(io.out, fact)
			}
		}
	}
	return code
}
